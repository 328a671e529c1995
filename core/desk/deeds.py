"""A person's act as plain values: the same act can be carried out, written down, read again and repeated."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk import acts
from core.desk.acts import DESK, Done, latch, latches
from core.desk.desk import Desk, Place
from core.desk.flatten import flatten
from core.enums import OperatorAct
from core.errors import ConfigError
from core.transport import Ticket


@dataclass(frozen=True, slots=True)
class Act:
    """What a person wants done."""

    what: OperatorAct
    target: int = DESK  #: agent, `DESK` = all of them; in CANCEL the order id
    reason: str = ""
    person: str = "operator"
    ticket: Ticket | None = None  #: ORDER
    scope: str = ""  #: LIMITS: where, which, its new value, and until when (ns UTC, None = for good)
    control: str = ""
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
    """Do here what another process did to the kill file: kill at once, re-arm; each as an act of the record.

    Kills of instruments and of single orders have no act: the gate latches them.
    """
    switch = desk.switch
    if switch is None or not switch.changed():
        return
    before, known = latches(desk.gate), switch.history
    switch.look()
    wanted = latches(desk.gate)
    latch(desk.gate, before)
    desk.switch = None  # it is in the file already
    try:
        for act in differences(before, wanted):
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


Latches = tuple[int, NDArray[np.int64], NDArray[np.int64]]


def differences(before: Latches, after: Latches) -> list[Act]:
    """The acts that bring a gate from one state of its kills to another, see `core.desk.acts.latches`."""
    found = []
    if before[0] != after[0]:
        what = OperatorAct.KILL if after[0] else OperatorAct.REARM
        found.append(Act(what, DESK, "as the kill file says", "kill file"))
    for agent in np.flatnonzero(before[1] != after[1]):
        what = OperatorAct.KILL if after[1][agent] else OperatorAct.REARM
        found.append(Act(what, int(agent), "as the kill file says", "kill file"))
    return found


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
