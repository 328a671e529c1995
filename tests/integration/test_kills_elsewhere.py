"""Several processes share one kill file: what one of them does counts in the others, and stands in their records."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.account.money import money_scale
from core.desk.acts import DESK
from core.desk.deeds import Act
from core.desk.desk import Desk
from core.desk.recorder import Recorder
from core.enums import AgentState, EventKind, OperatorAct, OrderStatus
from core.plan import FeePlan
from core.risk.controls import Control
from core.risk.kill import FILE, KillAct, KillSwitch
from core.risk.limits import default_limits, limit_set
from core.risk.state import Gate, new_gate
from core.tape.tape import Tape
from core.trading import TradingEngine
from sessions.recording import State
from tests.oracle.journaled import again, begin, plan, record_desk
from tests.oracle.venue_plans import synthetic

pytestmark = pytest.mark.jit_only


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> list[Tape]:
    """A synthetic day of some thousand messages."""
    return [synthetic(tmp_path_factory.mktemp("tapes"), 1, 6_000)]


def new_desk_gate() -> Gate:
    """A gate of two agents in one instrument."""
    return new_gate(limit_set(default_limits(), ("a0", "a1"), ["t0"]), money_scale([Decimal(1)], [FeePlan()]))


def elsewhere(folder: Path, agents: Sequence[str] = ("a0", "a1")) -> KillSwitch:
    """Another session's switch."""
    gate = new_gate(limit_set(default_limits(), agents, ["t0"]), money_scale([Decimal(1)], [FeePlan()]))
    return KillSwitch(folder, "other", gate, agents, ["t0"])


def test_a_kill_and_a_rearming_elsewhere_are_obeyed_and_repeated(tapes: list[Tape], tmp_path: Path) -> None:
    running = begin(plan(3, tapes), tmp_path)
    desk, other = running.desk, elsewhere(tmp_path / "risk")
    running.play(stop=2_500)
    orders = int(desk.gate.rows[-1]["open_orders"])
    other.kill("desk", "odd prices", "ann", 7)
    running.play(stop=2_501)
    assert desk.gate.top[0]["killed_desk"] == 1 and orders > 0 == int(desk.gate.rows[-1]["open_orders"])
    assert {int(state) for state in desk.lines[0].agents["state"]} <= {AgentState.KILLED, AgentState.DONE}
    assert (DESK, "kill desk by ann, elsewhere: odd prices") in desk.answers.troubles
    sent = desk.recorder.counts["orders"]
    running.play(stop=3_500)
    assert desk.recorder.counts["orders"] == sent
    other.rearm("desk", "it was the feed", "ann", 8)
    running.do(Act(OperatorAct.PAUSE, 0))
    running.play([(3_600, Act(OperatorAct.RESUME, 1))], stop=4_500)
    assert desk.gate.top[0]["killed_desk"] == 0 and desk.recorder.counts["orders"] > sent
    running.play()
    done = again(running.close())
    assert done.equal, done.first
    assert done.acts == 4  # two of them from elsewhere


@pytest.mark.parametrize("scope", ["instrument.t0", "order"])
def test_a_kill_of_a_part_elsewhere_is_obeyed_and_repeated(tapes: list[Tape], tmp_path: Path, scope: str) -> None:
    running = begin(plan(3, tapes), tmp_path)
    desk, other = running.desk, elsewhere(tmp_path / "risk")
    running.play(stop=2_500)
    pool = desk.lines[0].venue.orders
    open_now = pool["order_id"][pool["status"] == OrderStatus.WORKING].tolist()
    assert open_now
    whole = scope != "order"
    if whole:
        other.kill(scope, "odd prices", "ann", 7)
    else:
        scope = f"order.{open_now[0]}"
        KillSwitch(tmp_path / "risk", desk.plan.name, new_desk_gate(), ("a0", "a1"), ["t0"]).kill(
            scope, "odd", "ann", 7
        )
    running.play(stop=2_501)
    left = pool["order_id"][pool["status"] == OrderStatus.WORKING].tolist()
    assert left == ([] if whole else [one for one in open_now if one != open_now[0]])
    sent = desk.recorder.counts["fills"]
    running.play(stop=3_500)
    assert not whole or desk.recorder.counts["fills"] == sent
    if whole:
        other.rearm(scope, "it was the feed", "ann", 8)
    running.play()
    done = again(running.close())
    assert done.equal, done.first
    assert done.acts == (2 if whole else 1)


def test_on_the_screen_a_kill_elsewhere_is_an_act_that_a_replay_repeats(tapes: list[Tape], tmp_path: Path) -> None:
    session, recordings = plan(21, tapes), []

    def start(desk: Desk, kills: tuple[KillAct, ...]) -> None:
        recordings.append(record_desk(desk, session, tmp_path, kills))

    risk = tmp_path / "risk"
    engine = TradingEngine(lambda: Desk(session, tapes, recorder=Recorder(keep=())), kills=risk, begin=start)
    engine.advance(2_000)
    elsewhere(risk).kill("agent.a0", "odd", "ann", 7)
    engine.act(Act(OperatorAct.PAUSE, 1))  # while it stands still, an act looks first
    assert [deed.act.what for deed in engine.acts] == [OperatorAct.KILL, OperatorAct.PAUSE]
    assert engine.desk.gate.rows["killed"].tolist()[:2] == [1, 0]
    engine.advance(2_500)
    engine.seek(2_200)
    assert [deed.act.what for deed in engine.acts] == [OperatorAct.KILL, OperatorAct.PAUSE]
    assert engine.desk.gate.rows["killed"].tolist()[:2] == [1, 0]
    engine.desk.close()
    recordings[0].close(State.SEALED, "a person went back")
    recordings[1].close(State.SEALED, "the screen was closed")
    for recording in recordings:
        done = again(recording.folder)
        assert done.equal, done.first


def test_a_kill_of_an_instrument_elsewhere_latches(tapes: list[Tape], tmp_path: Path) -> None:
    desk = Desk(plan(3, tapes), tapes, kills=tmp_path)
    desk.advance(most=3_000)
    elsewhere(tmp_path).kill("instrument.t0", "odd", "ann", 7)
    sent = desk.recorder.counts["orders"] + int(desk.gate.rows[-1]["open_orders"])
    desk.advance(most=1_000)
    desk.close()
    assert desk.gate.killed_instruments.tolist() == [1]
    assert desk.recorder.counts["orders"] + int(desk.gate.rows[-1]["open_orders"]) == sent
    assert desk.recorder.denied[Control.KILLED] > 0


def test_a_kill_file_that_gets_damaged_stops_a_session_that_runs(tapes: list[Tape], tmp_path: Path) -> None:
    desk = Desk(plan(3, tapes), tapes, kills=tmp_path)
    desk.advance(most=2_500)
    (tmp_path / FILE).write_text("{")
    desk.advance(most=1_000)
    desk.close()
    assert desk.gate.top[0]["killed_desk"] == 1 and int(desk.gate.rows[-1]["open_orders"]) == 0
    kinds = desk.recorder.records("events")
    assert np.count_nonzero(kinds["kind"] == EventKind.OPERATOR) == 1
    assert any("damaged" in words for _, words in desk.answers.troubles)
