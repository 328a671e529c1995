"""The rule by which Binance depth diffs and a REST snapshot make one book.

Spot: diffs with `u <= lastUpdateId` are dropped, the first one applied has `U <= lastUpdateId + 1 <= u`, then
each `U` is the previous `u + 1`. Futures: diffs with `u < lastUpdateId` are dropped, the first one applied has
`U <= lastUpdateId <= u`, then each `pu` is the previous `u`. Two things follow from the same reasoning and are
accepted: a futures snapshot that falls between `pu` and `U` (nothing happened there), and a diff that
overlaps what is already applied (quantities are absolute). Anything else is a gap: the book is broken until
a snapshot joins again.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

#: Diffs kept for a snapshot that arrives late: minutes of the fastest stream.
KEEP = 4096


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices, quantities (units) and sides of a batch of lines, shape (n,)."""

    price: NDArray[np.int64]
    qty: NDArray[np.int64]
    side: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Diff:
    """One depthUpdate: its ids and where its levels stand."""

    first: int  #: U
    final: int  #: u
    previous: int | None  #: pu, futures only
    ts: int  #: ns UTC
    levels: Levels
    start: int
    stop: int

    @property
    def floor(self) -> int:
        """The update the diff builds on."""
        return self.first - 1 if self.previous is None else self.previous


class Fate(Enum):
    """What becomes of a diff."""

    APPLY = "applied"
    WAIT = "kept until a snapshot arrives"
    OLD = "already in the book"
    GAP = "does not follow: the book is broken"


@dataclass(slots=True)
class Sync:
    """Where a capture stands: without book, with a snapshot that waits for its first diff, or in step."""

    last: int | None = None  #: final id of the book; None = no book
    joining: bool = False  #: the book is a snapshot, no diff applied yet
    gaps: int = 0
    overlaps: int = 0
    recent: deque[Diff] = field(default_factory=lambda: deque(maxlen=KEEP))

    def diff(self, diff: Diff) -> Fate:
        """Take the next diff of the stream."""
        if self.last is None:
            return self._wait(diff)
        if self.joining:
            if _stale(diff, self.last):
                return Fate.OLD
            fits = _joins(diff, self.last)
        else:
            if diff.final <= self.last:
                return Fate.OLD
            fits = diff.floor <= self.last
            self.overlaps += fits and diff.floor < self.last
        if fits:
            self.last, self.joining = diff.final, False
            self.recent.append(diff)
            return Fate.APPLY
        self._break(diff)
        return Fate.GAP

    def _wait(self, diff: Diff) -> Fate:
        if self.recent:
            newest = self.recent[-1].final
            if diff.final <= newest:
                return Fate.OLD
            if diff.floor > newest:
                # No snapshot from before this hole can be carried across it.
                self._break(diff)
                return Fate.WAIT
        self.recent.append(diff)
        return Fate.WAIT

    def _break(self, diff: Diff) -> None:
        self.gaps += 1
        self.last, self.joining = None, False
        self.recent.clear()
        self.recent.append(diff)

    def snapshot(self, update_id: int) -> list[Diff] | None:
        """Take a snapshot: the kept diffs to apply on top of it, or None when it is too old to join."""
        chain = [diff for diff in self.recent if not _stale(diff, update_id)]
        if chain and not _joins(chain[0], update_id):
            return None
        self.last, self.joining = (chain[-1].final, False) if chain else (update_id, True)
        self.recent.clear()
        self.recent.extend(chain)
        return chain


def _stale(diff: Diff, update_id: int) -> bool:
    return diff.final <= update_id if diff.previous is None else diff.final < update_id


def _joins(diff: Diff, update_id: int) -> bool:
    if diff.previous is None:
        return diff.first <= update_id + 1 <= diff.final
    return min(diff.first, diff.previous) <= update_id <= diff.final
