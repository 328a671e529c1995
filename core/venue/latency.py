"""How long messages are under way. Draws are tables made from the seed; the draw depends on the time alone.

Two runs that differ only in what they send therefore meet the same latencies: common random numbers.
"""

from core.jit import merged
from core.venue.models import call_latency
from core.venue.state import Venue

FEED, ORDER, RESPONSE = 0, 1, 2
_STEP = 20  # a draw holds for 2^20 ns, about a millisecond
_ODD = 40_503


@merged
def draw_index(ts: int, n: int) -> int:
    """Which of `n` draws holds at a time."""
    return ((ts >> _STEP) * _ODD & 0x7FFFFFFF) % n


@merged
def delay(venue: Venue, kind: int, ts: int) -> int:
    """Latency in ns at a time. `kind`: 0 feed, 1 order, 2 response. Zero below the latency rung."""
    rules = venue.rules[0]
    if rules["rung"] < 4:
        return 0
    place = 0 if rules["latency_fixed"] >> kind & 1 else draw_index(ts, venue.latency.shape[1])
    drawn = venue.latency[kind, place]
    address = rules["latency_call_feed"]
    if kind == ORDER:
        address = rules["latency_call_order"]
    elif kind == RESPONSE:
        address = rules["latency_call_response"]
    if address != 0:
        return max(0, call_latency(address, ts, drawn))
    return drawn
