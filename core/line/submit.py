"""From an intent to an order on its way: decision, verdict, request."""

import numpy as np

from core.enums import EventKind, Op, OrderFlag, OrderStatus, OrderType, Reason
from core.jit import inner, kernel, merged
from core.line.look import market
from core.line.owned import find_order, own, waiting
from core.line.state import Line
from core.policies.codes import Why
from core.records import NO_PRICE
from core.risk.gate import check
from core.risk.hooks import cancelled, own_touch, sent
from core.venue.requests import push

_NEW, _CANCEL, _REPLACE = int(Op.NEW), int(Op.CANCEL), int(Op.REPLACE)
_SENT = int(OrderStatus.SENT)
_DENIED, _WARNED = int(EventKind.DENIED), int(EventKind.WARNED)
_NONE, _UNKNOWN, _GATE = int(Reason.NONE), int(Reason.UNKNOWN_ORDER), int(Reason.GATE)
_CANCEL_SENT, _OPERATOR = int(OrderFlag.CANCEL_SENT), int(OrderFlag.OPERATOR)
_LASTING = int(OrderFlag.POST_ONLY | OrderFlag.REDUCE_ONLY)
_WINDOW_END = int(Why.WINDOW_END)
_PEG_TOUCH = int(OrderType.PEG_TOUCH)


@kernel
def desk_event(line: Line, now: int, kind: int, agent: int, order_id: int, reason: int, qty: int, detail: int) -> None:
    """Record an event of the desk's own."""
    top = line.venue.top[0]
    found = line.venue.events[top["events"]]
    found["seq"] = top["seq"]
    found["ts"] = now
    found["order_id"] = order_id
    found["decision"] = line.top[0]["decision"] - 1
    found["qty"] = qty
    found["detail"] = detail
    found["price"] = 0
    found["instrument"] = line.venue.rules[0]["instrument"]
    found["agent"] = agent
    found["kind"] = kind
    found["reason"] = reason
    found["side"] = 0
    top["seq"] += 1
    top["events"] += 1
    if top["events"] > line.venue.events.shape[0] - 2 * line.venue.orders.shape[0] - 32:
        top["drain"] = 1


@merged
def decided(line: Line, agent: int, now: int, why: int) -> int:
    """Open a DECISION record. Returns its place in the output buffer."""
    top, who, venue = line.top[0], line.agents[agent], line.venue.top[0]
    place = top["decisions"]
    found = line.decisions[place]
    found["seq"] = top["decision"]
    found["ts"] = now
    found["ts_market"] = venue["clock"]
    found["cursor"] = venue["cursor"]
    found["feature"] = who["feature"]
    found["verdict"] = -1
    found["order_id"] = 0
    found["parent"] = who["parent"]
    found["why"] = why
    found["qty"] = 0
    found["price"] = 0
    found["stop"] = 0
    found["signal"] = who["signal"]
    found["model"] = who["model"]
    found["instrument"] = line.venue.rules[0]["instrument"]
    found["agent"] = agent
    found["op"] = 0
    found["type"] = 0
    found["tif"] = 0
    found["side"] = 0
    found["flags"] = 0
    found["reason"] = _NONE
    top["decision"] += 1
    top["decisions"] = place + 1
    who["decisions"] += 1
    who["why"] = why
    return place


@merged
def submit(line: Line, agent: int, now: int, k: int) -> None:
    """Carry out intent `k` of an agent: record it, ask the gate, send it. The buffers have room (`room`)."""
    intent = line.intents[k]
    place = decided(line, agent, now, intent["why"])
    decision = line.decisions[place]
    decision["qty"] = intent["qty"]
    decision["price"] = intent["price"]
    decision["stop"] = intent["stop"]
    decision["op"] = intent["op"]
    decision["type"] = intent["type"]
    decision["tif"] = intent["tif"]
    decision["side"] = intent["side"]
    decision["flags"] = intent["flags"]
    decision["parent"] = intent["parent"]
    if intent["op"] == _CANCEL:
        _send_cancel(line, agent, now, decision, intent["order_id"])
        return
    slot = -1
    if intent["op"] == _REPLACE:
        slot = find_order(line, agent, intent["order_id"])
        if slot < 0 or line.venue.orders[slot]["asked_qty"] > 0:
            decision["reason"] = _UNKNOWN
            return
    _bound(line, k, slot)
    decision["price"] = intent["price"]
    if not _allowed(line, agent, now, k, slot, decision):
        return
    if intent["op"] == _REPLACE:
        order = line.venue.orders[slot]
        order["asked_qty"] = intent["qty"]
        order["asked_price"] = intent["price"]
        order["asked_leaves"] = order["known_leaves"]
        push(line.venue, now, _REPLACE, slot, intent["qty"], intent["price"], _NONE)
        decision["order_id"] = order["order_id"]
    else:
        _send_new(line, agent, now, k, decision)


@merged
def _bound(line: Line, k: int, slot: int) -> None:
    """Nothing that is sent for a parent order goes beyond its limit, whatever a policy asks for.

    `slot`: the order that intent `k` replaces, -1 for a new one.
    """
    intent = line.intents[k]
    parent = line.venue.orders[slot]["parent"] if slot >= 0 else intent["parent"]
    if parent < 0 or line.parents[parent]["limit"] == NO_PRICE:
        return
    limit, side, price = line.parents[parent]["limit"], line.parents[parent]["side"], np.int64(intent["price"])
    if price == NO_PRICE or (price - limit) * side > 0:
        intent["price"] = limit


@merged
def _allowed(line: Line, agent: int, now: int, k: int, slot: int, decision: np.void) -> bool:
    """Ask the gate about intent `k`. `slot`: the order it replaces, -1 for a new one."""
    intent, draft, who, venue = line.intents[k], line.draft[0], line.agents[agent], line.venue
    draft["now"] = now
    draft["order_id"] = venue.orders[slot]["order_id"] if slot >= 0 else line.top[0]["next_id"]
    draft["decision"] = decision["seq"]
    draft["op"] = intent["op"]
    draft["agent"] = agent
    draft["instrument"] = venue.rules[0]["instrument"]
    draft["side"] = venue.orders[slot]["side"] if slot >= 0 else intent["side"]
    draft["type"] = venue.orders[slot]["type"] if slot >= 0 else intent["type"]
    draft["tif"] = venue.orders[slot]["tif"] if slot >= 0 else intent["tif"]
    # A replace changes quantity and price; what else it claims to be, the venue would not believe either.
    flags = venue.orders[slot]["flags"] & _LASTING | intent["flags"] & _OPERATOR if slot >= 0 else intent["flags"]
    draft["flags"] = flags
    draft["price"] = intent["price"]
    draft["stop"] = venue.orders[slot]["stop"] if slot >= 0 else intent["stop"]
    draft["qty"] = intent["qty"]
    draft["display"] = venue.orders[slot]["display"] if slot >= 0 else intent["display"]
    draft["old_leaves"] = venue.orders[slot]["known_leaves"] if slot >= 0 else 0
    draft["old_price"] = venue.orders[slot]["known_price"] if slot >= 0 else 0
    draft["permission"] = 1
    draft["model"] = 1 if who["model"] >= 0 and flags & _OPERATOR == 0 else 0
    draft["model_age"] = now - who["model_ts"] if who["model_ts"] >= 0 else -1
    draft["model_bad"] = who["model_bad"]
    draft["model_latency"] = who["model_latency"]
    draft["unanswered"] = waiting(line, agent, now)
    market(line, draft["side"], now)
    shift = venue.top[0]["shift"]
    own_touch(line.gate, draft["instrument"], venue.top[0]["own_bid"] + shift, venue.top[0]["own_ask"] + shift)
    verdict = line.verdicts[line.top[0]["verdicts"]]
    line.top[0]["verdicts"] += 1
    breaches = check(line.gate, line.account, draft, line.market[0], verdict)
    decision["verdict"] = verdict["seq"]
    if (
        verdict["passed50"] & ~who["warned50"]
        or verdict["passed75"] & ~who["warned75"]
        or verdict["passed90"] & ~who["warned90"]
    ):
        _warn(line, agent, now, verdict)
    if breaches != 0:
        decision["reason"] = _GATE
        who["denied"] += 1
        desk_event(line, now, _DENIED, agent, draft["order_id"] if slot >= 0 else 0, _GATE, intent["qty"], breaches)
        return False
    sent(line.gate, draft)
    return True


@merged
def _blank(order: np.void) -> None:
    """A recycled slot knows nothing of its last order."""
    order["ts_arrived"] = 0
    order["ts_done"] = 0
    order["filled"] = 0
    order["shown"] = 0
    order["ahead"] = 0
    order["ahead_entry"] = 0
    order["by_trades"] = 0
    order["by_cancels"] = 0
    order["low_ahead"] = 0
    order["low_filled"] = 0
    order["high_ahead"] = 0
    order["high_filled"] = 0
    order["joined"] = 0
    order["asked_qty"] = 0
    order["asked_leaves"] = 0
    order["asked_price"] = 0


@inner
def _warn(line: Line, agent: int, now: int, verdict: np.void) -> None:
    """Limits that an order has taken past 50, 75 or 90 per cent for the first time: said once each."""
    who = line.agents[agent]
    first, second, third = verdict["passed50"], verdict["passed75"], verdict["passed90"]
    if third & ~who["warned90"]:
        desk_event(line, now, _WARNED, agent, 0, _NONE, 90, np.int64(third & ~who["warned90"]))
    elif second & ~who["warned75"]:
        desk_event(line, now, _WARNED, agent, 0, _NONE, 75, np.int64(second & ~who["warned75"]))
    elif first & ~who["warned50"]:
        desk_event(line, now, _WARNED, agent, 0, _NONE, 50, np.int64(first & ~who["warned50"]))
    who["warned50"] |= first
    who["warned75"] |= second
    who["warned90"] |= third


@merged
def _send_new(line: Line, agent: int, now: int, k: int, decision: np.void) -> None:
    """Make the order of intent `k` and send it."""
    intent, top, venue = line.intents[k], line.top[0], line.venue
    free = venue.top[0]["free"] - 1
    venue.top[0]["free"] = free
    slot = np.int64(venue.free[free])
    order = venue.orders[slot]
    _blank(order)
    order["order_id"] = top["next_id"]
    top["next_id"] += 1
    order["decision"] = decision["seq"]
    order["ts_sent"] = now
    order["qty"] = intent["qty"]
    order["leaves"] = intent["qty"]
    order["display"] = intent["display"]
    order["parent"] = intent["parent"]
    order["known_leaves"] = intent["qty"]
    order["known_price"] = intent["price"]
    order["price"] = intent["price"]
    order["resting"] = intent["price"]
    order["stop"] = intent["stop"]
    order["next"] = -1
    order["prev"] = -1
    order["node"] = -1
    order["instrument"] = venue.rules[0]["instrument"]
    order["agent"] = agent
    order["flags"] = intent["flags"]
    order["side"] = intent["side"]
    order["type"] = intent["type"]
    order["tif"] = intent["tif"]
    order["status"] = _SENT
    order["known_status"] = _SENT
    order["reason"] = _NONE
    own(line, agent, slot)
    if intent["parent"] >= 0:
        line.parents[intent["parent"]]["working"] += intent["qty"]
    decision["order_id"] = order["order_id"]
    push(venue, now, _NEW, slot, intent["qty"], intent["price"], _NONE)


@merged
def take_back(line: Line, agent: int, now: int, slot: int) -> None:
    """Cancel an order because the time of its parent order is up."""
    order = line.venue.orders[slot]
    place = decided(line, agent, now, _WINDOW_END)
    decision = line.decisions[place]
    decision["op"] = _CANCEL
    decision["side"] = order["side"]
    decision["parent"] = order["parent"]
    _send_cancel(line, agent, now, decision, order["order_id"])


@merged
def _send_cancel(line: Line, agent: int, now: int, decision: np.void, order_id: int) -> None:
    """Cancels are never denied: they go at once, and count for the rates."""
    slot = find_order(line, agent, order_id)
    decision["order_id"] = order_id
    if slot < 0 or line.venue.orders[slot]["flags"] & _CANCEL_SENT:
        decision["reason"] = _UNKNOWN
        return
    order = line.venue.orders[slot]
    order["flags"] |= _CANCEL_SENT
    cancelled(line.gate, agent, now)
    push(line.venue, now, _CANCEL, slot, 0, 0, 1)
