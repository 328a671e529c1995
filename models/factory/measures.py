"""How good a prediction is: numbers, and intervals from resampling whole blocks of time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def confusion(truth: Ints, said: Ints, classes: int = 3) -> Ints:
    """Counts by true class (rows) and predicted class, shape (classes, classes)."""
    counts: Ints = np.bincount(truth * classes + said, minlength=classes * classes).astype(np.int64)
    return counts.reshape(classes, classes)


def mcc(counts: Ints | Floats) -> float:
    """Matthews' correlation for any number of classes (Gorodkin 2004); 0 where it is not defined."""
    c = counts.astype(np.float64)
    total, right, true, said = c.sum(), np.trace(c), c.sum(axis=1), c.sum(axis=0)
    spread = (total**2 - (said**2).sum()) * (total**2 - (true**2).sum())
    return float((right * total - (true * said).sum()) / np.sqrt(spread)) if spread > 0 else 0.0


def macro_f1(counts: Ints | Floats) -> float:
    """Mean of the classes' F1; a class that is neither there nor predicted counts as 0."""
    c = counts.astype(np.float64)
    both = c.sum(axis=0) + c.sum(axis=1)
    return float(np.mean(np.divide(2 * np.diag(c), both, out=np.zeros(len(c)), where=both > 0)))


def hits(truth: Ints, probability: Floats) -> Floats:
    """Of the rows that moved (class 0 or 2 of three): whether the likelier direction came, and 1; shape (n, 2).

    No opinion is half a hit; rows that did not move are 0 and 0.
    """
    moved = truth != 1
    agreed = np.sign(probability[:, 2] - probability[:, 0]) * (truth - 1)
    return np.stack([np.where(moved, (1 + agreed) / 2, 0.0), moved.astype(np.float64)], axis=1)


def log_losses(truth: Ints, probability: Floats) -> Floats:
    """Minus the logarithm of what was given to the true class, shape (n,), nats."""
    losses: Floats = -np.log(np.maximum(probability[np.arange(len(truth)), truth], 1e-12))
    return losses


def calibration_error(truth: Ints, probability: Floats, bins: int = 15) -> float:
    """Expected calibration error of the predicted class: mean |confidence - accuracy| over equal bins."""
    said, confidence = probability.argmax(axis=1), probability.max(axis=1)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=confidence - (said == truth), minlength=bins)
    return float(np.abs(gap).sum() / len(truth))


def interval(
    blocks: Ints,
    statistic: Callable[[Floats], float],
    parts: Floats,
    rng: np.random.Generator,
    times: int = 2000,
) -> tuple[float, float]:
    """95 % percentile interval of `statistic` of the summed `parts`, blocks resampled with replacement.

    `parts`: what each row adds to the sums that the statistic needs, shape (n, k); `statistic` takes (k,).
    """
    _, place = np.unique(blocks, return_inverse=True)
    sums = np.zeros((place.max() + 1, parts.shape[1]))
    np.add.at(sums, place, parts)
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=times)
    values = [statistic(row) for row in drawn @ sums]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def round_trips(sign: Ints, touch: Ints, later: Ints) -> Floats:
    """Ticks won by crossing the spread now, the way `sign` says, and again one horizon later; 0 where sign is 0."""
    bought = later[:, 0] - touch[:, 1]
    sold = touch[:, 0] - later[:, 1]
    return np.where(sign > 0, bought, np.where(sign < 0, sold, 0)).astype(np.float64)
