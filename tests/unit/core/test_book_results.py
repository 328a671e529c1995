"""Every result code by name, for the kernel book and for the oracle alike."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from core.book.book import Book
from core.enums import Action, Flag, Result, Side, Status
from core.records import MAX_QTY, MESSAGE, NO_PRICE, NO_SLOT
from tests.oracle.book import OracleBook

BID, ASK, NONE = Side.BID, Side.ASK, Side.NONE
SLOTS = 8
INT32, INT64 = np.iinfo(np.int32), np.iinfo(np.int64)


class Desk:
    """Applies one message at a time to a book and tells its result."""

    def __init__(self, book: Book | OracleBook) -> None:
        self.book = book

    def send(
        self,
        action: int,
        side: int = NONE,
        slot: int = NO_SLOT,
        order: int = 0,
        price: int = 100,
        qty: int = 1,
        flags: int = 0,
    ) -> Result:
        """The result of one message; a refusal has changed nothing that can be seen."""
        message = np.zeros(1, MESSAGE)
        for name, value in (("action", action), ("side", side), ("slot", slot), ("order_id", order)):
            message[name] = value
        message["price"], message["qty"], message["flags"] = price, qty, flags
        before = self.picture()
        if isinstance(self.book, OracleBook):
            result = self.book.apply(message[0])
        else:
            counted = self.book.results.copy()
            self.book.apply(message)
            self.book.check()
            rise = np.flatnonzero(self.book.results - counted)
            result = Result(int(rise[0])) if rise.size else Result.OK
        if result not in (Result.OK, Result.OVERFILL, Result.FROM_ANONYMOUS, Result.UNKNOWN_ORDER):
            assert self.picture() == before
        return result

    def add(self, side: int, slot: int, price: int, qty: int) -> None:
        """An order whose id is its slot + 10."""
        assert self.send(Action.ADD, side, slot, slot + 10, price, qty) == Result.OK

    def level(self, side: int, price: int, qty: int, flags: int = 0) -> Result:
        """Set anonymous quantity."""
        return self.send(Action.LEVEL, side, price=price, qty=qty, flags=flags)

    def at(self, side: int, price: int) -> tuple[list[tuple[int, int]], int]:
        """Queue and anonymous quantity."""
        return self.book.queue(side, price), self.book.anonymous(side, price)

    def picture(self) -> tuple[object, ...]:
        """All that a refusal must leave as it is."""
        levels = [self.at(side, price) for side in (BID, ASK) for price in (99, 100, 101)]
        return levels, self.book.best(), self.book.orders, self.book.status


@pytest.fixture(params=[lambda: Book(SLOTS, pages=1), lambda: OracleBook(SLOTS)], ids=["kernels", "oracle"])
def desk(request: pytest.FixtureRequest) -> Desk:
    make: Callable[[], Book | OracleBook] = request.param
    return Desk(make())


BAD_QTYS = [0, -1, MAX_QTY + 1, 2**62, int(INT64.max), int(INT64.min)]
BAD_SLOTS = [SLOTS, -2, int(INT32.max), int(INT32.min)]
BAD_SIDES = [0, 2, -2, 127, -128]
REMOVALS = [Action.CANCEL, Action.EXECUTE, Action.DELETE]


def test_ok_orders_wait_in_line(desk: Desk) -> None:
    desk.add(BID, 0, 100, 5)
    desk.add(BID, 1, 100, 6)
    desk.add(BID, 2, 99, 7)
    desk.add(ASK, 3, 101, 8)
    assert desk.at(BID, 100) == ([(10, 5), (11, 6)], 0)
    assert desk.book.best() == (100, 101)
    assert desk.book.orders == 4
    assert desk.send(Action.CANCEL, slot=0, order=10, qty=2) == Result.OK
    assert desk.send(Action.EXECUTE, slot=0, order=10, qty=1) == Result.OK
    assert desk.at(BID, 100) == ([(10, 2), (11, 6)], 0)  # it kept its place
    assert desk.send(Action.EXECUTE, slot=0, order=10, qty=2) == Result.OK
    assert desk.send(Action.DELETE, slot=1, order=11, qty=-99) == Result.OK  # how much does not matter
    assert desk.book.best() == (99, 101)
    desk.add(ASK, 0, 102, 1)  # slots are used again
    assert desk.at(ASK, 102) == ([(10, 1)], 0)


def test_ok_largest_quantities_add_up(desk: Desk) -> None:
    for slot in range(SLOTS):
        desk.add(ASK, slot, 100, MAX_QTY)
    assert desk.level(ASK, 100, MAX_QTY) == Result.OK
    book = desk.book
    total = book.depth(1)[0][0][1] if isinstance(book, OracleBook) else int(book.depth(1)[1][0])
    assert total == (SLOTS + 1) * MAX_QTY


@pytest.mark.parametrize("action", REMOVALS)
def test_unknown_order(desk: Desk, action: Action) -> None:
    desk.add(BID, 0, 100, 5)
    assert desk.send(action, BID, NO_SLOT, 10, 100, 5) == Result.UNKNOWN_ORDER
    assert desk.send(action, BID, 1, 11, 100, 5) == Result.UNKNOWN_ORDER
    assert desk.send(action, BID, 0, 11, 100, 5) == Result.UNKNOWN_ORDER  # the slot of somebody else
    assert desk.at(BID, 100) == ([(10, 5)], 0)


@pytest.mark.parametrize("qty", BAD_QTYS)
def test_unknown_order_delete_with_a_bad_quantity(desk: Desk, qty: int) -> None:
    desk.level(BID, 100, 5)
    assert desk.send(Action.DELETE, BID, price=100, qty=qty) == Result.UNKNOWN_ORDER
    assert desk.at(BID, 100) == ([], 5)


def test_unknown_order_replace_still_adds(desk: Desk) -> None:
    assert desk.send(Action.REPLACE, ASK, 2, 12, 101, 4) == Result.UNKNOWN_ORDER
    assert desk.at(ASK, 101) == ([(12, 4)], 0)
    assert desk.send(Action.REPLACE, NONE, 3, 13, 101, 4) == Result.UNKNOWN_ORDER  # of no side: nothing to add
    assert desk.send(Action.REPLACE, ASK, NO_SLOT, 14, 101, 4) == Result.UNKNOWN_ORDER  # with no slot: nowhere to add
    assert desk.book.orders == 1


def test_duplicate_order(desk: Desk) -> None:
    desk.add(BID, 0, 100, 5)
    assert desk.send(Action.ADD, BID, 0, 10, 100, 5) == Result.DUPLICATE_ORDER
    assert desk.send(Action.ADD, ASK, 0, 99, 101, 7) == Result.DUPLICATE_ORDER
    assert desk.at(BID, 100) == ([(10, 5)], 0)


@pytest.mark.parametrize("qty", BAD_QTYS)
@pytest.mark.parametrize("action", [Action.ADD, Action.CANCEL, Action.EXECUTE, Action.REPLACE, Action.TRADE])
def test_bad_qty(desk: Desk, action: Action, qty: int) -> None:
    if action != Action.ADD:
        desk.add(BID, 0, 100, 5)
    assert desk.send(action, BID, 0, 10, 100, qty) == Result.BAD_QTY


def test_bad_qty_of_levels_and_status(desk: Desk) -> None:
    assert desk.level(BID, 100, 0) == Result.OK
    for qty in BAD_QTYS[1:]:
        assert desk.level(BID, 100, qty) == Result.BAD_QTY
        assert desk.send(Action.STATUS, qty=qty) == Result.BAD_QTY
    assert desk.send(Action.STATUS, qty=7) == Result.BAD_QTY


@pytest.mark.parametrize("action", [Action.ADD, Action.REPLACE, Action.LEVEL])
def test_bad_price(desk: Desk, action: Action) -> None:
    assert desk.send(action, BID, 0, 10, NO_PRICE, 5) == Result.BAD_PRICE


@pytest.mark.parametrize("price", [NO_PRICE + 1, int(INT32.max), 0, -1, -64, -65, 19_999_999])
def test_every_other_price_is_good(desk: Desk, price: int) -> None:
    desk.add(ASK, 0, price, 5)
    desk.add(BID, 1, price, 6)
    assert desk.book.best() == (price, price)
    assert desk.at(ASK, price) == ([(10, 5)], 0)
    assert desk.send(Action.DELETE, slot=0, order=10) == Result.OK
    assert desk.book.best() == (price, None)


@pytest.mark.parametrize("side", BAD_SIDES)
def test_bad_side(desk: Desk, side: int) -> None:
    assert desk.send(Action.ADD, side, 0, 10, 100, 5) == Result.BAD_SIDE
    assert desk.level(side, 100, 5) == Result.BAD_SIDE
    expected = Result.OK if side == NONE else Result.BAD_SIDE
    assert desk.send(Action.TRADE, side) == expected
    assert desk.send(Action.CLEAR, side) == expected


@pytest.mark.parametrize("action", [0, 10, 100, 255])
def test_bad_action(desk: Desk, action: int) -> None:
    assert desk.send(action, BID, 0, 10, 100, 5) == Result.BAD_ACTION


@pytest.mark.parametrize("slot", BAD_SLOTS)
@pytest.mark.parametrize("action", [Action.ADD, Action.REPLACE, *REMOVALS])
def test_bad_slot(desk: Desk, action: Action, slot: int) -> None:
    desk.add(BID, 0, 100, 5)
    desk.level(BID, 100, 5)
    assert desk.send(action, BID, slot, 10, 100, 5) == Result.BAD_SLOT


def test_bad_slot_no_slot_is_one_for_what_must_have_a_slot(desk: Desk) -> None:
    assert desk.send(Action.ADD, BID, NO_SLOT, 10, 100, 5) == Result.BAD_SLOT


@pytest.mark.parametrize("action", [Action.CANCEL, Action.EXECUTE])
def test_overfill(desk: Desk, action: Action) -> None:
    desk.add(BID, 0, 100, 5)
    desk.add(BID, 1, 100, 6)
    assert desk.send(action, BID, 0, 10, 100, 6) == Result.OVERFILL
    assert desk.at(BID, 100) == ([(11, 6)], 0)  # the neighbour pays nothing


@pytest.mark.parametrize("action", REMOVALS)
def test_from_anonymous(desk: Desk, action: Action) -> None:
    desk.level(ASK, 101, 10)
    desk.add(ASK, 0, 101, 3)
    assert desk.send(action, ASK, NO_SLOT, 77, 101, 4) == Result.FROM_ANONYMOUS
    assert desk.at(ASK, 101) == ([(10, 3)], 6)
    assert desk.send(action, ASK, 0, 77, 101, 100) == Result.FROM_ANONYMOUS  # no more than there is
    assert desk.at(ASK, 101) == ([(10, 3)], 0)
    assert desk.send(action, ASK, 0, 77, 101, 1) == Result.UNKNOWN_ORDER


@pytest.mark.parametrize(("side", "price"), [(BID, 101), (NONE, 101), (ASK, 100), (ASK, NO_PRICE), (-3, 101)])
def test_from_anonymous_only_where_it_rests(desk: Desk, side: int, price: int) -> None:
    desk.level(ASK, 101, 10)
    assert desk.send(Action.EXECUTE, side, NO_SLOT, 77, price, 4) == Result.UNKNOWN_ORDER
    assert desk.at(ASK, 101) == ([], 10)


@pytest.mark.parametrize("action", [*Action, 0, 255])
def test_bad_row(desk: Desk, action: int) -> None:
    desk.add(BID, 0, 100, 5)
    desk.level(ASK, 101, 5)
    assert desk.send(action, BID, 0, 10, 100, 2, Flag.BAD) == Result.BAD_ROW


@pytest.mark.parametrize(
    ("order", "price", "qty", "line"),
    [
        (10, 100, 5, [(10, 5), (11, 6)]),  # the same once more: it keeps its place
        (10, 100, 4, [(10, 4), (11, 6)]),  # less
        (10, 100, 6, [(11, 6), (10, 6)]),  # more: to the back
        (20, 100, 5, [(11, 6), (20, 5)]),  # another id
        (20, 100, 4, [(11, 6), (20, 4)]),
        (10, 101, 4, [(11, 6)]),  # another price
    ],
)
def test_replace_keeps_its_place_only_for_less_of_the_same(
    desk: Desk, order: int, price: int, qty: int, line: list[tuple[int, int]]
) -> None:
    desk.add(BID, 0, 100, 5)
    desk.add(BID, 1, 100, 6)
    assert desk.send(Action.REPLACE, ASK, 0, order, price, qty) == Result.OK  # its own side is kept
    assert desk.book.queue(BID, 100) == line
    assert desk.book.queue(BID, 101) == ([(order, qty)] if price == 101 else [])
    assert desk.book.orders == 2
    assert desk.book.best() == (price, None)


def test_levels_are_set_and_wiped(desk: Desk) -> None:
    desk.add(BID, 0, 100, 5)
    desk.add(ASK, 1, 100, 6)
    desk.add(BID, 2, 99, 7)
    assert desk.level(BID, 100, 9) == Result.OK
    assert desk.at(BID, 100) == ([(10, 5)], 9)
    assert desk.level(BID, 100, 3, Flag.WIPE) == Result.OK
    assert desk.at(BID, 100) == ([], 3)
    assert desk.at(ASK, 100) == ([(11, 6)], 0)
    assert desk.level(BID, 100, 0) == Result.OK
    assert desk.book.best() == (99, 100)
    desk.add(BID, 0, 98, 1)  # a wiped slot is free
    assert desk.book.orders == 3


@pytest.mark.parametrize(("side", "best"), [(NONE, (None, None)), (BID, (None, 102)), (ASK, (100, None))])
def test_clear_empties_the_side_it_names(desk: Desk, side: int, best: tuple[int | None, int | None]) -> None:
    desk.add(BID, 0, 99, 5)
    desk.level(BID, 100, 5)
    desk.level(BID, -9_000, 5)
    desk.add(ASK, 1, 102, 5)
    desk.level(ASK, 19_999_999, 5)
    assert desk.send(Action.CLEAR, side) == Result.OK
    assert desk.book.best() == best
    assert desk.book.orders == (best[0] is not None) + (best[1] is not None)
    desk.add(BID, 2, 101, 1)
    assert desk.book.best() == (101, best[1])


def test_status_is_kept_until_another_one_comes(desk: Desk) -> None:
    for status in (Status.PRE_OPEN, Status.HALTED, Status.CLOSED):
        assert desk.send(Action.STATUS, qty=status) == Result.OK
        assert desk.book.status == status
    assert desk.send(Action.STATUS, qty=Status.NONE) == Result.OK
    assert desk.book.status == Status.CLOSED


def test_a_book_is_judged_at_the_end_of_events_only(desk: Desk) -> None:
    desk.add(BID, 0, 100, 1)
    desk.add(ASK, 1, 100, 1)
    assert (desk.book.crossed, desk.book.locked) == (0, 0)
    desk.send(Action.STATUS, qty=0, flags=Flag.EVENT_END)
    assert (desk.book.crossed, desk.book.locked) == (0, 1)
    desk.send(Action.ADD, BID, 2, 12, 101, 1, Flag.EVENT_END)
    assert (desk.book.crossed, desk.book.locked) == (1, 1)
    desk.send(Action.ADD, BID, 2, 12, 101, 1, Flag.EVENT_END | Flag.BAD)  # the event ends all the same
    assert (desk.book.crossed, desk.book.locked) == (2, 1)
    desk.send(Action.CLEAR, ASK, flags=Flag.EVENT_END)
    assert (desk.book.crossed, desk.book.locked) == (2, 1)


def test_full_is_never_seen_from_outside() -> None:
    book = Book(SLOTS, pages=1)
    messages = np.zeros(4_000, MESSAGE)
    messages["action"], messages["side"], messages["qty"] = Action.LEVEL, Side.ASK, 1
    messages["price"] = np.arange(4_000) * 64  # a page each
    book.apply(messages)
    book.check()
    assert int(book.results[Result.FULL]) == 0
    assert book.best() == (None, 0)
    assert np.count_nonzero(book.depth(5_000)[1]) == 4_000


def results_of(messages: NDArray[np.void]) -> NDArray[np.int64]:
    """Counts by result of a fresh book."""
    book = Book(SLOTS)
    book.apply(messages)
    return book.results


def test_a_slice_applies_its_own_messages_only() -> None:
    messages = np.zeros(10, MESSAGE)  # action 0
    book = Book(SLOTS)
    book.apply(messages, 3, 7)
    assert int(book.results[Result.BAD_ACTION]) == 4
    book.apply(messages, 8)
    assert int(book.results[Result.BAD_ACTION]) == 6
    book.apply(messages, 4, 4)
    assert int(book.results[Result.BAD_ACTION]) == 6
    assert int(results_of(messages).sum()) == 10
    assert int(results_of(messages[:0]).sum()) == 0
