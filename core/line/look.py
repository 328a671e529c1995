"""What agents and the gate are shown: the market as our orders find it."""

import numpy as np

from core.account.account import mark
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import OrderFlag
from core.jit import inner, merged
from core.line.state import Line
from core.records import NO_PRICE
from core.venue.ledger import market_best, market_qty, next_market
from core.venue.state import LOOK_BACK, SECONDS, Venue

_CANCEL_SENT = int(OrderFlag.CANCEL_SENT)
_VISIBLE = 5
_SECOND = 1_000_000_000
#: Seconds that the gate looks back for the price window and for jumps.
_WINDOW, _JUMP = 10, 1


@merged
def mid2_now(line: Line) -> int:
    """Twice the mid in ticks as our orders find it, NO_PRICE while a side is empty."""
    bid, ask = market_best(line.book, line.venue, 0), market_best(line.book, line.venue, 1)
    if bid == EMPTY_BID or ask == EMPTY_ASK:
        return NO_PRICE
    return bid + ask + 2 * line.venue.top[0]["shift"]


@merged
def look(line: Line, agent: int, now: int) -> None:
    """Fill the VIEW of an agent, and the OPEN records of its orders."""
    view, who, top, book = line.seen[0], line.agents[agent], line.venue.top[0], line.book
    shift = top["shift"]
    bid, ask = market_best(book, line.venue, 0), market_best(book, line.venue, 1)
    view["now"] = now
    view["ts_market"] = top["clock"]
    view["best_bid"] = bid + shift if bid != EMPTY_BID else bid
    view["best_ask"] = ask + shift if ask != EMPTY_ASK else ask
    view["bid_qty"] = market_qty(book, line.venue, bid, 0) if bid != EMPTY_BID else 0
    view["ask_qty"] = market_qty(book, line.venue, ask, 1) if ask != EMPTY_ASK else 0
    last = top["last_price"]
    view["last_price"] = last + shift if last != NO_PRICE else last
    view["volume"] = top["volume"]
    view["status"] = book.top[0]["status"]
    view["position"] = line.account.position[agent, who["instrument"]]
    view["signal"] = who["signal"]
    view["tick_value"] = line.account.tick_value[who["instrument"]]
    parent = who["parent"]
    view["parent"] = parent
    if parent >= 0:
        work = line.parents[parent]
        view["side"] = work["side"]
        view["qty"] = work["qty"]
        view["filled"] = work["filled"]
        view["working"] = work["working"]
        view["start"] = work["start"]
        view["end"] = work["end"]
        view["limit"] = work["limit"]
        view["start_volume"] = work["start_volume"]
        view["takable"] = visible(book, line.venue, 1 if work["side"] > 0 else 0)
        view["urgency"] = work["urgency"]
    else:
        view["side"] = 0
        view["qty"] = 0
        view["filled"] = 0
        view["working"] = 0
        view["start"] = 0
        view["end"] = 0
        view["limit"] = NO_PRICE
        view["start_volume"] = 0
        view["takable"] = 0
        view["urgency"] = 0.0
    view["n_open"] = list_open(line, agent)


@merged
def list_open(line: Line, agent: int) -> int:
    """Write the agent's open orders, as it knows them, oldest first. Returns how many."""
    n, slot = 0, np.int64(line.agents[agent]["open_head"])
    while slot >= 0:
        order, found = line.venue.orders[slot], line.opens[n]
        found["order_id"] = order["order_id"]
        found["leaves"] = order["known_leaves"]
        found["ahead"] = order["ahead"] if order["node"] >= 0 else -1
        found["price"] = order["resting"] if order["node"] >= 0 else order["known_price"]
        found["ts_sent"] = order["ts_sent"]
        found["parent"] = order["parent"]
        found["side"] = order["side"]
        found["type"] = order["type"]
        found["tif"] = order["tif"]
        found["closing"] = 1 if order["flags"] & _CANCEL_SENT else 0
        n += 1
        slot = np.int64(order["mine_next"])
    return n


@merged
def market(line: Line, side: int, now: int) -> None:
    """Fill the MARKET that the gate judges an order of `side` by."""
    found, top, book, rules = line.market[0], line.venue.top[0], line.book, line.venue.rules[0]
    shift = top["shift"]
    bid, ask = market_best(book, line.venue, 0), market_best(book, line.venue, 1)
    found["ts_market"] = top["clock"]
    found["best_bid"] = bid + shift if bid != EMPTY_BID else bid
    found["best_ask"] = ask + shift if ask != EMPTY_ASK else ask
    found["bid_qty"] = market_qty(book, line.venue, bid, 0) if bid != EMPTY_BID else 0
    found["ask_qty"] = market_qty(book, line.venue, ask, 1) if ask != EMPTY_ASK else 0
    last = top["last_price"]
    found["last_price"] = last + shift if last != NO_PRICE else last
    status = book.top[0]["status"]
    found["status"] = status
    found["session_open"] = 1 if rules["start"] <= now < rules["end"] else 0
    found["crossed"] = 1 if bid >= ask else 0
    found["gap"] = 0
    mid2 = NO_PRICE if bid == EMPTY_BID or ask == EMPTY_ASK else bid + ask + 2 * shift
    found["window2"] = _mid2_ago(line, now, _WINDOW, mid2)
    before = _mid2_ago(line, now, _JUMP, mid2)
    found["jump2"] = mid2 - before if before != NO_PRICE and mid2 != NO_PRICE else 0
    found["depth"] = visible(book, line.venue, 1 if side > 0 else 0)
    found["volume"] = top["volume"]
    found["clock_skew"] = 0


@merged
def _mid2_ago(line: Line, now: int, seconds: int, mid2: int) -> int:
    """Twice the mid some whole seconds ago; as long as that is not known, `mid2`, which is twice the mid now."""
    second = now // _SECOND - seconds
    found = line.venue.marks[second % SECONDS]
    if found["ts"] != second * _SECOND or found["mid2"] == NO_PRICE:
        return mid2
    return np.int64(found["mid2"])


@inner
def remember_mid(line: Line) -> None:
    """A second of the market begins: keep its mid, and value what is held at it."""
    top = line.venue.top[0]
    ts = top["next_tick"]
    found = line.venue.marks[ts // _SECOND % SECONDS]
    found["ts"] = ts
    found["cursor"] = top["cursor"]
    mid2 = mid2_now(line)
    found["mid2"] = mid2
    if mid2 != NO_PRICE:
        mark(line.account, line.venue.rules[0]["instrument"], mid2)
    found["volume"] = top["volume"]
    found["last_price"] = top["last_price"]
    found["instrument"] = line.venue.rules[0]["instrument"]
    top["marks"] += 1
    if top["marks"] >= SECONDS - LOOK_BACK:
        top["drain"] = 1
    top["next_tick"] = ts + _SECOND


@inner
def visible(book: BookState, venue: Venue, half: int) -> int:
    """Lots of others at the best few prices of a side."""
    price, lots = market_best(book, venue, half), 0
    for _ in range(_VISIBLE):
        if price == EMPTY_BID or price == EMPTY_ASK:
            break
        lots += market_qty(book, venue, price, half)
        price = next_market(book, half, price)
    return lots
