"""Small steps of compiled policies: prices within limits, and intents written where there is room."""

import numpy as np
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Op, OrderFlag, OrderType, Side, TimeInForce
from core.jit import inlined
from core.records import NO_PRICE

_LOWEST, _HIGHEST = NO_PRICE + 1, 2**31 - 1
#: "No price": beyond everything an intent can carry.
NONE = 2**41


@inlined
def own_touch(view: np.void, side: int) -> int:
    """Ticks of the touch on our side, NONE if nobody is there."""
    if side == Side.BID:
        return view["best_bid"] if view["best_bid"] != EMPTY_BID else NONE
    return view["best_ask"] if view["best_ask"] != EMPTY_ASK else NONE


@inlined
def far_touch(view: np.void, side: int) -> int:
    """Ticks of the touch we would trade against, NONE if nobody is there."""
    if side == Side.BID:
        return view["best_ask"] if view["best_ask"] != EMPTY_ASK else NONE
    return view["best_bid"] if view["best_bid"] != EMPTY_BID else NONE


@inlined
def whole(setting: float) -> int:
    """A setting as a whole number, never negative and never too large: a float can be anything."""
    return int(min(setting, 1e15)) if setting > 0.0 else 0


@inlined
def limit_of(view: np.void) -> int:
    """Limit price of the parent order worked on, NO_PRICE if there is none."""
    return view["limit"] if view["parent"] >= 0 else NO_PRICE


@inlined
def within(price: int, side: int, limit: int) -> int:
    """`price` moved inside the limit (NO_PRICE = none) and inside what a record can hold."""
    if limit != NO_PRICE:
        price = min(price, limit) if side == Side.BID else max(price, limit)
    return min(max(price, _LOWEST), _HIGHEST)


@inlined
def reachable(touch: int, side: int, limit: int) -> bool:
    """Whether the opposite touch lies within the limit."""
    return limit == NO_PRICE or (touch - limit) * side <= 0


@inlined
def put(
    out: NDArray[np.void],
    n: int,
    parent: int,
    side: int,
    qty: int,
    price: int,
    kind: int,
    tif: int,
    flags: int,
    why: int,
) -> int:
    """Write a NEW intent and count it; nothing happens when `out` is full or there is nothing to send."""
    if n >= out.shape[0] or qty <= 0:
        return n
    one = out[n]
    one["op"] = Op.NEW
    one["order_id"] = 0
    one["qty"] = qty
    one["display"] = 0
    one["parent"] = parent
    one["why"] = why
    one["price"] = price
    one["stop"] = 0
    one["type"] = kind
    one["tif"] = tif
    one["side"] = side
    one["flags"] = flags
    return n + 1


@inlined
def take(out: NDArray[np.void], n: int, view: np.void, side: int, qty: int, collar: int, why: int) -> int:
    """A marketable limit order, immediate or cancel, at most `collar` ticks past the opposite touch."""
    touch = far_touch(view, side)
    if touch == NONE:
        return n
    price = within(touch + side * collar, side, limit_of(view))
    return put(out, n, view["parent"], side, qty, price, OrderType.LIMIT, TimeInForce.IOC, 0, why)


@inlined
def resting_price(view: np.void, side: int, offset: int, limit: int) -> int:
    """Ticks where we rest: `offset` behind our touch, next to the other side where ours is empty; NONE if both are."""
    touch = own_touch(view, side)
    if touch == NONE:
        other = far_touch(view, side)
        if other == NONE:
            return NONE
        touch = other - side
    return within(touch - side * offset, side, limit)


@inlined
def cancel(out: NDArray[np.void], n: int, order: np.void, why: int) -> int:
    """Write a CANCEL intent of an open order and count it, where there is room."""
    if n >= out.shape[0]:
        return n
    one = out[n]
    one["op"] = Op.CANCEL
    one["order_id"] = order["order_id"]
    one["qty"] = order["leaves"]
    one["display"] = 0
    one["parent"] = order["parent"]
    one["why"] = why
    one["price"] = order["price"]
    one["stop"] = 0
    one["type"] = order["type"]
    one["tif"] = order["tif"]
    one["side"] = order["side"]
    one["flags"] = 0
    return n + 1


@inlined
def replace(out: NDArray[np.void], n: int, order: np.void, qty: int, price: int, flags: int, why: int) -> int:
    """Write a REPLACE intent, `qty` being the new leaves, and count it, where there is room."""
    if n >= out.shape[0] or qty <= 0:
        return n
    n = put(out, n, order["parent"], order["side"], qty, price, order["type"], order["tif"], flags, why)
    out[n - 1]["op"] = Op.REPLACE
    out[n - 1]["order_id"] = order["order_id"]
    return n


#: Flag of a resting order that may not take.
POST = int(OrderFlag.POST_ONLY)
