"""The book heat map: time by price, depth as brightness, on the ladder's own price axis.

Each cell holds two history columns (left and right half), so the picture is a matrix of small numbers:
`kind * 144 + left level * 12 + right level`. A row's key is the bytes of its codes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from app.deck.axis import PriceAxis
from app.deck.board import Board
from app.deck.formats import SECOND, span
from app.deck.ink import LEVELS, mix
from app.deck.ladder import HEADER_LINES
from app.deck.strip_panel import Key, StripPanel, fit
from core.records import MAX_QTY, NO_PRICE
from core.snapshot import HistoryView, Snapshot

BRIGHT = 8  #: from this level on, marks are drawn against the light
FLOOR = 0.05  #: share of depths at the dark end
GAMMA = 0.8  #: below 1: more difference among small depths
_PAIR = LEVELS * LEVELS
#: Kinds of cell: depth; best bid or ask; prints by size, bought then sold; our own fills.
_DEPTH, _BID, _ASK, _BOUGHT, _SOLD, _OWN_BOUGHT, _OWN_SOLD = 0, 1, 2, 3, 6, 9, 10
_NICE = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


class HeatRow(NamedTuple):
    """One price row: codes of its cells and the price written at its end."""

    codes: bytes
    price: str
    mark: int  #: 1 best bid, -1 best ask, 2 last price, 0 none


class HeatPanel(StripPanel):
    """Depth over time. Bright = much rests there."""

    slot, number, label, hertz = "heat", "2", "Book heat map", 10

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._low, self._top = 0.0, 0.0  #: lots at the ends of the brightness scale, moved only when clearly wrong
        self._cut = 0.0  #: cut the scale was made for
        self.drawn_at = (0, 0)  #: top row and group of the axis when it was drawn
        self._styles: tuple[int, list[tuple[str, Style]]] = (-1, [])

    def caption(self, snapshot: Snapshot) -> str:
        """Time per column and the cut-off."""
        step, between = span(snapshot.history.step), self.board.glyphs.between
        top = self.board.formats.quantity(int(self._top), 7)
        return f"{between} {step}/col {between} cut {self.board.cut:.0%} = {top}"

    def hints(self) -> str:
        """Keys of the heat map."""
        return self.board.hint(("column_less column_more", "column"), ("cut_less cut_more", "cut"))

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """A time scale and one row per price, at the ladder's prices."""
        lines = max(height - HEADER_LINES, 0)
        axis, history = self.board.axis, snapshot.history
        axis.follow(snapshot, lines, self.board.steady(snapshot))
        self.drawn_at = (axis.top, axis.group)
        label = len(self.board.formats.price(axis.top * axis.group)) + 1 if width >= 44 else 0
        cells = max(width - label, 0)
        halves = 1 if self.board.glyphs.ascii else 2
        codes = self._codes(history, axis, lines, cells, halves)
        if snapshot.desk is not None and history.group == axis.group:
            self._draw_own(codes, snapshot.desk.own_fills, history, axis, halves)
        keys: list[Key] = [("time", self._scale(history, cells, halves), label)]
        marks = self._marks(snapshot, axis)
        for line in range(lines):
            row = axis.top - line
            mark = marks.get(row, 0)
            every = line % 2 == 0 or mark
            price = self.board.formats.price(row * axis.group) if label and every else ""
            keys.append(HeatRow(codes[line].tobytes(), price.rjust(label) if label else "", mark))
        return keys

    def _marks(self, snapshot: Snapshot, axis: PriceAxis) -> dict[int, int]:
        group = axis.group
        marks: dict[int, int] = {}
        for ticks, mark in ((snapshot.best_ask, -1), (snapshot.best_bid, 1), (snapshot.last_price, 2)):
            if ticks is not None:
                marks[ticks // group] = mark
        return marks

    def _codes(self, history: HistoryView, axis: PriceAxis, lines: int, cells: int, halves: int) -> NDArray[np.uint16]:
        """Codes of all cells, shape (lines, cells), top price first."""
        count = min(len(history.low), cells * halves)
        codes = np.zeros((lines, cells), np.uint16)
        if not count or not lines or history.group != axis.group:
            return codes
        columns = slice(len(history.low) - count, len(history.low))
        levels = np.zeros((lines, cells * halves), np.uint16)
        levels[:, cells * halves - count :] = self._levels(history, columns, axis, lines)
        codes[:] = levels[:, ::2] * LEVELS + levels[:, 1::2] if halves == 2 else levels * (LEVELS + 1)
        pad = cells * halves - count
        for kind, best in ((_BID, history.best_bid), (_ASK, history.best_ask)):
            self._draw(codes, best[columns] // axis.group, best[columns] != NO_PRICE, axis, pad, halves, kind)
        self._draw_prints(codes, history, columns, axis, pad, halves)
        return codes

    def _levels(self, history: HistoryView, columns: slice, axis: PriceAxis, lines: int) -> NDArray[np.uint16]:
        """Brightness of each column at the axis rows, shape (lines, columns)."""
        low = history.low[columns]
        wanted = axis.top - np.arange(lines)
        at = wanted[:, None] - low[None, :]
        depth = (history.bids[columns] + history.asks[columns]).T
        inside = (at >= 0) & (at < depth.shape[0])
        lots = np.where(inside, np.take_along_axis(depth, np.clip(at, 0, depth.shape[0] - 1), 0), 0.0)
        present = lots[lots > 0]
        if not len(present):
            return np.zeros(lots.shape, np.uint16)
        places = [min(int(len(present) * share), len(present) - 1) for share in (FLOOR, self.board.cut)]
        low_lots, top_lots = np.partition(present, places)[places].tolist()
        known, self._cut = self._cut == self.board.cut, self.board.cut
        if not known or not (
            0.8 * self._top <= top_lots <= 1.25 * self._top and 0.6 * self._low <= low_lots <= 1.6 * self._low
        ):
            self._low, self._top = min(low_lots, 0.5 * top_lots), top_lots
        share = np.clip((lots - self._low) / max(self._top - self._low, 1.0), 0.0, 1.0)
        bright = 1.0 + share**GAMMA * (LEVELS - 1.5)
        return np.where(lots > 0, np.minimum(bright, LEVELS - 1), 0.0).astype(np.uint16)

    def _draw(
        self, codes: NDArray[np.uint16], rows: NDArray[np.int64], there: NDArray[np.bool_], axis: PriceAxis,
        pad: int, halves: int, kind: int,
    ) -> None:  # fmt: skip
        """Set the kind of the cells at `rows`, one row per history column."""
        line = axis.top - rows
        shown = there & (line >= 0) & (line < len(codes))
        cell = (np.flatnonzero(shown) + pad) // halves
        at = line[shown]
        codes[at, cell] = codes[at, cell] % _PAIR + kind * _PAIR

    def _draw_prints(
        self, codes: NDArray[np.uint16], history: HistoryView, columns: slice, axis: PriceAxis, pad: int, halves: int
    ) -> None:
        """A dot for the largest print of each column, in three sizes."""
        lots, rows = history.trade_qty[columns], history.trade_row[columns]
        sizes = np.abs(lots)
        traded = sizes[sizes > 0]
        if not len(traded):
            return
        places = [len(traded) // 2, len(traded) * 9 // 10]
        medium, large = np.partition(traded, places)[places].tolist()
        large = max(large, medium + 1)
        for step, (least, most) in enumerate(((1, medium), (medium + 1, large - 1), (large, MAX_QTY))):
            for first, sign in ((_BOUGHT, 1), (_SOLD, -1)):
                there = (lots * sign >= least) & (lots * sign <= most) & (rows != NO_PRICE)
                self._draw(codes, rows, there, axis, pad, halves, first + step)

    def _draw_own(
        self, codes: NDArray[np.uint16], fills: NDArray[np.int64], history: HistoryView, axis: PriceAxis, halves: int
    ) -> None:
        """A letter for each of our own fills, over everything else."""
        if not len(fills) or not codes.size:
            return
        back = (history.end - fills[:, 0]) // history.step
        line = axis.top - fills[:, 1] // axis.group
        cell = (codes.shape[1] * halves - 1 - back) // halves
        shown = (back >= 0) & (cell >= 0) & (line >= 0) & (line < len(codes))
        at, where = line[shown], cell[shown]
        kind = np.where(fills[shown, 2] > 0, _OWN_BOUGHT, _OWN_SOLD)
        codes[at, where] = codes[at, where] % _PAIR + kind * _PAIR

    def _scale(self, history: HistoryView, cells: int, halves: int) -> str:
        """Times along the top, at round moments."""
        per_cell = history.step * halves
        if cells < 12 or not len(history.low):
            return " " * cells
        least = per_cell * 14
        gap = next((nice * SECOND for nice in _NICE if nice * SECOND >= least), least)
        text = [" "] * cells
        offset = self.board.formats.offset(history.end)
        moment = (history.end + offset) // gap * gap - offset
        decimals = 0 if gap % SECOND == 0 else 1
        while moment > history.end - cells * per_cell:
            label = self.board.formats.time(moment, decimals)
            at = cells - 1 - (history.end - moment) // per_cell
            if at >= 0 and at + len(label) <= cells:
                text[at : at + len(label)] = label
            moment -= gap
        return "".join(text)

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row, runs of equal cells merged."""
        ink, paper = self.board.ink, self.board.ink.paper
        if not isinstance(key, HeatRow):
            _, text, label = key
            return fit([Segment(text, ink.text(paper.muted)), Segment(" " * label, ink.text(paper.muted))], width)
        codes = np.frombuffer(key.codes, np.uint16)
        looks = self._looks()
        segments: list[Segment] = []
        if len(codes):
            starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
            values = codes.tolist()
            for first, last in pairwise(starts):
                glyph, style = looks[values[first]]
                segments.append(Segment(glyph * (last - first), style))
        if key.price:
            segments.append(Segment(key.price, ink.text(self._price_colour(key.mark), key.mark != 0)))
        return segments

    def _price_colour(self, mark: int) -> str:
        ink = self.board.ink
        return {1: ink.bid, -1: ink.ask, 2: ink.paper.accent}.get(mark, ink.paper.muted)

    def _looks(self) -> list[tuple[str, Style]]:
        """Glyph and style of every code; made anew when colours or glyphs change."""
        if self._styles[0] != self.board.epoch:
            ink, glyphs = self.board.ink, self.board.glyphs
            heat = ink.heat
            looks: list[tuple[str, Style]] = []
            marks = ink.mono or glyphs.ascii
            bought = (glyphs.up,) * 3 if marks else tuple(glyphs.dots)
            sold = (glyphs.downward,) * 3 if marks else tuple(glyphs.dots)
            overlays = [
                (glyphs.touch, ink.bid), (glyphs.touch, ink.ask), *((glyph, ink.bid) for glyph in bought),
                *((glyph, ink.ask) for glyph in sold),
            ]  # fmt: skip
            for left in heat:
                for right in heat:
                    looks.append((" ", ink.on(right, right)) if left == right else (glyphs.half, ink.on(left, right)))
            for number, (glyph, colour) in enumerate(overlays):
                for pair in range(_PAIR):
                    level = max(divmod(pair, LEVELS))
                    fore = mix(colour, "#000000" if ink.paper.dark else "#ffffff", 0.6) if level >= BRIGHT else colour
                    looks.append((glyph, ink.on(fore, heat[level], number >= _BOUGHT - 1)))
            for glyph, colour in zip(glyphs.own, (ink.bid, ink.ask), strict=True):
                looks += [(glyph, ink.on(ink.paper.panel, colour, True))] * _PAIR
            self._styles = (self.board.epoch, looks)
        return self._styles[1]
