"""The engine's thread: commands in, newest snapshot out, failure kept.

Nothing heavy is imported here: the screen draws its first frame while the thread loads the kernels.
"""

from __future__ import annotations

import math
import threading
import traceback
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.blank import blank, no_history
from app.steps import marked, step_index
from core.clock import monotonic_ns
from core.errors import TapedeckError
from core.records import NO_PRICE
from core.snapshot import Mode, Snapshot, State
from core.tape.folder import read_meta
from core.transport import Command, Overview, Verb

if TYPE_CHECKING:
    from core.engine import Engine
    from core.tape.tape import Tape

#: Messages per chunk: between two chunks the engine looks at its commands (about 0.4 ms).
CHUNK = 20_000
#: Prints carried by a snapshot.
PRINTS = 256
_BUCKETS = 512
_PUBLISH_NS = 12_000_000  # no more than 80 snapshots a second, and only when somebody looks
_HISTORY_NS = 90_000_000
_IDLE_S = 0.2
_RATE_NS = 500_000_000
_LOOP_S = 0.05  # a loop at MAX rests this long at B
_FOREVER = 2**63 - 1


class TapePlayer:
    """Plays a tape for a screen. Implements `core.transport.Player`."""

    def __init__(
        self, folder: Path, group: int | None = None, column: float = 1.0, speed: float = 1.0, playing: bool = True
    ) -> None:
        """`group`: ticks per row, None = found from the tape; `column`: seconds per history column.

        Raises `TapeError` at once when the folder is no tape. The engine starts with `start`.
        """
        self.meta = read_meta(folder)
        self.folder, self._group, self._column = folder, group, int(column * 1e9)
        self.instrument = self.meta.instrument
        self.title = folder.name.removesuffix(".tape")
        self.first_ts, self.last_ts = self.meta.first_ts, self.meta.last_ts
        self.mode = Mode.SIM if self.meta.importer.startswith("market") else Mode.REPLAY
        self.speed, self._playing = speed, playing
        self._commands: deque[Command] = deque()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._wanted = True
        self._overview: Overview | None = None
        self._sequence, self._chunk_ns = 0, 0
        self._clock = self.first_ts
        self._anchor = (0, self.first_ts)
        self._loop: tuple[int | None, int | None] = (None, None)
        self._trail: deque[tuple[int, int, int]] = deque()
        self._published, self._history_at, self._history = 0, 0, no_history()
        self.chunk = CHUNK  #: messages between two looks at the commands
        self._snapshot = self._blank(State.LOADING)
        self._threads = [threading.Thread(target=self._run, name="engine", daemon=True)]

    def start(self) -> None:
        """Start the engine."""
        self._threads[0].start()

    def latest(self) -> Snapshot:
        """The newest snapshot; never blocks."""
        self._wanted = True
        return self._snapshot

    def send(self, command: Command) -> None:
        """Queue a command; never blocks."""
        self._commands.append(command)
        self._wake.set()

    def overview(self) -> Overview | None:
        """Whole-day outline, None until it is ready."""
        return self._overview

    def close(self) -> None:
        """Stop the engine and release the tape."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5.0)

    # --- the engine's thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._serve()
        except TapedeckError as error:
            self._fail(str(error))
        except BaseException as error:  # noqa: BLE001 - a dead engine must show, whatever killed it
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            self._fail(f"engine stopped: {type(error).__name__}: {error} ({where})")

    def _serve(self) -> None:
        """Load the engine and play until the screen is closed."""
        from core.compiling import CompileWatch

        with CompileWatch(self._compiles):
            engine = self._open()
            try:
                self._rest(engine.first_ts)
                self._publish(engine, force=True)
                outline = threading.Thread(target=self._outline, args=(engine.tape,), name="outline", daemon=True)
                self._threads.append(outline)
                outline.start()
                while not self._stop.is_set():
                    self._turn(engine)
            finally:
                engine.tape.close()

    def _compiles(self) -> None:
        """A kernel is being compiled: until the next picture the engine cannot play."""
        if threading.current_thread() is self._threads[0]:
            self._show(State.COMPILING)

    def _show(self, state: State) -> None:
        """The last picture, in another state."""
        self._sequence += 1
        self._snapshot = replace(self._snapshot, state=state, sequence=self._sequence)

    def _open(self) -> Engine:
        """The engine of this player, loaded."""
        from core.engine import Engine, View, usual_group
        from core.tape.tape import Tape

        tape = Tape(self.folder)
        return Engine(tape, View(self._group or usual_group(tape), self._column))

    def _turn(self, engine: Engine) -> None:
        """One chunk: commands, messages, snapshot."""
        changed, idle = bool(self._commands), True
        while self._commands:
            self._obey(engine, self._commands.popleft())
        if self._playing:
            idle = self._play(engine)
        if not self._urgent():
            self._publish(engine, force=changed)
        if idle:
            self._wake.wait(0.004 if self._playing else _IDLE_S)
            self._wake.clear()

    def _urgent(self) -> bool:
        """Whether a command waits that no picture may hold up."""
        return False

    def _play(self, engine: Engine) -> bool:
        """Advance by at most a chunk. True when there is nothing to do before more time has passed."""
        started = monotonic_ns()
        flat_out = math.isinf(self.speed)
        target = _FOREVER if flat_out else self._anchor[1] + int((started - self._anchor[0]) * self.speed)
        if self._loop[1] is not None:
            target = min(target, self._loop[1])
        reached = engine.advance(engine.index + self.chunk, target)
        # Between two messages time passes too; while behind, the clock is the last message's.
        self._clock = max(self._clock, min(target, self.last_ts) if reached else engine.clock)
        self._chunk_ns = monotonic_ns() - started
        loop_in, loop_out = self._loop
        if loop_in is not None and loop_out is not None and self._clock >= loop_out:
            self._publish(engine, force=True)  # what happened up to B is seen, however short the loop
            self._wake.wait(_LOOP_S if flat_out else 0)
            self._goto(engine, loop_in)
            return False
        if engine.index == len(engine.messages):
            self._playing = False
            self._clock = engine.clock
        return reached and not flat_out

    def _obey(self, engine: Engine, command: Command) -> None:
        verb, value = command.verb, command.value
        if verb in (Verb.PLAY, Verb.PAUSE, Verb.TOGGLE):
            self._playing = verb == Verb.PLAY or (verb == Verb.TOGGLE and not self._playing)
            if self._playing and engine.index == len(engine.messages):
                self._goto(engine, self._loop[0] or self.first_ts)
        elif verb == Verb.SPEED:
            self.speed = float(value)
        elif verb == Verb.GOTO:
            self._goto(engine, int(value))
        elif verb == Verb.GOTO_INDEX:
            engine.seek(int(value))
            self._rest(engine.clock)
        elif verb in (Verb.STEP_MESSAGE, Verb.STEP_TRADE, Verb.STEP_SECOND):
            self._step(engine, verb, int(value))
        elif verb in (Verb.LOOP_IN, Verb.LOOP_OUT, Verb.LOOP_OFF):
            self._loop = marked(self._loop, verb, int(value))
        elif verb in (Verb.GROUP, Verb.COLUMN):
            if verb == Verb.GROUP:
                engine.view.group = max(1, int(value))
            else:
                engine.view.step = max(1_000_000, int(value))
            engine.seek(engine.index)
            self._history_at = 0
        self._anchor = (monotonic_ns(), self._clock)
        self._trail.clear()

    def _goto(self, engine: Engine, ts: int) -> None:
        ts = min(max(ts, self.first_ts), self.last_ts)
        engine.seek(engine.tape.index_at(ts))
        self._rest(ts)

    def _step(self, engine: Engine, verb: Verb, count: int) -> None:
        self._playing = False
        if verb == Verb.STEP_SECOND:
            self._goto(engine, self._clock + count * 1_000_000_000)
            return
        index = step_index(engine, verb, count)
        if index is None:
            return
        if index >= engine.index:
            engine.advance(index)
        else:
            engine.seek(index)
        self._rest(engine.clock)

    def _rest(self, clock: int) -> None:
        """Take a new place in time: pacing and rates start afresh there."""
        self._clock = clock
        self._anchor = (monotonic_ns(), clock)
        self._trail.clear()
        self._history_at = 0

    # --- publishing ----------------------------------------------------------------------------

    def _publish(self, engine: Engine, force: bool = False) -> None:
        now = monotonic_ns()
        if not force and (not self._wanted or now - self._published < _PUBLISH_NS):
            return
        self._wanted, self._published = False, now
        if now - self._history_at >= _HISTORY_NS:
            self._history, self._history_at = engine.history(), now
        self._snapshot = self._take(engine, now)

    def _take(self, engine: Engine, now: int) -> Snapshot:
        self._trail.append((now, self._clock, engine.index))
        while len(self._trail) > 2 and now - self._trail[0][0] > _RATE_NS:
            self._trail.popleft()
        past = self._trail[0]
        seconds = max(1, now - past[0]) / 1e9
        moving = self._playing and len(self._trail) > 1
        done = engine.prints.before(engine.index)
        recent = engine.prints.records[max(0, done - PRINTS) : done]
        last = recent[-1] if len(recent) else None
        ladder, (bid, ask) = engine.ladder(), engine.book.best()
        ended = not self._playing and engine.index == len(engine.messages)
        self._sequence += 1
        return Snapshot(
            sequence=self._sequence,
            mode=self.mode,
            state=State.ENDED if ended else (State.PLAYING if self._playing else State.PAUSED),
            failure="",
            index=engine.index,
            messages=len(engine.messages),
            clock=self._clock,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            speed=self.speed,
            achieved=(self._clock - past[1]) / 1e9 / seconds if moving else 0.0,
            rate=(engine.index - past[2]) / seconds if moving else 0.0,
            status=engine.book.status,
            best_bid=bid,
            best_ask=ask,
            bid_qty=engine.touch_qty(0),
            ask_qty=engine.touch_qty(1),
            last_price=int(last["price"]) if last is not None and last["price"] != NO_PRICE else None,
            last_qty=int(last["qty"]) if last is not None else 0,
            last_side=int(last["side"]) if last is not None else 0,
            volume=int(engine.prints.volume[done]),
            orders=engine.book.orders,
            ladder=ladder,
            history=self._history,
            prints=recent,
            prints_total=done,
            mark_in=self._loop[0],
            mark_out=self._loop[1],
            anomalies=engine.anomalies(),
            loop_ms=self._chunk_ns / 1e6,
        )

    def _blank(self, state: State, failure: str = "") -> Snapshot:
        return blank(self.meta, self.mode, state, failure, self._sequence, self._clock, self.speed)

    def _fail(self, reason: str) -> None:
        self._sequence += 1
        self._snapshot = self._blank(State.FAULTED, reason)

    def _outline(self, tape: Tape) -> None:
        from core.outline import outline

        self._overview = outline(tape, _BUCKETS, self._stop)
