"""The thread of a trading session: plays, goes back and repeats, obeys a person, outlives policies that hang."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.desk_runner import SessionPlayer
from core.clock import monotonic_ns, sleep
from core.desk.desk import Desk
from core.enums import AgentState, OrderType
from core.errors import EngineBroken
from core.snapshot import State
from core.tape.tape import Tape
from core.transport import Command, Ticket, Verb
from tests.oracle.desk_players import Watched, hanging, maker, quoting, state_of
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import SECOND, rows_of, stored

pytestmark = pytest.mark.jit_only


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A synthetic market of some minutes."""
    codes = np.random.default_rng(5).integers(0, TAPE_CODE, (3000, len(TAPE_CODE))).tolist()
    return stored(rows_of(tape_of(codes), 10_000_000), tmp_path_factory.mktemp("tape") / "m.tape")


@pytest.fixture(scope="module", autouse=True)
def straight(tape: Tape) -> dict[str, str]:
    """Digests of the session without a screen; its kernels are compiled before anybody waits for a player."""
    desk = maker(tape)()
    while not desk.over:
        desk.advance(most=1_000_000)
    return desk.recorder.digests()


Open = Callable[..., Watched]


@pytest.fixture
def opened(tape: Tape, tmp_path: Path) -> Iterator[Open]:
    """Opens players; closes them."""
    players: list[SessionPlayer] = []

    def open_player(step: Any = quoting, **more: Any) -> Watched:
        watched = Watched(maker(Tape(tape.folder), step, **more), tmp_path)  # a player closes its tape
        players.append(watched.player)
        watched.until(lambda seen: seen.state is State.PAUSED)
        return watched

    yield open_player
    for player in players:
        player.close()


@pytest.mark.parametrize("speed", [float("inf"), 1e4])
def test_the_same_digest_at_every_speed_as_without_a_screen(
    opened: Open, straight: dict[str, str], speed: float
) -> None:
    watched = opened()
    watched.ask(Verb.SPEED, speed)
    watched.ask(Verb.PLAY)
    found = watched.until(lambda seen: seen.state is State.ENDED)
    assert found.desk is not None and found.desk.fills_total > 0
    assert watched.engine.desk.recorder.digests() == straight


def test_going_anywhere_and_back_is_as_if_played_straight(opened: Open, tape: Tape, straight: dict[str, str]) -> None:
    watched = opened()
    middle = (tape.meta.first_ts + tape.meta.last_ts) // 2
    watched.ask(Verb.GOTO, middle)
    fresh = maker(tape)()
    fresh.advance(middle)
    assert state_of(watched.engine.desk) == state_of(fresh)
    watched.ask(Verb.GOTO, tape.meta.last_ts - SECOND)
    watched.ask(Verb.GROUP, 2)
    watched.ask(Verb.GOTO, middle)
    assert state_of(watched.engine.desk) == state_of(fresh)
    assert "replayed from the start, with no act of yours before it" in watched.notes()
    watched.ask(Verb.SPEED, float("inf"))
    watched.ask(Verb.PLAY)
    watched.until(lambda seen: seen.state is State.ENDED)
    assert watched.engine.desk.recorder.digests() == straight


def test_history_behind_a_place_is_the_same_however_we_came(opened: Open, tape: Tape) -> None:
    watched = opened()
    there = watched.ask(Verb.GOTO_INDEX, 1500)
    watched.ask(Verb.GOTO_INDEX, 2500)
    back = watched.ask(Verb.GOTO_INDEX, 1500)
    assert len(back.history.low) > 20
    for name in ("low", "bids", "asks"):
        assert np.array_equal(getattr(there.history, name), getattr(back.history, name))


def test_acts_are_repeated_up_to_the_place_and_later_ones_forgotten(opened: Open, tape: Tape) -> None:
    watched = opened()
    step = (tape.meta.last_ts - tape.meta.first_ts) // 10
    for index in (701, 702, 703):  # in the middle of a moment, maybe
        watched.ask(Verb.GOTO_INDEX, index)
    watched.ask(Verb.PAUSE_AGENT, 0)
    after = state_of(watched.engine.desk)
    watched.ask(Verb.GOTO, tape.meta.first_ts + 6 * step)
    watched.ask(Verb.CANCEL_ALL, -1)
    watched.ask(Verb.RESUME_AGENT, 0)
    watched.ask(Verb.STEP_MESSAGE, 50)
    watched.ask(Verb.GOTO_INDEX, 703)
    assert state_of(watched.engine.desk) == after
    assert watched.engine.desk.state(0) == AgentState.PAUSED
    assert "replayed from the start, with your 1 act" in watched.notes()
    watched.ask(Verb.GOTO_INDEX, 600)
    assert watched.engine.desk.state(0) == AgentState.RUNNING
    assert watched.engine.acts == []


def test_acts_at_the_very_start_survive_another_view(opened: Open) -> None:
    watched = opened()
    watched.ask(Verb.PAUSE_AGENT, 0)
    watched.ask(Verb.GROUP, 5)
    watched.ask(Verb.COLUMN, 2 * SECOND)
    assert watched.engine.desk.state(0) == AgentState.PAUSED
    assert len(watched.engine.acts) == 1


def test_arming_pausing_resuming(opened: Open) -> None:
    watched = opened()
    armed = watched.ask(Verb.ARM, 60.0).desk
    assert armed is not None and armed.armed and armed.armed_until > monotonic_ns()
    off = watched.ask(Verb.DISARM).desk
    assert off is not None and not off.armed
    watched.ask(Verb.GOTO_INDEX, 500)
    stopped = watched.ask(Verb.PAUSE_AGENT, 0).desk
    assert stopped is not None and stopped.agents[0].state is AgentState.PAUSED
    decisions = stopped.agents[0].decisions
    assert watched.ask(Verb.STEP_MESSAGE, 300).desk.agents[0].decisions == decisions  # type: ignore[union-attr]
    watched.ask(Verb.RESUME_AGENT, 0)
    assert watched.ask(Verb.STEP_MESSAGE, 300).desk.agents[0].decisions > decisions  # type: ignore[union-attr]
    watched.ask(Verb.RESUME_AGENT, 0)
    assert "bot: resume: not paused" in watched.notes()


def test_a_persons_order_rests_and_is_cancelled(opened: Open) -> None:
    watched = opened()
    watched.ask(Verb.GOTO_INDEX, 500)
    watched.ask(Verb.PAUSE_AGENT, 0)
    watched.ask(Verb.CANCEL_ALL, -1)
    bid = watched.player.latest().best_bid
    assert bid is not None
    person = len(watched.engine.desk.agents) - 1
    assert watched.engine.desk.agents[person].policy == "manual"
    watched.ask(Verb.ORDER, ticket=Ticket(0, 1, 4, bid - 3))
    placed = watched.ask(Verb.STEP_MESSAGE, 5).desk
    assert placed is not None and placed.open_orders == 1
    [order] = [each for each in placed.orders if each.status == "working"]
    assert (order.side, order.qty, order.price, order.agent) == (1, 4, bid - 3, watched.engine.desk.agents[person].name)
    assert placed.own_bids.sum() == 4
    gone = watched.ask(Verb.CANCEL, order.order_id).desk
    assert gone is not None and gone.open_orders == 0 and gone.own_bids.sum() == 0
    watched.ask(Verb.CANCEL, order.order_id)
    assert "cancel: it is not open at the venue" in watched.notes()


def test_flattening_closes_the_position(opened: Open) -> None:
    watched = opened()
    watched.ask(Verb.GOTO_INDEX, 900)
    watched.ask(Verb.PAUSE_AGENT, 0)
    assert watched.engine.desk.account.position[0, 0] != 0
    watched.ask(Verb.FLATTEN, 0)
    flat = watched.ask(Verb.STEP_MESSAGE, 100).desk
    assert flat is not None and flat.agents[0].position == 0


@pytest.mark.parametrize(
    ("verb", "value", "text", "ticket", "told"),
    [
        (Verb.ORDER, 0, "", Ticket(0, 1, 0, 1000), "an order needs an instrument, a side and a quantity"),
        (Verb.ORDER, 0, "", Ticket(7, 1, 1, 1000), "an order needs an instrument, a side and a quantity"),
        (Verb.KILL, 99, "", None, "there is no agent 99"),
        (Verb.REARM, -1, " ", None, "re-arming needs a reason"),
        (Verb.REARM, -1, "calm", None, "rearm desk: it is not killed"),
        (Verb.ORDER, 0, "", Ticket(0, 1, 1, 1000, OrderType.MARKET, 77), "order: denied by the gate"),
    ],
)
def test_what_is_refused_is_told(
    opened: Open, verb: Verb, value: int, text: str, ticket: Ticket | None, told: str
) -> None:
    watched = opened()
    watched.ask(Verb.GOTO_INDEX, 300)
    watched.ask(verb, value, text, ticket)
    assert any(told in note for note in watched.notes()), watched.notes()[-5:]
    watched.ask(Verb.GOTO_INDEX, 100)  # what was refused is not repeated
    assert watched.player.latest().state is State.PAUSED


def test_a_kill_holds_until_it_is_rearmed_and_over_a_restart(opened: Open) -> None:
    watched = opened()
    watched.ask(Verb.GOTO_INDEX, 500)
    killed = watched.ask(Verb.KILL, -1, "enough").desk
    assert killed is not None
    [board] = killed.kills
    assert (board.scope, board.reason, board.open_orders, killed.open_orders) == ("desk", "enough", 0, 0)
    assert all(part.done for part in board.parts) and board.elapsed_ms < 250
    assert {agent.state for agent in killed.agents} == {AgentState.KILLED}
    fills = killed.fills_total
    on = watched.ask(Verb.STEP_MESSAGE, 500).desk
    assert on is not None and (on.open_orders, on.fills_total) == (0, fills)
    again = opened()
    seen = again.ask(Verb.STEP_MESSAGE, 300).desk
    assert seen is not None and seen.kills[0].scope == "desk" and seen.fills_total == 0
    freed = again.ask(Verb.REARM, -1, "looked at it").desk
    assert freed is not None and freed.kills == ()
    denied, decisions = freed.agents[0].denied, freed.agents[0].decisions
    on = again.ask(Verb.STEP_MESSAGE, 300).desk
    assert denied > 0 and on is not None
    assert on.agents[0].denied == denied and on.agents[0].decisions > decisions
    third = opened()
    assert third.player.latest().desk.kills == ()  # type: ignore[union-attr]


def test_going_back_behind_a_kill_does_not_lift_it(opened: Open, tape: Tape) -> None:
    watched = opened()
    watched.ask(Verb.GOTO_INDEX, 800)
    fills = watched.ask(Verb.GOTO_INDEX, 500).desk.fills_total  # type: ignore[union-attr]
    watched.ask(Verb.GOTO_INDEX, 800)
    watched.ask(Verb.KILL, -1, "enough")
    back = watched.ask(Verb.GOTO_INDEX, 500).desk
    assert back is not None and len(back.kills) == 1
    assert back.fills_total == fills  # what happened before it did happen
    assert (back.open_orders, back.agents[0].state) == (0, AgentState.KILLED)
    assert watched.ask(Verb.STEP_MESSAGE, 300).desk.fills_total == fills  # type: ignore[union-attr]


def test_a_policy_that_hangs_is_cut_off_and_the_screen_lives(opened: Open) -> None:
    watched = opened(hanging, budget_ms=30.0)
    watched.ask(Verb.SPEED, float("inf"))
    watched.ask(Verb.PLAY)
    found = watched.until(lambda seen: seen.state is State.ENDED).desk
    assert found is not None and found.agents[0].state is AgentState.UNHEALTHY
    assert any(note.startswith("bot: no answer within") for note in watched.notes())


def test_a_kill_does_not_wait_for_a_policy_that_hangs(opened: Open) -> None:
    watched = opened(hanging, budget_ms=5000.0)
    watched.ask(Verb.PLAY)
    watched.ask(Verb.SPEED, float("inf"))
    sleep(0.05)
    started = monotonic_ns()
    watched.player.send(Command(Verb.KILL, -1, "now"))
    watched.until(lambda seen: seen.desk is not None and bool(seen.desk.kills))
    assert monotonic_ns() - started < 2 * SECOND


def test_a_broken_engine_shows(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = opened()

    def broken(*arguments: Any, **options: Any) -> bool:
        raise EngineBroken("an account refused a fill")

    monkeypatch.setattr(Desk, "advance", broken)
    watched.player.send(Command(Verb.STEP_MESSAGE, 1))
    found = watched.until(lambda seen: seen.state is State.FAULTED, faulted=True)
    assert found.failure == "an account refused a fill"
