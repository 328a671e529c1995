"""What a screen sees before there is an engine, and after it failed."""

import numpy as np

from core.records import PRINT
from core.snapshot import HistoryView, LadderView, Mode, Snapshot, State
from core.tape.folder import TapeMeta


def blank(meta: TapeMeta, mode: Mode, state: State, failure: str, sequence: int, clock: int, speed: float) -> Snapshot:
    """A snapshot of a tape without a market."""
    none, orders = np.zeros(0, np.int64), np.zeros(0, np.int32)
    return Snapshot(
        sequence=sequence,
        mode=mode,
        state=state,
        failure=failure,
        index=0,
        messages=meta.messages,
        clock=clock,
        first_ts=meta.first_ts,
        last_ts=meta.last_ts,
        speed=speed,
        achieved=0.0,
        rate=0.0,
        status=0,
        best_bid=None,
        best_ask=None,
        bid_qty=0,
        ask_qty=0,
        last_price=None,
        last_qty=0,
        last_side=0,
        volume=0,
        orders=0,
        ladder=LadderView(1, 0, none, none, none, none, orders, orders),
        history=no_history(),
        prints=np.zeros(0, PRINT),
        prints_total=0,
        mark_in=None,
        mark_out=None,
        anomalies=(),
        loop_ms=0.0,
    )


def no_history() -> HistoryView:
    """A history without columns."""
    none, depth = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    return HistoryView(1_000_000_000, 1, 0, none, depth, depth, none, none, none, none, none, none)
