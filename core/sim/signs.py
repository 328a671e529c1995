"""The memory of trade signs: what the run model implies, and the model that fits a series."""

import numpy as np
from numpy.typing import NDArray

from core.sim.facts import autocorrelation
from core.sim.tables import LONGEST_RUN

_LAGS = (1, 2, 3, 5, 10, 20, 50)
_TAILS = (1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
_STARTS = (0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0)


def run_memory(tail: float, shift: float) -> NDArray[np.float64]:
    """Autocorrelation at lags 0 .. 64 of signs in runs without noise; see `MarketProfile.sign_tail`."""
    goes_on = 1 - tail / (np.arange(1, LONGEST_RUN + 65) + shift)
    alive = np.concatenate(([1.0], np.cumprod(goes_on)))
    weight = alive[:LONGEST_RUN].sum()
    return np.array([alive[lag : lag + LONGEST_RUN].sum() / weight for lag in range(65)])


def fit_signs(signs: NDArray[np.float64]) -> tuple[float, float, float]:
    """Tail, shift and noise whose autocorrelation is nearest to that of `signs` (+-1)."""
    seen = np.array([autocorrelation(signs, lag) for lag in _LAGS])
    best, found = np.inf, (2.5, 3.0, 0.0)
    for tail in _TAILS:
        for start in _STARTS:
            memory = run_memory(tail, tail - 1 + start)[list(_LAGS)]
            level = min(max(float(seen @ memory / (memory @ memory)), 0.0), 1.0)
            error = float(np.sum(np.square(seen - level * memory)))
            if error < best:
                best, found = error, (tail, tail - 1 + start, 1 - level**0.5)
    return found[0], round(found[1], 4), round(found[2], 4)
