"""A person's act as plain values: the same act can be carried out, written down, read again and repeated."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from core.desk import acts
from core.desk.acts import DESK, Done, latch, latches
from core.desk.desk import Desk, Place
from core.desk.flatten import flatten
from core.desk.partial import kill_part, rearm_part
from core.enums import OperatorAct
from core.errors import ConfigError
from core.risk.kill import KillSwitch
from core.transport import Ticket


@dataclass(frozen=True, slots=True)
class Act:
    """What a person wants done."""

    what: OperatorAct
    target: int = DESK  #: agent, `DESK` = all of them; in CANCEL the order id
    reason: str = ""
    person: str = "operator"
    ticket: Ticket | None = None  #: ORDER
    scope: str = ""  #: KILL, REARM of an instrument or an order: which; LIMITS: where, ...
    control: str = ""  #: ... which, its new value, and until when (ns UTC, None = for good)
    value: float = math.nan
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """An act, and exactly where in the session it was done."""

    place: Place
    ts: int  #: market time, ns UTC
    index: int  #: messages of the shown tape before it
    act: Act


def perform(desk: Desk, act: Act, started: int | None = None) -> Done:
    """Carry out an act. `started`: monotonic ns of the key press. Raises `ConfigError` for what cannot be."""
    if act.what == OperatorAct.KILL and act.scope:
        return kill_part(desk, act.scope, act.reason, act.person)
    if act.what == OperatorAct.REARM and act.scope:
        return rearm_part(desk, act.scope, act.reason, act.person)
    if act.what == OperatorAct.KILL:
        return acts.kill(desk, act.target, act.reason, act.person, started)
    if act.what == OperatorAct.REARM:
        return acts.rearm(desk, act.target, act.reason, act.person)
    if act.what == OperatorAct.LIMITS:
        return acts.change_limit(desk, act.scope, act.control, act.value, act.person, act.reason, act.expires)
    if act.what == OperatorAct.ORDER:
        if act.ticket is None:
            raise ConfigError("an order needs a ticket")
        return acts.order(desk, act.ticket)
    if act.what in (OperatorAct.ARM, OperatorAct.DISARM):
        return acts.armed(desk, act.what == OperatorAct.ARM)
    plain: dict[OperatorAct, Callable[[Desk, int], Done]] = {
        OperatorAct.PAUSE: acts.pause,
        OperatorAct.RESUME: acts.resume,
        OperatorAct.CANCEL_ALL: acts.cancel_orders,
        OperatorAct.FLATTEN: flatten,
        OperatorAct.CANCEL: acts.cancel_order,
    }
    if act.what not in plain:
        raise ConfigError(f"nobody knows how to do {act.what.name.lower()}")
    return plain[act.what](desk, act.target)


def heed(desk: Desk) -> None:
    """Do here what another process did to the kill file: kill at once, re-arm; each as an act of the record."""
    switch = desk.switch
    if switch is None or not switch.changed():
        return
    before, known = latches(desk.gate), switch.history
    switch.look()
    wanted = latches(desk.gate)
    latch(desk.gate, before)
    desk.switch = None  # it is in the file already
    try:
        for act in differences(desk, switch):
            write_and_do(desk, act) if desk.obey is None else desk.obey(act)
    finally:
        latch(desk.gate, wanted)
        desk.switch = switch
    for kill in switch.history:
        if kill not in known:
            desk.answers.say(desk.clock, DESK, f"{kill.act} {kill.scope} by {kill.person}, elsewhere: {kill.reason}")


def write_and_do(desk: Desk, act: Act) -> None:
    """An act of nobody at a screen, in the record before it is done."""
    desk.recorder.note("acts", deed_text(Deed(desk.place, desk.clock, desk.indices[0], act)))
    desk.recorder.commit()
    perform(desk, act)


def differences(desk: Desk, switch: KillSwitch) -> list[Act]:
    """The acts that bring a desk's gate to what its kill file says, in the words of whoever wrote it."""
    names = [agent.name for agent in desk.agents]
    ours = {"desk", *(f"agent.{n}" for n in names), *(f"instrument.{t.name}" for t in desk.plan.tapes)}
    standing = {act.scope for act in switch.latched if act.scope in ours or act.scope.startswith("order.")}
    killed, last = _killed(desk), {act.scope: act for act in switch.history}
    found = []
    for scope in sorted(standing ^ killed):
        what = OperatorAct.KILL if scope in standing else OperatorAct.REARM
        kind, _, name = scope.partition(".")
        why, who = (
            (last[scope].reason, last[scope].person) if scope in last else ("the kill file was emptied", "nobody")
        )
        whole = kind in ("desk", "agent")
        target = names.index(name) if kind == "agent" else DESK
        found.append(Act(what, target, why.strip() or "no reason was given", who, scope="" if whole else scope))
    return found


def _killed(desk: Desk) -> set[str]:
    """Scopes that the gate denies now."""
    gate = desk.gate
    found = {"desk"} if gate.top[0]["killed_desk"] else set()
    found |= {f"agent.{agent.name}" for k, agent in enumerate(desk.agents) if gate.rows[k]["killed"]}
    found |= {f"instrument.{t.name}" for k, t in enumerate(desk.plan.tapes) if gate.killed_instruments[k]}
    return found | {f"order.{int(one)}" for one in gate.killed_orders[: int(gate.top[0]["killed_orders"])]}


def deed_text(deed: Deed) -> str:
    """One line of JSON, keys sorted."""
    found = asdict(deed)
    found["act"]["what"] = deed.act.what.name.lower()
    if math.isnan(deed.act.value):
        found["act"]["value"] = None
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def read_deed(text: str | bytes) -> Deed:
    """The deed in a line of `deed_text`. Raises `ConfigError` if it is none."""
    try:
        found: dict[str, Any] = json.loads(text)
        place, act = found.pop("place"), found.pop("act")
        act["what"] = OperatorAct[act["what"].upper()]
        act["value"] = math.nan if act["value"] is None else float(act["value"])
        act["ticket"] = None if act["ticket"] is None else Ticket(**act["ticket"])
        return Deed(Place(tuple(map(int, place["indices"])), place["until"]), act=Act(**act), **found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"this is not a person's act: {error}") from error
