"""Answers of the venue reach us: accounts, the gate's counts and the parents learn of them."""

import numpy as np

from core.account.account import settle as settle_account
from core.enums import EventKind, Op, OrderStatus, Reason
from core.jit import inner, merged
from core.line.owned import disown
from core.line.state import Line
from core.risk.hooks import accepted, answered, changed, filled, rejected
from core.venue.reports import forget

_ACK, _REJECT, _FILL = int(EventKind.ACK), int(EventKind.REJECT), int(EventKind.FILL)
_CANCELED, _EXPIRED, _REPLACED = int(EventKind.CANCELED), int(EventKind.EXPIRED), int(EventKind.REPLACED)
_CANCEL_REJECT = int(EventKind.CANCEL_REJECT)
_WORKING, _REPLACE = int(OrderStatus.WORKING), int(Op.REPLACE)
_UNKNOWN, _DISCONNECTED = int(Reason.UNKNOWN_ORDER), int(Reason.DISCONNECTED)


@inner
def settle(line: Line, place: int) -> None:
    """Take in the note at `place` of the ring."""
    note = line.venue.notes[place]
    slot, kind, now = np.int64(note["slot"]), note["kind"], note["ts"]
    order = line.venue.orders[slot]
    if order["order_id"] != note["order_id"] or order["status"] == 0:
        return
    if kind == _FILL:
        _filled(line, slot, place, now)
    elif kind == _CANCELED or kind == _EXPIRED or kind == _REJECT:
        _resolve_replace(line, slot, now)
        _leaves(line, slot, 0)
        if kind == _REJECT and note["reason"] != _DISCONNECTED:  # the venue has refused nothing
            rejected(line.gate, order["agent"])
    elif kind == _REPLACED:
        leaves, asked_price = note["leaves"], order["asked_price"]
        _resolve_replace(line, slot, now)
        before = order["known_leaves"]
        changed(line.gate, order["agent"], order["instrument"], order["side"], order["known_price"], before, 0)
        changed(line.gate, order["agent"], order["instrument"], order["side"], asked_price, 0, leaves)
        if order["parent"] >= 0:
            line.parents[order["parent"]]["working"] += leaves - before
        order["known_leaves"] = leaves
        order["known_price"] = asked_price
        accepted(line.gate, order["agent"])
    elif kind == _CANCEL_REJECT:
        _resolve_replace(line, slot, now)
        mistake = note["reason"] != _UNKNOWN and note["reason"] != _DISCONNECTED  # to lose a race to a fill is none
        if mistake:
            rejected(line.gate, order["agent"])
    elif kind == _ACK:
        order["known_status"] = _WORKING
        accepted(line.gate, order["agent"])
    if order["known_leaves"] == 0:
        disown(line, slot)
        forget(line.venue, slot)


@merged
def _filled(line: Line, slot: int, place: int, now: int) -> None:
    note, order = line.venue.notes[place], line.venue.orders[slot]
    qty, price, fee = note["qty"], np.int64(note["price"]), note["fee"]
    agent, instrument, side = np.int64(order["agent"]), np.int64(order["instrument"]), np.int64(order["side"])
    if not settle_account(line.account, agent, instrument, side, price, qty, fee):
        line.top[0]["broken"] = 1
    filled(line.gate, agent, instrument, side, qty, now)
    parent = order["parent"]
    if parent >= 0:
        work = line.parents[parent]
        if work["filled"] == 0:
            work["first_fill"] = now
        work["filled"] += qty
        work["value"] += price * qty
        work["fees"] += fee
    after = max(order["known_leaves"] - qty, 0)
    if after == 0:
        _resolve_replace(line, slot, now)
    _leaves(line, slot, after)


@merged
def _leaves(line: Line, slot: int, after: int) -> None:
    """We know new leaves of an order."""
    order = line.venue.orders[slot]
    before = order["known_leaves"]
    changed(
        line.gate, order["agent"], order["instrument"], order["side"], order["known_price"], before, after,
    )  # fmt: skip
    if order["parent"] >= 0:
        line.parents[order["parent"]]["working"] += after - before
    order["known_leaves"] = after


@merged
def _resolve_replace(line: Line, slot: int, now: int) -> None:
    """The gate takes back what it counted for a replace under way."""
    order, draft = line.venue.orders[slot], line.draft[0]
    if order["asked_qty"] == 0:
        return
    draft["now"] = now
    draft["op"] = _REPLACE
    draft["agent"] = order["agent"]
    draft["instrument"] = order["instrument"]
    draft["side"] = order["side"]
    draft["qty"] = order["asked_qty"]
    draft["price"] = order["asked_price"]
    draft["old_leaves"] = order["asked_leaves"]
    draft["old_price"] = order["known_price"]
    answered(line.gate, draft)
    order["asked_qty"] = 0
