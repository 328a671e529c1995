"""What a session is to do, as plain values: the file, the command line and tests all make one of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.enums import Queue, Rung


@dataclass(frozen=True, slots=True)
class FeePlan:
    """What the venue charges; negative = paid to us. Both kinds add up."""

    maker_per_lot: str = "0"  #: natural money per lot, a decimal
    taker_per_lot: str = "0"
    maker_bps: str = "0"  #: of the notional, in basis points
    taker_bps: str = "0"


@dataclass(frozen=True, slots=True)
class TapePlan:
    """One instrument of the session."""

    name: str  #: what agents call it
    folder: Path
    multiplier: str = "1"  #: natural money per natural price unit and natural quantity (futures)
    fees: FeePlan = FeePlan()


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """How long a message is under way. `kind`: constant, lognormal, recorded, or the name of a compiled function."""

    kind: str = "constant"
    ns: int = 0  #: constant, or the median
    spread: float = 0.0  #: sigma of the logarithm


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """Market data to us, orders to the venue, answers to us."""

    feed: LatencyModel = LatencyModel()
    order: LatencyModel = LatencyModel()
    response: LatencyModel = LatencyModel()


@dataclass(frozen=True, slots=True)
class ParentPlan:
    """A parent order. Times are ns UTC."""

    side: int
    qty: int  #: lots
    start: int
    end: int
    limit: int | None = None  #: ticks
    urgency: float = 0.5  #: 0 patient .. 1 at once; what it means is the policy's matter


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """A signal, a policy, its parent orders and its settings."""

    name: str
    tape: str
    policy: str  #: a registered name, or "onnx:FILE"
    signal: str = ""  #: "" or "onnx:FILE"
    every: int = 1_000_000_000  #: ns between decisions
    parents: tuple[ParentPlan, ...] = ()
    params: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LimitPlan:
    """Limits by scope: "desk", "agent.NAME", "instrument.NAME". A control without any limit denies."""

    version: int = 1
    scopes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    restricted: tuple[str, ...] = ()  #: tape names nobody may trade


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """A loss of the connection to the venues. Times are ns UTC."""

    start: int
    end: int
    tape: str = ""  #: whose venue; "" = all


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A whole session."""

    name: str
    tapes: tuple[TapePlan, ...]
    agents: tuple[AgentPlan, ...]
    limits: LimitPlan
    seed: int = 1
    rung: Rung = Rung.LATENCY
    queue: Queue = Queue.CONSERVING
    queue_model: str = "pro-rata"  #: anonymous quantity: tail, pro-rata, head, power, or a compiled function's name
    impact_model: str = "propagator"  #: R5: propagator, or a compiled function's name
    latency: LatencyPlan = LatencyPlan()
    start: int | None = None  #: ns UTC; None = the first message of any tape
    end: int | None = None
    currency: str = ""
    self_match: str = "cancel-newest"  #: cancel-newest, cancel-oldest or cancel-both
    budget_ms: float = 50.0  #: hard time budget of one Python decision
    outages: tuple[OutagePlan, ...] = ()  #: in order of time and apart
