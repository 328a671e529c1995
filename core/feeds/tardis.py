"""Tardis CSV: incremental_book_L2 files, with trades files if there are any; plain, gzip or zstd.

Rows are merged in the order of their arrival (`local_timestamp`, trades first on a tie); rows that arrived
together are one event. A run of `is_snapshot` rows begins with a CLEAR. A row that cannot be used stays as
a row without effect and is counted by kind in `skipped`; rows of other symbols are counted and left out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.enums import Depth
from core.errors import FeedError, SnapshotMissing
from core.feeds.cells import Cells, Words, body_blocks, column_slots, read_header
from core.feeds.decimals import GOOD, MALFORMED, Digits, price_decimals, quantity_decimals, unit
from core.feeds.events import date_of, with_event_ends
from core.feeds.source import Batch, Options, SourceFacts
from core.feeds.symbols import choose_symbol
from core.feeds.tardis_rows import COLUMNS, SLOT, Block, Stream

_LEADING = ["exchange", "symbol", "timestamp", "local_timestamp"]
_MOST_SYMBOLS = 50
_Part = tuple[NDArray[np.void], NDArray[np.int64]]


def _kind(header: list[str]) -> str:
    """Which Tardis file this is: book, trades or another."""
    if {"is_snapshot", "side", "price", "amount"} <= set(header):
        return "book"
    if {"id", "side", "price", "amount"} <= set(header):
        return "trades"
    return "quotes" if "ask_amount" in header else "other"


class _File:
    """One Tardis file."""

    def __init__(self, path: Path) -> None:
        self.path, self.header, self.share = path, read_header(path), 0.0
        kind = _kind(self.header)
        if kind not in ("book", "trades"):
            what = "a quotes file: it" if kind == "quotes" else "no incremental_book_L2 or trades file: it"
            raise FeedError(path, f"is {what} cannot make a book; import incremental_book_L2, with trades if wanted")
        self.book = kind == "book"
        self.slots = column_slots(path, self.header, COLUMNS)

    def blocks(self) -> Iterator[Block]:
        """Parsed blocks."""
        for text, share in body_blocks(self.path):
            self.share = share
            cells = Cells(text, self.slots, len(COLUMNS))
            if cells.rows or cells.blank:
                yield Block(cells, len(self.header), self.book)
        self.share = 1.0


class _Survey:
    """What a pass over all files finds: symbol, units, date; a second pass if the first row misled."""

    def __init__(self, files: Sequence[_File], symbol: str | None) -> None:
        guess = symbol or _first_symbol(files)
        self._read(files, guess)
        self.symbol = choose_symbol(files[0].path, self.symbols, symbol)
        if self.symbol != guess:
            self._read(files, self.symbol)
        if not self.date:
            raise FeedError(files[0].path, f"no usable book row of {self.symbol}")
        self.symbol = self.name  # in the letter case of the file

    def _read(self, files: Sequence[_File], symbol: str) -> None:
        self.book, self.prints, self.quantities = Digits.of_prices(), Digits.of_prints(), Digits.of_quantities()
        self.symbols: Counter[str] = Counter({symbol: 0})
        self.words = Words({symbol: 1})
        self.exchange, self.date, self.event, self.name = "", "", 0, ""
        self.unknown: tuple[Path, int] | None = None
        self.exchanges: set[str] = set()
        for file in files:
            first = 0
            for block in file.blocks():
                _tell_apart(block, self.symbols)
                block.choose(self.words)
                usable = block.usable
                (self.book if file.book else self.prints).add(block.price, usable)
                self.quantities.add(block.amount, usable)
                if usable.any():
                    row = int(np.argmax(usable))
                    self.exchanges.add(block.cells.text_of(SLOT["exchange"], row))
                    if file.book and not self.date:
                        self._begin(file, block, row, first)
                first += block.n

    def _begin(self, file: _File, block: Block, row: int, first: int) -> None:
        if not block.snapshot[row]:
            self.unknown = file.path, first + row
        self.exchange = block.cells.text_of(SLOT["exchange"], row)
        self.name = block.cells.text_of(SLOT["symbol"], row)
        self.event, self.date = int(block.event[row]), date_of(int(block.local[row]) * 1000)


def _first_symbol(files: Sequence[_File]) -> str:
    for file in files:
        for block in file.blocks():
            if block.n:
                return block.cells.text_of(SLOT["symbol"], 0)
    raise FeedError(files[0].path, "holds no rows")


def _tell_apart(block: Block, found: Counter[str]) -> None:
    """Add the rows of each symbol to `found`, which learns up to fifty of them."""
    while True:
        names = list(found)
        values, codes = block.cells.words(SLOT["symbol"], Words({name: i for i, name in enumerate(names)}))
        left = np.flatnonzero(codes == MALFORMED)
        fresh = block.cells.text_of(SLOT["symbol"], int(left[0])) if len(left) else ""
        if not fresh or fresh in found or len(found) >= _MOST_SYMBOLS:
            break
        found[fresh] = 0
    for name, n in zip(names, np.bincount(values[codes == GOOD], minlength=len(names)), strict=True):
        found[name] += int(n)


class TardisSource:
    """Opened Tardis files: surveyed once, then read in the order of arrival."""

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        if not paths:
            raise FeedError("tardis", "no file given")
        self.paths: Sequence[Path] = list(paths)
        self.skipped: Counter[str] = Counter()
        self._files = [_File(path) for path in paths]
        if not any(file.book for file in self._files):
            raise FeedError(paths[0], "holds only trades: give the incremental_book_L2 file too")
        self._survey = survey = _Survey(self._files, options.symbol)
        if survey.unknown is not None:
            path, row = survey.unknown
            raise SnapshotMissing(path, "starts without a snapshot (is_snapshot rows): its book cannot be known", row)
        self._price = price_decimals(survey.book, survey.prints, options.tick)
        self._qty = quantity_decimals(survey.quantities, options.lot)
        self.info = SourceFacts(
            symbol=survey.symbol,
            venue=options.venue or survey.exchange.upper() or "UNKNOWN",
            date=options.date or survey.date,
            depth=Depth.LEVELS,
            price_unit=unit(self._price),
            qty_unit=unit(self._qty),
        )
        if len(survey.exchanges) > 1:
            self.info.notes["exchanges"] = ", ".join(sorted(survey.exchanges))

    def progress(self) -> float:
        """Share of the source bytes read so far, 0 to 1."""
        return sum(file.share for file in self._files) / len(self._files)

    def batches(self) -> Iterator[Batch]:
        """Rows in the order of arrival. `source_row` counts the rows of its kind of file."""
        self.skipped.clear()
        streams = [self._stream(book) for book in (False, True) if any(file.book == book for file in self._files)]
        yield from with_event_ends(merged(streams))

    def _stream(self, book: bool) -> Iterator[_Part]:
        stream = Stream(book, self._price, self._qty, self.skipped, self.info.notes, event=self._survey.event)
        for file in self._files:
            if file.book != book:
                continue
            stream.begin()
            for block in file.blocks():
                block.choose(self._survey.words)
                if block.n:
                    yield stream.build(block, file.path)


def merged(streams: Sequence[Iterator[_Part]]) -> Iterator[_Part]:
    """Parts (rows, keys that never fall) of several streams in the order of their keys, stable."""
    if len(streams) == 1:
        yield from streams[0]
        return
    waiting: list[_Part | None] = [next(stream, None) for stream in streams]
    while True:
        alive = [part for part in waiting if part is not None]
        if not alive:
            return
        # Nothing after the earliest end of a part can be placed yet: more may come before it.
        limit = min((int(keys[-1]) if len(keys) else -1) for _, keys in alive)
        taken: list[_Part] = []
        for i, part in enumerate(waiting):
            if part is None:
                continue
            rows, keys = part
            # Rows at the limit wait for the rest of their event, which may be in the next part.
            cut = int(np.searchsorted(keys, limit, "left"))
            if int(keys[-1]) == limit if len(keys) else True:
                more = next(streams[i], None)
                if more is None:
                    taken.append(part)
                    waiting[i] = None
                    continue
                rows, keys = np.concatenate([rows, more[0]]), np.concatenate([keys, more[1]])
            taken.append((rows[:cut], keys[:cut]))
            waiting[i] = (rows[cut:], keys[cut:])
        yield _sorted(taken)


def _sorted(parts: Sequence[_Part]) -> _Part:
    rows, keys = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    order = np.argsort(keys, kind="stable")
    return rows[order], keys[order]


class TardisFeed:
    """Files as downloaded from tardis.dev."""

    name = "tardis"
    summary = "Tardis CSV: incremental_book_L2, optionally with trades"

    def matches(self, path: Path) -> bool:
        """Whether the header begins as Tardis headers do."""
        try:
            return read_header(path)[:4] == _LEADING
        except FeedError:
            return False

    def open(self, paths: Sequence[Path], options: Options) -> TardisSource:
        """Open book and trades files; each kind in time order. Raises `FeedError`, `SnapshotMissing`."""
        return TardisSource(paths, options)


FEED = TardisFeed()
