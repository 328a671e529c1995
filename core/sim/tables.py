"""From the numbers of a profile to the integer tables the kernel decides with.

Only +, -, *, / and square root are used on floats, in a fixed order: IEEE 754 fixes their last bit, so the
tables, and with them the tape, are the same everywhere. Logarithms and powers would not be.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.jit import inlined
from core.jit_states import state
from core.sim.profile import MarketProfile

#: Entries of a look-up table: a draw's upper 12 bits choose, its lower 20 bits interpolate.
ENTRIES = 4096
#: Fractional bits of distances, prices and rates.
FINE = 16
#: Fractional bits of `Tables.gaps`; the shortest gap is one unit.
GAP = 20
#: Distance in ticks from which on round prices are told from others.
ROUND_FROM = 13
#: Steps in ticks of the classes of round prices; the last that divides a price is its class.
ROUND = (1, 10, 50, 100)
#: Ages of old orders are told apart to this many bits.
OLD_SHIFT = 4
#: Longest run of aggressors whose length still matters.
LONGEST_RUN = 1024
_ONE = 1 << 32


#: Rows of the tables, shape (13, ENTRIES + 1). Thresholds are compared with 32-bit draws.
KINDS = 0  #: cumulative thresholds of the kinds of event: add or delete, cancel, replace, aggressor, hidden print
SIZES = 1  #: lots of a new order
FILLS = 2  #: resting orders an aggressor hits
PLACEMENT = 3  #: quantiles of ticks << FINE
RESTING = 4  #: quantiles of ticks << FINE
AGES = 5  #: quantiles of the age << FINE of the young order to take off
GAPS = 6  #: quantiles of gap << GAP in local mean gaps
GOES_ON = 7  #: threshold: a run that had r + 1 aggressors gets another
EXPECTED = 8  #: expected sign << FINE of the next aggressor of such a run
ROUND_PLACEMENT = 9  #: class of a new order's price
ROUND_RESTING = 10
OLD = 11  #: threshold of an old order by age >> OLD_SHIFT
NUMBERS = 12  #: scalars, in the columns below
IMPROVE, FULL_FILL, NOISE_SIGN, TARGET, IMPACT, STEP = range(6)
JUMP, JUMP_STEP, BURSTS, FLOOR, CEILING, HIGHEST, OLD_SHARE, ANY = range(6, 14)


@inlined
def round_class(price: int) -> int:
    """Which of `ROUND` a price belongs to."""
    if price % 10 != 0:
        return 0
    if price % 50 != 0:
        return 1
    return 2 if price % 100 != 0 else 3


@inlined
def rounded(ticks: int, side: int, kind: int) -> int:
    """`ticks` moved away from the market (down for `side` BID, up for ASK) to a price of class `kind`."""
    if kind == 0:
        return ticks
    step = 10 if kind == 1 else (50 if kind == 2 else 100)
    return ticks - side * ((ticks * side) % step)


def threshold(share: float) -> int:
    """`share` of all 32-bit draws lie below this."""
    return round(share * _ONE)


def discrete(values: Sequence[int], weights: Sequence[float]) -> NDArray[np.int64]:
    """Table of `values` in proportion to `weights`, shape (ENTRIES,)."""
    whole = [round(weight / sum(weights) * _ONE) for weight in weights]
    total, out, at, upto = sum(whole), np.empty(ENTRIES, np.int64), 0, whole[0]
    for i in range(ENTRIES):
        while (2 * i + 1) * total >= 2 * ENTRIES * upto and at + 1 < len(values):
            at += 1
            upto += whole[at]
        out[i] = values[at]
    return out


def quantiles(edges: Sequence[int], weights: Sequence[float]) -> NDArray[np.int64]:
    """Quantiles of a density that is flat between `edges`, in units of `edges`, shape (ENTRIES + 1,)."""
    whole = [round(weight / sum(weights) * _ONE) for weight in weights]
    total, out, at, under = sum(whole), np.empty(ENTRIES + 1, np.int64), 0, 0
    for i in range(ENTRIES + 1):
        goal = i * total
        while goal > ENTRIES * (under + whole[at]) and at + 1 < len(whole):
            under += whole[at]
            at += 1
        width = edges[at + 1] - edges[at]
        inside = (goal - ENTRIES * under) * width // (ENTRIES * whole[at]) if whole[at] else 0
        out[i] = edges[at] + min(inside, width)
    return out


def fine(edges: Sequence[int]) -> list[int]:
    """Edges with `FINE` fractional bits."""
    return [edge << FINE for edge in edges]


@state
class Ages(NamedTuple):
    """How to find an order whose turn it is to go, at the least number of looks."""

    young: NDArray[np.int64]  #: quantiles of the age << FINE to look at, below the bound
    old: NDArray[np.int64]  #: threshold of a randomly found order by age >> OLD_SHIFT, 0 below the bound
    share: int  #: threshold: look for an old one


def split_ages(profile: MarketProfile, live: int) -> Ages:
    """Young orders are looked up by age, old ones at random among the `live`; either way by their hazard.

    Looking up costs the sum of all hazards below a bound, most of them of orders long gone; looking at random
    costs `live` times the largest hazard above it. The bound is where the two together cost least.
    """
    edges, hazards = profile.age_edges, profile.cancel_age
    weights = [h * (b - a) for h, a, b in zip(hazards, edges, edges[1:], strict=False)]
    # Orders older than the last edge go at the last hazard.
    above = [max(hazards[min(k, len(hazards) - 1) :]) for k in range(len(edges))]
    below = [sum(weights[:k], 0.0) for k in range(len(edges))]
    costs = [low + live * high for low, high in zip(below, above, strict=True)]
    best = costs.index(min(costs))
    old = np.zeros(ENTRIES, np.int64)
    for i in range(edges[best] >> OLD_SHIFT, ENTRIES):
        at = bisect_right(edges, i << OLD_SHIFT) - 1
        old[i] = threshold(hazards[min(at, len(hazards) - 1)] / above[best]) if above[best] > 0 else 0
    if below[best] == 0:
        return Ages(np.zeros(1, np.int64), old, _ONE)
    return Ages(quantiles(fine(edges[: best + 1]), weights[:best]), old, threshold(live * above[best] / min(costs)))


def acceptance(profile: MarketProfile) -> NDArray[np.int64]:
    """Thresholds, shape (classes of price, ticks); the likeliest to be cancelled is always accepted."""
    edges = profile.distance_edges
    top = max(profile.cancel_distance) * max(profile.cancel_round)
    out = np.empty((len(ROUND), edges[-1] + 1), np.int64)
    for kind, factor in enumerate(profile.cancel_round):
        for hazard, a, b in zip(profile.cancel_distance, edges, edges[1:], strict=False):
            for distance in range(a, b + 1):
                plain = factor if distance >= ROUND_FROM else profile.cancel_round[0]
                out[kind, distance] = threshold(hazard * plain / top)
    return out


def run_length(profile: MarketProfile) -> tuple[list[float], float]:
    """Chance that a run of r+1 aggressors goes on, r = 0 .. LONGEST_RUN-1, and the variance of a sign's surprise.

    The hazard of ending, tail / (r + 1 + shift), makes the length a power law with exponent `sign_tail`.
    """
    chances = [1 - profile.sign_tail / (r + 1 + profile.sign_shift) for r in range(LONGEST_RUN)]
    alive, weight, square = 1.0, 0.0, 0.0
    for chance in chances:
        weight += alive
        square += alive * ((1 - profile.sign_noise) * chance) * ((1 - profile.sign_noise) * chance)
        alive *= chance
    return chances, 1 - square / weight


def new_tables(profile: MarketProfile, messages: int, live: int) -> NDArray[np.int64]:
    """All tables of `profile` for a day of `messages` with about `live` resting orders."""
    mean_fills = sum((i + 1) * w for i, w in enumerate(profile.fills)) / sum(profile.fills)
    takers = profile.execute / mean_fills
    events = [profile.add + profile.delete, profile.cancel, profile.replace, takers, profile.hidden]
    total, upto, kinds = sum(events), 0.0, []
    for share in events:
        upto += share
        kinds.append(threshold(upto / total))
    kinds[-1] = _ONE
    chances, surprise = run_length(profile)
    ages = split_ages(profile, live)
    rows: dict[int, Sequence[int] | NDArray[np.int64]] = {
        KINDS: kinds,
        SIZES: discrete(profile.sizes, profile.size_weights),
        FILLS: discrete(range(1, len(profile.fills) + 1), profile.fills),
        PLACEMENT: quantiles(fine(profile.distance_edges), profile.placement),
        RESTING: quantiles(fine(profile.distance_edges), profile.resting),
        AGES: ages.young,
        OLD: ages.old,
        GAPS: _gaps(profile.gaps),
        GOES_ON: [threshold(chance) for chance in chances],
        EXPECTED: [round((1 - profile.sign_noise) * c * (1 << FINE)) for c in chances],
        ROUND_PLACEMENT: discrete(range(len(ROUND)), profile.round_placement),
        ROUND_RESTING: discrete(range(len(ROUND)), profile.round_resting),
        NUMBERS: _numbers(profile, events, surprise, messages),
    }
    out = np.zeros((len(rows), ENTRIES + 1), np.int64)
    for row, values in rows.items():
        out[row, : len(values)] = values
    out[NUMBERS, TARGET], out[NUMBERS, OLD_SHARE] = live, ages.share
    return out


def _numbers(profile: MarketProfile, events: Sequence[float], surprise: float, messages: int) -> NDArray[np.int64]:
    """Scalars. `events`: events a message by kind; `surprise`: variance of an unexpected sign."""
    numbers, total = np.zeros(14, np.int64), sum(events)
    numbers[IMPROVE], numbers[FULL_FILL] = threshold(profile.improve), threshold(profile.full_fill)
    numbers[NOISE_SIGN], numbers[BURSTS] = threshold(profile.sign_noise), threshold(profile.bursts)
    numbers[ANY] = threshold(profile.cancel_any)
    # An event gets the variance of 1 / total messages; aggressors, jumps and noise share it.
    takers = (events[3] + events[4]) / total
    pushes = profile.impact_share if takers * messages >= 1 else 0.0
    chance = min(profile.jumps_per_day / (total * messages), 0.5)
    jumps = profile.jump_share if profile.jumps_per_day >= 1 else 0.0
    numbers[IMPACT] = round(math.sqrt(pushes / total / (takers * surprise)) * (1 << FINE)) if pushes > 0 else 0
    numbers[STEP] = round(math.sqrt(max(1 - pushes - jumps, 0.0) / total) * (1 << FINE))
    numbers[JUMP] = threshold(chance)
    numbers[JUMP_STEP] = round(math.sqrt(jumps / total / chance) * (1 << FINE)) if jumps > 0 else 0
    numbers[FLOOR], numbers[CEILING] = profile.open_ticks // 4, profile.open_ticks * 4
    # No order is dearer, whatever a profile without improvements lets the ask drift to.
    numbers[HIGHEST] = profile.open_ticks * 4 + profile.distance_edges[-1] + 20 * math.ceil(profile.spread)
    return numbers


def _gaps(weights: Sequence[float]) -> NDArray[np.int64]:
    """Quantiles of gaps, scaled to a mean of one; a gap is at most 64 means, so that no product overflows."""
    table = quantiles([1 << k for k in range(len(weights) + 1)], weights)
    mean = sum(int(a) + int(b) for a, b in pairwise(table)) / (2 * ENTRIES)
    return np.array([min(int(int(v) * (1 << GAP) / mean), 64 << GAP) for v in table], np.int64)
