"""LOBSTER order book files: the book after every message, in step with the message file or by itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import FeedError
from core.feeds.files import line_blocks
from core.feeds.lobster_files import Part, parts_of
from core.feeds.source import Batch
from core.records import ROW

_LEAST = 4096  # rows of a batch that does not end a block
_LIMIT = 9_000_000_000  # LOBSTER writes +-9999999999 where there is no level


class BookRows:
    """The book file, read in step with the message file."""

    def __init__(self, part: Part) -> None:
        self._source = part.open()
        self._blocks = line_blocks(self._source)
        self._books: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._at, self._read, self._columns = 0, 0, 0

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

    def beside(self, messages: Iterator[NDArray[np.void]]) -> Iterator[Batch]:
        """Message rows cut to the blocks of the book file: books are the wider rows, they are never copied.

        Raises `FeedError` when there are fewer books than messages; `finish` tells when there are more.
        """
        waiting: NDArray[np.void] = np.zeros(0, ROW)
        for rows in messages:
            waiting = np.concatenate([waiting, rows]) if len(waiting) else rows
            while len(waiting):
                if self._at == len(self._books):
                    self._next_block()
                count = min(len(waiting), len(self._books) - self._at)
                if count < len(self._books) - self._at and count < _LEAST:
                    break  # too little to be worth a batch: wait for the next messages
                yield Batch(waiting[:count], self._books[self._at : self._at + count])
                waiting, self._at = waiting[count:], self._at + count
        if len(waiting):
            yield Batch(waiting, self._books[self._at : self._at + len(waiting)])
            self._at += len(waiting)

    def _next_block(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            raise FeedError(self._source.label, f"ends after {self._read} rows, the message file goes on")
        self._books, self._at = self._parse(block), 0
        self._read += len(self._books)

    def _parse(self, block: bytes) -> NDArray[np.int64]:
        columns = block[: block.find(b"\n") if b"\n" in block else None].count(b",") + 1
        if columns % 4 or (self._columns and columns != self._columns):
            raise FeedError(self._source.label, f"has {columns} columns, not four a level", self._read)
        self._columns = columns
        schema = {f"c{i}": pl.Int64 for i in range(columns)}
        try:
            frame = pl.read_csv(block, has_header=False, schema=schema, quote_char=None)
        except pl.exceptions.PolarsError as error:
            row, reason = _first_fault(block, columns)
            raise FeedError(self._source.label, reason or str(error).splitlines()[0], self._read + row) from error
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
        left = (
            len(self._books)
            - self._at
            + sum(block.count(b"\n") + (not block.endswith(b"\n")) for block in self._blocks)
        )
        if left:
            raise FeedError(self._source.label, f"has {left} rows more than its message file's {rows}")


def _first_fault(block: bytes, columns: int) -> tuple[int, str]:
    """Row within the block that is not `columns` whole numbers, and what is wrong with it."""
    for row, line in enumerate(block.split(b"\n")):
        cells = line.decode("utf-8", "replace").strip().split(",")
        if len(cells) != columns:
            return row, f"has {len(cells)} columns, not {columns}"
        for cell in cells:
            if not re.fullmatch(r"-?\d{1,18}", cell):
                return row, f"{cell[:40]!r} is not a whole number"
    return 0, ""


def published_books(path: Path) -> Iterator[NDArray[np.float64]]:
    """An order book file by itself: (rows, 4, levels) ask price, ask qty, bid price, bid qty in dollars and shares.

    nan where there is no level. Reads every book file inside a zip, in order.
    """
    parts = [part for part in parts_of(path) if part.member is None or "_orderbook_" in part.label]
    if not parts:
        raise FeedError(path, "holds no LOBSTER orderbook file")
    for part in parts:
        with BookRows(part) as rows:
            for block in rows.blocks():
                levels = block.reshape(len(block), -1, 4).transpose(0, 2, 1).astype(np.float64)
                none = levels[:, 1::2] == 0
                levels[:, 0::2] = np.round(levels[:, 0::2] / 10_000, 4)
                levels[:, 0::2][none] = np.nan
                levels[:, 1::2][none] = np.nan
                yield levels
