"""From source rows to messages, slow and plain: what the tape writer has to agree with.

Here every new order gets a slot of its own and slots are never used again, so nothing can be confused.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Result
from core.feeds.source import Batch, SourceFacts
from core.records import ABSENT, MAX_QTY, MESSAGE, NO_PRICE, NO_SLOT
from tests.oracle.book import OracleBook


class RowSource:
    """A source that holds its rows in memory; prices are ticks and quantities lots already."""

    def __init__(self, batches: Sequence[NDArray[np.void]], windows: Sequence[NDArray[np.int64]] = ()) -> None:
        """`windows`: per batch the book stated after each of its rows, of a source that states one."""
        one, depth = Decimal(1), Depth.WINDOW if windows else Depth.ORDERS
        self.info = SourceFacts("TEST", "NOWHERE", "2024-01-02", depth, one, one, one, one)
        if windows:
            self.info.window = windows[0].shape[1] // 4
        self.paths: Sequence[Path] = ()
        self.skipped: Counter[str] = Counter()
        self._batches, self._windows = batches, windows or [None] * len(batches)

    def batches(self) -> Iterator[Batch]:
        """The rows."""
        return (Batch(rows, window) for rows, window in zip(self._batches, self._windows, strict=True))

    def progress(self) -> float:
        """All read."""
        return 1.0


class OracleIngest:
    """Applies rows to an oracle book; orders are known by the venue's id."""

    def __init__(self, rows: int) -> None:
        self.book = OracleBook(rows)
        self.fresh = 0
        self.most = 0  # orders that rested at once
        self.clock: int | None = None

    def apply(self, row: Any) -> tuple[Result, dict[str, int]]:
        """The result of one `ROW` record and what its message must hold besides the slot."""
        m = self._message(row)
        slots = {order.order_id: slot for slot, order in self.book.live.items()}
        old, new = int(row["order_id"]), int(row["new_order_id"])
        m["slot"] = NO_SLOT
        if m["action"] == Action.REPLACE:
            m["order_id"] = new
            m["slot"] = slots.get(old, self.fresh)
            if new != old and new in slots:
                m["flags"] |= Flag.BAD  # two orders may not share an id
        elif m["action"] == Action.ADD:
            m["slot"] = slots.get(old, self.fresh)
        elif m["action"] not in (Action.TRADE, Action.LEVEL, Action.CLEAR, Action.STATUS):
            m["slot"] = slots.get(old, NO_SLOT)
            if old in slots:  # the order knows its side, and its price where the source is silent
                order = self.book.live[slots[old]]
                m["side"] = order.side
                m["price"] = order.price if m["price"] == NO_PRICE else m["price"]
        record = np.zeros(1, MESSAGE)
        for name, value in m.items():
            record[name] = value
        result = self.book.apply(record[0])
        self.fresh += self.fresh in self.book.live
        self.most = max(self.most, self.book.orders)
        return result, {name: value for name, value in m.items() if name != "slot"}

    def _message(self, row: Any) -> dict[str, int]:
        price, qty, ts_event = int(row["price"]), int(row["qty"]), int(row["ts_event"])
        if row["action"] != Action.STATUS:
            qty = -1 if qty < 0 else min(qty, MAX_QTY + 1)
        flags = int(row["flags"])
        if self.clock is not None and ts_event < self.clock:
            flags |= Flag.BACKWARDS
        else:
            self.clock = ts_event
        return {
            "ts_event": ts_event,
            "order_id": int(row["order_id"]),
            "qty": qty,
            "price": price if price != ABSENT and abs(price) < 2**31 else NO_PRICE,
            "action": int(row["action"]),
            "side": int(row["side"]),
            "flags": flags,
        }
