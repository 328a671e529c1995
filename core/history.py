"""What the screen remembers: the book sampled in time columns, and the prints of the day."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply_one, judge
from core.book.levels import next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.book.view import level_qty
from core.enums import Action, Flag, Result
from core.jit import inlined, kernel
from core.jit_states import state
from core.records import NO_PRICE, PRINT
from core.tape.marks import is_print

_TRADE, _EVENT_END, _FULL = int(Action.TRADE), int(Flag.EVENT_END), int(Result.FULL)
#: Rows of depth kept per column, centred on the mid.
ROWS = 512


@state
class Sampler(NamedTuple):
    """A ring of columns. `meta`: ns per column, end of the open column, columns closed, ticks per row."""

    meta: NDArray[np.int64]
    low: NDArray[np.int64]  #: first row of each column, shape (columns,)
    bids: NDArray[np.float32]  #: lots, shape (columns, ROWS)
    asks: NDArray[np.float32]
    best: NDArray[np.int64]  #: best bid and ask in ticks, NO_PRICE where none, shape (columns, 2)


def new_sampler(columns: int, step: int, group: int) -> Sampler:
    """An empty ring of `columns` columns of `step` ns and rows of `group` ticks."""
    return Sampler(
        np.array([step, 0, 0, group], np.int64),
        np.zeros(columns, np.int64),
        np.zeros((columns, ROWS), np.float32),
        np.zeros((columns, ROWS), np.float32),
        np.full((columns, 2), NO_PRICE, np.int64),
    )


@kernel
def sample(book: BookState, sampler: Sampler, column: int) -> None:
    """Write the book as it is into a column."""
    group = sampler.meta[3]
    bid, ask = book.top[0]["best_bid"], book.top[0]["best_ask"]
    sampler.best[column, 0] = bid if bid != EMPTY_BID else NO_PRICE
    sampler.best[column, 1] = ask if ask != EMPTY_ASK else NO_PRICE
    sampler.bids[column, :] = 0.0
    sampler.asks[column, :] = 0.0
    if bid == EMPTY_BID and ask == EMPTY_ASK:
        return
    if bid == EMPTY_BID:
        middle = ask
    else:
        middle = bid if ask == EMPTY_ASK else (bid + ask) // 2
    low = middle // group - ROWS // 2
    sampler.low[column] = low
    while bid != EMPTY_BID:
        row = bid // group - low
        if row < 0:
            break
        if row < ROWS:
            sampler.bids[column, row] += level_qty(book, bid, 0)
        bid = next_bid(book, bid)
    while ask != EMPTY_ASK:
        row = ask // group - low
        if row >= ROWS:
            break
        if row >= 0:
            sampler.asks[column, row] += level_qty(book, ask, 1)
        ask = next_ask(book, ask)


@inlined
def _close_columns(book: BookState, sampler: Sampler, ts: int) -> None:
    """Close every column that ends at or before `ts`."""
    meta, columns = sampler.meta, sampler.low.shape[0]
    if meta[1] == 0:
        meta[1] = (ts // meta[0] + 1) * meta[0]
    behind = (ts - meta[1]) // meta[0] - columns
    if behind > 0:
        # A long silence: the columns that would be pushed out again are not worth sampling.
        meta[1] += behind * meta[0]
        meta[2] += behind
    while ts >= meta[1]:
        sample(book, sampler, meta[2] % columns)
        meta[2] += 1
        meta[1] += meta[0]


@kernel
def play(
    book: BookState, messages: NDArray[np.void], start: int, stop: int, until: int, sampler: Sampler
) -> tuple[int, int]:
    """Apply messages from `start` up to `stop` or past time `until` (ns UTC), sampling columns on the way.

    Returns the next index and the reason: 0 reached, 1 the next message is later than `until`, 2 the book must grow.
    """
    for i in range(start, stop):
        message = messages[i]
        ts = message["ts_event"]
        if ts > until:
            return i, 1
        if ts >= sampler.meta[1]:
            _close_columns(book, sampler, ts)
        flags = message["flags"]
        code = apply_one(
            book,
            message["action"],
            message["side"],
            flags,
            message["slot"],
            message["order_id"],
            message["qty"],
            message["price"],
        )
        if code != 0:
            if code == _FULL:
                return i, 2
            book.results[code] += 1
        if flags & _EVENT_END:
            judge(book)
    return stop, 0


@kernel
def collect_prints(messages: NDArray[np.void], start: int, stop: int, out: NDArray[np.void], n: int) -> int:
    """Write the prints of `messages[start:stop]` to `out` (PRINT) from index `n`. Returns the new n."""
    for i in range(start, stop):
        message = messages[i]
        action, flags = message["action"], message["flags"]
        if is_print(action, flags, message["qty"]):
            found = out[n]
            found["ts_event"] = message["ts_event"]
            found["index"] = i
            found["qty"] = message["qty"]
            found["price"] = message["price"]
            # An execution carries the resting side; the aggressor is the other one.
            found["side"] = message["side"] if action == _TRADE else -message["side"]
            found["flags"] = flags
            n += 1
    return n


@kernel
def largest_prints(
    prints: NDArray[np.void], bounds: NDArray[np.int64], group: int, row: NDArray[np.int64], qty: NDArray[np.int64]
) -> None:
    """The largest print with an aggressor in each column: its row, its signed lots.

    `bounds`: (columns + 1,) print indices. Crosses and prints of unknown side are nobody's aggression.
    """
    for column in range(row.shape[0]):
        row[column], qty[column] = NO_PRICE, 0
        for i in range(bounds[column], bounds[column + 1]):
            if prints[i]["side"] != 0 and prints[i]["qty"] > abs(qty[column]):
                row[column] = prints[i]["price"] // group
                qty[column] = prints[i]["qty"] * (-1 if prints[i]["side"] < 0 else 1)


class Prints:
    """Every print of a tape, and what had traded where by any of its messages."""

    def __init__(self, messages: NDArray[np.void], count: int) -> None:
        """`count`: prints on the tape, as its description says (checked)."""
        found: NDArray[np.void] = np.zeros(max(count, 1), PRINT)
        n = 0
        for start in range(0, len(messages), 1 << 20):
            stop = min(start + (1 << 20), len(messages))
            if n + stop - start > len(found):
                found = np.concatenate([found[:n], np.zeros(stop - start + n // 2, PRINT)])
            n = collect_prints(messages, start, stop, found, n)
        self.records: NDArray[np.void] = found[:n]
        self.index: NDArray[np.int64] = np.ascontiguousarray(self.records["index"])
        self.clock: NDArray[np.int64] = np.maximum.accumulate(self.records["ts_event"]) if n else np.zeros(0, np.int64)
        side, qty = self.records["side"], self.records["qty"]
        self.bought: NDArray[np.int64] = _running(np.where(side > 0, qty, 0))
        self.sold: NDArray[np.int64] = _running(np.where(side < 0, qty, 0))
        self.volume: NDArray[np.int64] = _running(qty)
        self.prices, self._at = np.unique(self.records["price"].astype(np.int64), return_inverse=True)
        self._profile = np.zeros((2, len(self.prices)), np.int64)
        self._counted = 0

    def before(self, index: int) -> int:
        """Prints among the first `index` messages."""
        return int(np.searchsorted(self.index, index, "left"))

    def profile(self, count: int, low: int, rows: int, group: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lots sold and bought by the first `count` prints, per row of `group` ticks from row `low` on."""
        if count < self._counted:
            self._profile[:] = 0
            self._counted = 0
        fresh = slice(self._counted, count)
        if count > self._counted:
            at, side, qty = self._at[fresh], self.records["side"][fresh], self.records["qty"][fresh]
            for i, sign in enumerate((-1, 1)):
                mask = side == sign
                np.add.at(self._profile[i], at[mask], qty[mask])
            self._counted = count
        edges = np.searchsorted(self.prices, (low + np.arange(rows + 1)) * group)
        sums = np.concatenate([np.zeros((2, 1), np.int64), np.cumsum(self._profile, axis=1)], axis=1)
        per_row = sums[:, edges[1:]] - sums[:, edges[:-1]]
        return per_row[0], per_row[1]


def _running(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of the first 0, 1, 2 ... values, shape (n + 1,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
