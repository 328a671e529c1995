"""An agent's turn: its parent order, what it sees, what it decides."""

import numpy as np

from core.enums import AgentState, EventKind, OrderFlag, Reason
from core.features.observe import observe
from core.jit import inlined, inner, kernel, merged
from core.line.look import look, mid2_now
from core.line.state import NEVER, Line
from core.line.submit import decided, desk_event, submit, take_back
from core.policies.codes import LAST_WHY
from core.policies.work import decide

_WAITING, _RUNNING, _DONE = int(AgentState.WAITING), int(AgentState.RUNNING), int(AgentState.DONE)
_PAUSED, _KILLED, _UNHEALTHY = int(AgentState.PAUSED), int(AgentState.KILLED), int(AgentState.UNHEALTHY)
_AGENT, _CANCEL_SENT = int(EventKind.AGENT), int(OrderFlag.CANCEL_SENT)
_NONE, _WINDOW_END, _OVER = int(Reason.NONE), int(Reason.WINDOW_END), int(Reason.DONE)


@inlined
def row_of(line: Line, agent: int) -> int:
    """Row of settings and memory that an agent works with now."""
    parent = line.agents[agent]["parent"]
    return parent if parent >= 0 else line.parents.shape[0] + agent


@inner
def _roll(line: Line, agent: int, now: int) -> None:
    """Close a parent order that is over, and begin the next one that is due."""
    who, top = line.agents[agent], line.venue.top[0]
    parent = who["parent"]
    if parent >= 0:
        work = line.parents[parent]
        if work["working"] > 0 or (now < work["end"] and work["filled"] < work["qty"]):
            return
        work["state"] = 2
        work["end2"] = mid2_now(line)
        work["ts_over"] = now
        work["end_volume"], work["end_worth"] = top["volume"], top["worth"]
        who["parent"] = -1
        desk_event(line, now, _AGENT, agent, 0, _OVER if work["filled"] == work["qty"] else _WINDOW_END, _DONE, parent)
    following = who["next_parent"]
    if following < who["last_parent"] and line.parents[following]["start"] <= now:
        work = line.parents[following]
        work["state"] = 1
        work["arrival2"] = mid2_now(line)
        work["start_volume"], work["start_worth"] = top["volume"], top["worth"]
        line.memory[following, :] = 0
        who["parent"] = following
        who["next_parent"] = following + 1
        if who["state"] == _WAITING:
            who["state"] = _RUNNING
            desk_event(line, now, _AGENT, agent, 0, _NONE, _RUNNING, following)


@merged
def next_parent(line: Line, agent: int, now: int) -> None:
    """Look whether a parent order ends or begins now; most of the time none does."""
    who = line.agents[agent]
    parent, following = who["parent"], who["next_parent"]
    if parent >= 0:
        work = line.parents[parent]
        over = work["working"] <= 0 and (now >= work["end"] or work["filled"] >= work["qty"])
    else:
        over = following < who["last_parent"] and line.parents[following]["start"] <= now
    if over:
        _roll(line, agent, now)


@merged
def prepare(line: Line, agent: int, now: int) -> None:
    """Look at the market for an agent: its view, its open orders, its feature row."""
    next_parent(line, agent, now)
    look(line, agent, now)
    who, top = line.agents[agent], line.top[0]
    if who["features"] != 0:
        observe(line.flow, line.book, line.seen[0], line.row)
        place = top["readings"]
        for k in range(line.row.shape[0]):
            line.readings[place, k] = line.row[k]
        who["feature"] = top["reading"]
        top["reading"] += 1
        top["readings"] = place + 1


@inlined
def policy(line: Line, agent: int) -> int:
    """Ask the compiled policy of an agent. Returns how many intents it wrote."""
    row, parent = row_of(line, agent), line.agents[agent]["parent"]
    first, last = 0, 0
    if parent >= 0:
        first = line.parents[parent]["curve"]
        last = first + line.parents[parent]["curve_n"]
    n = decide(
        line.codes[row], line.seen[0], line.opens, line.seen[0]["n_open"], line.params[row],
        line.curves[first:last], line.memory[row], line.intents,
    )  # fmt: skip
    return np.int64(n)


@merged
def turn(line: Line, agent: int, now: int, n: int) -> None:
    """Carry out the intents of an agent's turn, and say when its next turn is."""
    if n > 0:
        carry_out(line, agent, now, n)
    parent = line.agents[agent]["parent"]
    if parent >= 0 and line.parents[parent]["working"] > 0 and now >= line.parents[parent]["end"]:
        _call_back(line, agent, now, parent)
    elif line.top[0]["idle"] != 0:
        decided(line, agent, now, line.memory[row_of(line, agent), LAST_WHY])
    schedule(line, agent, now)


@inner
def _call_back(line: Line, agent: int, now: int, parent: int) -> None:
    """The window of a parent order is over: what its policy has left open is cancelled."""
    slot = np.int64(line.agents[agent]["open_head"])
    while slot >= 0:
        order = line.venue.orders[slot]
        following = np.int64(order["mine_next"])
        full = line.top[0]["decisions"] + 1 >= line.decisions.shape[0]
        full = full or line.venue.top[0]["requests"] + 1 >= line.venue.requests.shape[0]
        if order["parent"] == parent and order["flags"] & _CANCEL_SENT == 0 and not full:
            take_back(line, agent, now, slot)
        slot = following


@kernel
def carry_out(line: Line, agent: int, now: int, n: int) -> None:
    """Submit `n` intents."""
    for k in range(n):
        submit(line, agent, now, k)


@merged
def schedule(line: Line, agent: int, now: int) -> None:
    """When an agent is due next: in its rhythm while it works, else at the start of its next parent order."""
    who = line.agents[agent]
    stopped = who["state"] == _PAUSED or who["state"] == _KILLED or who["state"] == _UNHEALTHY
    if stopped or line.venue.top[0]["ended"] != 0:
        who["next_wake"] = NEVER
    elif who["parent"] >= 0 or who["last_parent"] == 0:
        who["next_wake"] = max(who["next_wake"] + who["every"], now + 1)
        parent = who["parent"]
        if parent >= 0 and now < line.parents[parent]["end"]:
            who["next_wake"] = min(who["next_wake"], line.parents[parent]["end"])
    elif who["next_parent"] < who["last_parent"]:
        who["next_wake"] = max(line.parents[who["next_parent"]]["start"], now + 1)
    else:
        who["next_wake"] = NEVER
        if who["state"] == _RUNNING:
            who["state"] = _DONE
    find_next_wake(line)


@inlined
def find_next_wake(line: Line) -> None:
    """Earliest turn of this instrument's agents."""
    instrument, first = line.venue.rules[0]["instrument"], NEVER
    for agent in range(line.agents.shape[0]):
        if line.agents[agent]["instrument"] == instrument and line.agents[agent]["next_wake"] < first:
            first = line.agents[agent]["next_wake"]
    line.venue.top[0]["next_wake"] = first
