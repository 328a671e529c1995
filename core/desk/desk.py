"""A session that runs: plays its tapes through the line, answers for its policies, obeys a person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.account.account import mark
from core.book.book import grown
from core.book.state import EMPTY_ASK, EMPTY_BID
from core.desk.answers import Answers
from core.desk.build import Parts, build, first_wakes, signals_of
from core.desk.ready import Ready
from core.desk.recorder import Recorder
from core.enums import AgentState
from core.errors import EngineBroken
from core.jit_states import Several
from core.line.coast import GROW, due
from core.line.run import ASK, BROKEN, DRAIN, UNTIL
from core.line.state import NEVER, Line
from core.line.together import Track, play
from core.line.wake import find_next_wake
from core.plan import SessionPlan
from core.risk.kill import KillSwitch
from core.risk.limits import LimitSet, expired, limits_text, next_expiry
from core.risk.state import apply_limits
from core.tape.tape import Tape
from core.tca.market import Market
from core.venue.grow import grown_venue
from core.venue.ledger import market_best
from core.venue.state import SECONDS, SWEEP

_FOREVER = NEVER - 1
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A moment between two steps of a session, to which a desk of the same session can be brought exactly."""

    indices: tuple[int, ...]  #: messages played per tape
    until: int | None  #: ns UTC up to which everything due has happened; None = just after the last message


class Desk:
    """One session over its tapes."""

    def __init__(
        self,
        plan: SessionPlan,
        tapes: Sequence[Tape],
        *,
        models: Mapping[str, Any] | None = None,
        recorder: Recorder | None = None,
        kills: Path | None = None,
        markets: Sequence[Market] | None = None,
        start: Sequence[int] | None = None,
        before: Ready | None = None,
    ) -> None:
        """`models`: loaded models by name; `kills`: folder of the kill file, None = kills last as long as this
        object; `markets`: what is known of the tapes, read if not given; `start`: message index per tape to start at;
        `before`: what a session of the same kind was ready with (`parts.ready`).

        Raises `ConfigError`.
        """
        self.plan, self.tapes = plan, tuple(tapes)
        self.recorder = recorder if recorder is not None else Recorder()
        self.models = dict(models or {})
        parts: Parts = build(plan, tapes, self.models, markets, before)
        self.parts, self.lines = parts, parts.lines
        self.agents, self.money, self.limits = parts.agents, parts.money, parts.limits
        self.messages = [tape.messages for tape in tapes]
        self.indices = [0] * len(tapes)
        self._tracks: Several[Track] = Several(())
        self._until: int | None = None
        self.obey: Callable[[Any], object] | None = None  #: carries out what the kill file says; None = `deeds` does
        for k, index in enumerate(start or ()):
            self._begin_at(k, index)
        firsts = [
            int(m["ts_event"][min(i, len(m) - 1)]) if len(m) else tape.meta.first_ts
            for m, i, tape in zip(self.messages, self.indices, tapes, strict=True)
        ]
        self.clock = min(firsts)
        first_wakes(self.lines, firsts)
        self._marked = [first // _SECOND for first in firsts]  # second of the newest mark recorded
        for line, second in zip(self.lines, self._marked, strict=True):
            line.venue.top[0]["next_tick"] = (second + 1) * _SECOND
        names = [agent.name for agent in self.agents]
        self.switch = KillSwitch(kills, plan.name, self.gate, names, [t.name for t in plan.tapes]) if kills else None
        self.answers = Answers(plan, self.agents, parts.policies, signals_of(self.agents, self.models))
        self.answers.said.extend((self.clock, agent, words) for agent, words in parts.doubts)
        for line in self.lines:
            self._wakes(line)

    def _begin_at(self, k: int, index: int) -> None:
        """Start in the middle of a tape, from its checkpoint."""
        place = self.tapes[k].at(index)
        self.lines[k] = self.lines[k]._replace(book=place.book.state)
        top = self.lines[k].venue.top[0]
        top["clock"], top["cursor"], top["volume"] = place.clock, index, place.volume
        self.indices[k] = index

    # --- shared state --------------------------------------------------------------------------

    @property
    def gate(self) -> Any:
        """The risk gate."""
        return self.lines[0].gate

    @property
    def account(self) -> Any:
        """The accounts; the last row is the desk's."""
        return self.lines[0].account

    @property
    def over(self) -> bool:
        """Whether nothing is left to play or to settle."""
        return all(
            index == len(messages) and line.venue.top[0]["next_due"] >= NEVER
            for index, messages, line in zip(self.indices, self.messages, self.lines, strict=True)
        )

    def set_limits(self, limits: LimitSet) -> None:
        """Let another version of the limits count from now on. Raises `ConfigError` and changes nothing."""
        apply_limits(self.gate, limits, self.money)
        self.recorder.note("limits", limits_text(self.limits, limits, self.clock))
        self.limits = limits

    # --- playing -------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where the session is."""
        return Place(tuple(self.indices), self._until)

    def go(self, place: Place) -> None:
        """Play forward to a place of this session."""
        if place.until is not None:
            self.advance(place.until)
        elif place.indices[0] > self.indices[0]:
            self.advance(most=place.indices[0] - self.indices[0])

    def advance(self, until: int = _FOREVER, most: int | None = None) -> bool:
        """Play up to and including time `until` (ns UTC), about `most` messages at once. True when `until` is reached.

        Where the cuts are makes no difference to what happens. A person's urgent command ends it at the turn of a
        policy in Python.
        """
        if self.switch is not None and self.switch.changed():
            from core.desk.deeds import heed  # acts know what a desk is

            heed(self)
        until = asked = min(until, _FOREVER)
        if len(self.lines) == 1:
            stop = len(self.messages[0]) if most is None else min(len(self.messages[0]), self.indices[0] + most)
        else:
            stop, until = 0, until if most is None else min(until, self._horizon(most))
        while (expiry := next_expiry(self.limits)) is not None and expiry <= until:
            if not self._advance(expiry - 1, stop):
                return False
            self.set_limits(expired(self.limits, expiry))
        reached = self._advance(until, stop) and until == asked
        if self.over:
            for place in range(len(self.lines)):
                self.value(place)
        return reached

    def _advance(self, until: int, stop: int) -> bool:
        goal = self._play(stop, until)
        self._until = goal
        self._settle_clock(goal)
        self.drain()
        return goal == until

    def _settle_clock(self, until: int | None) -> None:
        self.clock = max([self.clock, *(int(line.venue.top[0]["clock"]) for line in self.lines)])
        if until is not None and until < _FOREVER:
            self.clock = max(self.clock, min(until, max(tape.meta.last_ts for tape in self.tapes)))

    def _horizon(self, most: int) -> int:
        """Time by which no tape has played more than about `most` messages from here."""
        ends = [
            int(m["ts_event"][i + most]) if i + most < len(m) else _FOREVER
            for m, i in zip(self.messages, self.indices, strict=True)
        ]
        return min(ends)

    def _play(self, stop: int, until: int) -> int | None:
        """Play all tapes. Until when everything due has happened; None where a single tape's `stop` came first.

        A person's urgent command ends it at the turn of a policy that was asked.
        """
        indices = np.array(self.indices, np.int64)
        stops = np.array([stop] if len(self.lines) == 1 else [len(each) for each in self.messages], np.int64)
        while True:
            k, reason, goal = play(self._all_tracks(), indices, stops, until)
            self.indices = indices.tolist()
            if k < 0:
                return goal if reason == UNTIL or self.indices[0] == len(self.messages[0]) else None
            line = self.lines[k]
            if reason == GROW:
                price = int(self.messages[k][self.indices[k]]["price"])
                self.lines[k] = line._replace(book=grown(line.book, price))
            elif reason == DRAIN:
                self.drain()
                self.make_room(k)
            elif reason == ASK:
                turn = int(line.venue.top[0]["next_due"])
                self.answers.give(line, self.recorder)
                if self.answers.urgent():
                    until = min(until, turn)
            elif reason == BROKEN:
                raise EngineBroken("an account refused a fill: the sums no longer fit")

    def _all_tracks(self) -> Several[Track]:
        """What is played; put together anew only where a pool has grown, for to name its type takes a while."""
        known = self._tracks.states
        if len(known) != len(self.lines) or any(a.line is not b for a, b in zip(known, self.lines, strict=True)):
            tracks = [Track(line, messages) for line, messages in zip(self.lines, self.messages, strict=True)]
            self._tracks = Several(tracks)
        return self._tracks

    def make_room(self, k: int) -> None:
        """Grow the pools that are full; emptying the buffers was not enough."""
        line = self.lines[k]
        top, most = line.venue.top[0], len(line.intents)
        tight = top["free"] < most or top["free_levels"] < 2 * most + SWEEP
        waiting = int(top["note_tail"] - top["note_head"])
        tight = tight or top["requests"] + most + 1 >= len(line.venue.requests)
        if tight or waiting > len(line.venue.notes) - 64 - SWEEP - 2 * len(line.venue.orders):
            self.lines[k] = line = line._replace(venue=grown_venue(line.venue))
        if len(line.opens) < len(line.venue.orders):
            opens = np.zeros(2 * len(line.venue.orders), line.opens.dtype)
            self.lines = [each._replace(opens=opens) for each in self.lines]

    def drain(self) -> None:
        """Take the records out of the output buffers."""
        for tape, line in enumerate(self.lines):
            top, venue = line.top[0], line.venue
            for stream, array, owner, name in (
                ("decisions", line.decisions, top, "decisions"),
                ("verdicts", line.verdicts, top, "verdicts"),
                ("readings", line.readings, top, "readings"),
                ("orders", venue.done, venue.top[0], "done"),
                ("fills", venue.fills, venue.top[0], "fills"),
                ("events", venue.events, venue.top[0], "events"),
            ):
                count = int(owner[name])
                if count:
                    self.recorder.take(stream, array[:count], tape if owner is not top else 0)
                    owner[name] = 0
            self._take_marks(line, tape)
            venue.top[0]["drain"] = 0
        self.answers.tell(self.recorder)
        self.recorder.commit()

    def _take_marks(self, line: Line, tape: int) -> None:
        count = int(line.venue.top[0]["marks"])
        while count:  # a ring: at most two pieces
            first = (self._marked[tape] + 1) % SECONDS
            piece = min(count, SECONDS - first)
            self.recorder.take("marks", line.venue.marks[first : first + piece], tape)
            self._marked[tape] += piece
            count -= piece
        line.venue.top[0]["marks"] = 0

    def _wakes(self, line: Line) -> None:
        """After an agent's next turn was set from outside: the line looks again."""
        find_next_wake(line)
        due(line)

    def now(self, instrument: int) -> int:
        """Our clock in an instrument: the market's, seen late."""
        line = self.lines[instrument]
        return max(self.clock, int(line.venue.top[0]["clock"])) + int(line.venue.top[0]["feed_now"])

    def value(self, place: int) -> None:
        """Value what is held in an instrument at its mid now, if it has one."""
        line = self.lines[place]
        bid, ask = int(market_best(line.book, line.venue, 0)), int(market_best(line.book, line.venue, 1))
        if bid != EMPTY_BID and ask != EMPTY_ASK:
            mark(self.account, place, bid + ask + 2 * int(line.venue.top[0]["shift"]))

    def wake(self, agent: int, ts: int) -> None:
        """Set an agent's next turn (ns UTC, our clock); there is none after the session's end."""
        line = self.lines[int(self.lines[0].agents[agent]["instrument"])]
        line.agents[agent]["next_wake"] = NEVER if line.venue.top[0]["ended"] else ts
        self._wakes(line)

    def state(self, agent: int) -> AgentState:
        """What an agent is doing."""
        return AgentState(int(self.lines[0].agents[agent]["state"]))

    def close(self) -> None:
        """Let the policies' threads end."""
        self.answers.close()
