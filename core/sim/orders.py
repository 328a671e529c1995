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
    ANY,
    ENTRIES,
    FINE,
    HIGHEST,
    IMPROVE,
    NUMBERS,
    OLD,
    OLD_SHARE,
    OLD_SHIFT,
    PLACEMENT,
    ROUND_FROM,
    ROUND_PLACEMENT,
    SIZES,
    TARGET,
    round_class,
    rounded,
)

_BID, _ASK = np.int64(Side.BID), np.int64(Side.ASK)
#: Looks for an order whose turn it is to go; after that, any goes.
_TRIES = 200


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
    return min(max(price, 1), m.tables[NUMBERS, HIGHEST])


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
def _look(m: Market, any_age: bool) -> int:
    """A resting order whose age says it may go, or -1: the one looked at is gone already or stays."""
    flow, tables = m.flow[0], m.tables
    if any_age:
        return m.pool[LIVE, below(m.stream, flow["live"])]
    if draw(m.stream) < tables[NUMBERS, OLD_SHARE]:
        slot = m.pool[LIVE, below(m.stream, flow["live"])]
        age = flow["last_id"] - np.int64(m.book.orders[slot]["order_id"])
        return slot if draw(m.stream) < tables[OLD, min(age >> OLD_SHIFT, ENTRIES - 1)] else -1
    order_id = flow["last_id"] - (quantile(tables, AGES, draw(m.stream)) >> FINE)
    slot = m.ring[order_id & (RING - 1)]
    node = m.book.orders[slot]
    return slot if order_id > 0 and node["qty"] > 0 and node["order_id"] == order_id else -1


@inlined
def pick_order(m: Market) -> int:
    """An order to take off: by age, distance and price, or without regard to age; after many looks any."""
    found = _stale(m)
    any_age = draw(m.stream) < m.tables[NUMBERS, ANY]
    tries = 0
    while found < 0:
        tries += 1
        slot = _look(m, any_age or tries > _TRIES)
        if slot < 0:
            continue
        price = np.int64(m.book.orders[slot]["price"])
        touch = m.book.top[0]["best_bid"] if m.pool[SIDE, slot] == _BID else m.book.top[0]["best_ask"]
        distance = abs(price - touch)
        kind = round_class(price) if distance >= ROUND_FROM else 0
        if tries > _TRIES or draw(m.stream) < m.accept[kind, min(distance, m.accept.shape[1] - 1)]:
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
