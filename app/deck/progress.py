"""Execution progress: a parent order against its schedule and its benchmarks."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from app.deck import table
from app.deck.chart import plot
from app.deck.figures import basis_points, left, percent
from app.deck.formats import plain
from app.deck.strip_panel import Key, StripPanel, fit
from app.deck.table import Cell, Said
from core.desk_view import ParentView
from core.snapshot import Snapshot

STATS = 26  #: cells of the numbers beside the curve
LEAST = 20  #: cells of the narrowest curve worth drawing


class CurveRow(NamedTuple):
    """One row of the curves, and one number beside it."""

    planned: str
    done: str
    label: str
    value: str
    colour: str
    side: int


class ProgressPanel(StripPanel):
    """Planned and done over the window, and the numbers a trader is asked for."""

    slot, number, label, hertz = "progress", "0", "Progress", 5

    def caption(self, snapshot: Snapshot) -> str:
        """Which of the parent orders."""
        parents = snapshot.desk.parents if snapshot.desk else ()
        if not parents:
            return ""
        return f"{self.board.glyphs.between} {self._place(len(parents)) + 1} of {len(parents)}"

    def hints(self) -> str:
        """Keys of the parents."""
        return self.board.hint(("parent_previous parent_next", "parent order"))

    def _place(self, count: int) -> int:
        return min(max(self.board.desk.parent, 0), count - 1)

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """A title, the curves with the numbers, and the window's ends."""
        parents = snapshot.desk.parents if snapshot.desk else ()
        if not parents or height < 1:
            return table.padded([Said((Cell(" no parent order", "muted"),))], height)
        parent = parents[self._place(len(parents))]
        stats = self._stats(parent, snapshot)
        beside = width >= STATS + LEAST
        lines = max(height - 2, 0) if beside else max(height - 2 - len(stats), 0)
        cells = width - STATS - 2 if beside else max(width - 1, 0)
        keys: list[Key] = [self._title(parent)]
        keys += self._curves(parent, stats if beside else [], cells, lines)
        ends = self.board.formats.time(parent.start), self.board.formats.time(parent.end)
        if height >= 2:
            gap = max(cells - len(ends[0]) - len(ends[1]), 1)
            keys.append(Said((Cell(f" {ends[0]}{' ' * gap}{ends[1]}", "muted"),)))
        if not beside:
            keys += [Said((Cell(f" {label:<9}", "muted"), Cell(value, colour))) for label, value, colour in stats]
        return [*keys, *[Said(())] * (height - len(keys))][:height]

    def _title(self, parent: ParentView) -> Said:
        contracts, glyphs = self.board.desk.contracts, self.board.glyphs
        limit = "" if parent.limit is None else f" limit {contracts.price(parent.symbol, parent.limit)}"
        quantity = contracts.quantity(parent.symbol, parent.qty)
        return Said(
            (
                Cell(f" {plain(parent.agent)} ", "!strong"),
                Cell(f"{plain(parent.policy)}  ", "muted"),
                table.side_word(parent.side, glyphs),
                Cell(f" {quantity} {plain(parent.symbol)}{limit}", "text"),
            )
        )

    def _stats(self, parent: ParentView, snapshot: Snapshot) -> list[tuple[str, str, str]]:
        """Label, value and colour; the most asked for first, they are cut from below."""
        contracts, minus, symbol = self.board.desk.contracts, self.board.glyphs.minus, parent.symbol
        share = parent.filled / parent.qty if parent.qty else math.nan
        due = planned_now(parent, snapshot.clock)
        rest = contracts.quantity(symbol, max(parent.qty - parent.filled, 0))
        short = parent.shortfall_bps
        return [
            ("done", f"{contracts.quantity(symbol, parent.filled)} {percent(share)}", "!strong"),
            ("plan", f"{percent(due)} {self._lag(parent, due)}", "text"),
            ("left", rest, "text"),
            ("to go", self._to_go(parent, snapshot.clock), "text"),
            ("shortfall", basis_points(short, minus), "!" + table.sign_colour(0.0 if math.isnan(short) else -short)),
            ("average", contracts.price_near(symbol, parent.average), "text"),
            ("arrival", contracts.price_near(symbol, parent.arrival), "text"),
            ("vwap", contracts.price_near(symbol, parent.vwap), "text"),
        ]

    def _lag(self, parent: ParentView, due: float) -> str:
        if math.isnan(due):
            return ""
        lots = round(due * parent.qty) - parent.filled
        word = "behind" if lots > 0 else "ahead"
        return f"{self.board.desk.contracts.quantity(parent.symbol, abs(lots), 7)} {word}" if lots else "on plan"

    def _to_go(self, parent: ParentView, clock: int) -> str:
        if clock < parent.start:
            return f"starts in {left(parent.start - clock)}"
        return left(parent.end - clock)

    def _curves(self, parent: ParentView, stats: list[tuple[str, str, str]], cells: int, lines: int) -> list[CurveRow]:
        plain_glyphs = self.board.glyphs.ascii
        curves = [_drawn(values, cells, lines, plain_glyphs) for values in (parent.planned, parent.done)]
        rows = []
        for line in range(lines):
            label, value, colour = stats[line] if line < len(stats) else ("", "", "text")
            rows.append(CurveRow(curves[0][line], curves[1][line], label, value, colour, parent.side))
        return rows

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row; where both curves meet, what is done is drawn."""
        ink, glyphs = self.board.ink, self.board.glyphs
        if not isinstance(key, CurveRow):
            return table.paint(key, (), width, ink, glyphs)
        done = table.look(ink, "!bid" if key.side > 0 else "!ask")
        plan, label = table.look(ink, "text"), table.look(ink, "muted")
        segments = [Segment(" ", label)]
        for text, is_done in merged(key.planned, key.done, glyphs.ascii):
            segments.append(Segment(text, done if is_done else plan))
        segments.append(Segment(f" {key.label:<9}", label))
        segments.append(Segment(f" {key.value}", table.look(ink, key.colour)))
        return fit(segments, width)


def planned_now(parent: ParentView, clock: int) -> float:
    """Fraction that should be done now, nan without a plan."""
    count = len(parent.planned)
    if not count or parent.end <= parent.start:
        return math.nan
    at = min(max((clock - parent.start) / (parent.end - parent.start), 0.0), 1.0) * (count - 1)
    return float(np.interp(at, np.arange(count), parent.planned))


def merged(planned: str, done: str, plain_glyphs: bool) -> list[tuple[str, bool]]:
    """Runs of the two curves in one row: (text, whether it is what is done)."""
    runs: list[tuple[str, bool]] = []
    for one, two in zip(planned, done, strict=True):
        is_done = two != " "
        if is_done and one != " " and not plain_glyphs:
            two = chr(ord(one) | ord(two))
        text = two if is_done else "." if plain_glyphs and one != " " else one
        if runs and runs[-1][1] == is_done:
            runs[-1] = (runs[-1][0] + text, is_done)
        else:
            runs.append((text, is_done))
    return runs


def _drawn(values: NDArray[np.float64], cells: int, lines: int, plain: bool) -> list[str]:
    if not len(values) or cells <= 0 or lines <= 0:
        return [" " * max(cells, 0)] * max(lines, 0)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return [" " * cells] * lines
    at = np.linspace(0, len(values) - 1, cells * (1 if plain else 2))
    drawn = np.interp(at, known, values[known])
    drawn[(at > known[-1]) | (at < known[0])] = np.nan
    return plot(drawn.tolist(), cells, lines, 0.0, 1.0, plain)
