"""Made-up sessions: records that number themselves as an engine's do, and say nothing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.deeds import Act, Deed, deed_text
from core.desk.desk import Place
from core.desk.recorder import Recorder
from core.enums import OperatorAct
from core.records import DECISION, EVENT, FILL, LATENCY, MARK, ORDER, VERDICT
from sessions.journal.anchors import Keys
from sessions.journal.log import SEGMENT
from sessions.recording import Recording, Rooms, State, create, new_id
from tests.oracle.journals import FEATURES, manifest_fields

#: Records of a day of the demo by stream, in a thousand.
MIX = {"decisions": 350, "events": 270, "verdicts": 258, "fills": 64, "orders": 58}
TYPES: dict[str, Any] = {
    "decisions": DECISION, "events": EVENT, "verdicts": VERDICT, "fills": FILL, "orders": ORDER, "marks": MARK,
    "latencies": LATENCY,
}  # fmt: skip
_PAUSE = deed_text(Deed(Place((1,), None), 1, 0, Act(OperatorAct.PAUSE, 0, "because", "bob")))


@dataclass(slots=True)
class Day:
    """Deals out records of all streams in order."""

    rng: np.random.Generator
    tapes: int = 1
    shared: dict[str, int] = field(default_factory=lambda: {"decisions": 0, "verdicts": 0})
    venue: dict[int, int] = field(default_factory=dict)

    def some(self, stream: str, count: int, tape: int = 0) -> NDArray[Any]:
        """`count` records, numbered on."""
        dtype = TYPES[stream]
        raw = self.rng.integers(0, 256, (count, dtype.itemsize), dtype=np.uint8)
        records = raw.view(dtype).reshape(count)
        if stream in self.shared:
            records["seq"] = np.arange(self.shared[stream], self.shared[stream] + count)
            self.shared[stream] += count
        elif stream in ("fills", "events"):
            begin = self.venue.get(tape, 0)
            records["seq"] = np.arange(begin, begin + count)
            self.venue[tape] = begin + count
        return records

    def commit(self, sink: Any, count: int) -> None:
        """About `count` records of the usual mix, as a desk hands them over, and a commit."""
        for stream, share in MIX.items():
            tape = int(self.rng.integers(self.tapes)) if stream in ("orders", "fills", "events") else 0
            number = int(self.rng.binomial(count, share / 1000)) if count < 100 else count * share // 1000
            if number:
                sink.take(stream, self.some(stream, number, tape), tape)
        if self.rng.random() < 0.1:
            sink.take("readings", self.rng.random((3, len(FEATURES)), dtype=np.float32), 0)
        if self.rng.random() < 0.1:
            sink.note("acts", _PAUSE)
        sink.commit()


def begin(rooms: Rooms, keys: Keys, *, durable: bool = False, segment: int = SEGMENT) -> Recording:
    """A session that begins now, of no plan."""
    fields = manifest_fields(new_id("day", rooms))
    fields |= {"name": "day", "durable": durable, "public_key": keys.public.hex(), "kills": []}
    return create(rooms, fields, keys, segment)


def made(home: Path, seed: int, commits: int = 30, count: int = 40, *, durable: bool = False,
         segment: int = SEGMENT, tapes: int = 1) -> Path:  # fmt: skip
    """A sealed session in `home`, whose seal says what a recorder says. Returns its folder."""
    rooms = Rooms(home)
    recording = begin(rooms, Keys(rooms.keys), durable=durable, segment=segment)
    recorder = Recorder(keep=(), sink=recording.journal)
    day = Day(np.random.default_rng(seed), tapes)
    for _ in range(commits):
        day.commit(recorder, count)
        recording.journal.flush()
    result = {"digest": recorder.digest(), "digests": recorder.digests(), "counts": dict(recorder.counts)}
    recording.close(State.SEALED, "", result)
    return recording.folder
