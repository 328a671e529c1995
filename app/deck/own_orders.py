"""Our own orders on the ladder: 5(142), mine and ahead of me; and the cursor of the order being written."""

import numpy as np
from rich.segment import Segment

from app.deck.axis import descending
from app.deck.board import Board
from app.deck.draft import read_price
from app.deck.ladder_rows import Columns, Row
from core.snapshot import Snapshot


def away(board: Board, snapshot: Snapshot) -> str:
    """Price rows with orders of ours that are out of sight, for the caption: own 2 above, 1 below."""
    desk, axis, view = snapshot.desk, board.axis, snapshot.ladder
    if desk is None or not len(desk.own_bids):
        return ""
    rows = np.flatnonzero(desk.own_bids + desk.own_asks) + view.low
    above, below = int(np.sum(rows > axis.top)), int(np.sum(rows <= axis.top - axis.lines))
    words = [f"own {above}{board.glyphs.above}"] * bool(above)
    words += [f"own {below}{board.glyphs.below}"] * bool(below)
    return f" {board.glyphs.between} {' '.join(words)}" if words else ""


def added(board: Board, rows: list[Row], snapshot: Snapshot, columns: Columns) -> list[Row]:
    """The rows with our orders and the one being written."""
    axis, low, lines, desk = board.axis, snapshot.ladder.low, len(rows), snapshot.desk
    if desk is None:
        return rows
    bids, asks, before_bids, before_asks = [
        descending(values, low, axis.top, lines)
        for values in (desk.own_bids, desk.own_asks, desk.own_bid_ahead, desk.own_ask_ahead)
    ]
    cursor, side = _cursor(board)
    width = columns.mine - 1
    return [
        row._replace(
            my_bid=_mine(board, bids[line], before_bids[line], width),
            my_ask=_mine(board, asks[line], before_asks[line], width),
            cursor=side if axis.top - line == cursor else 0,
            desk=True,
        )
        for line, row in enumerate(rows)
    ]


def painted(board: Board, row: Row, size: int, side: int) -> Segment:
    """Our orders on one side, or the cursor of the order being written."""
    ink, paper, glyphs = board.ink, board.ink.paper, board.glyphs
    text = row.my_bid if side > 0 else row.my_ask
    if row.cursor == side:
        mark = f"BUY{glyphs.last}" if side > 0 else f"{glyphs.back}SELL"
        both = f"{text} {mark}" if side > 0 else f"{mark} {text}"
        mark = both if len(both) <= size else mark
        return Segment(mark.rjust(size) if side > 0 else mark.ljust(size), ink.on(paper.panel, paper.accent, True))
    shown = text.rjust(size - 1) + " " if side > 0 else text.ljust(size)
    if not text:
        return Segment(shown, ink.text(paper.text))
    return Segment(shown, ink.on(paper.accent, ink.bid_fill if side > 0 else ink.ask_fill, True))


def _cursor(board: Board) -> tuple[int | None, int]:
    """Price row and side of the order being written."""
    draft = board.desk.draft
    if draft is None:
        return None, 0
    ticks = read_price(draft, board.desk.contracts.contract)
    return (None if ticks is None else ticks // board.axis.group), draft.side


def _mine(board: Board, lots: int, before: int, width: int) -> str:
    """Our lots, and in brackets the lots before the first of them."""
    if not lots or width < 3:
        return ""
    own = board.formats.quantity(lots, min(max(width - 5, 3), 5))
    return own if before < 0 else f"{own}({board.formats.quantity(before, max(width - len(own) - 2, 2))})"
