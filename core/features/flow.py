"""The streamed half of the features: running integer sums, and what they were at the end of past buckets.

A window is the difference of two sums, so a reading costs the same for any window, and no cutting of the
stream can change it: integers have no rounding.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.levels import find_level
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import Action, Flag
from core.features.spec import BUCKET, LONG
from core.jit import inlined, kernel
from core.jit_states import state
from core.tape.marks import is_print

_EXECUTE, _TRADE = int(Action.EXECUTE), int(Action.TRADE)
_EVENT_END, _SNAPSHOT, _CROSS = int(Flag.EVENT_END), int(Flag.SNAPSHOT), int(Flag.CROSS)

#: Indices of `Flow.total`.
OFI, CHANGES, DEPTH, SIGNED, VOLUME, PRINTS, SQUARES, MID2 = range(8)
#: `total[MID2]` before the first mid.
NO_MID = -(2**60)
#: Buckets remembered; a power of two above the longest window.
RING = 128
_MASK = RING - 1
#: What one change or print can add, in lots, and the largest move of the mid that is squared, in half ticks.
MOST_LOTS, MOST_MOVE = 2**40, 2**20

#: The touch as it was at the last change.
TOUCH = np.dtype(
    [
        ("bucket", "<i8"),  # open bucket
        ("best_bid", "<i8"),  # ticks
        ("best_ask", "<i8"),
        ("bid_qty", "<i8"),  # lots
        ("ask_qty", "<i8"),
        ("known", "<i8"),  # 1 = there was a change
    ]
)


@state
class Flow(NamedTuple):
    """Everything that the features remember of one instrument's stream."""

    touch: NDArray[np.void]  #: TOUCH, shape (1,)
    total: NDArray[np.int64]  #: sums since the start, and twice the mid, shape (8,)
    ring: NDArray[np.int64]  #: `total` at the end of past buckets, row bucket % RING, shape (RING, 8)


def new_flow() -> Flow:
    """The flow of a stream that has not begun."""
    touch = np.zeros(1, TOUCH)
    touch["bucket"], touch["best_bid"], touch["best_ask"] = -(2**62), EMPTY_BID, EMPTY_ASK
    total = np.zeros(8, np.int64)
    total[MID2] = NO_MID
    return Flow(touch, total, np.tile(total, (RING, 1)))


@inlined
def follow(flow: Flow, book: BookState, ts: int, action: int, side: int, flags: int, qty: int) -> None:
    """Take one message in, after it was applied to `book`."""
    if (action == _EXECUTE or action == _TRADE) and is_print(action, flags, qty) and flags & _CROSS == 0:
        # An execution carries the resting side; the aggressor is the other one.
        _add_print(flow, ts, side if action == _TRADE else -side, qty)
    if flags & _EVENT_END:
        top, touch = book.top[0], flow.touch[0]
        bid, ask = top["best_bid"], top["best_ask"]
        bid_qty, ask_qty = resting(book, bid, 0), resting(book, ask, 1)
        if (
            bid_qty != touch["bid_qty"]
            or ask_qty != touch["ask_qty"]
            or bid != touch["best_bid"]
            or ask != touch["best_ask"]
        ):
            _change(flow, ts, flags & _SNAPSHOT, bid, ask, bid_qty, ask_qty)


@inlined
def resting(book: BookState, price: int, side: int) -> int:
    """Lots resting at a best price; 0 for an empty side. `side` 0 bid, 1 ask."""
    level = find_level(book, price, side)
    if level < 0:
        return 0
    return book.levels[level]["known"] + book.levels[level]["anonymous"]


@kernel
def _roll(flow: Flow, ts: int) -> None:
    """Close the buckets that end at or before `ts`."""
    bucket, touch = ts // BUCKET, flow.touch[0]
    if bucket <= touch["bucket"]:
        return
    first = max(touch["bucket"], bucket - RING)
    for closed in range(first, bucket):
        row = closed & _MASK
        for k in range(flow.total.shape[0]):
            flow.ring[row, k] = flow.total[k]
    touch["bucket"] = bucket


@kernel
def _add_print(flow: Flow, ts: int, side: int, qty: int) -> None:
    _roll(flow, ts)
    lots = min(qty, MOST_LOTS)
    if side > 0:
        flow.total[SIGNED] += lots
    elif side < 0:
        flow.total[SIGNED] -= lots
    flow.total[VOLUME] += lots
    flow.total[PRINTS] += 1


@kernel
def _change(flow: Flow, ts: int, stated: int, bid: int, ask: int, bid_qty: int, ask_qty: int) -> None:
    """The touch is another one: order flow, depth and squared moves. `stated`: by a snapshot, it did not happen now."""
    _roll(flow, ts)
    touch, total = flow.touch[0], flow.total
    happened = stated == 0 and touch["known"] == 1
    if happened:
        bids, asks = min(bid_qty, MOST_LOTS), min(ask_qty, MOST_LOTS)
        if bid >= touch["best_bid"]:
            total[OFI] += bids
        if bid <= touch["best_bid"]:
            total[OFI] -= min(touch["bid_qty"], MOST_LOTS)
        if ask <= touch["best_ask"]:
            total[OFI] -= asks
        if ask >= touch["best_ask"]:
            total[OFI] += min(touch["ask_qty"], MOST_LOTS)
        total[CHANGES] += 1
        total[DEPTH] += bids + asks
    if bid != EMPTY_BID and ask != EMPTY_ASK:
        if happened and total[MID2] != NO_MID:
            move = min(max(bid + ask - total[MID2], -MOST_MOVE), MOST_MOVE)
            total[SQUARES] += move * move
        total[MID2] = bid + ask
    touch["best_bid"], touch["best_ask"], touch["known"] = bid, ask, 1
    touch["bid_qty"], touch["ask_qty"] = bid_qty, ask_qty


assert LONG < RING
