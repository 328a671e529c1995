"""The columns of the heat map, the prints and the day's outline, against a slow reading of the same tape."""

import threading
from pathlib import Path

import numpy as np
import pytest

from core.book.book import Book
from core.engine import Engine, View
from core.enums import Action, Flag
from core.feeds.source import Options
from core.history import ROWS, Prints
from core.outline import outline
from core.records import ABSENT, NO_PRICE, ROW
from core.tape.importer import import_tape
from core.tape.tape import Tape
from tests.oracle.tape import RowSource
from tests.small_tapes import SECOND, START, small_tape

COUNT = 500


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A small tape."""
    return Tape(small_tape(tmp_path_factory.mktemp("tapes") / "small.tape", seed=5, count=COUNT))


def books_by_column(tape: Tape, index: int, step: int) -> dict[int, tuple[int, Book]]:
    """For each column number (time // step): messages applied when it closed, and the book then; the open one last."""
    stamps = tape.messages["ts_event"][:index]
    clock = np.maximum.accumulate(stamps)
    found = {}
    for column in range(int(clock[0]) // step, int(clock[-1]) // step + 1):
        done = int(np.searchsorted(clock, (column + 1) * step, "left"))
        book = tape.new_book()
        book.apply(tape.messages, 0, done)
        found[column] = done, book
    return found


@pytest.mark.parametrize("step", [SECOND // 2, 10 * SECOND, 100 * SECOND])
@pytest.mark.parametrize("index", [1, 60, 250, COUNT])
def test_columns_hold_the_book_of_their_last_moment(tape: Tape, index: int, step: int) -> None:
    group, columns = 2, 12
    engine = Engine(tape, View(group, step, columns))
    engine.seek(index)
    history = engine.history()
    expected = list(books_by_column(tape, index, step).items())[-columns:]
    assert len(history.low) == len(expected)
    assert history.end == (expected[-1][0] + 1) * step
    for i, (_, (_, book)) in enumerate(expected):
        bid, ask = book.best()
        assert (history.best_bid[i], history.best_ask[i]) == tuple(NO_PRICE if p is None else p for p in (bid, ask))
        if bid is None and ask is None:
            assert not history.bids[i].any() and not history.asks[i].any()
            continue
        middle = ask if bid is None else bid if ask is None else (bid + ask) // 2
        assert middle is not None
        assert history.low[i] == middle // group - ROWS // 2
        ask_price, ask_qty, bid_price, bid_qty = book.depth(400)
        for prices, quantities, shown in ((bid_price, bid_qty, history.bids[i]), (ask_price, ask_qty, history.asks[i])):
            lots = np.zeros(ROWS, np.float32)
            for price, qty in zip(prices, quantities, strict=True):
                row = int(price) // group - int(history.low[i])
                if qty and 0 <= row < ROWS:
                    lots[row] += qty
            assert np.array_equal(shown, lots)


@pytest.mark.parametrize("index", [30, 250, COUNT])
def test_columns_hold_what_was_traded_in_them(tape: Tape, index: int) -> None:
    step, group = 10 * SECOND, 2
    engine = Engine(tape, View(group, step, 30))
    engine.seek(index)
    history = engine.history()
    seen = [one for one in engine.prints.records if one["index"] < index]
    clock = 0
    bought, sold = np.zeros_like(history.bought), np.zeros_like(history.sold)
    largest: list[tuple[int, int]] = [(0, NO_PRICE)] * len(bought)
    for one in seen:
        clock = max(clock, int(one["ts_event"]))
        column = len(bought) - 1 - (history.end - 1 - clock) // step
        if column < 0:
            continue
        qty, side = int(one["qty"]), int(one["side"])
        bought[column] += qty * (side > 0)
        sold[column] += qty * (side < 0)
        if side and qty > abs(largest[column][0]):
            largest[column] = qty * side, int(one["price"]) // group
    assert np.array_equal(history.bought, bought) and np.array_equal(history.sold, sold)
    assert list(zip(history.trade_qty.tolist(), history.trade_row.tolist(), strict=True)) == largest


def test_prints_are_trades_and_executions_that_no_trade_reports(tape: Tape) -> None:
    prints, expected = Prints(tape.messages, tape.meta.prints), []
    for i, message in enumerate(tape.messages):
        if message["flags"] & Flag.BAD or message["action"] not in (Action.TRADE, Action.EXECUTE):
            continue
        if message["action"] == Action.EXECUTE and message["flags"] & Flag.SILENT:
            continue
        side = int(message["side"]) * (1 if message["action"] == Action.TRADE else -1)
        expected.append((i, int(message["ts_event"]), int(message["price"]), int(message["qty"]), side))
    found = [tuple(int(one[name]) for name in ("index", "ts_event", "price", "qty", "side")) for one in prints.records]
    assert found == expected
    assert len(expected) == tape.meta.prints and sum(one[3] for one in expected) == tape.meta.volume
    for index in range(0, COUNT + 1, 9):
        before = [one for one in expected if one[0] < index]
        count = prints.before(index)
        assert count == len(before)
        assert prints.volume[count] == sum(one[3] for one in before)
        assert prints.bought[count] == sum(one[3] for one in before if one[4] > 0)
        assert prints.sold[count] == sum(one[3] for one in before if one[4] < 0)


def test_a_wrong_count_of_prints_does_no_harm(tape: Tape) -> None:
    right = Prints(tape.messages, tape.meta.prints).records
    for stated in (0, 1, 10**6):
        assert np.array_equal(Prints(tape.messages, stated).records, right)


@pytest.mark.parametrize("buckets", [1, 7, 64])
def test_the_outline_has_the_last_mid_and_the_volume_of_each_bucket(tape: Tape, buckets: int) -> None:
    found = outline(tape, buckets, threading.Event())
    assert found is not None
    assert len(found.mid) == len(found.volume) == buckets
    assert sum(found.volume) == tape.meta.volume
    step = -(-(found.last_ts - found.first_ts + 1) // buckets)
    clock = np.maximum.accumulate(tape.messages["ts_event"])
    for i, mid in enumerate(found.mid):
        book = tape.new_book()
        book.apply(tape.messages, 0, int(np.searchsorted(clock, found.first_ts + (i + 1) * step, "left")))
        bid, ask = book.best()
        expected = (bid + ask) / 2 if bid is not None and ask is not None else float("nan")
        assert mid == expected or (np.isnan(mid) and np.isnan(expected))


def test_the_outline_stops_when_asked(tape: Tape) -> None:
    stop = threading.Event()
    stop.set()
    assert outline(tape, 10, stop) is None


def test_a_tape_of_one_message_has_a_history(tmp_path: Path) -> None:
    one = Tape(small_tape(tmp_path / "one.tape", seed=3, count=1))
    engine = Engine(one)
    assert len(engine.history().low) == 1
    engine.advance(1)
    assert engine.history().end > one.meta.last_ts
    found = outline(one, 4, threading.Event())
    assert found is not None and len(found.mid) == 4


def test_a_message_on_the_edge_belongs_to_the_column_it_opens(tmp_path: Path) -> None:
    rows = np.zeros(4, ROW)
    number = np.arange(4)
    rows["ts_event"], rows["ts_recv"], rows["flags"] = START + number * SECOND, ABSENT, 3
    rows["action"], rows["side"], rows["order_id"], rows["price"], rows["qty"] = (
        Action.ADD,
        1,
        number + 1,
        100 + number,
        5,
    )
    import_tape(RowSource([rows]), tmp_path / "edges.tape", Options())
    engine = Engine(Tape(tmp_path / "edges.tape"), View(1, SECOND, 8))
    engine.advance(3)
    history = engine.history()
    assert history.best_bid.tolist() == [100, 101, 102]
    assert history.end == START + 3 * SECOND
