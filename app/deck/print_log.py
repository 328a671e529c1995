"""The prints a tape panel has seen: the newest few thousand, and how many it could not see."""

from typing import NamedTuple

import numpy as np

from core.records import PRINT
from core.snapshot import Snapshot

KEPT = 4096


class Shown(NamedTuple):
    """One line of the tape."""

    ts: int
    price: int
    qty: int
    side: int
    flags: int
    missing: int  #: prints between this one and the one before that no snapshot carried


class PrintLog:
    """Collects prints from snapshots that overlap, or do not when the tape runs faster than the screen."""

    def __init__(self) -> None:
        self._prints = np.zeros(2 * KEPT, PRINT)
        self._numbers = np.zeros(2 * KEPT, np.int64)  #: of each kept print in its day, from 1
        self._used = 0
        self.total = 0  #: prints since the start of the day
        self.anchor: int | None = None  #: `total` when the view was held

    def extend(self, snapshot: Snapshot) -> None:
        """Take what is new in `snapshot`; start over when the tape went back."""
        total, prints = snapshot.prints_total, snapshot.prints
        if total < self.total or self._replaced(snapshot):
            self._used = self.total = 0
            if self.anchor is not None:
                self.anchor = total
        new = min(total - self.total, len(prints), KEPT)
        self.total = total
        if new <= 0:
            return
        if self._used + new > len(self._prints):
            keep = min(KEPT, len(self._prints) - new)
            for kept in (self._prints, self._numbers):
                kept[:keep] = kept[self._used - keep : self._used].copy()
            self._used = keep
        end = self._used + new
        self._prints[self._used : end] = prints[len(prints) - new :]
        self._numbers[self._used : end] = np.arange(total - new + 1, total + 1)
        self._used = end

    def hold(self, held: bool) -> None:
        """Let the view stand at the newest print of now, or go on."""
        self.anchor = self.total if held else None

    @property
    def waiting(self) -> int:
        """Prints since the view was held."""
        return 0 if self.anchor is None else self.total - self.anchor

    def view(self, count: int, back: int = 0, smallest: int = 0) -> list[Shown]:
        """At most `count` prints of at least `smallest` lots, newest first, `back` prints before the newest."""
        used = self._used
        if self.anchor is not None:
            used = int(np.searchsorted(self._numbers[:used], self.anchor, "right"))
        if smallest > 1:
            at = np.flatnonzero(self._prints["qty"][:used] >= smallest)
            at = at[max(len(at) - back - count, 0) : max(len(at) - back, 0)][::-1]
        else:
            stop = max(used - back, 0)
            at = np.arange(max(stop - count, 0), stop)[::-1]
        chosen = self._prints[at]
        columns = [chosen[name].tolist() for name in ("ts_event", "price", "qty", "side", "flags")]
        missing = np.where(at > 0, self._numbers[at] - self._numbers[at - 1] - 1, 0) * (smallest <= 1)
        return [Shown(*values) for values in zip(*columns, missing.tolist(), strict=True)]

    def sizes(self) -> list[int]:
        """Lots of every kept print."""
        kept: list[int] = self._prints[: self._used]["qty"].tolist()
        return kept

    def _replaced(self, snapshot: Snapshot) -> bool:
        """Whether an equal total belongs to another past (a seek back and forth between two frames)."""
        if not self._used or snapshot.prints_total != self.total or not len(snapshot.prints):
            return False
        return bool(self._prints[self._used - 1]["index"] != snapshot.prints[-1]["index"])
