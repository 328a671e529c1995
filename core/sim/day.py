"""The shape of a day: how many messages, how much movement and how wide a spread in each five seconds."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.sim.profile import MarketProfile
from core.sim.stream import draw, new_stream
from core.sim.tables import FINE

#: ns in a cell, cells in 09:30-16:00.
CELL = 5_000_000_000
CELLS = 4680
#: Cells over which a multiplier of the cascade holds: 30, 10, 3 and 1 minutes, 20 and 5 seconds.
_PERIODS = (360, 120, 36, 12, 4, 1)
#: Standard deviation of the sum of four 16-bit uniforms.
_SPREAD_OF_NOISE = math.sqrt(4 * (65536 * 65536 - 1) / 12)


#: Rows of a day, shape (4, CELLS).
UPTO = 0  #: messages of the session before the cell's end
NOISE = 1  #: price noise per message, ticks << 2 FINE per unit of four-uniform noise
PUSH = 2  #: standard deviation of the price per message, ticks << FINE
HALF = 3  #: half the spread that quotes return to, ticks << FINE


def new_day(profile: MarketProfile, seed: int, messages: int) -> NDArray[np.int64]:
    """Cells of a day with `messages` messages between open and close; other seeds, other clusters."""
    activity = _curve(profile.activity_curve)
    volatility = _curve(profile.volatility_curve)
    spread = _curve(profile.spread_curve)
    for i, factor in enumerate(_cascade(seed, "activity", profile.activity_swing)):
        activity[i] *= factor
    for i, factor in enumerate(_cascade(seed, "volatility", profile.volatility_swing)):
        volatility[i] *= factor
    for i, factor in enumerate(_cascade(seed, "volatility", profile.spread_swing)):
        spread[i] *= factor
    total, so_far, upto = sum(activity), 0.0, []
    for share in activity:
        so_far += share
        upto.append(round(messages * so_far / total))
    upto[-1] = messages
    counts = [b - a for a, b in zip([0, *upto], upto, strict=False)]
    variance = sum(n * v * v for n, v in zip(counts, volatility, strict=True))
    unit = profile.daily_volatility * profile.open_ticks / math.sqrt(variance)
    width = profile.spread * messages / sum(n * s for n, s in zip(counts, spread, strict=True))
    return np.array(
        [
            upto,
            [round(unit * v * (1 << 2 * FINE) / _SPREAD_OF_NOISE) for v in volatility],
            [round(unit * v * (1 << FINE)) for v in volatility],
            [max(1 << FINE - 1, round(width * s * (1 << FINE - 1))) for s in spread],
        ],
        np.int64,
    )


def _curve(values: Sequence[float]) -> list[float]:
    """`values` at the middle of equal parts of the day, linear between, one per cell."""
    out = []
    for cell in range(CELLS):
        at = min(max((cell + 0.5) * len(values) / CELLS - 0.5, 0.0), len(values) - 1.0)
        low = min(int(at), max(len(values) - 2, 0))
        high = min(low + 1, len(values) - 1)
        out.append(values[low] + (values[high] - values[low]) * (at - low))
    return out


def _cascade(seed: int, salt: str, swing: float) -> list[float]:
    """Product of random factors 1 - swing or 1 + swing that hold for ever shorter times."""
    stream, out = new_stream(seed, salt), [1.0] * CELLS
    for period in _PERIODS:
        for cell in range(CELLS):
            if cell % period == 0:
                factor = 1 + swing if draw(stream) & 1 else 1 - swing
            out[cell] *= factor
    return out
