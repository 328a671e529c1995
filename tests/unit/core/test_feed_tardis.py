"""Tardis CSV: snapshots, events, merged trades, refusals."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Side
from core.errors import FeedError, SnapshotMissing
from core.feeds.source import Options
from core.feeds.tardis import FEED, TardisSource, merged
from core.records import ABSENT

_BOOK = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
_TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
_QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
_T = 1_600_000_000_000_000


def _file(folder: Path, name: str, header: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _level(at: int, snapshot: bool, side: str, price: str, amount: str, symbol: str = "BTCUSDT", lag: int = 5) -> str:
    return f"binance,{symbol},{_T + at - lag},{_T + at},{'true' if snapshot else 'false'},{side},{price},{amount}"


def _trade(at: int, number: str, side: str, price: str, amount: str) -> str:
    return f"binance,BTCUSDT,{_T + at - 5},{_T + at},{number},{side},{price},{amount}"


def _rows(source: TardisSource) -> NDArray[np.void]:
    return np.concatenate([batch.rows for batch in source.batches()])


def _flagged(rows: NDArray[np.void], flag: Flag) -> list[int]:
    return np.flatnonzero(rows["flags"] & int(flag)).tolist()


def test_snapshots_and_events(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "book.csv",
        _BOOK,
        _level(0, True, "bid", "9.5", "2"),
        _level(0, True, "ask", "9.75", "1e-3"),
        _level(10, False, "bid", "9.5", "0"),
        _level(10, False, "bid", "9.25", "4"),
        _level(20, True, "bid", "8", "1"),
        _level(30, True, "ask", "9", "1"),
    )
    assert FEED.matches(path)
    source = FEED.open([path], Options())
    rows, info = _rows(source), source.info
    assert (info.symbol, info.venue, info.date, info.depth) == ("BTCUSDT", "BINANCE", "2020-09-13", Depth.LEVELS)
    assert (info.price_unit, info.qty_unit) == (Decimal("0.01"), Decimal("0.001"))
    assert rows["action"].tolist() == [8, 7, 7, 7, 7, 8, 7, 7]
    assert rows["side"].tolist() == [0, 1, -1, 1, 1, 0, 1, -1]
    assert rows["price"].tolist() == [ABSENT, 950, 975, 950, 925, ABSENT, 800, 900]
    assert rows["qty"].tolist() == [0, 2000, 1, 0, 4000, 0, 1000, 1000]
    assert _flagged(rows, Flag.SNAPSHOT) == [0, 1, 2, 5, 6, 7]
    assert _flagged(rows, Flag.ROW_END) == [1, 2, 3, 4, 6, 7]
    assert _flagged(rows, Flag.EVENT_END) == [2, 4, 6, 7]
    assert rows["source_row"].tolist() == [0, 0, 1, 2, 3, 4, 4, 5]
    assert rows["ts_event"][0] == (_T - 5) * 1000
    assert rows["ts_recv"][0] == _T * 1000
    assert not source.skipped


def test_trades_are_merged_by_arrival(tmp_path: Path) -> None:
    book = _file(tmp_path, "b.csv", _BOOK, *[_level(at, at < 20, "bid", "9.5", str(at)) for at in range(0, 100, 10)])
    trades = _file(
        tmp_path,
        "t.csv",
        _TRADES,
        _trade(15, "77", "buy", "9.555", "1"),
        _trade(50, "a-b", "sell", "9.5", "2"),
        _trade(400, "78", "unknown", "9.5", "3"),
    )
    source = FEED.open([trades, book], Options())
    rows = _rows(source)
    assert np.diff(rows["ts_recv"]).min() >= 0
    prints = rows[rows["action"] == int(Action.TRADE)]
    assert prints["order_id"].tolist() == [77, 0, 78]
    assert prints["side"].tolist() == [Side.BID, Side.ASK, Side.NONE]
    assert prints["price"].tolist() == [9555, 9500, 9500]
    # On a tie the trade comes first and ends no event of its own.
    tie = int(np.flatnonzero((rows["action"] == 6) & (rows["ts_recv"] == (_T + 50) * 1000))[0])
    assert not rows["flags"][tie] & Flag.EVENT_END
    assert rows["action"][tie + 1] == Action.LEVEL
    assert rows["flags"][tie + 1] & Flag.EVENT_END
    assert len(_flagged(rows, Flag.ROW_END)) == 13


def test_merging_in_small_parts_changes_nothing() -> None:
    rng = np.random.default_rng(5)

    def parts(keys: NDArray[np.int64], number: int) -> list[tuple[NDArray[np.void], NDArray[np.int64]]]:
        rows = np.zeros(len(keys), [("key", "<i8"), ("stream", "<i8"), ("place", "<i8")])
        rows["key"], rows["stream"], rows["place"] = keys, number, np.arange(len(keys))
        cuts = np.sort(rng.integers(0, len(keys), 12))
        return list(zip(np.split(rows, cuts), np.split(keys, cuts), strict=True))

    streams = [np.sort(rng.integers(0, 60, 100)), np.sort(rng.integers(20, 90, 70))]
    out = np.concatenate([rows for rows, _ in merged([iter(parts(keys, i)) for i, keys in enumerate(streams)])])
    assert len(out) == 170
    order = list(zip(out["key"].tolist(), out["stream"].tolist(), out["place"].tolist(), strict=True))
    assert order == sorted(order)


def test_a_book_that_starts_without_a_snapshot_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, "b.csv", _BOOK, _level(0, False, "bid", "9.5", "2"), _level(1, True, "bid", "9.5", "2"))
    with pytest.raises(SnapshotMissing, match=r"row 0: starts without a snapshot"):
        FEED.open([path], Options())


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    quotes = _file(tmp_path, "q.csv", _QUOTES, f"binance,BTCUSDT,{_T},{_T},1,2,1,1")
    trades = _file(tmp_path, "t.csv", _TRADES, _trade(0, "1", "buy", "1", "1"))
    assert FEED.matches(quotes)
    assert FEED.matches(trades)
    with pytest.raises(FeedError, match="is a quotes file"):
        FEED.open([quotes], Options())
    with pytest.raises(FeedError, match="holds only trades"):
        FEED.open([trades], Options())


def test_bad_rows_stay_and_are_counted(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "b.csv",
        _BOOK,
        _level(0, True, "bid", "9.5", "2"),
        _level(1, True, "middle", "9.5", "2"),
        _level(1, True, "bid", "x", "2"),
        _level(1, True, "bid", "9.5", ""),
        "binance,BTCUSDT,never,5,true,bid,1,1",
        f"binance,BTCUSDT,{_T},later,true,bid,1,1",
        f"binance,BTCUSDT,{_T},{_T},maybe,bid,1,1",
        "short,BTCUSDT",
        "",
        _level(-100, False, "bid", "9.5", "3"),
        _level(2, False, "bid", "9.5", "4"),
    )
    source = FEED.open([path], Options())
    rows = _rows(source)
    assert source.skipped == {
        "bad_side": 1,
        "bad_price": 1,
        "bad_amount": 1,
        "bad_timestamp": 1,
        "bad_local_timestamp": 1,
        "bad_is_snapshot": 1,
        "field_count": 1,
        "blank_lines": 1,
        "out_of_order": 1,
    }
    assert source.info.notes["bad_price"] == "b.csv, row 2: price is 'x'"
    assert len(_flagged(rows, Flag.BAD)) == 7
    assert len(_flagged(rows, Flag.ROW_END)) == 10
    assert rows["action"].tolist().count(int(Action.CLEAR)) == 1
    assert rows["qty"].tolist()[-2:] == [3, 4]


def test_one_symbol_of_several(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "b.csv",
        _BOOK,
        _level(0, True, "bid", "9.5", "2", "ETHUSDT"),
        _level(1, True, "bid", "19.125", "2"),
        _level(2, False, "bid", "9.5", "3", "ETHUSDT"),
        _level(3, False, "bid", "19.125", "4"),
    )
    with pytest.raises(FeedError, match="several symbols, choose one with --symbol: ETHUSDT, BTCUSDT"):
        FEED.open([path], Options())
    with pytest.raises(FeedError, match="holds nothing of XRPUSDT"):
        FEED.open([path], Options(symbol="XRPUSDT"))
    source = FEED.open([path], Options(symbol="btcusdt"))
    rows = _rows(source)
    assert (source.info.symbol, source.info.price_unit) == ("BTCUSDT", Decimal("0.001"))
    assert rows["action"].tolist() == [8, 7, 7]
    assert rows["source_row"].tolist() == [1, 1, 3]
    assert source.skipped == {"other_symbol": 2}


def test_the_published_sample(shared_data: Path) -> None:
    folder = shared_data / "tardis"
    book = folder / "tardis_binance_BTCUSDT_incremental_book_L2_2019-12-01_rows_1_2050.csv"
    source = FEED.open([book], Options())
    rows = _rows(source)
    assert (len(rows), len(_flagged(rows, Flag.ROW_END))) == (2051, 2050)
    assert len(_flagged(rows, Flag.EVENT_END)) == 8
    assert not source.skipped
    with pytest.raises(FeedError, match="quotes"):
        FEED.open([folder / "tardis_quotes.csv.zst"], Options())
