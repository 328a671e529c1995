"""One stream of Tardis rows, book or trades, as ROW records with the time they arrived."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.feeds.cells import Cells, Words
from core.feeds.decimals import GOOD, MALFORMED
from core.records import ABSENT, ROW

#: Columns by slot. `is_snapshot` is in book files, `id` in trade files.
COLUMNS = {
    "symbol": True,
    "timestamp": True,
    "local_timestamp": True,
    "side": True,
    "price": True,
    "amount": True,
    "is_snapshot": False,
    "id": False,
    "exchange": False,
}
SLOT = {name: slot for slot, name in enumerate(COLUMNS)}
_BOOK_SIDES = Words({"bid": int(Side.BID), "ask": int(Side.ASK)})
_TRADE_SIDES = Words({"buy": int(Side.BID), "sell": int(Side.ASK), "unknown": int(Side.NONE)})
_TRUTH = Words({"true": 1, "false": 0, "1": 1, "0": 0})
_LAST_TIME = 2**62 // 1000  # us
_MINUTE, _DAY = 60_000_000, 86_400_000_000  # us
#: Kinds of unusable row, first match wins, and the column that shows why.
FAULTS = {
    "field_count": "timestamp",
    "bad_timestamp": "timestamp",
    "bad_local_timestamp": "local_timestamp",
    "bad_is_snapshot": "is_snapshot",
    "bad_side": "side",
    "bad_price": "price",
    "bad_amount": "amount",
}
_KINDS = list(FAULTS)
_ROW_END, _SNAPSHOT, _BAD = int(Flag.ROW_END), int(Flag.SNAPSHOT), int(Flag.BAD)


class Block:
    """Parsed cells of one block; `fault` is 0 or 1 + the place in `FAULTS`."""

    def __init__(self, cells: Cells, columns: int, book: bool) -> None:
        """`columns`: cells every line must have; `book`: book file or trades."""
        self.cells, self.n, self.book = cells, cells.rows, book
        self.event, event_codes = self._time("timestamp")
        self.local, local_codes = self._time("local_timestamp")
        self.side, side_codes = cells.words(SLOT["side"], _BOOK_SIDES if book else _TRADE_SIDES)
        self.price, self.amount = cells.decimals(SLOT["price"]), cells.decimals(SLOT["amount"])
        self.snapshot, snapshot_codes = cells.words(SLOT["is_snapshot"], _TRUTH)
        bad = [
            cells.fields != columns,
            event_codes != GOOD,
            local_codes != GOOD,
            (snapshot_codes != GOOD) if book else np.zeros(self.n, np.bool_),
            side_codes == MALFORMED if not book else side_codes != GOOD,
            self.price.codes != GOOD,
            self.amount.codes != GOOD,
        ]
        self.fault = np.zeros(self.n, np.uint8)
        for kind in range(len(bad), 0, -1):
            self.fault[bad[kind - 1]] = kind
        self.timed = (event_codes == GOOD) & ~bad[0]
        self.arrived = (local_codes == GOOD) & ~bad[0]
        self.mine = np.ones(self.n, np.bool_)

    def _time(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        values, codes = self.cells.ids(SLOT[name])
        codes[(values >= _LAST_TIME) & (codes == GOOD)] = MALFORMED
        return values.astype(np.int64), codes

    def choose(self, symbol: Words) -> None:
        """Keep the rows of one symbol; `mine` tells which."""
        _, codes = self.cells.words(SLOT["symbol"], symbol)
        self.mine = codes == GOOD

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows of the symbol without fault."""
        mask: NDArray[np.bool_] = (self.fault == 0) & self.mine
        return mask

    def explain(self, row: int) -> str:
        """Why a row cannot be used."""
        column = FAULTS[_KINDS[self.fault[row] - 1]]
        if self.fault[row] == 1:
            return f"{int(self.cells.fields[row])} cells"
        return f"{column} is {self.cells.text_of(SLOT[column], row)!r}"


@dataclass(slots=True)
class Stream:
    """State of one stream across blocks: running arrival time, last good times, whether in a snapshot."""

    book: bool
    price_decimals: int
    qty_decimals: int
    skipped: Counter[str]
    notes: dict[str, str]
    arrival: int = 0  #: largest arrival so far, us
    event: int = 0  #: last event time, us
    in_snapshot: bool = False
    row: int = 0  #: rows read so far, of this stream
    first_row: int = 0  #: `row` where the present file began

    def begin(self) -> None:
        """A new file: a snapshot at its start is a new one."""
        self.in_snapshot, self.first_row = False, self.row

    def build(self, block: Block, path: Path) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """ROW records of a block, CLEAR before each snapshot, and the arrival of each (us, never falling)."""
        price, qty = block.price.units(self.price_decimals), block.amount.units(self.qty_decimals)
        block.fault[(block.price.codes == MALFORMED) & (block.fault == 0)] = _KINDS.index("bad_price") + 1
        block.fault[(block.amount.codes == MALFORMED) & (block.fault == 0)] = _KINDS.index("bad_amount") + 1
        self._count(block, path)
        rows = np.zeros(block.n, ROW)
        rows["source_row"] = np.arange(self.row, self.row + block.n)
        self.row += block.n
        rows["price"], rows["qty"], rows["side"] = price, qty, block.side
        rows["flags"] = _ROW_END
        if block.book:
            rows["action"] = int(Action.LEVEL)
            rows["flags"] |= np.where(block.snapshot == 1, _SNAPSHOT, 0).astype(np.uint16)
        else:
            rows["action"] = int(Action.TRADE)
            rows["order_id"] = block.cells.ids(SLOT["id"])[0]
        bad = block.fault > 0
        for name in ("side", "qty", "order_id"):
            rows[name][bad] = 0
        rows["price"][bad], rows["action"][bad], rows["flags"][bad] = ABSENT, int(Action.STATUS), _ROW_END | _BAD
        self._times(block, rows)
        keys = self._arrivals(block)
        return self._with_clears(rows[block.mine], keys[block.mine], self._snapshots(block))

    def _times(self, block: Block, rows: NDArray[np.void]) -> None:
        """Event and receive times; a row without an event time takes its predecessor's."""
        at = np.maximum.accumulate(np.where(block.timed, np.arange(block.n), -1))
        event = np.where(at >= 0, block.event[at], self.event)
        rows["ts_event"] = event * 1000
        rows["ts_recv"] = np.where(block.arrived, block.local * 1000, ABSENT)
        self.event = int(event[-1])

    def _arrivals(self, block: Block) -> NDArray[np.int64]:
        """Arrival times made to never fall, us."""
        local = np.where(block.arrived, block.local, 0)
        # One damaged time far ahead must not hold back everything behind it.
        ahead = np.append(local[:-1] > local[1:] + _MINUTE, block.n > 1 and local[-1] > local[-2] + _DAY)
        local[ahead] = 0
        keys: NDArray[np.int64] = np.maximum(np.maximum.accumulate(local), self.arrival)
        late = int((block.usable & (block.local < keys)).sum())
        if late:
            self.skipped["out_of_order"] += late
        self.arrival = int(keys[-1])
        return keys

    def _snapshots(self, block: Block) -> NDArray[np.bool_]:
        """Mask, over the rows of the symbol, of those that begin a snapshot. Unusable rows change nothing."""
        if not block.book:
            return np.zeros(int(block.mine.sum()), np.bool_)
        usable = np.flatnonzero(block.usable)
        begins = np.zeros(block.n, np.bool_)
        if len(usable):
            inside = block.snapshot[usable] == 1
            before = np.concatenate([[self.in_snapshot], inside[:-1]])
            begins[usable] = inside & ~before
            self.in_snapshot = bool(inside[-1])
        return begins[block.mine]

    @staticmethod
    def _with_clears(
        rows: NDArray[np.void], keys: NDArray[np.int64], begins: NDArray[np.bool_]
    ) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        if not begins.any():
            return rows, keys
        copies = 1 + begins.astype(np.int64)
        clear = np.cumsum(copies)[begins] - 2
        rows, keys = np.repeat(rows, copies), np.repeat(keys, copies)
        rows["action"][clear], rows["flags"][clear] = int(Action.CLEAR), _SNAPSHOT
        rows["side"][clear], rows["qty"][clear], rows["price"][clear] = 0, 0, ABSENT
        return rows, keys

    def _count(self, block: Block, path: Path) -> None:
        """Count unusable rows by kind; tell the first of each."""
        fault = np.where(block.mine, block.fault, 0)
        for code in np.unique(fault[fault > 0]):
            at = np.flatnonzero(fault == code)
            kind = _KINDS[int(code) - 1]
            if kind not in self.skipped:
                where = self.row - self.first_row + int(at[0])
                self.notes[kind] = f"{path.name}, row {where}: {block.explain(int(at[0]))}"
            self.skipped[kind] += len(at)
        others = block.n - int(block.mine.sum())
        if others:
            self.skipped["other_symbol"] += others
        if block.cells.blank:
            self.skipped["blank_lines"] += block.cells.blank
