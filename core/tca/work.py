"""One parent order worked by every policy of a comparison, each in a short session of its own on the same tape."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from core.desk.desk import Desk
from core.desk.ready import Ready
from core.desk.recorder import Recorder
from core.enums import AgentState, Queue, Rung, Trust
from core.errors import TapedeckError
from core.plan import AgentPlan, FeePlan, LatencyPlan, LimitPlan, SessionPlan, TapePlan
from core.risk.controls import SPECS, Control
from core.tape.tape import Tape
from core.tca.completing import Ladder, completed, ladders
from core.tca.market import Market, read_market
from core.tca.parents import as_plan
from core.tca.shortfall import Marks, Shortfall, decompose

_SECOND = 1_000_000_000
#: The tape is played from so long before an order: features and flow look back a few seconds.
WARM_UP = 15 * _SECOND
#: And until so long after its end: answers under way come home.
AFTER = 2 * _SECOND


class WorkFailed(TapedeckError):
    """A policy could not work a parent order; the message names both."""

    def __init__(self, words: str, exit_code: int = 1) -> None:
        super().__init__(words)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy of a comparison."""

    label: str  #: what the tables call it
    policy: str  #: a registered name
    params: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that all runs of a comparison share."""

    folders: tuple[Path, ...]
    contenders: tuple[Contender, ...]
    rung: Rung = Rung.LATENCY
    queue: Queue = Queue.CONSERVING
    queue_model: str = "pro-rata"
    latency: LatencyPlan = field(default_factory=LatencyPlan)
    fees: FeePlan = field(default_factory=FeePlan)
    every: int = _SECOND  #: ns between decisions


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy made of one parent order."""

    shortfall: Shortfall
    fills: int  #: executions
    beyond: int  #: lots left that the visible book at the end did not hold
    assumed: Mapping[str, int]  #: lots filled on each assumption, see `core.enums.Trust`
    denials: int  #: orders the gate denied
    denied: Mapping[str, int]  #: and by which controls, often several
    unhealthy: bool  #: the policy failed and was paused
    digest: str  #: of its decisions and fills


class Bench:
    """Tapes, and what is known of them, opened once for many parent orders."""

    def __init__(self, terms: Terms) -> None:
        """Raises `TapeError`."""
        self.terms = terms
        self.tapes = [Tape(folder) for folder in terms.folders]
        self.markets: list[Market] = [read_market(tape) for tape in self.tapes]
        self._ready: dict[int, Ready] = {}
        self._limits = open_limits()

    def work(self, order: np.void) -> list[Outcome]:
        """One PAIRED record worked by every policy. Raises `WorkFailed`."""
        tape = self.tapes[int(order["tape"])]
        ladder = ladders(tape, np.array([order["end"]], np.int64))[0]
        found = []
        for contender in self.terms.contenders:
            with _Naming(f"order {int(order['number'])}, policy {contender.label}"):
                desk = self._played(order, contender)
                try:
                    found.append(self._judged(order, desk, ladder))
                finally:
                    desk.close()
        return found

    def _played(self, order: np.void, contender: Contender) -> Desk:
        place, start = int(order["tape"]), int(order["start"])
        tape = self.tapes[place]
        desk = Desk(
            self._plan(order, contender),
            [tape],
            recorder=Recorder(keep=("fills", "verdicts")),
            markets=[self.markets[place]],
            start=[tape.index_at(max(start - WARM_UP, self.markets[place].first_ts))],
            before=self._ready.get(place),
        )
        self._ready[place] = desk.parts.ready
        desk.advance(int(order["end"]) + AFTER)
        return desk

    def _plan(self, order: np.void, contender: Contender) -> SessionPlan:
        terms = self.terms
        mixed = np.random.SeedSequence([int(order["seed"]), int(order["number"])]).generate_state(1)[0]
        agent = AgentPlan(
            "worker", "tape", contender.policy, every=terms.every, parents=(as_plan(order),), params=contender.params
        )
        return SessionPlan(
            name="comparison",
            tapes=(TapePlan("tape", terms.folders[int(order["tape"])], fees=terms.fees),),
            agents=(agent,),
            limits=self._limits,
            seed=int(mixed),  # every policy meets the same draws
            rung=terms.rung,
            queue=terms.queue,
            queue_model=terms.queue_model,
            latency=terms.latency,
        )

    def _judged(self, order: np.void, desk: Desk, ladder: Ladder) -> Outcome:
        market, fills = self.markets[int(order["tape"])], desk.recorder.records("fills")
        fills = fills[fills["parent"] == 0]
        start, side, qty = int(order["start"]), int(order["side"]), int(order["qty"])
        sent = start + (self.terms.latency.order.ns if self.terms.rung >= Rung.LATENCY else 0)
        decision, arrival = market.mid2_at(np.array([start, sent])).tolist()
        marks = Marks(decision, arrival, market.last_mid2(int(order["end"])), int(desk.money.tick_value[0]))
        shift = int(desk.lines[0].venue.top[0]["shift"])
        marks, beyond = completed(marks, side, qty, fills, ladder, fees=desk.money.fees, shift=shift)
        verdicts = desk.recorder.records("verdicts")
        return Outcome(
            shortfall=decompose(side, qty, fills, fills["tape_mid2"], marks),
            fills=len(fills),
            beyond=beyond,
            assumed={
                flag.name.lower(): int(fills["qty"][(fills["trust"] & flag) != 0].sum()) for flag in Trust if flag.name
            },
            denials=int((verdicts["breaches"] != 0).sum()),
            denied=_denied(verdicts["breaches"]),
            unhealthy=desk.state(0) == AgentState.UNHEALTHY,
            digest=desk.recorder.digest(),
        )


class _Naming:
    """Says where something went wrong, whatever it was."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, TapedeckError):
            raise WorkFailed(f"{self._where}: {error}", error.exit_code) from error
        if isinstance(error, Exception):
            raise WorkFailed(f"{self._where}: {type(error).__name__}: {error}") from error


def open_limits() -> LimitPlan:
    """No limit on anything: what is compared are the policies, not a desk's caution. What is broken is denied still."""
    return LimitPlan(scopes={"desk": {spec.name: float("inf") for spec in SPECS if spec.scopes}})


def _denied(breaches: NDArray[np.uint64]) -> dict[str, int]:
    """How many orders each control denied."""
    bad = breaches[breaches != 0]
    counts = {control.name.lower(): int((bad >> np.uint64(control) & np.uint64(1)).sum()) for control in Control}
    return {name: count for name, count in counts.items() if count}


def digest_of(outcomes: list[list[Outcome]]) -> str:
    """One digest of the decisions and fills of all runs, by order and policy."""
    joined = "".join(each.digest for row in outcomes for each in row)
    return hashlib.blake2b(joined.encode(), digest_size=32).hexdigest()
