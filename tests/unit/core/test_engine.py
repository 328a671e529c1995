"""The engine at any place, however it came there, is the engine that played from the start."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from core.engine import LADDER_ROWS, Engine, View, usual_group
from core.enums import Side
from core.records import NO_PRICE
from core.tape.check import same_book
from core.tape.tape import Tape
from tests.small_tapes import SECOND, small_tape

COUNT = 600


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A small tape with a checkpoint every 50 messages."""
    return Tape(small_tape(tmp_path_factory.mktemp("tapes") / "small.tape", seed=1, count=COUNT))


def view(step: int = SECOND, columns: int = 24, group: int = 1) -> View:
    """Few columns, so that the ring turns often."""
    return View(group, step, columns)


def assert_same(engine: Engine, fresh: Engine) -> None:
    """Nothing that a screen could show differs."""
    assert (engine.index, engine.clock) == (fresh.index, fresh.clock)
    assert same_book(engine.book, fresh.book)
    engine.book.check()
    assert engine.book.status == fresh.book.status
    assert (engine.book.crossed, engine.book.locked) == (fresh.book.crossed, fresh.book.locked)
    assert (engine.touch_qty(0), engine.touch_qty(1)) == (fresh.touch_qty(0), fresh.touch_qty(1))
    for mine, theirs in ((engine.ladder(), fresh.ladder()), (engine.history(), fresh.history())):
        for name in (field.name for field in fields(mine)):
            here, there = getattr(mine, name), getattr(theirs, name)
            if name == "low" and isinstance(here, np.ndarray):
                known = (mine.best_bid != NO_PRICE) | (mine.best_ask != NO_PRICE)  # an empty book lies nowhere
                here, there = here[known], there[known]
            assert np.array_equal(here, there), (engine.index, name)


def played(tape: Tape, index: int, chosen: View) -> Engine:
    """A new engine that played from the start without a jump."""
    fresh = Engine(tape, chosen)
    fresh.advance(index)
    return fresh


@pytest.mark.parametrize("seed", range(4))
def test_any_way_to_a_place_gives_the_same_picture(tape: Tape, seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = int(rng.choice([SECOND // 5, SECOND, 30 * SECOND]))
    engine = Engine(tape, view(step, group=int(rng.choice([1, 5]))))
    for _ in range(25):
        if rng.random() < 0.5:
            engine.seek(int(rng.integers(-5, COUNT + 5)))
        else:
            engine.advance(engine.index + int(rng.integers(0, 120)))
        assert_same(engine, played(tape, engine.index, engine.view))


def test_every_index_is_reached_by_a_jump(tape: Tape) -> None:
    running, jumping = Engine(tape, view()), Engine(tape, view())
    for index in range(0, COUNT + 1, 7):
        running.advance(index)
        jumping.seek(index)
        assert_same(jumping, running)


def test_the_start_has_the_first_time_and_an_empty_book(tape: Tape) -> None:
    engine = Engine(tape, view())
    engine.advance(300)
    engine.seek(0)
    assert (engine.index, engine.clock) == (0, tape.meta.first_ts)
    assert engine.book.best() == (None, None)
    assert not engine.ladder().bids.any() and not engine.ladder().bought.any()
    assert not engine.history().bids.any()


def test_the_clock_never_goes_back(tape: Tape) -> None:
    assert (np.diff(tape.messages["ts_event"]) < 0).any()
    clock = np.maximum.accumulate(tape.messages["ts_event"])
    one, many = Engine(tape, view()), Engine(tape, view())
    many.advance(COUNT)
    for index in range(1, COUNT + 1):
        one.advance(index)
        assert one.clock == clock[index - 1]
    assert many.clock == clock[-1] == tape.meta.last_ts


def test_advance_until_a_time_stops_where_the_time_is_found(tape: Tape) -> None:
    rng = np.random.default_rng(8)
    times = np.sort([*rng.integers(tape.meta.first_ts - SECOND, tape.meta.last_ts, 60), tape.meta.last_ts])
    engine = Engine(tape, view())
    for ts in map(int, times):
        reached = engine.advance(COUNT, ts)
        assert engine.index == tape.index_at(ts)
        assert reached == (engine.index < COUNT)
    assert engine.index == COUNT


def test_a_time_is_found_where_a_scan_finds_it(tape: Tape) -> None:
    stamps = tape.messages["ts_event"]
    for ts in {int(t) + d for t in stamps for d in (-1, 0, 1)} | {0, 2**62, -(2**62)}:
        later = np.flatnonzero(stamps > ts)
        assert tape.index_at(ts) == (int(later[0]) if len(later) else COUNT)


def test_the_volume_profile_counts_every_print_of_its_rows(tape: Tape) -> None:
    engine = Engine(tape, view(group=5))
    for index in (COUNT, 100, 333):
        engine.seek(index)
        ladder = engine.ladder()
        bought, sold = np.zeros(LADDER_ROWS, np.int64), np.zeros(LADDER_ROWS, np.int64)
        for one in engine.prints.records:
            row = int(one["price"]) // 5 - ladder.low
            if one["index"] < index and 0 <= row < LADDER_ROWS:
                bought[row] += one["qty"] * (one["side"] == Side.BID)
                sold[row] += one["qty"] * (one["side"] == Side.ASK)
        assert np.array_equal(ladder.bought, bought) and np.array_equal(ladder.sold, sold)
    assert bought.any() and sold.any()


def test_the_ladder_shows_the_book(tape: Tape) -> None:
    engine = Engine(tape, view(group=3))
    engine.seek(400)
    ladder = engine.ladder()
    ask_price, ask_qty, bid_price, bid_qty = engine.book.depth(500)
    for prices, quantities, shown, orders, side in (
        (ask_price, ask_qty, ladder.asks, ladder.ask_orders, Side.ASK),
        (bid_price, bid_qty, ladder.bids, ladder.bid_orders, Side.BID),
    ):
        lots, count = np.zeros(LADDER_ROWS, np.int64), np.zeros(LADDER_ROWS, np.int64)
        for price, qty in zip(prices, quantities, strict=True):
            row = int(price) // 3 - ladder.low
            if qty and 0 <= row < LADDER_ROWS:
                lots[row] += qty
                count[row] += len(engine.book.queue(side, int(price)))
        assert np.array_equal(shown, lots) and np.array_equal(orders, count)
        assert lots.any()


def test_a_group_fits_the_book_on_a_screen(tape: Tape, tmp_path: Path) -> None:
    group = usual_group(tape)
    assert group in {step * 10**power for step in (1, 2, 5) for power in range(8)}
    empty = Tape(small_tape(tmp_path / "one.tape", seed=3, count=1))
    assert usual_group(empty) == 1
    assert Engine(empty).ladder().low == empty.meta.low_price - LADDER_ROWS // 2
