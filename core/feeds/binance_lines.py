"""Lines of a Binance capture: `<local receive ns> <json>`, parsed into events."""

import json
import re
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter
from typing import Any

from core.records import ABSENT

_BIG = 2**62
_DECODE = json.JSONDecoder(parse_float=str).decode  # decimals stay text
_PARTIAL = re.compile(r"@depth\d")
_PRICE, _QTY = itemgetter(0), itemgetter(1)
# What a line of another shape than Binance's can raise while it is taken apart.
_ODD = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class Kind(IntEnum):
    """What a line is."""

    OTHER = 0
    DIFF = 1
    SNAPSHOT = 2
    TICKER = 3
    TRADE = 4
    BAD = 5


@dataclass(slots=True)
class Line:
    """One line of a capture."""

    kind: Kind
    label: str  #: how the line is counted where it has no effect
    receive: int = ABSENT  #: ns UTC
    ts: int | None = None  #: event time, ns UTC
    symbol: str | None = None
    first: int = 0  #: U
    final: int = 0  #: u, or lastUpdateId
    previous: int | None = None  #: pu
    start: int = 0  #: range of its levels in `Block`
    stop: int = 0


@dataclass(slots=True)
class Block:
    """Lines of one block of text and, flat, the texts of their prices and quantities."""

    lines: list[Line] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)
    quantities: list[str] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    blank: int = 0


def parse_block(text: bytes, tickers: bool = False) -> Block:
    """Parse whole lines. `tickers`: also take the prices of bookTicker lines."""
    block = Block()
    for raw in text.split(b"\n"):
        stripped = raw.strip()
        if not stripped:
            block.blank += 1
            continue
        start = len(block.prices)
        line, payload = Line(Kind.BAD, "bad_line", start=start), stripped
        try:
            if stripped[:1] != b"{":
                stamp, payload = stripped.split(b" ", 1)
                receive = int(stamp) if stamp.isdigit() and len(stamp) < 20 else -1
                if not 0 <= receive < _BIG:
                    raise ValueError("no receive time")
                line.receive = receive
            _parse(line, _DECODE(payload.decode()), block, tickers)
        except _ODD:
            del block.prices[start:], block.quantities[start:], block.sides[start:]
            line = Line(Kind.BAD, "bad_line", receive=line.receive, start=start)
        line.stop = len(block.prices)
        block.lines.append(line)
    # What follows the last line end is no line.
    block.blank -= text.endswith(b"\n") or not text
    return block


def _parse(line: Line, message: dict[str, Any], block: Block, tickers: bool) -> None:
    stream = message.get("stream", "")
    data = message.get("data") or message.get("result") or message
    event = data.get("e")
    line.symbol = data.get("s") or data.get("symbol")
    line.ts = _time(data.get("E"))
    if line.symbol is not None and not isinstance(line.symbol, str):
        raise ValueError("symbol is no text")
    if (event == "depthUpdate" or "lastUpdateId" in data) and _PARTIAL.search(stream):
        line.kind, line.label = Kind.OTHER, "partial_depth"
    elif event == "depthUpdate":
        line.kind, line.label = Kind.DIFF, "depth"
        line.first, line.final = _id(data["U"]), _id(data["u"])
        line.previous = _id(data["pu"]) if "pu" in data else None
        if line.ts is None or line.first > line.final:
            raise ValueError("no time, or ids out of order")
        _levels(block, data["b"], data["a"])
    elif "lastUpdateId" in data:
        line.kind, line.label = Kind.SNAPSHOT, "snapshot"
        line.final = _id(data["lastUpdateId"])
        _levels(block, data["bids"], data["asks"])
    elif event == "bookTicker" or (event is None and "B" in data and "A" in data):
        line.kind, line.label = Kind.TICKER, "book_ticker"
        if tickers:
            line.final = _id(data["u"])
            _levels(block, [(data["b"], data["B"])], [(data["a"], data["A"])])
    elif event == "trade" or event == "aggTrade":
        line.kind, line.label = Kind.TRADE, event
        _trade(line, data, block)
    else:
        line.kind, line.label = Kind.OTHER, "other_event"


def _trade(line: Line, data: dict[str, Any], block: Block) -> None:
    if data.get("X", "MARKET") != "MARKET":
        # Insurance fund, deleveraging and placeholder rows did not trade in the book.
        line.kind, line.label = Kind.OTHER, "off_book_trade"
        return
    maker = data["m"]
    if line.ts is None or not isinstance(maker, bool):
        raise ValueError("no time or side")
    line.final = _id(data["t" if line.label == "trade" else "a"])
    block.prices.append(str(data["p"]))
    block.quantities.append(str(data["q"]))
    block.sides.append(-1 if maker else 1)  # the buyer was the maker: a sale


def _levels(block: Block, bids: list[Any], asks: list[Any]) -> None:
    for side, levels in ((1, bids), (-1, asks)):
        block.prices.extend(map(str, map(_PRICE, levels)))
        block.quantities.extend(map(str, map(_QTY, levels)))
        block.sides.extend([side] * len(levels))


def _id(value: object) -> int:
    if type(value) is not int or not 0 <= value < _BIG:
        raise ValueError("not an update id")
    return value


def _time(value: object) -> int | None:
    """Ns UTC of `E`: milliseconds, or microseconds where the stream was asked for them."""
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise ValueError("not a time")
    ns = value * (1_000_000 if value < 10**14 else 1000)
    if ns >= _BIG:
        raise ValueError("not a time")
    return ns
