"""What the transport keys mean: actions turned into commands. No widget is known here."""

from collections.abc import Callable

from app.deck.board import Board
from app.deck.formats import SECOND, span
from app.deck.marks import Bookmarks
from core.snapshot import Snapshot, State
from core.transport import SPEEDS, Command, Player, Verb

#: Ticks per price row and ns per heat-map column that the keys step through.
GROUPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000)
STEPS = tuple(
    round(seconds * SECOND)
    for seconds in (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
)
JUMP = 10 * SECOND
NO_DESK = "nothing trades here: this is a tape"
CUTS = (0.8, 0.9, 0.95, 0.97, 0.99, 0.999)


class Controls:
    """One method per action; the action table gives them keys."""

    def __init__(self, player: Player, board: Board, bookmarks: Bookmarks, say: Callable[[str, bool], None]) -> None:
        self._player, self._board, self._bookmarks, self._say = player, board, bookmarks, say
        self._asked: dict[Verb, list[float]] = {Verb.SPEED: [], Verb.GROUP: [], Verb.COLUMN: []}
        self._told: dict[Verb, float] = {}

    def now(self) -> Snapshot:
        """The newest snapshot."""
        return self._player.latest()

    # transport

    def play(self) -> None:
        """Play or pause; at the end, play again from A or the start."""
        if self.now().state is State.ENDED:
            self.go(self.now().mark_in or self.now().first_ts)
            self._player.send(Command(Verb.PLAY))
        else:
            self._player.send(Command(Verb.TOGGLE))

    def step_back(self) -> None:
        """One step unit back."""
        self._step(-1)

    def step_forward(self) -> None:
        """One step unit forward."""
        self._step(1)

    def step_unit(self) -> None:
        """Next step unit."""
        units = self._board.units()
        self._board.step = units[(units.index(self._board.step) + 1) % len(units)]

    def own_next(self) -> None:
        """To the next fill of ours or order denied."""
        self._own(1)

    def own_previous(self) -> None:
        """To the one before."""
        self._own(-1)

    def slower(self) -> None:
        """One speed down."""
        self._speed(-1)

    def faster(self) -> None:
        """One speed up."""
        self._speed(1)

    def jump_back(self) -> None:
        """Ten market seconds back."""
        self.go(self.now().clock - JUMP)

    def jump_forward(self) -> None:
        """Ten market seconds forward."""
        self.go(self.now().clock + JUMP)

    def day_start(self) -> None:
        """To the start of the tape."""
        self.go(self.now().first_ts)

    def day_end(self) -> None:
        """To the end of the tape."""
        self.go(self.now().last_ts)

    def go(self, ts: int) -> None:
        """To a moment, kept inside the tape."""
        snapshot = self.now()
        self._player.send(Command(Verb.GOTO, min(max(ts, snapshot.first_ts), snapshot.last_ts)))

    # marks

    def mark_previous(self) -> None:
        """To the mark before now; while playing, a mark just passed does not count."""
        snapshot = self.now()
        slack = 0
        if snapshot.state is State.PLAYING:
            slack = round(min(max(snapshot.achieved, 1.0), 3600.0) * SECOND)
        before = [ts for ts in self._marks(snapshot) if ts < snapshot.clock - slack]
        self.go(max(before, default=snapshot.first_ts))

    def mark_next(self) -> None:
        """To the mark after now."""
        snapshot = self.now()
        after = [ts for ts in self._marks(snapshot) if ts > snapshot.clock]
        self.go(min(after, default=snapshot.last_ts))

    def keep(self, ts: int, note: str) -> None:
        """Bookmark a moment."""
        try:
            self._board.bookmarks = self._bookmarks.add(ts, note)
        except OSError as error:
            self._say(f"the bookmark cannot be kept: {error}", True)
            return
        self._say(f"bookmark at {self._board.formats.time(ts, 3)}{f': {note}' if note else ''}", False)

    def forget(self, ts: int) -> None:
        """Remove a bookmark."""
        try:
            self._board.bookmarks = self._bookmarks.remove(ts)
        except OSError as error:
            self._say(f"the bookmark cannot be removed: {error}", True)

    def loop(self) -> None:
        """A, then B, then off."""
        snapshot, formats = self.now(), self._board.formats
        if snapshot.mark_in is None:
            self._player.send(Command(Verb.LOOP_IN, snapshot.clock))
            self._say(f"A at {formats.time(snapshot.clock, 3)}; {self._board.key('loop')} again sets B", False)
        elif snapshot.mark_out is not None:
            self._player.send(Command(Verb.LOOP_OFF))
            self._say("A-B loop off", False)
        elif snapshot.clock <= snapshot.mark_in:
            self._say(f"B must be later than A, {formats.time(snapshot.mark_in, 3)}", True)
        else:
            self._player.send(Command(Verb.LOOP_OUT, snapshot.clock))
            self._say(f"looping A-B, {span(snapshot.clock - snapshot.mark_in)}", False)

    # book

    def group_more(self) -> None:
        """More ticks per row."""
        self._choose(Verb.GROUP, GROUPS, self.now().ladder.group, 1)

    def group_less(self) -> None:
        """Fewer ticks per row."""
        self._choose(Verb.GROUP, GROUPS, self.now().ladder.group, -1)

    def column_more(self) -> None:
        """More seconds per column."""
        self._choose(Verb.COLUMN, STEPS, self.now().history.step, 1)

    def column_less(self) -> None:
        """Fewer seconds per column."""
        self._choose(Verb.COLUMN, STEPS, self.now().history.step, -1)

    def cut_less(self) -> None:
        """Lower the brightest depth."""
        self._board.cut = max((cut for cut in CUTS if cut < self._board.cut), default=CUTS[0])

    def cut_more(self) -> None:
        """Raise the brightest depth."""
        self._board.cut = min((cut for cut in CUTS if cut > self._board.cut), default=CUTS[-1])

    def _marks(self, snapshot: Snapshot) -> list[int]:
        loop = [ts for ts in (snapshot.mark_in, snapshot.mark_out) if ts is not None]
        return [snapshot.first_ts, *(each.ts for each in self._board.bookmarks), *loop, snapshot.last_ts]

    def _step(self, count: int) -> None:
        if self.now().state is State.PLAYING:
            self._player.send(Command(Verb.PAUSE))
        self._player.send(Command(self._board.step.verb, count))

    def _own(self, direction: int) -> None:
        if not self._board.desk.trading:
            self._say(f"{NO_DESK}, nothing on it is ours", True)
            return
        self._player.send(Command(Verb.OWN_EVENT, direction))

    def _speed(self, direction: int) -> None:
        self._choose(Verb.SPEED, SPEEDS, self.now().speed, direction)

    def _choose(self, verb: Verb, choices: tuple[float, ...], told: float, direction: int) -> None:
        """Ask for the next of `choices`. Presses faster than the engine's answers add up."""
        asked = self._asked[verb]
        if told in asked:
            del asked[: asked.index(told) + 1]
        elif told != self._told.get(verb):
            asked.clear()
        self._told[verb] = told
        now = asked[-1] if asked else told
        if direction > 0:
            chosen = min((choice for choice in choices if choice > now), default=choices[-1])
        else:
            chosen = max((choice for choice in choices if choice < now), default=choices[0])
        asked.append(chosen)
        self._player.send(Command(verb, chosen))
