"""Random markets and orders for the venue: valid tapes, orders of every kind, from plain integers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, OrderFlag, OrderType, TimeInForce
from core.records import MESSAGE
from tests.oracle.venue import Own

START = 1_700_000_000_000_000_000
MIDDLE = 1000
#: Values of one code that `tape_of` and `requests_of` read: each below its bound.
TAPE_CODE = (20, 64, 64, 16, 4)
ORDER_CODE = (24, 16, 16, 16, 256, 64, 8)
_END = int(Flag.ROW_END | Flag.EVENT_END)


@dataclass(frozen=True, slots=True)
class Request:
    """What reaches the venue at a time."""

    ts: int
    op: str  #: new, cancel, replace
    order: Own | None = None
    order_id: int = 0
    qty: int = 0
    price: int = 0


@dataclass(slots=True)
class Tape:
    """Messages, and for each REPLACE the order it replaces."""

    messages: NDArray[np.void]
    old: list[int]


class _Maker:
    """A book of lists, so that every message is one a venue would send."""

    def __init__(self) -> None:
        self.queues: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        self.orders: dict[int, list[int]] = {}  # id -> half, price, qty, slot
        self.free: list[int] = []
        self.slots = self.next_id = 0
        self.rows: list[tuple[int, int, int, int, int, int, int, int]] = []

    def touch(self, half: int) -> int | None:
        prices = self.queues[half]
        return (max(prices) if half == 0 else min(prices)) if prices else None

    def price(self, half: int, offset: int) -> int:
        """A price that does not cross, at most a few ticks inside the spread."""
        other = self.touch(1 - half)
        base = self.touch(half)
        start = base if base is not None else (MIDDLE - 2 if half == 0 else MIDDLE + 2)
        wanted = start + (2 - offset % 6) * (1 if half == 0 else -1)
        wanted = min(max(wanted, MIDDLE - 60), MIDDLE + 60)
        if other is not None:
            wanted = min(wanted, other - 1) if half == 0 else max(wanted, other + 1)
        return wanted

    def emit(self, ts: int, action: int, half: int, order_id: int, qty: int, price: int, slot: int, old: int) -> None:
        self.rows.append((ts, int(action), 1 if half == 0 else -1, order_id, qty, price, slot, old))

    def add(self, ts: int, half: int, price: int, qty: int) -> None:
        self.next_id += 1
        slot = self.free.pop() if self.free else self.slots
        self.slots = max(self.slots, slot + 1)
        self.place(self.next_id, half, price, qty, slot)
        self.emit(ts, Action.ADD, half, self.next_id, qty, price, slot, 0)

    def place(self, order_id: int, half: int, price: int, qty: int, slot: int) -> None:
        self.orders[order_id] = [half, price, qty, slot]
        self.queues[half].setdefault(price, []).append(order_id)

    def drop(self, order_id: int) -> list[int]:
        found = self.orders.pop(order_id)
        queue = self.queues[found[0]][found[1]]
        queue.remove(order_id)
        if not queue:
            del self.queues[found[0]][found[1]]
        return found

    def lose(self, ts: int, action: int, order_id: int, qty: int) -> None:
        half, price, left, slot = self.orders[order_id]
        self.emit(ts, action, half, order_id, qty, price, slot, 0)
        if qty >= left or action == Action.DELETE:
            self.drop(order_id)
            self.free.append(slot)
        else:
            self.orders[order_id][2] -= qty

    def replace(self, ts: int, order_id: int, price: int, qty: int, fresh: bool) -> None:
        half, old_price, left, slot = self.orders[order_id]
        new_id = order_id
        if fresh:
            self.next_id += 1
            new_id = self.next_id
        self.emit(ts, Action.REPLACE, half, new_id, qty, price, slot, order_id)
        if new_id == order_id and price == old_price and qty <= left:
            self.orders[order_id][2] = qty
        else:
            self.drop(order_id)
            self.place(new_id, half, price, qty, slot)


def tape_of(codes: Sequence[Sequence[int]], start: int = START) -> Tape:
    """A valid order-by-order tape; one message per code (see `TAPE_CODE`)."""
    maker, ts = _Maker(), start
    for kind, which, qty, offset, gap in codes:
        ts += 10 * gap
        half, lots, ids = which & 1, 1 + qty % 20, list(maker.orders)
        if kind < 8 or len(ids) < 4:
            maker.add(ts, half, maker.price(half, offset), lots)
            continue
        chosen = ids[(which * 7 + qty) % len(ids)]
        touch = maker.touch(half)
        if kind < 10:
            left = maker.orders[chosen][2]
            maker.lose(ts, Action.CANCEL, chosen, min(lots, left - 1)) if left > 1 else maker.lose(
                ts, Action.DELETE, chosen, left
            )
        elif kind < 12 or touch is None:
            maker.lose(ts, Action.DELETE, chosen, maker.orders[chosen][2])
        elif kind < 17:
            head = maker.queues[half][touch][0]
            maker.lose(ts, Action.EXECUTE, head, min(lots, maker.orders[head][2]))
        elif kind < 19:
            mine = maker.orders[chosen]
            price = mine[1] if offset % 3 == 0 else maker.price(mine[0], offset)
            maker.replace(ts, chosen, price, lots, fresh=bool(which & 2))
        else:
            other = maker.touch(1 - half)
            price = (touch + other) // 2 if other is not None else touch
            maker.emit(ts, Action.TRADE, half, 0, lots, price, 0, 0)
    messages = np.zeros(len(maker.rows), MESSAGE)
    for i, name in enumerate(("ts_event", "action", "side", "order_id", "qty", "price", "slot")):
        messages[name] = [row[i] for row in maker.rows]
    messages["flags"] = _END
    messages.setflags(write=False)
    return Tape(messages, [row[7] for row in maker.rows])


def requests_of(
    codes: Sequence[Sequence[int]], tape: Tape, first_id: int = 1, slots: Sequence[int] = ()
) -> list[Request]:
    """New orders (each with an optional replace and cancel after it) in the order of sending."""
    times = tape.messages["ts_event"]
    begin, span = int(times[0]), max(int(times[-1] - times[0]), 1)
    found: list[Request] = []
    for i, (kind, offset, qty, more, when, later, side) in enumerate(codes):
        sign = 1 if side & 1 else -1
        ts = begin + span * when // 256
        price = MIDDLE + sign * (offset - 8)
        slot = slots[i] if slots else i
        order = Own(first_id + i, slot, sign, int(OrderType.LIMIT), int(TimeInForce.DAY), 0, price, 1 + qty)
        _shape(order, kind, more, sign)
        found.append(Request(ts, "new", order))
        if later & 1:
            new_price = order.price if later & 2 else order.price + (more % 5) - 2
            found.append(Request(ts + 10 * later, "replace", None, order.order_id, 1 + (qty + more) % 14, new_price))
        if later & 4:
            found.append(Request(ts + 20 * later, "cancel", None, order.order_id))
    return found


def _shape(order: Own, kind: int, more: int, sign: int) -> None:
    """What sort of order it is."""
    if kind < 3:
        order.tif = int(TimeInForce.IOC)
    elif kind < 5:
        order.tif = int(TimeInForce.FOK)
    elif kind < 8:
        order.flags = int(OrderFlag.POST_ONLY)
    elif kind < 10:
        order.type = int(OrderType.MARKET)
    elif kind < 13:
        order.display = 1 + more % 4
    elif kind < 15:
        order.type, order.stop, order.price = int(OrderType.PEG_TOUCH), more % 4 - 2, MIDDLE + sign * 20
    elif kind < 16:
        order.type, order.price = int(OrderType.PEG_MID), MIDDLE + sign * 20
    elif kind < 18:
        order.type, order.stop = int(OrderType.STOP), MIDDLE + sign * (more % 8 - 3)
        order.price = order.stop + sign * 5
    elif kind < 19:
        order.type, order.stop = int(OrderType.STOP_LIMIT), MIDDLE + sign * (more % 8 - 3)
    elif more < 12:  # at the touch, behind what rests
        order.price = MIDDLE - sign * (1 + more % 3)
