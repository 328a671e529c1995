"""Generic tables as blocks of comma separated lines: CSV as it is, Parquet written out slice by slice.

One text form means one parser and one set of rules. Parquet floats carry 15 decimal digits, so that is
how many are believed (163.34000000000003 is 163.34); CSV text is taken to the letter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import FeedError
from core.feeds.cells import body_blocks, column_slots, read_header

#: Columns and whether they must be there; the place in this table is the slot of the column.
COLUMNS = {
    "ts_event": True,
    "action": True,
    "side": True,
    "price": True,
    "qty": True,
    "order_id": True,
    "ts_recv": False,
    "flags": False,
    "new_order_id": False,
    "status": False,
}
_SLICE = 1 << 18
_MAGIC = b"PAR1"
_TIMES = ("ts_event", "ts_recv")
_EXACT = (pl.String, pl.Categorical, pl.Enum, pl.Decimal, pl.Null)
# A damaged file can also make the reader panic, which polars raises outside the usual hierarchy.
_PARQUET_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines without header, and how far the reader is."""

    text: bytes
    share: float  #: of the file, 0 to 1


class TextTable:
    """One CSV (plain, gzip, zstd) or Parquet file."""

    def __init__(self, path: Path) -> None:
        """Reads the header. Raises `FeedError`."""
        self.path = path
        self.parquet = is_parquet(path)
        self.floats: tuple[str, ...] = ()
        if self.parquet:
            self._open_parquet()
        else:
            self.header = read_header(path)
            self.slots = column_slots(path, self.header, COLUMNS)

    def _open_parquet(self) -> None:
        try:
            frame = pl.scan_parquet(self.path, glob=False)
            schema = frame.collect_schema()
            self.rows = int(frame.select(pl.len()).collect().item())
        except _PARQUET_ERRORS as error:
            raise FeedError(self.path, f"damaged or unreadable Parquet file: {_brief(error)}") from None
        names = list(schema.names())
        slots = column_slots(self.path, [name.strip().lower() for name in names], COLUMNS)
        order = sorted((int(slot), name) for slot, name in zip(slots, names, strict=True) if slot >= 0)
        self._columns = [_as_text(self.path, name, schema[name], slot) for slot, name in order]
        wanted = list(COLUMNS)
        self.floats = tuple(wanted[slot] for slot, name in order if schema[name] == pl.Float64)
        self.header = [name for _, name in order]
        self.slots = np.array([slot for slot, _ in order], np.int64)

    def blocks(self) -> Iterator[Block]:
        """Blocks of whole lines. Raises `FeedError` on damage."""
        return self._parquet_blocks() if self.parquet else self._csv_blocks()

    def _csv_blocks(self) -> Iterator[Block]:
        for text, share in body_blocks(self.path):
            yield Block(text, share)

    def _parquet_blocks(self) -> Iterator[Block]:
        frame = pl.scan_parquet(self.path, glob=False).select(self._columns)
        for offset in range(0, self.rows, _SLICE):
            try:
                part = frame.slice(offset, _SLICE).collect()
                text = part.write_csv(include_header=False, quote_style="never")
            except _PARQUET_ERRORS as error:
                reason = f"damaged or unreadable Parquet file: {_brief(error)}"
                raise FeedError(self.path, reason, offset) from None
            if part.height != min(_SLICE, self.rows - offset):
                raise FeedError(self.path, f"holds fewer than the {self.rows} rows it states", offset + part.height)
            yield Block(text.encode(), min(1.0, (offset + part.height) / self.rows))


def _as_text(path: Path, name: str, kind: pl.DataType, slot: int) -> pl.Expr:
    """The column as the CSV writer should print it. Raises `FeedError` for a type without meaning."""
    wanted = list(COLUMNS)[slot]
    column = pl.col(name)
    if wanted in _TIMES and kind.is_float():
        raise FeedError(path, f"column {name} is {kind}, which cannot hold nanoseconds; use an integer")
    if wanted in _TIMES and isinstance(kind, pl.Datetime):
        return column.dt.timestamp("ns")
    if kind.is_numeric() or isinstance(kind, _EXACT):
        if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
            # Whatever would break the line apart cannot be part of a valid cell anyway.
            return column.cast(pl.String).str.replace_all('[,"\r\n]', "?")
        return column
    raise FeedError(path, f"column {name} has type {kind}; it must hold numbers or text")


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _MAGIC
    except OSError as error:
        raise FeedError(path, error.strerror or str(error)) from error


def looks_generic(path: Path) -> bool:
    """Whether a file's columns are those of the generic format: at least ts_event and action."""
    try:
        if is_parquet(path):
            names = [name.strip().lower() for name in pl.scan_parquet(path, glob=False).collect_schema().names()]
        else:
            names = read_header(path)
    except (FeedError, *_PARQUET_ERRORS):
        return False
    return "ts_event" in names and "action" in names


def float_slots(table: TextTable) -> NDArray[np.int64]:
    """Slots of the columns that were 64-bit floats."""
    return np.array([list(COLUMNS).index(name) for name in table.floats], np.int64)
