"""LOBSTER: message files with or without order book files; csv, .gz, .zst or the published zip."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from datetime import datetime as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Status
from core.errors import FeedError
from core.feeds.files import DAMAGE, ByteSource, line_blocks
from core.feeds.source import Batch, Options, SourceInfo
from core.jit import kernel
from core.records import ABSENT, ROW

_NAME = re.compile(
    r"(?:^|/)(?P<symbol>[^_/]+)_(?P<date>\d{4}-\d{2}-\d{2})_.*_?(?P<kind>message|orderbook)_(?P<levels>\d+)"
)
_ZONE = "America/New_York"
_LIMIT = 9_000_000_000  # LOBSTER writes +-9999999999 where there is no level
_LATEST = 200_000  # seconds after midnight; no session goes on for longer
_END = int(Flag.ROW_END | Flag.EVENT_END)
_MESSAGE_SCHEMA = {
    "time": pl.Float64,
    "type": pl.Int64,
    "order_id": pl.Int64,  # crosses carry -1
    "size": pl.Int64,
    "price": pl.Int64,
    "direction": pl.Int64,
}
_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_TRADE, _STATUS = int(Action.TRADE), int(Action.STATUS)
_HIDDEN, _CROSS, _BAD = int(Flag.HIDDEN), int(Flag.CROSS), int(Flag.BAD)
#: A type 7 row says in its price what the status becomes: -1, 0, 1.
_HALTED, _QUOTING, _TRADING = int(Status.HALTED), int(Status.QUOTING), int(Status.TRADING)


@dataclass(frozen=True, slots=True)
class _Part:
    """A file, or a member of a zip."""

    path: Path
    member: str | None

    @property
    def label(self) -> str:
        return self.member or self.path.name

    @property
    def key(self) -> str:
        """What a message file and its book file have in common."""
        return self.label.removesuffix(".gz").removesuffix(".zst").replace("_orderbook_", "_message_")

    def open(self) -> ByteSource:
        return ByteSource(self.path, self.member)


class LobsterFeed:
    """NASDAQ days as published by lobsterdata.com."""

    name = "lobster"
    summary = "LOBSTER message files, each with its orderbook file if there is one (csv, gz, zst, zip)"

    def matches(self, path: Path) -> bool:
        """By the published file names, in the folder or inside the zip."""
        try:
            return any(_NAME.search(part.label) for part in _parts(path))
        except FeedError:
            return False

    def open(self, paths: Sequence[Path], options: Options) -> "LobsterSource":
        """Pairs message and book files by their names, however each is packed."""
        return LobsterSource(paths, options)


def _parts(path: Path) -> list[_Part]:
    if path.suffix != ".zip":
        return [_Part(path, None)]
    try:
        with zipfile.ZipFile(path) as archive:
            return [_Part(path, name) for name in archive.namelist() if _NAME.search(name)]
    except (*DAMAGE, OSError) as error:
        raise FeedError(path, f"not a readable zip: {error}") from error


def _pairs(paths: Sequence[Path]) -> list[tuple[_Part, _Part | None]]:
    parts = [part for path in paths for part in _parts(path)]
    books = {part.key: part for part in parts if "_orderbook_" in part.label}
    pairs: list[tuple[_Part, _Part | None]] = []
    for part in parts:
        if "_orderbook_" in part.label:
            continue
        pairs.append((part, books.pop(part.key, None)))
    if books:
        lonely = next(iter(books.values()))
        raise FeedError(lonely.path, f"no message file goes with {lonely.label}")
    if not pairs:
        raise FeedError(paths[0], "holds no LOBSTER message file")
    return pairs


class LobsterSource:
    """Message rows and, where there is a book file, the book after each of them."""

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        self.paths = list(paths)
        self._pairs = _pairs(paths)
        self.skipped: Counter[str] = Counter()
        names = [_NAME.search(message.label) for message, _ in self._pairs]
        first = next((name for name in names if name), None)
        symbols = {name["symbol"] for name in names if name}
        if len(symbols) > 1 and options.symbol is None:
            raise FeedError(paths[0], f"files of several symbols: {', '.join(sorted(symbols))}")
        with_book = [book is not None for _, book in self._pairs]
        if any(with_book) and not all(with_book):
            lacking = next(message.label for message, book in self._pairs if book is None)
            raise FeedError(paths[0], f"{lacking} has no orderbook file while others have")
        self._dates = [options.date or (name["date"] if name else "") for name in names]
        if not all(self._dates):
            raise FeedError(paths[0], "the file name gives no date; say it with --date YYYY-MM-DD")
        for text in self._dates:
            _midnight(paths[0], text)
        self._levels = 0
        self._done, self._now, self._time = 0, 0.0, 0.0
        self.info = SourceInfo(
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
                states = opened.enter_context(_BookRows(book)) if book else None
                first = 0
                for block in line_blocks(source):
                    rows = self._rows(source.label, block, midnight, first)
                    first += len(rows)
                    total += len(rows)
                    self._now = source.progress()
                    if states is None:
                        yield Batch(rows)
                        continue
                    window = states.take(len(rows))
                    self.info.window = window.shape[1] // 4
                    yield Batch(rows, window)
                if states:
                    states.finish(first)
            self._done, self._now = self._done + 1, 0.0
        if total and self.skipped.total() == total:
            seen = self.info.notes.get("first_malformed_row", "no row is of a known type")
            raise FeedError(self.paths[0], f"none of its {total} rows is a LOBSTER message; {seen}")

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


@kernel
def build_rows(
    time: NDArray[np.float64],
    kind: NDArray[np.int64],
    order_id: NDArray[np.int64],
    size: NDArray[np.int64],
    price: NDArray[np.int64],
    direction: NDArray[np.int64],
    midnight: int,
    first: int,
    rows: NDArray[np.void],
) -> int:
    """LOBSTER columns to ROW. `midnight`: ns UTC; `first`: source row of index 0. Returns rows of unknown type."""
    unknown = 0
    for i in range(rows.shape[0]):
        row, code = rows[i], kind[i]
        # A float64 holds seconds of a day to 1e-11, so the nanoseconds are exact.
        row["ts_event"] = np.int64(np.rint(time[i] * 1e9)) + midnight
        row["ts_recv"] = ABSENT
        row["source_row"] = first + i
        row["flags"] = _END
        row["order_id"] = max(order_id[i], 0)
        row["new_order_id"] = row["order_id"]
        row["price"] = price[i]
        row["qty"] = size[i]
        row["side"] = 1 if direction[i] > 0 else (-1 if direction[i] < 0 else 0)
        if code == 1:
            row["action"] = _ADD
        elif code == 2:
            row["action"] = _CANCEL
        elif code == 3:
            row["action"] = _DELETE
        elif code == 4:
            row["action"] = _EXECUTE
        elif code == 5:
            # A hidden order rests; the print carries the side of the aggressor.
            row["action"] = _TRADE
            row["flags"] = _END | _HIDDEN
            row["side"] = -row["side"]
        elif code == 6:
            row["action"] = _TRADE
            row["flags"] = _END | _CROSS
            row["side"] = 0
        else:
            row["action"] = _STATUS
            row["side"] = 0
            row["qty"] = 0
            row["price"] = ABSENT
            if code == 7:
                row["qty"] = _HALTED if price[i] == -1 else (_QUOTING if price[i] == 0 else _TRADING)
            else:
                row["flags"] = _END | _BAD
                unknown += 1
    return unknown


class _BookRows:
    """The book file, read in step with the message file."""

    def __init__(self, part: _Part) -> None:
        self._source = part.open()
        self._blocks = line_blocks(self._source)
        self._ready: list[NDArray[np.int64]] = []
        self._count, self._read, self._columns = 0, 0, 0

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """All rows, block by block."""
        for block in self._blocks:
            rows = self._parse(block)
            self._read += len(rows)
            yield rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def take(self, n: int) -> NDArray[np.int64]:
        """The next `n` rows, shape (n, 4 * levels). Raises `FeedError` when there are fewer."""
        while self._count < n:
            block = next(self._blocks, None)
            if block is None:
                reason = f"ends after {self._read} rows, the message file goes on"
                raise FeedError(self._source.label, reason)
            rows = self._parse(block)
            self._ready.append(rows)
            self._count += len(rows)
            self._read += len(rows)
        ready = np.concatenate(self._ready) if len(self._ready) > 1 else self._ready[0]
        self._ready, self._count = [ready[n:]], self._count - n
        return ready[:n]

    def _parse(self, block: bytes) -> NDArray[np.int64]:
        columns = block[: block.find(b"\n") if b"\n" in block else None].count(b",") + 1
        if columns % 4 or (self._columns and columns != self._columns):
            raise FeedError(self._source.label, f"has {columns} columns, not four a level", self._read)
        self._columns = columns
        schema = {f"c{i}": pl.Int64 for i in range(columns)}
        try:
            frame = pl.read_csv(block, has_header=False, schema=schema, quote_char=None)
        except pl.exceptions.PolarsError as error:
            raise FeedError(self._source.label, f"after row {self._read}: {str(error).splitlines()[0]}") from error
        empty = [i for i, column in enumerate(frame.get_columns()) if column.null_count()]
        if empty:
            row = int(frame.to_series(empty[0]).is_null().arg_true()[0])
            raise FeedError(self._source.label, f"column {empty[0] + 1} is empty", self._read + row)
        rows = frame.to_numpy(order="c")
        rows = np.ascontiguousarray(rows)
        none = np.abs(rows[:, 0::2]) > _LIMIT
        if none.any():
            rows[:, 1::2][none] = 0
        return rows

    def finish(self, rows: int) -> None:
        """Raise `FeedError` when the book file has more rows than the message file."""
        left = self._count + sum(block.count(b"\n") + (not block.endswith(b"\n")) for block in self._blocks)
        if left:
            raise FeedError(self._source.label, f"has {left} rows more than its message file's {rows}")


def published_books(path: Path) -> Iterator[NDArray[np.float64]]:
    """An order book file by itself: (rows, 4, levels) ask price, ask qty, bid price, bid qty in dollars and shares.

    nan where there is no level. Reads every book file inside a zip, in order.
    """
    parts = [part for part in _parts(path) if part.member is None or "_orderbook_" in part.label]
    if not parts:
        raise FeedError(path, "holds no LOBSTER orderbook file")
    for part in parts:
        with _BookRows(part) as rows:
            for block in rows.blocks():
                levels = block.reshape(len(block), -1, 4).transpose(0, 2, 1).astype(np.float64)
                none = levels[:, 1::2] == 0
                levels[:, 0::2] = np.round(levels[:, 0::2] / 10_000, 4)
                levels[:, 0::2][none] = np.nan
                levels[:, 1::2][none] = np.nan
                yield levels


def _midnight(path: Path, text: str) -> int:
    """Midnight of a day in New York, ns UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise FeedError(path, f"{text!r} is not a date") from error
    start = clock_time(day.year, day.month, day.day, tzinfo=ZoneInfo(_ZONE))
    return int(start.timestamp()) * 1_000_000_000


FEED = LobsterFeed()
