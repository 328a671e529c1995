"""Drawing by hand: scales, axes and the few shapes that the plots of a report need. All lengths in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from sessions.report_markup import Markup, element, number, together

#: Width of every plot; the page scales it.
WIDTH = 760
#: Room for the names on the left and the figures on the right.
LEFT, RIGHT = 128, 150
#: Height of one row of a plot with a row for each policy.
ROW = 30
#: Colours of policies and of parts: classes c0 .. c7, p0 .. p5.
COLOURS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` onto pixels from `start` to `stop`. What lies outside is drawn on the edge."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Pixel of a value."""
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / (self.high - self.low) * (self.stop - self.start)


def scale(values: Sequence[float], start: float, stop: float, *, zero: bool = True) -> Scale:
    """A scale that holds all `values`, and zero, with a little room; never empty."""
    told = [*values, 0.0] if zero or not values else list(values)
    low, high = min(told), max(told)
    if low == high:
        return Scale(low - max(abs(low) * 0.1, 1.0), high + max(abs(high) * 0.1, 1.0), start, stop)
    room = (high - low) * 0.04
    return Scale(low - (room if low < 0 or not zero else 0), high + (room if high > 0 or not zero else 0), start, stop)


def ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Round values inside [low, high], at most about `most`."""
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    return [step * k for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def x_axis(x: Scale, top: float, bottom: float, title: str, *, counts: bool = False) -> Markup:
    """Grid lines, their values, the line at zero and the title, below a plot. `counts`: whole numbers only."""
    parts = []
    values = [value for value in ticks(x.low, x.high) if not counts or value == round(value)]
    digits = _digits(values)
    for value in values:
        at = x(value)
        grid = "zero" if abs(value) < 1e-12 else "grid"
        parts.append(element("line", x1=at, x2=at, y1=top, y2=bottom, class_=grid))
        parts.append(label(at, bottom + 15, number(float(value), digits), "middle", "dim"))
    parts.append(label((x.start + x.stop) / 2, bottom + 34, title, "middle", "dim"))
    return together(parts)


def y_axis(y: Scale, left: float, right: float, title: str) -> Markup:
    """The same at the left of a plot."""
    parts = []
    values = ticks(y.low, y.high, 6)
    digits = _digits(values)
    for value in values:
        at = y(value)
        parts.append(element("line", x1=left, x2=right, y1=at, y2=at, class_="zero" if abs(value) < 1e-12 else "grid"))
        parts.append(label(left - 6, at + 4, number(float(value), digits), "end", "dim"))
    middle = (y.start + y.stop) / 2
    parts.append(
        element(
            "text",
            title,
            x=14.0,
            y=middle,
            text_anchor="middle",
            class_="dim",
            transform=f"rotate(-90 14 {middle:.1f})",
        )
    )
    return together(parts)


def _digits(values: Sequence[float]) -> int:
    """Decimals that tell neighbouring round values apart."""
    step = min((b - a for a, b in pairwise(values)), default=1.0)
    return max(0, -floor(log10(step) + 1e-9))


def label(x: float, y: float, words: str, anchor: str = "start", kind: str | None = None) -> Markup:
    """Text at a place."""
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=kind)


def box(left: float, right: float, top: float, height: float, kind: str, hint: str = "") -> Markup:
    """A rectangle between two pixels, whichever comes first, with a hint that shows when pointed at."""
    low, high = min(left, right), max(left, right)
    inner = (element("title", hint),) if hint else ()
    return element("rect", *inner, x=low, y=top, width=high - low, height=height, class_=kind)


def line(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through points."""
    return element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), fill="none", class_=kind)


def dots(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """Many small dots as one path of round caps: a tenth of the size of as many circles."""
    return element("path", d="".join(f"M{x:.1f} {y:.1f}h0" for x, y in points), class_=f"dots {kind}")


def drawing(height: float, name: str, words: str, *parts: str) -> Markup:
    """The whole plot; `words` say what a reader who cannot see it would miss."""
    return element(
        "svg", element("title", name), element("desc", words), *parts,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height:.0f}", role="img", aria_label=name,
    )  # fmt: skip


def legend(names: Sequence[str], kinds: Sequence[str], top: float) -> tuple[Markup, float]:
    """Coloured squares with names, wrapped to the width, and the height that they took."""
    parts, x, y = [], float(LEFT), top
    for name, kind in zip(names, kinds, strict=True):
        width = 22 + 7.2 * len(name)
        if x + width > WIDTH - 8 and x > LEFT:
            x, y = float(LEFT), y + 20
        parts += [box(x, x + 11, y, 11, kind), label(x + 16, y + 10, name)]
        x += width + 10
    return together(parts), y + 20 - top
