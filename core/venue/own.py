"""Our side of the queues: the levels where we rest or have taken, and our orders at them."""

import numpy as np

from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import OrderStatus
from core.jit import inner, merged
from core.venue.state import Venue

_ONE = np.uint64(1)
_NONE = np.uint64(0)
_WORKING = int(OrderStatus.WORKING)


@merged
def is_touched(venue: Venue, half: int, price: int) -> bool:
    """Whether we may rest, or have taken, at a price of the tape. No false negatives."""
    return (venue.touched[half, (price >> 6) & 63] >> np.uint64(price & 63)) & _ONE != _NONE


@inner
def fits(book: BookState, price: int) -> bool:
    """Whether the book can hold a level at a price. If not the message is applied again, once the book has grown."""
    entry = (price >> 6) - book.top[0]["base"]
    if entry < 0 or entry >= book.directory.shape[0]:
        return False
    return book.directory[entry] != 0 or book.top[0]["free"] > 0


@inner
def find_own(venue: Venue, half: int, price: int) -> int:
    """Our level at a price, -1 if there is none."""
    node = venue.buckets[half, price & 4095] - 1
    while node >= 0:
        if venue.levels[node]["price"] == price:
            return node
        node = venue.levels[node]["next"] - 1
    return node


@merged
def open_own(venue: Venue, half: int, price: int) -> int:
    """Our level at a price, made if need be; -1 when the pool is exhausted."""
    node = find_own(venue, half, price)
    if node >= 0:
        return node
    free = venue.top[0]["free_levels"]
    if free == 0:
        return -1
    node = np.int64(venue.free_levels[free - 1])
    venue.top[0]["free_levels"] = free - 1
    level, bucket = venue.levels[node], price & 4095
    level["price"] = price
    level["taken"] = 0
    level["taken_anonymous"] = 0
    level["surplus"] = 0
    level["credit"] = 0
    level["ts_back"] = 0
    level["mine"] = 0
    level["head"] = -1
    level["tail"] = -1
    level["count"] = 0
    level["half"] = half
    level["used"] = 1
    level["next"] = venue.buckets[half, bucket]
    venue.buckets[half, bucket] = node + 1
    venue.touched[half, bucket >> 6] |= _ONE << np.uint64(bucket & 63)
    venue.top[0]["watch"] += 1
    return node


@inner
def close_own(venue: Venue, node: int) -> None:
    """Give a level of ours back if nothing is left there."""
    level = venue.levels[node]
    if level["count"] > 0 or level["taken"] != 0 or level["taken_anonymous"] != 0 or level["surplus"] != 0:
        return
    half, bucket = level["half"], level["price"] & 4095
    before = -1
    at = venue.buckets[half, bucket] - 1
    while at != node:
        before = at
        at = venue.levels[at]["next"] - 1
    if before < 0:
        venue.buckets[half, bucket] = level["next"]
        if level["next"] == 0:
            venue.touched[half, bucket >> 6] &= ~(_ONE << np.uint64(bucket & 63))
    else:
        venue.levels[before]["next"] = level["next"]
    level["used"] = 0
    free = venue.top[0]["free_levels"]
    venue.free_levels[free] = node
    venue.top[0]["free_levels"] = free + 1
    venue.top[0]["watch"] -= 1


@inner
def find_best(venue: Venue, half: int) -> None:
    """Set the best price at which we rest on a side."""
    best = EMPTY_BID if half == 0 else EMPTY_ASK
    left = venue.levels.shape[0] - venue.top[0]["free_levels"]
    node = 0
    while left > 0:
        level = venue.levels[node]
        if level["used"] != 0:
            left -= 1
            if level["half"] == half and level["count"] > 0:
                price = level["price"]
                if (half == 0 and price > best) or (half == 1 and price < best):
                    best = price
        node += 1
    if half == 0:
        venue.top[0]["own_bid"] = best
    else:
        venue.top[0]["own_ask"] = best


@inner
def join(venue: Venue, slot: int, price: int, ahead: int) -> bool:
    """Our order joins the tail of a level (tape ticks), `ahead` lots of the market before it."""
    order = venue.orders[slot]
    half = 0 if order["side"] > 0 else 1
    node = open_own(venue, half, price)
    if node < 0:
        return False
    level = venue.levels[node]
    venue.top[0]["joined"] += 1
    order["joined"] = venue.top[0]["joined"]
    order["node"] = node
    order["next"] = -1
    order["prev"] = level["tail"]
    order["ahead"] = ahead
    order["ahead_entry"] = ahead
    order["low_ahead"] = ahead
    order["high_ahead"] = ahead
    if level["count"] == 0:
        level["head"] = slot
        if half == 0:
            venue.top[0]["own_bid"] = max(venue.top[0]["own_bid"], price)
        else:
            venue.top[0]["own_ask"] = min(venue.top[0]["own_ask"], price)
    else:
        venue.orders[level["tail"]]["next"] = slot
    level["tail"] = slot
    level["count"] += 1
    level["mine"] += order["shown"]
    return True


@inner
def leave(venue: Venue, slot: int) -> None:
    """Our order leaves its level; its own fields stay as they are."""
    order = venue.orders[slot]
    node = np.int64(order["node"])
    if node < 0:
        return
    level = venue.levels[node]
    before, behind = order["prev"], order["next"]
    if before >= 0:
        venue.orders[before]["next"] = behind
    else:
        level["head"] = behind
    if behind >= 0:
        venue.orders[behind]["prev"] = before
    else:
        level["tail"] = before
    level["count"] -= 1
    level["mine"] -= order["shown"]
    order["node"] = -1
    if level["count"] == 0:
        half, price = level["half"], level["price"]
        close_own(venue, node)
        if price == (venue.top[0]["own_bid"] if half == 0 else venue.top[0]["own_ask"]):
            find_best(venue, half)
