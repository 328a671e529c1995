"""The compiled policies by example, and whole parent orders worked in a small market with late answers."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Op, OrderType, Side, Status, TimeInForce
from core.policies.builtin import ac, cj, hold, manual, passive, pov, quote, twap, vwap
from core.policies.codes import LAST_WHY, MEMORY, MOST, Code, Why
from core.policies.port import Compiled, ParentContext
from core.policies.work import decide
from core.records import INTENT, NO_PRICE, OPEN, VIEW

SECOND = 1_000_000_000
USUAL = {
    "best_bid": 1000, "best_ask": 1002, "bid_qty": 50, "ask_qty": 50, "status": Status.TRADING, "parent": 0, "side": 1,
    "qty": 1000, "start": 0, "end": 600 * SECOND, "limit": NO_PRICE, "now": 300 * SECOND,
}  # fmt: skip


class Asked:
    """One agent's policy, asked again and again with the same memory."""

    def __init__(self, policy: Compiled) -> None:
        self.policy, self.memory = policy, np.zeros(MEMORY, np.int64)
        self.out = np.zeros(MOST, INTENT)

    def __call__(self, *orders: dict[str, int], **view: int) -> list[np.void]:
        shown, open_now = np.zeros(1, VIEW), np.zeros(16, OPEN)
        for name, value in {**USUAL, **view}.items():
            shown[0][name] = value
        for i, order in enumerate(orders):
            for name, value in {"leaves": 10, "price": 1000, "side": 1, "type": 1, "tif": 1, **order}.items():
                open_now[i][name] = value
        if "working" not in view:
            shown[0]["working"] = open_now["leaves"].sum()
        n = decide(
            self.policy.code,
            shown[0],
            open_now,
            len(orders),
            self.policy.params,
            self.policy.curve,
            self.memory,
            self.out,
        )
        return list(self.out[:n].copy())

    @property
    def why(self) -> Why:
        return Why(int(self.memory[LAST_WHY]))


def context(**more: Any) -> ParentContext:
    return ParentContext(**{"side": 1, "qty": 1000, "start": 0, "end": 600 * SECOND, **more})


def taking(**settings: float) -> Asked:
    return Asked(twap({"slices": 600, **settings}, context()))


def resting(**settings: float) -> Asked:
    return Asked(passive({"slices": 10, "patience": 0.8, "peg": 0, **settings}, context()))


@pytest.mark.parametrize(("make", "why"), [(hold, Why.NOTHING), (manual, Why.MANUAL)])
def test_hold_and_manual_do_nothing(make, why: Why) -> None:
    asked = Asked(make({}, context()))
    assert asked({"order_id": 1}) == []
    assert asked.why == why


def test_twap_takes_what_is_due_within_its_collar() -> None:
    asked = taking(collar=3)
    (one,) = asked(filled=450)
    assert (one["op"], one["side"], one["qty"], one["price"]) == (Op.NEW, Side.BID, 50, 1005)
    assert (one["type"], one["tif"], one["parent"], one["why"]) == (OrderType.LIMIT, TimeInForce.IOC, 0, Why.BEHIND)
    (other,) = asked(filled=450, side=-1)
    assert (other["side"], other["price"]) == (Side.ASK, 997)
    assert asked(filled=500) == []
    assert asked.why == Why.ON_SCHEDULE
    assert asked({"order_id": 1, "tif": 2, "leaves": 50}, filled=450) == []  # it is on its way
    assert asked(filled=1000) == []
    assert asked.why == Why.COMPLETE


def test_slices_are_taken_in_their_middle() -> None:
    asked = taking(slices=4, finish=0)
    due = [
        sum(one["qty"] for one in asked(now=second * SECOND))
        for second in (0, 74, 75, 224, 225, 374, 375, 524, 525, 599)
    ]
    assert due == [0, 0, 250, 250, 500, 500, 750, 750, 1000, 1000]


def test_boundaries_are_not_missed_by_rounding() -> None:
    asked = Asked(twap({"slices": 7, "finish": 0}, context(end=21 * SECOND)))
    for k in range(7):  # the middle of slice k is 3 k + 1.5 s
        due = sum(one["qty"] for one in asked(now=3 * k * SECOND + 3 * SECOND // 2, end=21 * SECOND, qty=700))
        assert due == 100 * (k + 1)


def test_the_smallest_child_waits_unless_it_is_the_last() -> None:
    asked = taking(min_child=40)
    assert asked(filled=461) == []
    assert asked.why == Why.TOO_SMALL
    assert asked(filled=460)[0]["qty"] == 40
    assert asked(filled=995, now=598 * SECOND)[0]["qty"] == 5


def test_a_child_has_a_most() -> None:
    assert taking(max_child=30)(filled=0)[0]["qty"] == 30


def test_a_child_takes_half_of_what_the_book_shows_unless_told_otherwise() -> None:
    asked = taking()
    assert asked(filled=0, takable=100)[0]["qty"] == 50
    assert asked(filled=0, takable=1)[0]["qty"] == 1
    assert asked(filled=480, takable=100)[0]["qty"] == 20  # no more than is due
    assert asked(filled=0, takable=100, now=599 * SECOND)[0]["qty"] == 99  # the last stretch
    assert asked(filled=0, takable=1, now=599 * SECOND)[0]["qty"] == 1
    assert taking(sweep=0.25)(filled=0, takable=100)[0]["qty"] == 25
    assert taking(sweep=0)(filled=0, takable=100)[0]["qty"] == 500
    assert taking(min_child=80)(filled=0, takable=100)[0]["qty"] == 80
    assert taking(max_child=30)(filled=0, takable=100)[0]["qty"] == 30
    rests = resting(sweep=0.1)(filled=0, takable=100, now=0)
    assert rests[0]["tif"] == TimeInForce.DAY and rests[0]["qty"] > 10  # what rests sweeps nothing


@pytest.mark.parametrize(("settings", "shown"), [({}, 100), ({"max_child": 50, "sweep": 0}, 9_999)])
def test_what_has_to_be_taken_does_not_rest_meanwhile(settings: dict[str, float], shown: int) -> None:
    """500 lots are due and 50 are taken: the other 450 wait for the next decision, only the slice's own rest."""
    asked = resting(**settings)
    first = [(TimeInForce(one["tif"]), int(one["qty"])) for one in asked(filled=0, takable=shown)]
    assert first[0] == (TimeInForce.IOC, 50) and first[1] == (TimeInForce.DAY, 50 if settings else 100)
    then = asked({"leaves": first[1][1]}, filled=50, takable=shown)
    assert [(Op(one["op"]), TimeInForce(one["tif"]), int(one["qty"])) for one in then][:1] == [
        (Op.NEW, TimeInForce.IOC, 50)
    ]
    assert all(one["op"] == Op.NEW for one in then), "nothing is taken back to be taken"


def test_nothing_beyond_the_limit() -> None:
    asked = taking(collar=5)
    assert asked(limit=1001) == []
    assert asked.why == Why.LIMIT
    assert asked(limit=1003)[0]["price"] == 1003
    assert asked(limit=1001, side=-1) == []
    assert asked(limit=998, side=-1)[0]["price"] == 998
    assert asked(limit=1001, now=599 * SECOND) == []  # not even at the end


@pytest.mark.parametrize(("side", "empty"), [(1, {"best_ask": EMPTY_ASK}), (-1, {"best_bid": EMPTY_BID})])
def test_an_empty_side_is_no_market(side: int, empty: dict[str, int]) -> None:
    asked = taking()
    assert asked(side=side, **empty) == []
    assert asked.why == Why.NO_MARKET


@pytest.mark.parametrize("status", [Status.HALTED, Status.PRE_OPEN, Status.AUCTION, Status.CLOSED, Status.QUOTING])
def test_a_halt_is_waited_for_but_cancels_leave_at_the_end(status: Status) -> None:
    asked = taking()
    assert asked(status=status) == []
    assert asked.why == Why.NOT_TRADING
    (one,) = asked({"order_id": 4}, status=status, now=600 * SECOND)
    assert (one["op"], one["order_id"], one["why"]) == (Op.CANCEL, 4, Why.WINDOW_END)


def test_before_the_start_and_without_a_parent_nothing_happens() -> None:
    asked = taking()
    assert asked(start=301 * SECOND) == []
    assert asked.why == Why.NOT_STARTED
    assert asked(parent=-1) == []
    assert asked(side=0) == []
    assert asked(qty=0) == []


def test_the_end_cancels_once_and_only_its_own() -> None:
    asked = resting()
    mine, closing, other = {"order_id": 1}, {"order_id": 2, "closing": 1}, {"order_id": 3, "parent": -1}
    found = asked(mine, closing, other, now=600 * SECOND)
    assert [int(one["order_id"]) for one in found] == [1]


def test_more_orders_than_intents_are_cancelled_at_the_next_call() -> None:
    asked = resting()
    found = asked(*({"order_id": k} for k in range(1, 13)), now=600 * SECOND)
    assert [int(one["order_id"]) for one in found] == list(range(1, MOST + 1))


def test_passive_rests_what_the_slice_needs_then_crosses_it() -> None:
    asked = resting()
    (one,) = asked(filled=500)  # slice 6 of 10 begins: 100 lots by its end
    assert (one["qty"], one["price"], one["tif"], one["flags"], one["why"]) == (100, 1000, TimeInForce.DAY, 1, Why.REST)
    out = {"order_id": 7, "leaves": 100}
    assert asked(out, filled=500, now=340 * SECOND) == []
    (gone,) = asked(out, filled=500, now=348 * SECOND)  # four fifths of the slice are over
    assert (gone["op"], gone["order_id"], gone["why"]) == (Op.CANCEL, 7, Why.MAKE_ROOM)
    assert asked({**out, "closing": 1}, filled=500, now=350 * SECOND) == []  # still counts as working
    (taken,) = asked(filled=520, now=352 * SECOND)
    assert (taken["qty"], taken["tif"], taken["why"]) == (80, TimeInForce.IOC, Why.SLICE_END)


def test_passive_takes_what_earlier_slices_left_and_rests_the_next() -> None:
    taken, rested = resting()(filled=460)
    assert (taken["qty"], taken["tif"]) == (40, TimeInForce.IOC)
    assert (rested["qty"], rested["tif"]) == (100, TimeInForce.DAY)


def test_room_is_made_only_for_what_is_late() -> None:
    asked = resting()
    orders = [{"order_id": k, "leaves": 20} for k in (1, 2, 3)]
    found = asked(*orders, filled=470)  # 30 late, 70 free up to 600: takes 30, cancels nothing, rests 40 more... of 130
    assert [int(one["op"]) for one in found] == [Op.NEW, Op.NEW]
    assert [int(one["qty"]) for one in found] == [30, 40]
    found = asked(*orders, filled=400, working=200)  # 100 late and nothing free
    assert [int(one["order_id"]) for one in found] == [1, 2, 3]
    found = asked(
        {**orders[0], "closing": 1}, *orders[1:], filled=470, working=130
    )  # 30 late, 20 of them on their way back
    assert [int(one["order_id"]) for one in found] == [2]


def test_a_limit_order_follows_the_touch_and_a_peg_does_it_itself() -> None:
    left = {"order_id": 1, "leaves": 100, "price": 999}
    (one,) = resting()(left, filled=500)
    assert (one["op"], one["why"]) == (Op.CANCEL, Why.MOVED)
    assert resting()({**left, "closing": 1}, filled=500) == []
    assert resting(peg=1)({**left, "type": OrderType.PEG_TOUCH}, filled=500) == []
    assert resting(offset=1)(left, filled=500) == []


def test_a_peg_is_bounded() -> None:
    (one,) = resting(peg=1, offset=2, collar=4)(filled=500)
    assert (one["type"], one["stop"], one["price"]) == (OrderType.PEG_TOUCH, -2, 1006)
    (one,) = resting(peg=1)(filled=500, limit=1001)
    assert one["price"] == 1001
    (one,) = resting(peg=1)(filled=500, side=-1)
    assert one["price"] == 995


def test_resting_alone_in_the_market_stands_next_to_the_other_side() -> None:
    (one,) = resting(peg=1)(filled=500, best_bid=EMPTY_BID)
    assert (one["type"], one["price"]) == (OrderType.LIMIT, 1001)
    assert resting()(filled=500, best_bid=EMPTY_BID, best_ask=EMPTY_ASK) == []


def test_resting_stays_at_the_limit_while_the_market_is_beyond_it() -> None:
    (one,) = resting()(filled=500, limit=990)
    assert (one["price"], one["tif"]) == (990, TimeInForce.DAY)
    (one,) = resting()(filled=400, limit=990, now=599 * SECOND)  # no crossing, not even at the end
    assert (one["qty"], one["price"]) == (600, 990)


def test_more_resting_than_is_due_is_taken_back() -> None:
    found = resting()({"order_id": 1, "leaves": 150}, {"order_id": 2, "leaves": 10}, filled=500)
    assert [(int(one["order_id"]), int(one["why"])) for one in found] == [(1, Why.AHEAD)]


def test_the_last_stretch_crosses_everything() -> None:
    asked = resting(finish=60)
    (gone,) = asked({"order_id": 1, "leaves": 100}, filled=850, now=540 * SECOND, working=150)
    assert gone["op"] == Op.CANCEL
    (taken,) = asked(filled=850, now=541 * SECOND)
    assert (taken["qty"], taken["why"]) == (150, Why.FINISH)


def test_pov_stays_below_its_share() -> None:
    asked = Asked(pov({"rate": 0.1}, context()))
    assert asked(volume=999, start_volume=0, filled=0)[0]["qty"] == 99
    assert asked(volume=999, start_volume=500, filled=49) == []
    assert asked(volume=100, start_volume=500) == []  # a volume that went back
    assert asked(volume=10**9, start_volume=0, filled=990)[0]["qty"] == 10
    assert asked(volume=999, start_volume=0, now=599 * SECOND, filled=99) == []  # the end is no excuse


def test_pov_rests_until_the_slice_ends() -> None:
    asked = Asked(pov({"rate": 0.1, "rest": 1, "slices": 10, "patience": 0.8, "peg": 0}, context()))
    (one,) = asked(volume=1_000)
    assert (one["qty"], one["tif"]) == (100, TimeInForce.IOC)  # due since the slice began
    found = asked({"order_id": 1, "leaves": 20}, volume=1_500, filled=100, now=310 * SECOND)
    assert [(int(one["qty"]), int(one["tif"])) for one in found] == [(30, TimeInForce.DAY)]
    (gone,) = asked({"order_id": 1, "leaves": 50}, volume=1_500, filled=100, now=350 * SECOND)
    assert gone["op"] == Op.CANCEL


def test_vwap_follows_the_volume_of_earlier_days_and_is_twap_without() -> None:
    volumes = np.array([3.0, 1.0, 1.0, 5.0])
    asked = Asked(vwap({"slices": 600}, context(volumes=volumes)))
    assert asked(now=150 * SECOND)[0]["qty"] == 300
    assert Asked(vwap({"slices": 600}, context()))(now=150 * SECOND)[0]["qty"] == 250


def test_ac_and_cj_are_front_loaded_by_urgency() -> None:
    for make in (ac, cj):
        due = [Asked(make({"slices": 600}, context(urgency=u)))(now=300 * SECOND)[0]["qty"] for u in (0.0, 0.5, 1.0)]
        assert due[0] < due[1] < due[2]
    assert Asked(ac({"slices": 600}, context(urgency=0.0)))(now=300 * SECOND)[0]["qty"] == 500


def test_ac_by_its_own_numbers() -> None:
    known = context(sigma=2.0, rate=50.0, spread=2.0)
    calm, afraid = (ac({"risk_aversion": a, "slices": 600}, known).curve for a in (0.0, 1e-3))
    assert np.abs(calm - np.linspace(0, 1, len(calm))).max() < 1e-9
    assert afraid[100] > 0.6


def test_quote_keeps_one_order_at_each_touch() -> None:
    asked = Asked(quote({"size": 10, "max_position": 20}, None))
    none = {"parent": -1, "side": 0, "qty": 0, "limit": 0}
    bid, ask = asked(**none)
    assert [int(bid[name]) for name in ("side", "qty", "price", "flags", "parent")] == [1, 10, 1000, 1, -1]
    assert [int(ask[name]) for name in ("side", "qty", "price", "flags", "parent")] == [-1, 10, 1002, 1, -1]
    out = [{"order_id": 1, "parent": -1}, {"order_id": 2, "parent": -1, "side": -1, "price": 1002}]
    assert asked(*out, **none) == []
    (moved,) = asked(*out, **none, best_bid=1001)
    assert (moved["op"], moved["order_id"], moved["price"], moved["qty"]) == (Op.REPLACE, 1, 1001, 10)
    assert asked(*out, **none, best_bid=1001) == []  # on its way
    assert asked(*out, **none, best_bid=999) == []
    assert len(asked(*out, **none, best_bid=999, now=301 * SECOND)) == 1  # no answer for a second
    there = {**out[0], "price": 1001}
    assert asked(there, out[1], **none, best_bid=1001, now=301 * SECOND) == []
    (again,) = asked(there, out[1], **none, best_bid=999, now=301 * SECOND)  # answered, so it may ask again
    assert (again["order_id"], again["price"]) == (1, 999)
    (other,) = asked({**out[0], "order_id": 5}, out[1], **none, best_bid=1001, now=301 * SECOND)
    assert other["order_id"] == 5


def test_a_quote_keeps_its_position_bounded() -> None:
    asked = Asked(quote({"size": 10, "max_position": 20}, None))
    none = {"parent": -1, "side": 0, "qty": 0}
    (only,) = asked(**none, position=20)
    assert only["side"] == Side.ASK
    assert [int(o["qty"]) for o in asked(**none, position=15)] == [5, 10]
    assert [int(o["qty"]) for o in asked(**none, position=-15)] == [10, 5]
    bid = {"order_id": 1, "parent": -1}
    gone, _ = asked(bid, **none, position=15)
    assert (gone["op"], gone["order_id"], gone["why"]) == (Op.CANCEL, 1, Why.INVENTORY)
    assert [int(o["op"]) for o in asked(bid, **none, position=10)] == [Op.NEW]  # exactly at the bound if it fills
    assert [int(o["side"]) for o in asked({**bid, "closing": 1}, **none)] == [-1]  # not before the old one has left
    assert asked(**none, best_bid=EMPTY_BID, best_ask=EMPTY_ASK) == []


def test_a_quote_under_a_parent_order_quotes_both_sides_for_itself() -> None:
    asked = Asked(quote({"size": 10, "max_position": 20}, None))
    bid, ask = asked(limit=990)
    assert [int(bid["parent"]), int(ask["parent"])] == [-1, -1]
    assert [int(bid["price"]), int(ask["price"])] == [1000, 1002]
    (gone,) = asked({"order_id": 1, "parent": -1}, {"order_id": 2, "parent": 0}, now=600 * SECOND)
    assert (gone["op"], gone["order_id"]) == (Op.CANCEL, 1)
    assert asked(start=301 * SECOND) == []


class Market:
    """A touch that walks, some volume, and a venue that answers one step later. Nothing else."""

    def __init__(self, seed: int, side: int, qty: int, steps: int, limit: int | None = None, drift: int = 0) -> None:
        self.walk, self.chance = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        self.side, self.qty, self.steps = side, qty, steps
        self.drift = drift
        self.bid, self.spread, self.volume, self.filled = 1000, 2, 0, 0
        self.orders: dict[int, dict[str, int]] = {}
        self.limit, self.cost, self.number, self.late = limit, 0, 0, list[NDArray[np.void]]()

    def view(self, step: int) -> dict[str, int]:
        return {
            "now": step * SECOND, "end": self.steps * SECOND, "best_bid": self.bid, "best_ask": self.bid + self.spread,
            "side": self.side, "qty": self.qty, "filled": self.filled, "volume": self.volume,
            "working": sum(o["leaves"] for o in self.orders.values()),
            "limit": NO_PRICE if self.limit is None else self.limit,
        }  # fmt: skip

    def arrive(self, intents: list[np.void]) -> None:
        """What was sent a step ago meets the market; what is sent now is on its way."""
        for one in self.late:
            self._meet(one)
        self.late = list(intents)
        for one in intents:
            if one["op"] == Op.NEW:
                self.number += 1
                one["order_id"] = self.number
                self.orders[self.number] = {
                    "order_id": self.number, "leaves": int(one["qty"]), "price": int(one["price"]), "side": self.side,
                    "type": int(one["type"]), "tif": int(one["tif"]), "parent": int(one["parent"]), "closing": 0,
                }  # fmt: skip
            else:
                self.orders[int(one["order_id"])]["closing"] = 1

    def _meet(self, one: np.void) -> None:
        number = int(one["order_id"])
        if one["op"] == Op.CANCEL:
            self.orders.pop(number, None)
        elif one["tif"] == TimeInForce.IOC:
            order, touch = self.orders.pop(number), self.bid + self.spread if self.side > 0 else self.bid
            if (order["price"] - touch) * self.side >= 0:
                self._fill(min(order["leaves"], int(self.chance.integers(1, 40))), touch)

    def _fill(self, lots: int, price: int) -> None:
        self.filled += lots
        self.cost += lots * price
        self.volume += lots
        assert self.limit is None or (price - self.limit) * self.side <= 0

    def move(self) -> None:
        self.bid += int(self.walk.integers(-1, 2)) + self.drift
        self.spread = int(self.walk.integers(1, 4))
        self.volume += int(self.walk.integers(0, 60))
        own = self.bid if self.side > 0 else self.bid + self.spread
        for number, order in list(self.orders.items()):
            if order["type"] == OrderType.PEG_TOUCH:
                order["price"] = min(own, order["price"]) if self.side > 0 else max(own, order["price"])
            at_touch = (order["price"] - own) * self.side >= 0
            if order["tif"] == TimeInForce.DAY and at_touch and self.chance.random() < 0.2:
                lots = min(order["leaves"], int(self.chance.integers(1, 10)))
                order["leaves"] -= lots
                self._fill(lots, order["price"])
                if order["leaves"] == 0:
                    del self.orders[number]


def worked(market: Market, policy: Compiled) -> list[int]:
    """Work a whole parent order; lots filled after every step. Checks what must hold at every decision."""
    asked, filled = Asked(policy), []
    for step in range(market.steps + 6):
        intents = asked(*market.orders.values(), **market.view(step))
        new = sum(int(one["qty"]) for one in intents if one["op"] == Op.NEW)
        working = sum(o["leaves"] for o in market.orders.values())
        assert new + working + market.filled <= max(market.qty, working + market.filled)
        if step >= market.steps:
            assert new == 0
        market.arrive(intents)
        market.move()
        filled.append(market.filled)
    assert not market.orders
    assert market.filled <= market.qty
    return filled


@pytest.mark.parametrize("name", ["twap", "vwap", "ac", "cj", "passive"])
@pytest.mark.parametrize("rest", [0, 1])
@pytest.mark.parametrize("side", [1, -1])
def test_schedules_complete_and_keep_to_their_curve(name: str, rest: int, side: int) -> None:
    make = {"twap": twap, "vwap": vwap, "ac": ac, "cj": cj, "passive": passive}[name]
    for seed in range(3):
        window = context(side=side, qty=900, end=300 * SECOND, volumes=np.array([2.0, 1.0, 1.0, 3.0]))
        policy = make({"rest": rest, "finish": 30}, window)
        market = Market(seed, side, 900, 300)
        filled = worked(market, policy)
        assert market.filled == 900, (seed, filled[-1])
        curve = policy.curve if len(policy.curve) else np.linspace(0, 1, 2)
        planned = np.interp(np.arange(270) / 300, np.linspace(0, 1, len(curve)), curve) * 900
        assert np.abs(np.array(filled[:270]) - planned).max() < (200 if rest else 80)


@pytest.mark.parametrize("rest", [0, 1])
@pytest.mark.parametrize("peg", [0, 1])
def test_pov_is_never_above_its_rate(rest: int, peg: int) -> None:
    policy = pov({"rate": 0.2, "rest": rest, "peg": peg}, context(end=300 * SECOND))
    market = Market(11, 1, 10**6, 300)
    asked = Asked(policy)
    for step in range(300):
        intents = asked(*market.orders.values(), **market.view(step))
        new = sum(int(one["qty"]) for one in intents if one["op"] == Op.NEW)
        working = sum(o["leaves"] for o in market.orders.values())
        assert not new or new + working + market.filled <= 0.2 * market.volume
        market.arrive(intents)
        market.move()
    assert market.filled > 0.1 * market.volume


@pytest.mark.parametrize("rest", [0, 1])
def test_a_limit_holds_to_the_end_and_what_is_left_is_cancelled(rest: int) -> None:
    market = Market(3, 1, 900, 120, limit=1020, drift=1)
    worked(market, twap({"rest": rest, "finish": 12}, context(qty=900, end=120 * SECOND)))
    assert 0 < market.filled < 500


def test_resting_pays_less_than_taking() -> None:
    paid = []
    for make in (twap, passive):
        market = Market(21, 1, 600, 400)
        worked(market, make({}, context(qty=600, end=400 * SECOND)))
        paid.append(market.cost / market.filled)
    assert paid[1] < paid[0]


def test_every_code_has_its_own_number() -> None:
    made = [make({}, context()).code for make in (hold, manual, twap, vwap, ac, cj, pov, passive, quote)]
    assert made == [code for code in Code if code != Code.OUTSIDE]
