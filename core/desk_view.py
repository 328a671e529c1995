"""What the trading desk shows: the second half of a snapshot. Frozen; arrays are never written after publication.

Prices are ticks, quantities lots, times ns UTC, money whole money units of `money_digits` decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.enums import AgentState

if TYPE_CHECKING:
    from core.risk.limits import LimitSet

#: How the blotter begins to say that going back replayed the session.
REPLAYED = "replayed from the start"


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent: who it is, where it stands, what it is doing and why."""

    name: str
    symbol: str
    policy: str
    signal: str  #: name of its signal model, empty if none
    state: AgentState
    position: int
    average: float  #: average price of the position in ticks, nan when flat
    realised: int
    unrealised: int
    fees: int
    drawdown: int  #: from the best P&L of the day, positive
    orders: int  #: open orders
    doing: str  #: "buy 1,200 of 5,000 left, 3:41 to go"
    why: str  #: the reason it gave last, in words
    reading: float  #: its signal's last output, nan if none
    latency_us: float  #: of its last decision: features, model and policy
    decisions: int
    denied: int


@dataclass(frozen=True, slots=True)
class RiskView:
    """One limit and how much of it is used."""

    scope: str  #: "desk", an agent's name, or a symbol
    control: str  #: the control's name
    value: float
    limit: float
    used: float  #: value / limit, nan when it cannot be said
    stage: int  #: 0 calm, 1 above 50 %, 2 above 75 %, 3 above 90 %, 4 breached
    reason: str  #: the last denial's words, empty if none


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order of ours, open or lately done."""

    order_id: int
    agent: str
    symbol: str
    side: int
    type: str
    status: str
    price: int
    qty: int
    leaves: int
    filled: int
    ahead: int  #: lots before us now, -1 where that means nothing
    ahead_entry: int
    ts_sent: int
    reason: str


@dataclass(frozen=True, slots=True)
class FillView:
    """One execution of ours."""

    ts: int
    order_id: int
    agent: str
    symbol: str
    side: int
    price: int
    qty: int
    maker: bool
    fee: int
    trust: str  #: "exact", or what it rests on


@dataclass(frozen=True, slots=True)
class NoteView:
    """One line of the blotter: anything that happened, newest last."""

    ts: int
    text: str
    alarm: bool


@dataclass(frozen=True, slots=True)
class ParentView:
    """A parent order against its schedule and its benchmarks."""

    agent: str
    symbol: str
    policy: str
    side: int
    qty: int
    filled: int
    start: int
    end: int
    limit: int | None
    arrival: float  #: mid in ticks when it started, nan before
    average: float  #: average fill price in ticks, nan without a fill
    vwap: float  #: of the market since it started, nan without a trade
    shortfall_bps: float  #: of what is filled, against arrival; nan without a fill
    planned: NDArray[np.float64]  #: fraction that should be done, at equal steps from start to end, shape (n,)
    done: NDArray[np.float64]  #: fraction that is done, nan in the future, shape (n,)


@dataclass(frozen=True, slots=True)
class KillPart:
    """One thing a kill had to do, and whether it has."""

    name: str
    done: bool
    detail: str


@dataclass(frozen=True, slots=True)
class KillView:
    """A latched kill: nothing new leaves until a person re-arms it."""

    scope: str  #: "desk", or an agent's name
    reason: str
    ts: int  #: market time of the kill
    elapsed_ms: float  #: from the key to the last acknowledgement, wall time
    open_orders: int  #: still open
    parts: tuple[KillPart, ...]


@dataclass(frozen=True, slots=True)
class DeskView:
    """Everything about our own trading."""

    session: str
    rung: str  #: "R4 latency"
    queue: str  #: which bracket fills
    money_digits: int
    currency: str
    armed: bool
    armed_until: int  #: wall monotonic ns at which arming expires, 0 = not armed
    kills: tuple[KillView, ...]  #: empty while nothing is killed
    agents: tuple[AgentView, ...]
    risks: tuple[RiskView, ...]  #: highest utilisation first
    orders: tuple[OrderView, ...]  #: open first, then the latest done
    fills: tuple[FillView, ...]  #: newest last
    fills_total: int
    notes: tuple[NoteView, ...]  #: newest last
    parents: tuple[ParentView, ...]
    realised: int
    unrealised: int
    fees: int
    open_orders: int
    diverged_lots: int  #: lots where the book with us in it no longer agrees with the tape
    own_bids: NDArray[np.int64]  #: our resting lots per ladder row, as LadderView rows, shape (rows,)
    own_asks: NDArray[np.int64]
    own_bid_ahead: NDArray[np.int64]  #: lots before our first order there
    own_ask_ahead: NDArray[np.int64]
    own_fills: NDArray[np.int64]  #: (n, 4): ns, price, signed lots, 1 if maker; newest last, for the heat map
    cut_off: tuple[str, ...] = ()  #: tapes whose venue cannot be reached now
    limits: LimitSet | None = None  #: all limits as they stand, and who changed them
    told: tuple[int, str] = (0, "")  #: answers to a person's commands so far, and the last one, in words
