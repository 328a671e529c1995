"""What a tape showed, against its own book; and estimates that know nothing of what comes later."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Action, Flag
from core.errors import ConfigError
from core.feeds.source import Options
from core.plan import ParentPlan
from core.records import ABSENT, NO_PRICE, ROW
from core.tape.importer import import_tape
from core.tape.tape import Tape
from core.tca.estimate import Estimate, estimate, known_before, volume_curve
from core.tca.market import SAMPLE, TOUCH, Market, read_market
from tests.oracle.tape import RowSource
from tests.small_tapes import market_rows, small_tape

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def plain_market(prints: list[tuple[int, int]], last: int, first: int = 0) -> Market:
    """A market that stood still at 99 / 101 and printed (time, lots)."""
    samples = np.zeros((last - first) // SECOND + 1, SAMPLE)
    samples["bid"], samples["ask"], samples["bid_qty"], samples["ask_qty"] = 99, 101, 30, 10
    touch = np.array([(0, first, EMPTY_BID, EMPTY_ASK), (1, first, 99, 101)], TOUCH)
    clock, lots = np.array(prints, np.int64).reshape(-1, 2).T
    volume = np.concatenate([[0], np.cumsum(lots)])
    return Market(first, last, touch, SECOND, samples, clock, volume, volume)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    return Tape(small_tape(tmp_path_factory.mktemp("market") / "tape", seed=4, count=1500))


@pytest.fixture(scope="module")
def market(tape: Tape) -> Market:
    return read_market(tape)


def test_the_mid_at_every_message_is_that_of_the_book(tape: Tape, market: Market) -> None:
    mids = market.mid2_after(np.arange(len(tape.messages) + 1))
    book = tape.new_book()
    for index in range(len(tape.messages) + 1):
        bid, ask = book.best()
        assert mids[index] == (NO_PRICE if bid is None or ask is None else bid + ask), index
        book.apply(tape.messages, index, min(index + 1, len(tape.messages)))


def test_times_and_samples_are_those_of_the_running_clock(tape: Tape, market: Market) -> None:
    clock = np.maximum.accumulate(tape.messages["ts_event"])
    assert (market.first_ts, market.last_ts) == (clock[0], clock[-1])
    rng = np.random.default_rng(1)
    for time in [*rng.integers(clock[0], clock[-1], 40), *clock[rng.integers(0, len(clock), 40)]]:
        applied = int(np.searchsorted(clock, time, "right"))
        assert market.mid2_at(np.array([time]))[0] == market.mid2_after(np.array([applied]))[0]
    assert len(market.samples) == (clock[-1] - clock[0]) // SECOND + 1
    for k in rng.integers(0, len(market.samples), 40):
        before = int(np.searchsorted(clock, clock[0] + k * SECOND, "left"))
        bid, ask = tape.at(before).book.best()
        assert market.samples[k]["bid"] == (EMPTY_BID if bid is None else bid)
        assert market.samples[k]["ask"] == (EMPTY_ASK if ask is None else ask)


def test_prints_add_up_and_crosses_are_apart(tape: Tape, market: Market) -> None:
    assert market.volume[-1] == tape.meta.volume
    rows = np.zeros(2, ROW)
    rows["action"], rows["price"], rows["qty"], rows["ts_event"], rows["ts_recv"] = Action.TRADE, 5, 7, SECOND, ABSENT
    rows["flags"] = [Flag.ROW_END, Flag.ROW_END | Flag.CROSS]
    folder = tape.folder.with_name("crosses")
    import_tape(RowSource([rows]), folder, Options())
    found = read_market(Tape(folder))
    assert (found.volume[-1], found.continuous[-1]) == (14, 7)
    assert found.traded(SECOND, SECOND + 1) == 7
    assert found.traded(0, SECOND) == 0


def test_the_last_known_mid_bridges_an_empty_side() -> None:
    market = plain_market([], 10 * SECOND)
    gone = np.array([(0, 0, EMPTY_BID, EMPTY_ASK), (1, 5, 99, 102), (2, 7, EMPTY_BID, 102)], TOUCH)
    market = replace(market, touch=gone)
    assert market.mid2_at(np.array([4, 5, 6, 7])).tolist() == [NO_PRICE, 201, 201, NO_PRICE]
    assert [market.last_mid2(time) for time in (-1, 4, 5, 7, 9)] == [NO_PRICE, NO_PRICE, 201, 201, 201]


def half_changed(rows: NDArray[np.void], cut: int) -> NDArray[np.void]:
    """The same rows until `cut`, and another market after it."""
    other = market_rows(99, len(rows))
    other["ts_event"] += rows["ts_event"][:cut].max() - other["ts_event"][cut:].min() + SECOND
    return np.concatenate([rows[:cut], other[cut:]])


def test_nothing_at_or_after_the_start_is_looked_at(tmp_path: Path) -> None:
    rows = market_rows(8, 1200)
    cut = 700
    import_tape(RowSource([rows]), tmp_path / "one", Options())
    import_tape(RowSource([half_changed(rows, cut)]), tmp_path / "two", Options())
    one, two = read_market(Tape(tmp_path / "one")), read_market(Tape(tmp_path / "two"))
    before = int(rows["ts_event"][:cut].max())
    assert one.traded(before, one.last_ts + 1) != two.traded(before, two.last_ts + 1)
    for start in (before, before - 7 * SECOND):
        assert estimate(one, start) == estimate(two, start)
        assert estimate(one, start).sigma > 0
        for window in (5 * SECOND, 30 * SECOND):
            np.testing.assert_array_equal(volume_curve(one, start, window, 6), volume_curve(two, start, window, 6))


def test_a_print_at_the_start_is_not_before_it() -> None:
    market = plain_market([(9 * SECOND, 5), (10 * SECOND, 100)], 60 * SECOND)
    found = estimate(market, 10 * SECOND)
    assert replace(found, sigma=0.0) == Estimate(0.0, 0.5, 2.0, 20.0, 10.0)
    assert estimate(market, 12 * SECOND).sigma == 0.0  # eleven samples before it: the first change over ten seconds
    late = volume_curve(market, 10 * SECOND, 10 * SECOND, 2)
    np.testing.assert_allclose(late, [1 / 4, 3 / 4])  # 5 lots in the second half, and one even block of 5


def test_estimates_of_a_walk_find_its_volatility() -> None:
    rng = np.random.default_rng(2)
    market = plain_market([], 20_000 * SECOND)
    middle = np.cumsum(np.round(rng.normal(0, 3, len(market.samples)))).astype(np.int64)
    market.samples["bid"], market.samples["ask"] = middle - 1, middle + 1
    found = estimate(market, 20_000 * SECOND, 20_000 * SECOND)
    assert found.sigma == pytest.approx(3, rel=0.1)
    assert found.seconds == 20_000


def test_nothing_earlier_is_nothing_known() -> None:
    market = plain_market([(5, 9)], 60 * SECOND)
    none = estimate(market, 0)
    assert np.isnan([none.sigma, none.rate, none.spread, none.depth]).all()
    assert none.seconds == 0.0
    np.testing.assert_array_equal(volume_curve(market, 0, 10 * SECOND, 4), np.full(4, 0.25))
    np.testing.assert_array_equal(volume_curve(market, 9 * SECOND, 10 * SECOND, 4), np.full(4, 0.25))


def test_earlier_blocks_shape_the_curve() -> None:
    late_in_each = [(10 * SECOND * block + 9 * SECOND, 100) for block in range(20)]
    curve = volume_curve(plain_market(late_in_each, 300 * SECOND), 200 * SECOND, 10 * SECOND, 2)
    np.testing.assert_allclose(curve, [50 / 2100, 2050 / 2100])


def test_earlier_days_are_read_at_the_same_time_of_day() -> None:
    open_hour = 14 * 3600 * SECOND
    busy = [(open_hour + 30 * SECOND + k, 10) for k in range(9)]
    day = plain_market(busy, open_hour + 3600 * SECOND, open_hour)
    today = plain_market([], open_hour + DAY + 3600 * SECOND, open_hour + DAY)
    found = volume_curve(today, open_hour + DAY, 60 * SECOND, 2, [day])
    np.testing.assert_allclose(found, [45 / 180, 135 / 180])
    two_days_back = plain_market(
        [(time - DAY, lots) for time, lots in busy], open_hour - DAY + 40 * SECOND, open_hour - DAY
    )
    both = volume_curve(today, open_hour + DAY, 60 * SECOND, 2, [day, two_days_back])
    np.testing.assert_allclose(both, [45 / 270, 225 / 270])
    with pytest.raises(ConfigError, match="ended before the order starts"):
        volume_curve(today, open_hour + DAY, 60 * SECOND, 2, [today])
    outside = plain_market([], open_hour + 600 * SECOND, open_hour)
    np.testing.assert_array_equal(
        volume_curve(today, open_hour + DAY + 1800 * SECOND, 60 * SECOND, 2, [outside]), [0.5, 0.5]
    )


def test_a_policy_is_told_what_was_known() -> None:
    market = plain_market([(9 * SECOND, 5), (10 * SECOND, 100)], 60 * SECOND)
    told = known_before(market, ParentPlan(-1, 7, 10 * SECOND, 20 * SECOND, 95, 0.2), every=SECOND, slices=2)
    assert (told.side, told.qty, told.start, told.end, told.limit, told.urgency) == (-1, 7, 10**10, 2 * 10**10, 95, 0.2)
    assert (told.rate, told.spread, told.depth) == (0.5, 2.0, 20.0)
    np.testing.assert_allclose(told.volumes, [1 / 4, 3 / 4])
