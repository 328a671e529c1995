"""The engine of a session: plays tapes through a desk, and samples the past for the screen like the plain one."""

from collections.abc import Callable
from pathlib import Path

from core.book.book import Book
from core.desk.desk import Desk
from core.engine import Engine, View
from core.history import new_sampler, sample
from core.risk.kill import KillSwitch

_FOREVER = 2**63 - 1
Act = Callable[[Desk], object]


class TradingEngine(Engine):
    """Plays a session. Going back replays it from its start, a person's acts included, which gives the same state."""

    def __init__(
        self, make: Callable[[], Desk], shown: int = 0, view: View | None = None, kills: Path | None = None
    ) -> None:
        """`make`: a fresh desk of the session; `shown`: the tape on the screen; `kills`: folder of the kill file."""
        self._make, self.shown, self._kills = make, shown, kills
        self.desk = make()
        self.acts: list[tuple[int, Act]] = []  #: a person's acts and the market time of each
        self.book = Book.__new__(Book)
        self._attach()
        super().__init__(self.desk.tapes[shown], view)

    def act(self, deed: Act) -> object:
        """Carry out a person's act now, and remember it: a replay of the session repeats it."""
        self.acts.append((self.desk.clock, deed))
        done = deed(self.desk)
        self._sync()
        return done

    def seek(self, index: int) -> None:
        """Play to the moment after the first `index` messages of the shown tape; from the start if that is behind."""
        index = min(max(index, 0), len(self.messages))
        if index < self.desk.indices[self.shown] or index == 0:
            self._again(index)
        columns, step = self.view.columns, self.view.step
        target = int(self.messages["ts_event"][index - 1]) if index else self.first_ts
        past = max(target - step * columns, self.first_ts)
        self.sampler = new_sampler(columns, step, self.view.group)
        self.desk.advance(min(past, target), index - self.desk.indices[self.shown]) if index else None
        self._sync()
        self.sampler.meta[1] = (max(self.clock, past) // step + 1) * step
        self.advance(index)

    def _again(self, index: int) -> None:
        """A fresh desk, played up to the acts that lie before the moment asked for; later acts are forgotten."""
        if self.desk.indices == [0] * len(self.desk.indices) and not self.acts:
            return
        self.desk.close()
        self.desk = self._make()
        limit = int(self.messages["ts_event"][index - 1]) if index else self.first_ts - 1
        self.acts = [(ts, deed) for ts, deed in self.acts if ts <= limit]
        for ts, deed in self.acts:
            self.desk.advance(ts)
            deed(self.desk)
        self._attach()

    def _attach(self) -> None:
        """What is killed stays killed, wherever in the session we are."""
        if self._kills is not None:
            names = [agent.name for agent in self.desk.agents]
            tapes = [tape.name for tape in self.desk.plan.tapes]
            self.desk.switch = KillSwitch(self._kills, self.desk.plan.name, self.desk.gate, names, tapes)

    def advance(self, stop: int, until: int = _FOREVER) -> bool:
        """Play to index `stop` of the shown tape, or through time `until`. True when `until` is reached."""
        stop, step = min(stop, len(self.messages)), self.view.step
        meta = self.sampler.meta
        reached = False
        while self.index < stop:
            if meta[1] == 0:
                meta[1] = (self.clock // step + 1) * step
            goal = min(until, int(meta[1]) - 1)
            at_goal = self.desk.advance(goal, stop - self.index)
            self._sync()
            if not at_goal:
                break
            if goal == until:
                reached = True
                break
            self._close_column(goal)
        if self.index == len(self.messages) and not self.desk.over:
            self.desk.advance()  # what was under way at the last message still arrives
            self._sync()
        return reached

    def _close_column(self, clock: int) -> None:
        """The open column of the sampled past is complete."""
        meta, columns, step = self.sampler.meta, self.view.columns, self.view.step
        nxt = int(self.messages["ts_event"][self.index]) if self.index < len(self.messages) else clock + 1
        behind = (nxt - int(meta[1])) // step - columns
        if behind > 0:
            meta[1] += behind * step
            meta[2] += behind
        sample(self.book.state, self.sampler, int(meta[2]) % columns)
        meta[2] += 1
        meta[1] += step

    def _sync(self) -> None:
        self.book.state = self.desk.lines[self.shown].book
        self.index, self.clock = self.desk.indices[self.shown], self.desk.clock
