"""Streamed features equal the batch bit for bit however the stream is cut, and both equal raw lists."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.book.book import Book
from core.enums import Action, Flag
from core.features.batch import advance, rows
from core.features.flow import new_flow
from core.features.observe import observe
from core.features.spec import SPEC
from core.records import MAX_QTY, MESSAGE, NO_PRICE, NO_SLOT, VIEW
from tests.oracle.book import OracleBook
from tests.oracle.features import OracleFeatures, close

START = 1_700_000_000 * 10**9
SLOTS = 8
BUSY = [Action.ADD] * 5 + [Action.CANCEL, Action.DELETE, Action.EXECUTE, Action.REPLACE, Action.TRADE, Action.LEVEL]
END = int(Flag.ROW_END | Flag.EVENT_END)


def rarely(usual: st.SearchStrategy[int], unusual: list[int], per: int = 8) -> st.SearchStrategy[int]:
    """`usual`, and about once in `per` draws one of `unusual`."""
    return st.integers(1, per).flatmap(lambda n: st.sampled_from(unusual) if n == per else usual)


MESSAGES = st.lists(
    st.tuples(
        rarely(st.sampled_from(BUSY), [*(int(action) for action in Action), 0]),
        rarely(st.sampled_from([1, -1]), [0, 127], per=12),
        rarely(st.integers(0, SLOTS - 1), [NO_SLOT, SLOTS], per=12),
        rarely(st.integers(100, 106), [NO_PRICE, 64, 127, 128, -3, 19_999_999], per=12),
        rarely(st.integers(1, 9), [0, -1, 1000, MAX_QTY, MAX_QTY + 1], per=12),
        rarely(st.just(END), [0, END | Flag.SNAPSHOT, END | Flag.BAD, END | Flag.CROSS, END | Flag.SILENT], per=6),
        rarely(st.sampled_from([0, 1, 10**7, 10**8]), [10**9, 10**10, 2 * 10**10, -(10**9), 10**13], per=5),
    ),
    min_size=1,
    max_size=60,
)
PARENTS = st.tuples(
    st.sampled_from([0, 1, -1]), rarely(st.integers(0, 50), [MAX_QTY, -5]), st.integers(-1, 60), st.integers(0, 60)
)


def as_messages(drawn: list[tuple[int, ...]]) -> NDArray[np.void]:
    """MESSAGE records of the strategy's tuples."""
    out, clock = np.zeros(len(drawn), MESSAGE), START
    for record, (action, side, slot, price, qty, flags, step) in zip(out, drawn, strict=True):
        clock += step
        record["action"], record["side"], record["slot"], record["price"] = action, side, slot, price
        record["qty"], record["flags"], record["ts_event"], record["order_id"] = qty, flags, clock, 100 + slot
    return out


def as_views(steps: list[int], parents: list[tuple[int, int, int, int]]) -> NDArray[np.void]:
    """VIEW records at growing times."""
    out = np.zeros(len(steps), VIEW)
    out["now"] = START + np.cumsum(np.array(steps, np.int64))
    out["start"], out["end"] = START + 10**9, START + 10**10
    for view, (side, qty, filled, working) in zip(out, parents, strict=False):
        view["side"], view["qty"], view["filled"], view["working"] = side, qty, filled, working
    return out


def streamed(
    messages: NDArray[np.void], views: NDArray[np.void], cuts: list[int], peeks: list[int]
) -> NDArray[np.float32]:
    """Message by message in chunks that end at `cuts`, with `peeks` extra readings that nobody keeps."""
    out, spare = np.zeros((len(views), len(SPEC)), np.float32), np.zeros(len(SPEC), np.float32)
    book, flow, at, peek = Book(SLOTS, pages=1), new_flow(), 0, np.zeros(1, VIEW)
    for row, view in enumerate(views):
        while True:
            stop = min([cut for cut in cuts if cut > at], default=len(messages))
            before = at
            at, full = advance(flow, book.state, messages, at, min(stop, len(messages)), int(view["now"]))
            if full:
                book.grow(int(messages[at]["price"]))
            elif at == before or at == len(messages):
                break
            if at in peeks:
                peek["now"] = view["now"] + 10**9 * at
                observe(flow, book.state, peek[0], spare)
        observe(flow, book.state, view, out[row])
    return out


def expected(messages: NDArray[np.void], views: NDArray[np.void]) -> list[list[float]]:
    """The oracle's rows."""
    oracle, at, out = OracleFeatures(OracleBook(SLOTS)), 0, []
    for view in views:
        while at < len(messages) and messages[at]["ts_event"] <= view["now"]:
            oracle.apply(messages[at])
            at += 1
        out.append(oracle.row(view))
    return out


def agree(actual: NDArray[np.float32], wanted: list[list[float]]) -> None:
    """Every feature of every row."""
    assert np.isfinite(actual).all()
    for row, want in zip(actual, wanted, strict=True):
        wrong = {
            name: (float(a), w)
            for name, a, w in zip(SPEC.names, row, want, strict=True)
            if not close(np.array([a]), [w])
        }
        assert not wrong


STEPS = st.lists(st.sampled_from([0, 1, 10**7, 10**8, 10**9, 3 * 10**9, 10**11]), min_size=1, max_size=12)


@settings(max_examples=80)
@given(
    drawn=MESSAGES,
    steps=STEPS,
    parents=st.lists(PARENTS, max_size=12),
    cuts=st.lists(st.integers(1, 60), max_size=8),
    peeks=st.lists(st.integers(1, 60), max_size=8),
)
def test_any_cutting_gives_the_same_bytes_as_the_batch_and_the_numbers_of_raw_lists(
    drawn: list[tuple[int, ...]], steps: list[int], parents: list[Any], cuts: list[int], peeks: list[int]
) -> None:
    messages, views = as_messages(drawn), as_views(steps, parents)
    whole = rows(messages, Book(SLOTS, pages=1), views)
    assert streamed(messages, views, cuts, peeks).tobytes() == whole.tobytes()
    agree(whole, expected(messages, views))


def busy(seed: int, count: int) -> NDArray[np.void]:
    """A lively market around 100 ticks, of prints and silences."""
    rng, out = np.random.default_rng(seed), np.zeros(count, MESSAGE)
    out["action"] = rng.choice([int(action) for action in BUSY], count)
    out["side"] = rng.choice([1, -1], count)
    out["slot"] = rng.integers(0, SLOTS, count)
    out["order_id"] = 100 + out["slot"]
    out["price"] = 100 + np.cumsum(rng.integers(-1, 2, count)) // 4 - out["side"] * rng.integers(0, 5, count)
    out["qty"] = rng.integers(1, 60, count)
    out["flags"] = np.where(rng.random(count) < 0.9, END, 0)
    gaps = rng.exponential(2e7, count) * (rng.random(count) < 0.7) * np.where(rng.random(count) < 0.01, 500, 1)
    out["ts_event"] = START + np.cumsum(gaps.astype(np.int64))
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_stream(seed: int) -> None:
    messages = busy(seed, 2_000)
    views = as_views([25 * 10**7] * 250, [])
    whole = rows(messages, Book(SLOTS, pages=1), views)
    assert streamed(messages, views, list(range(0, 2_000, 7)), list(range(0, 2_000, 11))).tobytes() == whole.tobytes()
    agree(whole, expected(messages, views))
    moving = np.ptp(whole, axis=0) > 0
    quiet = {name for name, moves in zip(SPEC.names, moving, strict=True) if not moves}
    assert quiet == {"side", "quantity_left", "working", "left"}  # there was no parent order; nothing else went untried
