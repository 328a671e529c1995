"""What the line writes down: every record stream of a session, hashed as it comes and kept as far as wanted."""

import hashlib
from collections import deque
from collections.abc import Collection
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.desk.hashing import Digests
from core.records import CONTROLS, DECISION, EVENT, FILL, LATENCY, MARK, ORDER, VERDICT
from core.risk.controls import controls_in

#: What a second run of the same session repeats to the last bit, and what it does not: wall times.
REPEATED = ("decisions", "verdicts", "readings", "orders", "fills", "events", "marks")
STREAMS = (*REPEATED, "latencies")
_TYPES: dict[str, Any] = {
    "decisions": DECISION,
    "verdicts": VERDICT,
    "readings": np.dtype("<f4"),
    "orders": ORDER,
    "fills": FILL,
    "events": EVENT,
    "marks": MARK,
    "latencies": LATENCY,
}


class Sink(Protocol):
    """Takes everything in order of emission: the journal."""

    def take(self, stream: str, records: NDArray[Any], tape: int = 0) -> None:
        """Records of a stream; the array is the sink's own. `tape`: whose they are."""

    def note(self, stream: str, text: str) -> None:
        """One text: a person's act, a change of limits."""

    def commit(self) -> None:
        """Everything so far belongs together, and nothing that follows from it has happened yet."""


class Recorder:
    """Collects records. Streams that are not kept whole keep their latest ones, for the screen."""

    def __init__(self, keep: Collection[str] = STREAMS, latest: int = 4096, sink: Sink | None = None) -> None:
        """`keep`: streams kept whole; `latest`: records kept of the others; `sink`: told of everything."""
        self._keep, self._latest, self._sink = frozenset(keep), latest, sink
        self._blocks: dict[str, deque[NDArray[Any]]] = {name: deque() for name in STREAMS}
        self._digests = Digests(REPEATED)
        self.counts = dict.fromkeys(STREAMS, 0)
        self.denied = np.zeros(CONTROLS, np.int64)  #: orders that each Control denied

    def take(self, stream: str, records: NDArray[Any], tape: int = 0) -> None:
        """Add records; the array is copied, its owner may write over it.

        `tape`: whose they are. What several tapes say between two of an agent's turns comes in an order that
        depends on where the session was cut, so each tape's records are hashed by themselves.
        """
        if not len(records):
            return
        block = np.empty(records.shape, records.dtype)
        block.view(np.uint8)[...] = np.ascontiguousarray(records).view(np.uint8)  # numpy copies records field by field
        self._digests.add(stream, block, tape)
        self.counts[stream] += len(block)
        blocks = self._blocks[stream]
        blocks.append(block)
        if stream not in self._keep:
            kept = sum(map(len, blocks))
            while len(blocks) > 1 and kept - len(blocks[0]) >= self._latest:
                kept -= len(blocks.popleft())
        if stream == "verdicts" and (denied := block["breaches"]).any():
            denied = denied[denied != 0]
            for breaches, count in zip(*np.unique(denied, return_counts=True), strict=True):
                for control in controls_in(int(breaches)):  # few kinds in many orders
                    self.denied[control] += count
        if self._sink is not None:
            self._sink.take(stream, block, tape)

    def attach(self, sink: Sink) -> None:
        """Tell `sink` of everything from the first record on. Raises `ValueError` after it."""
        if any(self.counts.values()) or self._sink is not None:
            raise ValueError("records have been made, or are told to somebody, already")
        self._sink = sink

    def note(self, stream: str, text: str) -> None:
        """Pass one text on to the sink."""
        if self._sink is not None:
            self._sink.note(stream, text)

    def commit(self) -> None:
        """What was taken so far is to be written down before anything follows from it."""
        if self._sink is not None:
            self._sink.commit()

    def records(self, stream: str) -> NDArray[Any]:
        """What is kept of a stream, oldest first."""
        blocks = self._blocks[stream]
        if not blocks:
            return np.zeros(0, _TYPES[stream])
        if len(blocks) > 1:
            whole = np.concatenate(list(blocks))
            blocks.clear()
            blocks.append(whole)
        return blocks[0]

    def tail(self, stream: str, count: int) -> NDArray[Any]:
        """The latest `count` records of a stream, oldest first."""
        found: list[NDArray[Any]] = []
        for block in reversed(self._blocks[stream]):
            found.append(block[-count:])
            count -= len(found[-1])
            if count <= 0:
                break
        return np.concatenate(found[::-1]) if found else np.zeros(0, _TYPES[stream])

    def digests(self) -> dict[str, str]:
        """SHA-256 of each stream, hexadecimal."""
        return {name: self._digests.digest(name).hex() for name in REPEATED}

    def digest(self) -> str:
        """One digest of the decisions and the fills: equal for two runs of the same session."""
        both = self._digests.digest("decisions") + self._digests.digest("fills")
        return hashlib.sha256(both).hexdigest()
