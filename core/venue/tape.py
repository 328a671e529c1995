"""One message of the tape where it may concern us: what it does to our queues, then the book, then the ledger."""

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply_one
from core.book.levels import find_level
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.book.view import level_qty
from core.enums import Action, Flag, Side, Trust
from core.jit import inner, merged
from core.records import MAX_QTY, NO_PRICE
from core.venue.flow import aggressor, cancelled, thinned
from core.venue.ledger import book_taken, release, unbook, unbook_anonymous, void_beyond
from core.venue.match import set_refill
from core.venue.own import close_own, find_own, fits, is_touched, open_own
from core.venue.state import Venue

_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_REPLACE, _TRADE, _LEVEL, _CLEAR = int(Action.REPLACE), int(Action.TRADE), int(Action.LEVEL), int(Action.CLEAR)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_BAD, _WIPE, _CROSS, _FULL = int(Flag.BAD), int(Flag.WIPE), int(Flag.CROSS), 11
_ANONYMOUS, _DISPLACED = int(Trust.ANONYMOUS), int(Trust.DISPLACED)
_CROSSED, _THROUGH, _NO_QUEUE = int(Trust.CROSSED), int(Trust.THROUGH), int(Trust.NO_QUEUE)


@merged
def concerns(book: BookState, venue: Venue, action: int, side: int, slot: int, order_id: int, price: int) -> bool:
    """Whether a message may touch an order or a level of ours. No false negatives.

    A new order that trades with none of ours stands behind them all: its stamp is all that it needs. The branches on
    the action are those that the book's own kernel takes next, so they cost nothing; on side and place there are none,
    for those are as good as random.
    """
    slots, half = book.orders.shape[0], np.int64(side < 0)
    if action == _ADD:
        if 0 <= slot < slots:
            free = book.orders[slot]["qty"] == 0
            venue.stamps[slot if free else slots] = np.int32(venue.top[0]["joined"])
        best = venue.top[0]["own_ask"] if half == 0 else venue.top[0]["own_bid"]
        return bool((best - price) * (1 - 2 * half) <= 0)
    if action == _TRADE or action > _LEVEL:
        return True
    old = price
    if action < _TRADE and 0 <= slot < slots:
        node = book.orders[slot]
        if (node["qty"] > 0) & ((node["order_id"] == order_id) | (action == _REPLACE)):
            old, half = np.int64(node["price"]), (np.int64(node["level"]) >> 6) & 1
    near = is_touched(venue, half, old)
    if action == _CANCEL or action == _DELETE or action == _EXECUTE:
        # An execution passes over those orders of its own side that stand better.
        best = venue.top[0]["own_bid"] if half == 0 else venue.top[0]["own_ask"]
        return bool(near | ((action == _EXECUTE) & ((best - old) * (1 - 2 * half) >= 0)))
    best = venue.top[0]["own_ask"] if half == 0 else venue.top[0]["own_bid"]
    return bool(near | is_touched(venue, half, price) | ((best - price) * (1 - 2 * half) <= 0))


@inner
def _apply(book: BookState, action: int, side: int, flags: int, slot: int, order_id: int, qty: int, price: int) -> int:
    """One copy of the book's kernel for all the cases below: merged into each it would compile five times."""
    return apply_one(book, action, side, flags, slot, order_id, qty, price)


@inner
def apply_beside(book: BookState, venue: Venue, messages: NDArray[np.void], i: int) -> int:
    """Apply message `i` to the book, and let it act on our orders and the ledger. Returns its `Result`."""
    message = messages[i]
    action, side, flags, slot = message["action"], message["side"], message["flags"], np.int64(message["slot"])
    order_id, qty, price, ts = message["order_id"], message["qty"], np.int64(message["price"]), message["ts_event"]
    if flags & _BAD == 0:
        if action == _EXECUTE or action == _CANCEL or action == _DELETE:
            return _leave(book, venue, action, side, flags, slot, order_id, qty, price, ts)
        if action == _ADD or action == _REPLACE:
            return _come(book, venue, action, side, flags, slot, order_id, qty, price, ts)
        if action == _LEVEL and 0 <= qty <= MAX_QTY and side != 0 and price != NO_PRICE:
            return _level(book, venue, side, flags, slot, order_id, qty, price, ts)
        if action == _TRADE:
            _print(book, venue, side, flags, slot, qty, price, ts)
        elif action == _CLEAR:
            for node in range(venue.levels.shape[0]):
                if venue.levels[node]["used"] != 0:
                    release(book, venue, node)
                    close_own(venue, node)
    return _apply(book, action, side, flags, slot, order_id, qty, price)


@inner
def _leave(
    book: BookState,
    venue: Venue,
    action: int,
    side: int,
    flags: int,
    slot: int,
    order_id: int,
    qty: int,
    price: int,
    ts: int,
) -> int:
    """EXECUTE, CANCEL and DELETE."""
    half = 0 if side == _BID else 1
    known = (
        0 <= slot < book.orders.shape[0] and book.orders[slot]["qty"] > 0 and book.orders[slot]["order_id"] == order_id
    )
    impossible = action != _DELETE and (qty < 1 or qty > MAX_QTY)
    if impossible or (not known and side == 0):  # the book refuses it
        return _apply(book, action, side, flags, slot, order_id, qty, price)
    if known:
        left = book.orders[slot]["qty"]
        gone = left if action == _DELETE else min(qty, left)
        price, half = np.int64(book.orders[slot]["price"]), (np.int64(book.orders[slot]["level"]) >> 6) & 1
        left -= gone
    else:
        level = find_level(book, price, half)
        before = book.levels[level]["anonymous"] if level >= 0 else 0
        gone = min(qty, before)
        left = before - gone
    if action == _EXECUTE:
        return _trade(book, venue, side, flags, slot, order_id, qty, price, ts, half, known, gone, left)
    node = find_own(venue, half, price)
    void = void_beyond(venue, node, slot, known, left)
    code = _apply(book, action, side, flags, slot, order_id, qty, price)
    if node >= 0:
        if void > 0:
            venue.top[0]["returned_lots"] += void
            venue.top[0]["orphan_messages"] += 1
        if venue.levels[node]["count"] > 0 and gone > void:
            if known:
                cancelled(venue, node, venue.stamps[slot], gone - void)
            else:
                thinned(venue, node, level_qty(book, price, half) + gone, level_qty(book, price, half))
        _tidy(book, venue, node)
    return code


@inner
def _trade(
    book: BookState, venue: Venue, side: int, flags: int, slot: int, order_id: int, qty: int, price: int, ts: int,
    half: int, known: bool, gone: int, left: int,
) -> int:  # fmt: skip
    """An execution of the tape: our orders before and at its place first, then what we have displaced."""
    trust = 0 if known else _ANONYMOUS
    if venue.rules[0]["rung"] < 2:
        trust |= _NO_QUEUE
    node = find_own(venue, half, price)
    if node >= 0:
        level = venue.levels[node]
        if level["taken"] != 0 or level["taken_anonymous"] != 0 or level["surplus"] != 0:
            trust |= _DISPLACED
    absorbed = aggressor(book, venue, half, price, gone, gone, gone, ts, trust, gone)
    void = void_beyond(venue, find_own(venue, half, price), slot, known, left)
    code = _apply(book, _EXECUTE, side, flags, slot, order_id, qty, price)
    if venue.rules[0]["rung"] < 3:
        return code
    if absorbed > void:
        node = open_own(venue, half, price)
        if node >= 0:
            venue.levels[node]["surplus"] += absorbed - void
    elif void > absorbed:
        # The aggressor wanted lots that we took: it goes on to the next order of the level.
        lost = book_taken(book, venue, half, price, void - absorbed)
        if lost > 0:
            venue.top[0]["orphan_lots"] += lost
            venue.top[0]["orphan_messages"] += 1
    _tidy(book, venue, find_own(venue, half, price))
    return code


@inner
def _tidy(book: BookState, venue: Venue, node: int) -> None:
    """A level that is empty on the tape owes us nothing; one without anything of ours is given back."""
    if node < 0:
        return
    level = venue.levels[node]
    owes = (level["surplus"] != 0) | (level["credit"] != 0) | (level["taken_anonymous"] != 0)
    if owes and level_qty(book, np.int64(level["price"]), np.int64(level["half"])) == 0:
        if level["surplus"] != 0:  # with it goes whatever of it stood before us
            slot = np.int64(level["head"])
            while slot >= 0:
                order = venue.orders[slot]
                order["by_cancels"] += order["ahead"]
                order["ahead"] = 0
                order["low_ahead"] = 0
                order["high_ahead"] = 0
                slot = np.int64(order["next"])
        level["surplus"] = 0
        level["credit"] = 0
        level["taken_anonymous"] = 0
    close_own(venue, node)


@inner
def _come(
    book: BookState,
    venue: Venue,
    action: int,
    side: int,
    flags: int,
    slot: int,
    order_id: int,
    qty: int,
    price: int,
    ts: int,
) -> int:
    """ADD and REPLACE: what leaves its old place, what trades with us on its way, what comes to rest."""
    if 1 <= qty <= MAX_QTY and price != NO_PRICE and not fits(book, price):
        return _FULL
    known = 0 <= slot < book.orders.shape[0]
    live = known and book.orders[slot]["qty"] > 0
    moved = known and (action == _REPLACE or not live)  # nobody else can come to a slot that is taken
    if action == _REPLACE and live and 1 <= qty <= MAX_QTY and price != NO_PRICE:
        half, old = (np.int64(book.orders[slot]["level"]) >> 6) & 1, np.int64(book.orders[slot]["price"])
        left = book.orders[slot]["qty"]
        moved = not (book.orders[slot]["order_id"] == order_id and old == price and qty <= left)
        node, gone = find_own(venue, half, old), left if moved else left - qty
        side = _BID if half == 0 else _ASK
        if node >= 0:
            void = unbook(venue, node, slot, left - gone)
            venue.top[0]["returned_lots"] += void
            if gone > void:
                cancelled(venue, node, venue.stamps[slot], gone - void)
    else:
        half, old = 0 if side == _BID else 1, price
    absorbed = 0
    if moved and 1 <= qty <= MAX_QTY and price != NO_PRICE and (side == _BID or side == _ASK):
        absorbed = _across(book, venue, half, price, qty, ts)
    code = _apply(book, action, side, flags, slot, order_id, qty, price)
    if code == _FULL:
        return code
    resting = moved and book.orders[slot]["qty"] > 0 and (code == 0 or not live)
    if resting:
        venue.stamps[slot] = np.int32(venue.top[0]["joined"])
    if absorbed > 0 and resting and venue.rules[0]["rung"] >= 3:
        node = open_own(venue, half, price)
        if node >= 0:
            part = min(absorbed, book.orders[slot]["qty"])
            venue.taken[slot] += part
            venue.levels[node]["taken"] += part
            set_refill(venue, half, price, ts)
    if old != price:
        _tidy(book, venue, find_own(venue, half, old))
    return code


@inner
def _across(book: BookState, venue: Venue, half: int, price: int, qty: int, ts: int) -> int:
    """A new order of the tape on side `half` that our resting orders stand across: it trades with us first."""
    other = 1 - half
    own = venue.top[0]["own_bid"] if other == 0 else venue.top[0]["own_ask"]
    if own == EMPTY_BID or own == EMPTY_ASK or (own < price if other == 0 else own > price):
        return 0
    if venue.rules[0]["queue"] == 0:  # it came to rest in truth: that it would have traded is not proven
        return 0
    return aggressor(book, venue, other, price, 0, qty, qty, ts, _CROSSED, qty)


@inner
def _level(
    book: BookState, venue: Venue, side: int, flags: int, slot: int, order_id: int, qty: int, price: int, ts: int
) -> int:
    """LEVEL: the quantity without order ids at a price is now `qty`."""
    if qty > 0 and not fits(book, price):
        return _FULL
    half = 0 if side == _BID else 1
    level = find_level(book, price, half)
    before = book.levels[level]["anonymous"] if level >= 0 else 0
    node = find_own(venue, half, price)
    if flags & _WIPE and node >= 0:
        release(book, venue, node)
    absorbed = 0
    if qty > before:
        absorbed = _across(book, venue, half, price, qty - before, ts)
    code = _apply(book, _LEVEL, side, flags, slot, order_id, qty, price)
    if code == _FULL:
        return code
    node = find_own(venue, half, price)
    if node >= 0:
        void = unbook_anonymous(venue, node, qty)
        venue.top[0]["returned_lots"] += void
        # In a windowed tape a level that leaves the window says nothing about the queue at it.
        if venue.rules[0]["levels"] != 0 and qty < before and venue.levels[node]["count"] > 0:
            thinned(venue, node, before, qty)
    if absorbed > 0 and venue.rules[0]["rung"] >= 3:
        node = open_own(venue, half, price)
        if node >= 0:
            venue.levels[node]["taken_anonymous"] += min(absorbed, qty - venue.levels[node]["taken_anonymous"])
            set_refill(venue, half, price, ts)
    _tidy(book, venue, find_own(venue, half, price))
    return code


@inner
def _print(book: BookState, venue: Venue, side: int, flags: int, fraction: int, qty: int, price: int, ts: int) -> None:
    """A TRADE. On a level-2 tape it is the aggressor; elsewhere a hidden or crossing print that may pass our price."""
    if qty < 1 or qty > MAX_QTY or price == NO_PRICE:
        return
    displayed = venue.rules[0]["levels"] != 0 and flags & _CROSS == 0 and side != 0
    for half in range(2):
        if side != 0 and half != (0 if side < 0 else 1):
            continue
        # Between two ticks: for a bid of ours the print is above its floor, for an ask below the next tick.
        at = price if half == 0 or fraction <= 0 else price + 1
        if half == 0 and fraction > 0:
            at = price
        exact = fraction <= 0
        if displayed and exact:
            aggressor(book, venue, half, at, qty, qty, qty, ts, _ANONYMOUS, qty)
            node = find_own(venue, half, at)
            if node >= 0 and venue.levels[node]["count"] > 0:
                venue.levels[node]["credit"] += qty
        else:
            reach = qty if exact and flags & _CROSS == 0 else 0
            aggressor(book, venue, half, at, 0, 0, reach, ts, _THROUGH, qty)
