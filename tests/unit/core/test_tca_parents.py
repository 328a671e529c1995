"""Parent orders are drawn fairly, and the same again."""

import numpy as np
import pytest

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.errors import ConfigError
from core.plan import ParentPlan
from core.records import NO_PRICE
from core.tca.market import SAMPLE, TOUCH, Market
from core.tca.parents import Wanted, as_plan, block_length, draw

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def market(minutes: int, volume: int = 10_000, gap: tuple[int, int] = (0, 0), first: int = 7) -> Market:
    """A quiet market of some minutes, without a bid from minute gap[0] to gap[1]."""
    touch = np.array(
        [(0, first, EMPTY_BID, EMPTY_ASK), (1, first, 99, 101), (2, first + gap[0] * MINUTE, EMPTY_BID, 101),
         (3, first + gap[1] * MINUTE, 99, 101)], TOUCH,
    )  # fmt: skip
    traded = np.array([0, volume])
    last = first + minutes * MINUTE
    return Market(first, last, touch, SECOND, np.zeros(0, SAMPLE), np.array([first]), traded, traded)


def test_the_same_again_and_another_seed_another() -> None:
    wanted = Wanted(50, MINUTE, 7, qty=100)
    one = draw([market(60)], wanted)
    assert (one == draw([market(60)], wanted)).all()
    assert (one["start"] != draw([market(60)], Wanted(50, MINUTE, 8, qty=100))["start"]).any()


@pytest.mark.parametrize("orders", [1, 2, 7, 200])
@pytest.mark.parametrize("tapes", [1, 3])
def test_sides_are_balanced_and_windows_fit(orders: int, tapes: int) -> None:
    markets = [market(60 + 10 * k) for k in range(tapes)]
    found = draw(markets, Wanted(orders, 10 * MINUTE, 3, qty=5))
    assert abs(int(found["side"].sum())) <= 1
    assert set(found["side"].tolist()) <= {1, -1}
    counts = np.bincount(found["tape"], minlength=tapes)
    assert counts.max() - counts.min() <= 1
    for tape, each in enumerate(markets):
        mine = found[found["tape"] == tape]
        assert (mine["start"] >= each.first_ts).all()
        assert (mine["end"] <= each.last_ts).all()
        assert (np.diff(mine["start"]) >= 0).all()
        for pair in mine["side"][: len(mine) // 2 * 2].reshape(-1, 2) if tapes == 1 else []:
            assert pair.sum() == 0  # neighbours in time
    assert (found["end"] - found["start"] == 10 * MINUTE).all()
    assert found["number"].tolist() == list(range(orders))


def test_starts_are_uniform_and_strata_get_as_many() -> None:
    found = draw([market(100)], Wanted(4000, 10 * MINUTE, 1, qty=1))
    counts, _ = np.histogram(found["start"], 9, (0, 90 * MINUTE))
    assert abs(counts - 4000 / 9).max() < 4 * (4000 / 9) ** 0.5
    spread = draw([market(100)], Wanted(47, 10 * MINUTE, 1, qty=1, strata=9))
    counts, _ = np.histogram(spread["start"] - 7, 9, (0, 90 * MINUTE))
    assert set(counts.tolist()) == {5, 6}


def test_no_order_starts_without_a_mid() -> None:
    gapped = market(100, gap=(20, 60))
    found = draw([gapped], Wanted(300, MINUTE, 1, qty=1))
    assert (gapped.mid2_at(found["start"]) != NO_PRICE).all()
    assert not ((found["start"] > 20 * MINUTE + 7) & (found["start"] < 60 * MINUTE)).any()
    with pytest.raises(ConfigError, match="no two-sided book"):
        draw([market(100, gap=(0, 100))], Wanted(3, MINUTE, 1, qty=1))


def test_blocks_hold_the_windows() -> None:
    assert block_length(390 * MINUTE, 10 * MINUTE) == 390 * MINUTE // 16
    assert block_length(390 * MINUTE, 2 * MINUTE) == 8 * MINUTE
    assert block_length(60 * MINUTE, 10 * MINUTE) == 10 * MINUTE
    found = draw([market(100)], Wanted(300, 10 * MINUTE, 1, qty=1, block=30 * MINUTE))
    assert (found["block"] == (found["start"] - 7) // (30 * MINUTE)).all()
    assert set(found["block"].tolist()) == {0, 1, 2}


def test_quantity_is_fixed_or_a_share_of_the_volume() -> None:
    found = draw([market(60, 10_000), market(60, 500)], Wanted(4, MINUTE, 1, adv_share=0.01))
    assert found["qty"].tolist() == [100, 100, 5, 5]
    with pytest.raises(ConfigError, match="less than one lot"):
        draw([market(60, 20)], Wanted(4, MINUTE, 1, adv_share=0.01))


def test_an_order_becomes_a_plan() -> None:
    order = draw([market(60)], Wanted(1, MINUTE, 1, qty=9))[0]
    plan = as_plan(order, limit=100, urgency=0.2)
    assert plan == ParentPlan(int(order["side"]), 9, int(order["start"]), int(order["end"]), 100, 0.2)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(0, MINUTE, 1, qty=1), "orders must be at least 1"),
        (Wanted(1, 0, 1, qty=1), "window must be at least 1"),
        (Wanted(1, MINUTE, 1, qty=1, strata=0), "strata must be at least 1"),
        (Wanted(1, MINUTE, -1, qty=1), "seed must not be negative"),
        (Wanted(1, MINUTE, 1), "either in lots or a share"),
        (Wanted(1, MINUTE, 1, qty=1, adv_share=0.1), "either in lots or a share"),
        (Wanted(1, MINUTE, 1, qty=0), "at least one lot"),
        (Wanted(1, MINUTE, 1, adv_share=float("nan")), "between 0 and 1"),
        (Wanted(1, MINUTE, 1, adv_share=1.5), "between 0 and 1"),
        (Wanted(1, MINUTE, 1, qty=1, block=MINUTE - 1), "at least as long as the window"),
        (Wanted(1, 61 * MINUTE, 1, qty=1), "lasts 3600 s, and a window of 3660 s does not fit"),
    ],
)
def test_what_cannot_be_drawn_is_said(wanted: Wanted, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        draw([market(60)], wanted)


def test_no_tape_is_said() -> None:
    with pytest.raises(ConfigError, match="at least one tape"):
        draw([], Wanted(1, MINUTE, 1, qty=1))
