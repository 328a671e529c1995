"""Sessions without a screen: run one to its end, say what came of it, take a kill back."""

from __future__ import annotations

import math
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.output import RISK_KILL, emit, interrupted, say
from app.paths import home
from core.clock import cpu_ns, monotonic_ns
from core.errors import ConfigError

#: Messages between two looks at the kill file and for an interrupt.
_PIECE = 200_000

if TYPE_CHECKING:
    from core.desk.desk import Desk
    from core.plan import SessionPlan
    from core.risk.kill import KillSwitch


def run(path: Path, as_json: bool, durable: bool = False) -> None:
    """Run a session file headless and print its summary. Exit code 5 when it ends killed."""
    from app.bootstrap import desk_maker, read_session

    plan = read_session(path)
    summary = run_plan(plan, desk_maker(plan, path.parent, home() / "risk"), durable=durable)
    tell(summary, as_json)


def tell(summary: dict[str, Any], as_json: bool) -> None:
    """Print what came of a session; exit code 5 when a kill is in force."""
    emit(summary, as_json)
    if summary["killed"]:
        scopes = ", ".join(summary["killed"])
        say(f"tapedeck: killed, nothing new was sent: {scopes}; take it back with: tapedeck rearm SCOPE --reason TEXT")
        raise SystemExit(RISK_KILL)


def run_plan(
    plan: SessionPlan, make: Any, kept: Collection[str] = (), *, durable: bool = False, journal: bool = True
) -> dict[str, Any]:
    """Play a session to its end as fast as it goes, every record into its journal, and that into its tables.

    The summary's times are those of the playing: what is loaded before it would drown a short day.

    `kept`: streams that somebody wants to see whole afterwards; `durable`: no order goes on its way before its decision
    is on the disk; `journal`: False only to measure what it costs.
    """
    from app.journaling import project, recorded
    from core.desk.recorder import Recorder

    desk: Desk = make(Recorder(keep={"orders", "fills", *kept}))
    desk.answers.urgent = interrupted
    for agent, words in desk.parts.doubts:
        say(f"tapedeck: {desk.agents[agent].name if agent >= 0 else 'desk'}: {words}")
    with recorded(desk, plan, home(), durable) if journal else nullcontext() as recording:
        desk.advance(most=1)  # loads the compiled line
        before, started, cpu = sum(desk.indices), monotonic_ns(), cpu_ns()
        while not desk.over:
            desk.advance(most=_PIECE)
            if interrupted():
                raise KeyboardInterrupt
        wall, used = (monotonic_ns() - started) / 1e9, (cpu_ns() - cpu) / 1e9
    if recording is not None:
        project(recording)
    return {
        "journal": recording.manifest.id if recording is not None else None,
        **summary(desk, plan),
        "seconds": round(wall, 3),
        "messages_per_cpu_second": round((sum(desk.indices) - before) / max(used, 1e-9)),
    }


def summary(desk: Desk, plan: SessionPlan) -> dict[str, Any]:
    """What came of a session, money in natural units."""
    from core.account.account import unrealised
    from core.enums import Queue, Rung
    from sessions.plan_text import plan_digest

    top = [line.venue.top[0] for line in desk.lines]
    last = len(desk.agents)

    def money(units: int) -> float:
        return float(desk.money.natural(units))

    return {
        "session": plan.name,
        "plan": plan_digest(plan),
        "rung": f"R{int(plan.rung)} {Rung(plan.rung).name.lower()}",
        "queue": Queue(plan.queue).name.lower(),
        "seed": plan.seed,
        "digest": desk.recorder.digest(),
        "digests": desk.recorder.digests(),
        "messages": sum(desk.indices),
        "unapplied": _unapplied(desk),
        "records": dict(desk.recorder.counts),
        "agents": [_agent(desk, k, money) for k in range(last)],
        "orders": [_parent(desk, k, money) for k in range(len(desk.parts.parents))],
        "denied_by": _denied(desk),
        "realised": money(int(desk.account.realised[last])),
        "unrealised": money(int(unrealised(desk.account, last))),
        "fees": money(int(desk.account.fees[last])),
        "divergence": {
            "taken_lots": sum(int(t["taken_lots"]) for t in top),
            "absorbed_lots": sum(int(t["absorbed_lots"]) for t in top),
            "orphan_lots": sum(int(t["orphan_lots"]) for t in top),
            "orphan_messages": sum(int(t["orphan_messages"]) for t in top),
            "returned_lots": sum(int(t["returned_lots"]) for t in top),
        },
        "bracket": _bracket(desk),
        "canaries": len(desk.parts.canaries),
        "troubles": [f"{desk.agents[k].name if k >= 0 else 'desk'}: {words}" for k, words in desk.answers.troubles],
        "killed": _killed(desk),
    }


def _unapplied(desk: Desk) -> dict[str, dict[str, int]]:
    """Messages that the book could not apply as they stand, by tape and reason."""
    from core.enums import Result

    return {
        tape.name: {Result(i).name.lower(): int(n) for i, n in enumerate(line.book.results) if n and i != Result.OK}
        for tape, line in zip(desk.plan.tapes, desk.lines, strict=True)
    }


def _killed(desk: Desk) -> list[str]:
    """Scopes of this session in which a kill stands; the file also knows other sessions' agents and tapes."""
    ours = {"desk", *(f"agent.{a.name}" for a in desk.agents), *(f"instrument.{t.name}" for t in desk.plan.tapes)}
    standing = desk.switch.latched if desk.switch is not None else ()
    return [act.scope for act in standing if act.scope in ours or act.scope.startswith("order.")]


def _agent(desk: Desk, k: int, money: Any) -> dict[str, Any]:
    from core.account.account import unrealised

    who, place = desk.lines[0].agents[k], int(desk.lines[0].agents[k]["instrument"])
    return {
        "name": desk.agents[k].name,
        "tape": desk.agents[k].tape,
        "policy": desk.agents[k].policy,
        "state": desk.state(k).name.lower(),
        "position": int(desk.account.position[k, place]),
        "realised": money(int(desk.account.realised[k])),
        "unrealised": money(int(unrealised(desk.account, k))),
        "fees": money(int(desk.account.fees[k])),
        "decisions": int(who["decisions"]),
        "denied": int(who["denied"]),
    }


def _parent(desk: Desk, k: int, money: Any) -> dict[str, Any]:
    from core.records import NO_PRICE

    work, plan = desk.lines[0].parents[k], desk.parts.parents[k]
    tape = desk.tapes[int(work["instrument"])]
    filled, tick = int(work["filled"]), float(tape.instrument.tick)
    arrival = int(work["arrival2"]) / 2 if work["arrival2"] != NO_PRICE else math.nan
    average = int(work["value"]) / filled if filled else math.nan
    return {
        "agent": desk.agents[desk.parts.owner[k]].name,
        "side": "buy" if plan.side > 0 else "sell",
        "qty": plan.qty,
        "filled": filled,
        "arrival": arrival * tick,
        "average": average * tick,
        "slippage_bps": plan.side * (average - arrival) / arrival * 1e4 if arrival else math.nan,
        "fees": money(int(work["fees"])),
        "over": bool(work["state"] == 2),
    }


def _denied(desk: Desk) -> dict[str, int]:
    """Denials by control."""
    from core.risk.controls import Control

    return {c.name.lower(): int(desk.recorder.denied[c]) for c in Control if desk.recorder.denied[c]}


def _bracket(desk: Desk) -> dict[str, int]:
    """Passive lots: what the pessimistic queue fills, what was filled, what the optimistic one fills."""
    orders, fills = desk.recorder.records("orders"), desk.recorder.records("fills")
    rested = orders[orders["joined"] > 0]
    made = fills[fills["maker"] > 0]
    return {
        "pessimistic": int(rested["low_filled"].sum()),
        "filled": int(made["qty"].sum()),
        "optimistic": int(rested["high_filled"].sum()),
    }


def kill(scope: str, reason: str, person: str, as_json: bool) -> None:
    """Kill a scope in the kill file; sessions that run obey before their next piece."""
    act = _switch(scope).kill(scope, _said(reason, "--reason"), _said(person, "--person"), 0)
    emit({"scope": act.scope, "reason": act.reason, "person": act.person, "killed": _standing(scope)}, as_json)


def rearm(scope: str, reason: str, person: str, as_json: bool) -> None:
    """Take a kill of the kill file back."""
    act = _switch(scope).rearm(scope, reason, person, 0)
    emit({"scope": act.scope, "reason": act.reason, "person": act.person, "still_killed": _standing(scope)}, as_json)


def _said(text: str, option: str) -> str:
    if not text.strip():
        raise ConfigError(f"{option} must say something: it is kept")
    return text


def _standing(scope: str) -> list[str]:
    return [act.scope for act in _switch(scope).latched]


def _switch(scope: str) -> KillSwitch:
    """The kill file. It knows scopes, not sessions: a gate with just the agent or tape of a scope is enough."""
    from decimal import Decimal

    from core.account.money import money_scale
    from core.plan import FeePlan
    from core.risk.kill import KillSwitch
    from core.risk.limits import default_limits, limit_set
    from core.risk.state import new_gate

    kind, _, name = scope.partition(".")
    agents = [name] if kind == "agent" else ["any"]
    tapes = [name] if kind == "instrument" else ["any"]
    gate = new_gate(limit_set(default_limits(), agents, tapes), money_scale([Decimal(1)], [FeePlan()]))
    return KillSwitch(home() / "risk", "", gate, agents, tapes)
