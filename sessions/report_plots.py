"""The plots of a comparison."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.tca.result import PARTS, CompareResult, Figure
from sessions.report_markup import Markup, interval, number, share, together
from sessions.report_svg import (
    COLOURS,
    LEFT,
    RIGHT,
    ROW,
    WIDTH,
    Scale,
    box,
    dots,
    drawing,
    label,
    legend,
    line,
    scale,
    x_axis,
    y_axis,
)

_BINS = 48
_NAME = 16  # characters of a policy's name beside a plot


def shortfall_plot(result: CompareResult) -> Markup:
    """Mean shortfall of each policy with its interval."""
    rows = [(name, result.columns[name]) for name in result.policies]
    return _intervals(
        [(name, row["shortfall_bps"], row["shortfall_ci"]) for name, row in rows],
        "Implementation shortfall",
        f"mean shortfall, bps, with {100 * result.level:.0f} % interval",
    )


def difference_plot(result: CompareResult) -> Markup:
    """The paired differences to the baseline: every order, their mean and its interval."""
    if result.baseline not in result.policies or len(result.policies) < 2:
        return Markup("")
    base = result.costs["shortfall"][result.policies.index(result.baseline)]
    others = [(k, name) for k, name in enumerate(result.policies) if name != result.baseline]
    series = {name: result.costs["shortfall"][k] - base for k, name in others}
    low, high = np.percentile(np.concatenate(list(series.values())), [1, 99])
    means = [result.columns[name].get(f"vs_{result.baseline}_bps") for _, name in others]
    x = scale([float(low), float(high), *_known(means)], LEFT, WIDTH - RIGHT)
    height, parts = 2 * ROW, []
    bottom = len(others) * height + 8.0
    for i, (k, name) in enumerate(others):
        foot = (i + 1) * height
        row = result.columns[name]
        mean, ci = row.get(f"vs_{result.baseline}_bps"), row.get(f"vs_{result.baseline}_ci")
        parts.append(_histogram(series[name], x, foot, height - 14, f"c{k % COLOURS}"))
        parts.append(_whisker(mean, ci, x, foot + 3))
        parts.append(label(LEFT - 8, foot - 8, _short(name), "end"))
        parts += _figure(number(mean), interval(ci), foot - 14)
    words = f"shortfall less that of {_short(result.baseline)} on the same order, bps; left is cheaper"
    axis = x_axis(x, 4, bottom, words)
    return drawing(bottom + 42, f"Paired difference to {result.baseline}", words, axis, *parts)


def parts_plot(result: CompareResult) -> Markup:
    """What each policy's shortfall is made of: costs to the right, gains to the left, the total marked."""
    values = {name: [_float(result.columns[name][f"{part}_bps"]) for part in PARTS] for name in result.policies}
    ends = [sum(v for v in row if v > 0) for row in values.values()]
    ends += [sum(v for v in row if v < 0) for row in values.values()]
    x = scale(ends, LEFT, WIDTH - RIGHT)
    legends, used = legend(PARTS, [f"p{k}" for k in range(len(PARTS))], 4)
    top = used + 10
    bottom = top + len(values) * ROW
    parts = []
    for i, (name, row) in enumerate(values.items()):
        y, right, left = top + i * ROW, 0.0, 0.0
        for k, value in enumerate(row):
            start = right if value > 0 else left
            hint = f"{name}: {PARTS[k]} {number(value)} bps"
            parts.append(box(x(start), x(start + value), y + 5, ROW - 10, f"p{k}", hint))
            right, left = right + max(value, 0.0), left + min(value, 0.0)
        total = x(_float(result.columns[name]["shortfall_bps"]))
        parts.append(box(total - 1.5, total + 1.5, y + 1, ROW - 2, "total"))
        parts.append(label(LEFT - 8, y + 19, _short(name), "end"))
        parts += _figure(number(_float(result.columns[name]["shortfall_bps"])), "", y + 19)
    words = "mean parts, bps; the bar across is their sum, the shortfall"
    axis = x_axis(x, top - 2, bottom, words)
    return drawing(bottom + 42, "What the shortfall is made of", words, axis, legends, *parts)


def orders_plot(result: CompareResult) -> Markup:
    """Shortfall of every order, and below the mean of all so far: whether a few orders made the result."""
    costs = result.costs["shortfall"]
    kinds = [f"c{k % COLOURS}" for k in range(len(costs))]
    legends, used = legend([_short(name) for name in result.policies], kinds, 4)
    count, left, right = costs.shape[1], 64.0, WIDTH - 12.0
    x = Scale(0.5, count + 0.5, left, right)
    place = [x(i + 1) for i in range(count)]
    so_far = np.cumsum(costs, axis=1) / np.arange(1, count + 1)
    settled = so_far[:, min(count - 1, max(4, count // 10)) :]
    top, middle = used + 12.0, used + 190.0
    bottom = middle + 180
    each = scale([float(end) for end in np.percentile(costs, [1, 99])], middle - 12, top)
    mean = scale([float(settled.min()), float(settled.max())], bottom, middle + 12, zero=False)
    parts = [
        y_axis(each, left, right, "each, bps"),
        y_axis(mean, left, right, "mean so far, bps"),
        x_axis(x, bottom, bottom, "parent order, by tape and start", counts=True),
    ]
    for k in range(len(costs)):
        kind = f"s{k % COLOURS}"
        parts.append(dots([(px, each(cost)) for px, cost in zip(place, costs[k].tolist(), strict=True)], kind))
        parts.append(line([(px, mean(cost)) for px, cost in zip(place, so_far[k].tolist(), strict=True)], kind))
    words = "above: shortfall of each order, bps, the most extreme 1 % on the edge; below: mean of the orders so far"
    return drawing(bottom + 42, "Shortfall by order", words, legends, *parts)


def fills_plot(result: CompareResult) -> Markup:
    """How much of the orders was done."""
    x = Scale(0.0, 100.0, LEFT, WIDTH - RIGHT)
    bottom = len(result.policies) * ROW + 6.0
    parts = []
    for k, name in enumerate(result.policies):
        y, rate = 6.0 + k * ROW, _float(result.columns[name]["fill_rate"])
        parts.append(box(x(0), x(100 * rate), y + 5, ROW - 10, f"c{k % COLOURS}", f"{name}: {share(rate)}"))
        parts.append(label(LEFT - 8, y + 19, _short(name), "end"))
        whole = int((result.costs[k]["fill_rate"] >= 1).sum())
        parts += _figure(share(rate), f"{whole} of {len(result.orders)} whole", y + 13)
    words = "mean share of an order that was done, %"
    return drawing(bottom + 42, "Fill rate", words, x_axis(x, 4, bottom, words), *parts)


def _intervals(rows: Sequence[tuple[str, Figure, Figure]], name: str, words: str) -> Markup:
    ends = [end for _, mean, ci in rows for end in [_float(mean), *(ci if isinstance(ci, list) else [])]]
    x = scale(ends, LEFT, WIDTH - RIGHT)
    bottom = len(rows) * ROW + 6.0
    parts = []
    for k, (policy, mean, ci) in enumerate(rows):
        y = 6.0 + k * ROW + ROW / 2
        parts.append(_whisker(mean, ci, x, y, f"c{k % COLOURS}"))
        parts.append(label(LEFT - 8, y + 4, _short(policy), "end"))
        parts += _figure(number(mean), interval(ci), y - 2)
    return drawing(bottom + 42, name, words, x_axis(x, 4, bottom, words), *parts)


def _whisker(mean: Figure, ci: Figure, x: Scale, y: float, kind: str = "ink") -> Markup:
    parts = []
    if isinstance(ci, list):
        parts.append(line([(x(ci[0]), y), (x(ci[1]), y)], "whisker"))
        parts += [line([(x(end), y - 5), (x(end), y + 5)], "whisker") for end in ci]
    if isinstance(mean, float):
        parts.append(box(x(mean) - 4, x(mean) + 4, y - 4, 8, kind))
    return together(parts)


def _histogram(values: NDArray[np.float64], x: Scale, foot: float, height: float, kind: str) -> Markup:
    """Bars between `foot` and `foot - height`; the outermost two hold whatever lies beyond."""
    counts, edges = np.histogram(np.clip(values, x.low, x.high), _BINS, (x.low, x.high))
    tallest = max(int(counts.max()), 1)
    bars = []
    for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        tall = height * count / tallest
        if count:
            hint = f"{count} orders from {number(low)} to {number(high)} bps"
            bars.append(box(x(low) + 0.4, x(high) - 0.4, foot - tall, tall, kind, hint))
    return together(bars)


def _figure(strong: str, dim: str, y: float) -> list[Markup]:
    """Figures in the right margin."""
    at = WIDTH - RIGHT + 12
    return [label(at, y, strong, kind="strong"), label(at, y + 13, dim, kind="dim small") if dim else Markup("")]


def _known(values: Sequence[Figure]) -> list[float]:
    return [value for value in values if isinstance(value, float)]


def _float(value: Figure) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
