"""What the gate sees on positions with working orders, on money, and on rates."""

import numpy as np
from numpy.typing import NDArray

from core.account.account import NO_MARK, NO_MONEY, Account, drawdown, pnl
from core.account.money import MOST_MONEY, notional
from core.enums import Op, OrderFlag, Side
from core.jit import inlined
from core.risk.controls import Control
from core.risk.order_checks import money
from core.risk.rates import count, desk_row, fill_ring, push, row_ring
from core.risk.state import ASKED, CANCELS, SENT, Gate

_NEW, _REPLACE = int(Op.NEW), int(Op.REPLACE)
_BID = int(Side.BID)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_UNKNOWN = -1  # money that cannot be said, see `money`


@inlined
def adds(draft: np.void) -> int:
    """Lots by which the draft changes what works on its side: a replace can take away."""
    return int(draft["qty"] - draft["old_leaves"])


@inlined
def worst_side(gate: Gate, account: Account, row: int, draft: np.void) -> int:
    """Lots of a row's position after, if all that works on the draft's side trades; negative: on the other side."""
    instrument, side = draft["instrument"], draft["side"]
    working = gate.working[row, instrument, 0 if side == _BID else 1]
    return int(side * account.position[row, instrument] + working + adds(draft))


@inlined
def covered(gate: Gate, account: Account, row: int, draft: np.void) -> bool:
    """Whether the draft can only shrink a row's position."""
    return bool(
        account.position[row, draft["instrument"]] * draft["side"] < 0 and worst_side(gate, account, row, draft) <= 0
    )


@inlined
def exposure(gate: Gate, account: Account, row: int, draft: np.void) -> tuple[int, int, int]:
    """Gross and net notional of a row after, and that of the draft's instrument alone; see `money` for the codes."""
    gross, longs, shorts, own = 0, 0, 0, 0
    known = True
    for instrument in range(account.mark2.shape[0]):
        position = account.position[row, instrument]
        high = position + gate.working[row, instrument, 0]
        low = position - gate.working[row, instrument, 1]
        if instrument == draft["instrument"]:
            if draft["side"] == _BID:
                high += adds(draft)
            else:
                low -= adds(draft)
        lots = max(abs(high), abs(low))
        if lots == 0:
            continue
        mark2 = account.mark2[instrument]
        half = account.tick_value[instrument] // 2
        worth = _UNKNOWN if mark2 == NO_MARK else notional(mark2, lots, half)
        if instrument == draft["instrument"]:
            own = worth
        if worth == _UNKNOWN:
            known = False
        else:
            gross = min(gross + worth, MOST_MONEY)
            if gross < MOST_MONEY:  # else the products below may not fit
                longs += high * mark2 * half
                shorts += low * mark2 * half
    if not known:
        return _UNKNOWN, _UNKNOWN, own
    return gross, MOST_MONEY if gross >= MOST_MONEY else max(abs(longs), abs(shorts)), own


@inlined
def loss(amount: int) -> float:
    """A loss from a P&L, at least 0; NaN where it is not known."""
    return np.nan if amount == NO_MONEY else float(max(0, -amount))


@inlined
def observe_agent(gate: Gate, account: Account, draft: np.void, out: NDArray[np.float64]) -> None:
    """The agent's position, money and losses."""
    row = draft["agent"]
    shrinks = covered(gate, account, row, draft)
    gross, net, _ = exposure(gate, account, row, draft)
    profit = pnl(account, row)
    tied = loss(profit)
    out[Control.REDUCE_ONLY] = 1.0 if (draft["flags"] & _REDUCE_ONLY) != 0 and not shrinks else 0.0
    out[Control.POSITION] = float(max(0, worst_side(gate, account, row, draft)))
    out[Control.GROSS_NOTIONAL] = 0.0 if shrinks else money(gross)
    out[Control.NET_NOTIONAL] = 0.0 if shrinks else money(net)
    out[Control.BUYING_POWER] = 0.0 if shrinks else money(gross) + tied
    out[Control.DAY_LOSS] = 0.0 if shrinks else tied
    fall = drawdown(account, row)
    out[Control.DRAWDOWN] = 0.0 if shrinks else (np.nan if fall == NO_MONEY else float(fall))


@inlined
def observe_desk(gate: Gate, account: Account, draft: np.void, out: NDArray[np.float64]) -> None:
    """The desk's position, money and losses."""
    desk = desk_row(gate)
    shrinks = covered(gate, account, desk, draft)
    gross, net, own = exposure(gate, account, desk, draft)
    out[Control.DESK_POSITION] = float(max(0, worst_side(gate, account, desk, draft)))
    out[Control.DESK_GROSS_NOTIONAL] = 0.0 if shrinks else money(gross)
    out[Control.DESK_NET_NOTIONAL] = 0.0 if shrinks else money(net)
    out[Control.INSTRUMENT_NOTIONAL] = 0.0 if shrinks else money(own)
    if shrinks or own == 0:
        out[Control.CONCENTRATION] = 0.0
    elif gross == _UNKNOWN or gross >= MOST_MONEY:
        out[Control.CONCENTRATION] = np.nan
    else:
        out[Control.CONCENTRATION] = float(own) / float(gross)
    safe = covered(gate, account, draft["agent"], draft)
    out[Control.DESK_DAY_LOSS] = 0.0 if safe else loss(pnl(account, desk))
    fall = drawdown(account, desk)
    out[Control.DESK_DRAWDOWN] = 0.0 if safe else (np.nan if fall == NO_MONEY else float(fall))


@inlined
def _open_value(gate: Gate, row: int, draft: np.void, tick_value: int) -> float:
    new = notional(draft["price"], draft["qty"], tick_value)
    old = notional(draft["old_price"], draft["old_leaves"], tick_value)
    if new >= MOST_MONEY:
        return np.inf
    return money(max(0, gate.rows[row]["open_value"] + new - old))


@inlined
def observe_open(gate: Gate, account: Account, draft: np.void, out: NDArray[np.float64]) -> None:
    """Open orders and the day's volume, of the agent and of the desk."""
    agent, desk, instrument = draft["agent"], desk_row(gate), draft["instrument"]
    more = 1 if draft["op"] == _NEW else 0
    tick_value = account.tick_value[instrument]
    out[Control.OPEN_ORDERS] = float(gate.rows[agent]["open_orders"] + more)
    out[Control.DESK_OPEN_ORDERS] = float(gate.rows[desk]["open_orders"] + more)
    out[Control.OPEN_VALUE] = _open_value(gate, agent, draft, tick_value)
    out[Control.DESK_OPEN_VALUE] = _open_value(gate, desk, draft, tick_value)
    working = gate.working[agent, instrument, 0] + gate.working[agent, instrument, 1]
    out[Control.DAY_VOLUME] = float(account.volume[agent, instrument] + working + adds(draft))
    working = gate.working[desk, instrument, 0] + gate.working[desk, instrument, 1]
    out[Control.DESK_DAY_VOLUME] = float(account.volume[desk, instrument] + working + adds(draft))


@inlined
def observe_rates(gate: Gate, draft: np.void, out: NDArray[np.float64]) -> None:
    """Messages, fills and rejects; asking is itself counted, and asking too fast halts the agent."""
    agent, desk, now = draft["agent"], desk_row(gate), draft["now"]
    row = gate.rows[agent]
    asked = row_ring(gate, ASKED, agent)
    push(gate, asked, now)
    out[Control.MESSAGE_HALT] = float(count(gate, asked, now))
    out[Control.MESSAGE_RATE] = float(count(gate, row_ring(gate, SENT, agent), now) + 1)
    out[Control.DESK_MESSAGE_RATE] = float(count(gate, row_ring(gate, SENT, desk), now) + 1)
    replaces = 1 if draft["op"] == _REPLACE else 0
    out[Control.CANCEL_RATE] = float(count(gate, row_ring(gate, CANCELS, agent), now) + replaces)
    fills = fill_ring(gate, agent, draft["instrument"], draft["side"])
    out[Control.REPEATED_EXECUTION] = float(count(gate, fills, now))
    out[Control.ORDER_TO_TRADE] = (row["messages"] + 1) / max(1, row["fills"])
    out[Control.CONSECUTIVE_REJECTS] = float(row["rejects"])
