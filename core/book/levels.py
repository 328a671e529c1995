"""Kernels on price levels: find, open, empty, and the way to the next best price."""

import numpy as np

from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.jit import highest_bit, inlined, kernel, lowest_bit

_ONE = np.uint64(1)
_NONE = np.uint64(0)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@inlined
def _bit(n: int) -> int:
    return _ONE << np.uint64(n)


@inlined
def _below(n: int) -> int:
    """Bits 0 .. n-1."""
    return (_ONE << np.uint64(n)) - _ONE


@inlined
def _above(n: int) -> int:
    """Bits n+1 .. 63."""
    return (_ALL << np.uint64(n)) & ~(_ONE << np.uint64(n))


@inlined
def find_level(book: BookState, price: int, side: int) -> int:
    """Index of the level of `price` (ticks) on `side` (0 bid, 1 ask), -1 if its page is not open."""
    entry = (price >> 6) - book.top[0]["base"]
    if entry < 0 or entry >= book.directory.shape[0]:
        return -1
    page = book.directory[entry] - 1
    if page < 0:
        return -1
    return page * 128 + side * 64 + (price & 63)


@inlined
def open_level(book: BookState, price: int, side: int) -> int:
    """Index of the level of `price`, its page opened if need be; -1 if a pool or the grid is exhausted."""
    entry = (price >> 6) - book.top[0]["base"]
    if entry < 0 or entry >= book.directory.shape[0]:
        return -1
    page = book.directory[entry] - 1
    if page < 0:
        free = book.top[0]["free"]
        if free == 0:
            return -1
        page = np.int64(book.free_pages[free - 1])
        book.top[0]["free"] = free - 1
        book.directory[entry] = page + 1
        book.home[page] = entry
    return page * 128 + side * 64 + (price & 63)


@inlined
def mark_level(book: BookState, level: int, price: int, side: int) -> None:
    """The level got its first quantity: set its bits, move the best price."""
    page, tick = level >> 7, level & 63
    word = book.bits[page, side]
    if word == _NONE:
        entry = book.home[page]
        book.words[side, entry >> 6] |= _bit(entry & 63)
        book.blocks[side, entry >> 12] |= _bit((entry >> 6) & 63)
    book.bits[page, side] = word | _bit(tick)
    if side == 0:
        if price > book.top[0]["best_bid"]:
            book.top[0]["best_bid"] = price
    elif price < book.top[0]["best_ask"]:
        book.top[0]["best_ask"] = price


@inlined
def unmark_level(book: BookState, level: int, price: int, side: int) -> None:
    """The level lost its last quantity: clear its bits, give an empty page back, move the best price."""
    page, tick = level >> 7, level & 63
    word = book.bits[page, side] & ~_bit(tick)
    book.bits[page, side] = word
    if word == _NONE:
        entry = book.home[page]
        summary = book.words[side, entry >> 6] & ~_bit(entry & 63)
        book.words[side, entry >> 6] = summary
        if summary == _NONE:
            book.blocks[side, entry >> 12] &= ~_bit((entry >> 6) & 63)
        if book.bits[page, 1 - side] == _NONE:
            book.directory[entry] = 0
            free = book.top[0]["free"]
            book.free_pages[free] = page
            book.top[0]["free"] = free + 1
    if side == 0:
        if price == book.top[0]["best_bid"]:
            book.top[0]["best_bid"] = next_bid(book, price)
    elif price == book.top[0]["best_ask"]:
        book.top[0]["best_ask"] = next_ask(book, price)


@kernel
def _top_of_page(book: BookState, entry: int, side: int) -> int:
    """Highest (bid) or lowest (ask) price of a non-empty directory entry."""
    word = book.bits[book.directory[entry] - 1, side]
    tick = highest_bit(word) if side == 0 else lowest_bit(word)
    return (book.top[0]["base"] + entry) * 64 + tick


@kernel
def next_bid(book: BookState, price: int) -> int:
    """Highest bid strictly below `price` (ticks), EMPTY_BID if none."""
    base = book.top[0]["base"]
    entry = min((price >> 6) - base, book.directory.shape[0])
    if entry < 0:
        return EMPTY_BID
    if entry < book.directory.shape[0]:
        page = book.directory[entry] - 1
        if page >= 0:
            word = book.bits[page, 0] & _below(price & 63)
            if word != _NONE:
                return (base + entry) * 64 + highest_bit(word)
    index = entry >> 6
    if index < book.words.shape[1]:
        word = book.words[0, index] & _below(entry & 63)
        if word != _NONE:
            return _top_of_page(book, index * 64 + highest_bit(word), 0)
    block = index >> 6
    word = book.blocks[0, block] & _below(index & 63) if block < book.blocks.shape[1] else _NONE
    while word == _NONE:
        block -= 1
        if block < 0:
            return EMPTY_BID
        word = book.blocks[0, block]
    index = block * 64 + highest_bit(word)
    return _top_of_page(book, index * 64 + highest_bit(book.words[0, index]), 0)


@kernel
def next_ask(book: BookState, price: int) -> int:
    """Lowest ask strictly above `price` (ticks), EMPTY_ASK if none."""
    base = book.top[0]["base"]
    entry = (price >> 6) - base
    if entry >= book.directory.shape[0]:
        return EMPTY_ASK
    if entry < 0:
        # Below the grid: the first entry itself may hold the answer.
        if book.words[1, 0] & _ONE:
            return _top_of_page(book, 0, 1)
        entry = 0
    else:
        page = book.directory[entry] - 1
        if page >= 0:
            word = book.bits[page, 1] & _above(price & 63)
            if word != _NONE:
                return (base + entry) * 64 + lowest_bit(word)
    index = entry >> 6
    word = book.words[1, index] & _above(entry & 63)
    if word != _NONE:
        return _top_of_page(book, index * 64 + lowest_bit(word), 1)
    block = index >> 6
    word = book.blocks[1, block] & _above(index & 63)
    while word == _NONE:
        block += 1
        if block >= book.blocks.shape[1]:
            return EMPTY_ASK
        word = book.blocks[1, block]
    index = block * 64 + lowest_bit(word)
    return _top_of_page(book, index * 64 + lowest_bit(book.words[1, index]), 1)
