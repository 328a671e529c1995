"""Quote: one order at each touch, placed again when the touch moves, position bounded.

It works no parent order: one that it is given only says from when to when, and its orders belong to none.
"""

import numpy as np
from numpy.typing import NDArray

from core.enums import OrderType, Side, TimeInForce
from core.jit import inlined, kernel
from core.policies.codes import (
    ASK_ID,
    BID_ID,
    LAST_WHY,
    MAX_POSITION,
    OFFSET,
    RETRY,
    SIZE,
    Why,
)
from core.policies.place import NONE, POST, cancel, put, replace, resting_price, whole
from core.records import NO_PRICE


@inlined
def _side(
    side: int,
    view: np.void,
    orders: NDArray[np.void],
    n_open: int,
    params: NDArray[np.float64],
    memory: NDArray[np.int64],
    out: NDArray[np.void],
    n: int,
) -> int:
    """Keep one order on one side."""
    mine, resting = -1, 0
    for i in range(n_open):
        if orders[i]["side"] == side:
            resting += orders[i]["leaves"]
            if mine < 0 and orders[i]["closing"] == 0:
                mine = i
    most = whole(params[MAX_POSITION]) - side * view["position"]
    if mine < 0:
        qty = min(whole(params[SIZE]), most - resting)
        price = resting_price(view, side, whole(params[OFFSET]), NO_PRICE)
        if qty <= 0:
            memory[LAST_WHY] = Why.INVENTORY
            return n
        if price == NONE or resting > 0:  # nothing to price from, or the last one is still leaving
            return n
        memory[LAST_WHY] = Why.QUOTE
        return put(out, n, -1, side, qty, price, OrderType.LIMIT, TimeInForce.DAY, POST, Why.QUOTE)
    one = orders[mine]
    if most < resting:  # were it to fill, the position would pass its bound
        memory[LAST_WHY] = Why.INVENTORY
        return cancel(out, n, one, Why.INVENTORY)
    price = resting_price(view, side, whole(params[OFFSET]), NO_PRICE)
    if price == NONE or one["price"] == price:
        return n
    slot = BID_ID if side == Side.BID else ASK_ID
    unanswered = memory[slot] == one["order_id"] and memory[slot + 1] == one["price"]
    if unanswered and view["now"] - memory[slot + 2] < params[RETRY]:
        return n  # the last replace is on its way
    memory[slot], memory[slot + 1], memory[slot + 2] = one["order_id"], one["price"], view["now"]
    memory[LAST_WHY] = Why.REQUOTE
    return replace(out, n, one, one["leaves"], price, POST, Why.REQUOTE)


@kernel
def quote(
    view: np.void,
    orders: NDArray[np.void],
    n_open: int,
    params: NDArray[np.float64],
    memory: NDArray[np.int64],
    out: NDArray[np.void],
) -> int:
    """Keep a two-sided quote; arguments and result as `core.policies.work.decide`."""
    memory[LAST_WHY] = Why.NOTHING
    n = _side(1, view, orders, n_open, params, memory, out, 0)
    return _side(-1, view, orders, n_open, params, memory, out, n)
