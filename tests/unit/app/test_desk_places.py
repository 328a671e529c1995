"""The thread of a trading session: own fills and denials as places, limits that expire, several tapes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.trading
from app.desk_runner import SessionPlayer
from core.clock import monotonic_ns, sleep
from core.desk.desk import Desk
from core.plan import AgentPlan
from core.policies.intent import Intent
from core.policies.shown import View
from core.snapshot import Snapshot, State
from core.tape.tape import Tape
from core.transport import Command, NewLimit, Ticket, Verb
from tests.oracle.desk_players import Watched, hanging, maker, state_of
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import SECOND, rows_of, session, stored

pytestmark = pytest.mark.jit_only
Open = Callable[..., Watched]


def made(folder: Path, seed: int, count: int = 3000, stretch: int = 10_000_000) -> Tape:
    """A synthetic market of some minutes."""
    codes = np.random.default_rng(seed).integers(0, TAPE_CODE, (count, len(TAPE_CODE))).tolist()
    return stored(rows_of(tape_of(codes), stretch), folder)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """One market."""
    return made(tmp_path_factory.mktemp("tape") / "m.tape", 5)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Another one, on the same clock, of another pace."""
    return made(tmp_path_factory.mktemp("tape") / "n.tape", 6, 2000, 14_000_000)


@pytest.fixture(scope="module")
def moments(tape: Tape) -> list[int]:
    """When the session that nobody touches has its fills, ns UTC."""
    desk = played(busy(tape)())
    return sorted({int(ts) for ts in desk.recorder.records("fills")["ts"]})


@pytest.fixture
def opened(tape: Tape, tmp_path: Path) -> Iterator[Open]:
    """Opens players; closes them."""
    players: list[SessionPlayer] = []

    def open_player(step: Any = None, make: Callable[[], Desk] | None = None, shown: int = 0, **more: Any) -> Watched:
        own = Tape(tape.folder)  # a player closes its tape
        watched = Watched(make or (maker(own, step, **more) if step else busy(own)), tmp_path, shown)
        players.append(watched.player)
        watched.until(lambda seen: seen.state is State.PAUSED)
        return watched

    yield open_player
    for player in players:
        player.close()


def busy(tape: Tape) -> Callable[[], Desk]:
    """Desks of an agent that is filled often."""
    agents = [AgentPlan("bot", "t0", "quote", every=SECOND, params={"size": 2, "max_position": 20})]
    return lambda: session([tape], agents)


def played(desk: Desk) -> Desk:
    """A desk played to its end."""
    while not desk.over:
        desk.advance(most=1_000_000)
    return desk


def told(snapshot: Snapshot) -> str:
    """What the person was answered last."""
    assert snapshot.desk is not None
    return snapshot.desk.told[1]


# --- own fills and denials ---------------------------------------------------------------------


@pytest.mark.parametrize("near", [2_000, 0])
def test_onward_stops_at_every_moment_with_a_fill(
    opened: Open, tape: Tape, moments: list[int], near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.trading, "_NEAR", near)  # 0: found in pieces and gone back to
    watched = opened()
    assert len(moments) > 20
    for ts in moments[:6]:
        seen = watched.ask(Verb.OWN_EVENT, 1)
        assert seen.clock == ts
        assert seen.state is State.PAUSED
    fresh = busy(tape)()
    fresh.advance(moments[5])
    assert state_of(watched.engine.desk) == state_of(fresh)


def test_back_stops_at_the_moments_before(opened: Open, tape: Tape, moments: list[int]) -> None:
    watched = opened()
    watched.ask(Verb.GOTO, moments[10] + 1)
    for ts in moments[10:6:-1]:
        assert watched.ask(Verb.OWN_EVENT, -1).clock == ts
    fresh = busy(tape)()
    fresh.advance(moments[7])
    assert state_of(watched.engine.desk) == state_of(fresh)
    assert watched.ask(Verb.STEP_FILL, 1).clock == moments[8]
    assert watched.ask(Verb.STEP_FILL, -1).clock == moments[7]


def test_where_there_is_none_it_is_said(opened: Open, moments: list[int]) -> None:
    watched = opened()
    first = watched.ask(Verb.OWN_EVENT, -1)
    assert (first.index, told(first)) == (0, "no fill of ours and no order denied before this")
    watched.ask(Verb.GOTO, moments[-1] + 1)
    last = watched.ask(Verb.STEP_FILL, 1)
    assert last.state is State.ENDED
    assert told(last) == "no fill of ours after this"


def test_a_denied_order_is_a_place_too_but_no_step_by_fills(opened: Open, moments: list[int]) -> None:
    watched = opened()
    watched.ask(Verb.GOTO, moments[3])
    watched.ask(Verb.LIMIT, limit=NewLimit("desk", "order_qty", 0.0, "me", "none at all", 5.0))
    before = watched.player.latest().desk
    assert before is not None
    found = watched.ask(Verb.OWN_EVENT, 1)
    for _ in range(10):
        if found.desk is not None and found.desk.agents[0].denied > before.agents[0].denied:
            break
        found = watched.ask(Verb.OWN_EVENT, 1)  # what rested may still be filled
    assert found.desk is not None
    assert found.desk.agents[0].denied > before.agents[0].denied
    assert found.clock < moments[3] + 5 * SECOND
    denied, fills = found.desk.agents[0].denied, found.desk.fills_total
    step = watched.ask(Verb.STEP_FILL, 1).desk
    assert step is not None
    assert step.fills_total > fills
    assert step.agents[0].denied >= denied


def test_a_kill_ends_a_search(opened: Open) -> None:
    watched = opened(hanging, budget_ms=5000.0)
    watched.player.send(Command(Verb.OWN_EVENT, 1))
    sleep(0.05)
    started = monotonic_ns()
    watched.player.send(Command(Verb.KILL, -1, "now"))
    watched.until(lambda seen: seen.desk is not None and bool(seen.desk.kills))
    assert monotonic_ns() - started < 2 * SECOND


def test_another_key_ends_a_search_and_the_same_one_does_not(opened: Open) -> None:
    def slow(view: View) -> Intent | None:
        sleep(0.02)
        return None

    watched = opened(slow, budget_ms=1000.0)
    watched.player.send(Command(Verb.OWN_EVENT, 1))
    watched.until(lambda seen: seen.state is State.SEEKING)
    watched.player.send(Command(Verb.OWN_EVENT, 1))
    sleep(0.1)
    assert watched.player.latest().state is State.SEEKING
    watched.player.send(Command(Verb.PAUSE))
    seen = watched.until(lambda seen: seen.state is State.PAUSED and bool(told(seen)))
    assert told(seen) == "the search was ended by another key"
    assert seen.index < seen.messages


# --- limits ------------------------------------------------------------------------------------


def test_a_limit_that_expires_counts_again_afterwards(opened: Open, tape: Tape, moments: list[int]) -> None:
    watched = opened()
    start = moments[3]
    watched.ask(Verb.GOTO, start)
    watched.ask(Verb.LIMIT, limit=NewLimit("desk", "order_qty", 0.0, "me", "a quiet minute", 60.0))
    limits = watched.player.latest().desk.limits  # type: ignore[union-attr]
    assert limits is not None
    assert [(each.scope, each.control, each.after, each.expires) for each in limits.overrides] == [
        ("desk", "order_qty", 0.0, start + 60 * SECOND)
    ]
    assert "limit desk order_qty: inf to 0 for 60 s, me: a quiet minute" in watched.notes()
    quiet = watched.ask(Verb.GOTO, start + 55 * SECOND).desk
    assert quiet is not None and quiet.agents[0].denied > 20
    at_55 = state_of(watched.engine.desk)
    loud = watched.ask(Verb.GOTO, start + 80 * SECOND).desk
    assert loud is not None and loud.fills_total > quiet.fills_total
    assert loud.limits is not None and loud.limits.overrides == ()
    assert "limit desk order_qty: 0 has run out" in watched.notes()
    watched.ask(Verb.GOTO, start + 55 * SECOND)  # the change is an act: going back repeats it
    assert state_of(watched.engine.desk) == at_55
    assert "limit desk order_qty: inf to 0 for 60 s, me: a quiet minute" in watched.notes()
    assert "limit desk order_qty: 0 has run out" not in watched.notes()


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (NewLimit("desk", "order_qyt", 5.0, "me", "why"), "limits.desk.order_qyt: no such control"),
        (NewLimit("dsek", "order_qty", 5.0, "me", "why"), "limits.dsek: no such scope"),
        (NewLimit("desk", "order_qty", -1.0, "me", "why"), "a limit is a number from 0 on"),
        (NewLimit("desk", "order_qty", 5.0, "me", " "), "a change needs a person and a reason"),
        (NewLimit("desk", "order_qty", 5.0, "", "why"), "a change needs a person and a reason"),
        (NewLimit("desk", "order_qty", 5.0, "me", "why", 0.0), "would have expired before it begins"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_with_words(opened: Open, limit: NewLimit, words: str) -> None:
    watched = opened()
    seen = watched.ask(Verb.LIMIT, limit=limit)
    assert words in told(seen)
    assert any(words in note for note in watched.notes())
    assert seen.desk is not None and seen.desk.limits is not None and seen.desk.limits.version == 1
    assert watched.engine.acts == []


# --- several tapes -----------------------------------------------------------------------------


def pair(tape: Tape, other: Tape) -> Callable[[], Desk]:
    """Desks with an agent on each of two tapes."""
    tapes = [Tape(tape.folder), Tape(other.folder)]
    agents = [
        AgentPlan(f"q{k}", f"t{k}", "quote", every=SECOND, params={"size": 2, "max_position": 20}) for k in range(2)
    ]
    return lambda: session(tapes, agents)


@pytest.fixture(scope="module")
def together(tape: Tape, other: Tape) -> Desk:
    """The session of two tapes, played straight."""
    return played(pair(tape, other)())


@pytest.mark.parametrize("shown", [0, 1])
def test_two_tapes_play_like_without_a_screen(
    opened: Open, tape: Tape, other: Tape, together: Desk, shown: int
) -> None:
    watched = opened(make=pair(tape, other), shown=shown)
    assert [each.name for each in watched.player.contracts] == ["t0", "t1"]
    watched.ask(Verb.SPEED, float("inf"))
    watched.ask(Verb.PLAY)
    found = watched.until(lambda seen: seen.state is State.ENDED)
    assert found.messages == len((tape, other)[shown].messages)
    assert found.desk is not None
    assert {fill.symbol for fill in found.desk.fills} == {"t0", "t1"}
    assert watched.engine.desk.recorder.digests() == together.recorder.digests()


def test_going_back_in_two_tapes_is_as_if_played_straight(opened: Open, tape: Tape, other: Tape) -> None:
    watched = opened(make=pair(tape, other))
    middle = (tape.meta.first_ts + tape.meta.last_ts) // 2
    watched.ask(Verb.GOTO, middle + 20 * SECOND)
    watched.ask(Verb.GOTO, middle)
    fresh = pair(tape, other)()
    fresh.advance(middle)
    assert state_of(watched.engine.desk) == state_of(fresh)
    assert watched.engine.desk.indices == fresh.indices


def test_fills_of_every_tape_are_places(opened: Open, tape: Tape, other: Tape, together: Desk) -> None:
    moments = sorted({int(ts) for ts in together.recorder.records("fills")["ts"]})
    fills = together.recorder.records("fills")
    assert {int(each) for each in fills["instrument"]} == {0, 1}
    watched = opened(make=pair(tape, other))
    assert [watched.ask(Verb.STEP_FILL, 1).clock for _ in range(8)] == moments[:8]
    assert watched.ask(Verb.STEP_FILL, -1).clock == moments[6]


def test_a_person_trades_the_tape_that_is_not_shown(opened: Open, tape: Tape, other: Tape) -> None:
    watched = opened(make=pair(tape, other))
    watched.ask(Verb.GOTO_INDEX, 900)
    watched.ask(Verb.PAUSE_AGENT, -1)
    watched.ask(Verb.CANCEL_ALL, -1)
    bid, _ = watched.engine.desk.lines[1].book.top[0]["best_bid"], None
    watched.ask(Verb.ORDER, ticket=Ticket(1, 1, 4, int(bid) - 2))
    placed = watched.ask(Verb.STEP_SECOND, 1).desk
    assert placed is not None
    [order] = [each for each in placed.orders if each.status == "working"]
    assert (order.symbol, order.qty) == ("t1", 4)
    assert placed.own_bids.sum() == 0  # the ladder shows the other tape
