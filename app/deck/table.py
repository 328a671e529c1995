"""Rows of aligned columns: which of them fit, and how a row of cells is painted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from app.deck.glyphs import Glyphs
from app.deck.ink import Ink
from app.deck.strip_panel import fit
from core.records import ABSENT


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The highest rank is dropped first when the panel is narrow; rank 0 stays."""

    name: str
    title: str
    width: int
    rank: int = 0
    right: bool = False
    rest: bool = False  #: takes what is left over


class Cell(NamedTuple):
    """A text and the name of its look, see `look`."""

    text: str
    colour: str = "text"


class Line(NamedTuple):
    """One row of cells, one for each shown column."""

    chosen: bool
    cells: tuple[Cell, ...]


class Said(NamedTuple):
    """A row of free text."""

    pieces: tuple[Cell, ...]


@lru_cache(256)
def shown(columns: tuple[Column, ...], width: int) -> tuple[tuple[Column, int], ...]:
    """The columns that fit into `width` cells, each with its width. One cell stands before each."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + 1 for column in kept) > width:
        worst = max(column.rank for column in kept)
        if worst == 0:
            break
        kept = [column for column in kept if column.rank != worst]
    spare = max(width - sum(column.width + 1 for column in kept), 0)
    takers = [column for column in kept if column.rest] or kept[-1:]
    return tuple((column, column.width + (spare if column is takers[-1] else 0)) for column in kept)


def header(columns: tuple[Column, ...], width: int) -> Said:
    """The titles."""
    parts = [(" " + _place(column.title, cells, column.right)) for column, cells in shown(columns, width)]
    return Said((Cell("".join(parts), "muted"),))


def window(count: int, lines: int, chosen: int, top: int) -> int:
    """First row to show of `count`, so that `chosen` (-1 = none) is in sight, moving as little as can be."""
    if chosen >= 0:
        top = min(max(top, chosen - lines + 1), chosen)
    return min(max(top, 0), max(count - lines, 0))


def paint(key: Line | Said, columns: tuple[Column, ...], width: int, ink: Ink, glyphs: Glyphs) -> list[Segment]:
    """One row."""
    if isinstance(key, Said):
        return fit([Segment(text, look(ink, colour)) for text, colour in key.pieces] or [_blank(ink)], width)
    segments: list[Segment] = []
    for place, ((column, cells), (text, colour)) in enumerate(zip(shown(columns, width), key.cells, strict=False)):
        gap = glyphs.last if key.chosen and place == 0 else " "
        written = gap + _place(text, cells, column.right)
        segments.append(Segment(written, look(ink, colour, key.chosen)))
    return fit(segments or [_blank(ink)], width)


def look(ink: Ink, name: str, raised: bool = False) -> Style:
    """A style by name: a colour of paper or ink, `!` before it for bold, `on-` for light text on it."""
    bold = name.startswith("!")
    name = name.lstrip("!")
    back = ink.paper.raised if raised else ink.paper.panel
    if name.startswith("on-"):
        return ink.on(ink.paper.panel, colour(ink, name[3:]), True)
    return ink.on(colour(ink, name), back, bold)


def colour(ink: Ink, name: str) -> str:
    """A colour of the paper or the ink by name."""
    found: str = getattr(ink if name in ("bid", "ask", "bid_dim", "ask_dim", "gain", "loss") else ink.paper, name)
    return found


def sign_colour(value: float) -> str:
    """Gain, loss, or neither."""
    if value == ABSENT:
        return "muted"
    return "gain" if value > 0 else "loss" if value < 0 else "text"


def side_word(side: int, glyphs: Glyphs) -> Cell:
    """BUY or SELL, with its arrow and colour."""
    if side > 0:
        return Cell(f"{glyphs.up} BUY", "bid")
    return Cell(f"{glyphs.downward} SELL", "ask") if side < 0 else Cell("-", "muted")


def padded(keys: Sequence[Line | Said], height: int) -> list[Line | Said]:
    """`keys` cut or filled up with blank rows."""
    return [*keys, *[Said(())] * (height - len(keys))][:height]


def _place(text: str, cells: int, right: bool) -> str:
    """`text` in its column; a number that is too long for its own is not cut, that would be another number."""
    if right:
        return text.rjust(cells) if len(text) <= cells else "#" * cells
    return text[:cells].ljust(cells)


def _blank(ink: Ink) -> Segment:
    return Segment(" ", ink.text(ink.paper.text))
