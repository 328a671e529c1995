"""The way to the next price across any gap, and invariants that are really looked at."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.book.book import Book, with_slots
from core.book.levels import next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Action, Side
from core.errors import BookCorrupt
from core.records import MESSAGE

PRICES = st.one_of(
    st.integers(-200, 200),
    st.integers(-(10**6), 10**6),
    st.sampled_from([-(64**3), 64**3 - 1, 64**3, 64**3 + 1, 19_999_999]),
)


def filled(bids: set[int], asks: set[int], low: int = 0, high: int = 0) -> Book:
    """A book with one lot at each price."""
    messages = np.zeros(len(bids) + len(asks), MESSAGE)
    messages["action"], messages["qty"] = Action.LEVEL, 1
    messages["price"] = [*bids, *asks]
    messages["side"] = [Side.BID] * len(bids) + [Side.ASK] * len(asks)
    book = Book(4, low, high, pages=4)
    book.apply(messages)
    return book


@settings(max_examples=60)
@given(bids=st.sets(PRICES, max_size=12), asks=st.sets(PRICES, max_size=12), start=PRICES, beyond=st.booleans())
def test_the_next_price_is_the_next_price(bids: set[int], asks: set[int], start: int, beyond: bool) -> None:
    book = filled(bids, asks)
    places = {start, *bids, *asks} | ({-(2**31), 2**31 - 1} if beyond else set())
    for price in places:
        assert next_bid(book.state, price) == max((p for p in bids if p < price), default=EMPTY_BID)
        assert next_ask(book.state, price) == min((p for p in asks if p > price), default=EMPTY_ASK)


def test_depth_is_cut_where_asked() -> None:
    book = filled({1, 5, 9}, {10, 5_000})
    ask_price, ask_qty, bid_price, bid_qty = book.depth(2)
    assert (ask_price.tolist(), ask_qty.tolist()) == ([10, 5_000], [1, 1])
    assert (bid_price.tolist(), bid_qty.tolist()) == ([9, 5], [1, 1])
    assert book.depth(4)[1].tolist() == [1, 1, 0, 0]
    assert [part.shape for part in book.depth(0)] == [(0,)] * 4


def test_a_book_may_get_more_slots() -> None:
    book = filled({1}, {2})
    add = np.zeros(1, MESSAGE)
    add["action"], add["side"], add["slot"], add["price"], add["qty"] = Action.ADD, Side.BID, 3, 1, 5
    book.apply(add)
    book.state = with_slots(book.state, 100)
    book.check()
    assert book.queue(Side.BID, 1) == [(0, 5)]
    add["slot"] = 99
    book.apply(add)
    book.check()
    assert book.orders == 2
    assert with_slots(book.state, 5) is book.state


def _break_sum(book: Book) -> None:
    book.state.levels["known"][np.flatnonzero(book.state.levels["count"])[0]] += 1


def _break_order(book: Book) -> None:
    book.state.orders["qty"][1] += 1


def _break_link(book: Book) -> None:
    book.state.orders["prev"][1] = 2


def _break_loop(book: Book) -> None:
    book.state.orders["next"][1] = 0


def _break_bit(book: Book) -> None:
    page = int(np.flatnonzero(book.state.bits[:, 0])[0])
    book.state.bits[page, 0] ^= np.uint64(1)


def _break_best(book: Book) -> None:
    book.state.top["best_bid"] += 1


def _break_count(book: Book) -> None:
    book.state.top["orders"] += 1


def _break_words(book: Book) -> None:
    book.state.words[0, 0] ^= np.uint64(2)


def _break_blocks(book: Book) -> None:
    book.state.blocks[1, 0] = 0


def _break_home(book: Book) -> None:
    book.state.home[int(book.state.directory[np.flatnonzero(book.state.directory)[0]]) - 1] += 1


def _break_free(book: Book) -> None:
    book.state.top["free"] -= 1


def _break_anonymous(book: Book) -> None:
    book.state.levels["anonymous"][np.flatnonzero(book.state.levels["anonymous"])[0]] = -1


@pytest.mark.parametrize(
    "damage",
    [
        _break_sum,
        _break_order,
        _break_link,
        _break_loop,
        _break_bit,
        _break_best,
        _break_count,
        _break_words,
        _break_blocks,
        _break_home,
        _break_free,
        _break_anonymous,
    ],
)
def test_check_sees_the_damage(damage: Callable[[Book], None]) -> None:
    book = filled({70}, {200}, high=300)
    add = np.zeros(2, MESSAGE)
    add["action"], add["side"], add["slot"], add["price"], add["qty"] = Action.ADD, Side.BID, [0, 1], 71, 5
    book.apply(add)
    book.check()
    damage(book)
    with pytest.raises(BookCorrupt):
        book.check()
