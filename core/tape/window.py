"""Reconcile a book with the best levels that a source states after every row.

A LOBSTER message file tells only what happens inside its window of N levels. Orders that leave the window
are cancelled without a message, and levels that come back bring quantity nobody announced. The book file
knows: wherever the replayed book differs from it, a LEVEL message is written so that any replay agrees.
"""

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import set_level
from core.book.levels import find_level, next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.book.view import level_qty
from core.enums import Action, Flag, Side
from core.jit import inlined, kernel
from core.records import MAX_QTY, NO_SLOT
from core.tape.ids import IdTable, give_slot, remove_id

_LEVEL, _BID, _ASK = int(Action.LEVEL), int(Side.BID), int(Side.ASK)
_IMPLIED, _WIPE = int(Flag.IMPLIED), int(Flag.WIPE)
#: Indices of the counters that `reconcile` adds to.
ENTERED, LEFT, REPAIRED = 0, 1, 2


@inlined
def release_level(book: BookState, ids: IdTable, price: int, side: int) -> None:
    """Forget the ids of a level's orders and free their slots, before the level is wiped."""
    level = find_level(book, price, side)
    if level < 0 or book.levels[level]["count"] == 0:
        return
    slot = np.int64(book.levels[level]["head"])
    while slot >= 0:
        remove_id(ids, book.orders[slot]["order_id"])
        give_slot(ids, slot)
        slot = np.int64(book.orders[slot]["next"])


@kernel
def _emit(
    book: BookState, ids: IdTable, out: NDArray[np.void], n: int, price: int, side: int, qty: int, wipe: bool
) -> int:
    """Write and apply one LEVEL message at `out[n]`. Returns n + 1."""
    if wipe:
        release_level(book, ids, price, side)
    set_level(book, price, side, qty, wipe)
    message = out[n]
    message["ts_event"] = out[n - 1]["ts_event"]
    message["recv_delta"] = out[n - 1]["recv_delta"]
    message["order_id"] = 0
    message["qty"] = qty
    message["price"] = price
    message["slot"] = NO_SLOT
    message["action"] = _LEVEL
    message["side"] = _BID if side == 0 else _ASK
    message["flags"] = _IMPLIED | _WIPE if wipe else _IMPLIED
    return n + 1


@inlined
def _step(book: BookState, price: int, side: int) -> int:
    return next_bid(book, price) if side == 0 else next_ask(book, price)


@kernel
def reconcile(
    book: BookState,
    ids: IdTable,
    window: NDArray[np.int64],
    row: int,
    scale: NDArray[np.int64],
    out: NDArray[np.void],
    n: int,
    counts: NDArray[np.int64],
) -> int:
    """Make the book equal to `window[row]`: ask price, ask qty, bid price, bid qty per level, source units.

    `scale`: price multiplier, price divisor, quantity multiplier, quantity divisor. LEVEL messages go to
    `out` from index `n` on, after the row's own message. The caller has seen to it that the book has a free
    level page for every level of the window and a grid that covers its prices. Returns the new n.
    """
    mul, div, qty_mul, qty_div = scale[0], scale[1], scale[2], scale[3]
    for side in range(2):
        end = EMPTY_BID if side == 0 else EMPTY_ASK
        price = book.top[0]["best_bid"] if side == 0 else book.top[0]["best_ask"]
        column = 2 if side == 0 else 0
        for k in range(window.shape[1] // 4):
            stated, qty = window[row, 4 * k + column], window[row, 4 * k + column + 1]
            if qty <= 0:
                break
            stated, qty = stated * mul, qty * qty_mul // qty_div
            while price != end and (price * div > stated if side == 0 else price * div < stated):
                ahead = _step(book, price, side)
                n = _emit(book, ids, out, n, price, side, 0, True)
                counts[LEFT] += 1
                price = ahead
            if price != end and price * div == stated:
                resting = level_qty(book, price, side)
                if resting != qty:
                    known = book.levels[find_level(book, price, side)]["known"]
                    counts[REPAIRED] += 1
                    n = _emit(book, ids, out, n, price, side, qty - known if qty >= known else qty, qty < known)
                price = _step(book, price, side)
            elif qty <= MAX_QTY:
                n = _emit(book, ids, out, n, stated // div, side, qty, False)
                counts[ENTERED] += 1
        while price != end:
            ahead = _step(book, price, side)
            n = _emit(book, ids, out, n, price, side, 0, True)
            counts[LEFT] += 1
            price = ahead
    return n
