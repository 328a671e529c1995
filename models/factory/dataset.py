"""Rows and what came after them: features of a tape at equal steps, the touch then, and the touch a while later."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.features.batch import advance, batch
from core.features.flow import Flow, new_flow
from core.features.spec import BUCKET, LONG
from core.jit import kernel
from core.tape.tape import Tape

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Samples:
    """What a signal is fitted on, n rows in order of time."""

    features: NDArray[np.float32]  #: shape (n, features)
    touch: NDArray[np.int64]  #: best bid and ask in ticks, shape (n, 2)
    later: NDArray[np.int64]  #: the same one horizon later
    time: NDArray[np.int64]  #: ns since the first message of its tape
    block: NDArray[np.int64]  #: what is resampled as a whole: a tape and a stretch of its time

    @property
    def move(self) -> NDArray[np.float64]:
        """Move of the mid in ticks over the horizon, shape (n,)."""
        moved: NDArray[np.float64] = (self.later.sum(axis=1) - self.touch.sum(axis=1)) / 2.0
        return moved

    def take(self, which: NDArray[np.bool_]) -> "Samples":
        """Some of the rows."""
        return Samples(self.features[which], self.touch[which], self.later[which], self.time[which], self.block[which])

    def __len__(self) -> int:
        return len(self.time)


@kernel
def _touches(
    flow: Flow,
    book: BookState,
    messages: NDArray[np.void],
    at: int,
    times: NDArray[np.int64],
    row: int,
    out: NDArray[np.int64],
) -> tuple[int, int]:
    while row < times.shape[0]:
        at, full = advance(flow, book, messages, at, messages.shape[0], times[row])
        if full:
            break
        out[row, 0], out[row, 1] = book.top[0]["best_bid"], book.top[0]["best_ask"]
        row += 1
    return at, row


def touches(messages: NDArray[np.void], book: Book, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Best bid and ask in ticks (EMPTY_BID, EMPTY_ASK if none) at `times` (ns UTC, not going back), shape (n, 2)."""
    out = np.zeros((len(times), 2), np.int64)
    flow, at, row = new_flow(), 0, 0
    while row < len(times):
        at, row = _touches(flow, book.state, messages, at, times, row, out)
        if row < len(times):
            book.grow(int(messages[at]["price"]))
    return out


def sample(tape: Tape, horizon: int, step: int, number: int = 0, block: int = 300 * SECOND) -> Samples:
    """Rows every `step` ns of a tape, with the touch `horizon` ns later. Rows without both touches are left out.

    The first ten seconds are the features' own. `number`: of the tape; `block`: ns resampled as a whole.
    """
    ts = tape.messages["ts_event"]
    first, last = int(ts[0]), int(ts.max())
    times = np.arange(first + LONG * BUCKET, last - horizon, step, dtype=np.int64)
    grid = np.union1d(times, times + horizon)
    at_grid = touches(tape.messages, tape.new_book(), grid)
    now = at_grid[np.searchsorted(grid, times)]
    later = at_grid[np.searchsorted(grid, times + horizon)]
    found = Samples(batch(tape, times), now, later, times - first, (times - first) // block + number * 1_000_000)
    sound = np.ones(len(times), np.bool_)
    for touch in (now, later):
        sound &= (touch[:, 0] != EMPTY_BID) & (touch[:, 1] != EMPTY_ASK)
    return found.take(sound)


def joined(parts: Sequence[Samples]) -> Samples:
    """Several tapes, one after the other."""
    return Samples(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.touch for part in parts]),
        np.concatenate([part.later for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.block for part in parts]),
    )


def split(samples: Samples, share: float, purge: int) -> tuple[Samples, Samples]:
    """The first `share` of a tape's time and the rest of it, with `purge` ns between them that nobody uses.

    A label looks one horizon ahead and a feature one window back: without the gap the end of the first part
    would be told what the second is asked.
    """
    border = int(samples.time[0] + share * (samples.time[-1] - samples.time[0]))
    return samples.take(samples.time < border - purge), samples.take(samples.time >= border)
