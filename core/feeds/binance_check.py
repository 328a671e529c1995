"""Hold a replayed tape against the bookTickers of the capture it was made from."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.errors import FeedError
from core.feeds.binance_quotes import book_tickers
from core.feeds.source import Options
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape


@dataclass(slots=True)
class TickerComparison:
    """How often the replayed best bid and ask prices equal the last bookTicker of the same update."""

    compared: int = 0
    equal: int = 0
    equal_quantities: int = 0
    first_differences: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Comparisons in which both prices are equal."""
        return self.equal / self.compared if self.compared else 0.0


def compare_tickers(tape: Tape, capture: Path) -> TickerComparison:
    """Compare after every depth diff. Raises `FeedError` when the capture is not the tape's."""
    # The steps of the tape, so that a tick finer than the capture needs is still a whole number of units.
    options = Options(symbol=tape.meta.symbol, tick=tape.instrument.tick, lot=tape.instrument.lot)
    quotes = book_tickers(capture, options)
    expected = quotes.expected()
    tick, lot = tape.instrument.tick / quotes.price_unit, tape.instrument.lot / quotes.qty_unit
    result = TickerComparison()
    if len(expected) and int(expected["source_row"].max()) >= tape.meta.source_rows:
        raise FeedError(capture, f"has more rows than the {tape.meta.source_rows} of the tape")
    for chunk in iter_book_rows(tape, 1):
        rows = expected["source_row"] - chunk.first
        here = expected[(rows >= 0) & (rows < len(chunk.ts_event))]
        book = chunk.levels[here["source_row"] - chunk.first, :, 0]
        prices = np.stack([here["ask"], here["bid"]], axis=1)
        same = (book[:, 0::2] * int(tick) == prices).all(axis=1)
        quantities = np.stack([here["ask_qty"], here["bid_qty"]], axis=1)
        result.compared += len(here)
        result.equal += int(same.sum())
        result.equal_quantities += int((same & (book[:, 1::2] * int(lot) == quantities).all(axis=1)).sum())
        for i in np.flatnonzero(~same)[: 5 - len(result.first_differences)]:
            ours = [str(tape.instrument.price(int(p))) for p in book[i, 0::2]]
            stated = [str(quotes.price_unit * int(p)) for p in prices[i]]
            row = int(here["source_row"][i])
            result.first_differences.append(f"row {row}: ask, bid {', '.join(ours)}, bookTicker {', '.join(stated)}")
    return result
