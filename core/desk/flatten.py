"""Close positions: as many collared market orders as the limits of a single one ask for."""

import math
from dataclasses import dataclass

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.desk.acts import CUT_OFF, Done, agents_of, cancel_everything, note, send
from core.desk.desk import Desk
from core.enums import OperatorAct, OrderFlag, OrderType, Reason, TimeInForce
from core.line.state import Line
from core.records import NO_PRICE
from core.risk.controls import Control
from core.transport import Ticket
from core.venue.connection import is_down
from core.venue.ledger import market_best

#: Ticks past the opposite touch that flattening may pay, and the same as a multiple of the spread.
_COLLAR, _SPREADS = 20, 4
#: Orders for one position, and how often it is tried with smaller ones.
_MOST_ORDERS, _MOST_DENIED = 1_000, 8


@dataclass(slots=True)
class _Closing:
    """What came of one position."""

    orders: int = 0  #: that the gate let out
    denied: int = 0
    left: int = 0  #: lots no order was sent for
    priceless: bool = False


def flatten(desk: Desk, agent: int) -> Done:
    """Cancel, then close every position with collared market orders, through the gate like any other.

    A position above what one order may be is closed with several. What no order was let out for is said.
    """
    cancel_everything(desk, agent, Reason.FLATTEN)
    sent, refused = 0, list[str]()
    for k in agents_of(desk, agent):
        place = int(desk.lines[0].agents[k]["instrument"])
        held = int(desk.account.position[k, place])
        if held and is_down(desk.lines[place].venue):
            refused.append(f"{CUT_OFF}: {abs(held)} lots of {desk.agents[k].name} are left")
        elif held:
            found = _close(desk, k, place)
            sent += found.orders
            if found.left:
                why = "there is no market" if found.priceless else f"{found.denied} denied"
                refused.append(f"{why}: {found.left} lots of {desk.agents[k].name} are left")
    note(desk, OperatorAct.FLATTEN, agent, sent)
    return Done(OperatorAct.FLATTEN, agent, sent, 0, 0.0, refused="; ".join(refused))


def _close(desk: Desk, k: int, place: int) -> _Closing:
    held = int(desk.account.position[k, place])
    found, side, most = _Closing(left=abs(held)), -1 if held > 0 else 1, abs(held)
    flags = OrderFlag.OPERATOR | OrderFlag.REDUCE_ONLY
    while found.left and found.orders < _MOST_ORDERS and found.denied < _MOST_DENIED:
        worst = collar(desk.lines[place], side)
        if worst == NO_PRICE:
            found.priceless = True
            break
        size = max(1, min(found.left, most, _most_lots(desk, k, place, worst)))
        before = int(desk.lines[place].agents[k]["denied"])
        send(desk, desk.lines[place], k, Ticket(place, side, size, worst, OrderType.MARKET, TimeInForce.IOC, flags))
        if int(desk.lines[place].agents[k]["denied"]) == before:
            found.orders += 1
            found.left -= size
            continue
        found.denied += 1
        most = _most_shown(desk, k, place)
        if not 0 < most < size:  # its size is not what the gate minds
            break
    return found


def _most_lots(desk: Desk, k: int, place: int, worst: int) -> int:
    """How many lots one order may have: fewer than the limit, and worth less than the limit."""
    limits, line = desk.gate.thresholds[k, place, 0], desk.lines[place]
    touches, shift = [int(market_best(line.book, line.venue, side)) for side in (0, 1)], int(line.venue.top[0]["shift"])
    prices = [abs(price + shift) for price in touches if price not in (EMPTY_BID, EMPTY_ASK)]
    lot = max(1, abs(worst), *prices) * int(desk.gate.tick_value[place])
    return min(_below(limits[Control.ORDER_QTY]), _below(limits[Control.ORDER_NOTIONAL] / lot))


def _most_shown(desk: Desk, k: int, place: int) -> int:
    """How many lots one order may have by what the gate just saw of the market."""
    limits, market = desk.gate.thresholds[k, place, 0], desk.lines[place].market[0]
    shown, traded = max(1, int(market["depth"])), max(1, int(market["volume"]))
    return min(_below(limits[Control.DEPTH_SHARE] * shown), _below(limits[Control.VOLUME_SHARE] * traded))


def _below(limit: float) -> int:
    """The largest whole number that is less; 0 for a limit that nobody set."""
    if math.isnan(limit):
        return 0
    return math.ceil(min(limit, 2.0**45)) - 1


def collar(line: Line, side: int) -> int:
    """Worst price for closing a position now, our ticks; NO_PRICE while there is nothing to trade with."""
    bid, ask = int(market_best(line.book, line.venue, 0)), int(market_best(line.book, line.venue, 1))
    touch = ask if side > 0 else bid
    if touch in (EMPTY_BID, EMPTY_ASK):
        return NO_PRICE
    spread = ask - bid if bid != EMPTY_BID and ask != EMPTY_ASK else 1
    return int(touch + side * max(_COLLAR, _SPREADS * spread) + line.venue.top[0]["shift"])
