"""`tape check --against`: find out what was published, and hold the replayed book against it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import ConfigError, FeedError
from core.tape.check import Comparison, compare, lobster_book
from core.tape.tape import Tape

_NAMES = ("ask_price", "ask_qty", "bid_price", "bid_qty")
_CHUNK = 1 << 17


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `tape check` prints about a comparison."""

    record: dict[str, Any]
    agrees: bool


def compare_with(tape: Tape, against: Path) -> Verdict:
    """Compare with a LOBSTER book file, a Binance capture or a table. Raises `FeedError` or `ConfigError`."""
    if not against.is_file():
        raise FeedError(against, "no such file")
    if against.suffix == ".parquet":
        rows, levels = _table(against)
        return _verdict(compare(tape, rows, levels, str(against)))
    from core.feeds.binance import FEED as BINANCE
    from core.feeds.lobster import FEED as LOBSTER

    if BINANCE.matches(against):
        return _tickers(tape, against)
    if LOBSTER.matches(against):
        rows, levels = lobster_book(against)
        return _verdict(compare(tape, rows, levels, str(against)))
    raise ConfigError(
        f"{against} is no published book: give a LOBSTER orderbook file, a Binance capture or a table of `tape book`"
    )


def _verdict(found: Comparison) -> Verdict:
    record = {
        "against": found.against,
        "compared_rows": found.rows,
        "compared_levels": found.levels,
        "equal_rows": found.equal,
        "equal_share": found.share,
        "equal_price_rows": found.equal_prices,
        "first_differences": found.first_differences,
    }
    return Verdict(record, found.equal == found.rows)


def _tickers(tape: Tape, capture: Path) -> Verdict:
    from core.feeds.binance_check import compare_tickers

    found = compare_tickers(tape, capture)
    record = {
        "against": str(capture),
        "compared_tickers": found.compared,
        "equal_prices": found.equal,
        "equal_share": found.share,
        "first_differences": found.first_differences,
    }
    # The exchange samples the two streams apart: what is asked is agreement in 99.5 % of comparisons.
    return Verdict(record, found.share >= 0.995)


def _table(path: Path) -> tuple[Iterator[NDArray[np.float64]], int]:
    try:
        scan = pl.scan_parquet(path)
        columns = scan.collect_schema().names()
        count = int(scan.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FeedError(path, f"not a readable table: {error}") from error
    levels = sum(1 for name in columns if name.startswith("ask_price_"))
    wanted = [f"{name}_{level}" for name in _NAMES for level in range(1, levels + 1)]
    missing = [name for name in wanted if name not in columns]
    if not levels or missing:
        raise FeedError(path, f"has no column {missing[0] if missing else 'ask_price_1'}")

    def rows() -> Iterator[NDArray[np.float64]]:
        for start in range(0, count, _CHUNK):
            try:
                frame = scan.select(wanted).slice(start, _CHUNK).collect().cast(pl.Float64)
            except (pl.exceptions.PolarsError, OSError) as error:
                raise FeedError(path, f"not a readable table: {error}") from error
            values = frame.fill_null(float("nan")).to_numpy()
            yield values.reshape(len(frame), 4, levels)

    return rows(), levels
