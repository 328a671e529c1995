"""An agent's open orders: a list through the pool, oldest first."""

import numpy as np

from core.enums import OrderStatus
from core.jit import merged
from core.line.state import Line

_SENT = int(OrderStatus.SENT)


@merged
def find_order(line: Line, agent: int, order_id: int) -> int:
    """Slot of an agent's open order, -1 if it has no such order. Agent -1 looks through all."""
    if agent >= 0:
        slot = np.int64(line.agents[agent]["open_head"])
        while slot >= 0:
            if line.venue.orders[slot]["order_id"] == order_id:
                return slot
            slot = np.int64(line.venue.orders[slot]["mine_next"])
        return -1
    for slot in range(line.venue.orders.shape[0]):
        if line.venue.orders[slot]["order_id"] == order_id and line.venue.orders[slot]["status"] != 0:
            return slot
    return -1


@merged
def own(line: Line, agent: int, slot: int) -> None:
    """Append an order to its agent's open ones."""
    who, order = line.agents[agent], line.venue.orders[slot]
    order["mine_next"] = -1
    order["mine_prev"] = who["open_tail"]
    if who["open_tail"] >= 0:
        line.venue.orders[who["open_tail"]]["mine_next"] = slot
    else:
        who["open_head"] = slot
    who["open_tail"] = slot
    who["n_open"] += 1


@merged
def disown(line: Line, slot: int) -> None:
    """An order is over: it is no longer among its agent's open ones."""
    order = line.venue.orders[slot]
    who = line.agents[order["agent"]]
    before, behind = order["mine_prev"], order["mine_next"]
    if before >= 0:
        line.venue.orders[before]["mine_next"] = behind
    else:
        who["open_head"] = behind
    if behind >= 0:
        line.venue.orders[behind]["mine_prev"] = before
    else:
        who["open_tail"] = before
    who["n_open"] -= 1


@merged
def waiting(line: Line, agent: int, now: int) -> int:
    """How long (ns) an agent's oldest order has been without an answer of the venue, 0 if none is."""
    slot = np.int64(line.agents[agent]["open_head"])
    while slot >= 0:
        order = line.venue.orders[slot]
        if order["known_status"] == _SENT:
            return max(now - order["ts_sent"], 0)
        slot = np.int64(order["mine_next"])
    return 0
