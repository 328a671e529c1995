"""From a session's plan to the numbers that a venue's kernels read: rung, queue, latency, fees, impact."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.account.money import MoneyScale
from core.enums import Depth, Rung
from core.errors import ConfigError
from core.naming import nearest
from core.plan import LatencyModel, SessionPlan
from core.tape.tape import Tape
from core.venue.calibrate import Reaction
from core.venue.models import address, names
from core.venue.state import Venue

#: Built-in models of the quantity without order ids, in the order of `core.venue.flow.share`.
QUEUE_MODELS = ("tail", "pro-rata", "head", "power")
SELF_MATCH = ("cancel-newest", "cancel-oldest", "cancel-both")
#: Draws of a latency or of a refill time; each holds for about a millisecond of market time.
_DRAWS = 4096
_KINDS = ("feed", "order", "response")


def set_rules(
    venue: Venue, plan: SessionPlan, instrument: int, tape: Tape, money: MoneyScale, reaction: Reaction
) -> Venue:
    """Write the session's rules into a venue. Raises `ConfigError` for a model that does not exist."""
    rules = venue.rules[0]
    rules["rung"], rules["queue"] = int(plan.rung), int(plan.queue)
    if plan.queue_model in QUEUE_MODELS:
        rules["queue_model"] = QUEUE_MODELS.index(plan.queue_model)
    elif plan.queue_model in names("queue"):
        rules["queue_call"] = address("queue", plan.queue_model)
    else:
        raise ConfigError(
            f"queue_model: {plan.queue_model!r}{nearest(plan.queue_model, (*QUEUE_MODELS, *names('queue')))}"
        )
    if plan.self_match not in SELF_MATCH:
        raise ConfigError(f"self_match: {plan.self_match!r}{nearest(plan.self_match, SELF_MATCH)}")
    rules["self_match"] = SELF_MATCH.index(plan.self_match)
    rules["levels"] = int(tape.meta.depth_model == Depth.LEVELS.name.lower())
    rules["tick_value"], rules["instrument"] = money.tick_value[instrument], instrument
    rules["start"] = plan.start if plan.start is not None else 0
    rules["end"] = plan.end if plan.end is not None else tape.meta.last_ts + 1
    if plan.impact_model != "propagator":
        rules["impact_call"] = address("impact", plan.impact_model)
    rules["impact"], rules["refill"] = reaction.ticks_per_root_lot, reaction.refill_ns
    venue = venue._replace(latency=_latencies(plan), fees=money.fees[instrument : instrument + 1].copy())
    fixed = (venue.latency == venue.latency[:, :1]).all(axis=1)
    rules["latency_fixed"] = sum(1 << k for k in range(len(_KINDS)) if fixed[k])
    for kind in _KINDS:
        model: LatencyModel = getattr(plan.latency, kind)
        if model.kind == "recorded":
            if kind != "feed":
                raise ConfigError(f"latency.{kind}: only the feed's latency is recorded on a tape")
            rules["recorded_feed"] = 1
        elif model.kind not in ("constant", "lognormal"):
            rules[f"latency_call_{kind}"] = address("latency", model.kind)
    tapes = [each.name for each in plan.tapes]
    for outage in plan.outages:
        if outage.tape not in ("", *tapes):
            raise ConfigError(f"outages: there is no tape {outage.tape!r}{nearest(outage.tape, tapes)}")
    outages = [(o.start, o.end) for o in plan.outages if o.tape in ("", tapes[instrument])]
    if any(start >= end for start, end in outages) or any(a[1] >= b[0] for a, b in pairwise(outages)):
        raise ConfigError("outages: each must end after it begins and before the next one begins")
    venue = venue._replace(outages=np.array([*outages, (2**62, 2**62)], np.int64))
    venue.top["link_ts"] = venue.outages[0, 0]
    if plan.rung == Rung.REACTIVE:
        rng = np.random.default_rng([plan.seed, instrument, 17])
        venue = venue._replace(
            flow=np.array([np.zeros(len(reaction.weights)), reaction.weights, reaction.factors]),
            refills=np.maximum(1, (1000 * rng.exponential(1.0, _DRAWS)).astype(np.int64)),
        )
    return venue


def _latencies(plan: SessionPlan) -> NDArray[np.int64]:
    """Draws in ns, shape (3, n): feed, order, response. The same seed gives the same draws to every policy."""
    rng = np.random.default_rng([plan.seed, 4])
    drawn = any(getattr(plan.latency, kind).kind not in ("constant", "recorded") for kind in _KINDS)
    table = np.zeros((3, _DRAWS if drawn else 1), np.int64)
    for row, kind in enumerate(_KINDS):
        model: LatencyModel = getattr(plan.latency, kind)
        noise = rng.standard_normal(table.shape[1])
        spread = model.spread if model.kind != "constant" else 0.0
        with np.errstate(over="ignore"):
            values = model.ns * np.exp(spread * noise)
        table[row] = np.minimum(values, 3.6e12).astype(np.int64)  # an hour is late enough
    return table
