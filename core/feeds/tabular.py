"""Generic market events: one row per event, CSV (plain, gzip, zstd) or Parquet.

Columns (any order, any letter case, others are ignored):

- `ts_event`: integer, ns since the epoch, UTC (Parquet: also a datetime)
- `action`: add, cancel, delete, execute, replace, trade, level, clear or status (words, any letter case)
- `side`: B or bid or buy, A or ask or sell, N or none or empty: of the resting order; of the aggressor in a trade
- `price`, `qty`: decimals. cancel and execute carry the quantity removed, replace the new price and
  quantity, level the quantity that rests now. delete may leave them out.
- `order_id`: up to 2**64 - 1; empty for trade, level, clear, status. A cancel, delete or execute without
  id needs side, price and qty: it takes from the level's quantity of unknown orders.
- optional `flags` (`core.enums.Flag`, as `tape export` writes them: snapshot, wipe, hidden, cross, silent)
- optional `ts_recv` (as ts_event), `new_order_id` (replace; else the id stays), and `status` (what a status
  row says: a word or number of `core.enums.Status`; without that column in qty or in price)

Rows with the same ts_event are one event. A row that cannot be used stays as a row without effect,
counted by kind in `skipped`, the first of each kind told in the notes; a receive time that cannot be read
is counted too, but its row is used.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.enums import Depth
from core.errors import FeedError
from core.feeds.cells import Cells
from core.feeds.decimals import Digits, price_decimals, quantity_decimals, unit
from core.feeds.events import date_of, with_event_ends
from core.feeds.files import stem
from core.feeds.source import Batch, Options, SourceFacts
from core.feeds.tabular_rows import Rows, kind_of
from core.feeds.tabular_text import COLUMNS, TextTable, float_slots, looks_generic

_PLAUSIBLE = 10**17  # ns: March 1973


class TabularSource:
    """Opened generic files: one pass to learn units and depth model, a second for the rows."""

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        if not paths:
            raise FeedError("tabular", "no file given")
        self.paths: Sequence[Path] = list(paths)
        self.skipped: Counter[str] = Counter()
        self._tables = [TextTable(path) for path in paths]
        self._share = 0.0
        self._book, self._prints, self._quantities = Digits.of_prices(), Digits.of_prints(), Digits.of_quantities()
        orders, usable, total = False, 0, 0
        clock: int | None = None
        for table in self._tables:
            for rows, _ in self._read(table):
                rows.census(self._book, self._prints, self._quantities)
                orders = orders or rows.has_orders
                usable += int((rows.fault == 0).sum())
                total += rows.n
                if clock is None:
                    clock = rows.first_time()
        if not usable or clock is None:
            raise FeedError(self.paths[0], f"no usable row among {total}{self._first_complaint()}")
        self._clock = clock
        self._price = price_decimals(self._book, self._prints, options.tick)
        self._qty = quantity_decimals(self._quantities, options.lot)
        self.info = SourceFacts(
            symbol=options.symbol or stem(self.paths[0]),
            venue=options.venue or "UNKNOWN",
            date=options.date or date_of(self._clock),
            depth=Depth.ORDERS if orders else Depth.LEVELS,
            price_unit=unit(self._price),
            qty_unit=unit(self._qty),
        )
        if self._clock < _PLAUSIBLE:
            year = date_of(self._clock)[:4]
            self.info.notes["ts_event"] = f"first time is {self._clock} ns, in {year}: are these ns?"

    def _first_complaint(self) -> str:
        """What is wrong with the first bad row, for the message about a file without usable rows."""
        for table in self._tables:
            for rows, _ in self._read(table):
                for row in np.flatnonzero(rows.fault)[:1]:
                    fault = int(rows.fault[row])
                    return f"; the first: {kind_of(fault)} ({rows.explain(fault, int(row))})"
        return ""

    def _read(self, table: TextTable) -> Iterator[tuple[Rows, float]]:
        """Parsed blocks of one file, and the share read."""
        floats = float_slots(table)
        for block in table.blocks():
            cells = Cells(block.text, table.slots, len(COLUMNS))
            yield Rows(cells, len(table.header), floats), block.share

    def progress(self) -> float:
        """Share of the source bytes read so far, 0 to 1."""
        return self._share

    def batches(self) -> Iterator[Batch]:
        """Rows in source order. `source_row` counts the data rows of all files."""
        self.skipped.clear()
        yield from with_event_ends(self._built())
        self._share = 1.0

    def _built(self) -> Iterator[tuple[NDArray[np.void], NDArray[np.int64]]]:
        """Rows and their event times."""
        at, clock = 0, self._clock
        for number, table in enumerate(self._tables):
            first = at
            for rows, share in self._read(table):
                built = rows.build(self._price, self._qty, clock, at)
                self._count(table.path, rows, at - first)
                if rows.n:
                    clock = int(built["ts_event"][-1])
                at += rows.n
                self._share = (number + share) / len(self._tables)
                yield built, built["ts_event"]

    def _count(self, path: Path, rows: Rows, first: int) -> None:
        """Count unusable rows by kind; tell the first of each."""
        for fault, n in enumerate(np.bincount(rows.fault)):
            if fault and n:
                row = int(np.flatnonzero(rows.fault == fault)[0])
                self._note(kind_of(fault), int(n), f"{path.name}, row {first + row}: {rows.explain(fault, row)}")
        late = np.flatnonzero(rows.bad_receive)
        if len(late):
            self._note("bad_ts_recv", len(late), f"{path.name}, row {first + int(late[0])}: row used without it")
        if rows.cells.blank:
            self.skipped["blank_lines"] += rows.cells.blank

    def _note(self, kind: str, n: int, text: str) -> None:
        if kind not in self.skipped:
            self.info.notes[kind] = text
        self.skipped[kind] += n


class TabularFeed:
    """The generic format."""

    name = "tabular"
    summary = "generic CSV or Parquet: ts_event, action, side, price, qty, order_id"

    def matches(self, path: Path) -> bool:
        """Whether the header has at least `ts_event` and `action`."""
        return looks_generic(path)

    def open(self, paths: Sequence[Path], options: Options) -> TabularSource:
        """Open files given in time order. Raises `FeedError`."""
        return TabularSource(paths, options)


FEED = TabularFeed()
