"""A policy beside the plain ones: same parent orders, tape, latency and seed for each, intervals by blocks of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.plan import ParentPlan
from core.tape.tape import Tape
from core.tca.market import Market
from models.card import Metric
from models.factory.measures import interval
from models.factory.orders import Outcome, run_orders

#: What every policy model is measured against.
BASELINES = ("twap", "vwap", "pov", "ac", "passive")


@dataclass(frozen=True, slots=True)
class Job:
    """Parent orders on one tape."""

    tape: Tape
    market: Market
    parents: tuple[ParentPlan, ...]
    every: int  #: ns between turns
    number: int  #: of the tape


def work(jobs: Sequence[Job], policy: str, models: Mapping[str, object] | None = None) -> list[Outcome]:
    """Every job with one policy, all with the same seed."""
    return [run_orders(job.tape, job.market, job.parents, policy, job.every, models=models) for job in jobs]


def compare(jobs: Sequence[Job], outcomes: Mapping[str, list[Outcome]], rng: np.random.Generator) -> list[Metric]:
    """Shortfall of the first policy named, and its difference from each other one, in basis points and ticks.

    Orders are resampled by blocks of four windows of a tape. `outcomes`: by policy, in order of the jobs.
    """
    block = np.concatenate([job.number * 1_000_000 + np.arange(len(job.parents)) // 4 for job in jobs])
    bps = {name: np.concatenate([_bps(one) for one in found]) for name, found in outcomes.items()}
    ticks = {name: np.concatenate([one.shortfall for one in found]) for name, found in outcomes.items()}
    model, *others = outcomes
    about = f"{len(block):,} held-out parent orders, rung R4; 95 % interval, blocks of 4 windows resampled"
    out = [_mean("shortfall_bps", bps[model], block, about, rng)]
    for name in others:
        out.append(_mean("shortfall_bps", bps[name], block, f"{name}; the same orders", rng))
        out.append(_mean(f"vs_{name}_bps", bps[model] - bps[name], block, "paired; below 0 = cheaper", rng))
        out.append(_mean(f"vs_{name}_ticks", ticks[model] - ticks[name], block, "paired; below 0 = cheaper", rng))
    for name in outcomes:
        worst = np.sort(bps[name])[-max(1, len(block) // 20) :]
        who = "" if name == model else f"{name}; "
        out.append(_plain("cvar95_bps", float(worst.mean()), f"{who}mean of the worst twentieth; no interval"))
        out.append(_plain("timing_risk_bps", float(bps[name].std()), f"{who}standard deviation; no interval"))
    filled = np.concatenate([one.filled / one.qty for one in outcomes[model]])
    maker = np.concatenate([one.maker for one in outcomes[model]])
    out.append(_mean("fill_rate", filled, block, "share of the quantity; what is left counts at the far touch", rng))
    out.append(_mean("maker_share", maker, block, "of what was filled", rng))
    return out


def _bps(outcome: Outcome) -> NDArray[np.float64]:
    found: NDArray[np.float64] = outcome.shortfall / outcome.arrival * 1e4
    return found


def _mean(
    name: str, values: NDArray[np.float64], block: NDArray[np.int64], about: str, rng: np.random.Generator
) -> Metric:
    parts = np.stack([values, np.ones(len(values))], axis=1)
    low, high = interval(block, lambda sums: float(sums[0] / sums[1]), parts, rng)
    return Metric(name, round(float(values.mean()), 4), round(low, 4), round(high, 4), about)


def _plain(name: str, value: float, about: str) -> Metric:
    shown = round(value, 4)
    return Metric(name, shown, shown, shown, about)
