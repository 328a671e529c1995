"""The kinds of record in a journal, by number. Numbers are never given twice."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.records import DECISION, EVENT, FILL, LATENCY, MARK, ORDER, VERDICT


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record. `dtype` None: text, one JSON object a record."""

    number: int
    name: str
    dtype: Any
    repeats: bool  #: a second run of the same session makes the same records


STREAMS = (
    Stream(1, "decisions", DECISION, True),
    Stream(2, "verdicts", VERDICT, True),
    Stream(3, "readings", np.dtype("<f4"), True),  # rows of features; as many as the section's record size says
    Stream(4, "orders", ORDER, True),
    Stream(5, "fills", FILL, True),
    Stream(6, "events", EVENT, True),
    Stream(7, "marks", MARK, True),
    Stream(8, "latencies", LATENCY, False),
    Stream(9, "acts", None, True),  # what a person did: `core.desk.deeds.deed_text`
    Stream(10, "limits", None, True),  # changes of limits
    Stream(11, "life", None, False),  # the session's own: state and wall time
)
BY_NAME = {stream.name: stream for stream in STREAMS}
BY_NUMBER = {stream.number: stream for stream in STREAMS}


@dataclass(frozen=True, slots=True)
class Section:
    """Records of one stream, in order."""

    stream: Stream
    tape: int  #: instrument of the session whose venue made them; 0 where they belong to the desk
    records: NDArray[Any]  #: shape (n,), readings (n, features); text: the bytes of one JSON object

    @property
    def count(self) -> int:
        """Records in it."""
        return 1 if self.stream.dtype is None else len(self.records)

    def text(self) -> bytes:
        """The JSON object of a text record."""
        return bytes(self.records.tobytes())


def pieces(whole: Section, most: int) -> list[Section]:
    """A section in pieces of at most `most` bytes, but at least one record each."""
    if whole.stream.dtype is None or whole.records.nbytes <= most:
        return [whole]
    step = max(1, most // (whole.records.nbytes // len(whole.records)))
    cuts = range(0, len(whole.records), step)
    return [Section(whole.stream, whole.tape, whole.records[cut : cut + step]) for cut in cuts]


def section(name: str, records: NDArray[Any], tape: int = 0) -> Section:
    """A section of a stream that has a record type."""
    return Section(BY_NAME[name], tape, np.ascontiguousarray(records))


def text_section(name: str, text: str | bytes) -> Section:
    """A section of one text record."""
    raw = text.encode() if isinstance(text, str) else text
    return Section(BY_NAME[name], 0, np.frombuffer(raw, np.uint8))
