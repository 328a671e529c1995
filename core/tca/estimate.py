"""What a policy may know of volume and volatility before its parent order starts. Nothing here looks at the start or
later: a schedule drawn from the volume of its own window is the oldest leak of transaction-cost analysis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.errors import ConfigError
from core.plan import ParentPlan
from core.policies.port import ParentContext
from core.tca.market import Market

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
#: Mid changes are taken over so long: shorter ones count the bounce between quotes as volatility.
_HORIZON = 10 * _SECOND
#: How far back estimates look, unless told otherwise.
LOOKBACK = 1800 * _SECOND


@dataclass(frozen=True, slots=True)
class Estimate:
    """The market before a moment; NaN where too little came before to say."""

    sigma: float  #: volatility of the mid, ticks per square root of a second
    rate: float  #: lots traded a second
    spread: float  #: mean, ticks
    depth: float  #: mean lots at the touch, of one side
    seconds: float  #: that it rests on


def estimate(market: Market, before: int, lookback: int = LOOKBACK) -> Estimate:
    """From samples and prints in the `lookback` ns before `before` (ns UTC), none at or after it."""
    start = max(before - lookback, market.first_ts)
    low, high = (-(-(start - market.first_ts) // market.step), (before - market.first_ts) // market.step + 1)
    samples = market.samples[max(low, 0) : max(high, 0)]
    samples = samples[(samples["bid"] != EMPTY_BID) & (samples["ask"] != EMPTY_ASK)]
    end = min(before, market.last_ts)
    if end <= start or not len(samples):
        return Estimate(nan, nan, nan, nan, 0.0)
    seconds = (end - start) / _SECOND
    return Estimate(
        sigma=_sigma(samples, market.step),
        rate=market.traded(start, before) / seconds,
        spread=float((samples["ask"] - samples["bid"]).mean()),
        depth=float((samples["bid_qty"] + samples["ask_qty"]).mean()) / 2,
        seconds=seconds,
    )


def _sigma(samples: NDArray[np.void], step: int) -> float:
    """Realised volatility of the mid: overlapping changes over ten seconds, so that no sampling phase is favoured."""
    mids = (samples["bid"] + samples["ask"]) / 2
    lag = max(1, _HORIZON // step)
    if len(mids) <= lag:
        return nan
    return float(np.sqrt(np.mean((mids[lag:] - mids[:-lag]) ** 2) / (lag * step / _SECOND)))


def volume_curve(
    market: Market, start: int, window: int, slices: int, earlier: Sequence[Market] = ()
) -> NDArray[np.float64]:
    """Share of a window's volume that is expected in each of its equal slices; shape (slices,), sums to 1.

    `start`, `window` in ns. From `earlier` days where there are any: the same time of day (UTC) there. Otherwise from
    the earlier blocks of this tape: the windows of the same length that end one after another where this one starts,
    as many as fit. One block of even volume is added to what was seen, so a curve of few blocks is nearly flat, no
    slice is ever empty, and with nothing earlier it is flat.

    Raises `ConfigError` when an earlier market reaches `start`.
    """
    edges = start + window * np.arange(slices + 1, dtype=np.int64) // slices
    seen: list[NDArray[np.int64]] = []
    for day in earlier:
        if day.last_ts >= start:
            raise ConfigError("a volume curve may only come from days that ended before the order starts")
        back = max(1, -(-(int(edges[-2]) - day.last_ts) // _DAY))  # the last slice begins before the day ends
        while edges[0] - back * _DAY >= day.first_ts:
            seen.append(_per_slice(day, edges - back * _DAY))
            back += 1
    if not earlier:
        blocks = (start - market.first_ts) // window
        seen = [_per_slice(market, edges - block * window) for block in range(1, blocks + 1)]
    total = np.sum(seen, axis=0) if seen else np.zeros(slices, np.int64)
    even = total.sum() / slices / len(seen) if seen and total.any() else 1.0
    curve: NDArray[np.float64] = (total + even) / (total.sum() + even * slices)
    return curve


def known_before(
    market: Market, parent: ParentPlan, *, every: int = _SECOND, slices: int = 20, earlier: Sequence[Market] = ()
) -> ParentContext:
    """All that a policy is told of the market when it is made for a parent order. `every`: ns between decisions."""
    found = estimate(market, parent.start)
    return ParentContext(
        side=parent.side,
        qty=parent.qty,
        start=parent.start,
        end=parent.end,
        limit=parent.limit,
        urgency=parent.urgency,
        every=every,
        sigma=found.sigma,
        rate=found.rate,
        spread=found.spread,
        depth=found.depth,
        volumes=volume_curve(market, parent.start, parent.end - parent.start, slices, earlier),
    )


def _per_slice(market: Market, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lots printed in each slice."""
    at = np.searchsorted(market.print_clock, edges, "left")
    return np.diff(market.continuous[at])
