"""The engine's thread: transport commands, loops, pace, the end, and failures that show instead of hanging."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import core.engine
import core.outline
from app.runner import TapePlayer
from core.clock import monotonic_ns, sleep
from core.engine import Engine
from core.enums import Action, Flag, Side
from core.errors import TapeError
from core.feeds.source import Options
from core.records import ABSENT, ROW
from core.snapshot import Mode, Snapshot, State
from core.tape.importer import import_tape
from core.tape.tape import Tape
from core.transport import Command, Verb
from tests.oracle.tape import RowSource
from tests.small_tapes import SECOND, START

COUNT, STEP = 2000, SECOND // 50  # forty seconds of a message every 20 ms
pytestmark = pytest.mark.jit_only


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bids and asks come one after the other; every tenth message is a trade."""
    rows = np.zeros(COUNT, ROW)
    number = np.arange(COUNT)
    rows["ts_event"], rows["ts_recv"], rows["flags"] = START + number * STEP, ABSENT, Flag.ROW_END | Flag.EVENT_END
    rows["action"], rows["side"] = Action.ADD, np.where(number % 2, Side.ASK, Side.BID)
    rows["order_id"] = rows["new_order_id"] = number + 1
    rows["price"], rows["qty"] = np.where(number % 2, 1010, 1000) + number // 400, 5
    trades = number % 10 == 9
    rows["action"][trades], rows["qty"][trades] = Action.TRADE, 3
    target = tmp_path_factory.mktemp("tapes") / "even.tape"
    import_tape(RowSource([rows]), target, Options())
    return target


class Watched:
    """A player, and patience. Made before the player starts."""

    def __init__(self, player: TapePlayer) -> None:
        self.player = player
        self.sent = self.obeyed = self.shown = 0
        obey, publish = player._obey, player._publish

        def counted_obey(engine: Engine, command: Command) -> None:
            obey(engine, command)
            self.obeyed += 1

        def counted_publish(engine: Engine, force: bool = False) -> None:
            publish(engine, force)
            self.shown = self.obeyed if force else self.shown

        player._obey, player._publish = counted_obey, counted_publish  # type: ignore[method-assign]

    def until(self, condition: Callable[[Snapshot], bool], seconds: float = 20.0) -> Snapshot:
        """The first snapshot for which `condition` holds; fails when the time is up or the engine has failed."""
        end = monotonic_ns() + int(seconds * 1e9)
        while monotonic_ns() < end:
            ready = condition(self.player.latest())
            found = self.player.latest()  # a condition on the side is met by what is shown from then on
            if ready and condition(found):
                return found
            assert found.state is not State.FAULTED, found.failure
            sleep(0.002)
        raise AssertionError(f"never seen; the last was {self.player.latest()}")

    def ask(self, verb: Verb, value: float | int = 0) -> Snapshot:
        """Send a command; the first snapshot after it was obeyed."""
        self.sent += 1
        self.player.send(Command(verb, value))
        return self.until(lambda _: self.shown >= self.sent)


@pytest.fixture
def paused(folder: Path) -> Iterator[Watched]:
    """A player at the start of the tape that does not play."""
    player = TapePlayer(folder, playing=False)
    watched = Watched(player)
    player.start()
    yield watched
    player.close()


def index_after(seconds: float) -> int:
    """Messages up to and including a time after the start."""
    return int(seconds * SECOND) // STEP + 1


def test_before_the_engine_there_is_a_blank_snapshot(folder: Path) -> None:
    player = TapePlayer(folder)
    first = player.latest()
    assert (first.state, first.index, first.messages) == (State.LOADING, 0, COUNT)
    assert (player.title, player.instrument.symbol, player.mode) == ("even", "TEST", Mode.REPLAY)
    assert player.overview() is None
    player.close()


def test_a_paused_player_stands_at_the_first_time(paused: Watched) -> None:
    found = paused.until(lambda seen: seen.state is State.PAUSED)
    assert (found.index, found.clock, found.best_bid, found.achieved) == (0, START, None, 0.0)
    sleep(0.05)
    assert paused.player.latest().index == 0


def test_steps_of_messages(paused: Watched) -> None:
    assert paused.ask(Verb.STEP_MESSAGE, 1).index == 1
    assert paused.ask(Verb.STEP_MESSAGE, 24).index == 25
    found = paused.ask(Verb.STEP_MESSAGE, -3)
    assert (found.index, found.clock, found.state) == (22, START + 21 * STEP, State.PAUSED)
    assert paused.ask(Verb.STEP_MESSAGE, -1000).index == 0
    assert paused.ask(Verb.STEP_MESSAGE, 10**9).state is State.ENDED


def test_steps_of_trades(paused: Watched) -> None:
    first = paused.ask(Verb.STEP_TRADE, 1)
    assert (first.index, first.prints_total, first.last_qty, first.volume) == (10, 1, 3, 3)
    assert paused.ask(Verb.STEP_TRADE, 4).prints_total == 5
    back = paused.ask(Verb.STEP_TRADE, -1)
    assert (back.prints_total, back.index) == (4, 40)
    assert paused.ask(Verb.STEP_MESSAGE, 3).index == 43
    assert paused.ask(Verb.STEP_TRADE, -1).index == 30
    assert paused.ask(Verb.STEP_TRADE, -99).index == 0
    assert paused.ask(Verb.STEP_TRADE, COUNT // 10).index == COUNT
    assert paused.ask(Verb.STEP_TRADE, 1).index == COUNT  # there is none


def test_steps_of_seconds(paused: Watched) -> None:
    found = paused.ask(Verb.STEP_SECOND, 1)
    assert (found.clock, found.index) == (START + SECOND, index_after(1))
    assert paused.ask(Verb.STEP_SECOND, 9).index == index_after(10)
    assert paused.ask(Verb.STEP_SECOND, -4).clock == START + 6 * SECOND
    assert paused.ask(Verb.STEP_SECOND, -60).clock == START
    assert paused.ask(Verb.STEP_SECOND, 60).state is State.ENDED


def test_going_to_a_time_and_to_an_index(paused: Watched, folder: Path) -> None:
    engine = Engine(Tape(folder))
    for seconds in (30.0, 12.3456, 0.0, 39.98, 12.34):
        found = paused.ask(Verb.GOTO, START + int(seconds * SECOND))
        assert (found.index, found.clock) == (index_after(seconds), START + int(seconds * SECOND))
        engine.seek(found.index)
        assert (found.best_bid, found.best_ask) == engine.book.best()
        assert np.array_equal(found.ladder.bids, engine.ladder().bids)
        assert (found.orders, found.volume) == (engine.book.orders, engine.prints.volume[found.prints_total])
    for index in (777, 0, COUNT, 5):
        found = paused.ask(Verb.GOTO_INDEX, index)
        assert (found.index, found.clock) == (index, START + max(index - 1, 0) * STEP)
    assert paused.ask(Verb.GOTO, 0).clock == START
    assert paused.ask(Verb.GOTO, 2**62).clock == START + (COUNT - 1) * STEP


def test_play_and_pause(paused: Watched) -> None:
    assert paused.ask(Verb.PLAY).state is State.PLAYING
    paused.until(lambda seen: seen.index > 3)
    stopped = paused.ask(Verb.PAUSE)
    assert stopped.state is State.PAUSED
    sleep(0.1)
    assert paused.player.latest().index == stopped.index
    assert paused.ask(Verb.TOGGLE).state is State.PLAYING
    assert paused.ask(Verb.STEP_MESSAGE, 1).state is State.PAUSED


@pytest.mark.parametrize("speed", [8.0, 64.0])
def test_the_pace_is_the_one_asked_for(paused: Watched, speed: float) -> None:
    paused.ask(Verb.SPEED, speed)
    paused.ask(Verb.PLAY)
    started, first = monotonic_ns(), paused.player.latest().clock
    found = paused.until(lambda seen: seen.clock - START > 0.6 * speed * SECOND or seen.state is State.ENDED)
    market, wall = found.clock - first, monotonic_ns() - started
    assert 0.6 * speed < market / wall < 1.2 * speed
    assert found.speed == speed
    if found.state is State.PLAYING:
        assert 0.5 * speed < found.achieved < 1.5 * speed
        assert 0.5 * speed / 0.02 < found.rate < 1.5 * speed / 0.02


def test_flat_out_to_the_end_and_again_from_the_start(paused: Watched) -> None:
    paused.ask(Verb.SPEED, float("inf"))
    paused.ask(Verb.PLAY)
    ended = paused.until(lambda seen: seen.state is State.ENDED)
    assert (ended.index, ended.clock) == (COUNT, START + (COUNT - 1) * STEP)
    paused.ask(Verb.SPEED, 1.0)
    again = paused.ask(Verb.PLAY)
    assert again.state is State.PLAYING
    assert again.index < COUNT // 2


def test_a_loop_plays_between_its_marks(paused: Watched) -> None:
    a, b = START + 10 * SECOND, START + 11 * SECOND
    assert paused.ask(Verb.LOOP_OUT, b).mark_out is None  # no A yet
    paused.ask(Verb.LOOP_IN, b)
    found = paused.ask(Verb.LOOP_OUT, a)
    assert (found.mark_in, found.mark_out) == (a, b)  # sorted
    paused.ask(Verb.GOTO, a)
    paused.ask(Verb.SPEED, 16.0)
    paused.ask(Verb.PLAY)
    clocks = []
    for _ in range(150):
        seen = paused.player.latest()
        assert seen.state is State.PLAYING
        clocks.append(seen.clock)
        sleep(0.004)
    assert min(clocks) >= a and max(clocks) <= b
    assert sum(later < earlier for earlier, later in pairwise(clocks)) >= 2
    off = paused.ask(Verb.LOOP_OFF)
    assert (off.mark_in, off.mark_out) == (None, None)
    paused.until(lambda seen: seen.clock > b)


def test_a_loop_holds_at_full_speed_and_around_the_end(paused: Watched) -> None:
    last = START + (COUNT - 1) * STEP
    paused.ask(Verb.SPEED, float("inf"))
    for a, b in ((START + SECOND, START + 2 * SECOND), (START + 39 * SECOND, last)):
        paused.ask(Verb.LOOP_IN, a)
        paused.ask(Verb.LOOP_OUT, b)
        paused.ask(Verb.GOTO, a)
        paused.ask(Verb.PLAY)
        for _ in range(40):
            seen = paused.player.latest()
            assert a <= seen.clock <= b and seen.state is State.PLAYING
            sleep(0.004)
    paused.ask(Verb.LOOP_OFF)
    assert paused.until(lambda seen: seen.state is State.ENDED).index == COUNT


def test_groups_and_columns(paused: Watched) -> None:
    before = paused.ask(Verb.GOTO, START + 20 * SECOND)
    grouped = paused.ask(Verb.GROUP, 5)
    assert (grouped.ladder.group, grouped.history.group, grouped.index) == (5, 5, before.index)
    assert grouped.ladder.bids.sum() == before.ladder.bids.sum() > 0
    slower = paused.ask(Verb.COLUMN, 4 * SECOND)
    assert (slower.history.step, slower.index, slower.clock) == (4 * SECOND, before.index, before.clock)
    assert len(slower.history.low) == 6  # times divide evenly: 20 s are the open column and those before
    assert paused.ask(Verb.GROUP, -3).ladder.group == 1
    assert paused.ask(Verb.COLUMN, 1).history.step == SECOND // 1000


def test_snapshots_stay_as_they_were(paused: Watched) -> None:
    early = paused.ask(Verb.GOTO_INDEX, 500)
    kept = early.ladder.bids.copy(), early.history.bids.copy(), early.prints.copy()
    paused.ask(Verb.GOTO_INDEX, 1500)
    paused.ask(Verb.STEP_MESSAGE, 100)
    for name, array in zip(("ladder", "history", "prints"), kept, strict=True):
        part = getattr(early, name)
        assert np.array_equal(part if name == "prints" else part.bids, array)
    assert len(early.prints) == 50 and early.prints["index"].max() < 500


def test_commands_sent_before_the_start_are_obeyed(folder: Path) -> None:
    player = TapePlayer(folder, playing=False)
    watched = Watched(player)
    player.send(Command(Verb.GOTO_INDEX, 123))
    player.start()
    assert watched.until(lambda seen: seen.index == 123).state is State.PAUSED
    player.close()


def test_the_overview_arrives(paused: Watched) -> None:
    paused.until(lambda _: paused.player.overview() is not None)
    found = paused.player.overview()
    assert found is not None
    assert len(found.mid) == len(found.volume)
    assert sum(found.volume) == paused.player.meta.volume


@pytest.mark.parametrize("damage", ["messages.npy", "marks.npz"])
@pytest.mark.parametrize("how", ["gone", "cut", "noise"])
def test_a_damaged_tape_shows_its_fault(folder: Path, tmp_path: Path, damage: str, how: str) -> None:
    copy = tmp_path / "damaged.tape"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    if how == "gone":
        (copy / damage).unlink()
    else:
        raw = (copy / damage).read_bytes()
        (copy / damage).write_bytes(raw[: len(raw) // 2] if how == "cut" else b"\x07" * len(raw))
    player = TapePlayer(copy)
    player.start()
    end = monotonic_ns() + 20 * SECOND
    while player.latest().state is not State.FAULTED and monotonic_ns() < end:
        sleep(0.002)
    found = player.latest()
    assert found.state is State.FAULTED
    assert "damaged.tape" in found.failure and "\n" not in found.failure
    player.send(Command(Verb.PLAY))  # nobody listens; nothing breaks
    player.close()


def test_no_tape_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="no such tape"):
        TapePlayer(tmp_path / "gone.tape")


@pytest.mark.parametrize(
    "error", [RuntimeError("boom"), TapeError("a tape", "boom"), MemoryError("boom"), OSError("boom")]
)
def test_an_engine_that_dies_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    player = TapePlayer(folder, playing=False)
    watched = Watched(player)
    player.start()
    watched.until(lambda seen: seen.state is State.PAUSED)

    def fail(*_: object) -> bool:
        raise error

    monkeypatch.setattr(core.engine.Engine, "advance", fail)
    player.send(Command(Verb.PLAY))
    end = monotonic_ns() + 20 * SECOND
    while player.latest().state is not State.FAULTED and monotonic_ns() < end:
        sleep(0.002)
    found = player.latest()
    assert found.state is State.FAULTED and "boom" in found.failure
    player.close()
    assert not any(thread.is_alive() for thread in player._threads)
    assert capfd.readouterr().err == ""  # a screen is being drawn


@pytest.mark.parametrize("when", ["unstarted", "loading", "playing", "twice"])
def test_close_always_returns(folder: Path, when: str) -> None:
    player = TapePlayer(folder, speed=float("inf"))
    watched = Watched(player)
    if when != "unstarted":
        player.start()
    if when in ("playing", "twice"):
        watched.until(lambda seen: seen.state is not State.LOADING)
    started = monotonic_ns()
    player.close()
    if when == "twice":
        player.close()
    assert monotonic_ns() - started < 8 * SECOND
    assert not any(thread.is_alive() for thread in player._threads)
