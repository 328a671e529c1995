"""Stylised facts of a tape: what a synthetic market is measured by.

Definitions follow Cont (2001) for returns, Lillo and Farmer (2004) for trade signs, and Cont, Kukanov and
Stoikov (2014) for order flow imbalance.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.enums import Flag
from core.instrument import Instrument
from core.sim.walk import LEVELS, Walk, new_walk, run

_SECOND = 1_000_000_000
_STOCKS = "America/New_York"


def facts(
    messages: NDArray[np.void], instrument: Instrument, session: tuple[int, int] | None = None
) -> dict[str, float]:
    """Stylised facts of `messages` (MESSAGE), NaN where the tape has too little of something.

    `session`: ns UTC that count, first and one past the last; by default 09:30-16:00 for New York
    instruments and the whole tape for others.
    """
    return facts_of(measure(messages, instrument, session), float(instrument.tick))


def facts_of(walk: Walk, tick: float) -> dict[str, float]:
    """Stylised facts of a finished walk; `tick`: natural price of one."""
    out = {"messages": float(walk.mix.sum()), "rows": float(walk.tally[0]["rows"])}
    out |= _mix(walk)
    out |= _spread(walk, tick)
    out |= _book(walk)
    out |= _signs(walk)
    out |= _returns(walk)
    out["ofi_r2_10s"] = _r2(walk, walk.ofi)
    out["trade_r2_10s"] = _r2(walk, signs_by_second(walk))
    out["burstiness_1s"] = _burstiness(walk)
    out |= _day(walk)
    return out


def measure(messages: NDArray[np.void], instrument: Instrument, session: tuple[int, int] | None = None) -> Walk:
    """Walk over `messages`; see `core.sim.walk` for what it collects."""
    start, stop = session or session_of(messages, instrument)
    return run(new_walk(messages, start, stop), messages)


def session_of(messages: NDArray[np.void], instrument: Instrument) -> tuple[int, int]:
    """The default session in ns UTC: see `facts`. Cut to the time that the tape covers, in whole minutes."""
    ts = messages["ts_event"][(messages["flags"] & Flag.SNAPSHOT) == 0]
    if not len(ts):
        return 0, _SECOND
    start, stop = int(ts.min()), int(ts.max()) + 1
    if instrument.timezone == _STOCKS:
        day = datetime.fromisoformat(f"{instrument.date}T09:30:00").replace(tzinfo=ZoneInfo(_STOCKS))
        opening = int(day.timestamp()) * _SECOND
        minute = 60 * _SECOND
        last = opening + -(-(stop - opening) // minute) * minute
        if opening < stop:
            return max(opening, start // minute * minute), min(opening + 390 * minute, last)
    return start, stop


def _mix(walk: Walk) -> dict[str, float]:
    """Shares of the rows by action; LEVEL messages are the importer's and not counted."""
    kinds = {"add": 1, "cancel": 2, "delete": 3, "execute": 4, "replace": 5, "trade": 6}
    total = sum(int(walk.mix[code]) for code in kinds.values())
    return {f"share_{name}": _ratio(walk.mix[code], total) for name, code in kinds.items()}


def _spread(walk: Walk, tick: float) -> dict[str, float]:
    counts, tally = walk.spread, walk.tally[0]
    mean = _ratio((np.arange(len(counts)) * counts).sum(), counts.sum())
    upto = np.cumsum(counts)

    def quantile(share: float) -> float:
        return float(np.searchsorted(upto, share * upto[-1])) if upto[-1] else np.nan

    return {
        "spread_mean_ticks": mean,
        "spread_mean_cents": mean * tick * 100,
        "spread_time_mean_ticks": _ratio(tally["spread_time"], tally["time"]),
        "spread_q05_ticks": quantile(0.05),
        "spread_median_ticks": quantile(0.5),
        "spread_q95_ticks": quantile(0.95),
        "bbo_move_share": _ratio(tally["moves"], tally["rows"]),
    }


def _book(walk: Walk) -> dict[str, float]:
    tally = walk.tally[0]
    sides = 2 * int(tally["samples"])
    out = {
        "live_orders": _ratio(tally["orders"], tally["samples"]),
        "live_levels": _ratio(tally["levels"], tally["counts"]),
        "touch_orders": _ratio(tally["front"], sides),
    }
    for level in range(LEVELS):
        out[f"depth_{level + 1}_qty"] = _ratio(walk.depth[level, 0], sides)
        out[f"depth_{level + 1}_ticks"] = _ratio(walk.depth[level, 1], sides)
    life = walk.life[: int(tally["lives"])]
    for share in (10, 25, 50, 75, 90, 99):
        out[f"lifetime_q{share}_s"] = float(np.quantile(life, share / 100)) / _SECOND if len(life) else np.nan
    return out


def aggressors(walk: Walk) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Side and time (ns UTC) of each aggressor: prints of one instant and side count once."""
    n = int(walk.tally[0]["trades"])
    sign, when = walk.sign[:n], walk.when[:n]
    first = np.ones(n, np.bool_)
    first[1:] = (when[1:] != when[:-1]) | (sign[1:] != sign[:-1])
    return sign[first], when[first]


def signs_by_second(walk: Walk) -> NDArray[np.int64]:
    """Buying less selling aggressors, by second."""
    sign, when = aggressors(walk)
    out = np.zeros(len(walk.mid), np.int64)
    np.add.at(out, (when - int(walk.tally[0]["start"])) // _SECOND, sign)
    return out


def _signs(walk: Walk) -> dict[str, float]:
    signs = aggressors(walk)[0].astype(np.float64)
    out = {"aggressors": float(len(signs))}
    for lag in (1, 2, 5, 10, 20, 50, 100):
        out[f"sign_ac_{lag}"] = autocorrelation(signs, lag)
    return out


def _returns(walk: Walk) -> dict[str, float]:
    out = {"volatility_5min": float(np.sqrt(np.sum(np.square(returns(walk, 300)))))}
    out["volatility_10s"] = float(np.sqrt(np.sum(np.square(returns(walk, 10)))))
    for seconds, name in ((1, "1s"), (10, "10s"), (60, "1min")):
        series = returns(walk, seconds)
        square = np.square(series)
        out[f"kurtosis_{name}"] = _ratio(np.mean(square * square), np.mean(square) ** 2) if len(series) else np.nan
        out[f"return_ac_{name}"] = autocorrelation(series, 1)
        for lag in (1, 5, 20):
            out[f"abs_return_ac_{name}_{lag}"] = autocorrelation(np.abs(series), lag)
    return out


def mids(walk: Walk) -> NDArray[np.float64]:
    """Mid at the end of each second in half ticks; the last known one where a side is empty, NaN before any."""
    mid = walk.mid.astype(np.float64)
    mid[walk.mid == 0] = np.nan
    known = np.maximum.accumulate(np.where(np.isnan(mid), -1, np.arange(len(mid))))
    return np.where(known >= 0, mid[np.maximum(known, 0)], np.nan)


def returns(walk: Walk, seconds: int) -> NDArray[np.float64]:
    """Relative changes of the mid over `seconds`."""
    mid = mids(walk)[seconds - 1 :: seconds]
    mid = mid[~np.isnan(mid)]
    changes: NDArray[np.float64] = np.diff(mid) / np.abs(mid[:-1])
    return changes


def _r2(walk: Walk, by_second: NDArray[np.int64]) -> float:
    """R2 of mid changes over 10 s on the sum of `by_second` in them, mean over windows of 30 minutes."""
    mid, window = mids(walk)[9::10], 180
    flow = np.add.reduceat(by_second, np.arange(0, len(by_second), 10))[1 : len(mid)].astype(np.float64)
    change = np.diff(mid)
    found = []
    for at in range(0, len(change) - window + 2, window):
        x, y = flow[at : at + window], change[at : at + window]
        if not np.isnan(y).any() and x.std() > 0 and y.std() > 0:
            found.append(float(np.corrcoef(x, y)[0, 1] ** 2))
    return float(np.mean(found)) if found else np.nan


def _burstiness(walk: Walk) -> float:
    """Variance over mean of the messages a second, within minutes; 1 if they came independently."""
    minutes = walk.busy[: len(walk.busy) // 60 * 60].reshape(-1, 60)
    return _ratio(minutes.var(axis=1).mean(), minutes.mean()) if len(minutes) else np.nan


def _day(walk: Walk) -> dict[str, float]:
    """First and last half hour against the middle third of the session, per second."""
    n = len(walk.volume)
    edge, low, high = min(1800, n // 8), n // 3, 2 * n // 3
    out = {"volume": float(walk.volume.sum())}
    for name, series in (("volume", walk.volume), ("messages", walk.busy)):
        middle = float(series[low:high].mean()) if high > low else 0.0
        out[f"{name}_open_over_noon"] = _ratio(series[:edge].mean() if edge else 0.0, middle)
        out[f"{name}_close_over_noon"] = _ratio(series[n - edge :].mean() if edge else 0.0, middle)
    return out


def autocorrelation(series: NDArray[np.float64], lag: int) -> float:
    """Sample autocorrelation, NaN for series that are too short or constant."""
    if len(series) <= lag + 1:
        return np.nan
    centred = series - series.mean()
    return _ratio(np.mean(centred[lag:] * centred[:-lag]), np.mean(centred * centred))


def _ratio(a: float, b: float) -> float:
    return float(a) / float(b) if b else float("nan")
