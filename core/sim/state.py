"""State of the order flow: the book, its orders by age and at random, the scalars."""
# mypy: disable-error-code="arg-type, no-any-return"
# Kernels: numpy scalars stand for int.

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import link, unlink
from core.book.state import BookState
from core.enums import Side
from core.jit import inlined
from core.jit_states import state

#: Young orders are found by id in a ring of this size.
RING = 1 << 16
_BID = np.int64(Side.BID)

#: Scalars of the flow.
FLOW = np.dtype(
    [
        ("ts", "<i8"),  # ns UTC of the last event
        ("open", "<i8"),  # ns UTC of the open
        ("price", "<i8"),  # latent price, ticks << FINE
        ("last_id", "<i8"),
        ("done", "<i8"),  # messages of the session made
        ("total", "<i8"),
        ("row", "<i8"),  # source row of the next message
        ("cell", "<i8"),  # cell of message `done`
        ("ahead", "<i8"),  # cell of the message at which the clock aims
        ("mood", "<i8"),  # sixteenth of the gap distribution that gaps come from for a while
        ("mood_age", "<i8"),
        ("run", "<i8"),  # aggressors so far in this run, less one
        ("sign", "<i8"),  # side of the run
        ("live", "<i8"),  # orders resting
        ("bids", "<i8"),
        ("free", "<i8"),  # unused slots on the stack
    ]
)


#: Rows of `Market.pool`.
SIDE = 0  #: Side by slot
PLACE = 1  #: column in LIVE by slot
LIVE = 2  #: slots in use, in no order
FREE = 3  #: stack of unused slots


@state
class Market(NamedTuple):
    """Everything the loop reads and writes. Few arrays: each of them costs compile time in every kernel."""

    book: BookState
    tables: NDArray[np.int64]  #: see `core.sim.tables`
    accept: NDArray[np.int64]  #: see `core.sim.tables.acceptance`
    day: NDArray[np.int64]  #: see `core.sim.day`
    stream: NDArray[np.int64]  #: random stream
    flow: NDArray[np.void]  #: FLOW, shape (1,)
    ring: NDArray[np.int64]  #: slot by id modulo RING
    pool: NDArray[np.int64]  #: shape (4, slots)


@inlined
def quantile(tables: NDArray[np.int64], row: int, word: int) -> int:
    """Value of a row of quantiles for a uniform 32-bit `word`."""
    at = word >> 20
    low = tables[row, at]
    return low + ((tables[row, at + 1] - low) * (word & 0xFFFFF) >> 20)


@inlined
def insert(m: Market, side: int, price: int, qty: int) -> None:
    """A new order with the next id at the tail of its level."""
    flow = m.flow[0]
    flow["free"] -= 1
    slot = m.pool[FREE, flow["free"]]
    flow["last_id"] += 1
    link(m.book, slot, flow["last_id"], price, 0 if side == _BID else 1, qty)
    m.ring[flow["last_id"] & (RING - 1)] = slot
    m.pool[SIDE, slot] = side
    m.pool[PLACE, slot] = flow["live"]
    m.pool[LIVE, flow["live"]] = slot
    flow["live"] += 1
    if side == _BID:
        flow["bids"] += 1


@inlined
def remove(m: Market, slot: int) -> None:
    """Take a resting order away."""
    flow = m.flow[0]
    unlink(m.book, slot)
    flow["live"] -= 1
    last = m.pool[LIVE, flow["live"]]
    m.pool[LIVE, m.pool[PLACE, slot]] = last
    m.pool[PLACE, last] = m.pool[PLACE, slot]
    m.pool[FREE, flow["free"]] = slot
    flow["free"] += 1
    if m.pool[SIDE, slot] == _BID:
        flow["bids"] -= 1
