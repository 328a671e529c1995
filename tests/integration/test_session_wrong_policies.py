"""A policy that goes wrong is stopped by itself: the others go on, nothing is lost, the books add up."""

import math
from typing import Any

import numpy as np
import pytest

from core.enums import AgentState, EventKind, Op, Reason, Rung
from core.policies.intent import Intent
from core.policies.shown import View
from core.tape.tape import Tape
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import SECOND, Always, events_of, played, rows_of, session, stored


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A synthetic market of a few minutes."""
    codes = np.random.default_rng(3).integers(0, TAPE_CODE, (200, len(TAPE_CODE))).tolist()
    return stored(rows_of(tape_of(codes), 100_000_000), tmp_path_factory.mktemp("tape") / "m.tape")


def buys(view: View) -> Intent | None:
    """One lot, at what is asked."""
    return view.take(1, 1, collar=20)


def _raises(view: View) -> Intent | None:
    raise RuntimeError("no idea")


def _hangs(view: View) -> Intent | None:
    while True:
        pass


def _answer(qty: Any, price: Any) -> Any:
    return lambda view: Intent(Op.NEW, 1, qty, price)


class Own(BaseException):
    """What only this policy raises."""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), SystemExit(3), Own("x")], ids=repr)
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_a_policy_raises_is_told_by_its_name(market: Tape, error: BaseException) -> None:
    def step(view: View) -> Intent | None:
        raise error

    desk = played(session([market], {"bad": Always(step), "good": Always(buys)}, every=5 * SECOND))
    assert (0, Reason.POLICY_RAISED, AgentState.UNHEALTHY) in events_of(desk, EventKind.AGENT)
    assert any(words.startswith(type(error).__name__) for agent, words in desk.answers.troubles if agent == 0)
    assert int(desk.account.position[1, 0]) > 5


@pytest.mark.parametrize(("step", "reason"), [(_raises, Reason.POLICY_RAISED), (_hangs, Reason.POLICY_LATE)])
def test_a_policy_that_fails_is_paused_and_the_others_go_on(market: Tape, step: Any, reason: Reason) -> None:
    desk = played(session([market], {"bad": Always(step), "good": Always(buys)}, every=5 * SECOND, budget_ms=300.0))
    assert desk.state(0) == AgentState.UNHEALTHY
    assert (0, reason, AgentState.UNHEALTHY) in events_of(desk, EventKind.AGENT)
    assert int(desk.account.position[0, 0]) == 0
    assert int(desk.account.position[1, 0]) > 5


@pytest.mark.parametrize(
    "step", [_answer(math.nan, 1000), _answer(-5, 1000), _answer(0, 1000), _answer(1, math.nan), _answer(2**70, 1000)]
)
def test_an_answer_that_cannot_be_is_no_order_and_is_told(market: Tape, step: Any) -> None:
    desk = played(session([market], {"bad": Always(step), "good": Always(buys)}, every=5 * SECOND))
    orders = desk.recorder.records("orders")
    assert not (orders["agent"] == 0).any()
    assert int(desk.account.position[1, 0]) > 5
    told = events_of(desk, EventKind.MODEL) + events_of(desk, EventKind.DENIED)
    assert told


@pytest.mark.parametrize("rung", [Rung.QUEUE, Rung.LATENCY, Rung.REACTIVE])
@pytest.mark.parametrize("delays", [(0, 0, 0), (400_000_000, 900_000_000, 300_000_000)])
def test_where_a_session_is_cut_makes_no_difference(market: Tape, rung: Rung, delays: tuple[int, int, int]) -> None:
    def both(view: View) -> list[Intent | None]:
        return [view.cancel(one) for one in view.orders] or [view.rest(3, 1), view.rest(2, -1), view.take(1, 1)]

    digests = []
    for most in (None, 1, 7, 64):
        desk = played(session([market], {"a": Always(both)}, rung, delays=delays, every=3 * SECOND), most)
        digests.append(desk.recorder.digests())
    assert all(one == digests[0] for one in digests)
