"""The generic format: CSV and Parquet give the same rows, bad ones are counted and explained."""

import gzip
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Side, Status
from core.errors import FeedError
from core.feeds import tabular
from core.feeds.source import Options
from core.feeds.tabular import FEED, TabularSource
from core.records import ABSENT

_HEADER = "ts_event,action,side,price,qty,order_id"
_T = 1_700_000_000_000_000_000


def _csv(folder: Path, *rows: str, header: str = _HEADER, name: str = "XYZ.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _rows(source: TabularSource) -> NDArray[np.void]:
    return np.concatenate([batch.rows for batch in source.batches()])


def _read(path: Path, options: Options | None = None) -> tuple[NDArray[np.void], TabularSource]:
    source = FEED.open([path], options or Options())
    return _rows(source), source


def _flags(rows: NDArray[np.void], flag: Flag) -> list[bool]:
    return [bool(value & flag) for value in rows["flags"].tolist()]


def test_every_action(tmp_path: Path) -> None:
    rows, source = _read(
        _csv(
            tmp_path,
            f"{_T},add,B,163.34,100,7,,,5",
            f"{_T},Cancel,B,163.34,40,7,,,",
            f"{_T},execute,b,163.34,10,7,,,",
            f"{_T + 1},replace,bid,163.3,60,7,18446744073709551615,,",
            f"{_T + 1},replace,,163.2,50,18446744073709551615,,,",
            f"{_T + 2},delete,,,,18446744073709551615,,,",
            f"{_T + 3},trade,SELL,163.345,5,,,,",
            f"{_T + 3},level,A,164,0.5,,,,",
            f"{_T + 3},clear,A,,,,,,",
            f"{_T + 4},status,,,,,,halted,",
            header=_HEADER + ",new_order_id,status,ts_recv",
        )
    )
    info = source.info
    assert (info.symbol, info.venue, info.date, info.depth) == ("XYZ", "UNKNOWN", "2023-11-14", Depth.ORDERS)
    assert (info.price_unit, info.qty_unit) == (Decimal("0.001"), Decimal("0.1"))
    assert not source.skipped
    add, cancel, execute, move, keep, delete, trade, level, clear, status = rows
    assert rows["action"].tolist() == [1, 2, 4, 5, 5, 3, 6, 7, 8, 9]
    assert (add["side"], add["price"], add["qty"], add["order_id"], add["ts_recv"]) == (Side.BID, 163340, 1000, 7, 5)
    assert (cancel["qty"], execute["qty"], execute["side"]) == (400, 100, Side.BID)
    assert (move["order_id"], move["new_order_id"], move["price"]) == (7, 2**64 - 1, 163300)
    assert keep["order_id"] == keep["new_order_id"] == 2**64 - 1
    assert (delete["price"], delete["side"], delete["qty"]) == (ABSENT, Side.NONE, 0)
    assert (trade["side"], trade["price"]) == (Side.ASK, 163345)
    assert (level["price"], level["qty"], clear["side"], status["qty"]) == (164000, 5, Side.ASK, Status.HALTED)
    assert all(_flags(rows, Flag.ROW_END))
    assert _flags(rows, Flag.EVENT_END) == [False, False, True, False, True, True, False, False, True, True]
    assert rows["source_row"].tolist() == list(range(10))


def test_statuses(tmp_path: Path) -> None:
    table = [
        f"{_T},status,,,3,",
        f"{_T},status,,2.0,,",
        f"{_T},status,N,,,",
        f"{_T},status,,,quoting,",
        f"{_T},status,,,9,",
    ]
    rows, source = _read(_csv(tmp_path, *table))
    assert rows["qty"].tolist() == [Status.HALTED, Status.TRADING, Status.NONE, Status.QUOTING, 0]
    assert source.skipped == {"bad_status": 1}


def test_anonymous_removals_need_side_price_and_quantity(tmp_path: Path) -> None:
    table = [
        f"{_T},level,B,10,5,",
        f"{_T},cancel,B,10,2,",
        f"{_T},execute,,10,2,",
        f"{_T},delete,B,,2,",
        f"{_T},cancel,B,10,,",
    ]
    rows, source = _read(_csv(tmp_path, *table))
    assert rows["action"].tolist() == [Action.LEVEL, Action.CANCEL] + [Action.STATUS] * 3
    assert rows["order_id"].tolist() == [0] * 5
    assert source.skipped == {"bad_side": 1, "bad_price": 1, "bad_qty": 1}
    assert source.info.depth == Depth.LEVELS


def test_bad_rows_stay_as_rows_and_are_explained(tmp_path: Path) -> None:
    bad = {
        "bad_ts_event": "yesterday,add,B,10,1,1",
        "bad_action": f"{_T + 9},modify,B,10,1,1",
        "bad_side": f"{_T + 9},add,N,10,1,1",
        "bad_side ": f"{_T + 9},trade,Q,10,1,",
        "bad_price": f"{_T + 9},add,B,ten,1,1",
        "bad_qty": f"{_T + 9},add,B,10,,1",
        "bad_order_id": f"{_T + 9},add,B,10,1,abc",
        "field_count": f"{_T + 9},add,B,1,000,5,1",
    }
    rows, source = _read(_csv(tmp_path, f"{_T},add,B,10,1,1", *bad.values(), f"{_T + 10},add,B,10,1,2"))
    assert source.skipped == Counter(map(str.strip, bad))
    assert _flags(rows, Flag.BAD) == [False, *[True] * 8, False]
    assert set(rows["action"][1:-1].tolist()) == {Action.STATUS}
    assert rows["ts_event"][1] == _T
    assert all(_flags(rows, Flag.ROW_END))
    assert source.info.notes["bad_price"] == "XYZ.csv, row 5: price is 'ten'"
    assert source.info.notes["field_count"] == "XYZ.csv, row 8: 7 cells"


def test_a_bad_receive_time_is_counted_and_the_row_used(tmp_path: Path) -> None:
    path = _csv(tmp_path, f"{_T},add,B,10,1,1,soon", f"{_T},add,B,10,1,2,{_T + 5}", header=_HEADER + ",ts_recv")
    rows, source = _read(path)
    assert rows["ts_recv"].tolist() == [ABSENT, _T + 5]
    assert rows["action"].tolist() == [Action.ADD] * 2
    assert source.skipped == {"bad_ts_recv": 1}


def test_fatal_files(tmp_path: Path) -> None:
    for header, rows, reason in (
        ("ts_event,action,side,price,order_id", [], "column qty is missing"),
        (_HEADER + ",price", [], "column price is there 2 times"),
        (_HEADER, [], "no usable row among 0"),
        (_HEADER, ["a,b,c,d,e,f"], "no usable row among 1; the first: bad_ts_event (ts_event is 'a')"),
    ):
        path = _csv(tmp_path, *rows, header=header)
        with pytest.raises(FeedError) as caught:
            FEED.open([path], Options())
        assert reason in str(caught.value)
        assert str(path) in str(caught.value)


def test_wide_numbers_stay_exact(tmp_path: Path) -> None:
    table = [
        f"{_T},add,B,199999.99,1,1",
        f"{_T},add,A,-37.63,1000000000000,2",
        f"{_T},add,A,1e-2,1e12,3",
        f"{_T},add,A,0.004999,123456789012345678901234,4",
    ]
    rows, source = _read(_csv(tmp_path, *table))
    assert [source.info.price_unit * price for price in rows["price"][:3].tolist()] == [
        Decimal("199999.99"),
        Decimal("-37.63"),
        Decimal("0.01"),
    ]
    assert rows["qty"].tolist() == [1, 10**12, 10**12, 0]
    assert source.skipped == {"bad_qty": 1}


def test_options_win(tmp_path: Path) -> None:
    options = Options("ES", "CME", "2020-01-01", Decimal("0.0001"), Decimal("0.1"))
    rows, source = _read(_csv(tmp_path, f"{_T},add,B,10.5,2,1"), options)
    info = source.info
    assert (info.symbol, info.venue, info.date) == ("ES", "CME", "2020-01-01")
    assert (rows["price"][0], rows["qty"][0]) == (105000, 20)


def test_packed_csv_with_bom_quotes_and_windows_lines(tmp_path: Path) -> None:
    text = "\r\n".join(['"TS_EVENT",side,"Action",qty,price,order_id', f'{_T},B,"ADD","1",10.0,5', ""])
    plain = "\n".join([_HEADER, f"{_T},add,B,10,1,5", ""])
    expected, _ = _read(_csv(tmp_path, f"{_T},add,B,10,1,5"))
    for name, data in (
        ("a.csv", b"\xef\xbb\xbf" + text.encode()),
        ("a.csv.gz", gzip.compress(plain.encode())),
        ("a.csv.zst", zstandard.compress(plain.encode())),
        ("no_final_newline", plain.strip().encode()),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        assert FEED.matches(path), name
        assert _read(path)[0].tobytes() == expected.tobytes(), name


def test_several_files_are_one_source(tmp_path: Path) -> None:
    one = _csv(tmp_path, f"{_T},add,B,10,1,1", name="one.csv")
    two = _csv(tmp_path, f"{_T},add,B,10.5,1,2", "x,add,B,1,1,1", name="two.csv")
    source = FEED.open([one, two], Options())
    rows = _rows(source)
    assert rows["price"].tolist() == [100, 105, ABSENT]
    assert rows["source_row"].tolist() == [0, 1, 2]
    assert _flags(rows, Flag.EVENT_END) == [False, False, True]
    assert source.info.notes["bad_ts_event"] == "two.csv, row 1: ts_event is 'x'"
    assert source.progress() == 1.0


def test_events_reach_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = [f"{_T + i // 3},add,B,10,1,{i}" for i in range(100)]
    path = _csv(tmp_path, *table)
    whole = _read(path)[0]
    original = tabular.TextTable.blocks

    def small(self: tabular.TextTable) -> object:
        for block in original(self):
            for line in block.text.splitlines(keepends=True):
                yield type(block)(line, block.share)

    monkeypatch.setattr(tabular.TextTable, "blocks", small)
    source = FEED.open([path], Options())
    assert len(list(source.batches())) == 100
    assert _rows(source).tobytes() == whole.tobytes()


_FRAME = {
    "ts_event": [_T, _T + 1, _T + 2, _T + 3],
    "action": ["add", "trade", "bad,word", "delete"],
    "side": ["A", None, "B", "A"],
    "price": [163.34, 163.345, 1.0, None],
    "qty": [100.0, 5.5, 1.0, None],
    "order_id": [2**64 - 1, 0, 3, 2**64 - 1],
    "other": [[1], [2], [3], [4]],
}


def test_parquet_equals_csv(tmp_path: Path) -> None:
    frame = pl.DataFrame(_FRAME, schema_overrides={"order_id": pl.UInt64})
    frame.write_parquet(tmp_path / "XYZ.parquet")
    frame.drop("other").write_csv(tmp_path / "XYZ.csv")
    one, two = _read(tmp_path / "XYZ.parquet"), _read(tmp_path / "XYZ.csv")
    assert FEED.matches(tmp_path / "XYZ.parquet")
    assert one[0].tobytes() == two[0].tobytes()
    assert one[1].skipped == two[1].skipped == {"bad_action": 1}
    assert one[1].info.price_unit == Decimal("0.001")


def test_parquet_types(tmp_path: Path) -> None:
    path = tmp_path / "typed.parquet"
    plain = pl.DataFrame(_FRAME, schema_overrides={"order_id": pl.UInt64}).drop("other")
    noisy = plain.with_columns(pl.col("price") * 1e9 * 1e-9, pl.col("action").cast(pl.Categorical))
    noisy.with_columns(
        pl.col("ts_event").cast(pl.Datetime("ns", "UTC")), pl.col("qty").cast(pl.Decimal(18, 4))
    ).write_parquet(path, row_group_size=2)
    plain.write_csv(tmp_path / "typed.csv")
    assert _read(path)[0].tobytes() == _read(tmp_path / "typed.csv")[0].tobytes()
    plain.with_columns(pl.col("ts_event").cast(pl.Float64)).write_parquet(path)
    with pytest.raises(FeedError, match="cannot hold nanoseconds"):
        FEED.open([path], Options())
    plain.with_columns(pl.lit(True).alias("side")).write_parquet(path)
    with pytest.raises(FeedError, match="column side has type Boolean"):
        FEED.open([path], Options())
    path.write_bytes(b"PAR1 and nothing more")
    assert not FEED.matches(path)
    with pytest.raises(FeedError, match="Parquet"):
        FEED.open([path], Options())


def test_only_its_own_files_match(tmp_path: Path) -> None:
    for name, data in (
        ("empty", b""),
        ("tardis.csv", b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"),
        ("lobster.csv", b"34200.1,1,5,100,1000000,1\n"),
        ("binary", bytes(range(256))),
        ("broken.gz", b"\x1f\x8b\x08nonsense"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        assert not FEED.matches(path), name
