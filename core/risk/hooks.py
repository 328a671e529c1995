"""What the line tells the gate: orders sent, answered, filled, cancelled; whose orders rest where; who may go on.

One order in the gate's books, from `sent` until its known leaves are 0:

    sent(NEW)                      counts its lots and money at once
    changed(before, after)         its known leaves changed: a fill, a cancel, a reject of the order (after = 0)
    sent(REPLACE)                  counts what the new order is larger, so that old and new count, whichever is more
    answered(the same draft)       the venue answered: takes that back; then `changed` says what became of it, twice
                                   if its price moved: (old price, leaves, 0) and (new price, 0, new leaves)
"""

import numpy as np

from core.account.money import notional
from core.enums import Op, Side
from core.jit import inlined, kernel
from core.risk.controls import Control
from core.risk.rates import count, desk_row, fill_ring, push, remember, row_ring
from core.risk.state import ASKED, CANCELS, SENT, Gate

_REPLACE, _BID = int(Op.REPLACE), int(Side.BID)


@inlined
def _count_message(gate: Gate, agent: int, now: int) -> None:
    desk = desk_row(gate)
    push(gate, row_ring(gate, SENT, agent), now)
    push(gate, row_ring(gate, SENT, desk), now)
    gate.rows[agent]["messages"] += 1
    gate.rows[desk]["messages"] += 1


@inlined
def _count_working(gate: Gate, agent: int, instrument: int, side: int, lots: int, value: int) -> None:
    desk = desk_row(gate)
    place = 0 if side == _BID else 1
    gate.working[agent, instrument, place] += lots
    gate.working[desk, instrument, place] += lots
    gate.rows[agent]["open_value"] += value
    gate.rows[desk]["open_value"] += value


@inlined
def _count_orders(gate: Gate, agent: int, more: int) -> None:
    desk = desk_row(gate)
    gate.rows[agent]["open_orders"] += more
    gate.rows[desk]["open_orders"] += more


@inlined
def _count_larger(gate: Gate, draft: np.void, sign: int) -> None:
    """What a replace in flight counts on top of the order it replaces."""
    lots = max(0, draft["qty"] - draft["old_leaves"])
    tick_value = gate.tick_value[draft["instrument"]]
    new = notional(draft["price"], draft["qty"], tick_value)
    value = max(0, new - notional(draft["old_price"], draft["old_leaves"], tick_value))
    _count_working(gate, draft["agent"], draft["instrument"], draft["side"], sign * lots, sign * value)


@kernel
def sent(gate: Gate, draft: np.void) -> None:
    """A draft that `check` let go has been sent: it counts from this moment, whatever the venue will say."""
    agent = draft["agent"]
    _count_message(gate, agent, draft["now"])
    if draft["op"] == _REPLACE:
        push(gate, row_ring(gate, CANCELS, agent), draft["now"])
        _count_larger(gate, draft, 1)
    else:
        remember(gate, draft)
        value = notional(draft["price"], draft["qty"], gate.tick_value[draft["instrument"]])
        _count_working(gate, agent, draft["instrument"], draft["side"], draft["qty"], value)
        _count_orders(gate, agent, 1)


@kernel
def answered(gate: Gate, draft: np.void) -> None:
    """The venue answered a replace, yes or no; `draft` is the one that was sent. Tell the outcome with `changed`."""
    _count_larger(gate, draft, -1)


@kernel
def changed(gate: Gate, agent: int, instrument: int, side: int, price: int, before: int, after: int) -> None:
    """The known leaves at `price` of one order went from `before` to `after` lots."""
    tick_value = gate.tick_value[instrument]
    value = notional(price, after, tick_value) - notional(price, before, tick_value)
    _count_working(gate, agent, instrument, side, after - before, value)
    _count_orders(gate, agent, (1 if after > 0 else 0) - (1 if before > 0 else 0))


@kernel
def cancelled(gate: Gate, agent: int, now: int) -> None:
    """A cancel has been sent. Cancels are never denied, but they count, and too many halt the agent."""
    asked = row_ring(gate, ASKED, agent)
    push(gate, asked, now)
    push(gate, row_ring(gate, CANCELS, agent), now)
    _count_message(gate, agent, now)
    if float(count(gate, asked, now)) >= _least(gate, agent, Control.MESSAGE_HALT):
        gate.rows[agent]["halted"] = 1


@inlined
def _least(gate: Gate, agent: int, control: int) -> float:
    """The strictest limit of an agent over the instruments; NaN does not count, for it lets nothing out at all."""
    least = np.inf
    for instrument in range(gate.missing.shape[1]):
        limit = gate.thresholds[agent, instrument, 0, control]
        if limit < least:
            least = limit
    return float(least)


@kernel
def filled(gate: Gate, agent: int, instrument: int, side: int, qty: int, now: int) -> None:
    """An agent's order traded `qty` lots. Fills one after another on one side disable the agent until `enable`."""
    desk = desk_row(gate)
    ring = fill_ring(gate, agent, instrument, side)
    if qty > 0:
        push(gate, ring, now)
        gate.rows[agent]["fills"] += 1
        gate.rows[desk]["fills"] += 1
        gate.rows[agent]["rejects"] = 0
        if float(count(gate, ring, now)) >= gate.thresholds[agent, instrument, 0, Control.REPEATED_EXECUTION]:
            gate.rows[agent]["halted"] = 1


@kernel
def accepted(gate: Gate, agent: int) -> None:
    """The venue took an order or a replace: rejects in a row start again."""
    gate.rows[agent]["rejects"] = 0


@kernel
def rejected(gate: Gate, agent: int) -> None:
    """The venue refused an order or a replace of the agent."""
    gate.rows[agent]["rejects"] += 1


@kernel
def enable(gate: Gate, agent: int) -> None:
    """A person lets a halted agent go on: its halt, its rejects in a row, and what was counted towards a halt go."""
    gate.rows[agent]["halted"] = 0
    gate.rows[agent]["rejects"] = 0
    gate.rings[row_ring(gate, ASKED, agent)]["count"] = 0
    first = fill_ring(gate, agent, 0, _BID)
    for ring in range(first, first + 2 * gate.missing.shape[1]):
        gate.rings[ring]["count"] = 0


@kernel
def own_touch(gate: Gate, instrument: int, best_own_bid: int, best_own_ask: int) -> None:
    """Best prices (ticks) of the desk's open orders in an instrument; EMPTY_BID, EMPTY_ASK if none."""
    gate.own_touch[instrument, 0] = best_own_bid
    gate.own_touch[instrument, 1] = best_own_ask
