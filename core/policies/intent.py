"""What a Python policy wants done, before anybody has checked it."""

from dataclasses import dataclass

from core.enums import Op, OrderFlag, OrderType, TimeInForce

_NO_FLAGS = OrderFlag(0)


@dataclass(frozen=True, slots=True)
class Intent:
    """One wish. Made by the methods of `View`; nothing here has been checked yet."""

    op: Op
    side: int = 0
    qty: int = 0  #: lots; in REPLACE the new leaves
    price: int = 0  #: ticks: limit, collar, bound of a peg
    type: OrderType = OrderType.LIMIT
    tif: TimeInForce = TimeInForce.DAY
    flags: OrderFlag = _NO_FLAGS
    stop: int = 0  #: ticks: trigger of a stop, offset of a peg
    display: int = 0  #: lots shown at a time, 0 = all
    order_id: int = 0  #: the order to cancel or replace
    why: str = ""  #: in words, for the screen and the journal


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An open order of the agent's own, as it knows it."""

    order_id: int
    side: int
    leaves: int  #: lots
    price: int  #: ticks
    type: OrderType
    tif: TimeInForce
    ahead: int | None  #: lots before it, None where the venue does not tell
    ts_sent: int  #: ns UTC
    parent: int | None
    closing: bool  #: a cancel is on its way
