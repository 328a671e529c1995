"""What a comparison of policies came to: everything a table, a report or a reader's own check needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.enums import Queue, Rung
from core.tca.shortfall import Leftover, Shortfall

#: What a report prints and JSON holds.
Plain: TypeAlias = str | int | float | bool | None
#: A figure of a policy: a number, an interval, or nothing where it cannot be said.
Figure: TypeAlias = float | int | list[float] | None

#: One parent order that every policy worked (64 bytes).
PAIRED = np.dtype(
    [
        ("number", "<i8"),  # 0, 1, 2 ... in the comparison
        ("tape", "<i8"),  # index in the list of tapes
        ("block", "<i8"),  # block of time on its tape
        ("seed", "<i8"),  # of its path and its latency and fee draws
        ("side", "<i8"),  # Side
        ("qty", "<i8"),  # lots
        ("start", "<i8"),  # ns UTC
        ("end", "<i8"),
    ]
)

#: What one policy paid for one parent order, in bps of the order at its decision mid, positive = cost.
COST = np.dtype(
    [
        ("shortfall", "<f8"),
        ("delay", "<f8"),
        ("spread", "<f8"),
        ("impact", "<f8"),
        ("timing", "<f8"),
        ("fees", "<f8"),
        ("opportunity", "<f8"),
        ("fill_rate", "<f8"),  # 0 to 1
        ("filled", "<i8"),  # lots
        ("fills", "<i8"),  # executions
        ("unmeasured", "<i8"),  # of them without a mid to split their cost by
    ]
)
#: The parts of a shortfall, in the order they are told.
PARTS = ("delay", "spread", "impact", "timing", "fees", "opportunity")


@dataclass(frozen=True, slots=True)
class Pair:
    """One policy against another: the mean paired difference, negative where `policy` paid less."""

    policy: str
    other: str
    bps: float
    ci: list[float] | None
    p_holm: float | None  #: corrected over all pairs


@dataclass(frozen=True, slots=True)
class TapeNote:
    """A tape of the comparison, so that it can be found again."""

    symbol: str
    venue: str
    date: str
    digest: str
    messages: int
    orders: int  #: parent orders drawn on it


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration that was run, reported or not: what is not listed here was not tried."""

    policy: str
    settings: Mapping[str, Plain]
    shortfall_bps: float | None = None
    reported: bool = True


@dataclass(frozen=True, slots=True)
class CompareResult:
    """Policies on the same parent orders."""

    title: str
    policies: tuple[str, ...]
    baseline: str  #: what the differences are against; may be absent from `policies`
    rung: Rung
    queue: Queue
    queue_model: str  #: for quantity without order ids
    leftover: Leftover
    orders: NDArray[np.void]  #: PAIRED, shape (orders,)
    costs: NDArray[np.void]  #: COST, shape (policies, orders)
    columns: Mapping[str, Mapping[str, Figure]]  #: by policy
    blocks: int  #: blocks that were resampled
    level: float  #: of the intervals
    resamples: int
    tapes: tuple[TapeNote, ...]
    settings: Mapping[str, Plain]  #: everything asked for, seeds included
    pairs: tuple[Pair, ...] = ()
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()  #: what a reader must know: anything skipped, by kind and count
    digest: str = ""  #: of all decisions and fills, by order and policy

    @property
    def model(self) -> str:
        """Rung and queue model in words, for beside every number."""
        return model_words(self.rung, self.queue, self.queue_model)

    def to_json(self) -> dict[str, object]:
        """Plain values without NaN or infinity; the cost of each single order is in `orders`."""
        return {
            "title": self.title,
            "rung": f"R{int(self.rung)}",
            "queue": self.queue.name.lower(),
            "queue_model": self.queue_model,
            "leftover": self.leftover.value,
            "baseline": self.baseline,
            "level": self.level,
            "resamples": self.resamples,
            "blocks": self.blocks,
            "settings": {name: plain(value) for name, value in self.settings.items()},
            "tapes": [{name: getattr(tape, name) for name in TapeNote.__dataclass_fields__} for tape in self.tapes],
            "policies": {
                name: {key: plain(value) for key, value in self.columns[name].items()} for name in self.policies
            },
            "pairs": [
                {"policy": pair.policy, "other": pair.other, "bps": plain(pair.bps)}
                | {"ci": plain(pair.ci), "p_holm": plain(pair.p_holm)}
                for pair in self.pairs
            ],
            "trials": [_trial(trial) for trial in self.trials],
            "notes": list(self.notes),
            "digest": self.digest,
            "orders": [self._order(i) for i in range(len(self.orders))],
        }

    def _order(self, i: int) -> dict[str, object]:
        row: dict[str, object] = {name: int(self.orders[i][name]) for name in PAIRED.names or ()}
        row["shortfall_bps"] = {
            policy: plain(float(self.costs[k, i]["shortfall"])) for k, policy in enumerate(self.policies)
        }
        return row


def model_words(rung: Rung, queue: Queue, queue_model: str) -> str:
    """Rung and queue model in words: "R4 latency, conserving queue (pro-rata)"."""
    if rung < Rung.QUEUE:
        return f"R{int(rung)} {rung.name.lower()}, no queue"
    return f"R{int(rung)} {rung.name.lower()}, {queue.name.lower()} queue ({queue_model})"


def new_costs(policies: int, orders: int) -> NDArray[np.void]:
    """An empty table of COST, shape (policies, orders); every cell is to be filled by `put`."""
    return np.zeros((policies, orders), COST)


def put(costs: NDArray[np.void], policy: int, order: int, found: Shortfall, fills: int) -> None:
    """Write one shortfall and its number of executions into the table."""
    cell = costs[policy, order]
    for name, amount in zip(PARTS, found.parts, strict=True):
        cell[name] = found.bps(amount)
    cell["shortfall"] = found.bps(found.total)
    cell["fill_rate"], cell["filled"] = found.fill_rate, found.filled
    cell["fills"], cell["unmeasured"] = fills, found.unmeasured


def plain(value: Figure | Plain) -> object:
    """`value` for JSON: what is not finite is null, in an interval too."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def _trial(trial: Trial) -> dict[str, object]:
    return {
        "policy": trial.policy,
        "settings": {name: plain(value) for name, value in trial.settings.items()},
        "shortfall_bps": plain(trial.shortfall_bps),
        "reported": trial.reported,
    }
