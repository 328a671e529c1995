"""The engine of a session: plays tapes through a desk, and samples the past for the screen like the plain one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book
from core.desk.acts import Done, latch, latches
from core.desk.deeds import Act, Deed, deed_text, differences, heed, perform
from core.desk.desk import Desk
from core.engine import Engine, View
from core.enums import EventKind, OperatorAct
from core.errors import ConfigError
from core.history import new_sampler, play, sample
from core.risk.kill import KillAct, KillFileError, KillSwitch

_FOREVER = 2**63 - 1
_PIECE = 50_000  # messages between two looks for an urgent command
_NEAR = 2_000  # moments looked at one by one; what comes later is found in pieces, and then gone back to
#: A fresh desk, and the kills in force at its start.
Begin = Callable[[Desk, tuple[KillAct, ...]], None]


class TradingEngine(Engine):
    """Plays a session. Going back replays it from its start, a person's acts included, which gives the same state.

    What is killed stays killed: after a replay the kills of the file are in force at once, wherever it ends.
    """

    def __init__(
        self,
        make: Callable[[], Desk],
        shown: int = 0,
        view: View | None = None,
        kills: Path | None = None,
        begin: Begin = lambda _desk, _kills: None,
    ) -> None:
        """`make`: a fresh desk of the session; `shown`: the tape on the screen; `kills`: folder of the kill file;
        `begin`: told of every fresh desk before anything happens on it.
        """
        self._make, self.shown, self._kills, self._begin = make, shown, kills, begin
        self._standing: tuple[KillAct, ...] = ()
        self.desk = make()
        self.acts: list[Deed] = []  #: what a replay of the session repeats
        self.replayed = 0  #: how often the session was played again from its start
        self.book = Book.__new__(Book)
        self._attach()
        self._latched = latches(self.desk.gate)
        begin(self.desk, self._standing)
        super().__init__(self.desk.tapes[shown], view)

    def act(self, act: Act, started: int | None = None) -> Done:
        """Carry out a person's act now, and remember it: a replay of the session repeats it. One that fails is not.

        What the kill file says since comes first, but never before a kill. `started`: monotonic ns of the key press.
        """
        if act.what != OperatorAct.KILL:
            heed(self.desk)
        return self._do(self._here(act), started)

    def _here(self, act: Act) -> Deed:
        return Deed(self.desk.place, self.desk.clock, self.desk.indices[self.shown], act)

    def _do(self, deed: Deed, started: int | None = None) -> Done:
        """Write the deed down, then do it."""
        recorder = self.desk.recorder
        recorder.note("acts", deed_text(deed))
        recorder.commit()
        try:
            done = perform(self.desk, deed.act, started)
        except (ConfigError, KillFileError) as error:
            recorder.note("acts", json.dumps({"failed": str(error)}))
            recorder.commit()
            raise
        self.acts.append(deed)
        self._sync()
        return done

    def seek(self, index: int, until: int | None = None) -> None:
        """Play to the moment after the first `index` messages of the shown tape and, if given, to time `until`.

        From the start where that lies behind. A person's urgent command ends it early.
        """
        index = min(max(index, 0), len(self.messages))
        ts = int(self.messages["ts_event"][index - 1]) if index else self.first_ts
        ts = ts if until is None else max(ts, until)
        here = self.desk.indices[self.shown]
        if index < here or (until is not None and ts < self.desk.clock):
            self._again(index, ts)
        self._play_to(index)
        if until is not None and self.desk.indices[self.shown] == index and not self._urgent():
            self.desk.advance(until)
        self._sync()
        self._resample()

    def next_own(self, denied: bool, halted: Callable[[], bool] = lambda: False) -> bool:
        """Play on to the moment of the next fill of ours; with `denied`, also of the next order the gate denies.

        True when there. False at the end of the tape, and where `halted` or an urgent command ended the search.
        """
        counts, moments = dict(self.desk.recorder.counts), 0
        while self.index < len(self.messages) and not (halted() or self._urgent()):
            if moments < _NEAR:
                self.advance(len(self.messages), self._moment())
            else:
                self.advance(self.index + _PIECE)
            moments += 1
            found = self._own_moments(counts, denied)
            if len(found):
                ts = int(found.min())
                if moments > _NEAR and ts < self.clock:
                    self.seek(self.tape.index_at(ts), ts)
                return True
        return False

    def previous_own(self, denied: bool) -> bool:
        """Go back to the moment of the fill of ours before now, or with `denied` of such an order. False for none."""
        found = self._own_moments(dict.fromkeys(self.desk.recorder.counts, 0), denied)
        found = found[found < self.clock]
        if not len(found):
            return False
        ts = int(found.max())
        self.seek(self.tape.index_at(ts), ts)
        return True

    def _moment(self) -> int:
        """Market time of what happens next, ns UTC: a message, or something due between two."""
        times = [int(line.venue.top[0]["next_due"]) for line in self.desk.lines]
        for messages, index in zip(self.desk.messages, self.desk.indices, strict=True):
            if index < len(messages):
                times.append(int(messages[index]["ts_event"]))
        return min(times)

    def _own_moments(self, counts: Mapping[str, int], denied: bool) -> NDArray[np.int64]:
        """Times (ns UTC) of our fills, and of orders denied, since the recorder counted so many records."""
        recorder = self.desk.recorder
        times: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        for stream in ("fills", "events") if denied else ("fills",):
            count = recorder.counts[stream] - counts[stream]
            if count:
                records = recorder.tail(stream, count)
                kept = records if stream == "fills" else records[records["kind"] == EventKind.DENIED]
                times.append(kept["ts"].astype(np.int64))
        return np.concatenate(times)

    def _urgent(self) -> bool:
        return self.desk.answers.urgent()

    def _play_to(self, index: int) -> None:
        """Forward to an index of the shown tape, looking for urgent commands on the way."""
        while (here := self.desk.indices[self.shown]) < index and not self._urgent():
            if len(self.desk.lines) > 1:
                self.desk.advance(self._time_of(here, min(here + _PIECE, index)))
            else:
                self.desk.advance(most=min(index - here, _PIECE))

    def _time_of(self, start: int, stop: int) -> int:
        """Time by which the messages from `start` up to `stop` have come, ns UTC: what all tapes play by."""
        return int(self.desk.messages[self.shown]["ts_event"][start:stop].max())

    def _again(self, index: int, ts: int) -> None:
        """A fresh desk, played up to the acts that lie before the moment asked for; later acts are forgotten."""
        self.desk.close()
        self.desk = self._make()
        self.replayed += 1
        latch(self.desk.gate, self._latched)
        self._begin(self.desk, self._standing)
        acts, self.acts = self.acts, []
        for deed in acts:
            if (deed.index, deed.ts) > (index, ts) or self._urgent():
                break
            self.desk.go(deed.place)
            self._do(deed)
        self._play_to(index)
        self._attach()

    def _attach(self) -> None:
        """Kills are kept in the file from here on; those in it are in force, wherever in the session we are."""
        if self._kills is None:
            return
        gate = self.desk.gate
        before = latches(gate)
        names = [agent.name for agent in self.desk.agents]
        tapes = [tape.name for tape in self.desk.plan.tapes]
        switch = KillSwitch(self._kills, self.desk.plan.name, gate, names, tapes)
        if self.replayed:
            wanted = latches(gate)
            latch(gate, before)
            for act in differences(self.desk, switch):
                self._do(self._here(act))
            latch(gate, wanted)
        else:
            self._standing = switch.latched
        self.desk.switch = switch
        self.desk.obey = lambda act: self._do(self._here(act))

    def _resample(self) -> None:
        """The sampled past before this moment: from the tape alone, for our orders never change its book."""
        columns, step, index = self.view.columns, self.view.step, self.index
        self.sampler = new_sampler(columns, step, self.view.group)
        clock = int(self.messages["ts_event"][index - 1]) if index else self.first_ts
        past = clock - step * columns
        start = min(self.tape.index_at(past), index) if index else 0
        place = self.tape.at(start)
        if start:
            self.sampler.meta[1] = (past // step + 1) * step
        at = place.index
        while at < index:
            at, reason = play(place.book.state, self.messages, at, index, _FOREVER, self.sampler)
            if reason == 2:
                place.book.grow(int(self.messages[at]["price"]))

    def advance(self, stop: int, until: int = _FOREVER) -> bool:
        """Play to index `stop` of the shown tape, or through time `until`. True when `until` is reached."""
        stop, step = min(stop, len(self.messages)), self.view.step
        meta, several = self.sampler.meta, len(self.desk.lines) > 1
        reached, last = False, self._time_of(self.index, stop) if several and self.index < stop else _FOREVER
        while self.index < stop:
            if meta[1] == 0:
                meta[1] = (self.clock // step + 1) * step
            goal = min(until, last, int(meta[1]) - 1)
            at_goal = self.desk.advance(goal, None if several else stop - self.index)
            self._sync()
            if not at_goal or goal == last < until:
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
