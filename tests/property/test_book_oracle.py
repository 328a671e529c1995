"""The kernel book agrees with the oracle, message by message, on anything that can stand in a record."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.book.book import Book
from core.enums import Action, Flag, Result, Side
from core.records import MAX_QTY, MESSAGE, NO_PRICE, NO_SLOT
from tests.oracle.book import OracleBook

SLOTS = 6
ALL_LEVELS = 10_000
INT32, INT64 = np.iinfo(np.int32), np.iinfo(np.int64)

NEAR = [100, 101, 102, 103, 104, 127, 128, 129]  # 127 | 128 is a page border of the price grid
FAR = [99, 5_099, 5_100, 10_100, 19_999_999, -1, -63, -64, -65, -3_700, 0, 63, 64, 2_000_000]  # gaps, stubs, negatives
EDGE = [int(INT32.max), int(INT32.max) - 64, NO_PRICE + 1, NO_PRICE + 64, 0, 100]
HOSTILE_SLOTS = [NO_SLOT, SLOTS, SLOTS + 1, -2, int(INT32.max), int(INT32.min)]
HOSTILE_QTY = [0, -1, MAX_QTY, MAX_QTY + 1, 2**62, int(INT64.max), int(INT64.min), -MAX_QTY, 7, 2**33]
HOSTILE_IDS = [0, 2**63, 2**64 - 1]
KNOWN_ACTIONS = [int(action) for action in Action]
BUSY_ACTIONS = [Action.ADD] * 6 + [Action.CANCEL, Action.DELETE, Action.EXECUTE, Action.REPLACE] * 2 + [Action.LEVEL]


def rarely(usual: st.SearchStrategy[int], unusual: list[int], per: int = 8) -> st.SearchStrategy[int]:
    """`usual`, and about once in `per` draws one of `unusual`."""
    return st.integers(1, per).flatmap(lambda n: st.sampled_from(unusual) if n == per else usual)


def messages(prices: list[int], size: int = 50) -> st.SearchStrategy[NDArray[np.void]]:
    """Lists of messages over few slots, ids and the given prices, so that they meet."""
    one = st.tuples(
        rarely(st.sampled_from(BUSY_ACTIONS), [*KNOWN_ACTIONS, 0, 10, 255], per=4),
        rarely(st.sampled_from([1, -1]), [0, 2, -2, 127, -128]),
        rarely(st.integers(0, SLOTS - 1), HOSTILE_SLOTS),
        rarely(st.integers(0, 1), HOSTILE_IDS),
        rarely(st.sampled_from(prices), [NO_PRICE], per=20),
        rarely(st.integers(1, 6), HOSTILE_QTY),
        rarely(st.sampled_from([0, int(Flag.EVENT_END)]), [Flag.BAD, Flag.WIPE, Flag.WIPE | 2, 0xFFFF & ~8, 0xFFFF]),
    )
    return st.lists(one, min_size=1, max_size=size).map(_records)


def _records(rows: list[tuple[int, ...]]) -> NDArray[np.void]:
    out = np.zeros(len(rows), MESSAGE)
    for record, (action, side, slot, order_id, price, qty, flags) in zip(out, rows, strict=True):
        record["action"], record["side"], record["slot"], record["price"] = action, side, slot, price
        record["qty"], record["flags"] = qty, flags
        # 0 and 1 mean: the id that usually goes with this slot, and another one.
        record["order_id"] = slot + 100 + order_id if order_id in (0, 1) and slot >= 0 else order_id
    return out


def fuzzed(rng: np.random.Generator, count: int, prices: list[int], slots: int, hostile: float) -> NDArray[np.void]:
    """The same, in bulk: a `hostile` share of every field is drawn from what should not be there."""

    def pick(usual: Any, unusual: list[int], dtype: str, share: float = hostile) -> NDArray[Any]:
        choice = np.array(unusual, dtype)[rng.integers(0, len(unusual), count)]
        return np.where(rng.random(count) < share, choice, np.asarray(usual).astype(dtype))

    out = np.zeros(count, MESSAGE)
    out["action"] = pick(rng.choice(BUSY_ACTIONS, count), [*KNOWN_ACTIONS, 0, 10, 255], "u1", 0.1)
    out["side"] = pick(rng.choice([1, -1], count), [0, 2, -2, 127, -128], "i1")
    slot = rng.integers(0, slots, count)
    out["slot"] = pick(slot, [*HOSTILE_SLOTS, slots], "i4")
    out["order_id"] = pick(slot + 100 + (rng.random(count) < 0.1), HOSTILE_IDS, "u8")
    out["price"] = pick(rng.choice(prices, count), [NO_PRICE], "i4", hostile / 4)
    out["qty"] = pick(rng.integers(1, 7, count), HOSTILE_QTY, "i8")
    out["flags"] = pick(rng.choice([0, 2], count), [Flag.BAD, Flag.WIPE, Flag.WIPE | 2, 0xFFFF & ~8], "u2")
    return out


def agree(book: Book, oracle: OracleBook, known: set[int], levels: int = ALL_LEVELS) -> None:
    """Everything that can be asked of a book has the same answer."""
    assert {Result(code): int(n) for code, n in enumerate(book.results[:12]) if n and code} == {
        result: n for result, n in oracle.results.items() if n and result
    }
    assert book.best() == oracle.best()
    assert (book.crossed, book.locked) == (oracle.crossed, oracle.locked)
    assert (book.status, book.orders) == (oracle.status, oracle.orders)
    asks, bids = oracle.depth(levels)
    n = max(len(asks), len(bids)) + 1
    ask_price, ask_qty, bid_price, bid_qty = book.depth(n)
    assert [(int(p), int(q)) for p, q in zip(ask_price, ask_qty, strict=True) if q] == asks
    assert [(int(p), int(q)) for p, q in zip(bid_price, bid_qty, strict=True) if q] == bids
    for price in known:
        for side in (Side.BID, Side.ASK):
            assert book.queue(side, price) == oracle.queue(side, price)
            assert book.anonymous(side, price) == oracle.anonymous(side, price)


def play(tape: NDArray[np.void], book: Book, oracle: OracleBook, check_every: int = 0) -> None:
    """Apply one by one, compare after each; the structure is verified every `check_every` messages and at the end."""
    known = {int(price) for price in tape["price"]}
    for i in range(len(tape)):
        before = book.results.copy()
        book.apply(tape, i, i + 1)
        rise = np.flatnonzero(book.results - before)
        expected = oracle.apply(tape[i])
        assert (int(rise[0]) if rise.size else Result.OK) == expected, f"message {i}: {tape[i]}"
        agree(book, oracle, known)
        if check_every and i % check_every == 0:
            book.check()
    book.check()


@settings(max_examples=150)
@given(tape=messages(NEAR))
def test_few_prices(tape: NDArray[np.void]) -> None:
    play(tape, Book(SLOTS, 64, 191, pages=2), OracleBook(SLOTS), check_every=8)


@settings(max_examples=80)
@given(tape=messages(FAR))
def test_far_prices_in_a_book_that_starts_too_small(tape: NDArray[np.void]) -> None:
    play(tape, Book(SLOTS, pages=1), OracleBook(SLOTS))


@settings(max_examples=8)
@given(tape=messages(EDGE, size=12))
def test_the_ends_of_the_price_range(tape: NDArray[np.void]) -> None:
    play(tape, Book(SLOTS, 100, 100, pages=8), OracleBook(SLOTS))


@settings(max_examples=60)
@given(tape=messages(FAR), cuts=st.lists(st.integers(0, 50), max_size=5))
def test_runs_of_any_length_equal_single_messages(tape: NDArray[np.void], cuts: list[int]) -> None:
    whole, parts, oracle = Book(SLOTS, pages=1), Book(SLOTS, -5_000, 20_000_000), OracleBook(SLOTS)
    whole.apply(tape)
    stops = sorted(min(cut, len(tape)) for cut in cuts)
    for start, stop in pairwise([0, *stops, len(tape)]):
        parts.apply(tape, start, stop)
    for message in tape:
        oracle.apply(message)
    for book in (whole, parts):
        agree(book, oracle, set(FAR))
        book.check()


def bulk(seed: int, count: int, prices: list[int], slots: int, hostile: float, run: int) -> OracleBook:
    """`count` fuzzed messages, compared after every `run` of them; returns the oracle."""
    tape = fuzzed(np.random.default_rng(seed), count, prices, slots, hostile)
    book, oracle = Book(slots, pages=1), OracleBook(slots)
    for start in range(0, count, run):
        stop = min(start + run, count)
        book.apply(tape, start, stop)
        for message in tape[start:stop]:
            oracle.apply(message)
        agree(book, oracle, {int(price) for price in tape["price"][start:stop]})
    book.check()
    return oracle


GAPPED = [*range(90, 110), *range(5_100, 5_110), 19_999_999, -200]


@pytest.mark.parametrize(("slots", "hostile"), [(4, 0.05), (40, 0.01), (40, 0.3)])
def test_fuzzed_messages(slots: int, hostile: float) -> None:
    oracle = bulk(7, 5_000, GAPPED, slots, hostile, run=5)
    assert set(oracle.results) == set(Result) - {Result.FULL}  # nothing went untried
    assert min(oracle.crossed, oracle.locked) > 0


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_a_million_fuzzed_messages(seed: int) -> None:
    bulk(seed, 100_000, GAPPED, slots=(3, 12, 50)[seed % 3], hostile=(0.0, 0.02, 0.2)[seed % 3], run=20)
