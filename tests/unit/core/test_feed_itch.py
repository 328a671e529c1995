"""The ITCH importer against a test encoder, a second decoder and real files."""

import csv
import gzip
import importlib.util
import io
import struct
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Side, Status
from core.errors import FeedError
from core.feeds import window
from core.feeds.itch import FEED, ItchSource, date_in_name, midnight_ns
from core.feeds.itch_frames import SIZES
from core.feeds.source import Options
from core.records import ABSENT, ROW

END = Flag.ROW_END | Flag.EVENT_END
T0 = 34_200_000_000_000
DAY = "2019-01-30"


def _encoder() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "encoders" / "itch.py"
    spec = importlib.util.spec_from_file_location("itch_encoder", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


itch = _encoder()


def opened(tmp_path: Path, data: bytes, symbol: str | None = "AAPL", date: str | None = DAY) -> ItchSource:
    path = tmp_path / "day.itch"
    path.write_bytes(data)
    return FEED.open([path], Options(symbol=symbol, date=date))


def rows_of(source: ItchSource) -> NDArray[np.void]:
    return np.concatenate([np.zeros(0, ROW)] + [batch.rows for batch in source.batches()])


def decoded(tmp_path: Path, bodies: Sequence[bytes], **options: Any) -> NDArray[np.void]:
    return rows_of(opened(tmp_path, itch.capture([itch.directory(14, 1, "AAPL"), *bodies]), **options))


def one(tmp_path: Path, body: bytes, **options: Any) -> dict[str, Any]:
    rows = decoded(tmp_path, [body], **options)
    assert len(rows) == 1
    return {name: rows[0][name].item() for name in ROW.names or ()}


def test_both_tables_of_lengths_agree() -> None:
    assert {kind.encode(): size for kind, size in SIZES.items()} == itch.LENGTHS


def test_add_carries_everything(tmp_path: Path) -> None:
    row = one(tmp_path, itch.add(14, T0 + 7, "AAPL", 2**63 + 5, "S", 300, 1_633_400))
    assert row == {
        "ts_event": midnight_ns(DAY) + T0 + 7,
        "ts_recv": ABSENT,
        "order_id": 2**63 + 5,
        "new_order_id": 0,
        "price": 1_633_400,
        "qty": 300,
        "source_row": 1,
        "action": Action.ADD,
        "side": Side.ASK,
        "flags": END,
        "pad": 0,
    }


def test_attributed_add_is_an_add(tmp_path: Path) -> None:
    row = one(tmp_path, itch.add(14, T0, "AAPL", 5, "B", 3, 10_000, "GSCO"))
    assert (row["action"], row["side"], row["qty"], row["price"]) == (Action.ADD, Side.BID, 3, 10_000)


@pytest.mark.parametrize(
    ("body", "action", "qty", "price", "flags"),
    [
        (lambda: itch.execute(14, T0, 5, 40), Action.EXECUTE, 40, ABSENT, END),
        (lambda: itch.execute_at(14, T0, 5, 40, 777), Action.EXECUTE, 40, 777, END),
        (lambda: itch.execute_at(14, T0, 5, 40, 777, False), Action.EXECUTE, 40, 777, END | Flag.SILENT),
        (lambda: itch.cancel(14, T0, 5, 40), Action.CANCEL, 40, ABSENT, END),
        (lambda: itch.delete(14, T0, 5), Action.DELETE, 0, ABSENT, END),
    ],
)
def test_what_happens_to_an_order(tmp_path: Path, body: Any, action: int, qty: int, price: int, flags: int) -> None:
    row = one(tmp_path, body())
    assert (row["action"], row["order_id"], row["side"]) == (action, 5, Side.NONE)
    assert (row["qty"], row["price"], row["flags"]) == (qty, price, flags)


def test_replace_has_both_ids(tmp_path: Path) -> None:
    row = one(tmp_path, itch.replace(14, T0, 5, 6, 70, 990))
    assert (row["action"], row["order_id"], row["new_order_id"]) == (Action.REPLACE, 5, 6)
    assert (row["side"], row["qty"], row["price"]) == (Side.NONE, 70, 990)


@pytest.mark.parametrize(
    ("date", "letter", "side"),
    [
        ("2014-07-11", "B", Side.ASK),
        ("2014-07-11", "S", Side.BID),
        ("2014-07-14", "B", Side.NONE),
        (DAY, "S", Side.BID),
    ],
)
def test_hidden_trade_has_an_aggressor_where_the_feed_says_one(
    tmp_path: Path, date: str, letter: str, side: int
) -> None:
    row = one(tmp_path, itch.trade(14, T0, "AAPL", letter, 9, 1_000_050), date=date)
    assert (row["action"], row["side"], row["flags"]) == (Action.TRADE, side, END | Flag.HIDDEN)
    assert (row["qty"], row["price"]) == (9, 1_000_050)


def test_cross_has_no_side_and_an_empty_cross_no_print(tmp_path: Path) -> None:
    source = opened(
        tmp_path,
        itch.capture(
            [itch.directory(14, 1, "AAPL"), itch.cross(14, T0, "AAPL", 2**33, 55), itch.cross(14, T0, "AAPL", 0, 0)]
        ),
    )
    rows = rows_of(source)
    assert rows["action"].tolist() == [Action.TRADE, Action.STATUS]
    assert rows["side"].tolist() == [0, 0]
    assert rows["flags"].tolist() == [END | Flag.CROSS, END]
    assert (rows["qty"].tolist(), rows["price"].tolist()) == ([2**33, 0], [55, ABSENT])
    assert source.skipped == {"empty_cross": 1, "ignored_R": 1}


def test_broken_trade_keeps_its_row_and_is_counted(tmp_path: Path) -> None:
    source = opened(tmp_path, itch.capture([itch.directory(14, 1, "AAPL"), itch.broken(14, T0)]))
    rows = rows_of(source)
    assert (rows["action"].tolist(), rows["qty"].tolist()) == ([Action.STATUS], [Status.NONE])
    assert source.skipped["broken_trade"] == 1


def test_status_of_the_session_and_of_the_stock(tmp_path: Path) -> None:
    bodies = [itch.system(1, code) for code in "OSQMEC"]
    assert decoded(tmp_path, bodies)["qty"].tolist() == [
        Status.PRE_OPEN, Status.PRE_OPEN, Status.TRADING, Status.CLOSED, Status.CLOSED, Status.CLOSED,
    ]  # fmt: skip
    bodies = [itch.action(14, 1, "AAPL", state) for state in "THQPT"]
    assert decoded(tmp_path, bodies)["qty"].tolist() == [
        Status.TRADING, Status.HALTED, Status.QUOTING, Status.HALTED, Status.TRADING,
    ]  # fmt: skip


def test_a_halted_stock_does_not_open_with_the_market(tmp_path: Path) -> None:
    bodies = [
        itch.action(14, 1, "AAPL", "H"),
        itch.system(2, "Q"),
        itch.action(14, 3, "AAPL", "T"),
        itch.system(4, "Q"),
    ]
    assert decoded(tmp_path, bodies)["qty"].tolist() == [Status.HALTED, Status.HALTED, Status.TRADING, Status.TRADING]


def test_operational_halt_counts_on_nasdaq_only(tmp_path: Path) -> None:
    cases = [("Q", "H"), ("Q", "T"), ("B", "H")]
    bodies = [itch.operational(14, i, "AAPL", market, state) for i, (market, state) in enumerate(cases)]
    assert decoded(tmp_path, bodies)["qty"].tolist() == [Status.HALTED, Status.TRADING, Status.NONE]


def test_halts_of_other_stocks_are_theirs(tmp_path: Path) -> None:
    assert len(decoded(tmp_path, [itch.directory(15, 1, "MSFT"), itch.action(15, 2, "MSFT", "H")])) == 0


def test_all_types_are_known_and_what_has_no_book_effect_is_counted(tmp_path: Path) -> None:
    quiet = "YLKJION"
    data = itch.capture(
        [itch.directory(14, 1, "AAPL")]
        + [itch.other(kind, 14, T0) for kind in quiet]
        + [itch.other(kind, 0, T0) for kind in "VW"]
        + [itch.add(15, T0, "MSFT", 1, "B", 1, 1)]
    )
    source = opened(tmp_path, data)
    assert len(rows_of(source)) == 0
    assert source.skipped == {"ignored_R": 1, **{f"ignored_{k}": 1 for k in quiet + "VW"}, "other_symbol": 1}
    assert source.messages == 11


def test_source_row_counts_all_messages_of_all_files(tmp_path: Path) -> None:
    first, second = tmp_path / "01302019.a", tmp_path / "01302019.b"
    first.write_bytes(itch.capture([itch.system(1, "O"), itch.directory(14, 1, "AAPL"), itch.directory(15, 1, "MSFT")]))
    second.write_bytes(itch.capture([itch.add(15, T0, "MSFT", 1, "B", 1, 1), itch.add(14, T0, "AAPL", 2, "B", 1, 1)]))
    source = FEED.open([first, second], Options(symbol="AAPL"))
    assert rows_of(source)["source_row"].tolist() == [0, 4]
    assert source.progress() == 1.0


def test_source_says_what_it_is(tmp_path: Path) -> None:
    info = opened(tmp_path, itch.capture([itch.directory(14, 1, "AAPL")]), "aapl").info
    assert (info.symbol, info.venue, info.date, info.timezone) == ("AAPL", "XNAS", DAY, "America/New_York")
    assert (info.depth, str(info.price_unit), str(info.usual_tick)) == (Depth.ORDERS, "0.0001", "0.01")
    assert (str(info.qty_unit), str(info.usual_lot)) == ("1", "1")


# --- choosing the stock ---------------------------------------------------------------------------


def _three() -> list[bytes]:
    return [itch.directory(i, i, name) for i, name in enumerate(["AAPL", "AAP", "MSFT"], 1)]


def test_the_only_stock_with_orders_is_chosen(tmp_path: Path) -> None:
    source = opened(tmp_path, itch.capture([*_three(), itch.add(3, T0, "MSFT", 1, "B", 1, 1)]), None)
    assert source.info.symbol == "MSFT"
    assert len(rows_of(source)) == 1


def test_several_stocks_with_orders_need_a_choice(tmp_path: Path) -> None:
    bodies = [*_three(), *(itch.add(i, T0, n, i, "B", 1, 1) for i, n in ((1, "AAPL"), (3, "MSFT"), (3, "MSFT")))]
    with pytest.raises(FeedError, match=r"2 stocks have orders \(MSFT, AAPL\): choose one with --symbol"):
        opened(tmp_path, itch.capture(bodies), None)


def test_a_second_stock_far_into_the_file_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_BLOCK", 256)
    bodies = [*_three(), *(itch.add(1, T0, "AAPL", i, "B", 1, 1) for i in range(50)), itch.delete(3, T0, 1)]
    source = opened(tmp_path, itch.capture(bodies), None)
    assert source.info.symbol == "AAPL"
    with pytest.raises(FeedError, match=r"row 53: more than one stock has orders"):
        rows_of(source)


def test_unknown_stock_names_its_neighbours(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"no stock 'APPL' among 3; near: AAPL, AAP"):
        opened(tmp_path, itch.capture(_three()), "APPL")


def test_unknown_stock_is_refused_when_the_market_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_BLOCK", 256)
    first, late = _adds(40), itch.add(9, T0, "LATE", 99, "B", 1, 1)
    with pytest.raises(FeedError, match="no stock 'LATE' among 3"):
        opened(tmp_path, itch.capture([*_three(), itch.system(T0, "Q"), *first, late]), "LATE")
    assert len(rows_of(opened(tmp_path, itch.capture([*_three(), *first, late]), "LATE"))) == 1


def test_no_orders_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no order messages for any of 3 stocks"):
        opened(tmp_path, itch.capture(_three()), None)


def test_a_cut_out_piece_without_directory_knows_stocks_from_adds(tmp_path: Path) -> None:
    data = itch.capture([itch.add(3, T0, "MSFT", 1, "B", 1, 1), itch.delete(3, T0, 1)])
    assert len(rows_of(opened(tmp_path, data, "MSFT"))) == 2
    assert opened(tmp_path, data, None).info.symbol == "MSFT"


def test_a_later_directory_moves_the_locate_code(tmp_path: Path) -> None:
    bodies = [itch.add(14, T0, "AAPL", 1, "B", 1, 1), itch.directory(20, T0, "AAPL"), itch.delete(20, T0, 1)]
    assert decoded(tmp_path, bodies)["action"].tolist() == [Action.ADD, Action.DELETE]


def test_an_add_of_another_stock_under_the_same_code_is_bad(tmp_path: Path) -> None:
    row = one(tmp_path, itch.add(14, T0, "MSFT", 1, "B", 1, 1))
    assert row["flags"] == END | Flag.BAD


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("01302019.NASDAQ_ITCH50.gz", "2019-01-30"),
        ("S013019-v50.txt.gz", "2019-01-30"),
        ("20190530.BX_ITCH_50.gz", "2019-05-30"),
        ("aapl_2019-01-30.itch", "2019-01-30"),
        ("ex20101224.TEST_ITCH_50.gz", "2010-12-24"),
        ("12202010.itch", "2010-12-20"),
        ("13322019.itch", None),
        ("sample.itch", None),
        ("order123456789.itch", None),
    ],
)
def test_dates_in_names(name: str, date: str | None) -> None:
    assert date_in_name(name) == date


def test_times_are_those_of_new_york() -> None:
    assert midnight_ns("2019-01-30") == 1_548_824_400 * 10**9  # 05:00 UTC
    assert midnight_ns("2019-07-30") == 1_564_459_200 * 10**9  # 04:00 UTC


def test_a_date_is_asked_for_and_checked(tmp_path: Path) -> None:
    data = itch.capture(_three())
    with pytest.raises(FeedError, match="give it with --date"):
        opened(tmp_path, data, date=None)
    with pytest.raises(FeedError, match=r"'30\.1\.2019' is not a date"):
        opened(tmp_path, data, date="30.1.2019")


def test_files_of_two_days_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "01302019.itch", tmp_path / "01312019.itch"]
    for path in paths:
        path.write_bytes(itch.capture(_three()))
    with pytest.raises(FeedError, match="different days"):
        FEED.open(paths, Options(symbol="AAPL"))


@pytest.mark.parametrize(("name", "venue"), [("20190530.BX_ITCH_50", "XBOS"), ("20190530.PSX_ITCH_50", "XPSX")])
def test_sister_markets_have_their_own_code(tmp_path: Path, name: str, venue: str) -> None:
    path = tmp_path / name
    path.write_bytes(itch.capture(_three()))
    assert FEED.open([path], Options(symbol="AAPL")).info.venue == venue


# --- damage ---------------------------------------------------------------------------------------


def _adds(count: int, first: int = 0) -> list[bytes]:
    return [itch.add(14, T0 + i, "AAPL", first + i, "B", 100, 10_000 + i) for i in range(count)]


def _broken_at(tmp_path: Path, bodies: Sequence[bytes], data: bytes | None = None) -> tuple[list[int], dict[str, int]]:
    source = opened(tmp_path, data if data is not None else itch.capture([itch.directory(14, 1, "AAPL"), *bodies]))
    ids = rows_of(source)["order_id"].tolist()
    return ids, {kind: n for kind, n in source.skipped.items() if kind != "ignored_R"}


def test_unknown_types_are_stepped_over(tmp_path: Path) -> None:
    ids, skipped = _broken_at(tmp_path, [*_adds(2), b"z" + bytes(18), b"z" + bytes(20), *_adds(2, 2)])
    assert ids == [0, 1, 2, 3]
    assert skipped == {"unknown_type_z": 2}


def test_wrong_lengths_are_stepped_over(tmp_path: Path) -> None:
    ids, skipped = _broken_at(tmp_path, [*_adds(2), _adds(1)[0] + b"??", *_adds(2, 2)])
    assert ids == [0, 1, 2, 3]
    assert skipped == {"wrong_length_A": 1}


@pytest.mark.parametrize("lie", [0x0001, 0x0023, 0x00FF, 0xFFFF])
def test_a_lying_length_costs_one_message(tmp_path: Path, lie: int) -> None:
    data = bytearray(itch.capture([itch.directory(14, 1, "AAPL"), *_adds(9)]))
    at = 41 + 4 * 38
    data[at : at + 2] = lie.to_bytes(2, "big")
    ids, skipped = _broken_at(tmp_path, [], bytes(data))
    assert ids == [0, 1, 2, 3, 5, 6, 7, 8]
    assert skipped == {"wrong_length_A": 1, "lost_bytes": 38}


def test_bytes_lost_in_the_middle_spoil_no_row(tmp_path: Path) -> None:
    data = itch.capture([itch.directory(14, 1, "AAPL"), *_adds(9)])
    cut = 41 + 3 * 38 + 10
    source = opened(tmp_path, data[:cut] + data[cut + 50 :])  # the 4th message now ends inside the 6th
    rows = rows_of(source)
    assert rows["order_id"][(rows["flags"] & Flag.BAD) == 0].tolist() == [0, 1, 2, 6, 7, 8]
    assert source.skipped["stock_mismatch"] == 1
    assert source.skipped["lost_bytes"] == 26


def test_zero_lengths_are_taken_from_the_types(tmp_path: Path) -> None:
    bodies = [itch.directory(14, 1, "AAPL"), *_adds(3)]
    source = opened(tmp_path, itch.capture(bodies, prefixed=False))
    assert len(rows_of(source)) == 3
    assert "zero" in source.info.notes["framing"]


@pytest.mark.parametrize("cut", range(1, 38))
def test_a_truncated_tail_is_counted_in_bytes(tmp_path: Path, cut: int) -> None:
    data = itch.capture([itch.directory(14, 1, "AAPL"), *_adds(3)])
    ids, skipped = _broken_at(tmp_path, [], data[:-cut])
    assert ids == [0, 1]
    assert skipped == {"truncated_bytes": 38 - cut}


def test_the_end_of_session_mark_is_no_damage(tmp_path: Path) -> None:
    ids, skipped = _broken_at(tmp_path, [], itch.capture([itch.directory(14, 1, "AAPL"), *_adds(3)]) + b"\0\0")
    assert (ids, skipped) == ([0, 1, 2], {})


def test_a_time_beyond_the_day_makes_the_row_bad(tmp_path: Path) -> None:
    source = opened(
        tmp_path,
        itch.capture([itch.directory(14, 1, "AAPL"), *_adds(1), itch.delete(14, 86_400 * 10**9, 0)]),
    )
    rows = rows_of(source)
    assert rows["flags"].tolist() == [END, END | Flag.BAD]
    assert rows["ts_event"][0] == rows["ts_event"][1]
    assert source.skipped["bad_time"] == 1


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello, this is not market data at all" * 9, bytes(1000)])
def test_what_is_no_itch_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "20190130.itch"
    path.write_bytes(data)
    assert not FEED.matches(path)
    with pytest.raises(FeedError):
        FEED.open([path], Options(symbol="AAPL"))


def test_no_such_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="No such file"):
        FEED.open([tmp_path / "20190130.itch"], Options())
    assert not FEED.matches(tmp_path / "20190130.itch")


# --- reading --------------------------------------------------------------------------------------


def _packed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data)
    return zstandard.compress(data) if suffix == ".zst" else data


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_packed_files_give_the_same_rows(tmp_path: Path, suffix: str) -> None:
    data = itch.capture([itch.directory(14, 1, "AAPL"), *_adds(50)])
    path = tmp_path / f"20190130.itch{suffix}"
    path.write_bytes(_packed(data, suffix))
    assert FEED.matches(path)
    assert rows_of(FEED.open([path], Options(symbol="AAPL")))["order_id"].tolist() == list(range(50))


def test_a_truncated_archive_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "20190130.itch.gz"
    path.write_bytes(gzip.compress(itch.capture([itch.directory(14, 1, "AAPL"), *_adds(5000)]))[:-900])
    with pytest.raises(FeedError, match="truncated"):
        rows_of(FEED.open([path], Options(symbol="AAPL")))


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    data, messages = itch.day(np.random.default_rng(3), 60, 3)
    whole = rows_of(opened(tmp_path, data, "S00001"))
    monkeypatch.setattr(window, "_BLOCK", block)
    source = opened(tmp_path, data, "S00001")
    assert np.array_equal(rows_of(source), whole)
    assert source.messages == messages


def test_full_batches_go_on_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = itch.day(np.random.default_rng(3), 300, 2)
    whole = rows_of(opened(tmp_path, data, "S00001"))
    monkeypatch.setattr("core.feeds.itch._ROWS", 16)
    batches = list(opened(tmp_path, data, "S00001").batches())
    assert {len(batch.rows) for batch in batches[:-1]} == {16}
    assert np.array_equal(np.concatenate([batch.rows for batch in batches]), whole)


def _plain(data: bytes, wanted: str) -> list[tuple[int, ...]]:
    """A second decoder, one message at a time: (ordinal, action, id, new id, price, qty)."""
    out: list[tuple[int, ...]] = []
    at = ordinal = 0
    locate = -1
    while at < len(data):
        size = struct.unpack_from(">H", data, at)[0]
        body, at = data[at + 2 : at + 2 + size], at + 2 + size
        kind, here = body[:1], struct.unpack_from(">H", body, 1)[0]
        if kind == b"R" and body[11:19].decode().strip() == wanted:
            locate = here
        elif kind == b"A" and here == locate:
            ref, _, qty, _, price = struct.unpack(">QcI8sI", body[11:])
            out.append((ordinal, Action.ADD, ref, 0, price, qty))
        elif kind == b"U" and here == locate:
            old, new, qty, price = struct.unpack(">QQII", body[11:])
            out.append((ordinal, Action.REPLACE, old, new, price, qty))
        elif kind in (b"E", b"X", b"D") and here == locate:
            (ref,) = struct.unpack_from(">Q", body, 11)
            qty = 0 if kind == b"D" else struct.unpack_from(">I", body, 19)[0]
            action = {b"E": Action.EXECUTE, b"X": Action.CANCEL, b"D": Action.DELETE}[kind]
            out.append((ordinal, action, ref, 0, ABSENT, qty))
        ordinal += 1
    return out


def test_a_second_decoder_agrees_on_a_day(tmp_path: Path) -> None:
    data, messages = itch.day(np.random.default_rng(11), 4000, 5)
    source = opened(tmp_path, data, "S00003")
    rows = rows_of(source)
    rows = rows[rows["action"] != Action.STATUS]
    fields = ("source_row", "action", "order_id", "new_order_id", "price", "qty")
    assert [tuple(int(row[name]) for name in fields) for row in rows] == _plain(data, "S00003")
    assert source.messages == messages
    assert messages == len(rows) + 2 + source.skipped["other_symbol"] + source.skipped["ignored_R"]
    assert np.all(np.diff(rows["ts_event"]) >= 0)


def test_every_reference_of_the_made_up_day_resolves(tmp_path: Path) -> None:
    rows = rows_of(opened(tmp_path, itch.day(np.random.default_rng(5), 2000, 2)[0], "S00000"))
    live: dict[int, int] = {}
    for row in rows:
        action, order = row["action"], int(row["order_id"])
        if action == Action.ADD:
            live[order] = int(row["qty"])
        elif action == Action.REPLACE:
            del live[order]
            live[int(row["new_order_id"])] = int(row["qty"])
        elif action in (Action.EXECUTE, Action.CANCEL):
            live[order] -= int(row["qty"])
        elif action == Action.DELETE:
            assert live.pop(order) > 0
    assert not live


# --- real files -----------------------------------------------------------------------------------


def test_the_small_capture_with_zero_lengths(shared_data: Path) -> None:
    path = shared_data / "itch" / "ex20101224.TEST_ITCH_50.gz"
    assert FEED.matches(path)
    total = 0
    for symbol in ("ALC", "BOB", "CHAR"):
        source = FEED.open([path], Options(symbol=symbol))
        rows = rows_of(source)
        total += int(np.count_nonzero(rows["action"] != Action.STATUS))
        assert source.messages == 12_012
        assert source.info.date == "2010-12-24"
    assert total == 5000 + 4997 + 1745 + 198 + 45 + 12 + 3
    with pytest.raises(FeedError, match=r"3 stocks have orders \(BOB, CHAR, ALC\)"):
        FEED.open([path], Options())


def test_the_small_capture_of_a_morning(shared_data: Path) -> None:
    path = shared_data / "itch" / "bbekele_sample.itch"
    assert FEED.matches(path)
    source = FEED.open([path], Options(symbol="AA", date="2019-01-30"))
    rows = rows_of(source)
    assert rows["qty"].tolist() == [Status.PRE_OPEN, Status.TRADING]
    assert source.messages == 1000
    with pytest.raises(FeedError, match="no order messages for any of 993 stocks"):
        FEED.open([path], Options(date="2019-01-30"))


def _encoded(event: dict[str, str]) -> bytes:
    """One row of the decoded sample as the message that it was."""
    locate, ts, kind = int(event["stock_locate"]), int(event["timestamp_ns"]), event["message_type"]
    order, size = int(event["order_id"]), int(event["size"] or 0)
    price = round(float(event["price"] or 0) * 10_000)
    side = "B" if event["direction"] == "1" else "S"
    body: bytes
    if kind in "AF":
        body = itch.add(locate, ts, "AAPL", order, side, size, price, "ABCD" if kind == "F" else None)
    elif kind == "U":
        body = itch.replace(locate, ts, int(float(event["old_order_id"])), order, size, price)
    elif kind == "C":
        body = itch.execute_at(locate, ts, order, size, round(float(event["execution_price"]) * 10_000))
    elif kind == "D":
        body = itch.delete(locate, ts, order)
    else:
        body = {"E": itch.execute, "X": itch.cancel}[kind](locate, ts, order, size)
    return body


def test_the_real_sample_survives_a_round_trip(tmp_path: Path, shared_data: Path) -> None:
    packed = (shared_data / "itch" / "AAPL_20190130_first10k_events.csv.zst").read_bytes()
    text = zstandard.ZstdDecompressor().stream_reader(packed).read().decode()
    events = list(csv.DictReader(io.StringIO(text)))
    data = itch.capture([itch.directory(14, 1, "AAPL"), *map(_encoded, events)])
    rows = rows_of(opened(tmp_path, data))
    assert len(rows) == len(events) == 10_000
    kinds = {"A": Action.ADD, "F": Action.ADD, "E": Action.EXECUTE, "C": Action.EXECUTE, "X": Action.CANCEL}
    kinds |= {"D": Action.DELETE, "U": Action.REPLACE}
    for row, event in zip(rows, events, strict=True):
        kind = event["message_type"]
        assert row["action"] == kinds[kind]
        assert row["ts_event"] == midnight_ns(DAY) + int(event["timestamp_ns"])
        assert row["new_order_id" if kind == "U" else "order_id"] == int(event["order_id"])
        if kind != "D":
            assert row["qty"] == int(event["size"])
        if kind in "AFU":
            assert row["price"] == round(float(event["price"]) * 10_000)
        if kind in "AF":
            assert row["side"] == int(event["direction"])
