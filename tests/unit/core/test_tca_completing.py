"""The cost of completing, by hand and against the book of a tape."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.account.money import BPS_UNITS
from core.records import FILL
from core.tape.tape import Tape
from core.tca.completing import Completion, Ladder, complete, completed, ladders, sweep
from core.tca.shortfall import Leftover, Marks, decompose
from tests.small_tapes import small_tape

FREE = np.zeros((1, 4), np.int64)
FEES = np.array([[-1, 2, 0, BPS_UNITS // 100]], np.int64)  # 2 units a lot and 1 % to take
BOOK = Ladder(*(np.array(row, np.int64) for row in ([103, 104, 0], [10, 20, 0], [101, 99, 0], [5, 50, 0])))
EMPTY = Ladder(*(np.zeros(2, np.int64) for _ in range(4)))


def fills(*lots: int) -> NDArray[np.void]:
    """Fills of signed lots at 102, the mid."""
    out = np.zeros(len(lots), FILL)
    out["qty"], out["side"] = np.abs(lots), np.sign(lots)
    out["price"], out["mid2"] = 102, 204
    return out


def test_levels_are_walked_and_fees_paid_at_each() -> None:
    assert sweep([103, 104], [10, 20], 25) == [(103, 10), (104, 15)]
    found = complete(BOOK, 1, 25, fees=FEES, instrument=0, tick_value=10)
    assert found == Completion(2 * (1030 + 1560), 2 * 25 + 103 + 156, 0)
    assert complete(BOOK, -1, 7, fees=FREE, instrument=0, tick_value=10) == Completion(2 * (505 + 198), 0, 0)
    assert complete(BOOK, 1, 1, fees=FREE, instrument=0, tick_value=10, shift=3).paid2 == 2 * 106


def test_what_the_book_does_not_hold_pays_its_last_price_and_is_told() -> None:
    found = complete(BOOK, 1, 40, fees=FREE, instrument=0, tick_value=1)
    assert found == Completion(2 * (1030 + 30 * 104), 0, 10)
    assert complete(EMPTY, 1, 40, fees=FEES, instrument=0, tick_value=1) == Completion(0, 0, 40)


@pytest.mark.parametrize(
    ("side", "done", "paid2"),
    [
        (1, (4,), 2 * 6 * 103),
        (-1, (-4,), 2 * (5 * 101 + 99)),
        (1, (13,), 2 * 3 * 101),
        (-1, (-11,), 2 * 103),
        (1, (10,), 0),
    ],
)
def test_marks_take_what_is_left_from_the_right_side(side: int, done: tuple[int, ...], paid2: int) -> None:
    plain = Marks(204, 204, 206, 1)
    marks, beyond = completed(plain, side, 10, fills(*done), BOOK, fees=FREE)
    assert (marks.complete2, beyond) == (paid2, 0)
    found = decompose(side, 10, fills(*done), np.full(len(done), 204), marks)
    assert found.leftover is Leftover.COMPLETE
    assert found.total == sum(found.parts) == found.opportunity >= 0  # filled at the mid, the rest across the spread


def test_an_empty_book_leaves_the_end_mid() -> None:
    plain = Marks(204, 204, 206, 1)
    assert completed(plain, 1, 10, fills(4), EMPTY, fees=FREE) == (plain, 6)
    marks, beyond = completed(plain, 1, 10, fills(10), EMPTY, fees=FREE)
    assert (marks.complete2, beyond) == (0, 0)


def test_ladders_are_the_books_of_the_tape(tmp_path: Path) -> None:
    tape = Tape(small_tape(tmp_path / "tape", seed=6, count=900))
    clock = tape.messages["ts_event"]
    times = np.array([clock[700], clock[100], clock[-1], clock[0] - 1, clock[300]], np.int64)
    found = ladders(tape, times, 6)
    assert len(found) == 5
    last = -1
    for time, ladder in sorted(zip(times.tolist(), found, strict=True), key=lambda each: each[0]):
        last = max(last, tape.index_at(time))
        for ours, theirs in zip(
            (ladder.ask_price, ladder.ask_qty, ladder.bid_price, ladder.bid_qty),
            tape.at(last).book.depth(6),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert found[2].ask_qty.any()
    assert ladders(tape, times[:0]) == []
