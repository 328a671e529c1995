"""What a session checks and calibrates before it starts; sessions that are alike need it once."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.account.account import new_account
from core.account.money import MoneyScale, decimal, money_scale
from core.enums import Rung
from core.plan import SessionPlan
from core.risk.canary import Canary, run_canaries
from core.risk.limits import LimitSet, limit_set
from core.risk.state import Gate, new_gate
from core.tape.tape import Tape
from core.tca.market import Market
from core.venue.calibrate import Reaction, calibrate, memories


@dataclass(frozen=True, slots=True)
class Ready:
    """Money, limits, a gate that passed its self-test, and how each market reacts."""

    about: tuple[object, ...]  #: what decides all of it; another session with the same may take it over
    markets: tuple[Market | None, ...]
    money: MoneyScale
    limits: LimitSet
    gate: Gate  #: as new: a session trades behind a copy
    canaries: list[Canary]
    reactions: list[Reaction]


def ready(
    plan: SessionPlan,
    tapes: Sequence[Tape],
    agents: Sequence[str],
    markets: Sequence[Market | None],
    before: Ready | None = None,
) -> Ready:
    """`before` where it was made for the same agents, tapes, fees, limits, rung and market objects; else a new one.

    Raises `ConfigError`, and `CanaryPassed` where the gate's self-test fails.
    """
    about = (tuple(agents), plan.tapes, plan.limits, plan.rung == Rung.REACTIVE)
    if before is not None and before.about == about and _same(before.markets, markets):
        return before
    money = money_scale(
        [
            tape.instrument.tick * tape.instrument.lot * decimal(p.multiplier, "multiplier")
            for tape, p in zip(tapes, plan.tapes, strict=True)
        ],
        [p.fees for p in plan.tapes],
    )
    limits = limit_set(plan.limits, agents, [tape.name for tape in plan.tapes])
    gate = new_gate(limits, money)
    canaries = run_canaries(gate, new_account(len(agents), len(tapes), money.tick_value))
    moves = plan.rung == Rung.REACTIVE
    reactions = [calibrate(market) if moves and market is not None else _still() for market in markets]
    return Ready(about, tuple(markets), money, limits, gate, canaries, reactions)


def _same(one: Sequence[object], other: Sequence[object]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _still() -> Reaction:
    weights, factors = memories()
    return Reaction(0.0, weights, factors, 0, 0.0, 0)
