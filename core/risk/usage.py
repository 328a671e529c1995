"""How much of each limit is used now, without an order: what a risk panel shows.

The controls that judge a single order, its market or its model have nothing to show between orders: for those the last
verdict says what was seen. Nothing is exempt here: a covered order may pass a breached limit, the panel shows it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.account.account import NO_MONEY, Account, drawdown, pnl
from core.records import DRAFT
from core.risk.controls import Control
from core.risk.exposure_checks import exposure
from core.risk.order_checks import money
from core.risk.rates import count, desk_row, fill_ring, row_ring
from core.risk.state import CANCELS, SENT, Gate

DESK = -1  #: `Use.agent` or `Use.instrument` where it is the whole desk's


@dataclass(frozen=True, slots=True)
class Use:
    """One limit and how much of it is used, in verdict units (money in money units)."""

    control: Control
    agent: int  #: DESK = the desk's own
    instrument: int  #: DESK = all instruments together
    value: float  #: NaN = cannot be said, which denies new risk
    limit: float  #: NaN = there is none, which denies
    stage: int  #: 0 calm, 1 from 50 %, 2 from 75 %, 3 from 90 %, 4 breached

    @property
    def used(self) -> float:
        """Part of the limit; NaN where that means nothing."""
        return self.value / self.limit if 0 < self.limit < math.inf else math.nan


def usage(gate: Gate, account: Account, now: int) -> list[Use]:
    """Every limit with a memory at market time `now`: agents first, then the desk."""
    agents, instruments = gate.missing.shape
    found = []
    for agent in range(agents):
        found += [_use(gate, control, agent, DESK, value) for control, value in _of_agent(gate, account, agent, now)]
        for instrument in range(instruments):
            held = _of_holding(gate, account, agent, instrument, now)
            found += [_use(gate, control, agent, instrument, value) for control, value in held]
    found += [_use(gate, control, DESK, DESK, value) for control, value in _of_desk(gate, account, now)]
    for instrument in range(instruments):
        held = _of_desk_holding(gate, account, instrument)
        found += [_use(gate, control, DESK, instrument, value) for control, value in held]
    return found


def _use(gate: Gate, control: Control, agent: int, instrument: int, value: float) -> Use:
    """The strictest limit of the agents and instruments it covers."""
    rows = slice(None) if agent == DESK else slice(agent, agent + 1)
    columns = slice(None) if instrument == DESK else slice(instrument, instrument + 1)
    limits = gate.thresholds[rows, columns, 0, control]
    limit = math.nan if np.isnan(limits).all() else float(np.nanmin(limits))
    if not value < limit:
        return Use(control, agent, instrument, value, limit, 4)
    return Use(control, agent, instrument, value, limit, sum(value >= limit * part for part in (0.5, 0.75, 0.9)))


def _nothing(instrument: int) -> np.void:
    """An order of no lots: what stands is what is observed."""
    draft = np.zeros(1, DRAFT)
    draft["instrument"], draft["side"] = instrument, 1
    return draft[0]  # type: ignore[no-any-return]


def _profit(account: Account, row: int) -> tuple[float, float]:
    """Loss of the day and drawdown."""
    profit, fall = pnl(account, row), drawdown(account, row)
    loss = math.nan if profit == NO_MONEY else float(max(0, -profit))
    return loss, math.nan if fall == NO_MONEY else float(fall)


def _of_agent(gate: Gate, account: Account, agent: int, now: int) -> Iterator[tuple[Control, float]]:
    gross, net, _ = exposure(gate, account, agent, _nothing(0))
    loss, fall = _profit(account, agent)
    row = gate.rows[agent]
    yield Control.GROSS_NOTIONAL, money(gross)
    yield Control.NET_NOTIONAL, money(net)
    yield Control.BUYING_POWER, money(gross) + loss
    yield Control.DAY_LOSS, loss
    yield Control.DRAWDOWN, fall
    yield Control.OPEN_ORDERS, float(row["open_orders"])
    yield Control.OPEN_VALUE, float(row["open_value"])
    yield Control.ORDER_TO_TRADE, float(row["messages"] / max(1, row["fills"]))
    yield Control.MESSAGE_RATE, float(count(gate, row_ring(gate, SENT, agent), now))
    yield Control.CANCEL_RATE, float(count(gate, row_ring(gate, CANCELS, agent), now))
    yield Control.CONSECUTIVE_REJECTS, float(row["rejects"])


def _of_holding(gate: Gate, account: Account, agent: int, instrument: int, now: int) -> Iterator[tuple[Control, float]]:
    yield Control.POSITION, _worst(gate, account, agent, instrument)
    yield Control.DAY_VOLUME, float(account.volume[agent, instrument] + gate.working[agent, instrument].sum())
    fills = [count(gate, fill_ring(gate, agent, instrument, side), now) for side in (1, -1)]
    yield Control.REPEATED_EXECUTION, float(max(fills))


def _of_desk(gate: Gate, account: Account, now: int) -> Iterator[tuple[Control, float]]:
    desk = desk_row(gate)
    gross, net, _ = exposure(gate, account, desk, _nothing(0))
    loss, fall = _profit(account, desk)
    yield Control.DESK_GROSS_NOTIONAL, money(gross)
    yield Control.DESK_NET_NOTIONAL, money(net)
    yield Control.DESK_DAY_LOSS, loss
    yield Control.DESK_DRAWDOWN, fall
    yield Control.DESK_OPEN_ORDERS, float(gate.rows[desk]["open_orders"])
    yield Control.DESK_OPEN_VALUE, float(gate.rows[desk]["open_value"])
    yield Control.DESK_MESSAGE_RATE, float(count(gate, row_ring(gate, SENT, desk), now))


def _of_desk_holding(gate: Gate, account: Account, instrument: int) -> Iterator[tuple[Control, float]]:
    desk = desk_row(gate)
    gross, _, own = exposure(gate, account, desk, _nothing(instrument))
    yield Control.DESK_POSITION, _worst(gate, account, desk, instrument)
    yield Control.INSTRUMENT_NOTIONAL, money(own)
    whole, part = money(gross), money(own)
    yield Control.CONCENTRATION, part / whole if whole > 0 and whole < math.inf else (0.0 if whole == 0 else math.nan)
    yield Control.DESK_DAY_VOLUME, float(account.volume[desk, instrument] + gate.working[desk, instrument].sum())


def _worst(gate: Gate, account: Account, row: int, instrument: int) -> float:
    """Lots of the worst side of a position with what works."""
    held, (buys, sells) = int(account.position[row, instrument]), gate.working[row, instrument].tolist()
    return float(max(held + buys, sells - held, 0))
