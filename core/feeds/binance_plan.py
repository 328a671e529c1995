"""The rows of a batch of capture lines, planned line by line and built in one go."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag
from core.feeds.binance_lines import Line
from core.feeds.binance_sync import Diff, Levels
from core.records import ABSENT, ROW

_END = int(Flag.ROW_END | Flag.EVENT_END)
_LEVEL, _TRADE = int(Action.LEVEL), int(Action.TRADE)


@dataclass(slots=True)
class Plan:
    """The rows of a batch as ranges of levels; index 0 of `levels` is the row without price."""

    levels: list[Levels]
    offsets: dict[int, int]
    size: int
    parts: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    @classmethod
    def over(cls, levels: Levels) -> "Plan":
        """An empty plan over the levels of a batch."""
        none = Levels(np.array([ABSENT]), np.zeros(1, np.int64), np.zeros(1, np.int64))
        return cls([none, levels], {id(levels): 1}, 1 + len(levels.price))

    def add(self, action: int, flags: int, ts: int, line: Line, row: int, span: tuple[int, int] | None = None) -> None:
        """Rows of one action: a range of this batch's levels, or one row without price."""
        start, stop = (span[0] + 1, span[1] + 1) if span else (0, 1)
        self.parts.append((start, stop, action, flags, ts, line.receive, row))
        self.ids.append(line.final if action == _TRADE else 0)

    def add_diff(self, diff: Diff, line: Line, row: int) -> None:
        """The levels of a diff, of this batch or an earlier one."""
        if id(diff.levels) not in self.offsets:
            self.levels.append(diff.levels)
            self.offsets[id(diff.levels)] = self.size
            self.size += len(diff.levels.price)
        base = self.offsets[id(diff.levels)]
        if diff.stop > diff.start:
            self.parts.append((base + diff.start, base + diff.stop, _LEVEL, 0, diff.ts, line.receive, row))
            self.ids.append(0)

    def rows(self) -> NDArray[np.void]:
        """ROW records; the last of each source row ends the row and the event."""
        parts = np.array(self.parts, np.int64).reshape(-1, 7)
        count = parts[:, 1] - parts[:, 0]
        part = np.repeat(np.arange(len(parts)), count)
        ends = np.cumsum(count)
        take = np.arange(len(part)) - (ends - count)[part] + parts[part, 0]
        rows = np.zeros(len(part), ROW)
        for name in ("price", "qty", "side"):
            rows[name] = np.concatenate([getattr(levels, name) for levels in self.levels])[take]
        for column, name in enumerate(("action", "flags", "ts_event", "ts_recv", "source_row"), 2):
            rows[name] = parts[part, column]
        rows["order_id"] = np.array(self.ids, np.uint64)[part]
        if len(rows):
            last = np.append(np.flatnonzero(np.diff(rows["source_row"])), len(rows) - 1)
            rows["flags"][last] |= _END
        return rows
