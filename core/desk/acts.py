"""What a person does to a running session. Every act is an event of the record; none waits for a policy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.clock import monotonic_ns
from core.desk.desk import Desk
from core.enums import AgentState, EventKind, Op, OperatorAct, OrderFlag, OrderStatus, Reason
from core.errors import ConfigError
from core.line.coast import due
from core.line.run import flush
from core.line.state import NEVER, Line
from core.line.submit import desk_event
from core.line.wake import carry_out
from core.risk.hooks import enable
from core.risk.limits import changed
from core.risk.state import Gate
from core.transport import Ticket
from core.venue.connection import is_down
from core.venue.orders import cancel, cancel_all

DESK = -1  #: every agent
PART = -2  #: of an event: an instrument or an order, as the act says
_OVER = (AgentState.DONE,)


@dataclass(frozen=True, slots=True)
class Done:
    """What an act came to: parts in the order in which they were done, and wall milliseconds."""

    act: OperatorAct
    agent: int
    orders: int  #: orders it ended or sent
    still_open: int  #: orders still open afterwards, of those it was about
    elapsed_ms: float
    parts: tuple[tuple[str, bool, str], ...] = ()
    refused: str = ""  #: why nothing was done, empty if something was


#: Why something was not done.
CUT_OFF = "cut off from the venue"


def kill(desk: Desk, agent: int, reason: str, person: str, started: int | None = None) -> Done:
    """Latch: nothing new leaves, everything open is cancelled at the venue at once, agents stop.

    `started`: monotonic ns of the key press. What cannot be written down is latched all the same, and says so.
    """
    began = monotonic_ns() if started is None else started
    scope = _scope(desk, agent)
    if agent == DESK:
        desk.gate.top[0]["killed_desk"] = 1
    else:
        desk.gate.rows[agent]["killed"] = 1
    stopped = _stop(desk, agent, AgentState.KILLED)
    count = cancel_everything(desk, agent, Reason.KILL)
    left, took = _open(desk, agent), (monotonic_ns() - began) / 1e6
    note(desk, OperatorAct.KILL, agent, count)
    parts = (
        ("gate latched", True, "at once"),
        ("agents stopped", True, f"{stopped}"),
        ("orders cancelled", left == 0, f"{count} cancelled, {left} open{_unreached(desk, agent)}"),
        ("kill file", *keep_kill(desk, scope, reason, person)),  # a disk may take its time: it comes last
    )
    return Done(OperatorAct.KILL, agent, count, left, took, parts)


def keep_kill(desk: Desk, scope: str, reason: str, person: str) -> tuple[bool, str]:
    """Write a kill that counts already into the kill file; whether it is kept, in words."""
    from core.risk.kill import KillFileError

    if desk.switch is None:
        return True, "for this run"
    try:
        desk.switch.kill(scope, reason or "key", person or "operator", desk.clock)
    except KillFileError as error:
        return False, f"not kept: {error}"
    return True, "kept"


def rearm(desk: Desk, agent: int, reason: str, person: str) -> Done:
    """Take a kill back; the agents stay paused until they are resumed one by one. Raises `ConfigError`."""
    scope = _scope(desk, agent)
    if not reason.strip():
        raise ConfigError("re-arming needs a reason")
    if desk.switch is not None:
        desk.switch.rearm(scope, reason, person or "operator", desk.clock)
    elif agent == DESK:
        desk.gate.top[0]["killed_desk"] = 0
    else:
        desk.gate.rows[agent]["killed"] = 0
    for k in agents_of(desk, agent):
        who = desk.lines[0].agents[k]
        if who["state"] == AgentState.KILLED:
            who["state"] = AgentState.PAUSED
    note(desk, OperatorAct.REARM, agent, 0)
    return Done(OperatorAct.REARM, agent, 0, 0, 0.0)


def rehearse(desk: Desk) -> None:
    """Do everything once on a desk that nobody needs: the first key of a session must not wait for a compiler."""
    desk.switch = None
    carry_out(desk.lines[0], 0, desk.now(0), 0)
    cancel(desk.lines[0].venue, 0, 0, _at(desk.lines[0]), int(Reason.REQUESTED))
    desk.value(0)
    pause(desk, DESK)
    resume(desk, DESK)
    kill(desk, DESK, "rehearsal", "nobody")
    desk.close()


Latches = tuple[int, int, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def latches(gate: Gate) -> Latches:
    """What is killed at a gate: the desk, how many orders, agents, instruments, orders."""
    top = gate.top[0]
    parts = (gate.rows["killed"].copy(), gate.killed_instruments.copy(), gate.killed_orders.copy())
    return (int(top["killed_desk"]), int(top["killed_orders"]), *parts)


def latch(gate: Gate, killed: Latches) -> None:
    """Kill at a fresh gate what was killed at another of the same session."""
    top = gate.top[0]
    top["killed_desk"], top["killed_orders"] = killed[:2]
    gate.rows["killed"], gate.killed_instruments[:], gate.killed_orders[:] = killed[2:]


def pause(desk: Desk, agent: int) -> Done:
    """Stop an agent's decisions; its open orders stay."""
    count = _stop(desk, agent, AgentState.PAUSED)
    note(desk, OperatorAct.PAUSE, agent, count)
    return Done(OperatorAct.PAUSE, agent, 0, _open(desk, agent), 0.0)


def resume(desk: Desk, agent: int) -> Done:
    """Let a paused or unhealthy agent go on. A killed one is re-armed first."""
    count, over = 0, True
    for k in agents_of(desk, agent):
        who = desk.lines[0].agents[k]
        if desk.lines[int(who["instrument"])].venue.top[0]["ended"]:
            continue
        over = False
        if who["state"] in (AgentState.PAUSED, AgentState.UNHEALTHY):
            enable(desk.gate, k)
            begun = who["parent"] >= 0 or who["last_parent"] == 0
            more = begun or who["next_parent"] < who["last_parent"]
            who["state"] = AgentState.RUNNING if begun else (AgentState.WAITING if more else AgentState.DONE)
            if more and desk.agents[k].policy not in ("hold", "manual"):
                first = 0 if begun else int(desk.lines[0].parents[int(who["next_parent"])]["start"])
                desk.wake(k, max(desk.now(int(who["instrument"])) + 1, first))
            count += 1
    note(desk, OperatorAct.RESUME, agent, count)
    words = "the session is over" if over else "not paused"
    return Done(OperatorAct.RESUME, agent, 0, 0, 0.0, refused="" if count else words)


def cancel_orders(desk: Desk, agent: int) -> Done:
    """Cancel everything open at the venue, at once."""
    began = monotonic_ns()
    count = cancel_everything(desk, agent, Reason.CANCEL_ALL)
    note(desk, OperatorAct.CANCEL_ALL, agent, count)
    desk.drain()
    return Done(OperatorAct.CANCEL_ALL, agent, count, _open(desk, agent), (monotonic_ns() - began) / 1e6)


def order(desk: Desk, ticket: Ticket) -> Done:
    """Send a person's order as the agent that carries them. Raises `ConfigError` for a ticket that makes no sense."""
    if not 0 <= ticket.instrument < len(desk.lines) or ticket.side not in (1, -1) or not 0 < ticket.qty < 2**45:
        raise ConfigError("an order needs an instrument, a side and a quantity")
    line, k = desk.lines[ticket.instrument], person_of(desk, ticket.instrument)
    if is_down(line.venue):
        return Done(OperatorAct.ORDER, k, 0, 0, 0.0, refused=CUT_OFF)
    before = int(line.agents[k]["denied"])
    send(desk, line, k, ticket)
    note(desk, OperatorAct.ORDER, k, ticket.qty)
    denied = int(line.agents[k]["denied"]) > before
    return Done(OperatorAct.ORDER, k, 1, 0, 0.0, refused="denied by the gate" if denied else "")


def cancel_order(desk: Desk, order_id: int) -> Done:
    """Cancel one order, whoever's it is, at once."""
    agent = end_order(desk, order_id, Reason.REQUESTED)
    if agent == DESK:
        words = f"it is not open at the venue{_unreached(desk, DESK)}"
        return Done(OperatorAct.CANCEL, DESK, 0, 0, 0.0, refused=words)
    note(desk, OperatorAct.CANCEL, agent, 1)
    return Done(OperatorAct.CANCEL, agent, 1, 0, 0.0)


def end_order(desk: Desk, order_id: int, reason: Reason) -> int:
    """Cancel an order at the venue, at once. Whose it was; `DESK` if it is not open there."""
    for line in desk.lines:
        orders = line.venue.orders
        for slot in np.flatnonzero((orders["order_id"] == order_id) & (orders["status"] != 0)):
            if orders[slot]["status"] in (OrderStatus.WORKING, OrderStatus.WAITING):
                agent = int(orders[slot]["agent"])
                cancel(line.venue, int(slot), order_id, _at(line), int(reason))
                flush(line)
                due(line)
                return agent
    return DESK


def change_limit(
    desk: Desk, scope: str, control: str, value: float, person: str, reason: str, expires: int | None = None
) -> Done:
    """Change one limit, for good or until market time `expires`; a new version of the limits. Raises `ConfigError`."""
    desk.set_limits(changed(desk.limits, scope, control, value, person, reason, desk.clock, expires))
    note(desk, OperatorAct.LIMITS, DESK, desk.limits.version)
    return Done(OperatorAct.LIMITS, DESK, 0, 0, 0.0)


def armed(desk: Desk, on: bool) -> Done:
    """A person armed or disarmed the trading keys: part of the record, the gate knows nothing of it."""
    act = OperatorAct.ARM if on else OperatorAct.DISARM
    note(desk, act, DESK, 0)
    return Done(act, DESK, 0, 0, 0.0)


def person_of(desk: Desk, instrument: int) -> int:
    """The agent that carries a person's orders in an instrument."""
    for k, agent in enumerate(desk.agents):
        if agent.policy == "manual" and int(desk.lines[0].agents[k]["instrument"]) == instrument:
            return k
    raise ConfigError("nobody carries orders of a person in this instrument")


def send(desk: Desk, line: Line, agent: int, ticket: Ticket) -> None:
    """Send through the same door as every agent: decision, gate, request."""
    intent = line.intents[0]
    intent["op"], intent["order_id"], intent["parent"], intent["why"] = Op.NEW, 0, -1, 0
    intent["qty"], intent["display"], intent["price"], intent["stop"] = (
        ticket.qty,
        ticket.display,
        ticket.price,
        ticket.stop,
    )
    intent["type"], intent["tif"], intent["side"] = ticket.type, ticket.tif, ticket.side
    intent["flags"] = ticket.flags | OrderFlag.OPERATOR
    place = ticket.instrument
    desk.make_room(place)
    line = desk.lines[place]
    desk.value(place)  # no agent may have had a turn yet: the gate needs a mark
    carry_out(line, agent, desk.now(place), 1)
    due(line)
    desk.drain()


def cancel_everything(desk: Desk, agent: int, reason: Reason) -> int:
    """End every open order of an agent, or of all, at the venue. How many there were."""
    count = 0
    for line in desk.lines:
        count += int(cancel_all(line.venue, _at(line), agent, int(reason)))
        flush(line)
        due(line)
    return count


def _unreached(desk: Desk, agent: int) -> str:
    """What to add to a count of orders while nobody can ask the venue."""
    lines = desk.lines if agent == DESK else [desk.lines[int(desk.lines[0].agents[agent]["instrument"])]]
    return f", {CUT_OFF}: answers come with the connection" if any(is_down(line.venue) for line in lines) else ""


def _stop(desk: Desk, agent: int, state: AgentState) -> int:
    """Give agents no further turn."""
    count = 0
    for k in agents_of(desk, agent):
        who = desk.lines[0].agents[k]
        if AgentState(int(who["state"])) not in _OVER:
            who["state"] = state
            count += 1
        desk.wake(k, NEVER)
    return count


def agents_of(desk: Desk, agent: int) -> range:
    """One agent, or all of them."""
    return range(len(desk.agents)) if agent == DESK else range(agent, agent + 1)


def _scope(desk: Desk, agent: int) -> str:
    if agent != DESK and not 0 <= agent < len(desk.agents):
        raise ConfigError(f"there is no agent {agent}")
    return "desk" if agent == DESK else f"agent.{desk.agents[agent].name}"


def _open(desk: Desk, agent: int) -> int:
    rows: Any = desk.gate.rows
    return int(rows[-1 if agent == DESK else agent]["open_orders"])


def _at(line: Line) -> int:
    return int(line.venue.top[0]["clock"])


def note(desk: Desk, act: OperatorAct, agent: int, count: int) -> None:
    """Write the act into the record."""
    line = desk.lines[0 if agent < 0 else int(desk.lines[0].agents[agent]["instrument"])]
    desk_event(line, desk.clock, int(EventKind.OPERATOR), agent, 0, int(Reason.REQUESTED), count, int(act))
    desk.drain()
