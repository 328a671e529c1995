"""Two runs of a session held against each other record by record, as both come: the first that differs, by field."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.hashing import Digests
from core.risk.controls import Control
from sessions.journal.layout import Block
from sessions.journal.streams import BY_NAME, STREAMS
from sessions.manifest import Manifest
from sessions.plan_restore import differences

#: Streams that a second run repeats.
REPEATED = tuple(stream.name for stream in STREAMS if stream.repeats)
#: Bytes of one stream that may wait for the other run to come to them.
MOST_WAITING = 256 << 20
_CONTROLS = {int(control): control.name.lower() for control in Control}


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field of two records."""

    name: str  #: of a reading the feature's, of a verdict's observations the control's, of a text the dotted key
    recorded: Any  #: a plain value; None where there is no such field
    replayed: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """The first record of a stream of a tape that is not the same in both runs."""

    stream: str
    tape: int
    number: int  #: place in the stream of its tape, from 0
    record: int | None  #: journal sequence; None where the record has none
    kind: str  #: changed, missing (the second run has none), extra (the record has none)
    fields: tuple[FieldDifference, ...]
    ts: int | None = None  #: ns UTC of the market, where the record says
    differing: int = 1  #: records of the stream and tape that differ, as far as both runs went
    other: int | None = None  #: journal sequence in the second session, where it has one

    def words(self, runs: tuple[str, str] = ("recorded", "replayed")) -> str:
        """The difference in one line."""
        where = f"{self.stream} {self.number:,}" + (f" of tape {self.tape}" if self.tape else "")
        seq = f" (record {self.record:,})" if self.record is not None else ""
        if self.kind != "changed":
            return f"{where}{seq}: only {runs[0] if self.kind == 'missing' else runs[1]}"
        shown = [f"{f.name}: {runs[0]} {_shown(f.recorded)}, {runs[1]} {_shown(f.replayed)}" for f in self.fields[:5]]
        more = f"; and {len(self.fields) - 5} more fields" if len(self.fields) > 5 else ""
        return f"{where}{seq}: {'; '.join(shown)}{more}"


@dataclass(slots=True)
class _Piece:
    """Records of one stream, and where the first of them is."""

    records: NDArray[Any]
    count: int
    first: int | None
    at: int = 0


@dataclass(slots=True)
class _Lane:
    """One stream of one tape."""

    stream: str
    tape: int
    recorded: deque[_Piece] = field(default_factory=deque)
    replayed: deque[_Piece] = field(default_factory=deque)
    waiting: list[int] = field(default_factory=lambda: [0, 0])  #: bytes of either run that wait for the other
    done: int = 0  #: records held against each other
    difference: Difference | None = None
    differing: int = 0


class Comparison:
    """Takes the records of two runs in any order of streams; memory is bounded by how far one is ahead."""

    def __init__(self, features: Sequence[str] = ()) -> None:
        """`features`: names of a reading's columns."""
        self._features = tuple(features)
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._digests = Digests(REPEATED)

    def record(self, block: Block) -> None:
        """What was recorded: one block of the log."""
        for name, tape, records, first in sections_of(block):
            self._add(name, tape, records, first, True)

    def repeat(self, stream: str, tape: int, records: NDArray[Any], first: int | None = None) -> None:
        """What the second run made. `records`: of a text its bytes, as numbers."""
        self._add(stream, tape, records, first, False)

    def waits(self, stream: str, tape: int) -> bool:
        """Whether the second run is ahead in a stream."""
        return bool(self._lanes[stream, tape].replayed)

    @property
    def behind(self) -> bool:
        """Whether something recorded is not repeated yet."""
        return any(lane.recorded for lane in self._lanes.values())

    @property
    def counts(self) -> dict[str, int]:
        """Records held against each other, by stream."""
        found = dict.fromkeys(REPEATED, 0)
        for lane in self._lanes.values():
            found[lane.stream] += lane.done
        return found

    def digests(self) -> dict[str, str]:
        """SHA-256 of each stream as recorded, hexadecimal, as far as both went; texts have none."""
        return {name: self._digests.digest(name).hex() for name in REPEATED if BY_NAME[name].dtype is not None}

    def differ(self, difference: Difference) -> None:
        """A difference that somebody else has found."""
        lane = self._lane(difference.stream, difference.tape)
        lane.difference = lane.difference or difference
        lane.differing += 1

    def finish(self, missing: bool, extra: bool) -> None:
        """Both are at their end: what is left over is a difference, where `missing` or `extra` records are any."""
        for lane in self._lanes.values():
            for kind, pieces, counts in (("missing", lane.recorded, missing), ("extra", lane.replayed, extra)):
                left = sum(piece.count - piece.at for piece in pieces)
                if left and counts:
                    self._left_over(lane, kind, pieces[0], left)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The first of every stream and tape, in the order of the record."""
        found = [(lane.difference, lane.differing) for lane in self._lanes.values()]
        known = [_counted(one, count) for one, count in found if one is not None]
        return tuple(sorted(known, key=lambda d: (d.record is None, d.record or 0, d.stream, d.tape)))

    # --- matching ------------------------------------------------------------------------------

    def _lane(self, stream: str, tape: int) -> _Lane:
        return self._lanes.setdefault((stream, tape), _Lane(stream, tape))

    def _add(self, stream: str, tape: int, records: NDArray[Any], first: int | None, recorded: bool) -> None:
        lane = self._lane(stream, tape)
        piece = _Piece(records, 1 if BY_NAME[stream].dtype is None else len(records), first)
        (lane.recorded if recorded else lane.replayed).append(piece)
        lane.waiting[not recorded] += int(records.nbytes)
        sides = (("missing", lane.recorded), ("extra", lane.replayed))
        while lane.recorded and lane.replayed:
            self._match(lane, lane.recorded[0], lane.replayed[0])
            for k, (_, pieces) in enumerate(sides):
                if pieces and pieces[0].at == pieces[0].count:
                    lane.waiting[k] -= int(pieces.popleft().records.nbytes)
        for k, (kind, pieces) in enumerate(sides):
            if lane.waiting[k] > MOST_WAITING:
                self._left_over(lane, kind, pieces[0], sum(piece.count - piece.at for piece in pieces))
                pieces.clear()
                lane.waiting[k] = 0

    def _left_over(self, lane: _Lane, kind: str, piece: _Piece, count: int) -> None:
        if lane.difference is None:
            seq = None if piece.first is None else piece.first + piece.at
            one = _one(piece, lane.stream)
            lane.difference = Difference(
                lane.stream, lane.tape, lane.done, seq if kind == "missing" else None, kind, (), _ts(one),
                other=seq if kind == "extra" else None,
            )  # fmt: skip
        lane.differing += count

    def _match(self, lane: _Lane, a: _Piece, b: _Piece) -> None:
        """Hold as many records against each other as both pieces have."""
        if BY_NAME[lane.stream].dtype is None:
            count, wrong = 1, _texts(a.records.tobytes(), b.records.tobytes())
            differing = np.array([bool(wrong)])
        else:
            count = min(a.count - a.at, b.count - b.at)
            x, y = a.records[a.at : a.at + count], b.records[b.at : b.at + count]
            differing = _rows(x, y)
            if not len(differing):
                self._digests.add(lane.stream, x, lane.tape)
                differing = np.zeros(1, bool)
        if differing.any():
            at = int(differing.argmax())
            lane.differing += int(differing.sum())
            if lane.difference is None:
                self._name(lane, a, b, at)
        a.at, b.at, lane.done = a.at + count, b.at + count, lane.done + count

    def _name(self, lane: _Lane, a: _Piece, b: _Piece, at: int) -> None:
        if BY_NAME[lane.stream].dtype is None:
            fields, ts = _texts(a.records.tobytes(), b.records.tobytes()), None
        else:
            one, two = a.records[a.at + at], b.records[b.at + at]
            fields, ts = _fields(one, two, self._features), _ts(one)
        seq, other = (None if p.first is None else p.first + p.at + at for p in (a, b))
        lane.difference = Difference(
            lane.stream, lane.tape, lane.done + at, seq, "changed", fields, ts, other=other
        )  # fmt: skip


def sections_of(block: Block) -> Iterator[tuple[str, int, NDArray[Any], int]]:
    """Stream, tape, records and first journal sequence of each section that a second run repeats."""
    at = block.first
    for each in block.sections:
        if each.stream.repeats:
            yield each.stream.name, each.tape, each.records, at
        at += each.count


def feature_names(manifest: Manifest) -> list[str]:
    """Names of a reading's columns, as a manifest has them."""
    found = manifest.fields.get("features")
    names = found.get("names") if isinstance(found, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []


def _counted(one: Difference, count: int) -> Difference:
    return Difference(
        one.stream, one.tape, one.number, one.record, one.kind, one.fields, one.ts, count, one.other
    )  # fmt: skip


def _rows(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows differ in any bit; empty if none does."""
    a, b = (np.ascontiguousarray(each).view(np.uint8).reshape(len(each), -1) for each in (x, y))
    if a.shape[1] != b.shape[1]:
        return np.ones(len(x), bool)
    if a.tobytes() == b.tobytes():
        return np.zeros(0, bool)
    found: NDArray[np.bool_] = (a != b).any(axis=1)
    return found


def _fields(a: Any, b: Any, features: Sequence[str]) -> tuple[FieldDifference, ...]:
    """Fields of two records of one type, or columns of two readings, that differ in any bit."""
    if a.dtype.names is None:
        return tuple(_columns("", a, b, dict(enumerate(features))))
    found: list[FieldDifference] = []
    for name in a.dtype.names:
        one, two = np.asarray(a[name]), np.asarray(b[name])
        if one.tobytes() == two.tobytes():
            continue
        if one.ndim:
            found += _columns(f"{name}.", one, two, _CONTROLS if name == "observed" else {})
        else:
            found.append(FieldDifference(name, one.item(), two.item()))
    return tuple(found)


def _columns(prefix: str, a: Any, b: Any, names: dict[int, str]) -> Iterator[FieldDifference]:
    for k in range(max(len(a), len(b))):
        one, two = (each[k] if k < len(each) else None for each in (a, b))
        if one is None or two is None or one.tobytes() != two.tobytes():
            name = names.get(k, f"{k}")
            yield FieldDifference(
                f"{prefix}{name}", None if one is None else one.item(), None if two is None else two.item()
            )


def _texts(a: bytes, b: bytes) -> tuple[FieldDifference, ...]:
    """Keys of two JSON texts that differ."""
    if a == b:
        return ()
    try:
        found = differences(json.loads(a), json.loads(b))
        return tuple(FieldDifference(path or "text", was, now) for path, was, now in found)
    except (ValueError, RecursionError):
        return (FieldDifference("text", repr(a[:80]), repr(b[:80])),)


def _one(piece: _Piece, stream: str) -> Any:
    return None if BY_NAME[stream].dtype is None else piece.records[piece.at]


def _ts(record: Any) -> int | None:
    names = getattr(getattr(record, "dtype", None), "names", None)
    return int(record["ts" if "ts" in names else "ts_done"]) if names and {"ts", "ts_done"} & {*names} else None


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, float) else f"{value}"
