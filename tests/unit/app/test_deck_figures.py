"""Money, ratios and odd numbers: never wider than asked, never silent about a NaN."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deck.figures import amount, basis_points, left, micros, millis, money, percent, reading, signed_money
from app.deck.table import Column, shown, window

SECOND = 10**9


@pytest.mark.parametrize(
    ("value", "digits", "width", "text"),
    [
        (421_250, 2, 14, "4,212.50"), (421_250, 2, 8, "4,212.50"), (421_250, 2, 7, "4,213"), (421_250, 2, 4, "4212"),
        (-421_250, 2, 14, "-4,212.50"), (5, 2, 9, "0.05"), (0, 2, 9, "0.00"), (123, 0, 9, "123"),
        (4_212_505_000, 6, 14, "4,212.51"), (-1, 6, 9, "-0.00"), (10**30, 2, 9, "1.0e28"),
    ],
)  # fmt: skip
def test_money(value: int, digits: int, width: int, text: str) -> None:
    assert money(value, digits, width) == text


def test_money_has_a_sign_where_it_moves() -> None:
    assert [signed_money(value, 2) for value in (250, -250, 0)] == ["+2.50", "-2.50", "0.00"]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 9), st.integers(4, 16))
def test_money_fits(value: int, digits: int, width: int) -> None:
    text = signed_money(value, digits, width)
    assert len(text) <= width
    assert (text[0] == "-") == (value < 0)


@given(st.floats(), st.integers(4, 9))
def test_any_number_fits(value: float, width: int) -> None:
    assert 0 < len(amount(value, width)) <= width


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (412.0, "412"),
        (0.061, "0.06"),
        (1130.5, "1130"),
        (4e6, "4.00M"),
        (math.nan, "--"),
        (math.inf, "inf"),
        (-3, "-3"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    assert amount(value, 5) == text


def test_ratios_and_times() -> None:
    assert [percent(value) for value in (0.824, 1.04, math.nan, 1e9, -1e9)] == ["82%", "104%", "--", ">999%", "<-999%"]
    assert [reading(value) for value in (0.41, -12.5, 1e7, math.nan, -math.inf)] == [
        "+0.410", "-12.5", "+10.00M", "--", "-inf"
    ]  # fmt: skip
    assert basis_points(2.13) == "+2.130 bps"
    assert basis_points(math.nan) == "--"
    assert [micros(value) for value in (8, 1_234, 250_000, 3.4e6, 1e12, math.nan, -1)] == [
        "8us", "1.2ms", "250ms", "3.4s", "long", "--", "--"
    ]  # fmt: skip
    assert [millis(value) for value in (12.44, 12_000.0, math.nan)] == ["12.4 ms", "12 s", "--"]
    assert [left(value) for value in (221 * SECOND + 5, 5, 0, -SECOND)] == ["3m41s", "<1s", "over", "over"]


def test_columns_are_dropped_by_rank_and_the_rest_is_taken() -> None:
    columns = (Column("a", "A", 4), Column("b", "B", 4, rank=2), Column("c", "C", 4, rank=1, rest=True))
    assert [(column.name, cells) for column, cells in shown(columns, 20)] == [("a", 4), ("b", 4), ("c", 9)]
    assert [(column.name, cells) for column, cells in shown(columns, 14)] == [("a", 4), ("c", 8)]
    assert [(column.name, cells) for column, cells in shown(columns, 6)] == [("a", 5)]


def test_the_chosen_row_stays_in_sight_with_the_least_movement() -> None:
    assert window(100, 10, -1, 0) == 0
    assert window(100, 10, 12, 0) == 3
    assert window(100, 10, 12, 5) == 5
    assert window(100, 10, 2, 5) == 2
    assert window(3, 10, -1, 50) == 0
