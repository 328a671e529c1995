"""Read a book: the best levels, the quantity at prices, the invariants."""

import numpy as np
from numpy.typing import NDArray

from core.book.levels import find_level, next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.jit import kernel


@kernel
def level_qty(book: BookState, price: int, side: int) -> int:
    """Lots resting at `price` (ticks) on `side` (0 bid, 1 ask)."""
    entry = (price >> 6) - book.top[0]["base"]
    if entry < 0 or entry >= book.directory.shape[0]:
        return 0
    page = book.directory[entry] - 1
    if page < 0:
        return 0
    level = book.levels[page * 128 + side * 64 + (price & 63)]
    return level["known"] + level["anonymous"]


@kernel
def depth(book: BookState, out: NDArray[np.int64]) -> None:
    """Best levels into `out`, shape (4, n): ask price, ask qty, bid price, bid qty; zeros where there is no level."""
    n = out.shape[1]
    out[:, :] = 0
    price, i = book.top[0]["best_ask"], 0
    while i < n and price != EMPTY_ASK:
        out[0, i] = price
        out[1, i] = level_qty(book, price, 1)
        price = next_ask(book, price)
        i += 1
    price, i = book.top[0]["best_bid"], 0
    while i < n and price != EMPTY_BID:
        out[2, i] = price
        out[3, i] = level_qty(book, price, 0)
        price = next_bid(book, price)
        i += 1


@kernel
def rows_of(
    book: BookState, side: int, low: int, group: int, qty: NDArray[np.int64], orders: NDArray[np.int32]
) -> None:
    """Lots and orders resting per row of `group` ticks, from row `low` on. `side` 0 bid, 1 ask; outputs zeroed."""
    rows = qty.shape[0]
    price = book.top[0]["best_bid"] if side == 0 else book.top[0]["best_ask"]
    end = EMPTY_BID if side == 0 else EMPTY_ASK
    while price != end:
        row = price // group - low
        if (side == 0 and row < 0) or (side == 1 and row >= rows):
            break
        if 0 <= row < rows:
            level = book.levels[find_level(book, price, side)]
            qty[row] += level["known"] + level["anonymous"]
            orders[row] += level["count"]
        price = next_bid(book, price) if side == 0 else next_ask(book, price)


def broken_invariant(book: BookState) -> str:
    """Name of the first broken invariant, empty if the structure is sound. Slow: for tests and checks."""
    seen = 0
    marked = np.zeros((book.home.shape[0], 2), np.uint64)
    for level_index in range(book.levels.shape[0]):
        level = book.levels[level_index]
        page, side, tick = level_index >> 7, (level_index >> 6) & 1, level_index & 63
        known, count, before = 0, 0, -1
        slot = int(level["head"]) if level["count"] > 0 else -1
        while slot >= 0 and count <= int(level["count"]):
            node = book.orders[slot]
            if node["qty"] <= 0 or node["level"] != level_index or node["prev"] != before:
                return f"order in slot {slot} is not linked as its level {level_index} says"
            known, count, before, slot = known + int(node["qty"]), count + 1, slot, int(node["next"])
        if known != level["known"] or count != level["count"] or level["anonymous"] < 0:
            return f"level {level_index} sums do not agree with its queue"
        seen += count
        if known or level["anonymous"]:
            marked[page, side] |= np.uint64(1) << np.uint64(tick)
    if seen != book.top[0]["orders"] or seen != np.count_nonzero(book.orders["qty"]):
        return "live order count disagrees with the queues"
    if not np.array_equal(marked, book.bits):
        return "level bits disagree with the levels"
    return _broken_grid(book)


def _broken_grid(book: BookState) -> str:
    base, prices = int(book.top[0]["base"]), ([EMPTY_BID], [EMPTY_ASK])
    words, blocks = np.zeros_like(book.words), np.zeros_like(book.blocks)
    for entry in np.flatnonzero(book.directory):
        page = int(book.directory[entry]) - 1
        if book.home[page] != entry:
            return f"level page {page} does not know its place"
        for side in (0, 1):
            word = int(book.bits[page, side])
            if word:
                words[side, entry >> 6] |= np.uint64(1) << np.uint64(entry & 63)
                blocks[side, entry >> 12] |= np.uint64(1) << np.uint64((entry >> 6) & 63)
            prices[side].extend((base + int(entry)) * 64 + t for t in range(64) if word >> t & 1)
    if not (np.array_equal(words, book.words) and np.array_equal(blocks, book.blocks)):
        return "summary bitmaps disagree with the pages"
    if np.count_nonzero(book.directory) + int(book.top[0]["free"]) != book.home.shape[0]:
        return "a level page is neither used nor free"
    if book.top[0]["best_bid"] != max(prices[0]) or book.top[0]["best_ask"] != min(prices[1]):
        return "best prices disagree with the levels"
    return ""
