"""Painted rows that leave no garbage behind.

The library's `Strip` owns seven caches and puts itself into one of them whenever it is painted whole: one
reference cycle for each row of each frame, and the collector's pauses become the worst frames (measured:
101 ms, against 5 ms without). A panel keeps its rows until they change, so these caches would never help.
A test watches the private names used here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.filter import ANSIToTruecolor, LineFilter
from textual.strip import Strip


class _NoCache:
    """Stands in for the caches of a strip and forgets everything."""

    __slots__ = ()

    def get(self, key: object, default: object = None) -> object:
        """Nothing is ever found."""
        return default

    def __setitem__(self, key: object, value: object) -> None:
        """Nothing is ever kept."""


_NO_CACHE: Any = _NoCache()


class FastStrip(Strip):
    """A strip without caches, whose terminal codes say only what changes from run to run."""

    __slots__ = ()

    def __init__(self, segments: Iterable[Segment], cell_length: int | None = None) -> None:
        self._segments = list(segments)
        self._cell_length = cell_length
        self._divide_cache = _NO_CACHE
        self._crop_cache = _NO_CACHE
        self._style_cache = _NO_CACHE
        self._filter_cache = _NO_CACHE
        self._line_length_cache = _NO_CACHE
        self._crop_extend_cache = _NO_CACHE
        self._offsets_cache = _NO_CACHE
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """Cut at the given cells; a strip that is not cut is itself."""
        wanted = list(cuts)
        length = self.cell_length
        if wanted == [length]:
            return [self]
        wanted = [cut for cut in wanted if cut <= length]
        pieces, start = [], 0
        for segments, cut in zip(Segment.divide(self._segments, wanted), wanted, strict=False):
            pieces.append(FastStrip(segments, cut - start))
            start = cut
        return pieces

    def crop(self, start: int, end: int | None = None) -> Strip:
        """The cells from `start` to `end`."""
        if start <= 0 and (end is None or end >= self.cell_length):
            return self
        cropped = super().crop(start, end)
        return FastStrip(cropped._segments, cropped._cell_length)

    def render(self, console: Console) -> str:
        """Terminal codes; about a third shorter than one full code for each run."""
        if self._render_cache is None:
            system = console._color_system
            parts: list[str] = []
            previous: Style | None = None
            for text, style, _ in self._segments:
                if style is not previous:
                    parts.append(_step(previous, style, system))
                    previous = style
                parts.append(text)
            if previous is not None:
                parts.append("\x1b[0m")
            self._render_cache = "".join(parts)
        return self._render_cache


_STEPS: dict[tuple[int, int, object], tuple[Style | None, Style | None, str]] = {}
_STEPS_KEPT = 20_000


def _step(before: Style | None, after: Style | None, system: Any) -> str:
    """Codes that lead from one style to the next. Kept by identity: panels draw with few, long-lived styles."""
    key = (id(before), id(after), system)
    found = _STEPS.get(key)
    if found is not None:
        return found[2]
    code = _codes(before, after, system)
    if len(_STEPS) >= _STEPS_KEPT:
        _STEPS.clear()
    _STEPS[key] = (before, after, code)
    return code


def _codes(before: Style | None, after: Style | None, system: Any) -> str:
    if after is None:
        return "\x1b[0m" if before is not None else ""
    codes: list[str] = []
    same = before is not None and before._attributes == after._attributes and before._link == after._link
    if same and before is not None:
        if before.color != after.color and after.color is not None:
            codes += after.color.downgrade(system).get_ansi_codes() if system else []
        if before.bgcolor != after.bgcolor and after.bgcolor is not None:
            codes += after.bgcolor.downgrade(system).get_ansi_codes(False) if system else []
        lost = (after.color is None and before.color is not None) or (after.bgcolor is None and before.bgcolor)
        if not lost:
            return f"\x1b[{';'.join(codes)}m" if codes else ""
    full = after._make_ansi_codes(system)
    if before is None:
        return f"\x1b[{full}m" if full else ""
    return f"\x1b[0;{full}m" if full else "\x1b[0m"


def filtered(segments: list[Segment], filters: Sequence[LineFilter], background: Any) -> list[Segment]:
    """Segments after the line filters (NO_COLOR is one), which `render_lines` would otherwise bypass.

    The ANSI filter has nothing to do here: panels only use 24-bit colours.
    """
    for line_filter in filters:
        if not isinstance(line_filter, ANSIToTruecolor):
            segments = line_filter.apply(segments, background)
    return segments
