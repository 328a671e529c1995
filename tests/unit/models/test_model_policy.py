"""A policy model's actions are orders within the parent order, and a model that fails does nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Op, OrderFlag, OrderType, Rung, Status, TimeInForce
from core.errors import ConfigError, ModelError
from core.features.spec import SPEC
from core.plan import AgentPlan, LimitPlan, SessionPlan, TapePlan
from core.policies.intent import Intent
from core.policies.shown import View
from core.ports import ReadingStatus
from core.records import NO_PRICE, OPEN, VIEW
from models.card import Kind, Says
from models.loading import load_models
from models.policy import PolicyModel
from models.policy_actions import ACTIONS, SLICES, WORDS, finish, slice_of
from models.serving import OnnxModel, load
from tests.encoders.onnx import card_of, linear

SECOND = 10**9
N = len(SPEC)


def view(orders: list[tuple[int, int, bool]] | None = None, features: Any = None, **changes: int) -> View:
    """A buyer of 200 lots at 100 | 105, halfway through; `orders`: leaves, price, closing."""
    record, open_orders = np.zeros(1, VIEW), np.zeros(len(orders or []), OPEN)
    values = {
        "now": 50 * SECOND, "best_bid": 100, "best_ask": 105, "bid_qty": 10, "ask_qty": 10, "last_price": 102,
        "status": Status.TRADING, "parent": 0, "side": 1, "qty": 200, "end": 100 * SECOND, "limit": NO_PRICE,
        "working": sum(leaves for leaves, _, _ in orders or []), "n_open": len(orders or []),
    }  # fmt: skip
    for name, value in (values | changes).items():
        record[0][name] = value
    for number, (one, (leaves, price, closing)) in enumerate(zip(open_orders, orders or [], strict=True), 1):
        one["order_id"], one["leaves"], one["price"], one["closing"] = number, leaves, price, closing
        one["side"], one["type"], one["tif"] = record[0]["side"], OrderType.LIMIT, TimeInForce.DAY
    row = np.zeros(N, np.float32) if features is None else features
    return View(record[0], open_orders, row, SPEC.names)


def done(name: str, seen: View) -> list[Intent]:
    """The intents of an action."""
    return [intent for intent in ACTIONS[name](seen) if intent is not None]


def test_a_slice_is_a_twentieth_and_never_nothing() -> None:
    assert SLICES == 20
    assert [slice_of(view(qty=qty)) for qty in (1, 20, 21, 200)] == [1, 1, 2, 10]
    assert set(WORDS) == set(ACTIONS)


def test_wait_leaves_everything() -> None:
    assert done("wait", view([(10, 95, False)])) == []


@pytest.mark.parametrize(("side", "rest", "improve"), [(1, 100, 101), (-1, 105, 104)])
def test_resting_and_improving(side: int, rest: int, improve: int) -> None:
    for name, price in (("rest", rest), ("improve", improve)):
        (intent,) = done(name, view(side=side))
        assert (intent.op, intent.side, intent.qty, intent.price) == (Op.NEW, side, 10, price)
        assert intent.flags == OrderFlag.POST_ONLY


def test_there_is_no_inside_of_one_tick() -> None:
    (intent,) = done("improve", view(best_ask=101))
    assert intent.price == 100


def test_what_rests_is_kept_moved_or_made_one() -> None:
    assert done("rest", view([(10, 100, False)])) == []
    (moved,) = done("rest", view([(10, 98, False)]))
    assert (moved.op, moved.order_id, moved.price, moved.qty) == (Op.REPLACE, 1, 100, 10)
    (gone,) = done("rest", view([(10, 100, False), (10, 97, False)]))
    assert (gone.op, gone.order_id) == (Op.CANCEL, 2)
    (new,) = done("rest", view([(10, 100, True)]))  # the one there is leaves already
    assert (new.op, new.qty) == (Op.NEW, 10)


def test_an_order_that_is_the_touch_does_not_chase_itself() -> None:
    assert done("improve", view([(10, 100, False)], best_bid=100)) == []


def test_taking() -> None:
    (intent,) = done("take", view())
    assert (intent.qty, intent.tif, intent.price) == (10, TimeInForce.IOC, 110)
    cancels = done("take", view([(195, 100, False)]))
    assert [one.op for one in cancels] == [Op.CANCEL, Op.NEW]
    assert cancels[1].qty == 5
    assert done("take", view(best_ask=EMPTY_ASK)) == []


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("empty", [{}, {"best_bid": EMPTY_BID}, {"best_ask": EMPTY_ASK}])
def test_nothing_ever_exceeds_what_is_left(name: str, empty: dict[str, int]) -> None:
    for filled in (0, 150, 195, 200):
        for working in ([], [(5, 100, False)], [(5, 99, True), (3, 98, False)]):
            seen = view(working, filled=filled, **empty)
            new = [intent for intent in done(name, seen) if intent.op == Op.NEW]
            assert sum(intent.qty for intent in new) <= seen.room
            assert all(intent.qty > 0 for intent in new)


def test_a_limit_is_kept() -> None:
    (intent,) = done("improve", view(limit=99))
    assert intent.price == 99
    assert done("take", view(limit=104)) == []


def test_the_end_takes_everything() -> None:
    intents = [intent for intent in finish(view([(50, 100, False), (10, 99, True)])) if intent is not None]
    assert [(one.op, one.qty) for one in intents] == [(Op.CANCEL, 50), (Op.NEW, 140)]


def policy_file(folder: Path, actions: tuple[str, ...] = ("wait", "rest", "take"), **changes: Any) -> Path:
    """A policy that waits unless the spread is wide (rests) or time runs out (takes)."""
    weights = np.zeros((N, len(actions)), np.float32)
    weights[SPEC.index("spread"), 1], weights[SPEC.index("time_left"), -1] = 1, -2
    rows = np.random.default_rng(1).normal(size=(2, N)).astype(np.float32)
    data = linear(weights)
    says = Says("ticks", -1e4, 1e4, actions)
    card = card_of(data, rows, rows @ weights, name="p", kind="policy", says=says, **changes)
    path = folder / "p.onnx"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(card.text())
    return path


def test_the_best_action_becomes_orders(tmp_path: Path) -> None:
    policy = PolicyModel(load(policy_file(tmp_path), Kind.POLICY)).policy({}, None)
    row = np.zeros(N, np.float32)
    assert list(policy.decide(view(features=row))) == []
    row[SPEC.index("spread")] = 5
    (intent,) = policy.decide(view(features=row))
    assert (intent.price, intent.why) == (100, "the model rests a slice at the touch")
    row[:] = 0
    row[SPEC.index("time_left")] = -1
    (intent,) = policy.decide(view(features=row))
    assert intent.tif == TimeInForce.IOC
    assert policy.reading is not None
    assert policy.reading.status is ReadingStatus.OK


def test_at_the_end_the_model_is_not_asked(tmp_path: Path) -> None:
    policy = PolicyModel(load(policy_file(tmp_path))).policy({}, None)
    for now in (30, 40, 50, 55, 60):
        assert list(policy.decide(view(now=now * SECOND))) == []
    (intent,) = policy.decide(view(now=86 * SECOND))  # three turns of 26 s are no longer left
    assert (intent.qty, intent.why) == (200, "the window ends: crosses what is left")
    fresh = PolicyModel(load(policy_file(tmp_path))).policy({}, None)
    fresh.decide(view(now=94 * SECOND))
    (intent,) = fresh.decide(view(now=95 * SECOND))
    assert intent.qty == 200
    assert fresh.reading is None


def test_a_model_that_cannot_answer_does_nothing(tmp_path: Path) -> None:
    policy = PolicyModel(load(policy_file(tmp_path))).policy({}, None)
    row = np.full(N, np.nan, np.float32)
    assert list(policy.decide(view(features=row))) == []
    assert policy.reading is not None
    assert policy.reading.status is ReadingStatus.NOT_FINITE


@pytest.mark.parametrize("changes", [{"parent": -1}, {"status": Status.HALTED}])
def test_there_is_not_always_something_to_decide(tmp_path: Path, changes: dict[str, int]) -> None:
    policy = PolicyModel(load(policy_file(tmp_path))).policy({}, None)
    assert list(policy.decide(view(**changes))) == []
    assert policy.reading is None


def test_actions_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown action 'leap'; there are wait, rest, improve, take"):
        PolicyModel(load(policy_file(tmp_path, ("wait", "leap", "take"))))


def test_a_model_has_no_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no setting 'patience'"):
        PolicyModel(load(policy_file(tmp_path))).policy({"patience": 1.0}, None)


def session(**agent: str) -> SessionPlan:
    """One agent."""
    plan = AgentPlan("a", "t", "twap")
    return SessionPlan("s", (TapePlan("t", Path("t")),), (replace(plan, **agent),), LimitPlan(), rung=Rung.LATENCY)


def test_the_models_of_a_session(tmp_path: Path) -> None:
    policy_file(tmp_path)
    found = load_models(session(policy="onnx:p.onnx", signal="onnx:touch_signal"), tmp_path)
    assert isinstance(found["onnx:p.onnx"], PolicyModel)
    assert isinstance(found["onnx:touch_signal"], OnnxModel)
    assert load_models(session(), tmp_path) == {}
    for wrong in ({"signal": "onnx:p.onnx"}, {"policy": "onnx:touch_signal"}, {"policy": "onnx:absent"}):
        with pytest.raises(ModelError):
            load_models(session(**wrong), tmp_path)
    with pytest.raises(ModelError, match="as a signal and as a policy"):
        load_models(session(policy="onnx:touch_signal", signal="onnx:touch_signal"), tmp_path)
