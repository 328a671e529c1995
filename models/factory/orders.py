"""Parent orders worked in the real simulator, one agent on one tape: what was decided, and what it cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.desk import Desk
from core.desk.recorder import Recorder
from core.enums import Rung
from core.plan import AgentPlan, LatencyModel, LatencyPlan, LimitPlan, ParentPlan, SessionPlan, TapePlan
from core.policies.intent import Intent
from core.policies.port import ParentContext
from core.policies.shown import View
from core.ports import Reading, ReadingStatus
from core.risk.limits import default_limits
from core.tape.tape import Tape
from core.tca.market import Market
from models.policy import ending, said, working
from models.policy_actions import ACTIONS, WORDS, finish

#: The actions of the policies that are trained here, in the order of the network's outputs.
NAMES = ("wait", "rest", "improve", "take")
#: Limits on the market's state, which stay as they are.
_SANE = (
    "price_tolerance",
    "price_window",
    "data_age",
    "data_jump",
    "data_spread",
    "model_age",
    "model_latency",
    "clock_skew",
)
_LATENCY = LatencyModel("constant", 100_000)


@dataclass(slots=True)
class Log:
    """What an explorer saw and did, turn by turn."""

    parent: list[int] = field(default_factory=list)
    now: list[int] = field(default_factory=list)
    mid: list[float] = field(default_factory=list)
    action: list[int] = field(default_factory=list)
    row: list[NDArray[np.float32]] = field(default_factory=list)


class Explorer:
    """A policy that writes down what it does: the best action by `values`, or now and then any."""

    def __init__(self, log: Log, choose: "Choose") -> None:
        self._log, self._choose = log, choose
        self._turn = 0
        self.reading = Reading((0.0,), 1, ReadingStatus.OK)  # the gate asks whether a model is healthy

    def decide(self, view: View) -> Iterable[Intent | None]:
        """As a `ModelPolicy` decides, with actions that are not always the best."""
        if not working(view):
            return []
        pace, self._turn = view.now - self._turn, view.now
        over = ending(view, pace)
        row = np.array(view.features, np.float32)
        action = -1 if over else self._choose(row)
        mid = view.mid
        self._log.parent.append(view.parent if view.parent is not None else -1)
        self._log.now.append(view.now)
        self._log.mid.append(mid if mid is not None else float("nan"))
        self._log.action.append(action)
        self._log.row.append(row)
        if over:
            return said(finish(view), "the window ends")
        return said(ACTIONS[NAMES[action]](view), WORDS[NAMES[action]])


class Choose:
    """Actions at random, each kept for a few turns; or the best by a function, and at random now and then."""

    def __init__(self, rng: np.random.Generator, best: Any = None, explore: float = 1.0) -> None:
        """`best`: action values of a feature row; `explore`: share of turns that are random."""
        self._rng, self._best, self._explore = rng, best, explore
        self._habit: NDArray[np.float64] = np.full(len(NAMES), 1 / len(NAMES))

    def fresh(self) -> "Choose":
        """Another mixture of habits: one that is always the same sees little of what is possible."""
        if self._best is None:
            self._habit = np.asarray(self._rng.dirichlet([0.6] * len(NAMES)))
        return self

    def __call__(self, row: NDArray[np.float32]) -> int:
        """An action, by its place in `NAMES`."""
        if self._best is None:
            return int(self._rng.choice(len(NAMES), p=self._habit))
        if self._rng.random() < self._explore:
            return int(self._rng.integers(len(NAMES)))
        return int(np.argmax(self._best(row)))


class Exploring:
    """Stands where a loaded policy model stands: makes explorers that share a log."""

    name, sha256, spec_hash = "explorer", "", ""

    def __init__(self, choose: Choose) -> None:
        self.log, self._choose = Log(), choose

    def policy(self, params: Mapping[str, float], context: ParentContext | None) -> Explorer:
        """One explorer."""
        return Explorer(self.log, self._choose)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the parent orders of one run."""

    side: NDArray[np.int64]
    qty: NDArray[np.int64]
    filled: NDArray[np.int64]
    arrival: NDArray[np.float64]  #: mid in ticks when it started
    shortfall: NDArray[np.float64]  #: ticks a lot against arrival, what is left taken at the far touch of the end
    maker: NDArray[np.float64]  #: share filled while resting
    fills: NDArray[np.void]  #: FILL


def run_orders(
    tape: Tape,
    market: Market,
    parents: Sequence[ParentPlan],
    policy: str,
    every: int,
    *,
    params: Mapping[str, float] | None = None,
    models: Mapping[str, Any] | None = None,
    seed: int = 1,
) -> Outcome:
    """Work `parents`, one after the other, with `policy` at rung R4. Raises `ConfigError`."""
    agent = AgentPlan("trained", "tape", policy, every=every, parents=tuple(parents), params=dict(params or {}))
    plan = SessionPlan(
        "train", (TapePlan("tape", Path(tape.folder)),), (agent,), _limits(), seed=seed, rung=Rung.LATENCY,
        latency=LatencyPlan(_LATENCY, _LATENCY, _LATENCY), budget_ms=60_000.0,
    )  # fmt: skip
    desk = Desk(plan, [tape], models=models, markets=[market], recorder=Recorder(keep=("fills",)))
    desk.advance()
    desk.answers.close()
    return _outcome(desk, parents, market)


def _limits() -> LimitPlan:
    """Without bounds on size, money and pace: a day full of orders is not one desk's day, and none may be denied."""
    kept = {name: value if name in _SANE else float("inf") for name, value in default_limits().scopes["desk"].items()}
    return replace(default_limits(), scopes={"desk": kept})


def _outcome(desk: Desk, parents: Sequence[ParentPlan], market: Market) -> Outcome:
    work = desk.lines[0].parents
    fills = desk.recorder.records("fills")
    side = np.array([one.side for one in parents], np.int64)
    qty = np.array([one.qty for one in parents], np.int64)
    filled, arrival = work["filled"].astype(np.int64), work["arrival2"] / 2.0
    ends = np.searchsorted(market.touch["clock"], [one.end for one in parents], "right") - 1
    far = np.where(side > 0, market.touch["ask"][ends], market.touch["bid"][ends]).astype(np.float64)
    paid = work["value"] + (qty - filled) * far
    made = np.zeros(len(parents))
    np.add.at(made, fills["parent"], fills["qty"] * (fills["maker"] != 0))
    return Outcome(side, qty, filled, arrival, side * (paid / qty - arrival), made / np.maximum(filled, 1), fills)
