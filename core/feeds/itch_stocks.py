"""Which stocks an ITCH capture has, and the choice of one of them."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.enums import Status
from core.errors import FeedError
from core.feeds import itch_frames as frames
from core.feeds.window import ByteWindow
from core.jit_states import state

_ENOUGH = 1 << 20  # bytes without any message that say it is another format


@state
class Choice(NamedTuple):
    """The stock to import."""

    symbol: str
    locate: int
    alone: bool  #: chosen because no other stock has orders so far; orders of another one are an error
    unprefixed: bool  #: the length prefixes are zero


def word(symbol: str) -> int:
    """The 8 bytes of a stock name as one big-endian integer."""
    return int.from_bytes(symbol.encode("ascii", "replace").ljust(8)[:8], "big")


def name(value: int) -> str:
    """Inverse of `word`."""
    return int(value).to_bytes(8, "big").decode("ascii", "backslashreplace").strip(" \0")


def new_state() -> NDArray[np.void]:
    """State of the kernels before the first byte."""
    state = np.zeros(1, frames.STATE)
    state["locate"] = state["second"] = -1
    return state


def new_counts() -> NDArray[np.int64]:
    """Counters of the kernels, shape (4, 256)."""
    return np.zeros((4, 256), np.int64)


def sound(state: NDArray[np.void], counts: NDArray[np.int64]) -> int:
    """Messages that followed the specification."""
    bad = counts[[frames.WRONG_LENGTH, frames.UNKNOWN_TYPE]].sum() + counts[frames.OTHER, frames.EMPTY]
    return int(state["messages"][0] - bad)


def some(names: Sequence[str], limit: int = 8) -> str:
    """The first names, and how many there are more."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


class Directory:
    """The stocks of a capture by locate code, as far as it was read."""

    def __init__(self) -> None:
        self.stocks = np.zeros(1 << 16, np.uint64)  #: name words
        self.orders = np.zeros(1 << 16, np.int64)  #: order messages
        self.state, self.counts = new_state(), new_counts()

    def read(self, window: ByteWindow) -> None:
        """Take the bytes in the window into account."""
        window.at = frames.survey(
            window.data, window.at, window.stop, window.final, self.state, self.counts, self.stocks, self.orders
        )

    def find(self, symbol: str) -> int | None:
        """Locate code of a stock."""
        hits = np.flatnonzero(self.stocks == np.uint64(word(symbol)))
        return int(hits[0]) if len(hits) and len(symbol) <= 8 else None

    def name(self, locate: int) -> str:
        """Name of a stock; its locate code where the file has not named it."""
        return name(int(self.stocks[locate])) or f"LOCATE{locate}"

    def busy(self) -> list[str]:
        """Stocks with order messages, busiest first."""
        order = np.argsort(-self.orders, kind="stable")[: np.count_nonzero(self.orders)]
        return [self.name(int(locate)) for locate in order]

    def names(self) -> list[str]:
        """All names, sorted."""
        return [name(int(value)) for value in np.unique(self.stocks[self.stocks != 0])]

    def choice(self, symbol: str, alone: bool) -> Choice:
        """The stock under its name here."""
        locate = self.find(symbol) if not symbol.startswith("LOCATE") else int(np.argmax(self.orders))
        return Choice(
            symbol, -1 if locate is None else locate, alone, bool(self.counts[frames.OTHER, frames.NO_PREFIX])
        )

    def settled(self, source: Path, wanted: str | None) -> Choice | None:
        """The choice, once the part that was read allows one. Raises `FeedError`."""
        if wanted is not None:
            for symbol in (wanted, wanted.upper()):
                if self.find(symbol) is not None:
                    return self.choice(symbol, False)
            if self.state["status"][0] == int(Status.TRADING) and self.stocks.any():
                raise self.unknown(source, wanted)  # all stocks are named before the market opens
            return None
        busy = self.busy()
        if len(busy) > 1:
            raise FeedError(source, f"{len(busy)} stocks have orders ({some(busy)}): choose one with --symbol")
        return self.choice(busy[0], True) if busy else None

    def unknown(self, source: Path, wanted: str) -> FeedError:
        """No such stock."""
        names = self.names()
        near = difflib.get_close_matches(wanted.upper(), names, 5, 0.5)
        near = near or [other for other in names if other[:1] == wanted[:1].upper()]
        hint = f"near: {some(near)}" if near else f"stocks: {some(names)}"
        return FeedError(source, f"no stock {wanted!r} among {len(names):,}; {hint}")

    def silent(self, source: Path) -> FeedError:
        """No stock has orders."""
        names = self.names()
        return FeedError(
            source, f"no order messages for any of {len(names):,} stocks ({some(names)}): choose one with --symbol"
        )


def choose(paths: Sequence[Path], wanted: str | None) -> Choice:
    """Choose `wanted`, or the only stock with orders, reading no further than needed. Raises `FeedError`."""
    directory = Directory()
    for path in paths:
        with ByteWindow(path) as window:
            while window.fill():
                directory.read(window)
                if window.taken == 0:
                    raise FeedError(path, "the file is empty")
                enough = window.final or window.taken >= _ENOUGH
                if enough and sound(directory.state, directory.counts) == 0:
                    raise FeedError(path, "no ITCH 5.0 message found (expected messages with 2-byte length prefixes)")
                settled = directory.settled(path, wanted)
                if settled:
                    return settled
        directory.state["lost"] = directory.state["framing"] = 0
    raise directory.silent(paths[0]) if wanted is None else directory.unknown(paths[0], wanted)
