"""How strongly a market reacts, read off its own tape: the size of impact, how it decays, how fast a level refills."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.tca.market import Market

_SECOND = 1_000_000_000
#: ns between two steps of the decay.
STEP = 100_000_000
#: Time scales of the memories, seconds: log-spaced, so that their sum follows a power law from 1 s to 3 hours.
SCALES = np.array([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0])
#: Decay of the volume state's response, G(t) ~ t^-exponent. With a square-root displacement it leaves some 70 % of
#: the peak one duration after an even execution, the two thirds of Zarinelli, Treccani, Farmer and Lillo (2015).
EXPONENT = 0.4
#: Prefactor of the square-root law, displacement = Y sigma sqrt(Q / V), of order one in every market measured
#: (Toth et al. 2011; Sato and Kanazawa 2024: exponent 0.489).
PREFACTOR = 1.0


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the reactive rung needs."""

    ticks_per_root_lot: float  #: displacement = this times the square root of the decayed flow in lots
    weights: NDArray[np.float64]  #: of the memories; their sum is 1
    factors: NDArray[np.float64]  #: decay of each memory per step
    refill_ns: int  #: mean time until a level that we emptied is filled again
    sigma: float  #: what it rests on: ticks over the tape
    volume: int  #: lots over the tape


def memories() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and decay factors whose sum follows t^-EXPONENT between the scales (least squares on the power law)."""
    times = np.geomspace(SCALES[0], SCALES[-1] / 2, 200)
    basis = np.exp(-times[:, None] / SCALES[None, :])
    goal = (times / SCALES[0]) ** -EXPONENT
    weights, *_ = np.linalg.lstsq(basis / goal[:, None], np.ones(len(times)), rcond=None)
    weights = np.maximum(weights, 0.0)
    return weights / weights.sum(), np.exp(-(STEP / _SECOND) / SCALES)


def calibrate(market: Market) -> Reaction:
    """The reaction of a market, from its whole tape: volatility and volume for the size, its touch for the refill."""
    samples = market.samples
    both = samples[(samples["bid"] != EMPTY_BID) & (samples["ask"] != EMPTY_ASK)]
    mids = (both["bid"] + both["ask"]) / 2.0
    lag = max(1, 60 * _SECOND // market.step)
    hours = max(market.last_ts - market.first_ts, _SECOND)
    if len(mids) > lag:
        sigma = float(np.sqrt(np.mean((mids[lag:] - mids[:-lag]) ** 2) / (lag * market.step) * hours))
    else:
        sigma = 0.0
    volume = max(int(market.continuous[-1]), 1)
    weights, factors = memories()
    size = PREFACTOR * sigma / np.sqrt(volume) if sigma > 0 else 0.0
    return Reaction(size, weights, factors, _refill(market), sigma, volume)


def _refill(market: Market) -> int:
    """Mean ns until the touch of a side is back after it retreated (an hour at most)."""
    touch = market.touch
    bid, clock = touch["bid"], touch["clock"]
    spans = []
    for price, better in ((bid, 1), (touch["ask"], -1)):
        real = (price != EMPTY_BID) & (price != EMPTY_ASK)
        change = np.flatnonzero((np.diff(price) * better < 0) & real[1:] & real[:-1])
        if len(change):
            back = np.flatnonzero((np.diff(price) * better > 0) & real[1:] & real[:-1])
            at = np.searchsorted(back, change)
            found = at < len(back)
            spans.append(clock[back[at[found]] + 1] - clock[change[found] + 1])
    if not spans or not sum(map(len, spans)):
        return _SECOND
    return int(min(max(np.mean(np.concatenate(spans)), 1_000_000), 3600 * _SECOND))
