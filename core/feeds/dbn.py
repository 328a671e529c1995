"""Databento DBN: MBO, MBP-10 and MBP-1 records, versions 1 to 3, plain or zstd."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date as Date
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.enums import Depth
from core.errors import FeedError
from core.feeds import dbn_frames as frames
from core.feeds.dbn_header import read_header
from core.feeds.dbn_kernels import FILLS, decode_mbo
from core.feeds.dbn_levels import decode_mbp
from core.feeds.dbn_symbols import choose, new_counts, new_state, utc_date
from core.feeds.files import ByteSource
from core.feeds.source import Batch, Options, SourceFacts
from core.feeds.window import ByteWindow, share_read
from core.records import ROW

_ROWS = 1 << 18  # rows per batch
_STRIDE = 1 << 26  # bytes after which a small batch is handed out, so that a caller can show progress
_BY_TYPE = {frames.IGNORED: "ignored", frames.WRONG_LENGTH: "wrong_length", frames.UNKNOWN_TYPE: "unknown_type"}
_SKIPS = {
    frames.OTHER_SYMBOL: "other_symbol",
    frames.OTHER_PUBLISHER: "other_publisher",
    frames.LOST_BYTES: "lost_bytes",
    frames.BAD_TIME: "bad_time",
    frames.BAD_ACTION: "bad_action",
    frames.UNTRACKED_FILLS: "untracked_fills",
    frames.FLAG_BAD_TS_RECV: "flag_bad_ts_recv",
    frames.FLAG_MAYBE_BAD_BOOK: "flag_maybe_bad_book",
    frames.FLAG_TOB: "flag_tob",
}


class DbnSource:
    """The records of one instrument; flags that only warn are counted in `skipped` too."""

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        if not paths:
            raise FeedError("dbn", "no file given")
        self.paths: Sequence[Path] = list(paths)
        self.skipped: Counter[str] = Counter()
        self._done = 0
        self._window: ByteWindow | None = None
        choice = choose(self.paths, options.symbol)
        self._choice = choice
        self._state, self._counts = new_state(choice.schema, choice.header.send_times), new_counts()
        self._state["instrument"], self._state["alone"] = choice.instrument, choice.alone
        self._state["last_ts"] = max(0, choice.first_ts)
        self._fill_ids, self._fill_left = np.zeros(FILLS, np.uint64), np.zeros(FILLS, np.int64)
        levels = {"mbp-10": 10, "mbp-1": 1}.get(choice.schema, 0)
        self._books = np.zeros((2, 2, levels, 2), np.int64)
        notes = {"schema": choice.schema, "dbn_version": str(choice.header.version)}
        self.info = SourceFacts(
            symbol=choice.symbol,
            venue=options.venue or choice.header.dataset,
            date=self._date(options.date),
            depth=Depth.LEVELS if levels else Depth.ORDERS,
            price_unit=Decimal("1e-9"),
            qty_unit=Decimal(1),
            usual_lot=Decimal(1),
            notes={**notes, "instrument_id": str(choice.instrument)},
        )

    def _date(self, given: str | None) -> str:
        """What the user says, or the UTC date of the first record."""
        if given is None:
            first = self._choice.first_ts
            return utc_date(first if first > 0 else self._choice.header.start).isoformat()
        try:
            return Date.fromisoformat(given).isoformat()
        except ValueError as error:
            raise FeedError(self.paths[0], f"date {given!r} is not a date like 2024-05-08") from error

    @property
    def records(self) -> int:
        """Records met so far, usable or not."""
        return int(self._state["records"][0])

    def progress(self) -> float:
        """Share of the source bytes read so far, 0 to 1."""
        return share_read(self.paths, self._done, self._window)

    def batches(self) -> Iterator[Batch]:
        """Rows of the chosen instrument. `source_row` is the ordinal among all records of all files."""
        for path in self.paths:
            with ByteWindow(path) as self._window:
                self._enter(path, self._window)
                yield from self._file(path, self._window)
            self._window = None
            self._done += 1
        self._count()

    def _enter(self, path: Path, window: ByteWindow) -> None:
        """Read the header; each file of a series must be of one kind, but may number its instruments anew."""
        header, first = read_header(path, window), self._choice.header
        if (header.schema, header.dataset, header.send_times) != (first.schema, first.dataset, first.send_times):
            raise FeedError(path, f"is {header.dataset} {header.schema}, the first file {first.dataset} {first.schema}")
        ids = header.find(self._choice.symbol)[1]
        if ids and self._choice.instrument not in ids:
            self._state["instrument"] = ids[0]

    def _decode(self, window: ByteWindow, rows: NDArray[np.void]) -> int:
        """Rows written."""
        words, at, stop = window.data.view("<u4"), window.at // 4, window.stop // 4
        job = (words, at, stop, window.final, self._state, self._counts)
        if self._books.size:
            at, n = decode_mbp(*job, self._books, rows)
        else:
            at, n = decode_mbo(*job, self._fill_ids, self._fill_left, rows)
        window.at = 4 * at
        return n

    def _file(self, path: Path, window: ByteWindow) -> Iterator[Batch]:
        rows, n, yielded = np.zeros(_ROWS, ROW), 0, 0
        while True:
            while more := self._decode(window, rows[n:]):
                n += more
                self._check_alone(path)
                if _ROWS - n < _ROWS // 4:
                    yield Batch(rows[:n])
                    rows, n, yielded = np.zeros(_ROWS, ROW), 0, window.taken
            self._check_alone(path)
            if n and window.taken - yielded >= _STRIDE:
                yield Batch(rows[:n])
                rows, n, yielded = np.zeros(_ROWS, ROW), 0, window.taken
            if not window.fill():
                break
        if n:
            yield Batch(rows[:n])
        self._leave(window)

    def _check_alone(self, path: Path) -> None:
        if self._state["second"][0] >= 0:
            raise FeedError(path, "more than one instrument: choose one with --symbol", self.records - 1)

    def _leave(self, window: ByteWindow) -> None:
        """Account for the bytes behind the last whole record."""
        rest = window.stop - window.at
        if self._state["lost"][0]:
            self._counts[frames.OTHER, frames.LOST_BYTES] += rest
        elif rest:
            self.skipped["truncated_bytes"] += rest
        self._state["lost"] = 0

    def _count(self) -> None:
        for row, kind in _BY_TYPE.items():
            for code in np.flatnonzero(self._counts[row]):
                name = frames.RTYPES.get(int(code), f"0x{code:02x}")
                self.skipped[f"{kind}_{name}"] += int(self._counts[row, code])
        for column, kind in _SKIPS.items():
            if count := int(self._counts[frames.OTHER, column]):
                self.skipped[kind] += count


class DbnFeed:
    """Databento DBN files."""

    name = "dbn"
    summary = "Databento DBN (MBO, MBP-10, MBP-1; versions 1-3; plain, .zst)"

    def matches(self, path: Path) -> bool:
        """Whether the file starts with DBN metadata."""
        try:
            with ByteSource(path) as source:
                return source.read(3) == b"DBN"
        except FeedError:
            return False

    def open(self, paths: Sequence[Path], options: Options) -> DbnSource:
        """The records of `options.symbol`, or of the only instrument. Raises `FeedError`."""
        return DbnSource(paths, options)


FEED = DbnFeed()
