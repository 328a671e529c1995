"""The order flow, event by event, as one compiled loop.

Quotes return to a latent price that walks with clustered volatility and is pushed by aggressive orders as
far as their side was not expected. New orders are placed relative to the touch, orders leave by age and by
distance, aggressors come in runs of power-law length. Integers only: see `core.sim.tables`.
"""
# mypy: disable-error-code="arg-type, assignment, no-any-return, return-value"
# Kernels: numpy scalars stand for int.

import numpy as np
from numpy.typing import NDArray

from core.book.levels import find_level
from core.enums import Action, Flag, Side
from core.jit import inlined, kernel
from core.records import ABSENT
from core.sim.day import HALF
from core.sim.latent import advance, next_sign
from core.sim.orders import grows, new_price, new_side, pick_order, size_below
from core.sim.state import SIDE, Market, insert, quantile, remove
from core.sim.stream import below, draw
from core.sim.tables import (
    FILLS,
    FINE,
    FULL_FILL,
    HIGHEST,
    KINDS,
    NUMBERS,
    RESTING,
    ROUND_FROM,
    ROUND_RESTING,
    SIZES,
    rounded,
)

#: Most resting orders one aggressor hits, so most rows of one event.
MOST = 64
#: Resting orders a side never falls below.
FEWEST = 4

# int64 rather than literals: for each literal argument a kernel would be compiled anew.
_ADD, _CANCEL, _DELETE = np.int64(Action.ADD), np.int64(Action.CANCEL), np.int64(Action.DELETE)
_EXECUTE, _REPLACE, _TRADE = np.int64(Action.EXECUTE), np.int64(Action.REPLACE), np.int64(Action.TRADE)
_BID, _ASK = np.int64(Side.BID), np.int64(Side.ASK)
_WHOLE = np.int64(Flag.ROW_END | Flag.EVENT_END)
_PART = np.int64(Flag.ROW_END)
_HIDDEN = np.int64(Flag.ROW_END | Flag.EVENT_END | Flag.HIDDEN)
_NO_ID = np.int64(0)
_NO_PRICE = ABSENT


@inlined
def _emit(
    m: Market, rows: NDArray[np.void], at: int, action: int, side: int, order_id: int, price: int, qty: int, flags: int
) -> int:
    row, flow = rows[at], m.flow[0]
    row["ts_event"] = flow["ts"]
    row["ts_recv"] = _NO_PRICE
    row["order_id"] = order_id
    row["new_order_id"] = flow["last_id"] if action == _REPLACE else 0
    row["price"] = price
    row["qty"] = qty
    row["source_row"] = flow["row"]
    row["action"] = action
    row["side"] = side
    row["flags"] = flags
    row["pad"] = 0
    flow["row"] += 1
    return at + 1


@inlined
def _take(m: Market, rows: NDArray[np.void], at: int, sign: int, most: int) -> int:
    """An aggressor hits resting orders in price-time priority; one row each."""
    flow, top = m.flow[0], m.book.top[0]
    wanted = min(m.tables[FILLS, draw(m.stream) >> 20], most)
    whole = draw(m.stream) < m.tables[NUMBERS, FULL_FILL]
    side = 1 if sign == _BID else 0
    limit = (flow["price"] + sign * 8 * m.day[HALF, flow["cell"]]) >> FINE
    while wanted > 0:
        price = top["best_ask"] if side == 1 else top["best_bid"]
        resting = flow["live"] - flow["bids"] if side == 1 else flow["bids"]
        slot = np.int64(m.book.levels[find_level(m.book, price, side)]["head"])
        node = m.book.orders[slot]
        left, order_id = node["qty"], np.int64(node["order_id"])
        qty = left if wanted > 1 or whole or left == 1 else size_below(m, left)
        if qty == left and resting <= FEWEST:
            qty = 1
            if left == 1:
                break
        wanted -= 1
        if qty < left:
            wanted = 0
        if qty == left:
            remove(m, slot)
            following = top["best_ask"] if side == 1 else top["best_bid"]
            if (following - limit) * sign > 0 or resting - 1 <= FEWEST:
                wanted = 0
        else:
            node["qty"] = left - qty
            m.book.levels[node["level"]]["known"] -= qty
        at = _emit(m, rows, at, _EXECUTE, -sign, order_id, price, qty, _PART if wanted > 0 else _WHOLE)
    return at


@inlined
def _hide(m: Market, rows: NDArray[np.void], at: int, sign: int) -> int:
    """A print against a hidden order, inside the spread where there is room."""
    top = m.book.top[0]
    room = top["best_ask"] - top["best_bid"] - 1
    touch = top["best_ask"] if sign == _BID else top["best_bid"]
    price = top["best_bid"] + 1 + below(m.stream, room) if room > 0 else touch
    qty = m.tables[SIZES, draw(m.stream) >> 20]
    return _emit(m, rows, at, _TRADE, sign, _NO_ID, price, qty, _HIDDEN)


@inlined
def _change(m: Market, rows: NDArray[np.void], at: int, action: int) -> int:
    """ADD, CANCEL, DELETE or REPLACE."""
    side, qty, order_id = _BID, np.int64(0), _NO_ID
    if action != _ADD:
        slot = pick_order(m)
        node = m.book.orders[slot]
        side, qty, order_id = m.pool[SIDE, slot], node["qty"], np.int64(node["order_id"])
        old = np.int64(node["price"])
        resting = m.flow[0]["bids"] if side == _BID else m.flow[0]["live"] - m.flow[0]["bids"]
        if action == _CANCEL and qty < 2:
            action = _DELETE
        if action == _CANCEL:
            qty = size_below(m, qty)
            node["qty"] -= qty
            m.book.levels[node["level"]]["known"] -= qty
            return _emit(m, rows, at, _CANCEL, side, order_id, old, qty, _WHOLE)
        if resting > FEWEST:
            remove(m, slot)
            if action == _DELETE:
                return _emit(m, rows, at, _DELETE, side, order_id, old, qty, _WHOLE)
        else:
            action = _ADD
    else:
        side = new_side(m)
    price = new_price(m, side)
    if action == _ADD or draw(m.stream) & 1:
        qty = m.tables[SIZES, draw(m.stream) >> 20]
    insert(m, side, price, qty)
    return _emit(
        m, rows, at, action, side, order_id if action == _REPLACE else m.flow[0]["last_id"], price, qty, _WHOLE
    )


@kernel
def open_book(m: Market, rows: NDArray[np.void], orders: int, flags: int) -> int:
    """The resting book before the open: `orders` adds into `rows`. Returns the rows written."""
    half, price = m.day[HALF, 0], m.flow[0]["price"]
    for at in range(orders):
        side = _BID if at & 1 == 0 else _ASK
        distance = quantile(m.tables, RESTING, draw(m.stream)) >> FINE if at > 1 else 0
        # Rounded away from the latent price, so that the two sides cannot meet.
        ticks = (price - half >> FINE) - distance if side == _BID else -(-(price + half) >> FINE) + distance
        if distance >= ROUND_FROM:
            ticks = rounded(ticks, side, m.tables[ROUND_RESTING, draw(m.stream) >> 20])
        ticks = min(max(ticks, 1), m.tables[NUMBERS, HIGHEST])
        qty = m.tables[SIZES, draw(m.stream) >> 20]
        insert(m, side, ticks, qty)
        last = _WHOLE if at == orders - 1 else _PART
        _emit(m, rows, np.int64(at), _ADD, side, m.flow[0]["last_id"], ticks, qty, flags | last)
    return orders


@kernel
def generate(m: Market, rows: NDArray[np.void]) -> int:
    """Fill `rows` (ROW) with whole events until the day or the room ends. Returns the rows written.

    A batch may end up to MOST - 1 rows early, so the batch size never changes what is made.
    """
    flow, tables, at = m.flow[0], m.tables, np.int64(0)
    while flow["done"] < flow["total"] and at + MOST <= rows.shape[0]:
        start = at
        advance(m)
        word = draw(m.stream)
        if word < tables[KINDS, 2]:
            action = _ADD
            if word >= tables[KINDS, 1]:
                action = _REPLACE
            elif word >= tables[KINDS, 0]:
                action = _CANCEL
            elif not grows(m):
                action = _DELETE
            at = _change(m, rows, at, action)
        else:
            sign = next_sign(m)
            if word < tables[KINDS, 3]:
                at = _take(m, rows, at, sign, min(MOST, flow["total"] - flow["done"]))
            else:
                at = _hide(m, rows, at, sign)
        flow["done"] += at - start
    return at
