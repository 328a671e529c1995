"""The demonstration: a synthetic day with three agents in it, two of which use the models that ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.enums import Rung, Side
from core.plan import AgentPlan, LatencyModel, LatencyPlan, ParentPlan, SessionPlan, TapePlan
from core.risk.limits import default_limits
from core.tape.folder import TapeMeta, read_meta
from models.serving import locate

if TYPE_CHECKING:
    from core.desk.desk import Desk
    from core.desk.recorder import Recorder

_SECOND = 1_000_000_000
_WORKER, _SIGNAL = "order_worker", "touch_signal"
#: The model was trained on windows of ten minutes with sixty turns each.
_WINDOW, _TURN = 600 * _SECOND, 10 * _SECOND
#: Share of an average window's volume that each parent order is.
_SHARE = 0.02
_LATENCY = LatencyModel("constant", 100_000)


def demo_plan(folder: Path, seed: int) -> SessionPlan:
    """The session of `tapedeck demo` on the tape in `folder`. Raises `TapeError`."""
    meta = read_meta(folder)
    name, lots = meta.symbol, _lots(meta)
    policy, signal = (f"onnx:{locate(model)}" for model in (_WORKER, _SIGNAL))
    return SessionPlan(
        name="demo",
        tapes=(TapePlan(name, folder),),
        agents=(
            AgentPlan("worker", name, policy, every=_TURN, parents=_orders(meta, lots, 900 * _SECOND, Side.BID)),
            AgentPlan("patient", name, "passive", signal, _SECOND, _orders(meta, lots, 1_800 * _SECOND, Side.ASK)),
            AgentPlan(
                "maker",
                name,
                "quote",
                every=_SECOND // 4,
                params={"size": max(1, lots // 40), "max_position": lots, "offset": 8},
            ),
        ),
        limits=default_limits(),
        seed=seed,
        rung=Rung.LATENCY,
        latency=LatencyPlan(_LATENCY, _LATENCY, _LATENCY),
    )


def run_demo(plan: SessionPlan, as_json: bool) -> None:
    """Run the demo to its end and print what came of it. Exit code 5 when a kill is in force."""
    from app.bootstrap import desk_maker
    from app.paths import home
    from app.session_verbs import run_plan, tell

    made: list[Desk] = []
    make = desk_maker(plan, Path(), home() / "risk")

    def kept(recorder: Recorder) -> Desk:
        made.append(make(recorder))
        return made[0]

    summary = run_plan(plan, kept, ("decisions",))
    tell({**summary, "models": models_at_work(made[0], plan)}, as_json)


def models_at_work(desk: Desk, plan: SessionPlan) -> list[dict[str, Any]]:
    """What each model said: how often, and what came of it."""
    decisions = desk.recorder.records("decisions")
    found = []
    for k, agent in enumerate(plan.agents):
        mine = decisions[decisions["agent"] == k]
        if agent.policy.startswith("onnx:"):
            codes, counts = np.unique(mine["why"], return_counts=True)
            reasons = desk.answers.reasons[k]
            did = {reasons.words(int(code)): int(n) for code, n in zip(codes, counts, strict=True)}
            found.append({"agent": agent.name, "model": _WORKER, "decisions": len(mine), "reasons": did})
        if agent.signal:
            said = mine["signal"][np.isfinite(mine["signal"])].astype(np.float64)
            mean = round(float(np.abs(said).mean()), 6) if len(said) else None
            shares = {"up": int((said > 0).sum()), "down": int((said < 0).sum())}
            found.append({"agent": agent.name, "model": _SIGNAL, "decisions": len(said), "mean_size": mean, **shares})
    return found


def _lots(meta: TapeMeta) -> int:
    """Size of one parent order."""
    length = max(meta.last_ts - meta.first_ts, 1)
    return max(20, round(meta.volume * min(_WINDOW / length, 1.0) * _SHARE))


def _orders(meta: TapeMeta, lots: int, pause: int, side: int) -> tuple[ParentPlan, ...]:
    """One order of ten minutes after the other, sides in turn, from five minutes after the first message on."""
    first = meta.first_ts + 300 * _SECOND
    starts = range(first, meta.last_ts - _WINDOW, pause)
    return tuple(ParentPlan(side if n % 2 == 0 else -side, lots, at, at + _WINDOW) for n, at in enumerate(starts))
