"""Codes in words, for blotters and reports."""

import math
from functools import cache
from typing import Any

from core.desk.desk import Desk
from core.desk_view import NoteView
from core.enums import AgentState, EventKind, OperatorAct, OrderStatus, OrderType, Reason, TimeInForce, Trust
from core.risk.controls import controls_in
from core.risk.limits import LimitChange

_ALARMS = (EventKind.REJECT, EventKind.DENIED, EventKind.MODEL, EventKind.CANCEL_REJECT)
_TRUST = {
    Trust.ANONYMOUS: "queue model",
    Trust.DISPLACED: "displaced",
    Trust.CROSSED: "crossed quote",
    Trust.THROUGH: "traded through",
    Trust.REACTIVE: "moved market",
    Trust.NO_QUEUE: "no queue",
}


@cache
def fill_words(reason: int) -> str:
    """A `Reason` in words, empty for none."""
    return "" if reason == Reason.NONE else Reason(reason).name.lower().replace("_", " ")


def trust_words(trust: int) -> str:
    """On what a fill rests: "exact", or the assumptions."""
    words = [text for bit, text in _TRUST.items() if trust & bit]
    return ", ".join(words) or "exact"


@cache
def status_words(status: int) -> str:
    """An `OrderStatus` in words."""
    return OrderStatus(status).name.lower()


@cache
def order_type(kind: int, tif: int, posts: bool, iceberg: bool) -> str:
    """An order's type and conditions, shortly."""
    text = OrderType(kind).name.lower().replace("_", " ")
    if tif != TimeInForce.DAY:
        text += f" {TimeInForce(tif).name.lower()}"
    return text + " post" * posts + " iceberg" * iceberg


def note_of(desk: Desk, event: Any) -> NoteView:
    """One line of the blotter."""
    kind, agent, reason = EventKind(int(event["kind"])), int(event["agent"]), int(event["reason"])
    who = desk.agents[agent].name if 0 <= agent < len(desk.agents) else "desk"
    why = fill_words(reason)
    if kind == EventKind.AGENT:
        text = f"{who}: {AgentState(int(event['qty'])).name.lower()}"
    elif kind == EventKind.OPERATOR:
        text, why = _act_words(desk, OperatorAct(int(event["detail"])), who, int(event["qty"])), ""
    elif kind == EventKind.DENIED:
        names = [control.name.lower().replace("_", " ") for control in controls_in(int(event["detail"]))]
        text, why = f"{who}: denied {int(event['qty']):,}", ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
    elif kind == EventKind.WARNED:
        names = [control.name.lower().replace("_", " ") for control in controls_in(int(event["detail"]))]
        text, why = f"{who}: {int(event['qty'])} % of a limit", ", ".join(names[:4])
    elif kind == EventKind.SESSION and reason in (Reason.DISCONNECTED, Reason.RECONNECTED):
        text, why = _link_words(desk, event), ""
    elif kind == EventKind.MODEL:
        text = f"{who}: model or policy"
    else:
        what = kind.name.lower().replace("_", " ")
        text = f"{who}: order {int(event['order_id'])} {what} {int(event['qty']):,}"
    alarm = (
        kind in _ALARMS
        or reason == Reason.DISCONNECTED
        or (kind == EventKind.AGENT and int(event["qty"]) >= AgentState.KILLED)
    )
    return NoteView(int(event["ts"]), f"{text} ({why})" if why else text, alarm)


def _link_words(desk: Desk, event: Any) -> str:
    """What became of the connection to a venue."""
    tape, count = desk.plan.tapes[int(event["instrument"])].name, int(event["qty"])
    if event["reason"] == Reason.RECONNECTED:
        return f"connection to the venue of {tape} is back"
    seconds = (int(event["detail"]) - int(event["ts"])) / 1e9
    return (
        f"connection to the venue of {tape} lost for {seconds:,g} s: it cancelled {count:,} order{'s' * (count != 1)}"
    )


def _act_words(desk: Desk, act: OperatorAct, who: str, count: int) -> str:
    """What a person did."""
    if act in (OperatorAct.ARM, OperatorAct.DISARM):
        return "armed" if act == OperatorAct.ARM else "disarmed"
    if act == OperatorAct.LIMITS:
        change = next((each for each in desk.limits.history if each.version == count), None)
        return f"limits: version {count}" if change is None else _change_words(change)
    return f"{act.name.lower().replace('_', ' ')}: {who}, {count:,}"


def _change_words(change: LimitChange) -> str:
    """A limit, before and after, how long, who and why."""
    before = "none" if math.isnan(change.before) else f"{change.before:,g}"
    long = "" if change.expires is None else f" for {(change.expires - change.since) / 1e9:,g} s"
    return (
        f"limit {change.scope} {change.control}: {before} to {change.after:,g}{long}, {change.person}: {change.reason}"
    )


def lapses(desk: Desk) -> list[NoteView]:
    """Changes of limits that have run out by now; one that was changed for good meanwhile did not."""
    notes = []
    for change in desk.limits.history:
        if change.expires is None or change.expires > desk.clock:
            continue
        key = (change.scope, change.control)
        later = [each for each in desk.limits.history if each.version > change.version and each.expires is None]
        if not any((each.scope, each.control) == key and each.since < change.expires for each in later):
            text = f"limit {change.scope} {change.control}: {change.after:,g} has run out"
            notes.append(NoteView(change.expires, text, False))
    return notes
