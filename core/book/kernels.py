"""Apply market messages to a book. One pass, no allocation, a result code for every message."""

import numpy as np
from numpy.typing import NDArray

from core.book.levels import find_level, mark_level, next_ask, next_bid, open_level, unmark_level
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import Action, Flag, Result, Side, Status
from core.jit import inlined, kernel
from core.records import MAX_QTY, NO_PRICE, NO_SLOT

# Plain ints: numba folds them, and the loop compares registers.
_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_REPLACE, _TRADE, _LEVEL = int(Action.REPLACE), int(Action.TRADE), int(Action.LEVEL)
_CLEAR, _STATUS = int(Action.CLEAR), int(Action.STATUS)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_BAD, _WIPE, _EVENT_END = int(Flag.BAD), int(Flag.WIPE), int(Flag.EVENT_END)
_OK, _FULL, _UNKNOWN, _OVERFILL = int(Result.OK), int(Result.FULL), int(Result.UNKNOWN_ORDER), int(Result.OVERFILL)
_ANONYMOUS, _DUPLICATE = int(Result.FROM_ANONYMOUS), int(Result.DUPLICATE_ORDER)
_BAD_QTY, _BAD_PRICE, _BAD_SIDE = int(Result.BAD_QTY), int(Result.BAD_PRICE), int(Result.BAD_SIDE)
_BAD_ACTION, _BAD_SLOT, _BAD_ROW = int(Result.BAD_ACTION), int(Result.BAD_SLOT), int(Result.BAD_ROW)
_LAST_STATUS = int(max(Status))


@inlined
def link(book: BookState, slot: int, order_id: int, price: int, side: int, qty: int) -> int:
    """Put an order at the tail of its level. `side` 0 bid, 1 ask. OK, or FULL with nothing changed."""
    level = open_level(book, price, side)
    if level < 0:
        return _FULL
    node, queue = book.orders[slot], book.levels[level]
    count = queue["count"]
    node["order_id"] = order_id
    node["qty"] = qty
    node["next"] = -1
    node["level"] = level
    node["price"] = price
    if count == 0:
        node["prev"] = -1
        queue["head"] = slot
        if queue["anonymous"] == 0:
            mark_level(book, level, price, side)
    else:
        tail = queue["tail"]
        node["prev"] = tail
        book.orders[tail]["next"] = slot
    queue["tail"] = slot
    queue["count"] = count + 1
    queue["known"] += qty
    book.top[0]["orders"] += 1
    return _OK


@inlined
def unlink(book: BookState, slot: int) -> None:
    """Take a live order out of its level and free its slot."""
    node = book.orders[slot]
    level = node["level"]
    queue = book.levels[level]
    before, behind = node["prev"], node["next"]
    if before >= 0:
        book.orders[before]["next"] = behind
    else:
        queue["head"] = behind
    if behind >= 0:
        book.orders[behind]["prev"] = before
    else:
        queue["tail"] = before
    queue["known"] -= node["qty"]
    count = queue["count"] - 1
    queue["count"] = count
    node["qty"] = 0
    book.top[0]["orders"] -= 1
    if count == 0 and queue["anonymous"] == 0:
        unmark_level(book, level, node["price"], (level >> 6) & 1)


@kernel
def set_level(book: BookState, price: int, side: int, qty: int, wipe: bool) -> int:
    """Set the anonymous quantity of a level; with `wipe` its known orders go first. OK or FULL."""
    level = find_level(book, price, side)
    if level < 0:
        if qty == 0:
            return _OK
        level = open_level(book, price, side)
        if level < 0:
            return _FULL
    queue = book.levels[level]
    was_empty = queue["count"] == 0 and queue["anonymous"] == 0
    if wipe and queue["count"] > 0:
        slot = queue["head"]
        while slot >= 0:
            book.orders[slot]["qty"] = 0
            slot = book.orders[slot]["next"]
        book.top[0]["orders"] -= queue["count"]
        queue["count"] = 0
        queue["known"] = 0
    queue["anonymous"] = qty
    is_empty = queue["count"] == 0 and qty == 0
    if was_empty and not is_empty:
        mark_level(book, level, price, side)
    elif is_empty and not was_empty:
        unmark_level(book, level, price, side)
    return _OK


@kernel
def take_anonymous(book: BookState, price: int, side: int, qty: int) -> int:
    """Remove quantity of an unknown order from its level's anonymous quantity."""
    if (side != _BID and side != _ASK) or price == NO_PRICE or qty < 1 or qty > MAX_QTY:
        return _UNKNOWN
    half = 0 if side == _BID else 1
    level = find_level(book, price, half)
    if level < 0 or book.levels[level]["anonymous"] == 0:
        return _UNKNOWN
    left = book.levels[level]["anonymous"] - qty
    book.levels[level]["anonymous"] = max(left, 0)
    if left <= 0 and book.levels[level]["count"] == 0:
        unmark_level(book, level, price, half)
    return _ANONYMOUS


@kernel
def clear_side(book: BookState, side: int) -> None:
    """Empty one side. `side` 0 bid, 1 ask."""
    if side == 0:
        price = book.top[0]["best_bid"]
        while price != EMPTY_BID:
            set_level(book, price, 0, 0, True)
            price = next_bid(book, price)
    else:
        price = book.top[0]["best_ask"]
        while price != EMPTY_ASK:
            set_level(book, price, 1, 0, True)
            price = next_ask(book, price)


@inlined
def remove(book: BookState, action: int, side: int, slot: int, order_id: int, qty: int, price: int) -> int:
    """CANCEL, DELETE and EXECUTE."""
    if action != _DELETE and (qty < 1 or qty > MAX_QTY):
        return _BAD_QTY
    if slot < 0 or slot >= book.orders.shape[0]:
        if slot != NO_SLOT:
            return _BAD_SLOT
        return take_anonymous(book, price, side, qty)
    node = book.orders[slot]
    left = node["qty"]
    if left == 0 or node["order_id"] != order_id:
        return take_anonymous(book, price, side, qty)
    if action == _DELETE or qty >= left:
        unlink(book, slot)
        return _OVERFILL if action != _DELETE and qty > left else _OK
    node["qty"] = left - qty
    book.levels[node["level"]]["known"] -= qty
    return _OK


@inlined
def replace(book: BookState, side: int, slot: int, order_id: int, qty: int, price: int) -> int:
    """REPLACE: same id, same price and not more quantity keeps the place in the queue, all else goes to the tail."""
    if qty < 1 or qty > MAX_QTY:
        return _BAD_QTY
    if price == NO_PRICE:
        return _BAD_PRICE
    if slot < 0 or slot >= book.orders.shape[0]:
        return _UNKNOWN if slot == NO_SLOT else _BAD_SLOT
    node = book.orders[slot]
    left = node["qty"]
    if left == 0:
        if (side == _BID or side == _ASK) and link(book, slot, order_id, price, 0 if side == _BID else 1, qty) == _FULL:
            return _FULL
        return _UNKNOWN
    level = node["level"]
    if node["order_id"] == order_id and node["price"] == price and qty <= left:
        node["qty"] = qty
        book.levels[level]["known"] -= left - qty
        return _OK
    half = (level >> 6) & 1
    # The page is opened first: when the pool is exhausted nothing may have changed yet.
    if open_level(book, price, half) < 0:
        return _FULL
    unlink(book, slot)
    return link(book, slot, order_id, price, half, qty)


@inlined
def apply_one(
    book: BookState, action: int, side: int, flags: int, slot: int, order_id: int, qty: int, price: int
) -> int:
    """Apply one message; a `Result`."""
    if flags & _BAD:
        return _BAD_ROW
    if action == _ADD:
        if side != _BID and side != _ASK:
            return _BAD_SIDE
        if qty < 1 or qty > MAX_QTY:
            return _BAD_QTY
        if price == NO_PRICE:
            return _BAD_PRICE
        if slot < 0 or slot >= book.orders.shape[0]:
            return _BAD_SLOT
        if book.orders[slot]["qty"] != 0:
            return _DUPLICATE
        return link(book, slot, order_id, price, 0 if side == _BID else 1, qty)
    if action == _DELETE or action == _EXECUTE or action == _CANCEL:
        return remove(book, action, side, slot, order_id, qty, price)
    if action == _REPLACE:
        return replace(book, side, slot, order_id, qty, price)
    return _apply_rare(book, action, side, flags, qty, price)


@kernel
def _apply_rare(book: BookState, action: int, side: int, flags: int, qty: int, price: int) -> int:
    if action == _TRADE:
        if qty < 1 or qty > MAX_QTY:
            return _BAD_QTY
        return _OK if -1 <= side <= 1 else _BAD_SIDE
    if action == _LEVEL:
        if side != _BID and side != _ASK:
            return _BAD_SIDE
        if qty < 0 or qty > MAX_QTY:
            return _BAD_QTY
        if price == NO_PRICE:
            return _BAD_PRICE
        return set_level(book, price, 0 if side == _BID else 1, qty, (flags & _WIPE) != 0)
    if action == _CLEAR:
        if side < -1 or side > 1:
            return _BAD_SIDE
        if side != _ASK:
            clear_side(book, 0)
        if side != _BID:
            clear_side(book, 1)
        return _OK
    if action == _STATUS:
        if qty < 0 or qty > _LAST_STATUS:
            return _BAD_QTY
        if qty > 0:
            book.top[0]["status"] = qty
        return _OK
    return _BAD_ACTION


@inlined
def judge(book: BookState) -> None:
    """At the end of an event: count a crossed or locked book."""
    bid, ask = book.top[0]["best_bid"], book.top[0]["best_ask"]
    if bid >= ask:
        if bid > ask:
            book.top[0]["crossed"] += 1
        else:
            book.top[0]["locked"] += 1


@kernel
def apply(book: BookState, messages: NDArray[np.void], start: int, stop: int) -> int:
    """Apply `messages[start:stop]` (MESSAGE). Returns the next index: below `stop` only when a pool is full."""
    for i in range(start, stop):
        message = messages[i]
        flags = message["flags"]
        code = apply_one(
            book,
            message["action"],
            message["side"],
            flags,
            message["slot"],
            message["order_id"],
            message["qty"],
            message["price"],
        )
        if code != _OK:
            if code == _FULL:
                return i
            book.results[code] += 1
        if flags & _EVENT_END:
            judge(book)
    return stop
