"""Positions, cash, fees and profit, per agent and for the desk, in whole money units.

Rows 0 .. agents-1 are the agents, the last row is the desk, which is their sum in every column. Tick values are
even (`core.account.money`), so half a tick is a whole number of units and this holds exactly after every call:

    cash + sum(position * mark2 * tick_value / 2) == realised + unrealised - fees        (instruments with a mark)

Realised profit is before fees, by average cost: closing q of p lots takes floor(cost * q / p) out of the cost of
the position; what the division leaves stays in the cost of the lots that are still open.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.account.money import MOST_MONEY
from core.errors import ConfigError
from core.jit import inlined, kernel
from core.jit_states import state
from core.records import ABSENT, MAX_QTY, NO_PRICE

#: `mark2` of an instrument that has no mid.
NO_MARK = NO_PRICE
#: No position and no day's volume is allowed to reach this, in lots.
MOST_LOTS = 2**60
#: `unrealised`, `pnl` and `drawdown` of a row with a position that has no mark.
NO_MONEY = ABSENT


@state
class Account(NamedTuple):
    """The accounts. Money in units, quantities in lots; rows are agents, then the desk."""

    position: NDArray[np.int64]  #: lots, shape (rows, instruments)
    cost: NDArray[np.int64]  #: money paid for the open position, negative for a short, shape (rows, instruments)
    volume: NDArray[np.int64]  #: lots traded today, shape (rows, instruments)
    cash: NDArray[np.int64]  #: shape (rows,), fees included
    fees: NDArray[np.int64]
    realised: NDArray[np.int64]  #: before fees
    peak: NDArray[np.int64]  #: best P&L so far, at least 0 (the day's start)
    value: NDArray[np.int64]  #: worth of the positions that have a mark
    open_cost: NDArray[np.int64]  #: sum of `cost` over all instruments
    unmarked: NDArray[np.int64]  #: positions without a mark
    mark2: NDArray[np.int64]  #: twice the mid in ticks, NO_MARK if none, shape (instruments,)
    tick_value: NDArray[np.int64]  #: money units of one tick of one lot, even, shape (instruments,)


def new_account(agents: int, instruments: int, tick_value: NDArray[np.int64]) -> Account:
    """Empty accounts. Raises ConfigError unless each of `instruments` has a positive, even tick value."""
    values = np.array(tick_value, np.int64)
    if values.shape != (instruments,) or (values <= 0).any() or (values % 2).any():
        raise ConfigError(f"account: {instruments} positive even tick values are needed, not {values.tolist()}")
    shape = (agents + 1, instruments)

    def lots() -> NDArray[np.int64]:
        return np.zeros(shape, np.int64)

    def money() -> NDArray[np.int64]:
        return np.zeros(agents + 1, np.int64)

    return Account(
        position=lots(), cost=lots(), volume=lots(), cash=money(), fees=money(), realised=money(), peak=money(),
        value=money(), open_cost=money(), unmarked=money(),
        mark2=np.full(instruments, NO_MARK, np.int64), tick_value=values,
    )  # fmt: skip


@kernel
def share(cost: int, lots: int, of: int) -> int:
    """floor(cost * lots / of) without overflow; 0 <= lots <= of, 0 < of < 2**61, |cost| <= 2**61."""
    whole, rest = cost // of, cost % of
    if of < 2**31:
        return whole * lots + rest * lots // of
    part, left = 0, 0  # long division, bit by bit: rest * lots does not fit
    for bit in range(61, -1, -1):
        part, left = 2 * part, 2 * left
        if (lots >> bit) & 1:
            left += rest
        while left >= of:
            left -= of
            part += 1
    return whole * lots + part


@inlined
def worth(lots: int, mark2: int, tick_value: int) -> int:
    """Money units of `lots` at half of `mark2` ticks."""
    return lots * mark2 * (tick_value // 2)


@inlined
def _fits(amount: float) -> bool:
    return abs(amount) < MOST_MONEY


@inlined
def _room(account: Account, row: int, instrument: int, lots: int, money: int, fee: int, gained: int, cost: int) -> bool:
    """Whether a fill keeps every sum of a row inside its bounds."""
    held = abs(float(account.position[row, instrument]))
    mark2 = account.mark2[instrument]
    marked = 0.0 if mark2 == NO_MARK else abs(float(mark2) * float(account.tick_value[instrument] // 2))
    return (
        held + abs(lots) < MOST_LOTS
        and float(account.volume[row, instrument]) + abs(lots) < MOST_LOTS
        and _fits(abs(float(account.cash[row])) + abs(float(money)) + abs(float(fee)))
        and _fits(abs(float(account.fees[row])) + abs(float(fee)))
        and _fits(abs(float(account.realised[row])) + abs(float(gained)))
        and _fits(abs(float(account.cost[row, instrument])) + abs(float(cost)))
        and _fits(abs(float(account.open_cost[row])) + abs(float(cost)))
        and _fits(abs(float(account.value[row])) + (held + abs(lots)) * marked)
    )


@kernel
def settle(account: Account, agent: int, instrument: int, side: int, price: int, qty: int, fee: int) -> bool:
    """Book one fill: `qty` lots at `price` ticks for `fee` units (positive = paid).

    False, and nothing is changed, where the fill makes no sense (agent, instrument, side, quantity) or a sum would
    not fit: to the caller that is a broken invariant, for such an order cannot pass the gate.
    """
    desk = account.cash.shape[0] - 1
    if agent < 0 or agent >= desk or instrument < 0 or instrument >= account.mark2.shape[0]:
        return False
    if (side != 1 and side != -1) or qty <= 0 or qty > MAX_QTY or not _fits(float(fee)):
        return False
    tick_value = account.tick_value[instrument]
    if not _fits(float(price) * float(qty) * float(tick_value)):
        return False
    position = account.position[agent, instrument]
    closing = min(qty, abs(position)) if position * side < 0 else 0
    gone, gained = 0, 0
    if closing > 0:
        gone = share(account.cost[agent, instrument], closing, abs(position))
        gained = -side * price * closing * tick_value - gone
    lots, money, cost = side * qty, side * price * qty * tick_value, side * price * (qty - closing) * tick_value - gone
    for row in (agent, desk):
        if not _room(account, row, instrument, lots, money, fee, gained, cost):
            return False
    for row in (agent, desk):
        _book(account, row, instrument, lots, money, fee, gained, cost)
    _raise_peak(account, agent)
    return True


@inlined
def _book(account: Account, row: int, instrument: int, lots: int, money: int, fee: int, gained: int, cost: int) -> None:
    before = account.position[row, instrument]
    account.position[row, instrument] = before + lots
    account.volume[row, instrument] += abs(lots)
    account.cash[row] -= money + fee
    account.fees[row] += fee
    account.realised[row] += gained
    account.cost[row, instrument] += cost
    account.open_cost[row] += cost
    mark2 = account.mark2[instrument]
    if mark2 == NO_MARK:
        account.unmarked[row] += int(before + lots != 0) - int(before != 0)
    else:
        account.value[row] += worth(lots, mark2, account.tick_value[instrument])


@inlined
def _raise_peak(account: Account, row: int) -> None:
    if account.unmarked[row] == 0:
        now = account.cash[row] + account.value[row]
        account.peak[row] = max(account.peak[row], now)


@kernel
def mark(account: Account, instrument: int, mid2: int) -> bool:
    """Value positions of an instrument at half of `mid2` ticks; NO_MARK takes the mark away.

    False where a value would not fit: the instrument then has no mark. Peaks are raised here; an agent's own also by
    `settle`. The desk's is not: fills on several instruments come in no order that a second run would repeat.
    """
    old = account.mark2[instrument]
    if mid2 == old:
        for row in range(account.cash.shape[0]):
            _raise_peak(account, row)
        return True
    half = account.tick_value[instrument] // 2
    rows = account.cash.shape[0]
    fits = True
    if mid2 != NO_MARK:
        for row in range(rows):
            held = float(account.position[row, instrument])
            before = 0.0 if old == NO_MARK else float(old)
            most = abs(held) * float(half) * (abs(float(mid2)) + abs(before))
            fits = fits and _fits(abs(float(account.value[row])) + most)
        if not fits:
            mid2 = NO_MARK
    for row in range(rows):
        held = account.position[row, instrument]
        if held != 0:
            if old == NO_MARK:
                account.unmarked[row] -= 1
            else:
                account.value[row] -= held * old * half
            if mid2 == NO_MARK:
                account.unmarked[row] += 1
            else:
                account.value[row] += held * mid2 * half
    account.mark2[instrument] = mid2
    for row in range(rows):
        _raise_peak(account, row)
    return fits


@kernel
def unrealised(account: Account, row: int) -> int:
    """Profit of the open positions at their marks; NO_MONEY if one has none."""
    if account.unmarked[row] != 0:
        return NO_MONEY
    return int(account.value[row] - account.open_cost[row])


@kernel
def pnl(account: Account, row: int) -> int:
    """Profit of the day after fees: realised + unrealised - fees; NO_MONEY if a position has no mark."""
    if account.unmarked[row] != 0:
        return NO_MONEY
    return int(account.cash[row] + account.value[row])


@kernel
def drawdown(account: Account, row: int) -> int:
    """How far the P&L is below its best, at least 0; NO_MONEY if a position has no mark."""
    if account.unmarked[row] != 0:
        return NO_MONEY
    return int(account.peak[row] - account.cash[row] - account.value[row])
