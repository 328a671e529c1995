"""The rows of the ladder: which columns fit, and everything that decides how a price row looks."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

#: Cells of orders, size, traded and volume, widest first.
_WIDTHS = ((5, 9, 8, 6), (0, 9, 8, 6), (0, 8, 7, 4), (0, 8, 6, 3), (0, 7, 6, 3), (0, 8, 0, 4), (0, 8, 0, 0))
#: The same where there is a desk, and last the cells of our own orders.
_DESK_WIDTHS = (
    (5, 9, 8, 6, 11), (0, 9, 8, 6, 11), (0, 8, 7, 4, 10), (0, 7, 5, 4, 10), (0, 7, 5, 0, 9), (0, 7, 0, 0, 9),
    (0, 6, 0, 0, 9), (0, 7, 0, 0, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of each column; 0 = not shown."""

    orders: int
    size: int  #: bid and ask alike
    price: int
    traded: int  #: sold and bought alike
    volume: int
    mine: int = 0  #: our own orders, left and right


class Row(NamedTuple):
    """Everything that decides how a price row looks."""

    price: str
    bid: str
    ask: str
    bid_orders: str
    ask_orders: str
    sold: str
    bought: str
    bid_bar: int  #: cells
    ask_bar: int
    sold_bar: int  #: eighths of a cell
    bought_bar: int
    side: int  #: 1 bid side, -1 ask side, 0 inside the spread
    best: bool
    last: int  #: aggressor of the last print when it was here, else 0; 2 = unknown aggressor
    last_size: str
    busiest: bool
    my_bid: str = ""  #: our lots and those before them: 5(142)
    my_ask: str = ""
    cursor: int = 0  #: the order being written stands here, with this side
    desk: bool = False


@lru_cache(256)
def columns_for(width: int, price: int, desk: bool = False) -> Columns:
    """Columns that fit into `width` cells, for prices `price` characters long."""
    cells = price + 4
    for orders, size, traded, volume, mine in _DESK_WIDTHS if desk else ():
        used = 2 * orders + 2 * size + cells + 2 * traded + 2 * mine
        if used + volume <= width:
            return Columns(orders, size, cells, traded, min(width - used, 24) if volume else 0, mine)
    for orders, size, traded, volume in _WIDTHS:
        used = 2 * orders + 2 * size + cells + 2 * traded
        if used + volume <= width:
            return Columns(orders, size, cells, traded, min(width - used, 24) if volume else 0)
    return Columns(0, max((width - cells) // 2, 4), min(cells, max(width - 8, 4)), 0, 0)
