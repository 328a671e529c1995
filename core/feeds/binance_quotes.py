"""What a Binance capture says about its own best bid and offer, to prove a replayed book by.

A bookTicker is sent at every change of the touch, a depth diff sums up many updates. So after the diff
that ends with update `u` the book must show the last bookTicker whose update id is at most `u`, whenever
that arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import FeedError
from core.feeds.binance_source import BinanceSource, Trace
from core.feeds.source import Options

#: One bookTicker; prices and quantities in units.
TICKER = np.dtype(
    [
        ("source_row", "<i8"),
        ("update_id", "<i8"),
        ("bid", "<i8"),
        ("bid_qty", "<i8"),
        ("ask", "<i8"),
        ("ask_qty", "<i8"),
    ]
)
#: After source row `source_row` the book stands at update `update_id`.
STATE = np.dtype([("source_row", "<i8"), ("update_id", "<i8")])


@dataclass(frozen=True, slots=True)
class BookTickers:
    """The bookTickers of a capture and the updates its diffs lead to."""

    tickers: NDArray[np.void]  #: TICKER, in source order
    states: NDArray[np.void]  #: STATE, in source order: rows after which the book is in step
    price_unit: Decimal
    qty_unit: Decimal

    def expected(self) -> NDArray[np.void]:
        """TICKER: what the book must show at its touch after each source row that allows a comparison.

        `source_row` is the row of the book, `update_id` that of the bookTicker.
        """
        ordered = self.tickers[np.argsort(self.tickers["update_id"], kind="stable")]
        at = np.searchsorted(ordered["update_id"], self.states["update_id"], "right") - 1
        known = at >= 0
        out: NDArray[np.void] = ordered[at[known]].copy()
        out["source_row"] = self.states["source_row"][known]
        return out


def book_tickers(path: Path | Sequence[Path], options: Options | None = None) -> BookTickers:
    """Read the bookTickers of a capture (all of its files). Raises `FeedError`.

    Options must be those of the import, if it had any.
    """
    trace = Trace()
    paths = [path] if isinstance(path, Path) else list(path)
    source = BinanceSource(paths, options or Options(), trace)
    for _ in source.batches():
        pass
    if not trace.tickers:
        raise FeedError(paths[0], "holds no bookTicker to compare with")
    return BookTickers(
        np.array(trace.tickers, TICKER),
        np.array(trace.states, STATE),
        source.info.price_unit,
        source.info.qty_unit,
    )
