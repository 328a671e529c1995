"""What a session may mean, but what looks like a mistake: said once at its start, on the blotter and in the summary."""

import math
from collections.abc import Iterator, Sequence

from core.plan import AgentPlan
from core.risk.controls import MONEY, SPECS, Control
from core.risk.limits import LimitSet, missing, strictest
from core.tape.tape import Tape

_SHOWN = 4
#: Limits that are compared with the worth of what an order would add, were nothing else there.
_WORTH = tuple(
    spec.name for spec in SPECS
    if spec.unit == MONEY and spec.control <= Control.BUYING_POWER
)  # fmt: skip
_LOTS = ("order_qty", "position", "desk_position", "day_volume", "desk_day_volume")


def doubts(
    agents: Sequence[AgentPlan], places: Sequence[int], tapes: Sequence[Tape], multipliers: Sequence[float],
    limits: LimitSet,
) -> Iterator[tuple[int, str]]:  # fmt: skip
    """Agent (-1 = the desk) and words.

    `places`: instrument of each agent; `multipliers`: money per natural price and quantity, of each instrument.
    """
    if not any(limits.scopes.values()):
        yield -1, 'no limits are set, so every order will be denied; [limits] preset = "demo" is a complete set'
        return
    for k, (agent, place) in enumerate(zip(agents, places, strict=True)):
        if agent.policy == "hold":
            continue
        lacking = missing(limits, agent.name, limits.instruments[place])
        if lacking:
            more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            yield k, f"every order will be denied: nobody set {', '.join(lacking[:_SHOWN])}{more}"
            continue
        low, instrument = tapes[place].meta.low_price, tapes[place].instrument
        worth = max(low, 0) * float(instrument.tick * instrument.lot) * multipliers[place]
        for names, least, what in ((_LOTS, 1.0, "one lot"), (_WORTH, worth, f"one lot is worth {worth:,.10g} or more")):
            found = [(strictest(limits, agent.name, limits.instruments[place], name), name) for name in names]
            limit, name = min(found, default=(math.inf, ""))
            if limit <= least and least > 0:
                yield k, f"every order will be denied: {name} must stay below {limit:,.10g}, {what}"
                break
