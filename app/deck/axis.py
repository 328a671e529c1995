"""The price axis that ladder and heat map share: the same price on the same screen line."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.snapshot import Snapshot


class PriceAxis:
    """A static axis: prices descend, rows do not move, the touch walks. Rows are groups of ticks."""

    def __init__(self, margin: int = 3) -> None:
        self.margin = margin  #: rows to the edge at which a following axis recentres
        self.top = 0  #: price row of the first line
        self.lines = 0
        self.group = 1  #: ticks per row
        self.following = True  #: recentre without being asked
        self.known = False

    def follow(self, snapshot: Snapshot, lines: int, steady: bool = False) -> None:
        """Fit the axis to `lines` screen lines and, where due and not `steady`, to the touch."""
        group = snapshot.ladder.group
        touch = touch_rows(snapshot)
        if lines <= 0 or touch is None:
            self.lines = max(lines, 0)
            return
        middle = self._aim(touch, lines)
        if not self.known or group != self.group:
            self.group, self.known, self.lines = group, True, lines
            self._centre_on(middle)
        elif lines != self.lines:
            middle_of_view = self.top - self.lines // 2
            self.lines = lines
            self._centre_on(middle_of_view)
        margin = min(self.margin, (lines - 1) // 3)
        if self.following and not steady and not margin <= self.top - middle < lines - margin:
            self._centre_on(middle)

    def centre(self, snapshot: Snapshot) -> None:
        """Recentre now and follow from here on."""
        self.following = True
        touch = touch_rows(snapshot)
        if touch is not None:
            self._centre_on(self._aim(touch, self.lines))

    def scroll(self, rows: int) -> None:
        """Move the view by `rows` (positive: to higher prices) and stop following."""
        self.following = False
        self.top += rows

    def reveal(self, row: int) -> None:
        """Move the view by as little as brings `row` into sight; where it must move it stops following."""
        top = min(max(self.top, row), row + max(self.lines, 1) - 1)
        if self.known and top != self.top:
            self.top, self.following = top, False

    def off_screen(self, snapshot: Snapshot) -> int:
        """Rows from the nearest edge to the touch: positive above, negative below, 0 when in sight."""
        touch = touch_rows(snapshot)
        if touch is None or not self.lines:
            return 0
        bottom = self.top - self.lines + 1
        if touch[0] > self.top:
            return touch[0] - self.top
        return min(touch[1] - bottom, 0)

    def _aim(self, touch: tuple[int, int], lines: int) -> int:
        """The row to keep in sight: between bid and ask; where they do not fit, the one in sight, else the bid."""
        low, high = touch
        if high - low < lines:
            return (low + high) // 2
        return high if 0 <= self.top - high < lines and not 0 <= self.top - low < lines else low

    def _centre_on(self, row: int) -> None:
        self.top = row + self.lines // 2


def touch_rows(snapshot: Snapshot) -> tuple[int, int] | None:
    """Rows of the best bid and the best ask; of the only one, or of the last price, where one is missing."""
    bid, ask, last = snapshot.best_bid, snapshot.best_ask, snapshot.last_price
    low = bid if bid is not None else ask if ask is not None else last
    high = ask if ask is not None else low
    if low is None or high is None:
        return None
    group = snapshot.ladder.group
    return low // group, high // group


def descending(values: NDArray[np.generic], low: int, top: int, lines: int) -> list[int]:
    """Values of rows `top`, `top - 1`, ... as plain numbers, 0 outside of the array that starts at row `low`."""
    bottom = top - lines + 1
    first, last = max(bottom, low), min(top, low + len(values) - 1)
    if first > last:
        return [0] * lines
    inside: list[int] = values[first - low : last - low + 1][::-1].tolist()
    return [0] * (top - last) + inside + [0] * (first - bottom)


def round_up(value: float) -> int:
    """The next of 1, 1.5, 2, 3, 5, 7 times a power of ten: scales that rarely change."""
    power = 1
    while True:
        for step in (2, 3, 4, 6, 10, 14):
            if value <= step * power // 2:
                return max(step * power // 2, 1)
        power *= 10


def typical_top(values: Sequence[int], share: float = 0.9) -> int:
    """A value that `share` of the non-zero ones do not exceed; 1 when all are zero."""
    present = sorted(value for value in values if value)
    return present[min(int(len(present) * share), len(present) - 1)] if present else 1
