"""The DBN importer against records made by the maintained library, and real files."""

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Side, Status
from core.errors import FeedError
from core.feeds import window
from core.feeds.dbn import FEED, DbnSource
from core.feeds.source import Options
from core.records import ABSENT, ROW

dbn = pytest.importorskip("databento_dbn")

T0 = 1_715_126_400_000_000_000  # 2024-05-08
ES, NQ = 5602, 5603
LAST, TOB, SNAPSHOT, BAD_TS, MAYBE_BAD = 128, 64, 32, 8, 4
UNDEF = 2**63 - 1
END = Flag.ROW_END | Flag.EVENT_END
NAMES = {"ESM4": ES, "NQM4": NQ}


def header(
    schema: str | None = "mbo", names: dict[str, int] | None = None, ts_out: bool = False, version: int = 3
) -> bytes:
    chosen = {"ESM4": ES} if names is None else names
    days = {"start_date": dt.date(2024, 5, 8), "end_date": dt.date(2024, 5, 9)}
    mappings = [
        SimpleNamespace(raw_symbol=name, intervals=[SimpleNamespace(**days, symbol=str(number))])
        for name, number in chosen.items()
    ]
    meta = dbn.Metadata(
        "GLBX.MDP3", T0, dbn.SType.RAW_SYMBOL, dbn.SType.INSTRUMENT_ID, dbn.Schema(schema) if schema else None,
        list(chosen), mappings=mappings, ts_out=ts_out, version=version,
    )  # fmt: skip
    return bytes(meta.encode())


def mbo(
    action: str,
    side: str = "B",
    price: int = 5_000,
    size: int = 1,
    order: int = 7,
    flags: int = LAST,
    ts: int = 5,
    **more: Any,
) -> bytes:
    """One MBO record; prices in whole points."""
    at = T0 + ts
    record = dbn.MBOMsg(
        more.get("publisher", 1), more.get("instrument", ES), more.get("event", at), order,
        price if price == UNDEF else price * 10**9, size, dbn.Action(action), dbn.Side(side),
        more.get("receive", at + 100), flags=flags, channel_id=3, ts_in_delta=9, sequence=11,
    )  # fmt: skip
    return bytes(record)


def mbp(
    levels: Sequence[tuple[int, int, int, int]], action: str = "A", flags: int = LAST, top: bool = False, **more: Any
) -> bytes:
    """One MBP record; levels are bid price, bid size, ask price, ask size, price 0 = none."""
    padded = [*levels, *[(0, 0, 0, 0)] * (10 - len(levels))]
    pairs = [
        dbn.BidAskPair(b * 10**9 if b else UNDEF, a * 10**9 if a else UNDEF, bs, asz, 1, 1) for b, bs, a, asz in padded
    ]
    kind = dbn.MBP1Msg if top else dbn.MBP10Msg
    record = kind(
        1, more.get("instrument", ES), T0 + 5, more.get("price", 0) * 10**9, more.get("size", 0), dbn.Action(action),
        dbn.Side(more.get("side", "N")), 0, T0 + 105, flags=flags, levels=pairs[0] if top else pairs,
    )  # fmt: skip
    return bytes(record)


def opened(tmp_path: Path, head: bytes, records: Iterable[bytes], symbol: str | None = None) -> DbnSource:
    path = tmp_path / "day.dbn"
    path.write_bytes(head + b"".join(records))
    return FEED.open([path], Options(symbol=symbol))


def rows_of(source: DbnSource) -> NDArray[np.void]:
    return np.concatenate([np.zeros(0, ROW)] + [batch.rows for batch in source.batches()])


def decoded(tmp_path: Path, *records: bytes, schema: str = "mbo") -> NDArray[np.void]:
    return rows_of(opened(tmp_path, header(schema), records))


def as_dict(row: np.void) -> dict[str, int]:
    return {name: row[name].item() for name in ROW.names or ()}


# --- MBO ------------------------------------------------------------------------------------------


def test_an_add_carries_everything(tmp_path: Path) -> None:
    rows = decoded(tmp_path, mbo("A", "A", 5_214, 3, 2**63 + 9))
    assert [as_dict(row) for row in rows] == [
        {
            "ts_event": T0 + 5,
            "ts_recv": T0 + 105,
            "order_id": 2**63 + 9,
            "new_order_id": 0,
            "price": 5_214 * 10**9,
            "qty": 3,
            "source_row": 0,
            "action": Action.ADD,
            "side": Side.ASK,
            "flags": END,
            "pad": 0,
        }
    ]


def test_actions_and_sides(tmp_path: Path) -> None:
    rows = decoded(
        tmp_path,
        mbo("C", "B", size=2),
        mbo("M", "A", 4_999, 5, 8),
        mbo("T", "A", order=0, flags=0),
        mbo("F", "B", order=1),
        mbo("N", "N", UNDEF, 0, 0),
        mbo("R", "N", UNDEF, 0, 0),
    )
    assert rows["action"].tolist() == [
        Action.CANCEL, Action.REPLACE, Action.TRADE, Action.STATUS, Action.STATUS, Action.CLEAR,
    ]  # fmt: skip
    assert rows["side"].tolist() == [Side.BID, Side.ASK, Side.ASK, Side.BID, Side.NONE, Side.NONE]
    assert rows["qty"].tolist() == [2, 5, 1, Status.NONE, Status.NONE, 0]
    assert (rows["order_id"][1], rows["new_order_id"][1]) == (8, 8)
    assert rows["price"][-2:].tolist() == [ABSENT, ABSENT]
    assert [bool(flag & Flag.EVENT_END) for flag in rows["flags"]] == [True, True, False, True, True, True]
    assert all(rows["flags"] & Flag.ROW_END)
    assert rows["source_row"].tolist() == list(range(6))


def test_negative_prices_pass(tmp_path: Path) -> None:
    assert decoded(tmp_path, mbo("A", price=-37))["price"].tolist() == [-37 * 10**9]


def test_the_cancel_of_a_fill_is_a_silent_execution(tmp_path: Path) -> None:
    rows = decoded(
        tmp_path,
        mbo("T", "A", size=3, order=0, flags=0),
        mbo("F", "B", size=1, order=1, flags=0),
        mbo("F", "B", size=2, order=2, flags=0),
        mbo("C", "B", size=1, order=1, flags=0),
        mbo("C", "B", size=4, order=3, flags=0),
        mbo("C", "B", size=2, order=2),
    )
    assert rows["action"][3:].tolist() == [Action.EXECUTE, Action.CANCEL, Action.EXECUTE]
    assert [bool(flag & Flag.SILENT) for flag in rows["flags"]] == [False, False, False, True, False, True]
    assert rows["qty"][3:].tolist() == [1, 4, 2]


def test_a_cancel_of_more_than_was_filled_is_split(tmp_path: Path) -> None:
    rows = decoded(
        tmp_path, mbo("F", size=1, order=1, flags=0), mbo("F", size=1, order=1, flags=0), mbo("C", size=5, order=1)
    )
    assert rows["action"].tolist() == [Action.STATUS, Action.STATUS, Action.EXECUTE, Action.CANCEL]
    assert rows["qty"].tolist() == [0, 0, 2, 3]
    assert rows["flags"][2:].tolist() == [Flag.SILENT, END]
    assert rows["source_row"].tolist() == [0, 1, 2, 2]
    assert np.count_nonzero(rows["flags"] & Flag.ROW_END) == 3


def test_fills_do_not_outlive_their_event(tmp_path: Path) -> None:
    rows = decoded(tmp_path, mbo("F", size=1, order=1), mbo("C", size=1, order=1))
    assert rows["action"].tolist() == [Action.STATUS, Action.CANCEL]


def test_an_event_of_very_many_fills_says_what_it_forgot(tmp_path: Path) -> None:
    count = 1100
    fills = [mbo("F", order=i, flags=0) for i in range(count)]
    source = opened(tmp_path, header(), fills + [mbo("C", order=i, flags=0) for i in range(count)])
    rows = rows_of(source)
    assert np.count_nonzero(rows["action"] == Action.EXECUTE) == 1024
    assert source.skipped == {"untracked_fills": count - 1024}


def test_a_cancel_without_quantity_takes_the_order(tmp_path: Path) -> None:
    assert decoded(tmp_path, mbo("C", size=2**32 - 1), mbo("C", size=0))["action"].tolist() == [Action.DELETE] * 2


def test_snapshot_rows_are_stated_at_the_time_of_the_snapshot(tmp_path: Path) -> None:
    old = T0 - 3 * 86_400 * 10**9
    rows = decoded(
        tmp_path,
        mbo("R", "N", UNDEF, 0, 0, SNAPSHOT | BAD_TS, event=old, receive=T0),
        mbo("A", flags=SNAPSHOT | BAD_TS | LAST, event=old, receive=T0),
        mbo("A", order=8),
    )
    assert rows["ts_event"].tolist() == [T0, T0, T0 + 5]
    assert rows["flags"].tolist() == [Flag.SNAPSHOT | Flag.ROW_END, Flag.SNAPSHOT | END, END]
    assert opened(tmp_path, header(), [mbo("A", flags=SNAPSHOT, event=old, receive=T0)]).info.date == "2024-05-08"


def test_warning_flags_are_counted_and_drop_nothing(tmp_path: Path) -> None:
    records = [
        mbo("A", order=1, flags=BAD_TS),
        mbo("A", order=2, flags=MAYBE_BAD),
        mbo("A", order=3, flags=BAD_TS | SNAPSHOT),
    ]
    source = opened(tmp_path, header(), records)
    assert rows_of(source)["order_id"].tolist() == [1, 2, 3]
    assert source.skipped == {"flag_bad_ts_recv": 1, "flag_maybe_bad_book": 1}


def test_a_top_of_book_add_replaces_its_side(tmp_path: Path) -> None:
    rows = decoded(tmp_path, mbo("A", "A", 101, 5, 0, LAST | TOB), mbo("A", "A", UNDEF, 0, 0, LAST | TOB))
    assert rows["action"].tolist() == [Action.CLEAR, Action.LEVEL, Action.CLEAR]
    assert rows["side"].tolist() == [Side.ASK] * 3
    assert (rows["price"][1], rows["qty"][1]) == (101 * 10**9, 5)
    assert rows["flags"].tolist() == [0, END, END]


def test_unknown_times_and_actions(tmp_path: Path) -> None:
    undefined = 2**64 - 1
    odd = bytearray(mbo("A", order=4))
    odd[38] = ord("?")
    source = opened(
        tmp_path,
        header(),
        [
            mbo("A", order=1, receive=undefined),
            mbo("A", order=2, event=undefined),
            mbo("A", order=3, event=undefined, receive=undefined),
            bytes(odd),
        ],
    )
    rows = rows_of(source)
    assert rows["ts_recv"].tolist() == [ABSENT, T0 + 105, ABSENT, T0 + 105]
    assert rows["ts_event"].tolist() == [T0 + 5, T0 + 105, T0 + 105, T0 + 5]
    assert [bool(flag & Flag.BAD) for flag in rows["flags"]] == [False, False, True, True]
    assert source.skipped == {"bad_time": 1, "bad_action": 1}


# --- MBP ------------------------------------------------------------------------------------------


def _book(rows: NDArray[np.void]) -> list[dict[tuple[int, int], int]]:
    """Books after each source row, by side and whole price, from LEVEL and CLEAR rows."""
    book: dict[tuple[int, int], int] = {}
    out = []
    for row in rows:
        if row["action"] == Action.CLEAR:
            book = {}
        if row["action"] == Action.LEVEL:
            book[int(row["side"]), int(row["price"]) // 10**9] = int(row["qty"])
        if row["flags"] & Flag.ROW_END:
            out.append({key: qty for key, qty in book.items() if qty})
    return out


def _stated(levels: Sequence[tuple[int, int, int, int]]) -> dict[tuple[int, int], int]:
    bids = {(1, b): qty for b, qty, _, _ in levels if b and qty}
    return bids | {(-1, a): qty for _, _, a, qty in levels if a and qty}


def test_levels_follow_the_stated_books(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    stated = []
    for _ in range(300):
        mid, depth = int(rng.integers(100, 110)), int(rng.integers(0, 11))
        bids = np.sort(rng.choice(np.arange(mid - 30, mid), depth, replace=False))[::-1]
        asks = np.sort(rng.choice(np.arange(mid, mid + 30), depth, replace=False))
        sizes = rng.integers(1, 9, (2, depth))
        stated.append(list(zip(bids.tolist(), sizes[0].tolist(), asks.tolist(), sizes[1].tolist(), strict=True)))
    rows = decoded(tmp_path, *(mbp(levels) for levels in stated), schema="mbp-10")
    assert _book(rows) == [_stated(levels) for levels in stated]
    assert rows["source_row"][rows["flags"] & Flag.ROW_END != 0].tolist() == list(range(300))


def test_only_differences_become_rows_and_what_leaves_comes_first(tmp_path: Path) -> None:
    rows = decoded(
        tmp_path,
        mbp([(99, 1, 101, 1), (98, 2, 102, 2)]),
        mbp([(100, 5, 102, 2), (98, 2, 103, 4)]),
        mbp([(100, 5, 102, 2), (98, 2, 103, 4)], flags=0),
        schema="mbp-10",
    )
    second = rows[rows["source_row"] == 1]
    assert [(int(r["side"]), int(r["price"]) // 10**9, int(r["qty"])) for r in second] == [
        (1, 99, 0), (-1, 101, 0), (1, 100, 5), (-1, 103, 4),
    ]  # fmt: skip
    assert second["flags"].tolist() == [0, 0, 0, END]
    assert all(rows["flags"][rows["source_row"] == 0] & Flag.SNAPSHOT)
    assert [as_dict(r)["action"] for r in rows[rows["source_row"] == 2]] == [Action.STATUS]
    assert rows["flags"][-1] == Flag.ROW_END


def test_a_print_comes_before_its_effect(tmp_path: Path) -> None:
    rows = decoded(
        tmp_path, mbp([(99, 5, 101, 5)]), mbp([(99, 5, 101, 2)], "T", side="B", price=101, size=3), schema="mbp-10"
    )[2:]
    assert rows["action"].tolist() == [Action.TRADE, Action.LEVEL]
    assert rows["side"].tolist() == [Side.BID, Side.ASK]
    assert rows["qty"].tolist() == [3, 2]
    assert rows["flags"].tolist() == [0, END]


def test_a_clear_empties_the_book(tmp_path: Path) -> None:
    rows = decoded(tmp_path, mbp([(99, 5, 101, 5)]), mbp([], "R"), mbp([(99, 5, 101, 5)]), schema="mbp-10")
    assert rows["action"].tolist() == [Action.LEVEL] * 2 + [Action.CLEAR] + [Action.LEVEL] * 2
    assert [len(book) for book in _book(rows)] == [2, 0, 2]


def test_one_level_books(tmp_path: Path) -> None:
    source = opened(tmp_path, header("mbp-1"), [mbp([(99, 5, 101, 5)], top=True), mbp([(98, 1, 101, 5)], top=True)])
    assert source.info.depth == Depth.LEVELS
    assert _book(rows_of(source)) == [{(1, 99): 5, (-1, 101): 5}, {(1, 98): 1, (-1, 101): 5}]


# --- files ----------------------------------------------------------------------------------------


def test_source_says_what_it_is(tmp_path: Path) -> None:
    info = opened(tmp_path, header(), [mbo("A")]).info
    assert (info.symbol, info.venue, info.date, info.depth) == ("ESM4", "GLBX.MDP3", "2024-05-08", Depth.ORDERS)
    assert (str(info.price_unit), str(info.qty_unit), info.usual_tick, str(info.usual_lot)) == ("1E-9", "1", None, "1")
    assert info.notes == {"schema": "mbo", "dbn_version": "3", "instrument_id": str(ES)}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("ts_out", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_versions_send_times_and_compression(tmp_path: Path, version: int, ts_out: bool, packed: bool) -> None:
    records = [mbo("A", order=1), mbo("C", order=1)]
    if ts_out:
        records = [bytes([16]) + record[1:] + bytes(8) for record in records]
    data = header(ts_out=ts_out, version=version) + b"".join(records)
    path = tmp_path / "x.dbn"
    path.write_bytes(zstandard.compress(data) if packed else data)
    assert FEED.matches(path)
    source = FEED.open([path], Options())
    assert rows_of(source)["order_id"].tolist() == [1, 1]
    assert source.skipped == {}
    assert source.info.notes["dbn_version"] == str(version)


def test_one_instrument_of_several(tmp_path: Path) -> None:
    records = [mbo("A", order=1), mbo("A", order=2, instrument=NQ), mbo("A", order=3)]
    for symbol in ("ESM4", "esm4", str(ES)):
        source = opened(tmp_path, header(names=NAMES), records, symbol)
        assert source.info.symbol == "ESM4"
        rows = rows_of(source)
        assert rows["order_id"].tolist() == [1, 3]
        assert rows["source_row"].tolist() == [0, 2]
        assert source.skipped == {"other_symbol": 1}
    with pytest.raises(FeedError, match=r"more than one instrument \(ESM4, NQM4\): choose one with --symbol"):
        opened(tmp_path, header(names=NAMES), records)
    with pytest.raises(FeedError, match=r"no symbol 'ESN4' among 2; near: ESM4"):
        opened(tmp_path, header(names=NAMES), records, "ESN4")


def test_a_mapped_instrument_without_records(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no mbo records of NQM4"):
        opened(tmp_path, header(names=NAMES), [mbo("A")], "NQM4")


def test_a_second_instrument_far_into_the_file_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_BLOCK", 512)
    records = [mbo("A", order=i) for i in range(40)] + [mbo("A", instrument=NQ)]
    source = opened(tmp_path, header(names=NAMES), records)
    assert source.info.symbol == "ESM4"
    with pytest.raises(FeedError, match="row 40: more than one instrument"):
        rows_of(source)


def test_books_of_other_venues_are_left_out_and_counted(tmp_path: Path) -> None:
    source = opened(tmp_path, header(), [mbo("A", order=1), mbo("A", order=1, publisher=2), mbo("C", order=1)])
    assert rows_of(source)["action"].tolist() == [Action.ADD, Action.CANCEL]
    assert source.skipped == {"other_publisher": 1}


@pytest.mark.parametrize("version", [1, 3])
def test_a_live_capture_names_its_symbols_in_the_stream(tmp_path: Path, version: int) -> None:
    raw = dbn.SType.RAW_SYMBOL
    if version == 1:
        named = [dbn.v1.SymbolMappingMsg(1, i, T0, "ES.FUT", name, 0, UNDEF) for name, i in NAMES.items()]
    else:
        named = [dbn.SymbolMappingMsg(1, i, T0, raw, "ES.FUT", raw, name, 0, UNDEF) for name, i in NAMES.items()]
    records = [*map(bytes, named), mbo("A", order=1), mbo("A", order=2, instrument=NQ)]
    source = opened(tmp_path, header(None, {}, version=version), records, "NQM4")
    assert source.info.notes["schema"] == "mbo"
    assert rows_of(source)["order_id"].tolist() == [2]
    assert source.skipped == {"other_symbol": 1, "ignored_symbol-mapping": 2}
    with pytest.raises(FeedError, match=r"\(ESM4, NQM4\)"):
        opened(tmp_path, header(None, {}, version=version), records)


def test_without_any_names_the_id_is_the_symbol(tmp_path: Path) -> None:
    assert opened(tmp_path, header(names={}), [mbo("A")]).info.symbol == str(ES)
    with pytest.raises(FeedError, match="the file names no symbols"):
        opened(tmp_path, header(names={}), [mbo("A")], "ESM4")


def test_a_series_of_files_is_one_source(tmp_path: Path) -> None:
    first, second = tmp_path / "a.dbn", tmp_path / "b.dbn"
    first.write_bytes(header() + mbo("A", order=1))
    second.write_bytes(header(names={"ESM4": 77}) + mbo("A", order=2, instrument=77))
    source = FEED.open([first, second], Options())
    rows = rows_of(source)
    assert (rows["order_id"].tolist(), rows["source_row"].tolist()) == ([1, 2], [0, 1])
    assert source.progress() == 1.0
    second.write_bytes(header("mbp-10") + mbp([]))
    with pytest.raises(FeedError, match=r"is GLBX.MDP3 mbp-10, the first file GLBX.MDP3 mbo"):
        rows_of(FEED.open([first, second], Options()))


@pytest.mark.parametrize("block", [1, 9, 56, 300])
def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    records = [mbo("A" if i % 2 else "C", order=i // 2) for i in range(40)]
    whole = rows_of(opened(tmp_path, header(), records))
    assert len(whole) == 40
    monkeypatch.setattr(window, "_BLOCK", block)
    assert np.array_equal(rows_of(opened(tmp_path, header(), records)), whole)


@pytest.mark.parametrize("schema", ["mbo", "mbp-10"])
def test_full_batches_go_on_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: str) -> None:
    if schema == "mbo":
        records = [mbo("A", order=i) for i in range(900)]
    else:
        records = [mbp([(99 - i % 7, 1, 101 + i % 5, 2)]) for i in range(900)]
    whole = rows_of(opened(tmp_path, header(schema), records))
    monkeypatch.setattr("core.feeds.dbn._ROWS", 256)
    batches = list(opened(tmp_path, header(schema), records).batches())
    assert len(batches) > 3
    assert np.array_equal(np.concatenate([batch.rows for batch in batches]), whole)


# --- damage ---------------------------------------------------------------------------------------


def test_other_schemas_are_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="schema ohlcv-1d has no book; supported schemas: mbo, mbp-10, mbp-1"):
        opened(tmp_path, header("ohlcv-1d"), [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no DBN metadata"),
        (b"\x50\x2a\x4d\x18" + bytes(60), "legacy DBZ"),
        (b"DBN\x03\xff\xff\xff\xff", "cannot be right"),
        (b"DBN\x03\xff\x00\x00\x00GLBX", "truncated inside the metadata"),
        (b"DBN\x09\x64\x00\x00\x00" + bytes(100), "damaged DBN metadata"),
    ],
)
def test_what_is_no_dbn_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(FeedError, match=reason):
        opened(tmp_path, data, [])


def test_a_file_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no mbo records of ESM4"):
        opened(tmp_path, header(), [])


@pytest.mark.parametrize("cut", [1, 3, 4, 20, 55])
def test_a_truncated_tail_is_counted_in_bytes(tmp_path: Path, cut: int) -> None:
    records = mbo("A", order=1) + mbo("A", order=2)
    source = opened(tmp_path, header(), [records[:-cut]])
    assert rows_of(source)["order_id"].tolist() == [1]
    assert source.skipped == {"truncated_bytes": 56 - cut}


@pytest.mark.parametrize("length", [0, 1, 3, 13, 15, 255])
def test_a_lying_length_costs_one_record(tmp_path: Path, length: int) -> None:
    records = [mbo("A", order=i) for i in range(9)]
    records[4] = bytes([length]) + records[4][1:]
    source = opened(tmp_path, header(), records)
    assert rows_of(source)["order_id"].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert source.skipped == {"wrong_length_mbo": 1, "lost_bytes": 56}


def test_other_records_are_stepped_over_and_counted(tmp_path: Path) -> None:
    unknown = bytes([6, 0x77]) + bytes(22)
    system = bytes([80, 0x17]) + bytes(318)
    source = opened(tmp_path, header(), [mbo("A", order=1), unknown, system, mbo("A", order=2)])
    rows = rows_of(source)
    assert (rows["order_id"].tolist(), rows["source_row"].tolist()) == ([1, 2], [0, 3])
    assert source.skipped == {"unknown_type_0x77": 1, "ignored_system": 1}


# --- real files -----------------------------------------------------------------------------------


def _apply(rows: NDArray[np.void]) -> tuple[dict[int, list[int]], int]:
    """Orders by id (side, price, quantity) after `rows`, and how many crossed events there were."""
    book: dict[int, list[int]] = {}
    crossed = 0
    for row in rows:
        action, order, qty = int(row["action"]), int(row["order_id"]), int(row["qty"])
        if action == Action.CLEAR:
            book = {}
        elif action in (Action.ADD, Action.REPLACE):
            assert (order in book) == (action == Action.REPLACE)
            book[order] = [int(row["side"]), int(row["price"]), qty]
        elif action in (Action.CANCEL, Action.EXECUTE):
            assert book[order][2] >= qty
            book[order][2] -= qty
            if book[order][2] == 0:
                del book[order]
        if row["flags"] & Flag.EVENT_END and not row["flags"] & Flag.SNAPSHOT:
            bids = [price for side, price, _ in book.values() if side == 1]
            asks = [price for side, price, _ in book.values() if side == -1]
            crossed += max(bids) >= min(asks)
    return book, crossed


def test_the_burst_is_consistent(shared_data: Path) -> None:
    path = shared_data / "databento" / "esm4_mbo_2024-05-08_2s.dbn.zst"
    assert FEED.matches(path)
    source = FEED.open([path], Options())
    rows = rows_of(source)
    assert (source.info.symbol, source.info.venue, source.info.date) == ("ESM4", "GLBX.MDP3", "2024-05-08")
    assert len(rows) == source.records == 13_796
    assert np.count_nonzero(rows["flags"] & Flag.SNAPSHOT) == 13_601
    assert np.all(rows["ts_event"] >= T0)
    assert np.count_nonzero(rows["action"] == Action.EXECUTE) == 2
    book, crossed = _apply(rows)
    assert crossed == 0
    assert len(book) > 13_000
    assert source.skipped == {}


def test_the_burst_equals_the_library(shared_data: Path) -> None:
    path = shared_data / "databento" / "esm4_mbo_2024-05-08_2s.dbn.zst"
    rows = rows_of(FEED.open([path], Options()))
    decoder = dbn.DBNDecoder()
    decoder.write(zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read())
    records = decoder.decode()[1:]
    for row, record in zip(rows, records, strict=True):
        assert int(row["order_id"]) == record.order_id
        assert int(row["ts_recv"]) == record.ts_recv
        if str(record.action) not in "RFN":
            assert (int(row["price"]), int(row["qty"])) == (record.price, record.size)
            assert {1: "B", -1: "A", 0: "N"}[int(row["side"])] == str(record.side)


def test_the_snapshot_day(shared_data: Path) -> None:
    source = FEED.open([shared_data / "databento" / "esh4-glbx-mdp3-20231224.mbo.dbn.zst"], Options())
    rows = rows_of(source)
    assert (source.info.symbol, source.info.date, len(rows)) == ("ESH4", "2023-12-24", 8_725)
    assert set(rows["action"].tolist()) == {Action.ADD}
    assert np.all(rows["ts_event"] == rows["ts_recv"])


def test_every_schema_and_version_of_the_library(shared_data: Path) -> None:
    expected = {"mbo": 2, "mbp-10": 21, "mbp-1": 3}
    read, refused = 0, 0
    for path in sorted((shared_data / "databento" / "dbn_tests").glob("test_data.*")):
        schema = path.name.split(".")[1]
        if ".frag" not in path.name:
            assert FEED.matches(path)
        if schema in expected:
            source = FEED.open([path], Options())
            assert len(rows_of(source)) == expected[schema], path
            assert (source.info.symbol, source.info.date, source.skipped) == ("ESH1", "2020-12-28", {})
            read += 1
        else:
            with pytest.raises(FeedError, match=r"has no book; supported|no DBN metadata"):
                FEED.open([path], Options())
            refused += 1
    assert (read, refused) == (13, 54)
