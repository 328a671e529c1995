"""Damaged text sources: never a crash, a hang or a silent loss, only `FeedError` or counted rows."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.errors import FeedError
from core.feeds import binance, tabular, tardis
from core.feeds.source import Feed, Options
from core.tape.importer import import_tape

_JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("0", "")
_T = 1_700_000_000_000_000_000
_NASTY = [
    b"", b" ", b"nan", b"NaN", b"inf", b"-inf", b"null", b"-1", b"0", b"-0.0", b"1e308", b"1e-308", b"1e99999",
    b"9" * 18, b"9" * 19, b"9" * 400, b"18446744073709551615", b"18446744073709551616", b"0." + b"0" * 30 + b"1",
    b"1,5", b'"', b'""', b'"x', b"'", b"\x00", b"\x00" * 50, b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\t",
    b"true", b"false", b"add", b"clear", b"status", b"bid", b"N", b"[]", b"{}", b"[[", b"}}", b"\\", b"\\u0000",
    "\u0661\u0662".encode(), b"1_000", b"0x1f", b"1.5.5", b"+5", b"--5", b".", b"e5", b"1e", b"199999.99",
]  # fmt: skip


def _tabular_lines(rng: Generator, n: int) -> list[bytes]:
    actions = ["add", "cancel", "delete", "execute", "replace", "trade", "level", "clear", "status"]
    lines = [b"ts_event,action,side,price,qty,order_id,ts_recv,new_order_id,note"]
    for i in range(n):
        row = f"{_T + i // 3},{rng.choice(actions)},{rng.choice(['B', 'A'])},{rng.integers(9900, 10100) / 100},"
        row += f"{rng.integers(1, 500)},{rng.integers(1, n)},{_T + i},,x"
        lines.append(row.encode())
    return lines


def _tardis_lines(rng: Generator, n: int) -> list[bytes]:
    lines = [b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    for i in range(n):
        at, snapshot = _T // 1000 + i // 4, "true" if i < 20 else "false"
        side, price = rng.choice(["bid", "ask"]), rng.integers(99000, 101000) / 10
        lines.append(f"deribit,BTC-PERPETUAL,{at},{at + 3},{snapshot},{side},{price},{rng.integers(0, 50)}".encode())
    return lines


def _binance_lines(rng: Generator, n: int) -> list[bytes]:
    lines, last = [], 100
    for i in range(n):
        levels = [[f"{rng.integers(9000, 11000) / 100:.8f}", f"{rng.integers(0, 50) / 10:.8f}"] for _ in range(4)]
        event = {"E": _T // 10**6 + i, "s": "BTCUSDT"}
        data: dict[str, object]
        if i == 5 or (i > 5 and rng.random() < 0.03):
            data = {"lastUpdateId": last - int(rng.integers(0, 20)), "bids": levels[:2], "asks": levels[2:]}
        elif rng.random() < 0.3:
            data = {"e": "trade", **event, "t": i, "p": levels[0][0], "q": levels[0][1], "m": bool(i & 1)}
        elif rng.random() < 0.3:
            data = {"u": last, "s": "BTCUSDT", "b": "1.0", "B": "2.0", "a": "3.0", "A": "4.0"}
        else:
            first, last = last + 1, last + int(rng.integers(1, 9))
            data = {"e": "depthUpdate", **event, "U": first, "u": last, "b": levels[:2], "a": levels[2:]}
        if "lastUpdateId" not in data:
            data = {"stream": "btcusdt@x", "data": data}
        lines.append(f"{_T + i} {json.dumps(data, separators=(',', ':'))}".encode())
    return lines


def _damage_line(rng: Generator, line: bytes) -> bytes:
    """One cell, token or byte of a line changed."""
    kind = rng.integers(0, 6)
    if kind == 0 or not line:
        return bytes(rng.integers(0, 256, rng.integers(0, 80), np.uint8))
    if kind == 1:
        return line[: rng.integers(0, len(line))]
    if kind == 2:
        at = rng.integers(0, len(line))
        return line[:at] + bytes([int(rng.integers(0, 256))]) + line[at + 1 :]
    if kind == 3:
        at = rng.integers(0, len(line) + 1)
        return line[:at] + _NASTY[rng.integers(0, len(_NASTY))] + line[at:]
    separator = b"," if kind == 4 else b'"'
    cells = line.split(separator)
    cells[rng.integers(0, len(cells))] = _NASTY[rng.integers(0, len(_NASTY))]
    return separator.join(cells)


def _damage(rng: Generator, lines: list[bytes]) -> bytes:
    """A file with some of its lines damaged, doubled, lost or swapped, and perhaps cut off."""
    rate = rng.choice([0.0, 0.01, 0.1, 0.9])
    out: list[bytes] = []
    for i, line in enumerate(lines):
        if rng.random() >= rate or (i == 0 and rng.random() < 0.9):
            out.append(line)
            continue
        kind = rng.integers(0, 8)
        if kind == 0:
            out += [line, line]
        elif kind == 1 and out:
            out[-1], last = line, out[-1]
            out.append(last)
        elif kind != 2:
            out.append(_damage_line(rng, line))
    data = (b"\r\n" if rng.random() < 0.2 else b"\n").join(out) + b"\n" * int(rng.integers(0, 3))
    if rng.random() < 0.2 and data:
        data = data[: rng.integers(0, len(data))]
    return data


def _filled(data: bytes, header: bool) -> int:
    """Rows of a text: lines that are not blank."""
    lines = data.split(b"\n")[1 if header else 0 :]
    return sum(1 for line in lines if line.strip(b" \t\r" if header else None))


def _check(rows: NDArray[np.void], skipped: "dict[str, int]", rows_in: int) -> None:
    """No row lost, none invented, every bad one counted, only codes that exist."""
    flags = rows["flags"]
    assert int(((flags & Flag.ROW_END) > 0).sum()) + skipped.get("other_symbol", 0) == rows_in
    kinds = [kind for kind in skipped if (kind.startswith("bad_") and kind != "bad_ts_recv") or kind == "field_count"]
    bad = (flags & Flag.BAD) > 0
    assert int(bad.sum()) == sum(skipped[kind] for kind in kinds)
    assert (rows["action"][bad] == int(Action.STATUS)).all()
    assert set(np.unique(rows["action"]).tolist()) <= set(Action)
    assert set(np.unique(rows["side"]).tolist()) <= set(Side)
    if len(rows):
        assert flags[-1] & (Flag.ROW_END | Flag.EVENT_END) == Flag.ROW_END | Flag.EVENT_END
        ends = (flags & Flag.EVENT_END) > 0
        assert (flags[ends] & Flag.ROW_END).all()


def _run(feed: Feed, path: Path, rows_in: int | None) -> str:
    """Read a file; what came of it."""
    assert sum(other.matches(path) for other in (binance.FEED, tabular.FEED, tardis.FEED)) <= 1
    try:
        source = feed.open([path], Options())
        batches = [batch.rows for batch in source.batches()]
    except FeedError as error:
        assert str(path) in str(error)
        return "refused"
    assert source.progress() == 1.0
    if rows_in is not None:
        _check(np.concatenate(batches), source.skipped, rows_in)
    return "read"


def _fuzz(feed: Feed, make: Callable[[Generator, int], list[bytes]], folder: Path, files: int, rows: int) -> None:
    rng = np.random.default_rng(20_240_808)
    header = feed is not binance.FEED
    seen = {"read": 0, "refused": 0}
    for number in range(files):
        data = _damage(rng, make(rng, rows))
        path = folder / "fuzz.csv"
        packed = rng.random()
        if packed < 0.1:
            path.write_bytes(gzip.compress(data))
        elif packed < 0.15:
            squeezed = gzip.compress(data)
            path.write_bytes(squeezed[: rng.integers(0, len(squeezed))])
        else:
            path.write_bytes(data)
        try:
            seen[_run(feed, path, _filled(data, header) if packed < 0.1 or packed >= 0.15 else None)] += 1
        except AssertionError:
            raise
        except BaseException as error:
            error.add_note(f"file {number}")
            raise
    assert seen["read"] > files // 3, seen


_FORMATS = [
    pytest.param(tabular.FEED, _tabular_lines, id="tabular"),
    pytest.param(tardis.FEED, _tardis_lines, id="tardis"),
    pytest.param(binance.FEED, _binance_lines, id="binance"),
]


@pytest.mark.parametrize(("feed", "make"), _FORMATS)
def test_damaged_files(feed: Feed, make: Callable[[Generator, int], list[bytes]], tmp_path: Path) -> None:
    _fuzz(feed, make, tmp_path, *((80, 250) if _JIT else (12, 60)))


@pytest.mark.nightly
@pytest.mark.parametrize(("feed", "make"), _FORMATS)
def test_a_million_damaged_rows(feed: Feed, make: Callable[[Generator, int], list[bytes]], tmp_path: Path) -> None:
    _fuzz(feed, make, tmp_path, 1_000, 1_000)


@pytest.mark.parametrize(("feed", "make"), _FORMATS)
def test_damaged_files_become_tapes(feed: Feed, make: Callable[[Generator, int], list[bytes]], tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    made = 0
    for number in range(12 if _JIT else 2):
        data = _damage(rng, make(rng, 400 if _JIT else 40))
        path = tmp_path / "fuzz.csv"
        path.write_bytes(data)
        try:
            meta = import_tape(feed.open([path], Options()), tmp_path / f"{number}.tape", Options())
        except FeedError:
            assert not (tmp_path / f"{number}.tape").exists()
            continue
        made += 1
        assert meta.source_rows + meta.skipped.get("other_symbol", 0) == _filled(data, feed is not binance.FEED)
    assert made


@pytest.mark.jit_only
def test_damaged_parquet(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    lines = _tabular_lines(rng, 300)
    path = tmp_path / "fuzz.parquet"
    table = [line.decode().split(",") for line in lines]
    frame = pl.DataFrame(table[1:], schema=table[0], orient="row")
    for number in range(60):
        nasty = frame.with_columns(
            pl.Series(
                name,
                [
                    _NASTY[rng.integers(0, len(_NASTY))].decode("latin-1") if rng.random() < 0.05 else x
                    for x in frame[name]
                ],
            )
            for name in frame.columns
        )
        nasty.write_parquet(path, row_group_size=100, compression="uncompressed")
        data = bytearray(path.read_bytes())
        if number >= 20:
            for _ in range(int(rng.integers(1, 8))):
                data[rng.integers(0, len(data))] = int(rng.integers(0, 256))
            if number >= 50:
                del data[rng.integers(4, len(data)) :]
        path.write_bytes(data)
        outcome = _run(tabular.FEED, path, 300 if number < 20 else None)
        assert outcome == "read" or number >= 20


def test_a_line_that_never_ends_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(b"ts_event,action,side,price,qty,order_id\n")
        for _ in range(90):
            file.write(bytes(1 << 20))
    with pytest.raises(FeedError, match="line of over 64 MiB"):
        tabular.FEED.open([path], Options())
