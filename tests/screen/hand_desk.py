"""A small desk written by hand, on the small market of `hand`."""

from dataclasses import replace
from typing import Any

import numpy as np
from hand import OPEN, SECOND, market

from core.desk_view import (
    AgentView,
    DeskView,
    FillView,
    KillPart,
    KillView,
    NoteView,
    OrderView,
    ParentView,
    RiskView,
)
from core.enums import AgentState
from core.snapshot import Snapshot

AGENT = AgentView(
    name="mm-01", symbol="ESM4", policy="quotes", signal="fair", state=AgentState.RUNNING, position=-3, average=99.5,
    realised=120_000, unrealised=-4_550, fees=1_000, drawdown=2_000, orders=2, doing="quotes both sides",
    why="spread is wide", reading=0.41, latency_us=8.4, decisions=12, denied=1,
)  # fmt: skip
ORDER = OrderView(
    8841, "mm-01", "ESM4", 1, "LIMIT", "WORKING", 97, 8, 5, 3, 142, 410, OPEN + 16 * SECOND, "requote"
)  # fmt: skip
FILL = FillView(OPEN + 58 * SECOND, 8841, "mm-01", "ESM4", 1, 97, 3, True, -120, "exact")
RISK = RiskView("desk", "order rate 1s", 412.0, 500.0, 0.824, 2, "")
PARENT = ParentView(
    "mm-01", "ESM4", "twap", 1, 200, 50, OPEN, OPEN + 120 * SECOND, 105, 100.0, 100.5, 101.0, 2.5,
    np.linspace(0, 1, 5), np.array([0, 0.25, np.nan, np.nan, np.nan]),
)  # fmt: skip
KILL = KillView("desk", "KILL key", OPEN + 59 * SECOND, 12.0, 0, (KillPart("gate", True, "denies all"),))


def view(**changes: Any) -> DeskView:
    """Two own bids: 5 lots at 97 behind 142, 2 at 99 with nothing said about the queue; one own fill."""
    bids, ahead = np.zeros(10, np.int64), np.full(10, -1, np.int64)
    bids[1], bids[3], ahead[1] = 5, 2, 142
    none = np.zeros(10, np.int64)
    desk = DeskView(
        session="morning", rung="R4 latency", queue="conserving", money_digits=2, currency="USD", armed=False,
        armed_until=0, kills=(), agents=(AGENT,), risks=(RISK,), orders=(ORDER,), fills=(FILL,), fills_total=1,
        notes=(NoteView(OPEN, "session started", False),), parents=(PARENT,), realised=120_000, unrealised=-4_550,
        fees=1_000, open_orders=1, diverged_lots=0, own_bids=bids, own_asks=none, own_bid_ahead=ahead,
        own_ask_ahead=np.full(10, -1, np.int64), own_fills=np.array([[OPEN + 58 * SECOND, 97, 3, 1]], np.int64),
    )  # fmt: skip
    return replace(desk, **changes)


def trading(**changes: Any) -> Snapshot:
    """The small market with the small desk; `changes` replace fields of the desk."""
    return market(desk=view(**changes))
