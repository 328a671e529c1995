"""LOBSTER: message files with or without order book files; csv, .gz, .zst or the published zip."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from datetime import datetime as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.enums import Depth, Flag
from core.errors import FeedError
from core.feeds.files import ByteSource, line_blocks
from core.feeds.lobster_books import BookRows
from core.feeds.lobster_files import NAME, pairs_of, parts_of
from core.feeds.lobster_kernels import build_rows
from core.feeds.source import Batch, Options, SourceFacts
from core.records import ABSENT, ROW

_ZONE = "America/New_York"
_LATEST = 200_000  # seconds after midnight; no session goes on for longer
_END, _BAD = int(Flag.ROW_END | Flag.EVENT_END), int(Flag.BAD)
_MESSAGE_SCHEMA = {
    "time": pl.Float64,
    "type": pl.Int64,
    "order_id": pl.Int64,  # crosses carry -1
    "size": pl.Int64,
    "price": pl.Int64,
    "direction": pl.Int64,
}


class LobsterFeed:
    """NASDAQ days as published by lobsterdata.com."""

    name = "lobster"
    summary = "LOBSTER message files, each with its orderbook file, given or beside it (csv, gz, zst, zip)"

    def matches(self, path: Path) -> bool:
        """By the published file names, in the folder or inside the zip."""
        try:
            return any(NAME.search(part.label) for part in parts_of(path))
        except FeedError:
            return False

    def open(self, paths: Sequence[Path], options: Options) -> "LobsterSource":
        """Pairs message and book files by their names, however each is packed."""
        return LobsterSource(paths, options)


class LobsterSource:
    """Message rows and, where there is a book file, the book after each of them."""

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        self._pairs = pairs_of(paths, options.alone)
        found = [book.path for _, book in self._pairs if book is not None and book.path not in paths]
        self.paths = [*paths, *found]
        self.skipped: Counter[str] = Counter()
        names = [NAME.search(message.label) for message, _ in self._pairs]
        first = next((name for name in names if name), None)
        symbols = {name["symbol"] for name in names if name}
        if len(symbols) > 1 and options.symbol is None:
            raise FeedError(paths[0], f"files of several symbols: {', '.join(sorted(symbols))}")
        with_book = [book is not None for _, book in self._pairs]
        if any(with_book) and not all(with_book):
            lacking = next(message.label for message, book in self._pairs if book is None)
            hint = "; --alone leaves those beside them out" if found else ""
            raise FeedError(paths[0], f"{lacking} has no orderbook file while others have{hint}")
        self._dates = [options.date or (name["date"] if name else "") for name in names]
        if not all(self._dates):
            raise FeedError(paths[0], "the file name gives no date; say it with --date YYYY-MM-DD")
        for text in self._dates:
            _midnight(paths[0], text)
        self._levels = 0
        self._done, self._now, self._time = 0, 0.0, 0.0
        self.info = SourceFacts(
            symbol=options.symbol or (first["symbol"] if first else "UNKNOWN"),
            venue=options.venue or "XNAS",
            date=self._dates[0],
            depth=Depth.WINDOW if all(with_book) else Depth.ORDERS,
            price_unit=Decimal("0.0001"),
            qty_unit=Decimal(1),
            usual_tick=Decimal("0.01"),
            usual_lot=Decimal(1),
            timezone=_ZONE,
        )
        if found:
            self.info.notes["orderbook"] = f"found beside: {', '.join(path.name for path in found)}"
        if first and not any(with_book):
            self.info.notes["orderbook"] = (
                f"not given: the messages cover {first['levels']} levels, "
                "orders that leave these stay in the book and cross it"
            )

    def progress(self) -> float:
        """Share of the message bytes read."""
        return (self._done + self._now) / len(self._pairs)

    def batches(self) -> Iterator[Batch]:
        """Rows in file order; several files are taken one after the other."""
        total = 0
        for (message, book), day in zip(self._pairs, self._dates, strict=True):
            midnight = _midnight(message.path, day)
            with ExitStack() as opened:
                source = opened.enter_context(message.open())
                rows = self._message_rows(source, midnight)
                count = 0
                if book is None:
                    for block in rows:
                        count += len(block)
                        yield Batch(block)
                else:
                    states = opened.enter_context(BookRows(book))
                    for batch in states.beside(rows):
                        count += len(batch.rows)
                        if batch.window is not None:
                            self.info.window = batch.window.shape[1] // 4
                        yield batch
                    states.finish(count)
                total += count
            self._done, self._now = self._done + 1, 0.0
        if total and self.skipped.total() == total:
            seen = self.info.notes.get("first_malformed_row", "no row is of a known type")
            raise FeedError(self.paths[0], f"none of its {total} rows is a LOBSTER message; {seen}")

    def _message_rows(self, source: ByteSource, midnight: int) -> Iterator[NDArray[np.void]]:
        """The rows of one message file, block by block."""
        first = 0
        for block in line_blocks(source):
            rows = self._rows(source.label, block, midnight, first)
            first += len(rows)
            self._now = source.progress()
            yield rows

    def _rows(self, label: str, block: bytes, midnight: int, first: int) -> NDArray[np.void]:
        try:
            frame = pl.read_csv(
                block, has_header=False, schema=_MESSAGE_SCHEMA, truncate_ragged_lines=True, quote_char=None
            )
            columns = {name: frame[name] for name in _MESSAGE_SCHEMA}
            time = columns["time"].to_numpy()
            # A time that is nan fails every comparison.
            sound = len(time) > 0 and bool(((time >= 0) & (time < _LATEST)).all())
            if not sound or any(column.null_count() for column in columns.values()):
                return self._careful_rows(label, block, midnight, first)
            arrays = {name: column.to_numpy() for name, column in columns.items()}
        except (pl.exceptions.PolarsError, OverflowError):
            return self._careful_rows(label, block, midnight, first)
        self._time = float(time[-1])
        return self._build(arrays, midnight, first)

    def _careful_rows(self, label: str, block: bytes, midnight: int, first: int) -> NDArray[np.void]:
        """A block with a damaged line: read line by line, keep the place and the time of what cannot be used."""
        lines = block.decode("utf-8", "replace").removesuffix("\n").split("\n")
        read = [_message_cells(line) for line in lines]
        self._time = next((row[0] for row in read if row), self._time)
        good: list[tuple[float, int, int, int, int, int]] = []
        bad: list[int] = []
        for number, row in enumerate(read):
            if row is None:
                bad.append(number)
                self.skipped["malformed"] += 1
                self.info.notes.setdefault(
                    "first_malformed_row", f"{label}, row {first + number}: {lines[number][:80]!r}"
                )
            else:
                self._time = row[0]
            good.append(row or (self._time, 7, 0, 0, 0, 0))
        columns = list(zip(*good, strict=True))
        arrays = {
            name: np.array(column, np.float64 if name == "time" else np.int64)
            for name, column in zip(_MESSAGE_SCHEMA, columns, strict=True)
        }
        rows = self._build(arrays, midnight, first)
        rows["qty"][bad], rows["price"][bad] = 0, ABSENT
        rows["flags"][bad] = _END | _BAD
        return rows

    def _build(self, columns: dict[str, NDArray[Any]], midnight: int, first: int) -> NDArray[np.void]:
        rows = np.zeros(len(columns["type"]), ROW)
        c = columns
        unknown = build_rows(
            c["time"], c["type"], c["order_id"], c["size"], c["price"], c["direction"], midnight, first, rows
        )
        if unknown:
            self.skipped["unknown_type"] += unknown
        return rows


def _message_cells(line: str) -> tuple[float, int, int, int, int, int] | None:
    """The six columns of one line, None if it is damaged. More columns than six do no harm."""
    if "_" in line:  # to Python a part of a number
        return None
    try:
        time, kind, order_id, size, price, direction = line.strip().split(",")[:6]
        row = (float(time), int(kind), int(order_id), int(size), int(price), int(direction))
    except ValueError:
        return None
    return row if 0 <= row[0] < _LATEST and all(abs(value) < 2**63 for value in row) else None


def _midnight(path: Path, text: str) -> int:
    """Midnight of a day in New York, ns UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise FeedError(path, f"{text!r} is not a date") from error
    start = clock_time(day.year, day.month, day.day, tzinfo=ZoneInfo(_ZONE))
    return int(start.timestamp()) * 1_000_000_000


FEED = LobsterFeed()
