"""Requests that reach the venue: new orders, cancels, replaces; pegs and stops; and the end of the session."""

import numpy as np

from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import EventKind, OrderFlag, OrderStatus, OrderType, Reason, Status, TimeInForce, Trust
from core.jit import inlined, inner, kernel, merged
from core.records import NO_PRICE
from core.venue.ledger import market_best
from core.venue.match import close, rest, take, takeable, within
from core.venue.own import leave
from core.venue.reports import event, fill, note
from core.venue.state import Venue

_LIMIT, _MARKET, _STOP = int(OrderType.LIMIT), int(OrderType.MARKET), int(OrderType.STOP)
_STOP_LIMIT, _PEG_TOUCH, _PEG_MID = int(OrderType.STOP_LIMIT), int(OrderType.PEG_TOUCH), int(OrderType.PEG_MID)
_DAY, _IOC, _FOK = int(TimeInForce.DAY), int(TimeInForce.IOC), int(TimeInForce.FOK)
_POST_ONLY, _TRIGGERED = int(OrderFlag.POST_ONLY), int(OrderFlag.TRIGGERED)
_SENT, _WORKING, _WAITING = int(OrderStatus.SENT), int(OrderStatus.WORKING), int(OrderStatus.WAITING)
_CANCELED, _REJECTED, _EXPIRED = int(OrderStatus.CANCELED), int(OrderStatus.REJECTED), int(OrderStatus.EXPIRED)
_ACK, _REPLACED, _TRIGGER = int(EventKind.ACK), int(EventKind.REPLACED), int(EventKind.TRIGGERED)
_REPRICED, _CANCEL_REJECT = int(EventKind.REPRICED), int(EventKind.CANCEL_REJECT)
_NONE, _UNKNOWN, _WOULD_TAKE = int(Reason.NONE), int(Reason.UNKNOWN_ORDER), int(Reason.WOULD_TAKE)
_NOT_ENOUGH, _NO_MARKET, _NOT_TRADING = int(Reason.NOT_ENOUGH), int(Reason.NO_MARKET), int(Reason.NOT_TRADING)
_REQUESTED, _SESSION_END, _BAD_QTY = int(Reason.REQUESTED), int(Reason.SESSION_END), int(Reason.BAD_QTY)
_IMMEDIATE, _POOL_FULL = int(Reason.IMMEDIATE), int(Reason.POOL_FULL)
_QUOTING, _AUCTION = int(Status.QUOTING), int(Status.AUCTION)
_NO_QUEUE = int(Trust.NO_QUEUE)
_CLOSED = (int(Status.PRE_OPEN), int(Status.HALTED), int(Status.CLOSED))


@merged
def is_live(order_status: int) -> bool:
    """Whether an order is alive at the venue."""
    return order_status == _WORKING or order_status == _WAITING


@inlined
def is_closed(status: int) -> bool:
    """Whether the venue takes no orders."""
    return status == _CLOSED[0] or status == _CLOSED[1] or status == _CLOSED[2]


@inlined
def is_trading(status: int) -> bool:
    """Whether orders trade as they meet."""
    return not is_closed(status) and status != _QUOTING and status != _AUCTION


@inner
def arrive(book: BookState, venue: Venue, slot: int, ts: int) -> None:
    """A new order reaches the venue."""
    order, status = venue.orders[slot], book.top[0]["status"]
    order["ts_arrived"] = ts
    venue.top[0]["working"] += 1
    order["status"] = _WORKING
    order["node"] = -1
    kind = order["type"]
    if kind == _PEG_TOUCH or kind == _PEG_MID:
        venue.top[0]["pegs"] += 1
    if venue.top[0]["ended"] != 0:
        close(venue, slot, ts, _EXPIRED, _SESSION_END)
        return
    if is_closed(status):
        close(venue, slot, ts, _REJECTED, _NOT_TRADING)
        return
    if order["qty"] < 1:
        close(venue, slot, ts, _REJECTED, _BAD_QTY)
        return
    if kind == _STOP or kind == _STOP_LIMIT:
        event(venue, slot, ts, _ACK, _NONE, order["qty"], order["price"], 0)
        note(venue, slot, ts, _ACK, _NONE, 0, order["price"], 0, 0)
        order["status"] = _WAITING
        venue.top[0]["stops"] += 1
        last = venue.top[0]["last_price"]
        if last != NO_PRICE:
            trigger(book, venue, slot, ts, last + venue.top[0]["shift"])
        return
    pegged = kind == _PEG_TOUCH or kind == _PEG_MID  # its price is a bound: it never takes
    if order["flags"] & _POST_ONLY and not pegged and takeable(book, venue, order["side"], order["price"], 1) > 0:
        close(venue, slot, ts, _REJECTED, _WOULD_TAKE)
        return
    event(venue, slot, ts, _ACK, _NONE, order["qty"], order["price"], 0)
    note(venue, slot, ts, _ACK, _NONE, 0, order["price"], 0, 0)
    enter(book, venue, slot, ts)


@inner
def enter(book: BookState, venue: Venue, slot: int, ts: int) -> None:
    """An accepted order trades what it can, and rests or ends with what is left."""
    order, rules = venue.orders[slot], venue.rules[0]
    kind, tif, status = order["type"], order["tif"], book.top[0]["status"]
    if kind == _PEG_TOUCH or kind == _PEG_MID:
        price = peg_price(book, venue, slot)
        if price == NO_PRICE:
            close(venue, slot, ts, _CANCELED, _NO_MARKET)
            return
        _rest_at(book, venue, slot, ts, price)
        venue.top[0]["bid_seen"] = EMPTY_ASK  # no touch is that: the next message looks at all pegs, this one too
        return
    if rules["rung"] == 0 and order["flags"] & _POST_ONLY == 0 and is_trading(status) and at_mid(book, venue, slot, ts):
        return
    side = np.int64(order["side"])
    best = market_best(book, venue, 1 if side > 0 else 0)
    empty = best == EMPTY_BID or best == EMPTY_ASK
    own = venue.top[0]["own_ask"] if side > 0 else venue.top[0]["own_bid"]
    taking = kind == _MARKET or within(side, own, order["price"] - venue.top[0]["shift"])
    taking = taking or (not empty and within(side, best + venue.top[0]["shift"], order["price"]))
    if not taking and tif == _DAY:
        _rest_at(book, venue, slot, ts, order["price"])
        return
    if taking and not is_trading(status):
        close(venue, slot, ts, _CANCELED, _NOT_TRADING)
        return
    if tif == _FOK and takeable(book, venue, order["side"], own_bound(venue, slot), order["leaves"]) < order["leaves"]:
        close(venue, slot, ts, _CANCELED, _NOT_ENOUGH)
        return
    reason = take(book, venue, slot, ts, order["price"])
    if order["status"] != _WORKING:
        return
    if reason != _NONE:
        close(venue, slot, ts, _CANCELED, reason)
    elif kind == _MARKET or tif == _IOC or tif == _FOK:
        close(venue, slot, ts, _CANCELED, _IMMEDIATE if order["filled"] > 0 or kind != _MARKET else _NO_MARKET)
    else:
        _rest_at(book, venue, slot, ts, order["price"])


@inner
def own_bound(venue: Venue, slot: int) -> int:
    """The worst price (our ticks) an order can trade at before an order of ours on the other side stops it."""
    order, top = venue.orders[slot], venue.top[0]
    worst, side = np.int64(order["price"]), np.int64(order["side"])
    mine = top["own_ask"] if side > 0 else top["own_bid"]
    if venue.rules[0]["self_match"] == 1 or mine == EMPTY_ASK or mine == EMPTY_BID:
        return worst
    bound = mine + top["shift"] - side
    return min(worst, bound) if side > 0 else max(worst, bound)


@inner
def at_mid(book: BookState, venue: Venue, slot: int, ts: int) -> bool:
    """The lowest rung: all of it at the mid, half of the lots on either side of a half tick."""
    order = venue.orders[slot]
    bid, ask = book.top[0]["best_bid"], book.top[0]["best_ask"]
    if bid == EMPTY_BID or ask == EMPTY_ASK:
        return False
    side, low, high = order["side"], (bid + ask) // 2, -((-bid - ask) // 2)
    worst = high if side > 0 else low
    if (worst > order["price"]) if side > 0 else (worst < order["price"]):
        return False
    dear = order["leaves"] if low == high else (order["leaves"] + 1) // 2
    cheap = order["leaves"] - dear
    if cheap > 0:
        fill(book, venue, slot, ts, low if side > 0 else high, cheap, 0, _NO_QUEUE)
    fill(book, venue, slot, ts, worst, dear, 0, _NO_QUEUE)
    return True


@inner
def peg_price(book: BookState, venue: Venue, slot: int) -> int:
    """Where a peg belongs now (our ticks), NO_PRICE while there is nothing to peg to.

    By the touch of the others; it never takes, and never locks with an order of ours on the other side.
    """
    order, top = venue.orders[slot], venue.top[0]
    bid, ask = market_best(book, venue, 0), market_best(book, venue, 1)
    side = order["side"]
    if order["type"] == _PEG_MID:
        if bid == EMPTY_BID or ask == EMPTY_ASK:
            return NO_PRICE
        price = (bid + ask) // 2 if side > 0 else -((-bid - ask) // 2)
    else:
        touch = bid if side > 0 else ask
        if touch == EMPTY_BID or touch == EMPTY_ASK:
            return NO_PRICE
        price = touch + side * order["stop"]
    price = min(price, min(ask, top["own_ask"]) - 1) if side > 0 else max(price, max(bid, top["own_bid"]) + 1)
    price += top["shift"]
    bound = order["price"]
    return price if bound == NO_PRICE else (min(price, bound) if side > 0 else max(price, bound))


@merged
def _rest_at(book: BookState, venue: Venue, slot: int, ts: int, price: int) -> None:
    venue.orders[slot]["resting"] = price
    if not rest(book, venue, slot, ts):
        close(venue, slot, ts, _CANCELED, _POOL_FULL)


@inner
def follow_pegs(book: BookState, venue: Venue, ts: int) -> None:
    """Where the touch of the others has moved, pegged orders follow it, to the tail of their new level.

    Those that give way to the other side go first, so that they hold back nobody of ours across.
    """
    top, bid, ask = venue.top[0], market_best(book, venue, 0), market_best(book, venue, 1)
    bid, ask = bid + top["shift"], ask + top["shift"]
    if bid == top["bid_seen"] and ask == top["ask_seen"]:
        return
    top["bid_seen"], top["ask_seen"] = bid, ask
    for forward in range(2):
        for slot in range(venue.orders.shape[0]):
            order = venue.orders[slot]
            if order["status"] == _WORKING and order["type"] >= _PEG_TOUCH and order["node"] >= 0:
                price, resting = peg_price(book, venue, slot), np.int64(order["resting"])
                if price != NO_PRICE and price != resting and (forward == 1 or (price - resting) * order["side"] < 0):
                    leave(venue, slot)
                    event(venue, slot, ts, _REPRICED, _NONE, order["leaves"], price, resting)
                    _rest_at(book, venue, slot, ts, price)


@inner
def watch_stops(book: BookState, venue: Venue, ts: int, price: int) -> None:
    """A print (our ticks) may set stops off."""
    for slot in range(venue.orders.shape[0]):
        if venue.orders[slot]["status"] == _WAITING:
            trigger(book, venue, slot, ts, price)


@inner
def trigger(book: BookState, venue: Venue, slot: int, ts: int, price: int) -> None:
    """Set a stop off if `price` has reached it."""
    order = venue.orders[slot]
    if (price < order["stop"]) if order["side"] > 0 else (price > order["stop"]):
        return
    if not is_trading(book.top[0]["status"]):
        return  # a print of a cross or a halt sets nothing off; the first one of trading does
    venue.top[0]["stops"] -= 1
    order["status"] = _WORKING
    order["flags"] |= _TRIGGERED
    order["type"] = _MARKET if order["type"] == _STOP else _LIMIT
    event(venue, slot, ts, _TRIGGER, _NONE, order["leaves"], price, order["stop"])
    note(venue, slot, ts, _TRIGGER, _NONE, 0, price, 0, 0)
    enter(book, venue, slot, ts)


@kernel
def cancel(venue: Venue, slot: int, order_id: int, ts: int, reason: int) -> None:
    """A cancel reaches the venue."""
    order = venue.orders[slot]
    if order["order_id"] == order_id and is_live(order["status"]):
        close(venue, slot, ts, _CANCELED, reason)
    elif order["order_id"] == order_id and order["status"] != 0:
        event(venue, slot, ts, _CANCEL_REJECT, _UNKNOWN, 0, order["price"], 0)


@inner
def replace(book: BookState, venue: Venue, slot: int, order_id: int, qty: int, price: int, ts: int) -> None:
    """A replace reaches the venue: less at the same price keeps the place, all else joins the tail anew."""
    order = venue.orders[slot]
    if order["order_id"] != order_id or not is_live(order["status"]):
        if order["order_id"] == order_id and order["status"] != 0:
            event(venue, slot, ts, _CANCEL_REJECT, _UNKNOWN, qty, price, 0)
            note(venue, slot, ts, _CANCEL_REJECT, _UNKNOWN, 0, order["price"], 0, 0)
        return
    if qty >= 1 and order["asked_leaves"] > order["leaves"]:
        # Lots that traded before the replace came are not asked for again: total less filled, as in FIX.
        qty -= order["asked_leaves"] - order["leaves"]
        if qty < 1:
            close(venue, slot, ts, _CANCELED, _REQUESTED)
            return
    if qty < 1:
        event(venue, slot, ts, _CANCEL_REJECT, _BAD_QTY, qty, price, 0)
        note(venue, slot, ts, _CANCEL_REJECT, _BAD_QTY, 0, order["price"], 0, 0)
        return
    old = order["price"]
    keeps = order["status"] == _WAITING or (price == old and qty <= order["leaves"] and order["node"] >= 0)
    if not keeps and is_closed(book.top[0]["status"]):
        event(venue, slot, ts, _CANCEL_REJECT, _NOT_TRADING, qty, price, 0)
        note(venue, slot, ts, _CANCEL_REJECT, _NOT_TRADING, 0, order["price"], 0, 0)
        return
    posts = not keeps and order["flags"] & _POST_ONLY and order["type"] == _LIMIT
    if posts and takeable(book, venue, order["side"], price, 1) > 0:
        event(venue, slot, ts, _CANCEL_REJECT, _WOULD_TAKE, qty, price, 0)
        note(venue, slot, ts, _CANCEL_REJECT, _WOULD_TAKE, 0, order["price"], 0, 0)
        return
    order["qty"] += qty - order["leaves"]
    if keeps:
        if order["node"] >= 0:
            shown = min(order["shown"], qty)
            venue.levels[order["node"]]["mine"] -= order["shown"] - shown
            order["shown"] = shown
        order["leaves"] = qty
        order["price"] = price
    else:
        leave(venue, slot)
        order["leaves"] = qty
        order["price"] = price
    event(venue, slot, ts, _REPLACED, _REQUESTED, qty, price, old)
    note(venue, slot, ts, _REPLACED, _REQUESTED, 0, old, 0, 0)
    if not keeps:
        enter(book, venue, slot, ts)


@inner
def end_session(venue: Venue, ts: int) -> None:
    """The session is over: what still lives expires."""
    for slot in range(venue.orders.shape[0]):
        if is_live(venue.orders[slot]["status"]):
            close(venue, slot, ts, _EXPIRED, _SESSION_END)


@kernel
def cancel_all(venue: Venue, ts: int, agent: int, reason: int) -> int:
    """Cancel every order of an agent (-1: of all) at once, at the venue; call back what is on its way. How many."""
    count = 0
    for slot in range(venue.orders.shape[0]):
        order = venue.orders[slot]
        if agent >= 0 and order["agent"] != agent:
            continue
        if is_live(order["status"]):
            close(venue, slot, ts, _CANCELED, reason)
            count += 1
        elif order["status"] == _SENT:  # called back on its way: its request finds it gone
            venue.top[0]["working"] += 1
            order["node"] = -1
            if order["type"] >= _PEG_TOUCH:
                venue.top[0]["pegs"] += 1
            close(venue, slot, ts, _CANCELED, reason)
            count += 1
    return count
