"""What goes into a tape comes out of it, from any place of it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import core.tape.marks
from core.book.book import Book
from core.enums import Action, Flag, Result, Side
from core.feeds.source import Options
from core.records import ABSENT, MAX_QTY, NO_PRICE, ROW, ts_recv
from core.tape.check import same_book, verify
from core.tape.importer import import_tape
from core.tape.rows import iter_book_rows
from core.tape.tape import Place, Tape
from tests.oracle.book import OracleBook
from tests.oracle.tape import OracleIngest, RowSource

BUSY = [Action.ADD] * 5 + [Action.CANCEL, Action.DELETE, Action.EXECUTE, Action.REPLACE] * 2 + [Action.TRADE]
START = 1_700_000_000_000_000_000


def rarely(usual: st.SearchStrategy[int], unusual: list[int], per: int = 10) -> st.SearchStrategy[int]:
    """`usual`, and about once in `per` draws one of `unusual`."""
    return st.integers(1, per).flatmap(lambda n: st.sampled_from(unusual) if n == per else usual)


ROWS = st.lists(
    st.tuples(
        rarely(st.sampled_from(BUSY), [*(int(action) for action in Action), 0], per=5),
        rarely(st.sampled_from([1, -1]), [0, 2, -2, 127]),
        rarely(st.integers(1, 5), [0, 2**64 - 1, 2**63, 6]),  # order_id
        rarely(st.integers(1, 5), [0, 2**64 - 1, 7, 8]),  # new_order_id
        rarely(st.sampled_from([100, 101, 102, 164, -3]), [ABSENT, 2**31, -(2**31), 2**62, 5_000, 19_999_999]),
        rarely(st.integers(1, 6), [0, -1, MAX_QTY, MAX_QTY + 1, 2**62, 2**63 - 1, -(2**63)]),
        rarely(st.integers(0, 3), [-1, -50, 10**9, 4 * 10**12]),  # ns after the row before
        rarely(st.integers(-2, 2), [10**6, 2**31, 4 * 10**12, -(10**15)], per=4),  # ns from event to receipt
        rarely(st.just(3), [1, 3 | Flag.BAD, 3 | Flag.WIPE, 3 | Flag.SNAPSHOT]),
    ),
    min_size=1,
    max_size=60,
)


def as_rows(drawn: list[tuple[int, ...]]) -> NDArray[np.void]:
    """ROW records from the strategy's tuples, after one that a book can use: a tape of rubbish alone is refused."""
    rows, clock = np.zeros(len(drawn) + 1, ROW), START
    rows[0]["action"], rows[0]["price"], rows[0]["flags"] = Action.STATUS, ABSENT, 3
    rows[0]["ts_event"], rows[0]["ts_recv"] = START, ABSENT
    for i, (action, side, order_id, new_id, price, qty, step, delay, flags) in enumerate(drawn, 1):
        clock += step
        row = rows[i]
        row["action"], row["side"], row["order_id"], row["new_order_id"] = action, side, order_id, new_id
        row["price"], row["qty"], row["ts_event"], row["flags"] = price, qty, clock, flags
        row["ts_recv"] = ABSENT if delay == 2 else clock + delay
        row["source_row"] = i
    return rows


@pytest.fixture(autouse=True)
def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint every few messages, as if the tapes were long."""
    monkeypatch.setattr(core.tape.marks, "SPACING", 7)
    monkeypatch.setattr(core.tape.marks, "PER_ORDER", 1)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the disk is not under test


def made(rows: NDArray[np.void], folder: Path, cuts: list[int]) -> Tape:
    """The rows as a tape, written in batches."""
    import_tape(RowSource(np.split(rows, sorted(min(cut, len(rows)) for cut in cuts))), folder, Options())
    return Tape(folder)


@pytest.fixture(scope="module")
def folders() -> Iterator[Iterator[Path]]:
    """Names of tapes to be; hypothesis asks for many within one test."""
    with tempfile.TemporaryDirectory() as root:
        yield (Path(root) / f"{i}.tape" for i in range(10**6))


def same_place(one: Place, other: Place) -> bool:
    """Whether two places cannot be told apart."""
    totals = [
        (at.index, at.clock, at.prints, at.volume, at.book.crossed, at.book.locked, at.book.status)
        for at in (one, other)
    ]
    return totals[0] == totals[1] and same_book(one.book, other.book)


tapes = settings(max_examples=40)
few_tapes = settings(tapes, max_examples=12)
CUTS = st.lists(st.integers(0, 60), max_size=3)


@tapes
@given(drawn=ROWS, cuts=CUTS)
def test_a_tape_holds_its_rows(folders: Iterator[Path], drawn: list[tuple[int, ...]], cuts: list[int]) -> None:
    rows = as_rows(drawn)
    tape, oracle, replayed = made(rows, next(folders), cuts), OracleIngest(len(rows)), OracleBook(len(rows))
    assert len(tape.messages) == len(rows) == tape.meta.messages
    for i in range(len(rows)):
        message = tape.messages[i]
        expected, fields = oracle.apply(rows[i])
        assert {
            name: int(message[name]) & (0xFFFF ^ Flag.RECV_US if name == "flags" else -1) for name in fields
        } == fields, i
        assert replayed.apply(message) == expected, f"row {i}: {rows[i]}"
        for price in {int(message["price"]), *(order.price for order in oracle.book.live.values())}:
            for side in (Side.BID, Side.ASK):
                assert replayed.queue(side, price) == oracle.book.queue(side, price)
                assert replayed.anonymous(side, price) == oracle.book.anonymous(side, price)
    tape.close()


@tapes
@given(drawn=ROWS, cuts=CUTS)
def test_slots_are_dense_and_used_again(folders: Iterator[Path], drawn: list[tuple[int, ...]], cuts: list[int]) -> None:
    rows = as_rows(drawn)
    tape, oracle = made(rows, next(folders), cuts), OracleIngest(len(rows))
    for row in rows:
        oracle.apply(row)
    used = tape.messages["slot"][tape.messages["action"] != Action.TRADE]
    assert tape.meta.slots == oracle.most
    assert used.max() < max(1, oracle.most)
    assert int(tape.new_book().results[Result.BAD_SLOT]) == 0
    tape.close()


@tapes
@given(drawn=ROWS)
def test_receive_times_survive(folders: Iterator[Path], drawn: list[tuple[int, ...]]) -> None:
    rows = as_rows(drawn)
    tape = made(rows, next(folders), [])
    stated, kept = rows["ts_recv"], ts_recv(tape.messages)
    delay = np.where(stated == ABSENT, 0, stated - rows["ts_event"])
    assert ((kept == ABSENT) == (stated == ABSENT)).all()
    near, far = np.abs(delay) < 2**31, np.abs(delay) >= 2**31 * 1000
    assert (kept[near] == stated[near]).all()
    assert (np.abs(kept - stated)[~near & ~far] < 1000).all()  # microseconds
    assert tape.meta.repaired.get("recv_clamped", 0) == np.count_nonzero(far)
    tape.close()


@tapes
@given(drawn=ROWS, cuts=CUTS)
def test_the_description_is_true(folders: Iterator[Path], drawn: list[tuple[int, ...]], cuts: list[int]) -> None:
    rows = as_rows(drawn)
    tape, oracle = made(rows, next(folders), cuts), OracleIngest(len(rows))
    backwards = sum(bool(oracle.apply(row)[1]["flags"] & Flag.BACKWARDS) for row in rows)
    meta, counted = tape.meta, {r.name.lower(): n for r, n in oracle.book.results.items() if n and r}
    assert meta.results == counted
    assert (meta.crossed_events, meta.locked_events) == (oracle.book.crossed, oracle.book.locked)
    assert meta.unknown_references == counted.get("unknown_order", 0) + counted.get("from_anonymous", 0)
    assert meta.source_rows == len(rows)
    assert meta.repaired.get("time_backwards", 0) == backwards
    assert (meta.first_ts, meta.last_ts) == (int(rows["ts_event"][0]), int(rows["ts_event"].max()))
    prices = [int(p) for p in tape.messages["price"] if p != NO_PRICE]
    assert not prices or (meta.low_price, meta.high_price) == (min(prices), max(prices))
    assert sum(meta.actions.values()) == int(np.count_nonzero(rows["action"]))
    found = verify(tape)
    assert not found.problems
    assert found.results == meta.results
    tape.close()


@few_tapes
@given(drawn=ROWS, cuts=CUTS)
def test_any_place_equals_a_replay_from_the_start(
    folders: Iterator[Path], drawn: list[tuple[int, ...]], cuts: list[int]
) -> None:
    tape = made(as_rows(drawn), next(folders), cuts)
    book = tape.new_book()
    clock = prints = volume = 0
    for index in range(len(tape.messages) + 1):
        if index:
            message = tape.messages[index - 1]
            book.apply(tape.messages, index - 1, index)
            clock = max(clock, int(message["ts_event"]))
            bad, silent = message["flags"] & Flag.BAD, message["flags"] & Flag.SILENT
            told = message["action"] == Action.TRADE or (message["action"] == Action.EXECUTE and not silent)
            if told and not bad and 1 <= message["qty"] <= MAX_QTY:
                prints, volume = prints + 1, volume + int(message["qty"])
        place = tape.at(index)
        if index % 20 == 0:
            place.book.check()
        assert same_place(place, Place(book, index, clock, prints, volume)), index
    assert same_place(tape.at(-5), tape.at(0))
    assert same_place(tape.at(10**12), tape.at(len(tape.messages)))
    tape.close()


@few_tapes
@given(drawn=ROWS, more=st.lists(st.integers(-100, 4 * 10**12), max_size=5))
def test_a_time_is_found_where_a_scan_finds_it(
    folders: Iterator[Path], drawn: list[tuple[int, ...]], more: list[int]
) -> None:
    rows = as_rows(drawn)
    tape = made(rows, next(folders), [])
    known = [int(ts) + d for ts in rows["ts_event"] for d in (-1, 0, 1)]
    for ts in [*known, *(START + offset for offset in more), 0, 2**62, -(2**62)]:
        later = np.flatnonzero(rows["ts_event"] > ts)
        assert tape.index_at(ts) == (int(later[0]) if len(later) else len(rows))
    tape.close()


@few_tapes
@given(drawn=ROWS, chunk=st.integers(1, 20))
def test_books_by_source_row_equal_the_oracle(
    folders: Iterator[Path], drawn: list[tuple[int, ...]], chunk: int
) -> None:
    rows = as_rows(drawn)
    tape, oracle, at = made(rows, next(folders), []), OracleIngest(len(rows)), 0
    for part in iter_book_rows(tape, 3, chunk):
        assert part.first == at
        for ts, levels in zip(part.ts_event, part.levels, strict=True):
            oracle.apply(rows[at])
            asks, bids = oracle.book.depth(3)
            for (price, qty), side in ((levels[0:2], asks), (levels[2:4], bids)):
                assert [(int(p), int(q)) for p, q in zip(price, qty, strict=True) if q] == side
            assert ts == rows["ts_event"][at]
            at += 1
    assert at == len(rows)
    tape.close()


LEVELS = 3
LADDERS = st.lists(st.tuples(st.integers(-70, 200), rarely(st.integers(1, 5), [MAX_QTY])), max_size=LEVELS)


@few_tapes
@given(drawn=ROWS, ladders=st.lists(st.tuples(LADDERS, LADDERS), min_size=61, max_size=61), cuts=CUTS)
def test_a_stated_book_is_what_replays(
    folders: Iterator[Path],
    drawn: list[tuple[int, ...]],
    ladders: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
    cuts: list[int],
) -> None:
    rows = as_rows(drawn)
    stated = [(sorted(dict(asks).items()), sorted(dict(bids).items(), reverse=True)) for asks, bids in ladders]
    windows = np.zeros((len(rows), LEVELS, 4), np.int64)
    for row, sides in zip(windows, stated, strict=False):
        for column, side in zip((0, 2), sides, strict=True):
            row[: len(side), column : column + 2] = np.array(side, np.int64).reshape(-1, 2)
    at = sorted(min(cut, len(rows)) for cut in cuts)
    source = RowSource(np.split(rows, at), np.split(windows.reshape(len(rows), -1), at))
    folder = next(folders)
    import_tape(source, folder, Options())
    tape, seen = Tape(folder), 0
    for part in iter_book_rows(tape, LEVELS + 1, 16):
        for levels in part.levels:
            for (price, qty), side in zip((levels[0:2], levels[2:4]), stated[seen], strict=True):
                assert [(int(p), int(q)) for p, q in zip(price, qty, strict=True) if q] == side
            seen += 1
    assert seen == len(rows)
    assert not verify(tape).problems
    implied = (tape.messages["flags"] & Flag.IMPLIED) != 0
    assert sum(tape.meta.implied.values()) == np.count_nonzero(implied)
    assert min(tape.meta.implied.values()) >= 0
    ends = (tape.messages["flags"] & Flag.ROW_END) != 0
    row_of = np.cumsum(ends) - ends  # of each message
    assert (tape.messages["ts_event"] == rows["ts_event"][row_of]).all()
    live = OracleBook(tape.meta.slots)
    assert Result.BAD_SLOT not in {live.apply(message) for message in tape.messages}
    tape.close()


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(3), np.zeros(500, ROW)
    rows["action"], rows["side"] = rng.choice(BUSY, 500), rng.choice([1, -1], 500)
    rows["order_id"], rows["new_order_id"] = rng.integers(1, 60, (2, 500))
    rows["price"], rows["qty"], rows["flags"] = rng.integers(90, 110, 500), rng.integers(1, 9, 500), 3
    rows["ts_event"], rows["ts_recv"] = START + np.arange(500), ABSENT
    made(rows, tmp_path / "one.tape", []).close()
    made(rows, tmp_path / "two.tape", [1, 77, 300]).close()
    for name in ("messages.npy", "marks.npz", "tape.json"):
        assert (tmp_path / "one.tape" / name).read_bytes() == (tmp_path / "two.tape" / name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"one.tape", "two.tape"}


@pytest.mark.nightly
def test_a_long_day_of_fuzzed_rows(tmp_path: Path) -> None:
    rng, n = np.random.default_rng(11), 300_000
    rows = np.zeros(n, ROW)
    rows["action"], rows["side"] = rng.choice([*BUSY, 0, 7, 8, 9], n), rng.choice([1, -1, 1, -1, 1, -1, 0], n)
    rows["order_id"], rows["new_order_id"] = rng.integers(1, 400, (2, n))
    rows["price"], rows["qty"] = rng.choice([*range(80, 120), 5_100, -7], n), rng.integers(-1, 9, n)
    rows["ts_event"] = START + np.cumsum(rng.integers(-1, 9, n))
    rows["ts_recv"], rows["flags"] = ABSENT, rng.choice([3, 3, 3, 3, 3 | Flag.BAD, 3 | Flag.WIPE], n)
    tape, oracle = made(rows, tmp_path / "long.tape", list(range(0, n, 1000))), OracleIngest(n)
    book = Book(tape.meta.slots)
    for start in range(0, n, 1000):
        book.apply(tape.messages, start, start + 1000)
        for row in rows[start : start + 1000]:
            oracle.apply(row)
        assert book.best() == oracle.book.best()
        assert book.orders == oracle.book.orders
    assert tape.meta.slots == oracle.most
    assert not verify(tape).problems
