"""One pass over a tape that counts where and when orders come, rest and go."""
# mypy: disable-error-code="arg-type, no-any-return"
# Kernels: numpy scalars stand for int.

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.book import grown
from core.book.kernels import apply_one
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import Action, Flag, Result
from core.jit import inlined, kernel
from core.jit_states import state
from core.sim.tables import ROUND, ROUND_FROM, round_class
from core.sim.walk import book_for

#: Most aggressor fills counted apart.
FILLS = 64
_ADD, _DELETE, _EXECUTE, _REPLACE = int(Action.ADD), int(Action.DELETE), int(Action.EXECUTE), int(Action.REPLACE)
_TRADE, _SNAPSHOT, _FULL = int(Action.TRADE), int(Flag.SNAPSHOT), int(Result.FULL)

#: Scalars of a census.
COUNT = np.dtype(
    [
        ("start", "<i8"),  # ns UTC
        ("stop", "<i8"),
        ("added", "<i8"),  # orders added so far, the clock of ages
        ("better", "<i8"),  # adds that improved a touch
        ("asked", "<i8"),  # `added` at the last look at the resting orders
        ("looks", "<i8"),
        ("run_ts", "<i8"),  # the aggressor whose fills are being counted
        ("run_side", "<i8"),
        ("run_fills", "<i8"),
        ("run_known", "<i8"),  # its last fill hit an order that is known
        ("run_whole", "<i8"),  # ... and took the whole of it
        ("known", "<i8"),
        ("whole", "<i8"),
    ]
)


@state
class Census(NamedTuple):
    """State and counts. Bins as in `MarketProfile`, plus a last one for everything beyond."""

    book: BookState
    tally: NDArray[np.void]  #: COUNT, shape (1,)
    far: NDArray[np.int64]  #: bin of a distance in ticks, shape (last edge + 1,)
    old: NDArray[np.int64]  #: bin of an age, shape (last edge + 1,)
    placed: NDArray[np.int64]  #: adds that did not improve, by distance bin
    placed_round: NDArray[np.int64]  #: those of them ROUND_FROM or further out, by class of price
    resting: NDArray[np.int64]  #: resting orders at the looks, shape (age bins, distance bins, classes of price)
    gone: NDArray[np.int64]  #: orders deleted or replaced, likewise
    born: NDArray[np.int64]  #: `added` when the order came, by slot
    fills: NDArray[np.int64]  #: aggressors by resting orders hit, shape (FILLS + 1,)


def take_census(
    messages: NDArray[np.void],
    session: tuple[int, int],
    distance_edges: tuple[int, ...],
    age_edges: tuple[int, ...],
) -> Census:
    """Count over `messages` (MESSAGE) inside `session` (ns UTC)."""
    book = book_for(messages)
    ages, distances = len(age_edges), len(distance_edges)
    tally = np.zeros(1, COUNT)
    tally["start"], tally["stop"] = session
    census = Census(
        book=book.state,
        tally=tally,
        far=_bins(distance_edges),
        old=_bins(age_edges),
        placed=np.zeros(distances, np.int64),
        placed_round=np.zeros(len(ROUND), np.int64),
        resting=np.zeros((ages, distances, len(ROUND)), np.int64),
        gone=np.zeros((ages, distances, len(ROUND)), np.int64),
        born=np.full(book.state.orders.shape[0], -age_edges[-1], np.int64),
        fills=np.zeros(FILLS + 1, np.int64),
    )
    at = _count(census, messages, 0)
    while at < len(messages):
        census = census._replace(book=grown(census.book, int(messages[at]["price"])))
        at = _count(census, messages, at)
    return census


def _bins(edges: tuple[int, ...]) -> NDArray[np.int64]:
    return np.searchsorted(edges, np.arange(edges[-1] + 1), "right") - 1


@inlined
def _cell(c: Census, slot: int, price: int, side: int) -> tuple[int, int, int]:
    """Age bin, distance bin and class of price of an order. `side` 0 bid, 1 ask."""
    top = c.book.top[0]
    distance = top["best_bid"] - price if side == 0 else price - top["best_ask"]
    age = min(max(c.tally[0]["added"] - c.born[slot], 0), c.old.shape[0] - 1)
    kind = round_class(price) if distance >= ROUND_FROM else 0
    return c.old[age], c.far[min(max(distance, 0), c.far.shape[0] - 1)], kind


@inlined
def _look(c: Census) -> None:
    """Count every resting order."""
    c.tally[0]["asked"] = c.tally[0]["added"]
    c.tally[0]["looks"] += 1
    for slot in range(c.book.orders.shape[0]):
        node = c.book.orders[slot]
        if node["qty"] > 0:
            age, distance, kind = _cell(c, slot, node["price"], (node["level"] >> 6) & 1)
            c.resting[age, distance, kind] += 1


@inlined
def _place(c: Census, price: int, bid: bool) -> None:
    top, count = c.book.top[0], c.tally[0]
    distance = top["best_bid"] - price if bid else price - top["best_ask"]
    if top["best_bid"] == EMPTY_BID or top["best_ask"] == EMPTY_ASK:
        return
    if distance < 0:
        count["better"] += 1
    else:
        c.placed[c.far[min(distance, c.far.shape[0] - 1)]] += 1
        if distance >= ROUND_FROM:
            c.placed_round[round_class(price)] += 1


@inlined
def _close_run(c: Census) -> None:
    count = c.tally[0]
    if count["run_fills"] > 0:
        c.fills[min(count["run_fills"], FILLS)] += 1
        count["known"] += count["run_known"]
        count["whole"] += count["run_whole"]
    count["run_fills"] = 0


@kernel
def _count(c: Census, messages: NDArray[np.void], first: int) -> int:
    count = c.tally[0]
    spacing = max(256, c.book.orders.shape[0] // 4)
    for i in range(first, messages.shape[0]):
        m = messages[i]
        ts, action, slot, side = m["ts_event"], np.int64(m["action"]), np.int64(m["slot"]), np.int64(m["side"])
        counts = count["start"] <= ts < count["stop"] and m["flags"] & _SNAPSHOT == 0
        held = action != _TRADE and 0 <= slot < c.book.orders.shape[0]
        live = held and c.book.orders[slot]["qty"] > 0
        if counts and live and (action == _DELETE or action == _REPLACE):
            node = c.book.orders[slot]
            age, distance, kind = _cell(c, slot, node["price"], (node["level"] >> 6) & 1)
            c.gone[age, distance, kind] += 1
        if counts and held and not live and action == _ADD and side != 0:
            _place(c, m["price"], side > 0)
        code = apply_one(c.book, action, side, m["flags"], slot, m["order_id"], m["qty"], m["price"])
        if code == _FULL:
            return i
        if held and (action == _ADD or action == _REPLACE):
            count["added"] += 1 if counts else 0
            c.born[slot] = count["added"] if counts else -c.old.shape[0]
        if counts and action == _EXECUTE:
            if ts != count["run_ts"] or side != count["run_side"]:
                _close_run(c)
            count["run_ts"] = ts
            count["run_side"] = side
            count["run_fills"] += 1
            count["run_known"] = 1 if live else 0
            count["run_whole"] = 1 if live and c.book.orders[slot]["qty"] == 0 else 0
        if counts and count["added"] >= count["asked"] + spacing:
            _look(c)
    _close_run(c)
    return messages.shape[0]
