"""What the engine shows: one frozen picture, pulled by the screen, the web view and the JSON output."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.desk_view import DeskView


class Mode(StrEnum):
    """Where the market comes from."""

    LIVE = "LIVE"
    PAPER = "PAPER"
    REPLAY = "REPLAY"
    SIM = "SIM"


class State(StrEnum):
    """What the transport is doing."""

    LOADING = "loading"
    COMPILING = "compiling"  #: kernels that no cache holds yet
    PLAYING = "playing"
    PAUSED = "paused"
    SEEKING = "seeking"  #: on the way to a place; any command ends it where it is
    ENDED = "ended"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class LadderView:
    """Depth around the touch, in rows of `group` ticks. Row r covers ticks r*group .. r*group+group-1."""

    group: int  #: ticks per row
    low: int  #: row of index 0 in the arrays below; index i is row low+i
    bids: NDArray[np.int64]  #: lots resting, shape (rows,)
    asks: NDArray[np.int64]
    sold: NDArray[np.int64]  #: lots sold into the bid since the start of the day
    bought: NDArray[np.int64]  #: lots bought from the ask
    bid_orders: NDArray[np.int32]  #: orders resting (0 on level-2 tapes)
    ask_orders: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Sampled past: one column per `step` ns, oldest first, at most as many as were asked for."""

    step: int  #: ns per column
    group: int  #: ticks per row
    end: int  #: ns UTC at the right edge of the newest column
    low: NDArray[np.int64]  #: first row of each column's depth, shape (columns,)
    bids: NDArray[np.float32]  #: lots, shape (columns, rows): the book when the column closed
    asks: NDArray[np.float32]
    best_bid: NDArray[np.int64]  #: ticks, NO_PRICE where none, shape (columns,)
    best_ask: NDArray[np.int64]
    bought: NDArray[np.int64]  #: lots traded inside the column by buying aggressors
    sold: NDArray[np.int64]
    trade_row: NDArray[np.int64]  #: row of the largest print inside the column, NO_PRICE if none
    trade_qty: NDArray[np.int64]  #: its lots, signed by aggressor


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The market and the transport at one moment. Arrays are never written after publication."""

    sequence: int  #: grows by one with every publication
    mode: Mode
    state: State
    failure: str  #: one line when `state` is FAULTED
    index: int  #: messages applied
    messages: int  #: messages on the tape
    clock: int  #: ns UTC, the market's time now; it runs on between two messages
    first_ts: int
    last_ts: int
    speed: float  #: asked: market seconds a second; inf = MAX
    achieved: float  #: market seconds a second, measured
    rate: float  #: messages a second, measured
    status: int  #: `core.enums.Status`
    best_bid: int | None  #: ticks
    best_ask: int | None
    bid_qty: int  #: lots at the best bid
    ask_qty: int
    last_price: int | None  #: ticks
    last_qty: int
    last_side: int  #: aggressor
    volume: int  #: lots traded so far
    orders: int  #: orders resting
    ladder: LadderView
    history: HistoryView
    prints: NDArray[np.void]  #: newest last, PRINT
    prints_total: int  #: prints since the start of the day
    mark_in: int | None  #: A of the A-B loop, ns
    mark_out: int | None  #: B
    anomalies: tuple[tuple[str, int], ...]  #: what went wrong in the data: result codes and their counts
    loop_ms: float  #: engine time of the last chunk, ms
    desk: DeskView | None = None  #: our own trading; None while a tape is only played
