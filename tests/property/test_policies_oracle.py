"""The compiled policies want what their plain oracle wants, on any view, and never more than they may."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.policies.codes import MEMORY, MOST, Code
from core.policies.settings import SETTINGS, checked, placed
from core.policies.work import decide
from core.records import INTENT, NO_PRICE, OPEN, VIEW
from tests.oracle import policies as oracle

SECOND = 1_000_000_000
START, END = 1_000 * SECOND, 1_600 * SECOND
COMPARED = ("op", "order_id", "side", "qty", "price", "type", "tif", "flags", "stop", "parent")
CODES = {"hold": Code.HOLD, "manual": Code.MANUAL, "twap": Code.TWAP, "vwap": Code.VWAP, "pov": Code.POV, "ac": Code.AC,
         "cj": Code.CJ, "passive": Code.PASSIVE, "quote": Code.QUOTE}  # fmt: skip


@dataclass
class Case:
    """One policy with its settings, and the views it is shown one after another."""

    policy: str
    values: dict[str, float]
    curve: list[float]
    views: list[tuple[dict[str, Any], list[dict[str, Any]]]] = field(default_factory=list)


bids = st.one_of(st.integers(990, 1010), st.just(oracle.EMPTY_BID), st.integers(-(2**31) + 1, 2**31 - 2))
asks = st.one_of(st.integers(995, 1015), st.just(oracle.EMPTY_ASK), st.integers(-(2**31) + 2, 2**31 - 1))
moments = st.one_of(
    st.integers(START // SECOND - 5, END // SECOND + 5).map(lambda s: s * SECOND),
    st.integers(0, 600).map(lambda k: END - k * SECOND // 10),
)


@st.composite
def open_orders(draw: st.DrawFn, side: int, both: bool) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        found.append({
            "order_id": number + 1,
            "leaves": draw(st.integers(1, 60)),
            "ahead": -1,
            "price": draw(st.integers(990, 1012)),
            "ts_sent": START,
            "parent": draw(st.sampled_from([0, 0, 0, -1, 1])),
            "side": draw(st.sampled_from([1, -1])) if both else side,
            "type": draw(st.sampled_from([1, 5])),
            "tif": draw(st.sampled_from([1, 1, 2])),
            "closing": draw(st.sampled_from([0, 0, 1])),
        })  # fmt: skip
    return found


@st.composite
def views(draw: st.DrawFn, policy: str, side: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    orders = draw(open_orders(side, policy == "quote"))
    qty = draw(st.sampled_from([0, 1, 7, 100, 1_000, 999_983]))
    parent = draw(st.sampled_from([0, 0, 0, 0, -1]))
    working = sum(o["leaves"] for o in orders if o["parent"] == parent)
    view = {
        "now": draw(moments), "ts_market": 0, "best_bid": draw(bids), "best_ask": draw(asks), "bid_qty": 5,
        "ask_qty": 5, "last_price": NO_PRICE, "volume": draw(st.integers(400, 100_000)),
        "status": draw(st.sampled_from([0, 2, 2, 2, 3])),
        "position": draw(st.integers(-60, 60)), "parent": parent, "side": side, "qty": qty,
        "filled": draw(st.integers(0, max(qty, 0))), "working": working + draw(st.sampled_from([0, 0, 0, 5])),
        "start": START, "end": END, "limit": draw(st.sampled_from([NO_PRICE, NO_PRICE, 1000, 1003, 0])),
        "start_volume": 500, "takable": draw(st.sampled_from([0, 1, 30, 2_000])), "tick_value": 1, "urgency": 0.5,
        "signal": 0.0, "n_open": len(orders),
    }  # fmt: skip
    return view, orders


@st.composite
def cases(draw: st.DrawFn, policy: str) -> Case:
    known = SETTINGS[policy]
    given_values: dict[str, float] = {}
    choices = {
        "rest": [0, 1], "collar": [0, 5, 1_000_000], "min_child": [1, 1, 30], "max_child": [0, 0, 40],
        "slices": [1, 3, 10, 60], "patience": [0.0, 0.5, 0.8, 1.0], "peg": [0, 1], "offset": [0, 2],
        "post_only": [0, 1], "finish": [0, 4, 30.5],
        "sweep": [0, 0.25, 0.5, 2],
        "rate": [0.1, 0.25, 1.0], "size": [1, 10], "max_position": [10, 50], "retry": [0, 1],
    }  # fmt: skip
    for name in known:
        if name in choices:
            given_values[name] = draw(st.sampled_from(choices[name]))
    steps = draw(st.sampled_from([0, 1, 4, 16]))
    grows = np.cumsum([0.0, *(draw(st.integers(1, 8)) for _ in range(steps))])
    curve = list(grows / grows[-1]) if steps else []
    side = draw(st.sampled_from([1, -1]))
    shown = draw(st.lists(views(policy, side), min_size=1, max_size=4))
    shown.sort(key=lambda one: one[0]["now"])
    return Case(policy, checked(policy, given_values, known), curve, shown)


def compiled(case: Case) -> list[tuple[list[dict[str, int]], NDArray[np.int64]]]:
    memory, params, curve = np.zeros(MEMORY, np.int64), placed(case.values, SETTINGS[case.policy]), np.array(case.curve)
    answers = []
    for view, orders in case.views:
        shown, open_now, out = np.zeros(1, VIEW), np.zeros(12, OPEN), np.zeros(MOST + 2, INTENT)
        out["qty"] = -77
        for name, value in view.items():
            shown[0][name] = value
        for i, order in enumerate(orders):
            for name, value in order.items():
                open_now[i][name] = value
        n = decide(CODES[case.policy], shown[0], open_now, len(orders), params, curve, memory, out[:MOST])
        assert 0 <= n <= MOST
        assert (out["qty"][n:] == -77).all()
        answers.append(([{name: int(one[name]) for name in COMPARED} for one in out[:n]], memory.copy()))
    return answers


def agree(case: Case) -> None:
    memory: dict[str, Any] = {}
    for (found, _), (view, orders) in zip(compiled(case), case.views, strict=True):
        wanted = oracle.decide(case.policy, view, orders, case.values, case.curve, memory)
        assert found == [{name: int(one[name]) for name in COMPARED} for one in wanted[:MOST]]


def within_bounds(case: Case) -> None:
    for (found, memory), (view, orders) in zip(compiled(case), case.views, strict=True):
        known = {o["order_id"]: o for o in orders}
        new = [one for one in found if one["op"] == 1]
        assert all(one["qty"] > 0 and one["side"] in (1, -1) and abs(one["price"]) < 2**31 for one in found)
        for one in found:
            if one["op"] != 1:
                assert not known[one["order_id"]]["closing"]
        cancelled = [one["order_id"] for one in found if one["op"] == 2]
        assert len(set(cancelled)) == len(cancelled)
        assert 0 <= memory[0] <= 20
        if case.policy == "quote":
            continue
        if new:
            assert sum(one["qty"] for one in new) <= max(0, view["qty"] - view["filled"] - view["working"])
        if case.policy == "pov" and new:
            allowed = case.values["rate"] * max(0, view["volume"] - view["start_volume"])
            assert sum(one["qty"] for one in new) + view["filled"] + view["working"] <= allowed + 1e-6
        if view["limit"] != NO_PRICE:
            assert all((one["price"] - view["limit"]) * view["side"] <= 0 for one in new)


sweep = settings(max_examples=100)


@sweep
@given(st.sampled_from(["twap", "vwap", "ac", "cj"]).flatmap(cases))
def test_a_schedule_agrees_with_its_oracle(case: Case) -> None:
    agree(case)
    within_bounds(case)


@sweep
@given(cases("passive"))
def test_resting_agrees_with_its_oracle(case: Case) -> None:
    case.values["rest"] = 1
    agree(case)
    within_bounds(case)


@sweep
@given(cases("pov"))
def test_a_share_of_volume_agrees_with_its_oracle(case: Case) -> None:
    agree(case)
    within_bounds(case)


@sweep
@given(cases("quote"))
def test_a_quote_agrees_with_its_oracle(case: Case) -> None:
    agree(case)
    within_bounds(case)


@settings(max_examples=20)
@given(st.sampled_from(["hold", "manual"]).flatmap(cases))
def test_doing_nothing_does_nothing(case: Case) -> None:
    assert all(found == [] for found, _ in compiled(case))


@settings(max_examples=30)
@given(st.sampled_from(["pov", "passive", "quote"]).flatmap(cases))
def test_the_same_views_give_the_same_intents(case: Case) -> None:
    first, second = compiled(case), compiled(case)
    assert [f for f, _ in first] == [f for f, _ in second]
    assert all((a == b).all() for (_, a), (_, b) in zip(first, second, strict=True))
