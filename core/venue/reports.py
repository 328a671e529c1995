"""What the venue says: fills, events and the notes that reach us after the response latency."""

from core.account.money import fee
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import EventKind, OrderStatus, Reason
from core.jit import inner, merged
from core.records import NO_PRICE
from core.venue.latency import delay
from core.venue.ledger import market_best
from core.venue.own import leave
from core.venue.state import SWEEP, Venue

_FILL = int(EventKind.FILL)
_FILLED, _WORKING = int(OrderStatus.FILLED), int(OrderStatus.WORKING)
_NONE, _FREE = int(Reason.NONE), int(OrderStatus.FREE)
_RESPONSE = 2


@merged
def mid2(bid: int, ask: int) -> int:
    """Twice the mid in ticks, NO_PRICE while a side is empty."""
    return NO_PRICE if bid == EMPTY_BID or ask == EMPTY_ASK else bid + ask


@inner
def note(venue: Venue, slot: int, ts: int, kind: int, reason: int, qty: int, price: int, paid: int, maker: int) -> None:
    """Send us an answer; it arrives after the response latency, never before an earlier one or while we are cut off."""
    top, order, notes = venue.top[0], venue.orders[slot], venue.notes
    due = max(ts + delay(venue, _RESPONSE, ts), top["down_until"])
    size = notes.shape[0]
    head, tail = top["note_head"], top["note_tail"]
    if tail > head:
        due = max(due, notes[(tail - 1) % size]["ts"])
    found = notes[tail % size]
    found["ts"] = due
    found["order_id"] = order["order_id"]
    found["qty"] = qty
    found["leaves"] = order["leaves"]
    found["fee"] = paid
    found["slot"] = slot
    found["price"] = price
    found["old_price"] = order["price"]
    found["kind"] = kind
    found["reason"] = reason
    found["maker"] = maker
    top["note_tail"] = tail + 1
    top["next_due"] = min(top["next_due"], due - top["feed_now"])
    if tail + 1 - head > size - 64 - SWEEP - 2 * venue.orders.shape[0]:
        top["drain"] = 1


@inner
def event(venue: Venue, slot: int, ts: int, kind: int, reason: int, qty: int, price: int, detail: int) -> None:
    """Record what happened to an order of ours."""
    top, order = venue.top[0], venue.orders[slot]
    found = venue.events[top["events"]]
    found["seq"] = top["seq"]
    found["ts"] = ts
    found["order_id"] = order["order_id"]
    found["decision"] = order["decision"]
    found["qty"] = qty
    found["detail"] = detail
    found["price"] = price
    found["instrument"] = order["instrument"]
    found["agent"] = order["agent"]
    found["kind"] = kind
    found["reason"] = reason
    found["side"] = order["side"]
    top["seq"] += 1
    top["events"] += 1
    if top["events"] > venue.events.shape[0] - 2 * venue.orders.shape[0] - 32:
        top["drain"] = 1


@inner
def fill(book: BookState, venue: Venue, slot: int, ts: int, price: int, qty: int, maker: int, trust: int) -> None:
    """Execute lots of an order of ours at a price (our ticks). The caller has taken them out of its level's sums."""
    top, order = venue.top[0], venue.orders[slot]
    order["leaves"] -= qty
    order["filled"] += qty
    paid = fee(venue.fees, 0, maker, price, qty, venue.rules[0]["tick_value"])
    bid, ask = market_best(book, venue, 0), market_best(book, venue, 1)
    found = venue.fills[top["fills"]]
    found["seq"] = top["seq"]
    found["ts"] = ts
    found["order_id"] = order["order_id"]
    found["qty"] = qty
    found["fee"] = paid
    middle = mid2(bid, ask)
    found["mid2"] = middle + 2 * top["shift"] if middle != NO_PRICE else middle
    found["tape_mid2"] = mid2(book.top[0]["best_bid"], book.top[0]["best_ask"])
    found["cursor"] = top["cursor"]
    found["ahead_entry"] = order["ahead_entry"]
    found["parent"] = order["parent"]
    found["price"] = price
    found["instrument"] = order["instrument"]
    found["agent"] = order["agent"]
    found["side"] = order["side"]
    found["maker"] = maker
    found["trust"] = trust
    found["shift"] = top["shift"]
    top["seq"] += 1
    top["fills"] += 1
    if top["fills"] > venue.fills.shape[0] - 2 * venue.orders.shape[0] - SWEEP - 32:
        top["drain"] = 1
    note(venue, slot, ts, _FILL, _NONE, qty, price, paid, maker)
    if order["leaves"] == 0:
        finish(venue, slot, ts, _FILLED, _NONE)


@inner
def finish(venue: Venue, slot: int, ts: int, status: int, reason: int) -> None:
    """An order is over at the venue. Its slot is freed when we know (`settle` of its last note)."""
    top, order = venue.top[0], venue.orders[slot]
    leave(venue, slot)
    if order["type"] >= 5:
        top["pegs"] -= 1
    if order["status"] == 3:
        top["stops"] -= 1
    order["status"] = status
    order["reason"] = reason
    order["ts_done"] = ts
    top["working"] -= 1


@merged
def forget(venue: Venue, slot: int) -> None:
    """We know that an order is over: its record goes out, its slot is free."""
    top = venue.top[0]
    venue.done[top["done"]] = venue.orders[slot]
    top["done"] += 1
    if top["done"] > venue.done.shape[0] - venue.orders.shape[0] - 32:
        top["drain"] = 1
    venue.orders[slot]["status"] = _FREE
    free = top["free"]
    venue.free[free] = slot
    top["free"] = free + 1
