"""Requests on their way to the venue: a binary heap by arrival time, ties in order of sending."""

from core.jit import inner, merged
from core.venue.latency import ORDER, delay
from core.venue.state import Venue


@merged
def _earlier(venue: Venue, a: int, b: int) -> bool:
    first, second = venue.requests[a], venue.requests[b]
    return first["ts"] < second["ts"] or (first["ts"] == second["ts"] and first["seq"] < second["seq"])


@inner
def _swap(venue: Venue, a: int, b: int) -> None:
    spare = venue.requests.shape[0] - 1
    venue.requests[spare] = venue.requests[a]
    venue.requests[a] = venue.requests[b]
    venue.requests[b] = venue.requests[spare]


@inner
def push(venue: Venue, now: int, op: int, slot: int, qty: int, price: int, reason: int) -> None:
    """Send a request at `now` (our clock, ns UTC). It arrives after the order latency and never before an earlier
    one, for they share a connection; not at all where that is lost.
    """
    top = venue.top[0]
    ts = max(now + delay(venue, ORDER, now), top["request_ts"])
    top["request_ts"] = ts
    at = top["requests"]
    found = venue.requests[at]
    found["ts"] = ts
    found["seq"] = top["request_seq"]
    found["sent"] = now
    found["order_id"] = venue.orders[slot]["order_id"]
    found["qty"] = qty
    found["decision"] = venue.orders[slot]["decision"]
    found["slot"] = slot
    found["price"] = price
    found["op"] = op
    found["reason"] = reason
    found["lost"] = 1 if now < top["down_until"] else 0
    top["request_seq"] += 1
    top["requests"] = at + 1
    while at > 0:
        above = (at - 1) // 2
        if not _earlier(venue, at, above):
            break
        _swap(venue, at, above)
        at = above
    top["next_due"] = min(top["next_due"], ts)


@inner
def pop(venue: Venue) -> None:
    """Take the first request off; it stays readable in the spare last place of the array, until the next call."""
    top, spare = venue.top[0], venue.requests.shape[0] - 1
    last = top["requests"] - 1
    top["requests"] = last
    if last > 0:
        _swap(venue, 0, last)
        at = 0
        while True:
            child = 2 * at + 1
            if child >= last:
                break
            if child + 1 < last and _earlier(venue, child + 1, child):
                child += 1
            if not _earlier(venue, child, at):
                break
            _swap(venue, at, child)
            at = child
    venue.requests[spare] = venue.requests[last]
