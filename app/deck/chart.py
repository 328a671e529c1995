"""The mid-price chart: a braille line over the history window or the whole day."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.segment import Segment

from app.deck.formats import SECOND, span
from app.deck.strip_panel import Key, StripPanel, fit
from core.records import NO_PRICE
from core.snapshot import Snapshot

#: Bits of the eight dots of a braille cell, by row (0 to 3) and column (0, 1).
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_NICE = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)


class Series(NamedTuple):
    """Mid prices in ticks, nan where there is none, on an even time scale."""

    mids: list[float]
    start: int  #: ns
    end: int
    now: float  #: share of the width that has happened; 1 in the window


class ChartRow(NamedTuple):
    """One row of the plot."""

    line: str
    label: str
    mark: bool  #: the last mid is in this row
    past: int  #: cells that have happened already


class ChartPanel(StripPanel):
    """Mid price over time."""

    slot, number, label, hertz = "chart", "4", "Mid price", 5

    def caption(self, snapshot: Snapshot) -> str:
        """What is shown."""
        between = self.board.glyphs.between
        if self.board.chart_day:
            return f"{between} whole tape"
        return f"{between} last {span(snapshot.history.step * len(snapshot.history.low))}"

    def hints(self) -> str:
        """Keys of the chart."""
        return self.board.hint(("chart_span", "window" if self.board.chart_day else "day"))

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """The plot and a time scale."""
        lines = max(height - 1, 0)
        digits = len(self.board.formats.price_near(snapshot.best_bid or snapshot.last_price or 0)) + 1
        label = digits if width > digits + 16 else 0
        cells = max(width - label, 0)
        series = self._series(snapshot, cells)
        present = [mid for mid in series.mids if not math.isnan(mid)]
        if not present or not lines or not cells:
            return [*[("blank",)] * lines, ("time", " " * width)][:height]
        low, high = min(present), max(present)
        room = max((high - low) * 0.06, 0.5)
        low, high = low - room, high + room
        picture = plot(series.mids, cells, lines, low, high, self.board.glyphs.ascii)
        mid = _mid(snapshot, present[-1])
        here = min(max(int((high - mid) / (high - low) * lines), 0), lines - 1)
        past = round(series.now * cells)
        every = 2 if lines < 14 else 3
        keys: list[Key] = []
        for line, text in enumerate(picture):
            at = mid if line == here else high - (line + 0.5) * (high - low) / lines
            named = label and (line == here or (line % every == 0 and abs(line - here) > 1))
            near = line == here or high - low < lines
            written = self.board.formats.price_near(at) if near else self.board.formats.price(round(at)) + " "
            price = written.rjust(label) if named else " " * label
            keys.append(ChartRow(text, price, line == here, past))
        return [*keys, ("time", self._scale(series, cells).ljust(width))]

    def _series(self, snapshot: Snapshot, cells: int) -> Series:
        overview, history = self.board.overview, snapshot.history
        if self.board.chart_day:
            if overview is None:
                return Series([], snapshot.first_ts, snapshot.last_ts, 0.0)
            length = max(overview.last_ts - overview.first_ts, 1)
            now = min(max((snapshot.clock - overview.first_ts) / length, 0.0), 1.0)
            return Series(list(overview.mid), overview.first_ts, overview.last_ts, now)
        count = min(len(history.low), cells * 2)
        if not count:
            return Series([], history.end, history.end, 1.0)
        bids, asks = history.best_bid[-count:], history.best_ask[-count:]
        mids = np.where((bids != NO_PRICE) & (asks != NO_PRICE), (bids + asks) / 2.0, np.nan)
        padding = [math.nan] * (cells * 2 - count)
        return Series(padding + mids.tolist(), history.end - cells * 2 * history.step, history.end, 1.0)

    def _scale(self, series: Series, cells: int) -> str:
        text = [" "] * cells
        length = max(series.end - series.start, 1)
        per_cell = length / cells
        gap = next((nice * SECOND for nice in _NICE if nice * SECOND >= per_cell * 12), 86_400 * SECOND)
        offset = self.board.formats.offset(series.end)
        moment = -(-(series.start + offset) // gap) * gap - offset
        while moment < series.end:
            label = self.board.formats.time(moment) if gap < 60 * SECOND else self.board.formats.minute(moment)
            at = int((moment - series.start) / per_cell)
            if at + len(label) <= cells:
                text[at : at + len(label)] = label
            moment += gap
        return "".join(text)

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        ink, paper = self.board.ink, self.board.ink.paper
        if isinstance(key, ChartRow):
            line = ink.text(paper.text)
            return fit(
                [
                    Segment(key.line[: key.past], line),
                    Segment(key.line[key.past :], ink.text(paper.faint)),
                    Segment(key.label, ink.text(paper.accent if key.mark else paper.muted, key.mark)),
                ],
                width,
            )
        kind, *rest = key
        return fit([Segment(rest[0] if kind == "time" else "", ink.text(paper.muted))], width)


def plot(values: Sequence[float], cells: int, lines: int, low: float, high: float, plain: bool) -> list[str]:
    """A line through `values` in `lines` rows of `cells`: braille (2 by 4 dots a cell) or, plain, asterisks."""
    across, down = (1, 1) if plain else (2, 4)
    dots, levels = cells * across, lines * down
    grid = [[0] * cells for _ in range(lines)]
    previous: int | None = None
    count = len(values)
    for dot in range(dots):
        value = values[min(dot * count // dots, count - 1)]
        if math.isnan(value):
            previous = None
            continue
        level = min(max(int((high - value) / (high - low) * levels), 0), levels - 1)
        first, last = (level, level) if previous is None else (min(level, previous), max(level, previous))
        if previous is not None and first < last:
            first, last = (first, last - 1) if level == first else (first + 1, last)
        for at in range(first, last + 1):
            grid[at // down][dot // across] |= 1 if plain else _DOTS[at % 4][dot % 2]
        previous = level
    if plain:
        return ["".join("*" if cell else " " for cell in row) for row in grid]
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in grid]


def _mid(snapshot: Snapshot, fallback: float) -> float:
    if snapshot.best_bid is None or snapshot.best_ask is None:
        return fallback
    return (snapshot.best_bid + snapshot.best_ask) / 2
