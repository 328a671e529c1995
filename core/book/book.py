"""A book for Python callers: applies messages, grows when a pool is full, answers questions."""

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply
from core.book.levels import find_level
from core.book.state import EMPTY_ASK, EMPTY_BID, PAGE, BookState, new_state
from core.book.view import broken_invariant, depth
from core.enums import Side
from core.errors import BookCorrupt

_INT32 = 2**31


class Book:
    """One price-time book over a `BookState`."""

    def __init__(self, slots: int, low: int = 0, high: int = 0, pages: int = 64) -> None:
        """`slots`: size of the order pool; `low`, `high`: expected prices in ticks (the grid grows)."""
        self.state: BookState = new_state(slots, low, high, pages)

    def apply(self, messages: NDArray[np.void], start: int = 0, stop: int | None = None) -> None:
        """Apply MESSAGE records `start` to `stop`."""
        end = len(messages) if stop is None else stop
        at = apply(self.state, messages, start, end)
        while at < end:
            self.grow(int(messages[at]["price"]))
            at = apply(self.state, messages, at, end)

    def grow(self, price: int) -> None:
        """Make room: more level pages, and a price grid that covers `price` (ticks)."""
        self.state = grown(self.state, price)

    @property
    def results(self) -> NDArray[np.int64]:
        """Messages by `Result`; OK is not counted."""
        return self.state.results

    @property
    def crossed(self) -> int:
        """Events after which the best bid was above the best ask."""
        return int(self.state.top[0]["crossed"])

    @property
    def locked(self) -> int:
        """Events after which the best bid equalled the best ask."""
        return int(self.state.top[0]["locked"])

    @property
    def status(self) -> int:
        """Trading status (`Status`)."""
        return int(self.state.top[0]["status"])

    @property
    def orders(self) -> int:
        """Known orders resting."""
        return int(self.state.top[0]["orders"])

    def best(self) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks, None for an empty side."""
        bid, ask = int(self.state.top[0]["best_bid"]), int(self.state.top[0]["best_ask"])
        return (None if bid == EMPTY_BID else bid, None if ask == EMPTY_ASK else ask)

    def depth(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Best `n` levels: ask price, ask qty, bid price, bid qty, shape (n,) each; qty 0 = no such level."""
        out = np.zeros((4, n), np.int64)
        depth(self.state, out)
        return out[0], out[1], out[2], out[3]

    def queue(self, side: int, price: int) -> list[tuple[int, int]]:
        """Known orders of a level in priority order: (order id, lots)."""
        level = find_level(self.state, price, 0 if side == Side.BID else 1)
        found: list[tuple[int, int]] = []
        if level >= 0 and self.state.levels[level]["count"] > 0:
            slot = int(self.state.levels[level]["head"])
            while slot >= 0:
                node = self.state.orders[slot]
                found.append((int(node["order_id"]), int(node["qty"])))
                slot = int(node["next"])
        return found

    def anonymous(self, side: int, price: int) -> int:
        """Lots without an order id at a price."""
        level = find_level(self.state, price, 0 if side == Side.BID else 1)
        return int(self.state.levels[level]["anonymous"]) if level >= 0 else 0

    def check(self) -> None:
        """Verify every invariant of the structure. Raises `BookCorrupt`."""
        broken = broken_invariant(self.state)
        if broken:
            raise BookCorrupt(broken)


def grown(state: BookState, price: int, pages_free: int = 1) -> BookState:
    """A copy with at least `pages_free` free level pages and a grid that covers `price` with room to spare."""
    old_base, old_entries = int(state.top[0]["base"]), state.directory.shape[0]
    first, last, page = old_base, old_base + old_entries - 1, price // PAGE
    if -_INT32 < price < _INT32:
        spare = 2 * old_entries
        if page < first:
            first = max(page - spare, -_INT32 // PAGE)
        if page > last:
            last = min(page + spare, _INT32 // PAGE)
    pages = state.home.shape[0]
    new_pages = pages
    while int(state.top[0]["free"]) + new_pages - pages < pages_free:
        new_pages *= 2
    fresh = new_state(0, first * PAGE, last * PAGE, new_pages)
    shift = old_base - first
    top = state.top.copy()
    top["base"] = first
    top["free"] += new_pages - pages
    fresh.directory[shift : shift + old_entries] = state.directory
    fresh.levels[: pages * 2 * PAGE] = state.levels
    fresh.bits[:pages] = state.bits
    fresh.home[:pages] = state.home + np.int32(shift)
    free = int(state.top[0]["free"])
    fresh.free_pages[: new_pages - pages] = np.arange(pages, new_pages, dtype=np.int32)[::-1]
    fresh.free_pages[new_pages - pages : new_pages - pages + free] = state.free_pages[:free]
    for page_index in np.flatnonzero(state.bits.any(axis=1)):
        entry = int(fresh.home[page_index])
        for side in (0, 1):
            if state.bits[page_index, side]:
                fresh.words[side, entry >> 6] |= np.uint64(1) << np.uint64(entry & 63)
                fresh.blocks[side, entry >> 12] |= np.uint64(1) << np.uint64((entry >> 6) & 63)
    return fresh._replace(orders=state.orders, top=top, results=state.results)


def with_slots(state: BookState, slots: int) -> BookState:
    """A copy of `state` whose order pool holds at least `slots` orders."""
    if slots <= state.orders.shape[0]:
        return state
    orders = np.zeros(slots, state.orders.dtype)
    orders[: state.orders.shape[0]] = state.orders
    return state._replace(orders=orders)
