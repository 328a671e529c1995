"""Binance captures: the sync rule on spot and futures, gaps, clocks, odd lines, and the real captures."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Side
from core.errors import FeedError, SnapshotMissing
from core.feeds.binance import FEED, book_tickers
from core.feeds.binance_check import compare_tickers
from core.feeds.binance_source import BinanceSource
from core.feeds.source import Options
from core.records import ABSENT
from core.tape.importer import import_tape
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape

_E = 1_723_161_255_000  # ms
_R = 1_723_161_253_000_000_000  # ns: the receiver's clock is two seconds behind
Level = tuple[str, str]


class Capture:
    """Lines of a capture, one millisecond apart."""

    def __init__(self, symbol: str = "BTCUSDT", futures: bool = False) -> None:
        self.symbol, self.futures, self.lines, self.previous = symbol, futures, [], 0

    def _add(self, stream: str | None, data: dict[str, Any]) -> "Capture":
        message = {"stream": f"{self.symbol.lower()}@{stream}", "data": data} if stream else data
        at = _R + len(self.lines) * 1_000_000
        self.lines.append(f"{at} {json.dumps(message, separators=(',', ':'))}")
        return self

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        event = {"e": kind, "E": _E + len(self.lines)}
        return event | ({"T": _E + len(self.lines) - 3} if self.futures else {}) | {"s": self.symbol} | fields

    def diff(self, first: int, final: int, bids: list[Level] = [], asks: list[Level] = []) -> "Capture":  # noqa: B006
        chain = {"pu": self.previous} if self.futures else {}
        self.previous = final
        event = self._event("depthUpdate", U=first, u=final, **chain, b=bids, a=asks)
        return self._add("depth@100ms", event)

    def snapshot(self, update: int, bids: list[Level] = [], asks: list[Level] = []) -> "Capture":  # noqa: B006
        return self._add(None, {"lastUpdateId": update, "bids": bids, "asks": asks})

    def ticker(self, update: int, bid: Level, ask: Level) -> "Capture":
        fields = {"u": update, "s": self.symbol, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
        return self._add("bookTicker", self._event("bookTicker", **fields) if self.futures else fields)

    def trade(self, number: int, price: str, qty: str, maker: bool, kind: str = "trade", **more: Any) -> "Capture":
        fields = {"t" if kind == "trade" else "a": number, "p": price, "q": qty, "m": maker}
        return self._add(kind, self._event(kind, **fields, **more))

    def raw(self, line: str) -> "Capture":
        self.lines.append(line)
        return self

    def write(self, folder: Path, name: str = "capture.gz") -> Path:
        path = folder / name
        data = ("\n".join(self.lines) + "\n").encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path


def _read(path: Path, options: Options | None = None) -> tuple[NDArray[np.void], BinanceSource]:
    source = FEED.open([path], options or Options())
    return np.concatenate([batch.rows for batch in source.batches()]), source


def _by_line(rows: NDArray[np.void]) -> list[list[tuple[str, int, int]]]:
    """(action, price, quantity) of the rows of each line."""
    out: list[list[tuple[str, int, int]]] = [[]]
    for row in rows:
        out[-1].append((Action(row["action"]).name, int(row["price"]), int(row["qty"])))
        if row["flags"] & Flag.ROW_END:
            out.append([])
    assert not out.pop()
    return out


_NONE = [("STATUS", ABSENT, 0)]


def test_spot_rule(tmp_path: Path) -> None:
    capture = (
        Capture()
        .diff(1, 5, [("9.50000000", "7.00000000")])
        .diff(6, 10, [("9.40000000", "1.00000000")])
        .diff(11, 15, [("9.30000000", "2.50000000")])
        .snapshot(8, [("9.40000000", "5.0")], [("9.60000000", "6.0")])
        .diff(16, 20, [], [("9.60000000", "0.00000000"), ("9.70000000", "3.0")])
    )
    path = capture.write(tmp_path)
    assert FEED.matches(path)
    rows, source = _read(path)
    info = source.info
    assert (info.symbol, info.venue, info.date, info.depth) == ("BTCUSDT", "BINANCE", "2024-08-08", Depth.LEVELS)
    assert (info.price_unit, info.qty_unit) == (Decimal("0.1"), Decimal("0.1"))
    assert _by_line(rows) == [
        _NONE,
        _NONE,
        _NONE,
        [
            ("CLEAR", ABSENT, 0),
            ("LEVEL", 94, 50),
            ("LEVEL", 96, 60),
            ("LEVEL", 94, 10),
            ("LEVEL", 93, 25),
        ],
        [("LEVEL", 96, 0), ("LEVEL", 97, 30)],
    ]
    snapshot = rows[rows["source_row"] == 3]
    assert [bool(flags & Flag.SNAPSHOT) for flags in snapshot["flags"].tolist()] == [True, True, True, False, False]
    # The snapshot has no time: it takes that of the line before; the diffs it waited for keep their own.
    assert snapshot["ts_event"].tolist() == [(_E + at) * 1_000_000 for at in (2, 2, 2, 1, 2)]
    assert snapshot["ts_recv"].tolist() == [_R + 3_000_000] * 5
    assert snapshot["side"].tolist() == [0, 1, -1, 1, 1]
    assert source.skipped == {"diffs_without_book": 1}
    assert (rows["flags"] & Flag.EVENT_END).astype(bool).tolist() == (rows["flags"] & Flag.ROW_END).astype(
        bool
    ).tolist()


@pytest.mark.parametrize("update", [9, 10, 14, 15])
def test_spot_first_diff(tmp_path: Path, update: int) -> None:
    capture = (
        Capture().snapshot(update, [("1", "1")], [("2", "2")]).diff(11, 15, [("1", "3")]).diff(16, 20, [("1", "4")])
    )
    if update == 9:  # a hole between 9 and 11
        capture.snapshot(15, [("1", "3")], [("2", "2")])
    rows, source = _read(capture.write(tmp_path))
    lines = _by_line(rows)
    if update == 9:
        assert lines[1] == [("CLEAR", ABSENT, 0)]
        assert lines[2] == _NONE
        assert lines[3][-1] == ("LEVEL", 1, 4)
        assert source.skipped == {"sequence_gaps": 1, "diffs_without_book": 1}
    else:
        assert lines[1] == (_NONE if update == 15 else [("LEVEL", 1, 3)])
        assert lines[2] == [("LEVEL", 1, 4)]
        assert source.skipped == ({"old_diffs": 1} if update == 15 else {})


@pytest.mark.parametrize("update", [10, 11, 13, 15])
def test_futures_first_diff(tmp_path: Path, update: int) -> None:
    """`U <= lastUpdateId <= u`; 10 is `pu`, 11 and 12 happened elsewhere, 13 is `U`."""
    capture = Capture(futures=True).diff(5, 10, [("1", "9")])
    capture.snapshot(update, [("1", "1")], [("2", "2")]).diff(13, 15, [("1", "3")]).diff(18, 20, [("1", "4")])
    rows, source = _read(capture.write(tmp_path))
    assert source.info.venue == "BINANCE-USDM"
    lines = _by_line(rows)
    levels = [("CLEAR", ABSENT, 0), ("LEVEL", 1, 1), ("LEVEL", 2, 2)]
    assert lines[:2] == [_NONE, [*levels, ("LEVEL", 1, 9)] if update == 10 else levels]
    assert lines[2:] == [[("LEVEL", 1, 3)], [("LEVEL", 1, 4)]]
    assert source.skipped == ({} if update == 10 else {"diffs_without_book": 1})


def test_a_gap_empties_the_book_until_a_snapshot_joins(tmp_path: Path) -> None:
    for futures in (False, True):
        capture = Capture(futures=futures).snapshot(10, [("1", "1")], [("2", "2")])
        capture.previous = 10
        capture.diff(11 - futures, 20, [("1.5", "5")])
        capture.previous = 25
        capture.diff(26, 30, [("1", "6")]).diff(31, 40, [("1", "7")]).snapshot(24, [("1", "1")]).diff(
            41, 50, [("1", "8")]
        )
        capture.snapshot(35, [("1", "5.5")], [("2", "2")]).diff(51, 60, [("1", "9")])
        rows, source = _read(capture.write(tmp_path))
        lines = _by_line(rows)
        assert lines[1] == [("LEVEL", 15, 50)]
        assert lines[2] == [("CLEAR", ABSENT, 0)]
        assert lines[3] == lines[4] == lines[5] == _NONE
        assert lines[6] == [
            ("CLEAR", ABSENT, 0),
            ("LEVEL", 10, 55),
            ("LEVEL", 20, 20),
            ("LEVEL", 10, 70),
            ("LEVEL", 10, 80),
        ]
        assert lines[7] == [("LEVEL", 10, 90)]
        assert source.skipped == {"sequence_gaps": 1, "diffs_without_book": 1, "snapshot_too_old": 1}


def test_repeated_and_overlapping_diffs(tmp_path: Path) -> None:
    capture = Capture().snapshot(10, [("1", "1")], [("2", "2")]).diff(11, 20, [("1", "5")]).diff(11, 20, [("1", "5")])
    capture.diff(15, 25, [("1", "6")])
    rows, source = _read(capture.write(tmp_path))
    assert _by_line(rows)[1:] == [[("LEVEL", 1, 5)], _NONE, [("LEVEL", 1, 6)]]
    assert source.skipped == {"old_diffs": 1, "overlapping_diffs": 1}


def test_a_later_snapshot_replaces_the_running_book(tmp_path: Path) -> None:
    capture = Capture().snapshot(10, [("1", "1")], [("2", "2")]).diff(11, 20, [("1", "5")]).diff(21, 30, [("3", "6")])
    capture.snapshot(22, [("1", "4"), ("0.5", "1")], [("4", "2")]).diff(31, 40, [("1", "7")])
    rows, source = _read(capture.write(tmp_path))
    assert _by_line(rows)[3:] == [
        [("CLEAR", ABSENT, 0), ("LEVEL", 10, 4), ("LEVEL", 5, 1), ("LEVEL", 40, 2), ("LEVEL", 30, 6)],
        [("LEVEL", 10, 7)],
    ]
    assert not source.skipped


def test_captures_without_a_usable_snapshot_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="holds no snapshot"):
        FEED.open([Capture().diff(1, 5).diff(6, 7).write(tmp_path)], Options())
    partial = Capture().diff(1, 5)
    partial._add("depth20@100ms", {"lastUpdateId": 5, "bids": [], "asks": []})
    with pytest.raises(SnapshotMissing, match="holds no snapshot"):
        FEED.open([partial.write(tmp_path)], Options())
    old = FEED.open([Capture().diff(10, 15).snapshot(5, [("1", "1")]).write(tmp_path)], Options())
    with pytest.raises(SnapshotMissing, match="no snapshot of the capture joins"):
        list(old.batches())


def test_trades(tmp_path: Path) -> None:
    capture = (
        Capture(futures=True).snapshot(1).trade(7, "10.50", "0.250", True, X="MARKET").trade(8, "10.55", "1", False)
    )
    capture.trade(3, "10.55", "1", False, kind="aggTrade").trade(9, "0", "0", False, X="NA")
    rows, source = _read(capture.write(tmp_path))
    sale, buy = rows[rows["action"] == int(Action.TRADE)]
    assert (sale["side"], sale["price"], sale["qty"], sale["order_id"]) == (Side.ASK, 1050, 25, 7)
    assert (buy["side"], buy["price"], buy["qty"]) == (Side.BID, 1055, 100)
    assert sale["ts_event"] == (_E + 1) * 1_000_000
    assert source.skipped == {"aggTrade": 1, "off_book_trade": 1}
    alone = Capture().snapshot(1).trade(3, "10.55", "1", False, kind="aggTrade")
    assert _read(alone.write(tmp_path))[0]["action"].tolist() == [Action.CLEAR, Action.TRADE]


def test_time_never_comes_from_the_receiver(tmp_path: Path) -> None:
    capture = (
        Capture().ticker(1, ("1", "1"), ("2", "1")).snapshot(5, [("1", "1")], [("2", "1")]).diff(6, 7, [("1", "2")])
    )
    rows, source = _read(capture.ticker(8, ("1", "2"), ("2", "1")).write(tmp_path))
    assert set(rows["ts_event"].tolist()) == {(_E + 2) * 1_000_000}
    assert source.skipped == {"book_ticker": 2}


def test_odd_lines_stay_as_rows(tmp_path: Path) -> None:
    capture = Capture().snapshot(5, [("1", "1")], [("2", "1")]).diff(6, 7, [("1", "2")])
    odd = [
        "nonsense",
        f"{_R}",
        f"{_R} ",
        f"{_R} [1,2]",
        f"{_R} {{",
        f"{_R} null",
        "123456789012345678901234567890 {}",
        f'{_R} {{"stream":5,"data":{{"e":"depthUpdate"}}}}',
        f'{_R} {{"e":"depthUpdate","E":{_E},"s":"BTCUSDT","U":8,"u":7,"b":[],"a":[]}}',
        f'{_R} {{"e":"depthUpdate","E":"x","s":"BTCUSDT","U":8,"u":9,"b":[],"a":[]}}',
        f'{_R} {{"e":"depthUpdate","E":{_E},"s":"BTCUSDT","U":8,"u":9,"b":[["1"]],"a":[]}}',
        f'{_R} {{"e":"trade","E":{_E},"s":"BTCUSDT","t":1,"p":"1","q":"1","m":"yes"}}',
    ]
    odd += ["[" * 100_000]
    numbers = [
        f'{_R} {{"e":"depthUpdate","E":{_E},"s":"BTCUSDT","U":8,"u":9,"b":[["one","1"]],"a":[]}}',
        f'{_R} {{"e":"depthUpdate","E":{_E},"s":"BTCUSDT","U":8,"u":9,"b":[],"a":[["1",NaN]]}}',
        f'{_R} {{"e":"depthUpdate","E":{_E},"s":"BTCUSDT","U":8,"u":9,"b":[["1","-2"]],"a":[]}}',
    ]
    for line in [*odd, *numbers, "", f'{_R} {{"result":null,"id":1}}', f'{_R} {{"e":"kline","s":"BTCUSDT"}}']:
        capture.raw(line)
    capture.diff(8, 9, [("1", "3")])
    rows, source = _read(capture.write(tmp_path, "capture.txt"))
    assert source.skipped == {"bad_line": len(odd), "bad_number": len(numbers), "blank_lines": 1, "other_event": 2}
    lines = _by_line(rows)
    assert len(lines) == len(capture.lines) - 1
    assert lines[-1] == [("LEVEL", 1, 3)]
    assert int((rows["flags"] & Flag.BAD > 0).sum()) == len(odd) + len(numbers)
    assert source.info.notes["bad_line"] == "capture.txt, line 2"


def test_a_lost_diff_breaks_the_book(tmp_path: Path) -> None:
    capture = Capture().snapshot(5, [("1", "1")], [("2", "1")]).diff(6, 7, [("x", "2")]).diff(8, 9, [("1", "3")])
    rows, source = _read(capture.write(tmp_path))
    assert _by_line(rows)[1:] == [_NONE, [("CLEAR", ABSENT, 0)]]
    assert source.skipped == {"bad_number": 1, "sequence_gaps": 1, "diffs_without_book": 1}


def test_markets_units_and_symbols(tmp_path: Path) -> None:
    coin = Capture("ETHUSD_PERP", futures=True).snapshot(1, [("2657.70", "12")], [("2657.71", "4095")]).diff(1, 2)
    source = FEED.open([coin.write(tmp_path)], Options())
    assert (source.info.venue, source.info.notes["qty"]) == ("BINANCE-COINM", "contracts")
    shib = Capture("SHIBUSDT").snapshot(1, [("0.00001384", "1000000000000.00")]).diff(2, 3, [("0.00001383", "1.00")])
    rows, source = _read(shib.write(tmp_path))
    assert (source.info.price_unit, source.info.qty_unit) == (Decimal("1e-8"), Decimal(1))
    assert rows["qty"].tolist() == [0, 10**12, 1]
    other = Capture("ETHUSDT").snapshot(1, [("1", "1")]).diff(2, 3)
    other.symbol = "BTCUSDT"
    other.diff(5, 6)
    path = other.write(tmp_path)
    with pytest.raises(FeedError, match="several symbols"):
        FEED.open([path], Options())
    rows, source = _read(path, Options(symbol="ethusdt"))
    assert (source.info.symbol, len(_by_line(rows))) == ("ETHUSDT", 2)
    assert source.skipped == {"other_symbol": 1, "empty_diff": 1}


def test_bare_lines_and_several_files(tmp_path: Path) -> None:
    one = Capture().snapshot(5, [("1", "1")], [("2", "1")]).diff(6, 7, [("1", "2")])
    one.lines = [line.split(" ", 1)[1] for line in one.lines]
    two = Capture().diff(8, 9, [("1", "3")])
    paths = [one.write(tmp_path, "a.txt"), two.write(tmp_path, "b.gz")]
    assert FEED.matches(paths[0])
    source = FEED.open(paths, Options())
    rows = np.concatenate([batch.rows for batch in source.batches()])
    assert rows["source_row"].tolist() == [0, 0, 0, 1, 2]
    assert rows["ts_recv"].tolist() == [ABSENT] * 4 + [_R]
    assert not source.skipped
    assert source.progress() == 1.0


def test_book_tickers_wait_for_their_update(tmp_path: Path) -> None:
    capture = Capture().ticker(4, ("0.5", "1"), ("2", "1")).diff(6, 7, [("1", "2")])
    capture.snapshot(5, [("0.5", "1")], [("2", "1")]).diff(8, 9, [("1", "3")])
    capture.ticker(9, ("1", "3"), ("2", "1")).ticker(10, ("1", "4"), ("2", "1")).ticker(7, ("1", "2"), ("2", "1"))
    found = book_tickers(capture.write(tmp_path))
    assert found.states.tolist() == [(2, 7), (3, 9)]
    assert found.expected().tolist() == [(2, 7, 10, 2, 20, 1), (3, 9, 10, 3, 20, 1)]
    with pytest.raises(FeedError, match="no bookTicker"):
        book_tickers(Capture().snapshot(1).diff(2, 3).write(tmp_path))


def test_a_finer_tick_than_needed_compares_all_the_same(tmp_path: Path) -> None:
    capture = Capture().ticker(5, ("0.5", "1"), ("2", "1")).snapshot(5, [("0.5", "1")], [("2", "1")])
    path = capture.diff(6, 7, [("1", "2")]).ticker(7, ("1", "2.5"), ("2", "1")).write(tmp_path)
    options = Options(tick=Decimal("0.001"), lot=Decimal("0.01"))
    import_tape(FEED.open([path], options), tmp_path / "fine.tape", options)
    result = compare_tickers(Tape(tmp_path / "fine.tape"), path)
    assert (result.compared, result.equal, result.equal_quantities) == (2, 2, 1)


_CAPTURES = {
    "spot_btcusdt": 3_449,
    "spot_ethusdt": 3_433,
    "usdm_btcusdt": 6_546,
    "usdm_ethusdt": 6_580,
    "cm_ethusd_perp": 22_886,
}


@pytest.mark.jit_only
@pytest.mark.parametrize("name", _CAPTURES)
def test_real_captures_equal_their_book_tickers(shared_data: Path, tmp_path: Path, name: str) -> None:
    path = shared_data / "binance" / f"{name}_20240808.gz"
    meta = import_tape(FEED.open([path], Options()), tmp_path / "x.tape", Options())
    assert (meta.crossed_events, meta.locked_events, meta.results) == (0, 0, {})
    assert "sequence_gaps" not in meta.skipped
    with gzip.open(path) as lines:
        assert meta.source_rows == sum(1 for _ in lines)
    published = book_tickers(path)
    expected = published.expected()
    assert len(expected) == _CAPTURES[name]
    tape = Tape(tmp_path / "x.tape")
    touch = np.concatenate([chunk.levels[:, :, 0] for chunk in iter_book_rows(tape, 1)])[expected["source_row"]]
    tick = int(tape.instrument.tick / published.price_unit)
    lot = int(tape.instrument.lot / published.qty_unit)
    ours = touch * [tick, lot, tick, lot]
    theirs = np.stack([expected[field] for field in ("ask", "ask_qty", "bid", "bid_qty")], axis=1)
    assert (ours == theirs).all(), f"{(ours == theirs).all(axis=1).mean():.4%} equal"
