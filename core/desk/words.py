"""Codes in words, for blotters and reports."""

from typing import Any

from core.desk.desk import Desk
from core.desk_view import NoteView
from core.enums import AgentState, EventKind, OperatorAct, OrderFlag, OrderType, Reason, TimeInForce, Trust
from core.risk.controls import controls_in

_ALARMS = (EventKind.REJECT, EventKind.DENIED, EventKind.MODEL, EventKind.CANCEL_REJECT)
_TRUST = {
    Trust.ANONYMOUS: "queue model",
    Trust.DISPLACED: "displaced",
    Trust.CROSSED: "crossed quote",
    Trust.THROUGH: "traded through",
    Trust.REACTIVE: "moved market",
    Trust.NO_QUEUE: "no queue",
}


def fill_words(reason: int) -> str:
    """A `Reason` in words, empty for none."""
    return "" if reason == Reason.NONE else Reason(reason).name.lower().replace("_", " ")


def trust_words(trust: int) -> str:
    """On what a fill rests: "exact", or the assumptions."""
    words = [text for bit, text in _TRUST.items() if trust & bit]
    return ", ".join(words) or "exact"


def order_type(order: Any) -> str:
    """An order's type and conditions, shortly."""
    text = OrderType(int(order["type"])).name.lower().replace("_", " ")
    if order["tif"] != TimeInForce.DAY:
        text += f" {TimeInForce(int(order['tif'])).name.lower()}"
    if order["flags"] & OrderFlag.POST_ONLY:
        text += " post"
    return text + (" iceberg" if order["display"] else "")


def note_of(desk: Desk, event: Any) -> NoteView:
    """One line of the blotter."""
    kind, agent, reason = EventKind(int(event["kind"])), int(event["agent"]), int(event["reason"])
    who = desk.agents[agent].name if 0 <= agent < len(desk.agents) else "desk"
    why = fill_words(reason)
    if kind == EventKind.AGENT:
        text = f"{who}: {AgentState(int(event['qty'])).name.lower()}"
    elif kind == EventKind.OPERATOR:
        text = f"{OperatorAct(int(event['detail'])).name.lower().replace('_', ' ')}: {who}, {int(event['qty']):,}"
        why = ""
    elif kind == EventKind.DENIED:
        names = [control.name.lower().replace("_", " ") for control in controls_in(int(event["detail"]))]
        text, why = f"{who}: denied {int(event['qty']):,}", ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
    elif kind == EventKind.WARNED:
        names = [control.name.lower().replace("_", " ") for control in controls_in(int(event["detail"]))]
        text, why = f"{who}: {int(event['qty'])} % of a limit", ", ".join(names[:4])
    elif kind == EventKind.MODEL:
        text = f"{who}: model or policy"
    else:
        what = kind.name.lower().replace("_", " ")
        text = f"{who}: order {int(event['order_id'])} {what} {int(event['qty']):,}"
    alarm = kind in _ALARMS or (kind == EventKind.AGENT and int(event["qty"]) >= AgentState.KILLED)
    return NoteView(int(event["ts"]), f"{text} ({why})" if why else text, alarm)
