"""The paired protocol: every policy worked the same orders, so policies differ only in what they did.

Nothing is dropped: an order that was not filled stands in every mean with what its rest was marked at.
"""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.tca.bootstrap import Means, Resamples, holm, mean_test, resample
from core.tca.result import PARTS, Figure, Pair

#: Drawn often enough that the ends of a 95 % interval stand on 250 resamples.
RESAMPLES = 10_000


class Figures(NamedTuple):
    """What the paired protocol gives."""

    columns: dict[str, dict[str, Figure]]  #: by policy
    pairs: tuple[Pair, ...]  #: each policy against each other one, once
    blocks: int  #: independent blocks all of it rests on


def figures(
    policies: Sequence[str],
    orders: NDArray[np.void],
    costs: NDArray[np.void],
    rng: np.random.Generator,
    *,
    baseline: str = "twap",
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Figures:
    """The figures of each policy, and of each pair of policies.

    `orders`: PAIRED, shape (n,), n > 0; `costs`: COST, shape (policies, n). Blocks are the distinct (tape, block,
    seed) of the orders and all series use the same resamples. All amounts are bps, positive = cost; a negative
    difference is a policy that paid less than the baseline. None where a figure cannot be said: an interval of
    fewer than two blocks, a difference to a baseline that was not run. The columns:

    shortfall_bps, shortfall_ci   mean over orders and its interval (BCa over blocks)
    delay_bps .. opportunity_bps  its parts, means
    timing_risk_bps               standard deviation of the shortfall over orders
    cvar95_bps                    mean of the worst 5 % of the orders
    median_bps, fill_rate         median shortfall; mean share of an order that was done
    unmeasured_fills              fills without a mid to split their cost by
    vs_twap_bps, vs_twap_ci       mean paired difference to the baseline and its interval
    p_value, p_holm               two-sided, that it is zero; corrected over all policies but the baseline
    p_win                         share of the orders that cost less than the baseline's, ties half
    """
    drawn = resample(np.stack([orders[name] for name in ("tape", "block", "seed")], axis=1), resamples, rng)
    shortfall = np.ascontiguousarray(costs["shortfall"])
    means = mean_test(shortfall, drawn, level)
    columns: dict[str, dict[str, Figure]] = {}
    for k, policy in enumerate(policies):
        row: dict[str, Figure] = {"shortfall_bps": float(means.mean[k]), "shortfall_ci": _interval(means, k)}
        row |= _own(shortfall[k], costs[k])
        columns[policy] = row | _against(policies, shortfall, k, baseline, drawn, level)
    _correct([columns[policy] for policy in policies if policy != baseline])
    return Figures(columns, _pairs(policies, shortfall, drawn, level), drawn.blocks)


def _own(shortfall: NDArray[np.float64], costs: NDArray[np.void]) -> dict[str, Figure]:
    """The figures of one policy that need no other."""
    row: dict[str, Figure] = {f"{part}_bps": float(costs[part].mean()) for part in PARTS}
    row["timing_risk_bps"] = float(shortfall.std(ddof=1)) if len(shortfall) > 1 else 0.0
    row["cvar95_bps"] = cvar(shortfall, 0.05)
    row["median_bps"] = float(np.median(shortfall))
    row["fill_rate"] = float(costs["fill_rate"].mean())
    row["unmeasured_fills"] = int(costs["unmeasured"].sum())
    return row


def _against(
    policies: Sequence[str], shortfall: NDArray[np.float64], k: int, baseline: str, drawn: Resamples, level: float
) -> dict[str, Figure]:
    """Policy `k` against the baseline; the baseline against itself is nothing by definition, not by test."""
    names = (f"vs_{baseline}_bps", f"vs_{baseline}_ci", "p_value", "p_holm", "p_win")
    if baseline not in policies:
        return dict.fromkeys(names)
    if policies[k] == baseline:
        return dict(zip(names, (0.0, [0.0, 0.0], None, None, None), strict=True))
    difference = shortfall[k] - shortfall[list(policies).index(baseline)]
    found = mean_test(difference[None, :], drawn, level)
    wins = float((difference < 0).mean() + (difference == 0).mean() / 2)
    p = _number(found.p[0])
    return dict(zip(names, (float(found.mean[0]), _interval(found, 0), p, p, wins), strict=True))


def _correct(rows: list[dict[str, Figure]]) -> None:
    """Holm over the policies that were compared with the baseline."""
    told = [(row, p) for row in rows if isinstance(p := row["p_value"], float)]
    for (row, _), corrected in zip(told, holm(np.array([p for _, p in told])), strict=True):
        row["p_holm"] = float(corrected)


def _pairs(policies: Sequence[str], shortfall: NDArray[np.float64], drawn: Resamples, level: float) -> tuple[Pair, ...]:
    """Every policy against every later one, corrected over all pairs."""
    chosen = [(i, j) for i in range(len(policies)) for j in range(i + 1, len(policies))]
    if not chosen:
        return ()
    found = mean_test(np.stack([shortfall[i] - shortfall[j] for i, j in chosen]), drawn, level)
    corrected = holm(found.p)
    return tuple(
        Pair(policies[i], policies[j], float(found.mean[n]), _interval(found, n), _number(corrected[n]))
        for n, (i, j) in enumerate(chosen)
    )


def cvar(costs: NDArray[np.float64], tail: float) -> float:
    """Mean of the worst `tail` of the costs, the last of them in part (Rockafellar and Uryasev 2002)."""
    mass = tail * len(costs)
    share = np.clip(mass - np.arange(len(costs)), 0.0, 1.0)
    return float((np.sort(costs)[::-1] * share).sum() / mass)


def _interval(means: Means, k: int) -> list[float] | None:
    low, high = float(means.low[k]), float(means.high[k])
    return [low, high] if isfinite(low) and isfinite(high) else None


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None
