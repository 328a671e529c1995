"""Find the parameters that only show in the interplay of all orders: make a day, measure it, correct, repeat."""

from dataclasses import replace
from math import log

import numpy as np

from core.sim.facts import facts
from core.sim.profile import MarketProfile
from core.sim.rehearse import rehearse

_SEED = 1
_DAY = 23_400
#: Rehearsals are no longer than this.
_MOST = 1_000_000


def calibrate(profile: MarketProfile, wanted: dict[str, float], seconds: int, rounds: int) -> MarketProfile:
    """`profile`, corrected until a rehearsal shows what is `wanted` of seven facts that no parameter states alone.

    `wanted`: facts of a tape that covers `seconds` of its day. Each round multiplies the parameter
    behind a fact by a power of what is wanted over what was found; the nearest rehearsal wins. How readily
    the touch is improved shows weakly in any fact: it stays between a third and all of what was counted.
    """
    goal = {
        "spread_time_mean_ticks": wanted["spread_time_mean_ticks"],
        "depth_5_ticks": wanted["depth_5_ticks"],
        "bbo_move_share": wanted["bbo_move_share"] * wanted["rows"] * _DAY / seconds / profile.messages_per_day,
        "volatility_10s": wanted["volatility_10s"] * (_DAY / seconds) ** 0.5,
        "trade_r2_10s": wanted["trade_r2_10s"],
        "burstiness_1s": wanted["burstiness_1s"],
        "kurtosis_1s": wanted["kurtosis_1s"],
    }
    loosest = 0.3 * profile.improve, profile.improve
    best, error = profile, np.inf
    for round_ in range(rounds):
        found = facts(*rehearse(profile, _SEED + round_, min(profile.messages_per_day, _MOST)))
        ratio = {name: value / found[name] for name, value in goal.items() if value > 0 and found[name] > 0}
        if (miss := sum(log(r) ** 2 for r in ratio.values())) < error:
            best, error = profile, miss
        step = {name: min(max(r**0.7, 0.5), 2.0) for name, r in ratio.items()}
        profile = _stepped(profile, step, loosest)
    return best


def _stepped(profile: MarketProfile, step: dict[str, float], improve: tuple[float, float]) -> MarketProfile:
    """Each parameter times the step of its fact, inside its range; `improve` inside the given one."""
    # Orders that go by age leave near the touch, those that go at any age leave elsewhere and crowd the touch.
    full = "depth_5_ticks" in step
    crowd = step["depth_5_ticks"] if full else step.get("bbo_move_share", 1.0)
    impact = _within(profile.impact_share * step.get("trade_r2_10s", 1.0), 0.02, 0.8)
    return replace(
        profile,
        spread=_within(profile.spread * step.get("spread_time_mean_ticks", 1.0), 1.0, 1e4),
        improve=_within(profile.improve * (step.get("bbo_move_share", 1.0) if full else 1.0), *improve),
        cancel_any=_within(profile.cancel_any / crowd**2, 0.002, 0.8),
        daily_volatility=_within(profile.daily_volatility * step.get("volatility_10s", 1.0), 1e-5, 0.5),
        impact_share=impact,
        bursts=_within(profile.bursts * step.get("burstiness_1s", 1.0), 0.02, 0.95),
        jump_share=_within(profile.jump_share * step.get("kurtosis_1s", 1.0), 0.005, min(0.5, 1 - impact)),
    )


def _within(value: float, low: float, high: float) -> float:
    return round(min(max(value, low), high), 6)
