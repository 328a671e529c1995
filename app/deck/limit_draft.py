"""A limit being changed: what was typed, what stands, and what it would come to. Pure; nothing is sent here.

What a limit may be is known where limits are checked; that module brings the compiler with it, so it is
loaded when somebody asks, never for the first frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.desk_view import DeskView
from core.errors import ConfigError
from core.transport import NewLimit

if TYPE_CHECKING:
    from core.risk.limits import LimitSet

_NONE = ("none", "inf", "off")


@dataclass(frozen=True, slots=True)
class LimitDraft:
    """What was typed so far."""

    which: str = ""  #: scope and control: `desk position`, `agent.maker position`, or `maker position`
    value: str = ""  #: natural units; `none` = no limit is wanted
    minutes: str = ""  #: of the market, empty = for good
    person: str = "operator"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LimitReading:
    """What a draft comes to."""

    limit: NewLimit
    wider: bool  #: some agent may do more than before
    words: str  #: limit, before and after, and how long


def choices(view: DeskView) -> list[str]:
    """What can be changed, `scope control`: as the risk panel has it, the fullest first, then everything else."""
    from core.risk.controls import BY_NAME

    limits = view.limits
    if limits is None:
        return []
    found = []
    for risk in view.risks:
        control, scope = risk.control.replace(" ", "_"), risk.scope.partition(" ")[0]
        if control in BY_NAME and BY_NAME[control].scopes:
            found.append(f"{_standing(limits, 'desk' if scope == 'desk' else f'agent.{scope}', control)} {control}")
    for scope, values in limits.scopes.items():
        found += [f"{scope} {control}" for control in values]
    return list(dict.fromkeys(found))


def _standing(limits: LimitSet, scope: str, control: str) -> str:
    """Where the limit stands that counts for a scope: the strictest."""
    from core.risk.limits import effective

    places = [place for place in ("desk", scope) if not math.isnan(effective(limits, place, control))]
    return min(places, key=lambda place: effective(limits, place, control), default=scope)


def about(which: str, limits: LimitSet) -> str:
    """What a limit judges, and what stands, or why there is no such limit."""
    from core.risk.controls import BY_NAME
    from core.risk.limits import effective

    scope, control = split(which, limits)
    spec = BY_NAME.get(control)
    if spec is None or not spec.scopes:
        return "type a scope and a control, or use up and down"
    stands = effective(limits, scope, control)
    now = "nothing stands here" if math.isnan(stands) else f"now {amount(stands)} {_unit(spec.unit)}".rstrip()
    return f"{now}: {spec.words}"


def split(which: str, limits: LimitSet) -> tuple[str, str]:
    """Scope and control of what was typed; an agent's or a tape's name alone will do."""
    scope, _, control = which.strip().rpartition(" ")
    scope = scope.strip() or "desk"
    for kind, names in (("agent", limits.agents), ("instrument", limits.instruments)):
        if scope in names:
            return f"{kind}.{scope}", control
    return scope, control


def read_limit(draft: LimitDraft, limits: LimitSet, clock: int, arrow: str = "->") -> LimitReading | str:
    """What a draft comes to at market time `clock`, or why it comes to nothing."""
    from core.risk.limits import changed, effective

    scope, control = split(draft.which, limits)
    try:
        value, seconds = _value(draft.value), _seconds(draft.minutes)
        expires = None if seconds is None else clock + int(seconds * 1e9)
        # Who and why are asked for last; whether the rest can be is said while it is typed.
        after = changed(limits, scope, control, value, "?", "?", clock, expires)
    except ValueError as error:
        return str(error)
    except ConfigError as error:
        return str(error)
    before = effective(limits, scope, control)
    known = "nothing" if math.isnan(before) else amount(before)
    words = f"{scope} {control}: {known} {arrow} {amount(value)}"
    words += " for good" if seconds is None else f" for {amount(seconds / 60)} min"
    desk = effective(after, "desk", control)
    if scope != "desk" and desk < value:
        words += f"; the desk's {amount(desk)} is stricter and counts"
    limit = NewLimit(scope, control, value, draft.person.strip(), draft.reason.strip(), seconds)
    return LimitReading(limit, _wider(limits, after, control), words)


def amount(value: float) -> str:
    """A limit in digits."""
    if math.isinf(value):
        return "none"
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def _wider(before: LimitSet, after: LimitSet, control: str) -> bool:
    """Whether the limit that counts for some agent somewhere has grown; one that is missing allows nothing."""
    from core.risk.limits import strictest

    for agent in before.agents:
        for instrument in before.instruments:
            old, new = (strictest(each, agent, instrument, control) for each in (before, after))
            if new > old or (math.isnan(old) and not math.isnan(new)):
                return True
    return False


def _value(text: str) -> float:
    typed = text.strip().lower().replace(",", "").replace("_", "")
    if not typed:
        raise ValueError("type the new value; none = no limit is wanted")
    if typed in _NONE:
        return math.inf
    try:
        return float(typed)
    except ValueError as error:
        raise ValueError(f"{text.strip()} is not a number") from error


def _seconds(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        minutes = float(text)
    except ValueError as error:
        raise ValueError(f"{text.strip()} is not a number of minutes") from error
    if not 0 < minutes <= 100_000:
        raise ValueError("the change must last some minutes; leave them empty for good")
    return minutes * 60


def _unit(unit: str) -> str:
    return {"count": "", "share": "", "ratio": ""}.get(unit, unit)
