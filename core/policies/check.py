"""What a Python policy answered, checked: intents as records, or the reason why not."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.enums import Op, OrderFlag, OrderType, Reason, TimeInForce
from core.policies.codes import MOST
from core.policies.contain import Contained
from core.policies.intent import Intent
from core.policies.port import Policy
from core.policies.reasons import ReasonBook
from core.policies.shown import View
from core.records import MAX_QTY, NO_PRICE

_FLAGS = OrderFlag.POST_ONLY | OrderFlag.REDUCE_ONLY


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a policy: `n` intents written, or none and why."""

    n: int
    reason: Reason = Reason.NONE
    detail: str = ""  #: one line for the blotter


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def ask(policy: Policy, view: View, out: NDArray[np.void], reasons: ReasonBook) -> Answer:
    """Ask a policy and write what it wants into `out`, INTENT records, shape (8,) or more.

    All or nothing: when one intent is not usable, none is sent. It is refused with POLICY_RAISED for an exception or
    an answer of the wrong kind, NOT_FINITE for a number that is not finite, BAD_QTY for a quantity that is not
    positive, too large or beyond what the parent order has left, BAD_PRICE for a price no record can hold,
    UNKNOWN_ORDER for a cancel or replace of an order that is not open, and OUT_OF_RANGE for anything else that cannot
    be and for more than 8 intents.
    """
    held = Contained()
    intents: list[Any] = []
    with held:
        given: object = policy.decide(view)
        if isinstance(given, Intent):
            intents = [given]
        elif given is not None:
            if not isinstance(given, Iterable) or isinstance(given, str | bytes):
                raise _Refused(Reason.POLICY_RAISED, f"it answered {_shown(given)}, not intents")
            intents = [one for one in islice(given, 4 * MOST) if one is not None]
        return write(intents, view, out, reasons)
    if isinstance(held.error, _Refused):
        return Answer(0, held.error.reason, held.error.detail)
    return Answer(0, Reason.POLICY_RAISED, held.words)


def write(intents: list[Any], view: View, out: NDArray[np.void], reasons: ReasonBook) -> Answer:
    """Check intents and write them; see `ask`. Used for a person's orders too."""
    held = Contained()
    with held:
        most = min(MOST, len(out))
        if len(intents) > most:
            raise _Refused(Reason.OUT_OF_RANGE, f"more than {most} intents at once")
        room = view.room
        for i, one in enumerate(intents):
            if not isinstance(one, Intent):
                raise _Refused(Reason.POLICY_RAISED, f"it answered {_shown(one)}, not an intent")
            room -= _fill(out[i], one, view, room, reasons)
        return Answer(len(intents))
    out[: min(MOST, len(out))] = np.zeros((), out.dtype)
    if isinstance(held.error, _Refused):
        return Answer(0, held.error.reason, held.error.detail)
    return Answer(0, Reason.POLICY_RAISED, held.words)


def _fill(record: np.void, one: Intent, view: View, room: int, reasons: ReasonBook) -> int:
    """Check one intent and write it; what it takes of the parent order's room."""
    op = _code(Op, one.op, "operation")
    side = _number(one.side, "side", Reason.OUT_OF_RANGE)
    if side not in (1, -1):
        raise _Refused(Reason.OUT_OF_RANGE, f"side {side}; 1 buys and -1 sells")
    qty = _number(one.qty, "quantity", Reason.BAD_QTY)
    if not 0 < qty <= MAX_QTY:
        raise _Refused(Reason.BAD_QTY, f"quantity {qty}; it must be from 1 to {MAX_QTY}")
    price, stop = _price(one.price, "price"), _price(one.stop, "stop")
    display = _number(one.display, "display", Reason.BAD_QTY)
    if not 0 <= display <= qty:
        raise _Refused(Reason.BAD_QTY, f"display {display}; it must be from 0 to the quantity, {qty}")
    flags = _number(one.flags, "flags", Reason.OUT_OF_RANGE)
    if flags & ~int(_FLAGS):
        raise _Refused(Reason.OUT_OF_RANGE, f"flags {flags}; a policy may say post only and reduce only")
    kind, tif = _code(OrderType, one.type, "order type"), _code(TimeInForce, one.tif, "time in force")
    number = _number(one.order_id, "order", Reason.UNKNOWN_ORDER) if op != Op.NEW else 0
    taken = qty
    if op != Op.NEW:
        known = next((order for order in view.orders if order.order_id == number), None)
        if known is None:
            raise _Refused(Reason.UNKNOWN_ORDER, f"order {number} is not one of its open orders")
        side, taken = known.side, qty - known.leaves if op == Op.REPLACE else 0
    if view.parent is not None and op != Op.CANCEL:
        if side != view.side:
            raise _Refused(Reason.OUT_OF_RANGE, "it trades against its own parent order")
        if taken > max(room, 0):
            raise _Refused(Reason.BAD_QTY, f"it asks for {taken}, its parent order has {max(room, 0)} left")
    record["op"], record["side"], record["qty"], record["price"] = op, side, qty, price
    record["stop"], record["display"], record["flags"] = stop, display, flags
    record["type"], record["tif"], record["order_id"] = kind, tif, number
    record["parent"] = -1 if view.parent is None else view.parent
    why: object = one.why
    record["why"] = reasons.code(why) if isinstance(why, str) else 0
    return max(taken, 0)


def _number(value: object, name: str, reason: Reason) -> int:
    """A whole number. Floats that are whole are taken: policies compute."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise _Refused(Reason.POLICY_RAISED, f"{name} {_shown(value)} is not a number")
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise _Refused(Reason.NOT_FINITE, f"{name} is {value}")
        if value != int(value):
            raise _Refused(reason, f"{name} {value:g} is not a whole number")
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise _Refused(reason, f"{name} is far out of range")
    return number


def _price(value: object, name: str) -> int:
    ticks = _number(value, name, Reason.BAD_PRICE)
    if not NO_PRICE < ticks < 2**31:
        raise _Refused(Reason.BAD_PRICE, f"{name} {ticks} is far out of range")
    return ticks


def _code(kind: Callable[[int], int], value: object, name: str) -> int:
    number = _number(value, name, Reason.OUT_OF_RANGE)
    with Contained() as held:
        return int(kind(number))
    raise _Refused(Reason.OUT_OF_RANGE, f"there is no {name} {number}") from held.error


def _shown(value: object) -> str:
    """Something foreign in a few characters."""
    return f"a {type(value).__name__[:40]}"
