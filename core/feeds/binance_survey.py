"""A first, cheap pass over Binance captures: units, symbol, market, first time, and whether there is a snapshot."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import FeedError, SnapshotMissing
from core.feeds.decimals import Decimals, Digits
from core.feeds.files import ByteSource, line_blocks
from core.feeds.symbols import choose_symbol
from core.jit import kernel

_BLOCK = 1 << 22
_BOOK_PRICE, _PRINT_PRICE, _QTY = 1, 2, 3
_QUOTE, _BACKSLASH, _COLON, _COMMA, _NEWLINE = ord('"'), ord("\\"), ord(":"), ord(","), ord("\n")
_OPEN, _CLOSE = ord("["), ord("]")
_SYMBOL = re.compile(rb'"s(?:ymbol)?":"([^"\n]{1,40})"')
_EVENT_TIME = re.compile(rb'"E":(\d{13,16})\b')
_SNAPSHOT = b'"lastUpdateId"'
_PARTIAL = re.compile(rb"@depth\d")
_COIN_SYMBOL = re.compile(r"USD_(PERP|\d{6})$")


@kernel
def find_numbers(
    text: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], kinds: NDArray[np.uint8]
) -> int:
    """Find the quoted prices and quantities in lines of JSON; how many.

    In a list of pairs the first text is a price and the second a quantity; elsewhere the key tells.
    """
    n, at, end = 0, 0, text.shape[0]
    depth, place, key = 0, 0, 0
    while at < end:
        char = text[at]
        at += 1
        if char == _NEWLINE:
            depth, place, key = 0, 0, 0
        elif char == _OPEN:
            depth, place = depth + 1, 0
        elif char == _CLOSE:
            depth -= 1
        elif char == _COMMA:
            place += 1
        elif char == _QUOTE:
            start = at
            while at < end and text[at] != _QUOTE and text[at] != _NEWLINE:
                at += 2 if text[at] == _BACKSLASH else 1
            stop = min(at, end)
            if at < end and text[at] == _QUOTE:
                at += 1
            if at < end and text[at] == _COLON:
                key = int(text[start]) if stop == start + 1 else 0
                continue
            kind = _kind(depth, place, key)
            if kind and n < starts.shape[0]:
                starts[n], stops[n], kinds[n] = start, stop, kind
                n += 1
    return n


@kernel
def _kind(depth: int, place: int, key: int) -> int:
    if depth >= 2:
        return _BOOK_PRICE if place == 0 else (_QTY if place == 1 else 0)
    if depth != 0:
        return 0
    if key == ord("b") or key == ord("a"):
        return _BOOK_PRICE
    if key == ord("p"):
        return _PRINT_PRICE
    if key == ord("q") or key == ord("B") or key == ord("A"):
        return _QTY
    return 0


class Survey:
    """What a pass over all files finds."""

    def __init__(self, paths: Sequence[Path], symbol: str | None) -> None:
        """Raises `FeedError`, and `SnapshotMissing` when no file holds a snapshot."""
        self.book, self.prints, self.quantities = Digits.of_prices(), Digits.of_prints(), Digits.of_quantities()
        self.symbols: Counter[str] = Counter()
        self.clock = 0  #: first event time, ns UTC
        self.futures, self.coin, self.trades = False, False, False
        snapshot = False
        for path in paths:
            with ByteSource(path) as source:
                for text in line_blocks(source, _BLOCK):
                    self._count(text)
                    self._look(text)
                    snapshot = snapshot or has_snapshot(text)
        self.symbol = choose_symbol(paths[0], self.symbols, symbol)
        if not self.clock:
            raise FeedError(paths[0], "no event with a time (E): not a Binance capture")
        if not snapshot:
            raise SnapshotMissing(paths[0], "holds no snapshot (lastUpdateId, bids, asks): its book cannot be known")

    def _look(self, text: bytes) -> None:
        for name, n in Counter(_SYMBOL.findall(text)).items():
            self.symbols[name.decode("utf-8", "replace")] += n
        if not self.clock and (found := _EVENT_TIME.search(text)):
            value = int(found[1])
            self.clock = value * (1_000_000 if value < 10**14 else 1000)
        self.futures = self.futures or b'"pu":' in text
        self.coin = self.coin or b'"ps":' in text
        self.trades = self.trades or b'"e":"trade"' in text

    def _count(self, text: bytes) -> None:
        data = np.frombuffer(text, np.uint8)
        most = text.count(b'"') // 2 + 1
        starts, stops, kinds = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.uint8)
        n = find_numbers(data, starts, stops, kinds)
        numbers = Decimals.parse(data, starts[:n], stops[:n])
        for digits, kind in ((self.book, _BOOK_PRICE), (self.prints, _PRINT_PRICE), (self.quantities, _QTY)):
            digits.add(numbers, kinds[:n] == kind)

    @property
    def venue(self) -> str:
        """BINANCE, BINANCE-USDM or BINANCE-COINM, told by the fields that only these have."""
        if _COIN_SYMBOL.search(self.symbol) or (self.coin and self.futures):
            return "BINANCE-COINM"
        return "BINANCE-USDM" if self.futures else "BINANCE"


def has_snapshot(text: bytes) -> bool:
    """Whether any line is a REST snapshot; streams of partial depth look alike but name themselves."""
    at = text.find(_SNAPSHOT)
    while at >= 0:
        start = text.rfind(b"\n", 0, at) + 1
        if not _PARTIAL.search(text, start, at):
            return True
        at = text.find(_SNAPSHOT, at + 1)
    return False
