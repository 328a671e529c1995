"""The tape: time and sales, newest first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.segment import Segment

from app.deck.axis import round_up, typical_top
from app.deck.board import Board
from app.deck.formats import span, thousands
from app.deck.glyphs import bar
from app.deck.print_log import PrintLog, Shown
from app.deck.strip_panel import Key, StripPanel, fit
from core.enums import Flag
from core.snapshot import Snapshot


class PrintRow(NamedTuple):
    """One print as it is written."""

    time: str
    repeated: bool  #: same time as the row above
    side: int
    price: str
    size: str
    note: str  #: h hidden, x auction or cross
    eighths: int
    big: bool


class TapePanel(StripPanel):
    """Time, aggressor, price, size, size bar."""

    slot, number, label = "tape", "3", "Tape"

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.prints = PrintLog()
        self.back = 0  #: rows scrolled back

    def caption(self, snapshot: Snapshot) -> str:
        """Filter and hold."""
        between = self.board.glyphs.between
        parts = []
        if self.board.smallest > 1:
            least = self.board.formats.quantity(self.board.smallest, 7)
            parts.append(f"{between} {'>=' if self.board.glyphs.ascii else '≥'}{least}")
        if self.board.held:
            parts.append(f"{between} HELD +{thousands(self.prints.waiting)} new")
        return " ".join(parts)

    def hints(self) -> str:
        """Keys of the tape."""
        return self.board.hint(("tape_filter", "filter"), ("tape_hold", "hold"))

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """The cumulative delta and one row per print."""
        self.prints.extend(snapshot)
        shown = self.prints.view(max(height - 1, 0), self.back, self.board.smallest)
        keys: list[Key] = [("delta", *self._delta(snapshot, width))]
        sizes = [each.qty for each in shown]
        median = typical_top(sizes, 0.5)
        top = round_up(max(typical_top(sizes, 0.9), 2 * median))
        length = self._price_length(shown)
        previous = ""
        for each in shown:
            if len(keys) >= height:
                break
            key = self._row(each, width, length, top)
            keys.append(key._replace(repeated=key.time == previous))
            previous = key.time
            if each.missing and len(keys) < height:
                keys.append(("missing", each.missing))
                previous = ""
        return [*keys, *[("blank",)] * (height - len(keys))][:height]

    def _row(self, each: Shown, width: int, length: int, top: int) -> PrintRow:
        formats = self.board.formats
        size, tail = widths(width, length)
        time = formats.time(each.ts, 3)
        note = "h" if each.flags & Flag.HIDDEN else "x" if each.flags & Flag.CROSS else " "
        return PrintRow(
            time if width >= 36 else time[3:],
            False,
            each.side,
            formats.price(each.price).rjust(length),
            formats.quantity(each.qty, size),
            note,
            min(each.qty * tail * 8 // top, tail * 8),
            each.qty >= top,
        )

    def _price_length(self, shown: Sequence[Shown]) -> int:
        return max((len(self.board.formats.price(each.price)) for each in shown), default=6)

    def _delta(self, snapshot: Snapshot, width: int) -> tuple[int, str, str]:
        """Bought minus sold over the history shown: total, length and a sparkline."""
        history = snapshot.history
        cumulative = np.cumsum(history.bought - history.sold)
        length = span(history.step * len(cumulative))
        cells = min(max(width - 22, 0), 24)
        if not len(cumulative) or cells < 4:
            return (int(cumulative[-1]) if len(cumulative) else 0), length, ""
        at = np.linspace(0, len(cumulative) - 1, cells).astype(np.int64)
        picked = cumulative[at]
        low, high = int(picked.min()), int(picked.max())
        steps = ((picked - low) * 7 // max(high - low, 1)).tolist()
        return int(cumulative[-1]), length, "".join(self.board.glyphs.levels[step] for step in steps)

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        ink, paper = self.board.ink, self.board.ink.paper
        if isinstance(key, PrintRow):
            return fit(self._print(key, width), width)
        kind, *rest = key
        if kind == "missing":
            text = f"{thousands(rest[0])} more".center(width)
            return fit([Segment(text, ink.text(paper.faint))], width)
        if kind == "delta":
            total, length, line = rest
            word = self.board.formats.signed(total, 9, self.board.glyphs.minus)
            parts = [
                Segment(" delta ", ink.text(paper.muted)),
                Segment(word, ink.text(ink.side(total), True)),
                Segment(f" in {length} ", ink.text(paper.muted)),
                Segment(line, ink.text(ink.bid_dim if total >= 0 else ink.ask_dim)),
            ]
            return fit(parts, width)
        return [Segment(" " * width, ink.text(paper.text))]

    def _print(self, row: PrintRow, width: int) -> list[Segment]:
        ink, paper, glyphs = self.board.ink, self.board.ink.paper, self.board.glyphs
        hue = ink.side(row.side)
        word, glyph = ("B", glyphs.up) if row.side > 0 else ("S", glyphs.downward) if row.side < 0 else ("-", " ")
        size, _ = widths(width, 0)
        return [
            Segment(f" {row.time} ", ink.text(paper.faint if row.repeated else paper.muted)),
            Segment(f"{word}{glyph} ", ink.text(hue, row.big)),
            Segment(row.price, ink.text(hue, row.big)),
            Segment(" " + row.size.rjust(size), ink.text(paper.strong if row.big else paper.text, row.big)),
            Segment(row.note, ink.text(paper.muted)),
            Segment(bar(glyphs, row.eighths), ink.text(ink.bid_dim if row.side > 0 else ink.ask_dim)),
        ]

    def scroll_rows(self, rows: int) -> None:
        """Look further back (negative) or forward; holds the view."""
        self.back = max(self.back - rows, 0)
        if self.back and not self.board.held:
            self.hold(True)

    def hold(self, held: bool) -> None:
        """Hold the view or let it run."""
        self.board.held = held
        self.prints.hold(held)
        if not held:
            self.back = 0

    def next_filter(self) -> int:
        """The next smallest size worth showing: everything, then rounder and rounder quantiles of what traded."""
        sizes = sorted(self.prints.sizes())
        steps = (
            sorted({round_up(sizes[int((len(sizes) - 1) * share)]) for share in (0.5, 0.75, 0.9, 0.98)})
            if sizes
            else []
        )
        return next((step for step in steps if step > max(self.board.smallest, 1)), 0)


def widths(width: int, price: int) -> tuple[int, int]:
    """Cells of a size and of its bar."""
    size = 6 if width < 40 else 7
    return size, max(width - (12 if width >= 36 else 9) - 2 - 3 - price - 1 - size - 1, 0)
