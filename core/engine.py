"""The straight line of a tape that is played: tape -> book -> history -> snapshot.

With agents in it the line goes on: book -> features -> signal -> policy -> DECISION -> gate -> REJECT | ORDER ->
venue -> ACK / FILL -> account -> snapshot. That half is one compiled loop, `core/line/run.py`, and `core/trading.py`
is this engine with a desk (`core/desk/`) in it. One owner; a screen only ever sees snapshots.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.book.view import level_qty, rows_of
from core.enums import Result
from core.history import Prints, new_sampler, play, sample
from core.history_view import history_view
from core.records import NO_PRICE
from core.snapshot import HistoryView, LadderView
from core.tape.tape import Tape

#: Rows of the ladder in a snapshot, centred on the touch.
LADDER_ROWS = 384
_FOREVER = 2**63 - 1


@dataclass(slots=True)
class View:
    """How the past and the depth are sampled."""

    group: int = 1  #: ticks per row
    step: int = 1_000_000_000  #: ns per history column
    columns: int = 400


class Engine:
    """Plays one tape: moves forward by applying messages, anywhere else by checkpoints."""

    def __init__(self, tape: Tape, view: View | None = None) -> None:
        self.tape = tape
        self.view = view or View(group=usual_group(tape))
        self.messages = tape.messages
        self.prints = Prints(tape.messages, tape.meta.prints)
        self.first_ts, self.last_ts = tape.meta.first_ts, tape.meta.last_ts
        self.seek(0)

    def seek(self, index: int) -> None:
        """Put everything at the moment after the first `index` messages, history included."""
        index = min(max(index, 0), len(self.messages))
        clock = self.tape.at(index).clock if index else self.first_ts
        past = clock - self.view.step * self.view.columns
        start = self.tape.index_at(past) if index else 0
        place = self.tape.at(min(start, index))
        self.book, self.index, self.clock = place.book, place.index, place.clock or self.first_ts
        self.sampler = new_sampler(self.view.columns, self.view.step, self.view.group)
        if start:
            # The book stood still until the next message: those columns are shown too.
            self.sampler.meta[1] = (past // self.view.step + 1) * self.view.step
        self.advance(index)

    def advance(self, stop: int, until: int = _FOREVER) -> bool:
        """Apply messages up to index `stop`, or up to and including time `until`. True when `until` was reached."""
        stop = min(stop, len(self.messages))
        first, reason = self.index, 0
        while self.index < stop:
            self.index, reason = play(self.book.state, self.messages, self.index, stop, until, self.sampler)
            if reason == 2:
                self.book.grow(int(self.messages[self.index]["price"]))
            elif reason == 1:
                break
        if self.index > first:
            # Times may step back inside a chunk; the clock does not.
            self.clock = max(self.clock, int(self.messages["ts_event"][first : self.index].max()))
        return reason == 1

    def ladder(self) -> LadderView:
        """Depth and traded volume around the touch."""
        group, (bid, ask) = self.view.group, self.book.best()
        if bid is None and ask is None:
            done = self.prints.before(self.index)
            price = int(self.prints.records["price"][done - 1]) if done else NO_PRICE
            middle = price if price != NO_PRICE else self.tape.meta.low_price
        elif bid is None or ask is None:
            middle = bid if bid is not None else ask or 0
        else:
            middle = (bid + ask) // 2
        low = middle // group - LADDER_ROWS // 2
        bids, bid_orders = self._side(0, low, group)
        asks, ask_orders = self._side(1, low, group)
        sold, bought = self.prints.profile(self.prints.before(self.index), low, LADDER_ROWS, group)
        return LadderView(group, low, bids, asks, sold, bought, bid_orders, ask_orders)

    def _side(self, side: int, low: int, group: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        quantity, orders = np.zeros(LADDER_ROWS, np.int64), np.zeros(LADDER_ROWS, np.int32)
        rows_of(self.book.state, side, low, group, quantity, orders)
        return quantity, orders

    def history(self) -> HistoryView:
        """The sampled past, the open column last."""
        sample(self.book.state, self.sampler, int(self.sampler.meta[2]) % self.view.columns)
        return history_view(self.sampler, self.prints, self.prints.before(self.index), self.clock)

    def touch_qty(self, side: int) -> int:
        """Lots at the best price of a side, 0 bid, 1 ask."""
        price = self.book.best()[side]
        return int(level_qty(self.book.state, price, side)) if price is not None else 0

    def anomalies(self) -> tuple[tuple[str, int], ...]:
        """What went wrong in the data so far: result codes and their counts.

        Taking from anonymous quantity is how windowed tapes work, not a fault.
        """
        results = self.book.results
        named = ((Result(i), int(n)) for i, n in enumerate(results) if n)
        return tuple((code.name.lower(), n) for code, n in named if code != Result.FROM_ANONYMOUS)


def usual_group(tape: Tape) -> int:
    """Ticks per row at which the touch and the next few levels fit on a screen."""
    book = tape.at(len(tape.messages) // 2).book
    ask_price, ask_qty, bid_price, bid_qty = book.depth(5)
    if not ask_qty[0] or not bid_qty[0]:
        return 1
    spread = int(ask_price[0] - bid_price[0])
    reach = max(
        int(ask_price[np.count_nonzero(ask_qty) - 1] - ask_price[0]),
        int(bid_price[0] - bid_price[np.count_nonzero(bid_qty) - 1]),
    )
    group, steps = 1, (2, 5, 10)
    decade = 1
    while spread > 12 * group * 2 or reach > 30 * group:
        larger = [decade * s for s in steps if decade * s > group]
        if not larger:
            decade *= 10
            continue
        group = larger[0]
    return group
