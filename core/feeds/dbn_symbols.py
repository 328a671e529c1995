"""The choice of one instrument of a DBN file."""

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime
from datetime import date as Date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import FeedError
from core.feeds import dbn_frames as frames
from core.feeds.dbn_header import Header, read_header
from core.feeds.window import ByteWindow
from core.jit_states import state

#: Record types by schema, the richest first.
BOOKS = {"mbo": 0xA0, "mbp-10": 0x0A, "mbp-1": 0x01}
_MAPPINGS = 1 << 12  # symbol mapping records taken from one block


@state
class Choice(NamedTuple):
    """The instrument to import."""

    header: Header
    schema: str
    symbol: str
    instrument: int
    first_ts: int  #: ns UTC of its first record
    alone: bool  #: chosen because no other instrument was met so far; records of another one are an error


def new_state(schema: str | None, send_times: bool) -> NDArray[np.void]:
    """State of the kernels before the first record."""
    state = np.zeros(1, frames.STATE)
    for name in ("instrument", "publisher", "second", "rtype"):
        state[name] = -1
    if schema is not None:
        rtype = BOOKS[schema]
        state["rtype"], state["words"] = rtype, frames.WORDS[rtype] + 2 * send_times
    return state


def new_counts() -> NDArray[np.int64]:
    """Counters of the kernels, shape (4, 256)."""
    return np.zeros((4, 256), np.int64)


def utc_date(ts: int) -> Date:
    """UTC date of a time in ns."""
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).date()


class Survey:
    """Reads records until it is clear which instrument is meant."""

    def __init__(self, header: Header, schema: str | None, ids: Sequence[int] = ()) -> None:
        """`ids` limits the instruments that are looked for."""
        self.header = header
        self.state, self.counts = new_state(schema, header.send_times), new_counts()
        self._found = np.zeros((len(ids) or 64, 3), np.int64)
        self._found[:, 0] = ids or -1

    def read(self, window: ByteWindow) -> NDArray[np.int64]:
        """Take the records in the window into account. Instruments met so far: id, records, ns UTC of the first."""
        mappings = np.zeros(_MAPPINGS, np.int64)
        words, first, stop = window.data.view("<u4"), window.at // 4, window.stop // 4
        at, n = frames.survey(words, first, stop, window.final, self.state, self.counts, self._found, mappings)
        for start in mappings[:n]:
            self._note(window.data[4 * int(start) :])
        window.at = 4 * at
        return self._found[self._found[:, 1] > 0]

    def _note(self, record: NDArray[np.uint8]) -> None:
        """Take in a symbol mapping of a live capture."""
        raw = record[: 4 * int(record[0])].tobytes()
        body = raw[16 : -24 if self.header.send_times else -16]
        if self.header.version > 1:  # a type byte before each symbol
            half = len(body) // 2
            name = body[half + 1 :]
        else:  # no types, 4 bytes of padding at the end
            half = (len(body) - 4) // 2
            name = body[half:-4]
        symbol = name.split(b"\0")[0].decode("ascii", "replace")
        instrument = int.from_bytes(raw[4:8], "little")
        if symbol not in self.header.ids:
            self.header.add(symbol, Date.min, Date.max, str(instrument))


def open_header(path: Path) -> tuple[Header, str]:
    """Header and schema of a file; what a live capture leaves out of its header comes from its records."""
    supported = ", ".join(BOOKS)
    with ByteWindow(path) as window:
        header = read_header(path, window)
        if header.schema is not None and header.schema not in BOOKS:
            raise FeedError(path, f"schema {header.schema} has no book; supported schemas: {supported}")
        if header.schema is not None and header.ids:
            return header, header.schema
        survey = Survey(header, None)
        while True:
            survey.read(window)
            for schema, rtype in BOOKS.items():
                if survey.counts[frames.IGNORED, rtype]:
                    return header, header.schema or schema
            if not window.fill():
                raise FeedError(path, f"no records of a schema with a book; supported schemas: {supported}")


def choose(paths: Sequence[Path], wanted: str | None) -> Choice:
    """Choose `wanted`, or the only instrument, reading no further than needed. Raises `FeedError`."""
    header, schema = open_header(paths[0])
    symbol, ids = header.find(wanted) if wanted is not None else header.only()
    if wanted is not None and not ids:
        raise _unknown(paths[0], header, wanted)
    for path in paths:
        with ByteWindow(path) as window:
            read_header(path, window)
            survey = Survey(header, schema, ids)
            while True:
                met = survey.read(window)
                if len(met) > 1 and not ids:
                    raise _several(path, header, met)
                if len(met):
                    instrument, _, first = (int(value) for value in met[np.argmin(met[:, 2])])
                    name = symbol or header.names().get(instrument, str(instrument))
                    return Choice(header, schema, name, instrument, first, not ids)
                if not window.fill():
                    break
    raise FeedError(paths[0], f"no {schema} records" + (f" of {symbol}" if symbol else ""))


def _several(path: Path, header: Header, met: NDArray[np.int64]) -> FeedError:
    names = header.names()
    busy = [names.get(int(i), str(i)) for i in met[np.argsort(-met[:, 1], kind="stable"), 0]]
    more = " and more" if len(busy) > 8 or len(met) == 64 else ""
    return FeedError(path, f"more than one instrument ({', '.join(busy[:8])}{more}): choose one with --symbol")


def _unknown(path: Path, header: Header, wanted: str) -> FeedError:
    if not header.ids:
        return FeedError(path, f"no symbol {wanted!r}: the file names no symbols, give an instrument id with --symbol")
    near = difflib.get_close_matches(wanted.upper(), list(header.ids), 5, 0.5) or sorted(header.ids)[:8]
    return FeedError(path, f"no symbol {wanted!r} among {len(header.ids):,}; near: {', '.join(near)}")
