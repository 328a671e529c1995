"""The reactive rung: the market moves with our flow, and comes back.

Our aggressive flow is kept in exponential memories whose weighted sum approximates a power-law decay
(Bouchaud, Gefen, Potters and Wyart 2004; Bouchaud, Farmer and Lillo 2009). The displacement is a concave
function of that state, by default proportional to its square root: the volume impact state with a general
shape function of Alfonsi, Fruth and Schied (2010), which has no price manipulation because a round trip
runs up and down the same curve. The tape is replayed in a frame that is shifted by the displacement, rounded
to ticks: our prices less the shift are the tape's prices.
"""

import math

import numpy as np

from core.jit import inner
from core.venue.models import call_impact
from core.venue.state import Venue


@inner
def flow_now(venue: Venue) -> float:
    """Decayed signed own flow in lots."""
    flow = 0.0
    for k in range(venue.flow.shape[1]):
        flow += venue.flow[0, k] * venue.flow[1, k]
    return flow


@inner
def shift_at(venue: Venue, flow: float) -> int:
    """Displacement in ticks for a flow, rounded half away from zero."""
    rules = venue.rules[0]
    address = rules["impact_call"]
    size = abs(flow)
    ticks = abs(call_impact(address, size)) if address != 0 else rules["impact"] * math.sqrt(size)
    if not ticks < 1e9:  # a model that answers nonsense moves nothing
        return 0
    whole = np.int64(math.floor(ticks + 0.5))
    return whole if flow > 0 else -whole


@inner
def shift_of_next(venue: Venue, flow: float, side: int) -> int:
    """Displacement at which the next lot of a side trades: that at the lot's end nearer to no flow at all.

    What a lot costs on the way out it gives back on the way home, so a round trip never earns its own impact.
    """
    after = flow + side
    if flow * side >= 0:
        return shift_at(venue, flow)
    return shift_at(venue, after) if flow * after > 0 else 0


@inner
def lots_at_this_shift(venue: Venue, side: int, qty: int) -> int:
    """How many of `qty` lots trade at the displacement of the next one, at least 1."""
    flow = flow_now(venue)
    now = shift_of_next(venue, flow, side)
    if flow * side < 0:
        qty = max(1, min(qty, np.int64(math.floor(abs(flow)))))  # the lot that crosses no flow goes alone
    if shift_of_next(venue, flow + side * (qty - 1), side) == now:
        return qty
    low, high = 1, qty  # the lot `low` trades at `now`, the lot `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        if shift_of_next(venue, flow + side * (middle - 1), side) == now:
            low = middle
        else:
            high = middle
    return low


@inner
def lots_within(venue: Venue, flow: float, side: int, price: int, worst: int, qty: int) -> int:
    """How many of `qty` lots at a price of the tape trade no worse than `worst` (our ticks), from a flow on."""
    low, high = 0, qty + 1  # the first `low` lots do; the lot `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        reached = price + shift_of_next(venue, flow + side * (middle - 1), side)
        if (reached <= worst) if side > 0 else (reached >= worst):
            low = middle
        else:
            high = middle
    return low


@inner
def add_flow(venue: Venue, side: int, qty: int, ts: int) -> None:
    """Our aggressive execution enters the memories. The caller looks whether the shift changed."""
    for k in range(venue.flow.shape[1]):
        venue.flow[0, k] += side * qty
    top, step = venue.top[0], venue.rules[0]["impact_step"]
    if top["ts_decay"] >= 2**62:
        top["ts_decay"] = (ts // step + 1) * step
        top["next_due"] = min(top["next_due"], top["ts_decay"])


@inner
def decay(venue: Venue, ts: int) -> None:
    """Bring the memories up to a time, in whole steps: products only, so that every machine agrees."""
    top, step = venue.top[0], venue.rules[0]["impact_step"]
    alive = False
    steps = (ts - top["ts_decay"]) // step + 1
    for k in range(venue.flow.shape[1]):
        value, factor = venue.flow[0, k], venue.flow[2, k]
        for _ in range(steps):
            value *= factor
            if abs(value) < 1e-3:
                value = 0.0
                break
        venue.flow[0, k] = value
        alive = alive or value != 0.0
    top["ts_decay"] = top["ts_decay"] + steps * step if alive else 2**62
