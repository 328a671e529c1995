"""A small market written by hand, to check rows of panels against what one can work out on paper."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from app.config import DeckConfig
from app.deck.board import Board
from core.enums import Status
from core.instrument import Instrument
from core.records import NO_PRICE, PRINT
from core.snapshot import HistoryView, LadderView, Mode, Snapshot, State

SECOND = 10**9
OPEN = 1_717_421_400 * SECOND  #: 2024-06-03 09:30:00 in New York
FUTURE = Instrument("ESM4", "XCME", "2024-06-03", Decimal("0.25"), Decimal("1"), "America/New_York")


def board(**config: Any) -> Board:
    """A board for the future."""
    return Board(FUTURE, "es", DeckConfig(**config))


def prints(*rows: tuple[float, int, int, int]) -> np.ndarray[Any, np.dtype[np.void]]:
    """Prints from (seconds after the open, price in ticks, lots, aggressor)."""
    records = np.zeros(len(rows), PRINT)
    for number, (seconds, price, qty, side) in enumerate(rows):
        records[number] = (OPEN + int(seconds * SECOND), number, qty, price, side, 0, 0)
    return records


def ladder(low: int = 96, group: int = 1) -> LadderView:
    """Bids at 97 to 99, asks at 101 to 103, ticks 96 to 105."""
    return LadderView(
        group=group,
        low=low,
        bids=np.array([0, 20, 40, 10, 0, 0, 0, 0, 0, 0], np.int64),
        asks=np.array([0, 0, 0, 0, 0, 30, 5, 40, 0, 0], np.int64),
        sold=np.array([0, 0, 6, 12, 0, 0, 0, 0, 0, 0], np.int64),
        bought=np.array([0, 0, 2, 0, 0, 4, 0, 0, 0, 0], np.int64),
        bid_orders=np.array([0, 2, 3, 1, 0, 0, 0, 0, 0, 0], np.int32),
        ask_orders=np.array([0, 0, 0, 0, 0, 2, 1, 4, 0, 0], np.int32),
    )


def history(columns: int = 6, step: int = SECOND) -> HistoryView:
    """The ladder's book in every column, one bought print in the last."""
    view = ladder()
    none = np.full(columns, NO_PRICE, np.int64)
    trade_row, trade_qty = none.copy(), np.zeros(columns, np.int64)
    trade_row[-1], trade_qty[-1] = 101, 4
    return HistoryView(
        step=step,
        group=1,
        end=OPEN + 60 * SECOND,
        low=np.full(columns, 96, np.int64),
        bids=np.tile(view.bids.astype(np.float32), (columns, 1)),
        asks=np.tile(view.asks.astype(np.float32), (columns, 1)),
        best_bid=np.full(columns, 99, np.int64),
        best_ask=np.full(columns, 101, np.int64),
        bought=np.array([0] * (columns - 1) + [4], np.int64),
        sold=np.array([10] + [0] * (columns - 1), np.int64),
        trade_row=trade_row,
        trade_qty=trade_qty,
    )


def market(**changes: Any) -> Snapshot:
    """The small market; `changes` replace fields."""
    snapshot = Snapshot(
        sequence=1, mode=Mode.REPLAY, state=State.PAUSED, failure="", index=500, messages=2_000,
        clock=OPEN + 59 * SECOND + 123_456_789, first_ts=OPEN, last_ts=OPEN + 23_400 * SECOND, speed=8.0,
        achieved=0.0, rate=0.0, status=int(Status.TRADING), best_bid=99, best_ask=101, bid_qty=10, ask_qty=30,
        last_price=101, last_qty=4, last_side=1, volume=24, orders=13, ladder=ladder(), history=history(),
        prints=prints((1, 99, 12, -1), (2, 98, 6, -1), (2.5, 98, 2, 1), (58.9, 101, 4, 1)), prints_total=4,
        mark_in=None, mark_out=None, anomalies=(), loop_ms=0.4,
    )  # fmt: skip
    return replace(snapshot, **changes)
