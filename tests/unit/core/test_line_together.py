"""Several tapes on one clock: each agent sees every market at its own moment, wherever the session was cut."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from core.desk import acts
from core.desk.answers import Answers
from core.desk.desk import Desk
from core.enums import Action
from core.plan import AgentPlan, LatencyModel, LatencyPlan
from core.policies.intent import Intent
from core.policies.shown import View
from tests.oracle.venue_sessions import BUY, SECOND, SELL, Always, by_hand, played, session, stored

ADD, EXECUTE = Action.ADD, Action.EXECUTE


def lines(start: float, gap: float) -> list[tuple[float, Action, int, int, int, int]]:
    """A bid of 500 at 100 that trades away, an ask at 102, a message every `gap` seconds."""
    market = [(start, ADD, BUY, 1, 500, 100), (start, ADD, SELL, 2, 400, 102)]
    return market + [
        (start + gap * (k + 1), EXECUTE, BUY if k % 2 else SELL, 1 + (k + 1) % 2, 3, 100) for k in range(60)
    ]


def works(view: View) -> Iterable[Intent | None]:
    """Python: rests on both sides, later takes it back and takes."""
    if view.now // SECOND % 7 < 5:
        return [] if view.orders else [view.rest(2, 1), view.rest(2, -1)]
    return [view.cancel(one) for one in view.orders] or [view.take(1, 1)]


def made(folder: Path, policies: tuple[str, ...]) -> Desk:
    """A session of as many tapes as policies; "python" is answered for outside of the compiled line."""
    tapes = [stored(by_hand(*lines(0.1 * k, 0.7 + 0.2 * k)), folder / f"{k}.tape") for k in range(len(policies))]
    agents = [
        AgentPlan(f"a{k}", f"t{k}", f"a{k}" if policy == "python" else policy, every=(k + 1) * SECOND)
        for k, policy in enumerate(policies)
    ]
    return session(
        tapes, agents, decides={f"a{k}": Always(works) for k in range(len(policies))}, delays=(10**7, 10**8, 10**7)
    )


@pytest.mark.parametrize(
    "policies", [("python", "python"), ("quote", "python"), ("python", "quote", "python"), ("quote", "quote", "quote")]
)
def test_where_it_is_cut_makes_no_difference(tmp_path: Path, policies: tuple[str, ...]) -> None:
    whole = played(made(tmp_path / "whole", policies))
    assert whole.recorder.counts["events"] > 10
    assert {int(d["instrument"]) for d in whole.recorder.records("decisions") if d["op"]} == set(range(len(policies)))
    for most in (1, 4, 19):
        cut = played(made(tmp_path / f"cut{most}", policies), most)
        assert cut.recorder.digests() == whole.recorder.digests(), most
        cut.close()
    whole.close()


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("tapes", [1, 2])
@pytest.mark.parametrize("asked", [2, 3, 6, 9])
def test_where_an_urgent_command_stops_a_session_can_be_gone_to(
    tmp_path: Path, tapes: int, asked: int, drawn: bool
) -> None:
    """Agents of one rhythm, a feed that moves: what was done before the command is done again at its place."""
    feed = LatencyModel("lognormal" if drawn else "constant", 10**8, 1.0 if drawn else 0.0)
    latency = LatencyPlan(feed, LatencyModel("constant", 10**7), LatencyModel("constant", 10**7))
    stores = [stored(by_hand(*lines(0.1 * k, 0.3 + 0.2 * k)), tmp_path / f"{k}.tape") for k in range(tapes)]

    def fresh() -> Desk:
        agents = [AgentPlan(f"a{k}", f"t{k % tapes}", f"a{k}", every=SECOND) for k in range(4)]
        return session(stores, agents, decides={f"a{k}": Always(works) for k in range(4)}, latency=latency, seed=5)

    stopped, count, give = fresh(), [0], Answers.give

    def counted(self: Answers, *given: Any) -> None:
        count[0] += 1
        give(self, *given)

    vars(stopped.answers)["give"] = counted.__get__(stopped.answers)
    stopped.answers.urgent = lambda: count[0] >= asked
    stopped.advance()
    stopped.answers.urgent = lambda: False
    again = fresh()
    again.go(stopped.place)
    for desk in (stopped, again):
        acts.kill(desk, -1, "test", "me")
        desk.advance()
        desk.close()
    assert count[0] >= asked
    assert again.recorder.digests() == stopped.recorder.digests()
