"""The read half of the features: one float32 row of the moment.

Only + - * / and square roots of doubles, which IEEE rounds exactly, and no other function of a maths
library: the row is the same bytes compiled and interpreted, on any machine. A logarithm is linear between
powers of two for that reason.
"""

import numpy as np
from numpy.typing import NDArray

from core.book.levels import next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.book.view import level_qty
from core.features.flow import CHANGES, DEPTH, MID2, NO_MID, OFI, PRINTS, RING, SIGNED, SQUARES, VOLUME, Flow, resting
from core.features.spec import BUCKET, LONG, SHORT
from core.jit import highest_bit, inlined, kernel
from core.records import MAX_QTY

_MASK = RING - 1
_SECOND = 1_000_000_000.0


@kernel
def observe(flow: Flow, book: BookState, view: np.void, out: NDArray[np.float32]) -> None:
    """Write the row of `core.features.spec.SPEC` at `view["now"]` (a VIEW record) into `out`, shape (len(SPEC),)."""
    _imbalances(book, out)
    _touch(book, out)
    bucket = max(view["now"] // BUCKET, flow.touch[0]["bucket"])
    _window(flow, bucket, SHORT, 0, out)
    _window(flow, bucket, LONG, 1, out)
    _parent(view, out)


@kernel
def _imbalances(book: BookState, out: NDArray[np.float32]) -> None:
    """Columns 0 to 3."""
    bid, ask = book.top[0]["best_bid"], book.top[0]["best_ask"]
    bids, asks = np.int64(0), np.int64(0)
    column = 0
    for depth in range(1, 11):
        if bid != EMPTY_BID:
            bids += level_qty(book, bid, 0)
            bid = next_bid(book, bid)
        if ask != EMPTY_ASK:
            asks += level_qty(book, ask, 1)
            ask = next_ask(book, ask)
        if depth == 1 or depth == 3 or depth == 5 or depth == 10:
            out[column] = np.float32(_balance(bids - asks, bids + asks))
            column += 1


@inlined
def _balance(difference: int, total: int) -> float:
    return difference / total if total > 0 else 0.0


@inlined
def octaves(n: int) -> float:
    """log2(n) for n >= 1, linear between powers of two."""
    power = highest_bit(n)
    return power + (n / (1 << power) - 1.0)


@kernel
def _touch(book: BookState, out: NDArray[np.float32]) -> None:
    """Columns 6 and 7, and 16."""
    bid, ask = book.top[0]["best_bid"], book.top[0]["best_ask"]
    bids, asks = resting(book, bid, 0), resting(book, ask, 1)
    out[6], out[7] = np.float32(0.0), np.float32(0.0)
    if bids > 0 and asks > 0:
        out[6] = np.float32((ask - bid) * 1.0 * (bids - asks) / (2.0 * (bids + asks)))
        out[7] = np.float32(ask - bid)
    out[16] = np.float32(octaves(bids + asks + 1))


@kernel
def _window(flow: Flow, bucket: int, width: int, shift: int, out: NDArray[np.float32]) -> None:
    """Columns 4, 8, 10, 12 and 14, each plus `shift`: a window of `width` buckets that ends with `bucket`."""
    out[4 + shift], out[8 + shift], out[10 + shift] = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    out[12 + shift], out[14 + shift] = np.float32(0.0), np.float32(0.0)
    edge = bucket - width  # the last bucket before the window
    if edge >= flow.touch[0]["bucket"]:
        return  # nothing happened in it
    before, now = flow.ring[edge & _MASK], flow.total
    seconds = width * BUCKET / _SECOND
    depth = now[DEPTH] - before[DEPTH]
    if depth > 0:
        changes = now[CHANGES] - before[CHANGES]
        out[4 + shift] = np.float32((now[OFI] - before[OFI]) * 2.0 * changes / depth)
    out[8 + shift] = np.float32(np.sqrt((now[SQUARES] - before[SQUARES]) / (4.0 * seconds)))
    out[10 + shift] = np.float32(_balance(now[SIGNED] - before[SIGNED], now[VOLUME] - before[VOLUME]))
    out[12 + shift] = np.float32((now[PRINTS] - before[PRINTS]) / seconds)
    if before[MID2] != NO_MID and now[MID2] != NO_MID:
        out[14 + shift] = np.float32((now[MID2] - before[MID2]) / 2.0)


@inlined
def _share(part: int, whole: int) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


@kernel
def _parent(view: np.void, out: NDArray[np.float32]) -> None:
    """Columns 17 to 21."""
    out[17] = np.float32(view["side"])
    out[18] = np.float32(_share(view["end"] - view["now"], view["end"] - view["start"]))
    out[19] = np.float32(_share(view["qty"] - view["filled"], view["qty"]))
    out[20] = np.float32(_share(view["working"], view["qty"]))
    out[21] = np.float32(octaves(min(max(view["qty"] - view["filled"], 0), MAX_QTY) + 1))
