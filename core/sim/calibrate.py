"""Find the parameters that only show in the interplay of all orders: make a day, measure it, correct, repeat."""

from dataclasses import replace

from core.sim.facts import facts
from core.sim.profile import MarketProfile
from core.sim.rehearse import rehearse

_SEED = 1
_DAY = 23_400
#: Rehearsals are no longer than this.
_MOST = 1_000_000


def calibrate(profile: MarketProfile, wanted: dict[str, float], seconds: int, rounds: int) -> MarketProfile:
    """`profile`, corrected until a rehearsal shows what is `wanted` of six facts that no parameter states alone.

    `wanted`: facts of a tape that covers `seconds` of its day. Each round multiplies a parameter by the
    wanted fact over the found one, halfway.
    """
    goal = {
        "spread_time_mean_ticks": wanted["spread_time_mean_ticks"],
        "bbo_move_share": wanted["bbo_move_share"] * wanted["rows"] * _DAY / seconds / profile.messages_per_day,
        "volatility_10s": wanted["volatility_10s"] * (_DAY / seconds) ** 0.5,
        "trade_r2_10s": wanted["trade_r2_10s"],
        "burstiness_1s": wanted["burstiness_1s"],
        "kurtosis_1s": wanted["kurtosis_1s"],
    }
    for round_ in range(rounds):
        found = facts(*rehearse(profile, _SEED + round_, min(profile.messages_per_day, _MOST)))
        ratio = {name: _ratio(value, found[name]) for name, value in goal.items()}
        impact = _within(profile.impact_share * ratio["trade_r2_10s"], 0.02, 0.8)
        profile = replace(
            profile,
            spread=_within(profile.spread * ratio["spread_time_mean_ticks"], 1.0, 1e4),
            improve=_within(profile.improve * ratio["bbo_move_share"], 0.001, 1.0),
            daily_volatility=_within(profile.daily_volatility * ratio["volatility_10s"], 1e-5, 0.5),
            impact_share=impact,
            bursts=_within(profile.bursts * ratio["burstiness_1s"], 0.02, 0.95),
            jump_share=_within(profile.jump_share * ratio["kurtosis_1s"], 0.005, min(0.5, 1 - impact)),
        )
    return profile


def _ratio(wanted: float, found: float) -> float:
    if not (wanted > 0 and found > 0):
        return 1.0
    return float(min(max((wanted / found) ** 0.7, 0.5), 2.0))


def _within(value: float, low: float, high: float) -> float:
    return round(min(max(value, low), high), 6)
