"""Intervals and tests for means of orders that share blocks of time.

Orders of one block see the same minutes of the same market and are not independent; blocks are drawn, never
orders. Everything is linear algebra over the sums of the blocks, so ten thousand resamples are one product.
"""

from math import atan, cos, inf, pi, sin, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_NORMAL = NormalDist()
_FEW = 5  # blocks


class Resamples(NamedTuple):
    """How often each resample draws each block."""

    block: NDArray[np.intp]  #: block of each order, 0 to blocks - 1, shape (orders,)
    weights: NDArray[np.float64]  #: shape (resamples, blocks)

    @property
    def blocks(self) -> int:
        """Distinct blocks: the number of independent observations."""
        return int(self.weights.shape[1])


class Means(NamedTuple):
    """Means over orders and what the bootstrap says about them; arrays of shape (series,)."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]  #: NaN with fewer than two blocks
    high: NDArray[np.float64]
    p: NDArray[np.float64]  #: two-sided, that the mean is zero; NaN with fewer than two blocks


def resample(labels: NDArray[np.int64], resamples: int, rng: np.random.Generator) -> Resamples:
    """Draw blocks with replacement. `labels`: block label of each order; equal rows are one block, (orders, k)."""
    _, block = np.unique(labels.reshape(len(labels), -1), axis=0, return_inverse=True)
    block = block.reshape(-1)
    count = int(block.max()) + 1
    weights = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples).astype(np.float64)
    return Resamples(block, weights)


def mean_test(values: NDArray[np.float64], drawn: Resamples, level: float = 0.95) -> Means:
    """Mean over orders of each series with its interval and p-value. `values`: (series, orders), finite.

    The interval is the BCa of Efron (1987) with the jackknife over blocks, at levels widened for few blocks as
    Hesterberg (2015) does: percentiles alone behave as if the number of blocks were infinite. Fewer than five blocks
    have too few different resamples to take quantiles of, and get Student's interval. The p-value is the symmetric
    bootstrap t. Standard errors are the linearised ones of a ratio of block sums.
    """
    mean: NDArray[np.float64] = values.mean(axis=1)
    blocks = drawn.blocks
    if blocks < 2:
        none = np.full(len(values), np.nan)
        return Means(mean, none, none.copy(), none.copy())
    # All about the mean: a small difference must not drown in the rounding of a large level.
    sums = np.zeros((blocks, len(values)))
    np.add.at(sums, drawn.block, (values - mean[:, None]).T)
    counts = np.bincount(drawn.block, minlength=blocks).astype(np.float64)
    moved = (drawn.weights @ sums) / (drawn.weights @ counts)[:, None]
    error = np.sqrt((sums**2).sum(axis=0)) / counts.sum()
    width = sqrt(blocks / (blocks - 1)) * student((1 + level) / 2, blocks - 1)
    tiny = 1e-12 * (1.0 + np.abs(mean))
    if blocks < _FEW:
        low, high = -width * error, width * error
    else:
        low, high = _bca(moved, -sums / (counts.sum() - counts)[:, None], tiny, -width)
    p = _p_values(drawn.weights, sums, counts, moved, np.where(np.abs(mean) > tiny, mean, 0.0), error, tiny)
    return Means(mean, mean + low, mean + high, p)


def _bca(
    moved: NDArray[np.float64], jack: NDArray[np.float64], tiny: NDArray[np.float64], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the interval about the mean. `moved`: (resamples, series); `jack`: (blocks, series) without one block.

    `z`: the normal quantile, negative, that the lower end would have without bias and skew.
    """
    ordered = np.sort(moved, axis=0)
    # A resample of every block once has not moved; its rounding must not decide on which side it counts.
    below = (moved < -tiny).mean(axis=0) + (np.abs(moved) <= tiny).mean(axis=0) / 2
    spread = jack.mean(axis=0) - jack
    scale = (spread**2).sum(axis=0) ** 1.5
    flat = scale <= tiny**3  # a constant series has no skew, only rounding
    bend = np.where(flat, 0.0, (spread**3).sum(axis=0) / np.where(flat, 1.0, 6 * scale))
    ends = np.empty((2, moved.shape[1]))
    last = len(moved) - 1
    for series in range(moved.shape[1]):
        bias = _NORMAL.inv_cdf(min(max(below[series], 0.5 / (last + 1)), 1 - 0.5 / (last + 1)))
        for end, quantile in enumerate((z, -z)):
            shifted = bias + quantile
            room = 1 - bend[series] * shifted
            at = _NORMAL.cdf(bias + shifted / room) if room > 0 else float(shifted > 0)
            ends[end, series] = np.interp(at * last, np.arange(last + 1), ordered[:, series])
    return ends[0], ends[1]


def _p_values(
    weights: NDArray[np.float64],
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    moved: NDArray[np.float64],
    mean: NDArray[np.float64],
    error: NDArray[np.float64],
    tiny: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Share of resamples whose t, about the mean, is as far out as the observed one; shape (series,)."""
    # Sum over the drawn blocks of (sum - count * mean of the resample) squared, multiplied out.
    squares = weights @ sums**2 - 2 * moved * (weights @ (sums * counts[:, None]))
    squares += moved**2 * (weights @ counts**2)[:, None]
    errors = np.sqrt(np.maximum(squares, 0.0)) / (weights @ counts)[:, None]
    far = np.abs(moved)
    observed = np.where(error > tiny, np.abs(mean) / np.maximum(error, tiny), np.where(np.abs(mean) > tiny, inf, 0.0))
    # A resample of equal blocks has no error of its own: as far out as can be, unless it did not move at all.
    t = np.where(errors > tiny, far / np.maximum(errors, tiny), np.where(far > tiny, inf, 0.0))
    beyond: NDArray[np.float64] = ((t >= observed).sum(axis=0) + 1) / (len(moved) + 1)
    return np.minimum(beyond, 1.0)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's (1979) step-down correction of p-values, in the order given. NaN stays NaN and counts as a test."""
    order = np.argsort(p_values)  # NaN last
    steps = np.arange(len(p_values), 0, -1) * p_values[order]
    out = np.empty(len(p_values))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def student(probability: float, freedom: int) -> float:
    """Quantile of Student's t at `probability` in (0.5, 1), by bisection of the exact finite sums."""
    low, high = 0.0, 1.0
    while _student_cdf(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if _student_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _student_cdf(t: float, freedom: int) -> float:
    """P(T <= t), t >= 0; Abramowitz and Stegun 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    odd, square = freedom % 2, cos(angle) ** 2
    term = cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(2 + odd, freedom - 1, 2):
        term *= square * (k - 1) / k
        total += term
    inside = 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return (1 + inside) / 2
