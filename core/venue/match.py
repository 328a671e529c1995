"""Our orders against what is there: taking, resting, and being hit."""

import numpy as np

from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import EventKind, OrderStatus, Reason, Status, Trust
from core.jit import inner, merged
from core.venue.impact import add_flow, flow_now, lots_at_this_shift, lots_within, shift_at, shift_of_next
from core.venue.ledger import book_taken, market_best, market_qty, next_market
from core.venue.own import find_own, join, leave
from core.venue.reports import event, fill, finish, note
from core.venue.state import SWEEP, Venue

_SELF, _NONE, _POOL_FULL = int(Reason.SELF_MATCH), int(Reason.NONE), int(Reason.POOL_FULL)
_CANCELED_EVENT, _REJECT_EVENT, _EXPIRED_EVENT = int(EventKind.CANCELED), int(EventKind.REJECT), int(EventKind.EXPIRED)
_CANCELED, _WORKING = int(OrderStatus.CANCELED), int(OrderStatus.WORKING)
_REJECTED, _EXPIRED = int(OrderStatus.REJECTED), int(OrderStatus.EXPIRED)
_OPEN, _SILENT = int(Status.TRADING), int(Status.NONE)
_NO_QUEUE, _DISPLACED, _REACTIVE = int(Trust.NO_QUEUE), int(Trust.DISPLACED), int(Trust.REACTIVE)


@merged
def within(side: int, price: int, worst: int) -> bool:
    """Whether a price is no worse than `worst` for an order of `side`."""
    return price <= worst if side > 0 else price >= worst


@inner
def takeable(book: BookState, venue: Venue, side: int, worst: int, qty: int) -> int:
    """Lots of others within reach, up to `qty`. `worst` in our ticks."""
    half = 1 if side > 0 else 0
    end = EMPTY_ASK if half == 1 else EMPTY_BID
    shift, found = venue.top[0]["shift"], 0
    price = market_best(book, venue, half)
    reacts = venue.rules[0]["rung"] >= 5 and qty > 1
    flow = flow_now(venue) if reacts else 0.0
    while price != end and found < qty and (reacts or within(side, price + shift, worst)):
        there = market_qty(book, venue, price, half)
        if reacts:  # the market goes on moving away while we take
            lots = lots_within(venue, flow + side * found, side, price, worst, min(there, qty - found))
            found += lots
            if lots < there:
                break
        else:
            found += there
        price = next_market(book, half, price)
    return min(found, qty)


@inner
def own_in_the_way(venue: Venue, half: int, price: int) -> int:
    """Our resting order that stands before or at a price of the tape on a side, -1 if none."""
    best = venue.top[0]["own_ask"] if half == 1 else venue.top[0]["own_bid"]
    if (half == 1 and best > price) or (half == 0 and best < price):
        return -1
    node = find_own(venue, half, best)
    return np.int64(venue.levels[node]["head"]) if node >= 0 else -1


@inner
def take(book: BookState, venue: Venue, slot: int, ts: int, worst: int) -> int:
    """Trade an order against the market down to `worst` (our ticks). Returns a `Reason` when it must stop."""
    top, rules, order = venue.top[0], venue.rules[0], venue.orders[slot]
    side = np.int64(order["side"])
    half = 1 if side > 0 else 0
    end = EMPTY_ASK if half == 1 else EMPTY_BID
    price, swept = market_best(book, venue, half), 0
    while order["leaves"] > 0:
        inside = price != end and within(side, price + top["shift"], worst)
        reach = price if inside else worst - top["shift"]
        mine = own_in_the_way(venue, half, reach)
        if mine >= 0:
            if rules["self_match"] != 0:
                close(venue, mine, ts, _CANCELED, _SELF)
            if rules["self_match"] != 1:
                return _SELF
            continue
        if not inside:
            break
        if rules["rung"] >= 5:
            next_shift = shift_of_next(venue, flow_now(venue), side)
            if next_shift != top["shift"]:  # a market that we moved steps back before it takes our lots again
                move_to(book, venue, ts, next_shift)
                price = market_best(book, venue, half)
                continue
        there = market_qty(book, venue, price, half)
        if there > 0:
            if swept == SWEEP or (rules["rung"] >= 3 and top["free_levels"] == 0):
                return _POOL_FULL
            swept += 1
            lots = min(order["leaves"], there)
            trust = _NO_QUEUE if rules["rung"] < 2 else 0
            if rules["rung"] >= 5:
                lots = lots_at_this_shift(venue, side, lots)
                if top["shift"] != 0:
                    trust |= _REACTIVE
            if find_own(venue, half, price) >= 0:
                trust |= _DISPLACED
            fill(book, venue, slot, ts, price + top["shift"], lots, 0, trust)
            if rules["rung"] >= 3:
                top["taken_lots"] += lots
                book_taken(book, venue, half, price, lots)
                set_refill(venue, half, price, ts)
            if rules["rung"] >= 5:
                add_flow(venue, side, lots, ts)
                moved = shift_at(venue, flow_now(venue))
                if moved != top["shift"]:
                    move_to(book, venue, ts, moved)
        price = market_best(book, venue, half) if rules["rung"] >= 3 else next_market(book, half, price)
    return _NONE


@inner
def set_refill(venue: Venue, half: int, price: int, ts: int) -> None:
    """On the reactive rung what we took comes back after a drawn time."""
    rules = venue.rules[0]
    if rules["rung"] < 5 or rules["refill"] <= 0:
        return
    node = find_own(venue, half, price)
    if node >= 0:
        draw = venue.refills[((ts >> 10 & 0x7FFFFFFF) * 40_503 & 0x7FFFFFFF) % venue.refills.shape[0]]
        step = rules["impact_step"]
        back = ((ts + rules["refill"] * draw // 1000) // step + 1) * step
        venue.levels[node]["ts_back"] = back
        if venue.top[0]["ts_decay"] > back:
            venue.top[0]["ts_decay"] = (ts // step + 1) * step
            venue.top[0]["next_due"] = min(venue.top[0]["next_due"], venue.top[0]["ts_decay"])


@inner
def close(venue: Venue, slot: int, ts: int, status: int, reason: int) -> None:
    """End a live order at the venue (cancelled, rejected or expired), and tell us."""
    order = venue.orders[slot]
    kind = _CANCELED_EVENT
    if status == _REJECTED:
        kind = _REJECT_EVENT
    elif status == _EXPIRED:
        kind = _EXPIRED_EVENT
    event(venue, slot, ts, kind, reason, order["leaves"], order["price"], order["filled"])
    finish(venue, slot, ts, status, reason)
    note(venue, slot, ts, kind, reason, order["leaves"], order["price"], 0, 0)


@merged
def rest(book: BookState, venue: Venue, slot: int, ts: int) -> bool:
    """Put an order's visible slice at the tail of its level. False when no level is free."""
    order = venue.orders[slot]
    price = order["resting"] - venue.top[0]["shift"]
    half = 0 if order["side"] > 0 else 1
    ahead = market_qty(book, venue, price, half) if venue.rules[0]["rung"] >= 2 else 0
    order["shown"] = min(order["display"], order["leaves"]) if order["display"] > 0 else order["leaves"]
    order["status"] = _WORKING
    return join(venue, slot, price, ahead)


@inner
def hit(book: BookState, venue: Venue, slot: int, ts: int, qty: int, trust: int) -> None:
    """An aggressor of the market trades against our resting order."""
    top, order = venue.top[0], venue.orders[slot]
    order["shown"] -= qty
    venue.levels[order["node"]]["mine"] -= qty
    if top["shift"] != 0:
        trust |= _REACTIVE
    fill(book, venue, slot, ts, order["resting"], qty, 1, trust)
    top["absorbed_lots"] += qty
    if order["leaves"] > 0 and order["shown"] == 0:
        leave(venue, slot)  # the next slice of an iceberg starts at the tail
        rest(book, venue, slot, ts)


@inner
def move_market(book: BookState, venue: Venue, ts: int) -> None:
    """The displacement is what our flow makes it now; where that is the same, our orders keep their place."""
    shift = shift_at(venue, flow_now(venue))
    if shift != venue.top[0]["shift"]:
        move_to(book, venue, ts, shift)


@inner
def move_to(book: BookState, venue: Venue, ts: int, shift: int) -> None:
    """The displacement is now `shift` ticks: our resting orders meet the shifted market.

    They join the tail of the level they now stand at; those that the market moved across trade with it.
    """
    top = venue.top[0]
    top["shift"] = shift
    for slot in range(venue.orders.shape[0]):
        order = venue.orders[slot]
        if order["status"] == _WORKING and order["node"] >= 0:
            leave(venue, slot)
            if not rest(book, venue, slot, ts):
                top["drain"] = 1
    meet(book, venue, ts)


@inner
def meet(book: BookState, venue: Venue, ts: int) -> None:
    """Trade our resting orders with quotes of the market that stand across them, while the venue trades."""
    status = book.top[0]["status"]
    if status != _OPEN and status != _SILENT:
        return
    for half in range(2):
        side = 1 if half == 0 else -1
        while True:
            own = venue.top[0]["own_bid"] if half == 0 else venue.top[0]["own_ask"]
            other = market_best(book, venue, 1 - half)
            if own == EMPTY_BID or own == EMPTY_ASK or other == EMPTY_BID or other == EMPTY_ASK:
                break
            if not within(side, other, own):
                break
            slot = np.int64(venue.levels[find_own(venue, half, own)]["head"])
            lots = min(venue.orders[slot]["shown"], market_qty(book, venue, other, 1 - half))
            hit(book, venue, slot, ts, lots, _DISPLACED)
            book_taken(book, venue, 1 - half, other, lots)
            set_refill(venue, 1 - half, other, ts)
