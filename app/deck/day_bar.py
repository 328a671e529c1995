"""The transport: the day as a bar to click and drag, its marks, the speeds and the step unit."""

import math
from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.message import Message

from app.deck.board import Board, StepUnit
from app.deck.chart import plot
from app.deck.formats import DAY, SECOND, plain, speed
from app.deck.strip_panel import Key, StripPanel, fit
from core.snapshot import Snapshot, State
from core.transport import SPEEDS

_BRIEF = {StepUnit.MESSAGE: "msg", StepUnit.TRADE: "trade", StepUnit.SECOND: "sec", StepUnit.FILL: "fill"}
_NICE = tuple(
    seconds * SECOND for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
)
SIDE = 10  #: cells of the times at both ends


class DayBar(StripPanel):
    """Outline of the day, position, marks, controls. Its height decides how much of that is shown."""

    slot, number, label, hertz, framed = "day", "6", "Day", 10, False

    class Sought(Message):
        """The person pointed at a moment."""

        def __init__(self, ts: int) -> None:
            super().__init__()
            self.ts = ts

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._dragging = False

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Outline (with 5 rows or more), bar, marks (3 or more), controls (2 or more)."""
        cells = max(width - 2 * SIDE, 1)
        at = self._cell(snapshot, snapshot.clock, cells)
        keys: list[Key] = []
        outline = max(height - 3, 0)
        if outline:
            picture = self._outline(snapshot, cells, outline)
            keys += [("outline", text, at) for text in picture]
        ends = self.board.formats.time(snapshot.first_ts), self.board.formats.time(snapshot.last_ts)
        marks = self._marks(snapshot, cells)
        loop = self._loop(snapshot, cells)
        inline = marks if height < 3 else ()
        keys.append(("bar", ends, at, loop, inline, self.board.focus == self.slot))
        if height >= 3:
            keys.append(("marks", self._hours(snapshot, cells), marks))
        if height >= 2:
            keys.append(
                (
                    "controls",
                    snapshot.state is State.PLAYING,
                    snapshot.speed,
                    self.board.step,
                    self._loop_word(snapshot),
                )
            )
        return keys[:height] if height > 1 else [keys[-1]][:height]

    def moment(self, x: int, width: int) -> int | None:
        """The time under cell `x`, None without a tape."""
        if self.snapshot is None:
            return None
        cells = max(width - 2 * SIDE, 1)
        share = min(max((x - SIDE + 0.5) / cells, 0.0), 1.0)
        first, last = self.snapshot.first_ts, self.snapshot.last_ts
        return first + int((last - first) * share)

    def _cell(self, snapshot: Snapshot, ts: int, cells: int) -> int:
        length = max(snapshot.last_ts - snapshot.first_ts, 1)
        return min(max((ts - snapshot.first_ts) * cells // length, 0), cells - 1)

    def _outline(self, snapshot: Snapshot, cells: int, lines: int) -> list[str]:
        overview = self.board.overview
        present = [mid for mid in overview.mid if not math.isnan(mid)] if overview else []
        if overview is None or not present:
            return [" " * cells] * lines
        low, high = min(present), max(present)
        room = max((high - low) * 0.04, 0.5)
        return plot(overview.mid, cells, lines, low - room, high + room, self.board.glyphs.ascii)

    def _marks(self, snapshot: Snapshot, cells: int) -> tuple[tuple[int, str, bool], ...]:
        """Cell, text and whether it is a letter of the loop."""
        found = [
            (self._cell(snapshot, each.ts, cells), self._mark_text(each.note), False) for each in self.board.bookmarks
        ]
        for ts, letter in ((snapshot.mark_in, "A"), (snapshot.mark_out, "B")):
            if ts is not None:
                found.append((self._cell(snapshot, ts, cells), letter, True))
        return tuple(sorted(found))

    def _mark_text(self, note: str) -> str:
        return self.board.glyphs.bookmark + plain(note[:12])

    def _hours(self, snapshot: Snapshot, cells: int) -> str:
        """Round times under the bar."""
        first, last = snapshot.first_ts, snapshot.last_ts
        least = (last - first) * 12 // max(cells, 1)
        gap = next((nice for nice in _NICE if nice >= least), DAY)
        offset = self.board.formats.offset(first)
        text = [" "] * cells
        moment = -(-(first + offset) // gap) * gap - offset
        while moment < last:
            at = self._cell(snapshot, moment, cells)
            label = self.board.formats.minute(moment) if gap >= 60 * SECOND else self.board.formats.time(moment)
            if at > 0 and at + len(label) <= cells:
                text[at : at + len(label)] = label
            moment += gap
        return "".join(text)

    def _loop(self, snapshot: Snapshot, cells: int) -> tuple[int, int] | None:
        if snapshot.mark_in is None or snapshot.mark_out is None:
            return None
        return self._cell(snapshot, snapshot.mark_in, cells), self._cell(snapshot, snapshot.mark_out, cells)

    def _loop_word(self, snapshot: Snapshot) -> str:
        if snapshot.mark_in is None:
            return "off"
        return "A set" if snapshot.mark_out is None else "on"

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        kind, *rest = key
        if kind == "outline":
            return fit(self._paint_outline(width, *rest), width)
        if kind == "bar":
            return fit(self._paint_bar(width, *rest), width)
        if kind == "marks":
            return fit(self._paint_marks(width, *rest), width)
        return fit(self._paint_controls(width, *rest), width)

    def _paint_outline(self, width: int, text: str, at: int) -> list[Segment]:
        ink, paper = self.board.ink, self.board.ink.paper
        blank = ink.text(paper.text)
        return [
            Segment(" " * SIDE, blank),
            Segment(text[:at], ink.text(paper.text)),
            Segment(text[at:], ink.text(paper.faint)),
            Segment(" " * SIDE, blank),
        ]

    def _paint_bar(
        self, width: int, ends: tuple[str, str], at: int, loop: tuple[int, int] | None,
        inline: tuple[tuple[int, str, bool], ...], focused: bool,
    ) -> list[Segment]:  # fmt: skip
        ink, paper, glyphs = self.board.ink, self.board.ink.paper, self.board.glyphs
        cells = max(width - 2 * SIDE, 1)
        muted = ink.text(paper.accent if focused else paper.muted, focused)
        looks: list[tuple[str, str]] = []
        letters = {cell: text[:1] for cell, text, _ in inline}
        for cell in range(cells):
            inside = loop is not None and loop[0] <= cell <= loop[1]
            if cell == at:
                looks.append((glyphs.head, paper.accent))
            elif cell in letters:
                looks.append((letters[cell], paper.strong))
            elif cell < at:
                looks.append((glyphs.rail, paper.strong if inside else paper.muted))
            else:
                looks.append((glyphs.sleeper, paper.strong if inside else paper.faint))
        segments = [Segment(f" {ends[0]} ", muted)]
        start = 0
        for cell in range(1, cells + 1):
            if cell == cells or looks[cell] != looks[start]:
                glyph, colour = looks[start]
                segments.append(Segment(glyph * (cell - start), ink.text(colour, colour == paper.accent)))
                start = cell
        return [*segments, Segment(f" {ends[1]} ", muted)]

    def _paint_marks(self, width: int, hours: str, marks: tuple[tuple[int, str, bool], ...]) -> list[Segment]:
        """Bookmarks and loop letters, round times in between."""
        ink, paper = self.board.ink, self.board.ink.paper
        under = (" " * SIDE + hours).ljust(width)
        segments: list[Segment] = []
        done = 0
        for cell, text, letter in marks:
            start = max(cell + SIDE, done)
            if start > cell + SIDE + 3:
                continue
            segments.append(Segment(under[done:start], ink.text(paper.faint)))
            segments.append(Segment(text, ink.text(paper.strong if letter else paper.accent, letter)))
            done = start + len(text)
        return [*segments, Segment(under[done:], ink.text(paper.faint))]

    def _paint_controls(self, width: int, playing: bool, asked: float, unit: StepUnit, loop: str) -> list[Segment]:
        ink, paper, glyphs, board = self.board.ink, self.board.ink.paper, self.board.glyphs, self.board
        muted, text, chosen = ink.text(paper.muted), ink.text(paper.text), ink.text(paper.accent, True)
        parts: list[Segment] = []
        if not board.read_only:
            face = f"{glyphs.pause} pause" if playing else f"{glyphs.play} play "
            parts += [Segment(f" {board.key('play')} ", muted), Segment(face, text)]
            parts += [Segment(f"  {board.key('step_back')} {board.key('step_forward')} step ", muted)]
        else:
            parts += [Segment(" step ", muted)]
        for each in board.units():
            word = each.value if width >= 130 else _BRIEF[each]
            here = each is unit
            parts.append(
                Segment(f"{glyphs.open}{word}{glyphs.close}" if here else f" {word} ", chosen if here else muted)
            )
        parts.append(
            Segment("  speed " if board.read_only else f"  {board.key('slower')} {board.key('faster')} speed ", muted)
        )
        shown = SPEEDS if width >= 110 else (asked,)
        for pace in shown:
            name = speed(pace, glyphs.quarter, glyphs.to_half)
            here = pace == asked
            parts.append(
                Segment(f"{glyphs.open}{name}{glyphs.close}" if here else f" {name} ", chosen if here else muted)
            )
        key = "" if board.read_only else f"{board.key('loop')} "
        parts.append(Segment(f"  {key}A-B ", muted))
        parts.append(Segment(loop, muted if loop == "off" else chosen))
        return parts

    # pointing

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Seek to where the bar was pressed, and follow the pointer."""
        self._dragging = True
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Seek along while the button is down."""
        if self._dragging:
            self._seek(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _seek(self, x: int) -> None:
        ts = self.moment(x, self.size.width)
        if ts is not None and not self.board.read_only:
            self.post_message(self.Sought(ts))
