"""Rules of the generic format: what makes a row usable, and the ROW it becomes."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, Side, Status
from core.feeds.cells import Cells, Words
from core.feeds.decimals import EMPTY, GOOD, MALFORMED, Decimals, Digits
from core.feeds.tabular_text import COLUMNS
from core.records import ABSENT, ROW

#: Words of the action column, in any letter case. Single letters are not taken: vendors disagree on them.
ACTIONS = {action.name.lower(): int(action) for action in Action}
SIDES = {
    "b": int(Side.BID),
    "bid": int(Side.BID),
    "buy": int(Side.BID),
    "a": int(Side.ASK),
    "ask": int(Side.ASK),
    "sell": int(Side.ASK),
    "n": int(Side.NONE),
    "none": int(Side.NONE),
}
STATUSES = {status.name.lower(): int(status) for status in Status}
STATUSES |= {str(int(status)): int(status) for status in Status}
_ACTION_WORDS, _SIDE_WORDS, _STATUS_WORDS = Words(ACTIONS), Words(SIDES), Words(STATUSES)

#: Kinds of unusable row, first match wins, and the column that shows why.
FAULTS = {
    "field_count": "ts_event",
    "bad_ts_event": "ts_event",
    "bad_action": "action",
    "bad_side": "side",
    "bad_price": "price",
    "bad_qty": "qty",
    "bad_order_id": "order_id",
    "bad_new_order_id": "new_order_id",
    "bad_status": "status",
}
_KINDS = list(FAULTS)
_SLOT = {name: slot for slot, name in enumerate(COLUMNS)}
_LAST_TIME = 2**62  # year 2116
_FLOAT_DIGITS = 15
_ROW_END, _BAD = int(Flag.ROW_END), int(Flag.BAD)
#: Flags that say something about the market; where rows and events end is told by the rows themselves.
_MARKS = int(Flag.SNAPSHOT | Flag.WIPE | Flag.HIDDEN | Flag.CROSS | Flag.SILENT)


class Rows:
    """The rows of one block, column by column; `fault` is 0 or 1 + the place in `FAULTS`."""

    def __init__(self, cells: Cells, columns: int, floats: NDArray[np.int64]) -> None:
        """`columns`: cells every line must have; `floats`: slots that were 64-bit floats."""
        self.cells, self.n = cells, cells.rows
        ts, self.ts_codes = cells.ids(_SLOT["ts_event"])
        self.ts_codes[ts >= _LAST_TIME] = MALFORMED
        self.ts = ts.astype(np.int64)
        self.action, self.action_codes = cells.words(_SLOT["action"], _ACTION_WORDS)
        self.side, self.side_codes = cells.words(_SLOT["side"], _SIDE_WORDS)
        self.price, self.qty = self._decimals("price", floats), self._decimals("qty", floats)
        self.ids, self.id_codes = cells.ids(_SLOT["order_id"])
        self.new_ids, self.new_codes = cells.ids(_SLOT["new_order_id"])
        self.whole = cells.fields == columns
        self.fault = self._faults()

    def _decimals(self, name: str, floats: NDArray[np.int64]) -> Decimals:
        out = self.cells.decimals(_SLOT[name])
        if _SLOT[name] in floats:
            out.round(_FLOAT_DIGITS)
        return out

    def is_any(self, *actions: Action) -> NDArray[np.bool_]:
        """Mask of rows with one of `actions`."""
        mask = np.zeros(self.n, np.bool_)
        for action in actions:
            mask |= self.action == int(action)
        return mask

    def _faults(self) -> NDArray[np.uint8]:
        """Structural faults; values that do not fit the units come later."""
        anonymous = self.is_any(Action.CANCEL, Action.DELETE, Action.EXECUTE) & (self.id_codes == EMPTY)
        needs_price = self.is_any(Action.ADD, Action.REPLACE, Action.TRADE, Action.LEVEL) | anonymous
        needs_qty = needs_price | self.is_any(Action.CANCEL, Action.EXECUTE)
        needs_side = self.is_any(Action.ADD, Action.LEVEL) | anonymous
        needs_id = self.is_any(Action.ADD, Action.REPLACE)
        plain = self.is_any(Action.CLEAR, Action.STATUS)
        bad = {
            "field_count": ~self.whole,
            "bad_ts_event": self.ts_codes != GOOD,
            "bad_action": self.action_codes != GOOD,
            "bad_side": (self.side_codes == MALFORMED) | (needs_side & (self.side == 0)),
            "bad_price": ~plain & _bad(self.price.codes, needs_price),
            "bad_qty": ~plain & _bad(self.qty.codes, needs_qty),
            "bad_order_id": ~plain & _bad(self.id_codes, needs_id),
            "bad_new_order_id": self.is_any(Action.REPLACE) & (self.new_codes == MALFORMED),
            "bad_status": self.is_any(Action.STATUS) & (self.status < 0),
        }
        fault = np.zeros(self.n, np.uint8)
        for kind in reversed(_KINDS):
            fault[bad[kind]] = _KINDS.index(kind) + 1
        return fault

    @cached_property
    def status(self) -> NDArray[np.int64]:
        """Status of each row: the status column, else qty, else price; nothing at all is NONE; -1 = unknown."""
        out = np.zeros(self.n, np.int64)
        settled = ~self.is_any(Action.STATUS)
        for name in () if settled.all() else ("status", "qty", "price"):
            values, codes = self.cells.words(_SLOT[name], _STATUS_WORDS)
            numbers = self.cells.decimals(_SLOT[name])
            whole = numbers.units(0)
            numeric = (numbers.codes == GOOD) & (whole >= 0) & (whole <= max(Status))
            values = np.where(codes == GOOD, values, np.where(numeric, whole, -1))
            # "none" is a status here, a missing cell is not.
            here = ((codes == GOOD) | (numbers.codes != EMPTY)) & ~settled
            out[here] = values[here]
            settled |= here
        return out

    def census(self, book: Digits, prints: Digits, quantities: Digits) -> None:
        """Count the decimals of usable rows."""
        usable = self.fault == 0
        resting = self.is_any(Action.ADD, Action.CANCEL, Action.DELETE, Action.REPLACE, Action.LEVEL)
        printed = self.is_any(Action.TRADE, Action.EXECUTE)
        book.add(self.price, usable & resting)
        prints.add(self.price, usable & printed)
        quantities.add(self.qty, usable & (resting | printed))

    @property
    def has_orders(self) -> bool:
        """Whether any usable row speaks of an order by its id."""
        orders = self.is_any(Action.ADD, Action.CANCEL, Action.DELETE, Action.EXECUTE, Action.REPLACE)
        return bool((orders & (self.fault == 0) & (self.id_codes == GOOD)).any())

    def first_time(self) -> int | None:
        """Time of the first row that has one."""
        known = np.flatnonzero((self.ts_codes == GOOD) & self.whole)
        return int(self.ts[known[0]]) if len(known) else None

    def build(self, price_decimals: int, qty_decimals: int, clock: int, first_row: int) -> NDArray[np.void]:
        """ROW records, one for each row, without EVENT_END. `clock`: time for rows before the first good time."""
        price, qty = self.price.units(price_decimals), self.qty.units(qty_decimals)
        plain = self.is_any(Action.CLEAR, Action.STATUS)
        for kind, codes in (("bad_price", self.price.codes), ("bad_qty", self.qty.codes)):
            late = ~plain & (codes == MALFORMED) & (self.fault == 0)
            self.fault[late] = _KINDS.index(kind) + 1
        bad = self.fault > 0
        rows = np.zeros(self.n, ROW)
        rows["ts_event"] = self._times(clock)
        rows["ts_recv"] = self.receive_times
        status = self.is_any(Action.STATUS)
        rows["order_id"] = np.where(plain, np.uint64(0), self.ids)
        renamed = np.where(self.new_codes == GOOD, self.new_ids, self.ids)
        rows["new_order_id"] = np.where(self.is_any(Action.REPLACE), renamed, np.uint64(0))
        rows["price"] = np.where(plain | (self.price.codes != GOOD), ABSENT, price)
        rows["qty"] = np.where(status, self.status, np.where(plain, 0, qty))
        rows["action"], rows["side"] = self.action, np.where(status, 0, self.side)
        rows["flags"] = _ROW_END | self._marks()
        rows["source_row"] = np.arange(first_row, first_row + self.n)
        for name in ("order_id", "new_order_id", "qty", "side"):
            rows[name][bad] = 0
        rows["price"][bad], rows["action"][bad] = ABSENT, int(Action.STATUS)
        rows["flags"][bad] |= _BAD
        return rows

    def _marks(self) -> NDArray[np.uint16]:
        """What the optional column `flags` says about a row, as `tape export` writes it."""
        values, codes = self.cells.ids(_SLOT["flags"])
        return np.where(codes == GOOD, values & np.uint64(_MARKS), 0).astype(np.uint16)

    def _times(self, clock: int) -> NDArray[np.int64]:
        """Event times; a row without one takes its predecessor's."""
        known = (self.ts_codes == GOOD) & self.whole
        last = np.maximum.accumulate(np.where(known, np.arange(self.n), -1)) if self.n else np.zeros(0, np.int64)
        return np.where(last >= 0, self.ts[last], clock)

    @cached_property
    def _receive(self) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
        return self.cells.ids(_SLOT["ts_recv"])

    @property
    def receive_times(self) -> NDArray[np.int64]:
        """Receive times, ABSENT where there is none."""
        values, codes = self._receive
        return np.where((codes == GOOD) & (values < _LAST_TIME), values.astype(np.int64), ABSENT)

    @property
    def bad_receive(self) -> NDArray[np.bool_]:
        """Usable rows whose receive time is not readable."""
        values, codes = self._receive
        late: NDArray[np.bool_] = (self.fault == 0) & ((codes == MALFORMED) | (values >= _LAST_TIME))
        return late

    def explain(self, fault: int, row: int) -> str:
        """Why a row cannot be used."""
        kind = _KINDS[fault - 1]
        if kind == "field_count":
            return f"{int(self.cells.fields[row])} cells"
        column = FAULTS[kind]
        return f"{column} is {self.cells.text_of(_SLOT[column], row)!r}"


def _bad(codes: NDArray[np.uint8], needed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    bad: NDArray[np.bool_] = (codes == MALFORMED) | (needed & (codes == EMPTY))
    return bad


def kind_of(fault: int) -> str:
    """Name of a fault."""
    return _KINDS[fault - 1]
