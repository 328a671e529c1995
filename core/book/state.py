"""The book as arrays.

Prices are addressed in pages of 64 ticks. `directory` maps a page of the price grid to a page of the
level pool, so that a stub quote at 199,999.99 costs one pool page and not twenty million levels, while a
look-up stays two loads. Bit words mark the non-empty levels of a page, and two summary bitmaps mark the
non-empty pages: the next best price is found by bit tricks across any gap.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.jit_states import state

#: Ticks per page; a bit word has one bit per tick.
PAGE = 64
#: `TOP.best_bid` and `TOP.best_ask` of an empty side.
EMPTY_BID = -(2**40)
EMPTY_ASK = 2**40
#: Length of `BookState.results`, with room for codes to come.
RESULTS = 16

#: One resting order (32 bytes); `qty` 0 = the slot is free.
ORDER_NODE = np.dtype(
    [
        ("order_id", "<u8"),
        ("qty", "<i8"),  # lots left
        ("next", "<i4"),  # slot behind in the queue, -1 at the tail
        ("prev", "<i4"),
        ("level", "<i4"),  # index in the level pool
        ("price", "<i4"),  # ticks
    ]
)

#: One side of one price (32 bytes). Empty levels hold zeros; head and tail count only while `count` > 0.
LEVEL_NODE = np.dtype(
    [
        ("known", "<i8"),  # lots in known orders
        ("anonymous", "<i8"),  # lots without an order id; ahead of all known orders
        ("head", "<i4"),
        ("tail", "<i4"),
        ("count", "<i4"),  # known orders
        ("pad", "<i4"),
    ]
)

#: Scalars of the book.
TOP = np.dtype(
    [
        ("base", "<i8"),  # price page of directory[0]
        ("best_bid", "<i8"),  # ticks, EMPTY_BID if none
        ("best_ask", "<i8"),
        ("orders", "<i8"),  # known orders resting
        ("free", "<i8"),  # entries in free_pages
        ("status", "<i8"),  # Status
        ("crossed", "<i8"),  # events that left best bid > best ask
        ("locked", "<i8"),  # events that left best bid = best ask
    ]
)


@state
class BookState(NamedTuple):
    """Everything a kernel needs to know about one book."""

    orders: NDArray[np.void]  #: ORDER_NODE by slot
    levels: NDArray[np.void]  #: LEVEL_NODE; page * 128 + side * 64 + tick in page; side 0 = bid
    directory: NDArray[np.int32]  #: level page + 1 by price page - base, 0 = none
    bits: NDArray[np.uint64]  #: non-empty levels, shape (pages, 2)
    home: NDArray[np.int32]  #: directory index of each level page
    free_pages: NDArray[np.int32]  #: stack of unused level pages
    words: NDArray[np.uint64]  #: non-empty directory entries, shape (2, directory / 64)
    blocks: NDArray[np.uint64]  #: non-empty entries of `words`, shape (2, directory / 4096)
    top: NDArray[np.void]  #: TOP, shape (1,)
    results: NDArray[np.int64]  #: messages by Result


def new_state(slots: int, low: int = 0, high: int = 0, pages: int = 64) -> BookState:
    """An empty book for order slots below `slots` and prices from `low` to `high` ticks.

    Untouched memory stays unmapped: a wide price range is cheap.
    """
    base = low // PAGE
    entries = max(1, high // PAGE - base + 1)
    top = np.zeros(1, TOP)
    top["base"], top["best_bid"], top["best_ask"], top["free"] = base, EMPTY_BID, EMPTY_ASK, pages
    return BookState(
        orders=np.zeros(slots, ORDER_NODE),
        levels=np.zeros(pages * 2 * PAGE, LEVEL_NODE),
        directory=np.zeros(entries, np.int32),
        bits=np.zeros((pages, 2), np.uint64),
        home=np.zeros(pages, np.int32),
        free_pages=np.arange(pages, dtype=np.int32)[::-1].copy(),
        words=np.zeros((2, entries // 64 + 1), np.uint64),
        blocks=np.zeros((2, entries // 4096 + 1), np.uint64),
        top=top,
        results=np.zeros(RESULTS, np.int64),
    )
