"""Our connection to a venue: lost and back again as the session's plan has it.

While it is lost nothing reaches the venue, and what it says reaches us only afterwards (also
`core.venue.reports.note`). The venue cancels at once what it has of us; what is under way to it, or sent meanwhile, is
lost for good.
"""

from core.enums import EventKind, Op, OrderStatus, OrderType, Reason
from core.jit import inlined, inner, kernel
from core.venue.match import close
from core.venue.orders import is_live
from core.venue.reports import event, note
from core.venue.state import Venue

_NEW, _REPLACE = int(Op.NEW), int(Op.REPLACE)
_SENT, _WORKING = int(OrderStatus.SENT), int(OrderStatus.WORKING)
_CANCELED, _REJECTED = int(OrderStatus.CANCELED), int(OrderStatus.REJECTED)
_CANCEL_REJECT, _DISCONNECTED = int(EventKind.CANCEL_REJECT), int(Reason.DISCONNECTED)
_PEG_TOUCH = int(OrderType.PEG_TOUCH)
_NEVER = 2**62


@kernel
def is_down(venue: Venue) -> bool:
    """Whether the connection is lost now: the next thing that happens to it is that it comes back."""
    top = venue.top[0]
    return bool(top["outage"] > 0 and top["link_ts"] == top["down_until"])


@inner
def lose(venue: Venue, ts: int) -> int:
    """The connection is lost. How many orders the venue cancels."""
    count, top = 0, venue.top[0]
    top["down_until"] = venue.outages[top["outage"], 1]
    top["link_ts"] = top["down_until"]
    top["outage"] += 1
    for place in range(top["requests"]):
        if venue.requests[place]["sent"] < top["down_until"]:  # our clock is ahead of the market's
            venue.requests[place]["lost"] = 1
    for place in range(top["note_head"], top["note_tail"]):
        said = venue.notes[place % venue.notes.shape[0]]
        said["ts"] = max(said["ts"], top["down_until"])
    for slot in range(venue.orders.shape[0]):
        if is_live(venue.orders[slot]["status"]):
            close(venue, slot, ts, _CANCELED, _DISCONNECTED)
            count += 1
    return count


@inlined
def regain(venue: Venue) -> None:
    """The connection is back until the next outage; after the session's end there is none."""
    top = venue.top[0]
    top["link_ts"] = _NEVER if top["ended"] != 0 else venue.outages[top["outage"], 0]


@inner
def drop(venue: Venue, op: int, slot: int, order_id: int, qty: int, price: int, ts: int) -> None:
    """A request does not arrive: said as soon as we are connected again."""
    order = venue.orders[slot]
    if order["order_id"] != order_id or order["status"] == 0:
        return
    if op == _NEW:
        if order["status"] == _SENT:  # not called back meanwhile
            venue.top[0]["working"] += 1
            order["status"] = _WORKING
            order["node"] = -1
            if order["type"] >= _PEG_TOUCH:
                venue.top[0]["pegs"] += 1
            close(venue, slot, ts, _REJECTED, _DISCONNECTED)
        return
    event(venue, slot, ts, _CANCEL_REJECT, _DISCONNECTED, qty, price, 0)
    if op == _REPLACE:
        note(venue, slot, ts, _CANCEL_REJECT, _DISCONNECTED, 0, order["price"], 0, 0)
