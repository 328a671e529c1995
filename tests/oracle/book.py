"""The price-time book, slow and plain: every book kernel has to agree with it, message by message.

An order rests at a price on a side, behind those that came before it. A message names it by slot and id.
A level may also hold anonymous quantity, which rests ahead of its known orders.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from core.enums import Action, Flag, Result, Side, Status
from core.records import MAX_QTY, MESSAGE, NO_PRICE, NO_SLOT

Check = tuple[Result, Callable[[SimpleNamespace, int], bool]]  # what a message is refused with, unless this holds

SIDE: Check = Result.BAD_SIDE, lambda m, slots: m.side in (Side.BID, Side.ASK)
SIDE_OR_NONE: Check = Result.BAD_SIDE, lambda m, slots: m.side in (Side.BID, Side.ASK, Side.NONE)
QTY: Check = Result.BAD_QTY, lambda m, slots: 1 <= m.qty <= MAX_QTY
QTY_OR_ZERO: Check = Result.BAD_QTY, lambda m, slots: 0 <= m.qty <= MAX_QTY
KNOWN_STATUS: Check = Result.BAD_QTY, lambda m, slots: Status.NONE <= m.qty <= Status.CLOSED
PRICE: Check = Result.BAD_PRICE, lambda m, slots: m.price != NO_PRICE
SLOT: Check = Result.BAD_SLOT, lambda m, slots: 0 <= m.slot < slots
SLOT_OR_NONE: Check = Result.BAD_SLOT, lambda m, slots: m.slot == NO_SLOT or 0 <= m.slot < slots

#: The first check that fails is the result.
CHECKS: dict[int, tuple[Check, ...]] = {
    Action.ADD: (SIDE, QTY, PRICE, SLOT),
    Action.CANCEL: (QTY, SLOT_OR_NONE),
    Action.EXECUTE: (QTY, SLOT_OR_NONE),
    Action.DELETE: (SLOT_OR_NONE,),
    Action.REPLACE: (QTY, PRICE, SLOT_OR_NONE),
    Action.TRADE: (QTY, SIDE_OR_NONE),
    Action.LEVEL: (SIDE, QTY_OR_ZERO, PRICE),
    Action.CLEAR: (SIDE_OR_NONE,),
    Action.STATUS: (KNOWN_STATUS,),
}


@dataclass
class Order:
    """One resting order."""

    order_id: int
    side: int
    price: int
    left: int


class OracleBook:
    """A book with `slots` places for known orders."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.live: dict[int, Order] = {}  # by slot; a dict keeps the order of arrival, which is time priority
        self.unnamed: Counter[tuple[int, int]] = Counter()  # anonymous quantity by (side, price)
        self.results: Counter[Result] = Counter()
        self.crossed = self.locked = 0
        self.status = Status.NONE

    def apply(self, message: Any) -> Result:
        """Apply one `MESSAGE` record. A refused message changes nothing but the counts."""
        m = SimpleNamespace(**{name: int(message[name]) for name in MESSAGE.names or ()})
        result = self._refusal(m) or self._act(m)
        self.results[result] += 1
        bid, ask = self.best()
        if m.flags & Flag.EVENT_END and bid is not None and ask is not None:
            self.crossed += bid > ask
            self.locked += bid == ask
        return result

    def _refusal(self, m: SimpleNamespace) -> Result:
        if m.flags & Flag.BAD:
            return Result.BAD_ROW
        if m.action not in CHECKS:
            return Result.BAD_ACTION
        return next((bad for bad, holds in CHECKS[m.action] if not holds(m, self.slots)), Result.OK)

    def _act(self, m: SimpleNamespace) -> Result:
        if m.action == Action.ADD:
            if m.slot in self.live:
                return Result.DUPLICATE_ORDER
            self.live[m.slot] = Order(m.order_id, m.side, m.price, m.qty)
        elif m.action in (Action.CANCEL, Action.EXECUTE, Action.DELETE):
            return self._remove(m)
        elif m.action == Action.REPLACE:
            return self._replace(m)
        elif m.action == Action.LEVEL:
            if m.flags & Flag.WIPE:
                self.live = {s: o for s, o in self.live.items() if (o.side, o.price) != (m.side, m.price)}
            self.unnamed[m.side, m.price] = m.qty
        elif m.action == Action.CLEAR:
            self.live = {s: o for s, o in self.live.items() if m.side not in (o.side, Side.NONE)}
            self.unnamed = Counter({at: n for at, n in self.unnamed.items() if m.side not in (at[0], Side.NONE)})
        elif m.action == Action.STATUS and m.qty != Status.NONE:
            self.status = Status(m.qty)
        return Result.OK

    def _remove(self, m: SimpleNamespace) -> Result:
        order = self.live.get(m.slot)
        if order is None or order.order_id != m.order_id:  # not one we know: it may be part of the anonymous quantity
            rests = self.unnamed[m.side, m.price]
            if not rests or not 1 <= m.qty <= MAX_QTY:
                return Result.UNKNOWN_ORDER
            self.unnamed[m.side, m.price] = max(0, rests - m.qty)
            return Result.FROM_ANONYMOUS
        if m.action != Action.DELETE and m.qty < order.left:
            order.left -= m.qty  # it keeps its place
            return Result.OK
        del self.live[m.slot]
        return Result.OVERFILL if m.action != Action.DELETE and m.qty > order.left else Result.OK

    def _replace(self, m: SimpleNamespace) -> Result:
        order = self.live.get(m.slot)
        if order is None:
            if m.side in (Side.BID, Side.ASK) and m.slot != NO_SLOT:
                self.live[m.slot] = Order(m.order_id, m.side, m.price, m.qty)
            return Result.UNKNOWN_ORDER
        if m.order_id == order.order_id and m.price == order.price and m.qty <= order.left:
            order.left = m.qty  # asking for less keeps the place
        else:
            del self.live[m.slot]  # and back in line as the last
            self.live[m.slot] = Order(m.order_id, order.side, m.price, m.qty)
        return Result.OK

    @property
    def orders(self) -> int:
        """How many known orders rest."""
        return len(self.live)

    def queue(self, side: int, price: int) -> list[tuple[int, int]]:
        """(id, quantity) of the known orders at a price, first in line first."""
        return [(o.order_id, o.left) for o in self.live.values() if (o.side, o.price) == (side, price)]

    def anonymous(self, side: int, price: int) -> int:
        """Anonymous quantity at a price."""
        return self.unnamed[side, price]

    def levels(self, side: int) -> list[tuple[int, int]]:
        """(price, quantity) of every level of a side, best first."""
        total = Counter({price: rests for (at, price), rests in self.unnamed.items() if at == side and rests})
        for order in self.live.values():
            if order.side == side:
                total[order.price] += order.left
        return sorted(total.items(), reverse=side == Side.BID)

    def best(self) -> tuple[int | None, int | None]:
        """Best bid and best ask, None where a side is empty."""
        bids, asks = self.levels(Side.BID), self.levels(Side.ASK)
        return bids[0][0] if bids else None, asks[0][0] if asks else None

    def depth(self, n: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The best `n` asks and the best `n` bids as (price, quantity)."""
        return self.levels(Side.ASK)[:n], self.levels(Side.BID)[:n]
