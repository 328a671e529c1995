"""The market's messages against our resting orders: aggressors that reach us, cancels before us.

Three queue models run side by side for every order. The pessimistic one advances by what is proven, the
optimistic one by all that could have been, and the conserving one consumes every traded lot exactly once,
first in first out. The session's choice decides the fills; the other two are kept on the order.
"""

import numpy as np

from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import Trust
from core.jit import inner
from core.venue.match import hit
from core.venue.models import call_queue
from core.venue.own import find_own
from core.venue.state import Venue

_TAIL, _HEAD, _POWER = 0, 2, 3  # 1 is pro-rata
_CROSSED = int(Trust.CROSSED)


@inner
def aggressor(  # noqa: PLR0915 - three models in step; apart they would drift
    book: BookState,
    venue: Venue,
    half: int,
    price: int,
    low: int,
    main: int,
    high: int,
    ts: int,
    trust: int,
    through: int,
) -> int:
    """Lots of an aggressor against side `half` down to `price` (tape ticks). Returns what we absorbed.

    `low`, `main`, `high`: the lots that the three queue models let reach our level at `price` itself; levels
    of ours before it are reached by `through` lots in all three.
    """
    queue = venue.rules[0]["queue"]
    absorbed, beyond = 0, through
    while beyond > 0:
        best = venue.top[0]["own_bid"] if half == 0 else venue.top[0]["own_ask"]
        if best == EMPTY_BID or best == EMPTY_ASK or (best <= price if half == 0 else best >= price):
            break
        slot = np.int64(venue.levels[find_own(venue, half, best)]["head"])
        order = venue.orders[slot]
        lots = min(beyond, order["shown"])
        if trust & _CROSSED == 0:
            order["low_filled"] = min(order["low_filled"] + lots, order["qty"])
        order["high_filled"] = min(order["high_filled"] + lots, order["qty"])
        hit(book, venue, slot, ts, lots, trust)
        absorbed += lots
        beyond -= lots
    fifo = venue.rules[0]["rung"] >= 3  # below the ledger rung each order sees the whole flow
    if fifo:
        low, main, high = max(low - absorbed, 0), max(main - absorbed, 0), max(high - absorbed, 0)
    node = find_own(venue, half, price)
    if node < 0 or venue.levels[node]["count"] == 0:
        return absorbed
    chosen = low if queue == 0 else (main if queue == 1 else high)
    # What each model sees pass our orders, in the order in which we joined the level.
    slot, last = np.int64(venue.levels[node]["head"]), np.int64(venue.levels[node]["tail"])
    passed, passed_low, passed_high = 0, 0, 0
    left, left_low, left_high = chosen, low, high
    while slot >= 0:
        order = venue.orders[slot]
        behind = np.int64(order["next"])
        if not fifo:
            passed, passed_low, passed_high = 0, 0, 0
            left, left_low, left_high = chosen, low, high
        before = _pass(left_low, order["low_ahead"] - passed_low)
        passed_low += before
        left_low -= before
        part = min(left_low, order["qty"] - order["low_filled"])
        order["low_filled"] += part
        left_low -= part
        before = _pass(left_high, order["high_ahead"] - passed_high)
        passed_high += before
        left_high -= before
        part = min(left_high, order["qty"] - order["high_filled"])
        order["high_filled"] += part
        left_high -= part
        before = _pass(left, order["ahead"] - passed)
        passed += before
        left -= before
        order["low_ahead"] -= min(order["low_ahead"], passed_low)
        order["high_ahead"] -= min(order["high_ahead"], passed_high)
        advance = min(order["ahead"], passed)
        order["ahead"] -= advance
        order["by_trades"] += advance
        lots = min(left, order["shown"])
        done = slot == last and not fifo
        if lots > 0:
            left -= lots
            absorbed += lots
            joined = order["joined"]
            hit(book, venue, slot, ts, lots, trust)
            if order["leaves"] > 0 and order["joined"] != joined:
                # The next slice of an iceberg stands at the tail, counted as if this aggressor had yet to come.
                if not fifo:
                    order["ahead"] -= min(order["ahead"], chosen)
                    order["low_ahead"] -= min(order["low_ahead"], low)
                    order["high_ahead"] -= min(order["high_ahead"], high)
                elif behind < 0:
                    behind = slot
        if done:
            break
        slot = behind
    return absorbed


@inner
def _pass(lots: int, ahead: int) -> int:
    """Lots that are used up before us."""
    return max(0, min(lots, ahead))


@inner
def cancelled(venue: Venue, node: int, stamp: int, lots: int) -> None:
    """Lots of a known order leave a level; orders of ours stamped later than it move up."""
    slot = np.int64(venue.levels[node]["head"])
    while slot >= 0:
        order = venue.orders[slot]
        if stamp < order["joined"]:
            advance = min(lots, order["ahead"])
            order["ahead"] -= advance
            order["by_cancels"] += advance
            order["low_ahead"] -= min(lots, order["low_ahead"])
            order["high_ahead"] -= min(lots, order["high_ahead"])
        slot = np.int64(order["next"])


@inner
def thinned(venue: Venue, node: int, before: int, after: int) -> None:
    """The quantity of a level without order ids falls from `before` to `after` lots, trades already counted."""
    level, rules = venue.levels[node], venue.rules[0]
    gone = before - after
    printed = min(level["credit"], gone)
    level["credit"] -= printed
    gone -= printed
    slot = np.int64(level["head"])
    while slot >= 0:
        order = venue.orders[slot]
        advance = min(
            share(rules["queue_model"], rules["queue_call"], order["ahead"], before - printed, after, gone),
            order["ahead"],
        )
        advance = max(advance, order["ahead"] - after, 0)  # no more can be before us than is there
        order["ahead"] -= advance
        order["by_cancels"] += advance
        order["low_ahead"] = min(order["low_ahead"], max(after, 0))
        order["high_ahead"] = min(order["high_ahead"] - min(gone, order["high_ahead"]), max(after, 0))
        if rules["queue"] == 0:
            order["ahead"] = order["low_ahead"]
        elif rules["queue"] == 2:
            order["ahead"] = order["high_ahead"]
        slot = np.int64(order["next"])


@inner
def share(model: int, address: int, ahead: int, before: int, after: int, gone: int) -> int:
    """Of `gone` lots cancelled at a level, how many stood before us.

    tail: none; pro-rata: in proportion to the lots before us; head: all of them; power: in proportion to the
    square of the lots before us against those behind (Rigtorp's estimator with f(x) = x^2).
    """
    if gone <= 0 or ahead <= 0:
        return 0
    if address != 0:
        return max(0, min(gone, call_queue(address, ahead, before, after, gone)))
    if model == _TAIL:
        return 0
    if model == _HEAD:
        return gone
    behind = max(before - ahead, 0)
    if model == _POWER:
        front, back = float(ahead) * ahead, float(behind) * behind
        return np.int64(gone * (front / (front + back)))
    return np.int64(float(gone) * ahead / max(before, ahead))
