"""The ledger of displaced liquidity: what we took is gone, what we absorbed is still there.

The tape goes on showing lots that we took. They are booked per order (`taken`) and per level, the market
that our orders meet is the tape's less the ledger, and a later message that acts on booked lots acts on
the next order in the queue instead, so that nothing is consumed twice.
"""

import numpy as np

from core.book.levels import find_level, next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.book.view import level_qty
from core.jit import inner, kernel
from core.venue.own import close_own, find_own, is_touched, open_own
from core.venue.state import Venue


@inner
def market_qty(book: BookState, venue: Venue, price: int, half: int) -> int:
    """Lots of others that are really there at a price of the tape."""
    qty = level_qty(book, price, half)
    if venue.top[0]["watch"] > 0 and is_touched(venue, half, price):
        node = find_own(venue, half, price)
        if node >= 0:
            level = venue.levels[node]
            qty += level["surplus"] - level["taken"] - level["taken_anonymous"]
    return max(qty, 0)


@kernel
def market_best(book: BookState, venue: Venue, half: int) -> int:
    """Best price of the tape at which others are really there."""
    price = book.top[0]["best_bid"] if half == 0 else book.top[0]["best_ask"]
    if venue.top[0]["watch"] == 0:
        return price
    end = EMPTY_BID if half == 0 else EMPTY_ASK
    while price != end and is_touched(venue, half, price) and market_qty(book, venue, price, half) == 0:
        price = next_bid(book, price) if half == 0 else next_ask(book, price)
    return price


@inner
def next_market(book: BookState, half: int, price: int) -> int:
    """The tape's next price behind `price`."""
    return next_bid(book, price) if half == 0 else next_ask(book, price)


@inner
def book_taken(book: BookState, venue: Venue, half: int, price: int, qty: int) -> int:
    """Book lots as gone, in the order of the queue. Returns the lots for which nothing was left.

    First what is there only because we absorbed its aggressor, then the anonymous lots, then the orders.
    """
    node = open_own(venue, half, price)
    if node < 0:
        return qty
    level = venue.levels[node]
    part = min(qty, level["surplus"])
    level["surplus"] -= part
    qty -= part
    found = find_level(book, price, half)
    if found >= 0 and qty > 0:
        part = min(qty, book.levels[found]["anonymous"] - level["taken_anonymous"])
        if part > 0:
            level["taken_anonymous"] += part
            qty -= part
        if book.levels[found]["count"] > 0:
            slot = np.int64(book.levels[found]["head"])
            while slot >= 0 and qty > 0:
                part = min(qty, book.orders[slot]["qty"] - venue.taken[slot])
                if part > 0:
                    venue.taken[slot] += part
                    level["taken"] += part
                    qty -= part
                slot = np.int64(book.orders[slot]["next"])
    close_own(venue, node)
    return qty


@inner
def unbook(venue: Venue, node: int, slot: int, left: int) -> int:
    """The tape's order keeps only `left` lots: what we had booked beyond that is void. Returns those lots."""
    booked = venue.taken[slot]
    void = booked - min(booked, left)
    if void > 0:
        venue.taken[slot] = booked - void
        venue.levels[node]["taken"] -= void
    return void


@inner
def unbook_anonymous(venue: Venue, node: int, left: int) -> int:
    """The same for a level's anonymous lots."""
    level = venue.levels[node]
    booked = level["taken_anonymous"]
    void = booked - min(booked, left)
    level["taken_anonymous"] = booked - void
    return void


@inner
def void_beyond(venue: Venue, node: int, slot: int, known: bool, left: int) -> int:
    """An order, or the anonymous part of our level `node`, keeps `left` lots. Returns the booked lots that are void."""
    if node < 0 or venue.rules[0]["rung"] < 3:
        return 0
    return unbook(venue, node, slot, left) if known else unbook_anonymous(venue, node, left)


@inner
def release(book: BookState, venue: Venue, node: int) -> int:
    """The market has refilled a level: nothing is booked there any more. Returns the lots that came back."""
    level = venue.levels[node]
    back = level["taken"] + level["taken_anonymous"]
    found = find_level(book, level["price"], level["half"])
    if level["taken"] > 0 and found >= 0 and book.levels[found]["count"] > 0:
        slot = np.int64(book.levels[found]["head"])
        while slot >= 0:
            venue.taken[slot] = 0
            slot = np.int64(book.orders[slot]["next"])
    level["taken"] = 0
    level["taken_anonymous"] = 0
    level["surplus"] = 0
    venue.top[0]["returned_lots"] += back
    return back
