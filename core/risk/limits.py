"""Limits: from the session's plan to the numbers the gate compares with, and how a person changes them.

A limit stands at a scope: "desk", "agent.NAME" or "instrument.NAME". For one agent in one instrument the strictest of
the three counts. A limit that stands nowhere is NaN, and NaN denies; `inf` says that no limit is wanted.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.account.money import MoneyScale
from core.errors import ConfigError
from core.naming import nearest
from core.plan import LimitPlan
from core.risk.controls import BY_NAME, COUNT, DUPLICATES_KEPT, MONEY, SPECS, Control

#: Stages of a limit, in the order of the second axis from the end of `thresholds`.
STAGES = (1.0, 0.5, 0.75, 0.9)
#: A rate limit cannot be larger: each counted message needs its time kept.
MOST_COUNTED = 65_536
#: Controls whose times are kept one by one.
COUNTED = (
    Control.MESSAGE_RATE, Control.MESSAGE_HALT, Control.CANCEL_RATE, Control.DESK_MESSAGE_RATE,
    Control.REPEATED_EXECUTION,
)  # fmt: skip
#: `[limits] preset = "demo"`: complete, wide enough for a demonstration, in natural money (say dollars).
_DEMO: dict[Control, float] = {
    Control.ORDER_QTY: 10_000,
    Control.ORDER_NOTIONAL: 2_000_000,
    Control.PRICE_TOLERANCE: 200,
    Control.PRICE_WINDOW: 300,
    Control.DEPTH_SHARE: 1.0,
    Control.VOLUME_SHARE: math.inf,  # a day that has just begun has no volume to share
    Control.DUPLICATE: 10,
    Control.DATA_AGE: 30,
    Control.DATA_JUMP: 100,
    Control.DATA_SPREAD: 200,
    Control.MODEL_AGE: 10,
    Control.MODEL_LATENCY: 0.1,
    Control.CLOCK_SKEW: 0.1,
    Control.UNANSWERED: 5,
    Control.POSITION: 20_000,
    Control.DESK_POSITION: 50_000,
    Control.GROSS_NOTIONAL: 10_000_000,
    Control.NET_NOTIONAL: 10_000_000,
    Control.DESK_GROSS_NOTIONAL: 50_000_000,
    Control.DESK_NET_NOTIONAL: 25_000_000,
    Control.INSTRUMENT_NOTIONAL: 25_000_000,
    Control.OPEN_ORDERS: 200,
    Control.DESK_OPEN_ORDERS: 2_000,
    Control.OPEN_VALUE: 10_000_000,
    Control.DESK_OPEN_VALUE: 50_000_000,
    Control.BUYING_POWER: 10_000_000,
    Control.CONCENTRATION: math.inf,  # a session of one tape has all its money in it
    Control.DAY_LOSS: 50_000,
    Control.DESK_DAY_LOSS: 100_000,
    Control.DRAWDOWN: 50_000,
    Control.DESK_DRAWDOWN: 100_000,
    Control.DAY_VOLUME: 500_000,
    Control.DESK_DAY_VOLUME: 1_000_000,
    Control.ORDER_TO_TRADE: 10_000,
    Control.MESSAGE_RATE: 50,
    Control.MESSAGE_HALT: 200,
    Control.CANCEL_RATE: 50,
    Control.DESK_MESSAGE_RATE: 200,
    Control.REPEATED_EXECUTION: 1_000,
    Control.CONSECUTIVE_REJECTS: 20,
}


@dataclass(frozen=True, slots=True)
class LimitChange:
    """One change of one limit by a person: a record for the journal."""

    version: int  #: the version it made
    scope: str
    control: str
    before: float  #: NaN = there was none
    after: float
    person: str
    reason: str
    since: int  #: ns UTC, market time
    expires: int | None  #: ns UTC, market time from which the limit before it counts again; None = for good


@dataclass(frozen=True, slots=True)
class LimitSet:
    """All limits of a session at one version. Never changed: `changed` and `expired` return new ones."""

    version: int
    agents: tuple[str, ...]
    instruments: tuple[str, ...]
    scopes: Mapping[str, Mapping[str, float]]  #: what the plan says and what was changed for good
    restricted: tuple[str, ...] = ()
    overrides: tuple[LimitChange, ...] = ()  #: those in force, oldest first
    history: tuple[LimitChange, ...] = field(default=(), repr=False)


def default_limits() -> LimitPlan:
    """Complete desk limits for a demonstration, see `_DEMO`; natural money."""
    return LimitPlan(scopes={"desk": {control.name.lower(): value for control, value in _DEMO.items()}})


def limit_set(plan: LimitPlan, agents: Sequence[str], instruments: Sequence[str]) -> LimitSet:
    """The limits of a plan, checked. Raises ConfigError that names an unknown scope, control, or a bad value."""
    scopes: dict[str, dict[str, float]] = {}
    for scope, limits in plan.scopes.items():
        kind = _kind(scope, agents, instruments)
        scopes[scope] = {name: _checked(scope, kind, name, value) for name, value in limits.items()}
    for name in plan.restricted:
        if name not in instruments:
            raise ConfigError(f"limits.restricted: no tape {name!r}{nearest(name, instruments)}")
    return LimitSet(plan.version, tuple(agents), tuple(instruments), scopes, tuple(plan.restricted))


def _kind(scope: str, agents: Sequence[str], instruments: Sequence[str]) -> str:
    if scope == "desk":
        return scope
    kind, dot, name = scope.partition(".")
    names = {"agent": agents, "instrument": instruments}.get(kind)
    if names is None or not dot:
        known = ["desk", *(f"agent.{a}" for a in agents), *(f"instrument.{i}" for i in instruments)]
        raise ConfigError(f"limits.{scope}: no such scope{nearest(scope, known)}")
    if name not in names:
        raise ConfigError(f"limits.{scope}: no {kind} {name!r}{nearest(name, names)}")
    return kind


def _checked(scope: str, kind: str, name: str, value: float) -> float:
    where = f"limits.{scope}.{name}"
    spec = BY_NAME.get(name)
    if spec is None:
        raise ConfigError(f"{where}: no such control{nearest(name, [s.name for s in SPECS if s.scopes])}")
    if kind not in spec.scopes:
        if not spec.scopes:
            raise ConfigError(f"{where}: this is either good or bad: no limit can be set on it")
        raise ConfigError(f"{where}: this limit cannot be set for {kind}, only for {' or '.join(spec.scopes)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where}: {value!r} is not a number")
    number = float(value)
    if math.isnan(number) or number < 0:
        raise ConfigError(f"{where}: a limit is a number from 0 on, or inf for none, not {value}")
    most = DUPLICATES_KEPT if spec.control == Control.DUPLICATE else MOST_COUNTED
    if (spec.control in COUNTED or spec.control == Control.DUPLICATE) and most < number < math.inf:
        raise ConfigError(f"{where}: at most {most:,} are counted, not {number:,.0f}; inf says that no limit is wanted")
    return number


def changed(
    limits: LimitSet,
    scope: str,
    control: str,
    value: float,
    person: str,
    reason: str,
    since: int,
    expires: int | None = None,
) -> LimitSet:
    """The next version, with one limit changed at market time `since`; a change with `expires` is an override.

    An override counts instead of what stands at its scope, until market time `expires`. Raises ConfigError for a
    control, scope or value that cannot be, for a change without a person or a reason, and for one that has expired.
    """
    if not person.strip() or not reason.strip():
        raise ConfigError(f"limits.{scope}.{control}: a change needs a person and a reason")
    if expires is not None and expires <= since:
        raise ConfigError(f"limits.{scope}.{control}: the change would have expired before it begins")
    number = _checked(scope, _kind(scope, limits.agents, limits.instruments), control, value)
    before = effective(limits, scope, control)
    change = LimitChange(
        limits.version + 1, scope, control, before, number, person.strip(), reason.strip(), since, expires
    )
    history = (*limits.history, change)
    if expires is not None:
        return replace(limits, version=change.version, overrides=(*limits.overrides, change), history=history)
    scopes = {name: dict(values) for name, values in limits.scopes.items()}
    scopes.setdefault(scope, {})[control] = number
    kept = tuple(o for o in limits.overrides if (o.scope, o.control) != (scope, control))
    return replace(limits, version=change.version, scopes=scopes, overrides=kept, history=history)


def expired(limits: LimitSet, now: int) -> LimitSet:
    """The next version without the overrides that have run out at market time `now`; `limits` itself if none has."""
    kept = tuple(o for o in limits.overrides if o.expires is None or now < o.expires)
    if len(kept) == len(limits.overrides):
        return limits
    return replace(limits, version=limits.version + 1, overrides=kept)


def limits_text(before: LimitSet, after: LimitSet, now: int) -> str:
    """What changed from one version to the next at market time `now`, as one JSON line for the journal."""
    made = after.history[len(before.history) :]
    gone = [change for change in before.overrides if change not in after.overrides and change not in made]
    fields = {"version": after.version, "ts": now, "made": [*map(asdict, made)], "gone": [*map(asdict, gone)]}
    return json.dumps(_finite(fields), sort_keys=True)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def next_expiry(limits: LimitSet) -> int | None:
    """Market time at which `expired` will have something to do."""
    return min((o.expires for o in limits.overrides if o.expires is not None), default=None)


def effective(limits: LimitSet, scope: str, control: str) -> float:
    """What stands at one scope, overrides counted; NaN if nothing does."""
    for change in reversed(limits.overrides):
        if (change.scope, change.control) == (scope, control):
            return change.after
    return limits.scopes.get(scope, {}).get(control, math.nan)


def strictest(limits: LimitSet, agent: str, instrument: str, control: str) -> float:
    """The limit of one agent in one instrument, natural money; NaN if none stands anywhere."""
    values = [effective(limits, scope, control) for scope in ("desk", f"agent.{agent}", f"instrument.{instrument}")]
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def thresholds(limits: LimitSet, money: MoneyScale) -> NDArray[np.float64]:
    """What the gate compares with: (agents, instruments, 4, controls); limit, then 50, 75 and 90 % of it.

    Money is in units. Flags have the limit 1, and LIMITS_PRESENT too: its observed value is their count of NaN.
    """
    table = np.ones((len(limits.agents), len(limits.instruments), len(STAGES), COUNT))
    for a, agent in enumerate(limits.agents):
        for i, instrument in enumerate(limits.instruments):
            for spec in SPECS:
                if spec.scopes:
                    value = strictest(limits, agent, instrument, spec.name)
                    table[a, i, 0, spec.control] = money.units(value) if spec.unit == MONEY else value
    for stage, part in enumerate(STAGES):
        table[:, :, stage] = table[:, :, 0] * part
    return table


def missing(limits: LimitSet, agent: str, instrument: str) -> list[str]:
    """Names of the controls without a limit for an agent in an instrument: each of them denies."""
    return [s.name for s in SPECS if s.scopes and math.isnan(strictest(limits, agent, instrument, s.name))]
