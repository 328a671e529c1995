"""Binance raw captures: depth diffs, trades and the REST snapshot, spot and futures; plain, gzip or zstd.

Every line is a source row and one event. The book begins with the first snapshot that joins the diffs
(`core.feeds.binance_sync`): its row carries a CLEAR, its levels, and then the diffs that arrived before it but
are newer, with their own times. Until then, and after a gap until the next snapshot, diffs are kept and
their rows are without effect; a gap empties the book. A snapshot that joins a running book replaces it.

Times are the venue's event times (`E`), one clock for all kinds of line. Lines without one (bookTicker and
the snapshot on spot) take the time of the line before, never the receiver's clock, which may be off by
seconds. COIN-M quantities are contracts.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from core.errors import FeedError
from core.feeds.binance_quotes import BookTickers, book_tickers
from core.feeds.binance_source import BinanceSource
from core.feeds.files import ByteSource
from core.feeds.source import Options

__all__ = ["FEED", "BinanceFeed", "BookTickers", "book_tickers"]

_PEEK = 1 << 18
_FIRST = re.compile(rb"^\s*(\d{10,19} )?\{")
_MARKS = re.compile(rb'"e":"(depthUpdate|bookTicker|trade|aggTrade)"|"lastUpdateId"|"stream":"\w+@')


class BinanceFeed:
    """Raw captures of Binance websocket streams."""

    name = "binance"
    summary = "Binance raw captures: depth diffs with snapshot, trades (spot, USD-M, COIN-M)"

    def matches(self, path: Path) -> bool:
        """Whether the first line is JSON after a receive time, and the head speaks Binance."""
        try:
            with ByteSource(path) as source:
                head = source.read(_PEEK)
        except FeedError:
            return False
        return bool(_FIRST.match(head) and _MARKS.search(head))

    def open(self, paths: Sequence[Path], options: Options) -> BinanceSource:
        """Open captures given in time order. Raises `FeedError`, `SnapshotMissing`."""
        return BinanceSource(paths, options)


FEED = BinanceFeed()
