"""Synthetic LOBSTER days: messages and book rows that know nothing of tapedeck.

A whole book is kept in dicts; the message file tells, as LOBSTER does, only what happens inside the window
of the best levels, so that levels leave and enter without a word.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

NONE = 9_999_999_999
CENT = 100


@dataclass(slots=True)
class Day:
    """Lines of the two files."""

    levels: int
    messages: list[str] = field(default_factory=list)
    book: list[str] = field(default_factory=list)
    kinds: Counter[int] = field(default_factory=Counter)

    def names(self, symbol: str, date: str) -> tuple[str, str]:
        """Published names of the message and the book file."""
        stem = f"{symbol}_{date}_34200000_57600000"
        return f"{stem}_message_{self.levels}.csv", f"{stem}_orderbook_{self.levels}.csv"

    def write(self, folder: Path, symbol: str, end: str = "\n", date: str = "2012-06-21") -> tuple[Path, Path]:
        """Write the pair; the paths of message and book file."""
        message, book = (folder / name for name in self.names(symbol, date))
        message.write_text("".join(line + end for line in self.messages), newline="")
        book.write_text("".join(line + end for line in self.book), newline="")
        return message, book


class _Market:
    """The whole book: orders by id, and the best levels."""

    def __init__(self) -> None:
        self.orders: dict[int, list[int]] = {}  # id -> [side, price, size], oldest first

    def side(self, side: int) -> list[tuple[int, int]]:
        sizes: Counter[int] = Counter()
        for each, price, size in self.orders.values():
            if each == side:
                sizes[price] += size
        return sorted(sizes.items(), reverse=side > 0)

    def row(self, levels: int) -> str:
        asks, bids = self.side(-1), self.side(1)
        cells: list[int] = []
        for i in range(levels):
            cells += asks[i] if i < len(asks) else (NONE, 0)
            cells += bids[i] if i < len(bids) else (-NONE, 0)
        return ",".join(map(str, cells))

    def seen(self, side: int, price: int, levels: int) -> bool:
        """Whether a price lies inside the window of its side."""
        best = self.side(side)[:levels]
        return len(best) < levels or (price - best[-1][0]) * side >= 0


def lobster_day(seed: int, events: int, levels: int) -> Day:
    """A day of `events` order events, and halts, crosses and hidden executions between them."""
    rng, market, day = np.random.default_rng(seed), _Market(), Day(levels)
    clock, number, middle = 34_200_000_000_000, 0, 1_000_000

    def tell(kind: int, order: int, size: int, price: int, side: int) -> None:
        day.messages.append(f"{clock // 10**9}.{clock % 10**9:09d},{kind},{order},{size},{price},{side}")
        day.book.append(market.row(levels))
        day.kinds[kind] += 1

    for _ in range(events):
        clock += int(rng.integers(0, 3)) * int(rng.exponential(2e9))
        middle += int(rng.integers(-2, 3)) * CENT
        choice = rng.random()
        if choice < 0.02:
            tell(5, 0, int(rng.integers(1, 500)), middle + int(rng.integers(0, CENT)), int(rng.choice([1, -1])))
        elif choice < 0.025:
            tell(6, -1 if rng.random() < 0.5 else 0, int(rng.integers(1, 9_000)), middle, -1)
        elif choice < 0.03:
            for price in (-1, 0, 1):
                tell(7, 0, 0, price, -1)
        elif choice < 0.55 or len(market.orders) < 8:
            number += 1
            side = int(rng.choice([1, -1]))
            other = market.side(-side)
            price = middle // CENT * CENT - side * int(rng.geometric(0.15)) * CENT
            if other:
                price = min(price, other[0][0] - CENT) if side > 0 else max(price, other[0][0] + CENT)
            size = int(rng.integers(1, 400))
            market.orders[number] = [side, price, size]
            if market.seen(side, price, levels):
                tell(1, number, size, price, side)
        else:
            _leave(rng, market, levels, tell, choice > 0.8)
    return day


def _leave(rng: np.random.Generator, market: _Market, levels: int, tell: object, trade: bool) -> None:
    """An order is cancelled in part or whole, or the best one executes."""
    assert callable(tell)
    order = int(rng.choice(list(market.orders)))
    side = market.orders[order][0]
    if trade:
        best = market.side(side)[0][0]
        order = next(i for i, (each, price, _) in market.orders.items() if (each, price) == (side, best))
    price, size = market.orders[order][1:]
    gone = size if rng.random() < 0.6 else int(rng.integers(1, size + 1))
    was_seen = market.seen(side, price, levels)
    if gone == size:
        del market.orders[order]
    else:
        market.orders[order][2] -= gone
    if was_seen:
        kind = 4 if trade else (3 if gone == size else 2)
        tell(kind, order, gone, price, side)
