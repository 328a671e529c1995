"""What single orders do: where new ones go, which ones leave, how large they are."""
# mypy: disable-error-code="arg-type, assignment, no-any-return, return-value"
# Kernels: numpy scalars stand for int.

import numpy as np

from core.book.levels import find_level
from core.enums import Side
from core.jit import inlined
from core.sim.day import HALF
from core.sim.latent import behind
from core.sim.state import LIVE, RING, SIDE, Market, quantile
from core.sim.stream import below, draw
from core.sim.tables import (
    AGES,
    FINE,
    IMPROVE,
    NUMBERS,
    PLACEMENT,
    ROUND_FROM,
    ROUND_PLACEMENT,
    SIZES,
    TARGET,
    round_class,
    rounded,
)

_BID, _ASK = np.int64(Side.BID), np.int64(Side.ASK)
#: Looks for an order to take off by age, then by chance and distance, then by chance alone.
_BY_AGE, _BY_DISTANCE = 64, 80


@inlined
def new_price(m: Market, side: int) -> int:
    """Price of a new order: better than the touch if the touch is behind, else at a distance from it."""
    top, half = m.book.top[0], m.day[HALF, m.flow[0]["cell"]]
    touch = top["best_bid"] if side == _BID else top["best_ask"]
    room = top["best_ask"] - top["best_bid"] - 1
    lag = behind(m, side)
    pull = (1 << FINE) + ((lag << FINE) // half)
    pull = min(max(pull, 0), 8 << FINE)
    if room > 0 and draw(m.stream) < m.tables[NUMBERS, IMPROVE] * pull >> FINE:
        reach = min(max(2 * room // 5, lag >> FINE, 1), room)
        return touch + side * (1 + below(m.stream, reach))
    distance = quantile(m.tables, PLACEMENT, draw(m.stream)) >> FINE
    price = touch - side * distance
    if distance >= ROUND_FROM:
        price = rounded(price, side, m.tables[ROUND_PLACEMENT, draw(m.stream) >> 20])
    return max(price, 1)


@inlined
def _stale(m: Market) -> int:
    """Now and then: the youngest order of a touch that is too aggressive for the latent price, else -1."""
    half = m.day[HALF, m.flow[0]["cell"]]
    bid, ask = -behind(m, _BID), -behind(m, _ASK)
    excess = min(max(bid, ask), half)
    if excess <= 0 or draw(m.stream) >= min((excess << 30) // half, 9 << 28):
        return -1
    side = 0 if bid > ask else 1
    price = m.book.top[0]["best_bid"] if side == 0 else m.book.top[0]["best_ask"]
    return np.int64(m.book.levels[find_level(m.book, price, side)]["tail"])


@inlined
def pick_order(m: Market) -> int:
    """An order to take off: by age and distance; if that finds none, any."""
    found = _stale(m)
    flow, accept = m.flow[0], m.accept
    tries = 0
    while found < 0:
        tries += 1
        if tries <= _BY_AGE:
            order_id = flow["last_id"] - (quantile(m.tables, AGES, draw(m.stream)) >> FINE)
            slot = m.ring[order_id & (RING - 1)]
            node = m.book.orders[slot]
            if order_id < 1 or node["qty"] == 0 or node["order_id"] != order_id:
                continue
        else:
            slot = m.pool[LIVE, below(m.stream, flow["live"])]
            node = m.book.orders[slot]
        if m.pool[SIDE, slot] == _BID:
            distance = m.book.top[0]["best_bid"] - node["price"]
        else:
            distance = node["price"] - m.book.top[0]["best_ask"]
        kind = round_class(node["price"]) if distance >= ROUND_FROM else 0
        if tries > _BY_DISTANCE or draw(m.stream) < accept[kind, min(distance, accept.shape[1] - 1)]:
            found = slot
    return found


@inlined
def size_below(m: Market, qty: int) -> int:
    """A size smaller than `qty` (at least 2)."""
    size = m.tables[SIZES, draw(m.stream) >> 20]
    return size if size < qty else 1 + below(m.stream, qty - 1)


@inlined
def grows(m: Market) -> bool:
    """Whether the next change of the book adds: the number of resting orders returns to its target."""
    target, live = m.tables[NUMBERS, TARGET], m.flow[0]["live"]
    lean = (1 << 31) + ((target - live) << 33) // target
    return m.flow[0]["free"] > 0 and draw(m.stream) < min(max(lean, 1 << 29), 7 << 29)


@inlined
def new_side(m: Market) -> int:
    """Side of a new order; the thinner side gets more."""
    live, bids = m.flow[0]["live"], m.flow[0]["bids"]
    return _BID if below(m.stream, live) >= bids else _ASK
