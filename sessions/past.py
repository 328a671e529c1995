"""What a second run of a session has to be told: a person's acts, and what the wall clock decided."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.deeds import Deed, read_deed
from core.enums import AgentState, EventKind, OrderType, Reason, TimeInForce
from core.errors import ConfigError
from core.plan import SessionPlan
from core.ports import ReadingStatus
from core.risk.controls import Control
from core.risk.kill import FILE as KILL_FILE
from core.risk.kill import KILL, KillAct
from core.transport import Ticket
from sessions.journal.errors import JournalError
from sessions.journal.layout import Block
from sessions.journal.log import Position, start_of
from sessions.journal.reading import Reader
from sessions.journal.streams import Section
from sessions.manifest import Manifest
from sessions.recording import State, log_disk

_EVER = 2**63 - 1
_LATEST = 2**40  # ns: no answer takes eighteen minutes
_FLAGS = 0xFFFF


@dataclass(slots=True)
class RecordedAct:
    """A person's act as the log has it."""

    deed: Deed
    text: bytes
    record: int  #: journal sequence
    refused: bytes = b""  #: the text that says so, empty if it was carried out


@dataclass(frozen=True, slots=True)
class Lateness:
    """An answer that came too late for the session: no second run finds that by itself."""

    agent: int
    ts: int  #: ns UTC, our clock
    record: int  #: journal sequence of the event
    cut_off: bool  #: the policy was cut off and its agent paused; else a model's answer did not count


@dataclass(slots=True)
class RecordedPast:
    """`core.desk.answers.Past` of a recorded session."""

    models: Sequence[tuple[bool, bool]]  #: by agent: whether a signal, whether its policy is a model
    patience_ns: int = 60_000_000_000
    cut: set[tuple[int, int]] = field(default_factory=set)
    lates: dict[tuple[int, int], int] = field(default_factory=dict)  #: how many events by agent and turn
    runs: dict[int, list[list[int]]] = field(default_factory=dict)  #: by agent: last time of equal latencies, latency
    lateness: list[Lateness] = field(default_factory=list)
    times: int = 0  #: verdicts that know a latency above the soft budget

    def cut_off(self, agent: int, now: int) -> bool:
        """Whether the agent's policy did not answer in time in its turn at `now`."""
        return (agent, now) in self.cut

    def late(self, agent: int, now: int, policy: bool) -> bool:
        """Whether its signal, or its policy's model, was cut off in that turn."""
        count = self.lates.get((agent, now), 0)
        signal, model = self.models[agent] if agent < len(self.models) else (False, False)
        if signal and model:
            return count > int(policy)  # one event of two possible ones: the signal, which is asked first
        return count > 0 and (model if policy else signal)

    def latency(self, agent: int, now: int) -> int:
        """What the gate was told at the agent's next order: nobody looks at it before."""
        runs = self.runs.get(agent)
        if not runs:
            return 0
        place = bisect_left(runs, now, key=lambda run: run[0])
        return runs[place][1] if place < len(runs) else 0

    def learn(self, section: Section, first: int) -> None:
        """Take what events and verdicts know of the wall clock."""
        if section.stream.name == "events":
            self._events(section.records, first)
        elif section.stream.name == "verdicts" and any(map(any, self.models)):
            self._verdicts(section.records)

    def _events(self, events: NDArray[Any], first: int) -> None:
        late = events["reason"] == Reason.POLICY_LATE
        ended = (events["kind"] == EventKind.AGENT) & (events["qty"] == AgentState.UNHEALTHY)
        missed = (events["kind"] == EventKind.MODEL) & (events["qty"] == ReadingStatus.LATE)
        for place in np.flatnonzero(late & (ended | missed)).tolist():
            who = int(events[place]["agent"]), int(events[place]["ts"])
            cut_off = bool(ended[place])
            if cut_off:
                self.cut.add(who)
            else:
                self.lates[who] = self.lates.get(who, 0) + 1
            self.lateness.append(Lateness(*who, first + place, cut_off))

    def _verdicts(self, verdicts: NDArray[Any]) -> None:
        seconds = verdicts["observed"][:, int(Control.MODEL_LATENCY)]
        known = (seconds > 0) & (seconds < _LATEST / 1e9)
        self.times += int(known.sum())
        ns = np.round(np.where(known, seconds, 0.0) * 1e9).astype(np.int64)
        for agent in np.unique(verdicts["agent"]).tolist():
            mine = verdicts["agent"] == agent
            values, times = ns[mine], verdicts["ts"][mine]
            ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
            runs = self.runs.setdefault(agent, [])
            for ts, value in zip(times[ends].tolist(), values[ends].tolist(), strict=True):
                if runs and runs[-1][1] == value:
                    runs[-1][0] = max(runs[-1][0], ts)
                else:
                    runs.append([ts, value])


@dataclass(slots=True)
class Scan:
    """A log read once: acts, lateness, how it ends."""

    acts: list[RecordedAct] = field(default_factory=list)
    at: Position | None = None  #: end of what was read
    fault: str = ""
    sealed: bool = False
    state: State = State.CREATED
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    ended: int = 0  #: journal sequence of the last record of the session's life


def scan(folder: Path, manifest: Manifest, past: RecordedPast, tapes: int) -> Scan:
    """Read the log of `folder`. `tapes`: how many the session has. Raises `JournalError`."""
    found, reader = Scan(), Reader(log_disk(folder), start_of(manifest.hash))
    for block in reader:
        _take(found, past, block, folder, tapes)
    found.at, found.fault, found.sealed = reader.at, reader.fault, reader.sealed
    return found


def _take(found: Scan, past: RecordedPast, block: Block, folder: Path, tapes: int) -> None:
    at = block.first
    for section in block.sections:
        if section.stream.name == "acts":
            _act(found, section.text(), at, folder, tapes)
        elif section.stream.name == "life":
            fields = _json(section.text(), folder, at)
            found.state, found.reason = _state(fields, folder, at), str(fields.get("reason", ""))
            result, found.ended = fields.get("result"), at
            found.result = result if isinstance(result, dict) else {}
        else:
            past.learn(section, at)
        at += section.count


def _act(found: Scan, text: bytes, record: int, folder: Path, tapes: int) -> None:
    fields = _json(text, folder, record)
    if "failed" in fields:
        if not found.acts or found.acts[-1].refused:
            raise JournalError(folder, f"record {record:,}: says of no act that it was refused")
        found.acts[-1].refused = text
        return
    try:
        deed = read_deed(text)
        if not _can_be(deed, tapes):
            raise ConfigError("it holds values that no act has")
    except (ConfigError, RecursionError, OverflowError) as error:
        raise JournalError(folder, f"record {record:,}: {error}") from error
    found.acts.append(RecordedAct(deed, text, record))


def _can_be(deed: Deed, tapes: int) -> bool:
    """Whether the values of an act are of the kinds and sizes that the engine takes."""
    place, act = deed.place, deed.act
    whole: list[Any] = [deed.ts, deed.index, act.target, *place.indices]
    whole += [value for value in (place.until, act.expires) if value is not None]
    texts: tuple[Any, ...] = (act.reason, act.person, act.scope, act.control)
    return (
        all(isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EVER for value in whole)
        and all(isinstance(value, str) for value in texts)
        and len(place.indices) == tapes
        and min(place.indices) >= 0
        and (act.ticket is None or _is_ticket(act.ticket))
    )


def _is_ticket(ticket: Ticket) -> bool:
    numbers: tuple[Any, ...] = (
        ticket.instrument, ticket.side, ticket.qty, ticket.price, ticket.type, ticket.tif, ticket.flags, ticket.stop,
        ticket.display,
    )  # fmt: skip
    return (
        all(isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EVER for value in numbers)
        and ticket.type in {*OrderType}
        and ticket.tif in {*TimeInForce}
        and 0 <= ticket.flags <= _FLAGS
        and all(abs(value) < 2**31 for value in (ticket.price, ticket.stop))
    )


def _json(text: bytes, folder: Path, record: int) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JournalError(folder, f"record {record:,}: is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise JournalError(folder, f"record {record:,}: is not a JSON object")
    return fields


def _state(fields: Mapping[str, Any], folder: Path, record: int) -> State:
    try:
        return State(str(fields.get("state")))
    except ValueError as error:
        raise JournalError(folder, f"record {record:,}: {fields.get('state')!r} is no state") from error


def write_kills(folder: Path, manifest: Manifest, plan: SessionPlan) -> None:
    """The kill file as it was when the session began: what was in force then is in force again.

    Raises `JournalError` for a kill that is none.
    """
    acts = []
    for kill in manifest.fields["kills"]:
        known = {key: kill.get(key) for key in ("scope", "reason", "person", "ts")} if isinstance(kill, dict) else {}
        texts = [known.get(key) for key in ("scope", "reason", "person")]
        ts = known.get("ts")
        if not all(isinstance(text, str) for text in texts) or not isinstance(ts, int) or isinstance(ts, bool):
            raise JournalError(manifest.id, f"its manifest holds a kill that is none: {kill!r}"[:300])
        scope, reason, person = map(str, texts)
        if scope.startswith("order.") and not (scope[6:].isascii() and scope[6:].isdigit() and len(scope) < 25):
            raise JournalError(manifest.id, f"its manifest kills no order: {scope[:80]!r}")
        acts.append(asdict(KillAct(KILL, scope, person, reason, ts, plan.name)))
    if acts:
        (folder / KILL_FILE).write_text(json.dumps({"format": 1, "acts": acts}), "utf-8")
