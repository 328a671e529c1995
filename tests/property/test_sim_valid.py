"""Whatever the profile and the seed: every message is possible in a price-time book written down plainly."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile

DEFAULT, DENSE = MarketProfile.default(), MarketProfile.named("dense")


class PlainBook:
    """Orders in dicts; refuses whatever a real venue could not have sent."""

    def __init__(self) -> None:
        self.orders: dict[int, list[int]] = {}  # id -> [side, price, left], oldest first
        self.levels: dict[int, dict[int, dict[int, None]]] = {Side.BID: {}, Side.ASK: {}}  # side -> price -> queue
        self.used: set[int] = set()

    def best(self, side: int) -> int:
        return max(self.levels[side]) if side == Side.BID else min(self.levels[side])

    def add(self, order_id: int, side: int, price: int, qty: int) -> None:
        assert order_id not in self.used
        assert qty >= 1
        assert price >= 1
        self.used.add(order_id)
        self.orders[order_id] = [side, price, qty]
        self.levels[side].setdefault(price, {})[order_id] = None

    def remove(self, order_id: int) -> None:
        side, price, _ = self.orders.pop(order_id)
        del self.levels[side][price][order_id]
        if not self.levels[side][price]:
            del self.levels[side][price]

    def apply(self, row: dict[str, int]) -> None:
        action, order_id, qty = row["action"], row["order_id"], row["qty"]
        if action == Action.ADD:
            return self.add(order_id, row["side"], row["price"], qty)
        if action == Action.TRADE:
            assert self.best(Side.BID) <= row["price"] <= self.best(Side.ASK)
            assert qty >= 1
            return None
        if action == Action.STATUS:
            return None
        side, price, left = self.orders[order_id]
        assert row["side"] == side
        if action == Action.REPLACE:
            self.remove(order_id)
            return self.add(row["new_order_id"], side, row["price"], qty)
        assert row["price"] == price
        if action == Action.DELETE:
            assert qty == left
            return self.remove(order_id)
        if action == Action.EXECUTE:
            assert price == self.best(side)
            assert next(iter(self.levels[side][price])) == order_id
        assert 1 <= qty <= left
        assert qty < left or action == Action.EXECUTE
        self.orders[order_id][2] -= qty
        return self.remove(order_id) if qty == left else None


def check(rows: NDArray[np.void]) -> PlainBook:
    book = PlainBook()
    names = rows.dtype.names or ()
    for values in rows.tolist():
        row = dict(zip(names, values, strict=True))
        book.apply(row)
        if row["flags"] & Flag.EVENT_END:
            assert book.best(Side.BID) < book.best(Side.ASK)
    assert len(book.levels[Side.BID]) >= 1
    return book


def rows_of(profile: MarketProfile, seed: int, messages: int, batch: int = 1 << 16) -> NDArray[np.void]:
    return np.concatenate([b.rows for b in SyntheticSource(profile, seed, messages, batch=batch).batches()])


@pytest.mark.jit_only
@pytest.mark.parametrize("profile", [DEFAULT, DENSE])
def test_a_long_day_is_valid(profile: MarketProfile) -> None:
    check(rows_of(profile, 11, 60_000))


@st.composite
def profiles(draw: st.DrawFn) -> MarketProfile:
    """Profiles far from anything that was fitted."""
    share = st.floats(0, 1, width=32)
    weights = [draw(st.floats(0.05, 1)) for _ in range(2)] + [draw(st.floats(0, 1)) for _ in range(4)]
    names = ("add", "delete", "cancel", "execute", "replace", "hidden")
    impact = draw(st.floats(0, 1))
    tail = draw(st.floats(1.01, 16))
    changes: dict[str, Any] = dict(zip(names, (w / sum(weights) for w in weights), strict=True))
    changes |= {
        "open_price": DEFAULT.tick * draw(st.sampled_from((20, 300, 20_000, 10**8))),
        "live_orders": draw(st.sampled_from((64, 300))),
        "full_fill": draw(share),
        "improve": draw(share),
        "spread": draw(st.floats(1, 3000)),
        "spread_swing": draw(st.floats(0, 0.9)),
        "sign_tail": tail,
        "sign_shift": tail - 1 + draw(st.floats(0.001, 50)),
        "sign_noise": draw(share),
        "daily_volatility": draw(st.floats(1e-6, 0.001)),
        "volatility_swing": draw(st.floats(0, 0.9)),
        "activity_swing": draw(st.floats(0, 0.9)),
        "impact_share": impact,
        "jump_share": draw(st.floats(0, 1)) * (1 - impact),
        "jumps_per_day": draw(st.floats(0, 10**6)),
        "bursts": draw(share),
        "fills": tuple(draw(st.lists(st.floats(0.01, 1), min_size=1, max_size=64))),
        "sizes": (draw(st.sampled_from((1, 100, 2**31))), 1, 2),
        "size_weights": (1.0, 0.1, 0.1),
    }
    return replace(draw(st.sampled_from((DEFAULT, DENSE))), **changes)


@settings(max_examples=25)
@given(profile=profiles(), seed=st.integers(-(2**70), 2**70), messages=st.integers(100, 700), batch=st.integers(1, 900))
def test_any_profile_makes_a_valid_day(profile: MarketProfile, seed: int, messages: int, batch: int) -> None:
    rows = rows_of(profile, seed, messages, batch)
    assert len(rows) == messages
    assert (np.diff(rows["ts_event"]) >= 0).all()
    check(rows)
    assert np.array_equal(rows, rows_of(profile, seed, messages))
