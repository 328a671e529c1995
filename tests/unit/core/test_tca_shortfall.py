"""One parent order by hand."""

import numpy as np
import pytest

from core.records import FILL, NO_PRICE
from core.tca.shortfall import Leftover, Marks, NoBenchmark, decompose

NOBODY = np.zeros(0, np.int64)
NONE = np.zeros(0, FILL)


def fill(price: int, qty: int, mid2: int, fee: int = 0, side: int = 1) -> tuple[int, ...]:
    return price, qty, mid2, fee, side


def fills(*rows: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(len(rows), FILL)
    for record, row in zip(out, rows, strict=True):
        record["price"], record["qty"], record["mid2"], record["fee"], record["side"] = row
    return out


def test_a_buy_by_hand() -> None:
    # Decision mid 100, arrival 100.5, end 103. 60 of 100 lots bought: 40 at 102 (mid 101, 100.5 without us) for a fee
    # of 4, and 20 resting at 101 (mid 101.5, 101 without us) for a rebate of 1. One tick of one lot is 10.
    bought = fills(fill(102, 40, 202, 4), fill(101, 20, 203, -1))
    found = decompose(1, 100, bought, np.array([201, 202], np.int64), Marks(200, 201, 206, 10))
    assert found.delay == 100 * 1 * 10
    assert found.spread == (40 * 2 - 20 * 1) * 10
    assert found.impact == (40 * 1 + 20 * 1) * 10
    assert found.timing == (40 * 0 + 20 * 1) * 10
    assert found.fees == 2 * 3
    assert found.opportunity == 40 * 5 * 10
    assert found.total == sum(found.parts) == 1000 + 600 + 600 + 200 + 6 + 2000
    assert found.notional == 100 * 200 * 10
    assert found.bps(found.total) == pytest.approx(4406 / 200_000 * 1e4)
    assert (found.filled, found.fill_rate, found.leftover) == (60, 0.6, Leftover.MID)


def test_a_sell_is_the_mirror_of_a_buy() -> None:
    buy = decompose(1, 5, fills(fill(102, 3, 202, 4)), np.array([201]), Marks(200, 201, 206, 10))
    sell = decompose(-1, 5, fills(fill(-102, 3, -202, 4, -1)), np.array([-201]), Marks(-200, -201, -206, 10))
    assert buy == sell


def test_no_fill_is_all_delay_and_opportunity() -> None:
    found = decompose(-1, 50, NONE, NOBODY, Marks(200, 202, 190, 1))
    assert found.parts == (-100, 0, 0, 0, 0, 600)
    assert found.total == 500
    assert found.fill_rate == 0.0


def test_what_is_left_can_be_marked_at_the_cost_of_completing() -> None:
    paid = 2 * (10 * 103 + 30 * 104)
    found = decompose(1, 40, NONE, NOBODY, Marks(200, 200, 204, 1, paid, 9))
    assert found.opportunity == found.total == paid - 40 * 200 + 18
    assert found.leftover is Leftover.COMPLETE
    assert found.total > decompose(1, 40, NONE, NOBODY, Marks(200, 200, 204, 1)).total


def test_more_than_asked_is_marked_as_sold_again() -> None:
    found = decompose(1, 10, fills(fill(101, 12, 202)), np.array([202]), Marks(202, 202, 200, 1))
    assert found.opportunity == -2 * (200 - 202)
    assert (found.filled, found.fill_rate) == (12, 1.0)


def test_an_unknown_mid_is_not_called_impact() -> None:
    marks = Marks(200, 201, 206, 1)
    both = decompose(1, 1, fills(fill(105, 1, NO_PRICE)), np.array([NO_PRICE]), marks)
    assert (both.spread, both.impact, both.timing, both.unmeasured) == (210 - 201, 0, 0, 1)
    ours = decompose(1, 1, fills(fill(105, 1, NO_PRICE)), np.array([204]), marks)
    assert (ours.spread, ours.impact, ours.timing) == (6, 0, 3)
    theirs = decompose(1, 1, fills(fill(105, 1, 206)), np.array([NO_PRICE]), marks)
    assert (theirs.spread, theirs.impact, theirs.timing) == (4, 0, 5)


@pytest.mark.parametrize(
    ("qty", "marks", "reason"),
    [
        (1, Marks(NO_PRICE, 200, 200, 1), "one side of the book was empty"),
        (1, Marks(200, 200, NO_PRICE, 1), "no mid is known at its end"),
        (1, Marks(0, 200, 200, 1), "no notional"),
        (0, Marks(200, 200, 200, 1), "no notional"),
    ],
)
def test_no_benchmark_is_said(qty: int, marks: Marks, reason: str) -> None:
    with pytest.raises(NoBenchmark, match=reason):
        decompose(1, qty, NONE, NOBODY, marks)
