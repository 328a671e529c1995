"""The market of a tape without us: its touch at every message, its book at every second, its prints.

One replay of the tape answers every question of a comparison: the mid that would have been at each of our fills,
where a parent order can start, and what was known of volume and volatility before it did.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply_one
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.book.view import level_qty
from core.enums import Flag, Result
from core.history import Prints
from core.jit import kernel
from core.records import NO_PRICE
from core.tape.tape import Tape

_FULL, _CROSS = int(Result.FULL), int(Flag.CROSS)
_SECOND = 1_000_000_000
_CHUNK = 1 << 18
_SAMPLES = 1 << 18  # at most: a longer tape is sampled less often
_CLOCK, _NEXT, _STEP, _CLOSED, _BID, _ASK, _FOUND = range(7)

#: The touch from a message on (32 bytes).
TOUCH = np.dtype(
    [
        ("index", "<i8"),  # messages applied
        ("clock", "<i8"),  # ns UTC of the last one, running maximum
        ("bid", "<i8"),  # ticks; EMPTY_BID, EMPTY_ASK if none
        ("ask", "<i8"),
    ]
)
#: The book at one moment: what all messages before it made (32 bytes).
SAMPLE = np.dtype(
    [
        ("bid", "<i8"),  # ticks; EMPTY_BID, EMPTY_ASK if none
        ("ask", "<i8"),
        ("bid_qty", "<i8"),  # lots
        ("ask_qty", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class Market:
    """What a tape showed. All times ns UTC by the running maximum of event times."""

    first_ts: int  #: of the first message
    last_ts: int
    touch: NDArray[np.void]  #: TOUCH, one for each change, the first before any message
    step: int  #: ns between samples
    samples: NDArray[np.void]  #: SAMPLE, number k at `first_ts + k * step`
    print_clock: NDArray[np.int64]  #: time of each print
    volume: NDArray[np.int64]  #: lots traded before each print, and in all, shape (prints + 1,)
    continuous: NDArray[np.int64]  #: the same without crosses, which no order that is worked can join

    def mid2_after(self, cursors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Twice the mid in ticks after so many messages each, NO_PRICE where a side was empty. Shape as given."""
        return self._mid2(np.searchsorted(self.touch["index"], cursors, "right") - 1)

    def mid2_at(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same after all messages up to and including each time."""
        return self._mid2(np.searchsorted(self.touch["clock"], times, "right") - 1)

    def last_mid2(self, time: int) -> int:
        """The last mid known at a time, twice; NO_PRICE if there never was one."""
        at = int(np.searchsorted(self.touch["clock"], time, "right")) - 1
        while at > 0 and (self.touch[at]["bid"] == EMPTY_BID or self.touch[at]["ask"] == EMPTY_ASK):
            at -= 1
        return int(self._mid2(np.array([at]))[0])

    def traded(self, start: int, stop: int) -> int:
        """Lots printed from `start` until before `stop`, crosses apart."""
        low, high = np.searchsorted(self.print_clock, [start, stop], "left")
        return int(self.continuous[high] - self.continuous[low])

    def _mid2(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        found = self.touch[np.maximum(at, 0)]
        known = (found["bid"] != EMPTY_BID) & (found["ask"] != EMPTY_ASK)
        return np.where(known, found["bid"] + found["ask"], NO_PRICE)


def read_market(tape: Tape) -> Market:
    """Replay a tape once. Raises `TapeError`."""
    messages = tape.messages
    first = int(messages[0]["ts_event"]) if len(messages) else tape.meta.first_ts
    prints = Prints(messages, tape.meta.prints)
    last = max(tape.meta.last_ts, first)
    step = max(_SECOND, -(-(last - first + 1) // _SAMPLES))
    samples: NDArray[np.void] = np.zeros((last - first) // step + 1, SAMPLE)
    book, meta = tape.new_book(), np.zeros(7, np.int64)
    meta[[_CLOCK, _NEXT, _STEP, _BID, _ASK]] = first, first, step, EMPTY_BID, EMPTY_ASK
    found = [np.array([(0, first, EMPTY_BID, EMPTY_ASK)], TOUCH)]
    out, at, total = np.zeros(_CHUNK, TOUCH), 0, len(messages)
    while at < total:
        meta[_FOUND] = 0
        reached = trace(book.state, messages, at, min(total, at + _CHUNK), out, samples, meta)
        found.append(out[: meta[_FOUND]].copy())
        if reached == at:
            book.grow(int(messages[at]["price"]))
        at = reached
    samples = samples[: meta[_CLOSED]]
    worked = np.where(prints.records["flags"] & _CROSS, 0, prints.records["qty"])
    return Market(
        first_ts=first,
        last_ts=int(meta[_CLOCK]),
        touch=np.concatenate(found),
        step=step,
        samples=samples,
        print_clock=_clock_of(messages, prints.index),
        volume=prints.volume,
        continuous=np.concatenate([np.zeros(1, np.int64), np.cumsum(worked, dtype=np.int64)]),
    )


def _clock_of(messages: NDArray[np.void], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Running maximum of the event times up to each message of `index` (ascending), ns UTC.

    A print stamped earlier than the message before it was not known earlier.
    """
    out, latest = np.empty(len(index), np.int64), np.iinfo(np.int64).min
    for start in range(0, len(messages), _CHUNK):
        clock = np.maximum(np.maximum.accumulate(messages["ts_event"][start : start + _CHUNK]), latest)
        low, high = np.searchsorted(index, [start, start + _CHUNK], "left")
        out[low:high] = clock[index[low:high] - start]
        latest = int(clock[-1])
    return out


@kernel
def trace(
    book: BookState,
    messages: NDArray[np.void],
    start: int,
    stop: int,
    out: NDArray[np.void],
    samples: NDArray[np.void],
    meta: NDArray[np.int64],
) -> int:
    """Apply messages from `start` to `stop`, keeping each change of the touch in `out` and samples on the way.

    Returns the next index; short of `stop` the book must grow first. `meta`: clock, time of the next sample, ns
    between samples, samples taken, touch, changes kept.
    """
    for i in range(start, stop):
        message = messages[i]
        ts = message["ts_event"]
        while ts >= meta[_NEXT] and meta[_CLOSED] < samples.shape[0]:
            _sample(book, samples[meta[_CLOSED]])
            meta[_CLOSED] += 1
            meta[_NEXT] += meta[_STEP]
        code = apply_one(
            book,
            message["action"],
            message["side"],
            message["flags"],
            message["slot"],
            message["order_id"],
            message["qty"],
            message["price"],
        )
        if code == _FULL:
            return i
        meta[_CLOCK] = max(meta[_CLOCK], ts)
        top = book.top[0]
        if top["best_bid"] != meta[_BID] or top["best_ask"] != meta[_ASK]:
            meta[_BID], meta[_ASK] = top["best_bid"], top["best_ask"]
            change = out[meta[_FOUND]]
            change["index"], change["clock"] = i + 1, meta[_CLOCK]
            change["bid"], change["ask"] = top["best_bid"], top["best_ask"]
            meta[_FOUND] += 1
    return stop


@kernel
def _sample(book: BookState, sample: np.void) -> None:
    bid, ask = book.top[0]["best_bid"], book.top[0]["best_ask"]
    sample["bid"], sample["ask"] = bid, ask
    sample["bid_qty"] = level_qty(book, bid, 0) if bid != EMPTY_BID else 0
    sample["ask_qty"] = level_qty(book, ask, 1) if ask != EMPTY_ASK else 0
