"""Ticks, lots and the digits they are written with."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instrument import Instrument, digits, nice_step


@pytest.mark.parametrize(
    ("step", "expected"),
    [("0.01", 2), ("0.0100", 2), ("1", 0), ("100", 0), ("1E+2", 0), ("0.25", 2), ("1E-8", 8), ("0", 0), ("0.000", 0)],
)
def test_digits_counts_the_decimals_that_matter(step: str, expected: int) -> None:
    assert digits(Decimal(step)) == expected


@given(exponent=st.integers(-12, 6), step=st.integers(1, 10**6), ticks=st.integers(-(2**31), 2**31 - 1))
def test_any_price_is_written_exactly_with_the_digits_of_its_tick(exponent: int, step: int, ticks: int) -> None:
    tick = Decimal(step).scaleb(exponent)
    price = tick * ticks
    assert Decimal(f"{price:.{digits(tick)}f}") == price


def test_instrument_prices_and_quantities_are_exact() -> None:
    it = Instrument("XYZ", "TEST", "2024-01-02", tick=Decimal("0.025"), lot=Decimal("0.001"))
    assert it.price(3) == Decimal("0.075")
    assert it.price(-40) == Decimal(-1)
    assert it.quantity(2**40) == Decimal(2**40) / 1000
    assert (it.price_digits, it.quantity_digits) == (3, 3)
    assert it.timezone == "UTC"


@pytest.mark.parametrize(
    ("divisor", "cap", "expected"),
    [
        (100, 100, 100),
        (100, 99, 50),
        (100, 30, 25),
        (100, 24, 20),
        (25, 1000, 25),
        (250, 1000, 250),
        (75, 1000, 25),
        (7, 1000, 1),
        (1, 1000, 1),
        (40, 1000, 20),
        (2, 1000, 2),
        (5, 4, 1),
        (10**9, 10**6, 10**6),
        (0, 1000, 1000),  # every price equal: the cap itself, where it is a nice number
    ],
)
def test_nice_step_by_example(divisor: int, cap: int, expected: int) -> None:
    assert nice_step(divisor, cap) == expected


def _nice_numbers(cap: int) -> list[int]:
    twice = [m * 10**e for e in range(20) for m in (2, 4, 5, 10)]  # 1, 2, 2.5 and 5 times 10**e, doubled
    return [number // 2 for number in twice if number % 2 == 0 and number // 2 <= cap]


@given(factor=st.sampled_from(_nice_numbers(10**7)), times=st.integers(1, 10**4), cap=st.integers(1, 10**7))
def test_nice_step_is_the_largest_nice_divisor(factor: int, times: int, cap: int) -> None:
    divisor = factor * times
    assert nice_step(divisor, cap) == max(n for n in _nice_numbers(cap) if divisor % n == 0)
