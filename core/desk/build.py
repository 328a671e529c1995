"""From a plan to the line's arrays: agents, parent orders, policies, accounts, gate, venues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.account.account import new_account
from core.account.money import MoneyScale
from core.desk.doubts import doubts
from core.desk.ready import Ready, ready
from core.desk.rules import set_rules
from core.enums import AgentState, Rung
from core.errors import ConfigError
from core.features.flow import new_flow
from core.features.spec import SPEC
from core.line.state import AGENT, LINE_TOP, NEVER, PARENT, Line
from core.naming import nearest
from core.plan import AgentPlan, ParentPlan, SessionPlan
from core.policies.codes import MEMORY, MOST, SETTINGS, Code
from core.policies.port import Compiled, ParentContext, Policy
from core.policies.registry import make_policy
from core.ports import Signal
from core.records import DECISION, DRAFT, INTENT, MARKET, NO_PRICE, OPEN, VERDICT, VIEW
from core.risk.canary import Canary
from core.risk.limits import LimitSet
from core.risk.state import copy_gate
from core.tape.tape import Tape
from core.tca.estimate import estimate, volume_curve
from core.tca.market import Market, read_market
from core.venue.calibrate import Reaction
from core.venue.state import new_venue

#: Agent that carries a person's own orders, where the plan has none.
PERSON = "you"
_SLICES = 20
_RECORDS = 1 << 14


@dataclass(slots=True)
class Parts:
    """What `build` makes."""

    lines: list[Line]
    agents: tuple[AgentPlan, ...]  #: the plan's, and a person's per tape
    parents: tuple[ParentPlan, ...]
    owner: tuple[int, ...]  #: agent of each parent
    policies: dict[int, Policy]  #: Python policies by row
    ready: Ready
    markets: list[Market | None]
    doubts: list[tuple[int, str]]  #: agent (-1 = the desk) and what looks like a mistake in the plan

    @property
    def money(self) -> MoneyScale:
        """What the session counts money in."""
        return self.ready.money

    @property
    def limits(self) -> LimitSet:
        """The limits it starts with."""
        return self.ready.limits

    @property
    def canaries(self) -> list[Canary]:
        """What became of the gate's self-test."""
        return self.ready.canaries

    @property
    def reactions(self) -> list[Reaction]:
        """How each market reacts."""
        return self.ready.reactions


def build(
    plan: SessionPlan,
    tapes: Sequence[Tape],
    models: Mapping[str, Any],
    markets: Sequence[Market] | None = None,
    before: Ready | None = None,
) -> Parts:
    """Everything a session of `plan` needs. `models`: loaded models by the name that the plan gives them; `before`:
    what an earlier session of the same kind was ready with.

    Raises `ConfigError`, also where the gate's self-test fails (`CanaryPassed`).
    """
    names = [tape.name for tape in plan.tapes]
    agents = _with_person(plan, names)
    for agent in agents:
        if agent.tape not in names:
            raise ConfigError(f"agent {agent.name}: no tape {agent.tape!r}{nearest(agent.tape, names)}")
    signals_of(agents, models)
    known = _markets(plan, agents, tapes, markets)
    made = ready(plan, tapes, [agent.name for agent in agents], known, before)
    money, gate = made.money, copy_gate(made.gate)
    account = new_account(len(agents), len(tapes), money.tick_value)
    parents = tuple(parent for agent in agents for parent in sorted(agent.parents, key=lambda p: p.start))
    owner = tuple(k for k, agent in enumerate(agents) for _ in agent.parents)
    rows, policies, curves = _policies(agents, parents, owner, names, known, models)
    shared = _shared(plan, agents, parents, owner, names, rows, policies, curves, models)
    lines = []
    for k, tape in enumerate(tapes):
        book = tape.new_book().state
        venue = set_rules(new_venue(len(book.orders)), plan, k, tape, money, made.reactions[k])
        lines.append(Line(book=book, venue=venue, flow=new_flow(), account=account, gate=gate, **shared))
    empty = max(len(parents), 1) - len(parents)  # a row for parent orders is there even without any
    placed = {row if row < len(parents) else row + empty: policy for row, policy in policies.items()}
    places = [names.index(agent.tape) for agent in plan.agents]
    unsure = [*doubts(plan.agents, places, tapes, [float(t.multiplier) for t in plan.tapes], made.limits)]
    return Parts(lines, agents, parents, owner, placed, made, known, unsure)


def _with_person(plan: SessionPlan, tapes: Sequence[str]) -> tuple[AgentPlan, ...]:
    """The plan's agents, and for every tape one that carries a person's orders."""
    taken = {agent.name for agent in plan.agents}
    extra = []
    for tape in tapes:
        if not any(agent.tape == tape and agent.policy == "manual" for agent in plan.agents):
            name = PERSON if len(tapes) == 1 else f"{PERSON}.{tape}"
            while name in taken:
                name += "'"
            taken.add(name)
            extra.append(AgentPlan(name=name, tape=tape, policy="manual"))
    return (*plan.agents, *extra)


def _markets(
    plan: SessionPlan, agents: Sequence[AgentPlan], tapes: Sequence[Tape], markets: Sequence[Market] | None
) -> list[Market | None]:
    """What the policies may know of the past; read only for tapes that a parent order, or the rung, needs it of."""
    if markets is not None:
        return list(markets)
    needed = {agent.tape for agent in agents if agent.parents}
    everywhere = plan.rung == Rung.REACTIVE
    return [
        read_market(tape) if everywhere or p.name in needed else None for tape, p in zip(tapes, plan.tapes, strict=True)
    ]


def context_of(parent: ParentPlan, every: int, market: Market | None) -> ParentContext:
    """What a policy may know when it is made: all of it from before the order's start."""
    plain = ParentContext(parent.side, parent.qty, parent.start, parent.end, parent.limit, parent.urgency, every)
    if market is None:
        return plain
    found = estimate(market, parent.start)
    window = max(parent.end - parent.start, 1)
    if found.seconds <= 0:
        return plain
    return replace(
        plain, sigma=found.sigma, rate=found.rate, spread=found.spread, depth=found.depth,
        volumes=volume_curve(market, parent.start, window, _SLICES),
    )  # fmt: skip


def _policies(
    agents: Sequence[AgentPlan],
    parents: Sequence[ParentPlan],
    owner: Sequence[int],
    names: Sequence[str],
    markets: Sequence[Market | None],
    models: Mapping[str, Any],
) -> tuple[list[Compiled], dict[int, Policy], list[NDArray[np.float64]]]:
    """A policy for every parent order, then one for every agent; row by row."""
    compiled: list[Compiled] = []
    python: dict[int, Policy] = {}
    jobs: list[tuple[AgentPlan, ParentPlan | None]] = [(agents[k], p) for k, p in zip(owner, parents, strict=True)]
    jobs += [(agent, None) for agent in agents]
    for row, (agent, parent) in enumerate(jobs):
        market = markets[names.index(agent.tape)]
        context = context_of(parent, agent.every, market) if parent is not None else None
        if parent is None and agent.parents:
            compiled.append(Compiled(Code.HOLD))  # between parent orders there is nothing to do
            continue
        if agent.policy in models:
            made: Policy | Compiled = models[agent.policy].policy(agent.params, context)
        else:
            made = make_policy(agent.policy, agent.params, context)
        if isinstance(made, Compiled):
            compiled.append(made)
        else:
            python[row] = made
            compiled.append(Compiled(Code.OUTSIDE))
    return compiled, python, [each.curve for each in compiled]


def _shared(
    plan: SessionPlan,
    agents: Sequence[AgentPlan],
    parents: Sequence[ParentPlan],
    owner: Sequence[int],
    names: Sequence[str],
    rows: Sequence[Compiled],
    policies: Mapping[int, Policy],
    curves: Sequence[NDArray[np.float64]],
    models: Mapping[str, Any],
) -> dict[str, Any]:
    """The arrays that all instruments share."""
    who, work, top = np.zeros(len(agents), AGENT), np.zeros(max(len(parents), 1), PARENT), np.zeros(1, LINE_TOP)
    table = np.zeros((len(work) + len(agents), SETTINGS))
    codes = np.zeros(len(table), np.int64)
    places = [*range(len(parents)), *(len(work) + k for k in range(len(agents)))]
    offset = 0
    for place, row, curve in zip(places, rows, curves, strict=True):
        codes[place], table[place] = int(row.code), row.params
        if place < len(parents):
            work[place]["curve"], work[place]["curve_n"] = offset, len(curve)
        offset += len(curve)
    for place, (parent, agent) in enumerate(zip(parents, owner, strict=True)):
        found = work[place]
        found["agent"], found["instrument"] = agent, names.index(agents[agent].tape)
        found["side"], found["qty"], found["start"], found["end"] = parent.side, parent.qty, parent.start, parent.end
        found["limit"] = NO_PRICE if parent.limit is None else parent.limit
        found["urgency"], found["code"] = parent.urgency, codes[place]
        found["arrival2"] = found["end2"] = NO_PRICE
    outside = {place for place, row in zip(places, range(len(rows)), strict=True) if row in policies}
    for k, one in enumerate(agents):
        _agent(who[k], k, one, plan, names, owner, len(work), outside, models)
    top["features"] = int(who["features"].sum())
    top["next_id"], top["asked"], top["agents"], top["idle"] = 1, -1, len(agents), 1
    return {
        "agents": who,
        "parents": work,
        "codes": codes,
        "params": table,
        "memory": np.zeros((len(table), MEMORY), np.int64),
        "curves": np.concatenate([*curves, np.zeros(1)]),
        "seen": np.zeros(1, VIEW),
        "opens": np.zeros(256, OPEN),
        "intents": np.zeros(MOST, INTENT),
        "draft": np.zeros(1, DRAFT),
        "market": np.zeros(1, MARKET),
        "row": np.zeros(len(SPEC), np.float32),
        "decisions": np.zeros(_RECORDS, DECISION),
        "verdicts": np.zeros(_RECORDS // 16, VERDICT),
        "readings": np.zeros((_RECORDS // 4, len(SPEC)), np.float32),
        "top": top,
    }


def _agent(
    found: Any, k: int, agent: AgentPlan, plan: SessionPlan, names: Sequence[str], owner: Sequence[int],
    parents: int, outside: set[int], models: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write one AGENT record."""
    mine = [place for place, each in enumerate(owner) if each == k]
    found["instrument"], found["every"] = names.index(agent.tape), agent.every
    found["parent"], found["open_head"], found["open_tail"] = -1, -1, -1
    found["next_parent"], found["last_parent"] = (mine[0], mine[-1] + 1) if mine else (0, 0)
    found["model"], found["model_ts"], found["feature"], found["signal"] = -1, -1, -1, np.nan
    asks = bool(agent.signal) or any(place in outside for place in (*mine, parents + k))
    found["asks"] = found["features"] = int(asks)
    listed = list(models)
    if agent.signal or agent.policy in models:
        found["model"] = listed.index(agent.signal if agent.signal else agent.policy)
    idle = agent.policy in ("hold", "manual") and not mine
    found["state"] = AgentState.WAITING if mine else AgentState.RUNNING
    start = plan.start if plan.start is not None else 0
    if mine:
        # The first turn is where the first parent order starts.
        found["next_wake"] = 0
        found["every"] = agent.every
    found["next_wake"] = NEVER if idle else start


def first_wakes(lines: Sequence[Line], first_ts: Sequence[int]) -> None:
    """Set every agent's first turn: its first parent order's start, or one rhythm after the session's first message."""
    for agent in lines[0].agents:
        if agent["next_wake"] >= NEVER:
            continue
        opening = max(int(agent["next_wake"]), first_ts[int(agent["instrument"])])
        if agent["last_parent"] > 0:
            opening = max(opening, int(lines[0].parents[int(agent["next_parent"])]["start"]))
        else:
            opening += int(agent["every"])
        agent["next_wake"] = opening


def signals_of(agents: Sequence[AgentPlan], models: Mapping[str, Any]) -> dict[int, Signal]:
    """Signal of each agent that has one. Raises `ConfigError` for a name that is not loaded."""
    found: dict[int, Signal] = {}
    for k, agent in enumerate(agents):
        if agent.signal:
            if agent.signal not in models:
                raise ConfigError(f"agent {agent.name}: no signal {agent.signal!r}{nearest(agent.signal, models)}")
            found[k] = models[agent.signal]
    return found
