"""The parts of a shortfall are what their words say, and sum exactly."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.records import FILL, NO_PRICE
from core.tca.completing import sweep
from core.tca.shortfall import Leftover, Marks, decompose, fill_costs
from tests.oracle.tca import OracleFill, OracleOrder

PRICES = st.integers(-(2**31) + 1, 2**31 - 1)
MIDS = st.one_of(st.integers(-(2**32), 2**32).filter(lambda mid: mid != NO_PRICE), st.just(NO_PRICE))
KNOWN = st.one_of(st.integers(1, 2**32), st.integers(-(2**32), -1)).filter(lambda mid: mid != NO_PRICE)
FILLS = st.lists(
    st.tuples(PRICES, st.integers(1, 2**45), st.sampled_from([1, -1]), st.integers(-(2**40), 2**40), MIDS, MIDS),
    max_size=12,
)


def as_fills(drawn: list[tuple[int, ...]]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """FILL records and the mids without us."""
    fills, without = np.zeros(len(drawn), FILL), np.zeros(len(drawn), np.int64)
    for i, (price, qty, side, fee, mid, other) in enumerate(drawn):
        fills[i]["price"], fills[i]["qty"], fills[i]["side"] = price, qty, side
        fills[i]["fee"], fills[i]["mid2"], without[i] = fee, mid, other
    return fills, without


def half(mid2: int) -> Fraction | None:
    return None if mid2 == NO_PRICE else Fraction(mid2, 2)


@settings(max_examples=300)
@given(FILLS, st.sampled_from([1, -1]), st.integers(1, 2**45), KNOWN, MIDS, KNOWN, st.integers(1, 10**6))
def test_parts_sum_and_agree_with_fractions(
    drawn: list[tuple[int, ...]], side: int, qty: int, decision: int, arrival: int, end: int, value: int
) -> None:
    fills, without = as_fills(drawn)
    found = decompose(side, qty, fills, without, Marks(decision, arrival, end, value))
    assert sum(found.parts) == found.total  # to the last half unit
    begun = half(arrival) if arrival != NO_PRICE else half(decision)
    oracle = OracleOrder(side * qty, value, Fraction(decision, 2), begun, Fraction(end, 2))  # type: ignore[arg-type]
    for price, lots, sign, fee, mid, other in drawn:
        oracle.fills.append(OracleFill(sign * lots, Fraction(price), fee, half(mid), half(other)))
    names = ("delay", "spread", "impact", "timing", "fees", "opportunity")
    assert dict(zip(names, (Fraction(part, 2) for part in found.parts), strict=True)) == oracle.parts()
    assert Fraction(found.total, 2) == oracle.total()
    assert found.unmeasured == sum(NO_PRICE in (mid, other) for *_, mid, other in drawn)


@settings(max_examples=200)
@given(FILLS, st.sampled_from([1, -1]), st.integers(1, 2**45), KNOWN, KNOWN, st.integers(0, 2**60), st.integers(0, 999))
def test_parts_sum_when_the_rest_is_completed(
    drawn: list[tuple[int, ...]], side: int, qty: int, decision: int, arrival: int, complete: int, fee: int
) -> None:
    fills, without = as_fills(drawn)
    marks = Marks(decision, arrival, NO_PRICE, 7, complete, fee)
    found = decompose(side, qty, fills, without, marks)
    assert sum(found.parts) == found.total
    assert found.leftover is Leftover.COMPLETE
    each = fill_costs(fills, without, marks)
    assert [sum(column) for column in zip(*each, strict=True)] == ([*found.parts[1:5]] if each else [])


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 50)), max_size=8), st.integers(0, 500))
def test_sweep_takes_the_levels_in_order(levels: list[tuple[int, int]], lots: int) -> None:
    taken = sweep([price for price, _ in levels], [qty for _, qty in levels], lots)
    flat = [price for price, qty in levels for _ in range(qty)]
    assert [price for price, qty in taken for _ in range(qty)] == flat[:lots]
