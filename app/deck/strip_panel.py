"""The base of every live panel: rows are compared by key on each push and only the changed ones are painted."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from app.deck.board import Board
from app.deck.strips import FastStrip, filtered
from core.snapshot import Snapshot

Key = Any  #: what a row is compared by: hashable, plain values
_TOP, _BOTTOM = "frame-top", "frame-bottom"
_EMPTY = ("no-engine",)


class StripPanel(Widget, can_focus=True):
    """A panel of text rows. Subclasses say what is in a row (`rows`) and how it looks (`paint`)."""

    ALLOW_SELECT = False
    slot: ClassVar[str] = ""  #: name in layouts and focus actions
    number: ClassVar[str] = ""
    label: ClassVar[str] = ""
    hertz: ClassVar[int] = 30  #: pushes a second, at most
    framed: ClassVar[bool] = True
    of_engine: ClassVar[bool] = True  #: shows nothing but its frame before there is an engine

    def __init__(self, board: Board) -> None:
        super().__init__(id=self.slot)
        self.board = board
        self.snapshot: Snapshot | None = None
        self._keys: list[Key] = []
        self._strips: list[FastStrip] = []
        self._stamp: tuple[object, ...] | None = None

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Keys of the `height` rows inside the frame; equal keys look equal."""
        raise NotImplementedError

    def paint(self, key: Key, width: int) -> list[Segment]:
        """The runs of a row, together `width` cells."""
        raise NotImplementedError

    def caption(self, snapshot: Snapshot) -> str:
        """Said in the upper frame, after the label."""
        return ""

    def hints(self) -> str:
        """Keys shown in the lower frame."""
        return ""

    # pure: the whole picture of a snapshot

    def picture(self, snapshot: Snapshot, width: int, height: int) -> list[FastStrip]:
        """All rows of a panel of this size, frame included."""
        return [self._strip(key, width, ()) for key in self._all_keys(snapshot, width, height)]

    def _all_keys(self, snapshot: Snapshot, width: int, height: int) -> list[Key]:
        self.snapshot = snapshot
        if not self.framed:
            return list(self.rows(snapshot, width, height))[:height]
        focused = self.board.focus == self.slot
        room = max(height - 2, 0)
        if self.of_engine and not len(snapshot.ladder.bids):  # no engine yet, or one that never came up
            return [(_TOP, "", focused), *[_EMPTY] * room, (_BOTTOM, "", focused)][:height]
        inside = list(self.rows(snapshot, max(width - 2, 0), room))[:room]
        top = (_TOP, self.caption(snapshot), focused)
        return [top, *inside, (_BOTTOM, self.hints(), focused)][:height]

    def _strip(self, key: Key, width: int, filters: Sequence[LineFilter]) -> FastStrip:
        if not self.framed:
            segments = self.paint(key, width)
        elif isinstance(key, tuple) and key and key[0] in (_TOP, _BOTTOM):
            segments = self._frame(key, width)
        else:
            side = Segment(self.board.glyphs.down, self._rule(self.board.focus == self.slot))
            blank = [Segment(" " * (width - 2), self.board.ink.text(self.board.ink.paper.text))]
            segments = [side, *(blank if key is _EMPTY else self.paint(key, width - 2)), side]
        return FastStrip(filtered(segments, filters, self._background()) if filters else segments, width)

    def _frame(self, key: tuple[object, ...], width: int) -> list[Segment]:
        """A frame row: the label and caption in the upper one, keys in the lower one."""
        where, said, focused = str(key[0]), str(key[1]), bool(key[2])
        ink, glyphs = self.board.ink, self.board.glyphs
        rule = self._rule(focused)
        if where == _TOP:
            label = f" {self.number} {self.label} " if self.number else f" {self.label} "
            colour = ink.paper.accent if focused else ink.paper.text
            said = _whole_parts(said, glyphs.between, width - len(label) - 5)
            fill = glyphs.across * max(width - 3 - len(label) - len(said), 0)
            corners = glyphs.corners[0] + glyphs.across, glyphs.corners[1]
            shown = [Segment(label, ink.text(colour, True)), Segment(said, ink.text(ink.paper.muted))]
            return fit([Segment(corners[0], rule), *shown, Segment(fill + corners[1], rule)], width)
        said = f" {said} " if said and len(said) + 6 <= width else ""
        fill = glyphs.across * max(width - 3 - len(said), 0)
        hint = Segment(said, ink.text(ink.paper.muted if focused else ink.paper.faint))
        end = Segment(glyphs.across + glyphs.corners[3], rule)
        return fit([Segment(glyphs.corners[2] + fill, rule), hint, end], width)

    def _rule(self, focused: bool) -> Style:
        paper = self.board.ink.paper
        return self.board.ink.text(paper.accent if focused else paper.rule)

    def _background(self) -> Color:
        return Color.parse(self.board.ink.paper.panel)

    def pointed(self, row: int) -> None:
        """The person pressed the mouse on row `row` inside the frame."""

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Tell which row was pointed at."""
        self.pointed(event.y - self.framed)
        self.again()

    # driven: only what changed

    def push(self, snapshot: Snapshot) -> None:
        """Show `snapshot`; marks only the rows that changed for painting."""
        self.snapshot = snapshot
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        filters = tuple(self.get_line_filters())
        stamp = (self.board.epoch, width, height, filters, self.board.focus == self.slot)
        keys = self._all_keys(snapshot, width, height)
        if stamp != self._stamp or len(keys) != len(self._keys):
            self._stamp, self._keys = stamp, keys
            self._strips = [self._strip(key, width, filters) for key in keys]
            self.refresh()
            return
        strips, old = self._strips, self._keys
        regions: list[Region] = []
        start = -1
        for line, key in enumerate(keys):
            if key != old[line]:
                strips[line] = self._strip(key, width, filters)
                start = line if start < 0 else start
            elif start >= 0:
                regions.append(Region(0, start, width, line - start))
                start = -1
        if start >= 0:
            regions.append(Region(0, start, width, len(keys) - start))
        self._keys = keys
        if regions:
            self.refresh(*regions)

    def again(self) -> None:
        """Show the last snapshot once more, after a change of state that is not the market's."""
        if self.snapshot is not None and self.is_mounted:
            self.push(self.snapshot)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows as they are kept; nothing is rendered here."""
        width, height = self.size
        if self._stamp is None or self._stamp[1:3] != (width, height):
            if self.snapshot is None:
                return self._blank(crop)
            self.push(self.snapshot)
        lines: list[Strip] = list(self._strips[crop.y : crop.bottom])
        if len(lines) < crop.height:
            lines += self._blank(crop)[len(lines) :]
        if crop.x or crop.width != width:
            lines = [line.crop(crop.x, crop.right) for line in lines]
        return lines

    def _blank(self, crop: Region) -> list[Strip]:
        blank = FastStrip([Segment(" " * crop.width, self.board.ink.text(self.board.ink.paper.text))], crop.width)
        return [blank] * crop.height

    def on_focus(self) -> None:
        """Light up the frame."""
        self.board.focus = self.slot
        self.again()

    def on_blur(self) -> None:
        """Put the light out."""
        if self.board.focus == self.slot:
            self.board.focus = ""
        self.again()


def _whole_parts(said: str, between: str, width: int) -> str:
    """`said` and a space, without those last parts (told apart by `between`) that would be cut."""
    while said and len(said) >= width:
        said = said.rpartition(between)[0].rstrip()
    return said + " " if said else ""


def fit(segments: list[Segment], width: int) -> list[Segment]:
    """The runs cut or padded to `width` cells, empty ones dropped."""
    fitted: list[Segment] = []
    left = width
    for text, style, _ in segments:
        if text and left > 0:
            fitted.append(Segment(text[:left], style))
            left -= min(len(text), left)
    if left > 0:
        fitted.append(Segment(" " * left, segments[-1].style if segments else None))
    return fitted
