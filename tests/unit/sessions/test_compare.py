"""Two runs agree or differ the same way, however their records come in pieces."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import sessions.compare
from core.records import EVENT, FILL
from sessions.compare import Comparison
from sessions.journal.layout import Block, BlockFlag
from sessions.journal.streams import Section, section, text_section


def block(first: int, *sections: Section) -> Block:
    """A block that begins with journal sequence `first`."""
    count = sum(each.count for each in sections)
    return Block(0, first, count, BlockFlag(0), sections, b"", b"", 0)


def records(dtype: Any, count: int) -> NDArray[Any]:
    found = np.zeros(count, dtype)
    found["seq"], found["ts"], found["qty"] = np.arange(count), 1000 + np.arange(count), 7
    return found


def pieces(cuts: list[int], whole: NDArray[Any]) -> Iterator[NDArray[Any]]:
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    for start, stop in pairwise(places):
        yield whole[start:stop]


_CUTS = st.lists(st.integers(0, 40), max_size=8)


@settings(max_examples=60)
@given(_CUTS, _CUTS, st.integers(1, 40), st.none() | st.integers(0, 39), st.integers(-2, 2), st.booleans())
def test_pieces_make_no_difference(
    one: list[int], two: list[int], count: int, flip: int | None, more: int, first: bool
) -> None:
    was = records(FILL, count)
    now = records(FILL, max(count + more, 0))
    if flip is not None and flip < len(now):
        now["price"][flip] += 1
    held, at = Comparison(), 5
    sides = [("a", piece) for piece in pieces(one, was)], [("b", piece) for piece in pieces(two, now)]
    for side, piece in [*sides[not first], *sides[first]]:
        if side == "a":
            held.record(block(at, section("fills", piece)))
            at += len(piece)
        else:
            held.repeat("fills", 0, piece)
    held.finish(missing=True, extra=True)
    both = min(count, len(now))
    changed = flip is not None and flip < both
    assert held.counts["fills"] == both
    if changed:
        assert flip is not None
        (found,) = held.differences
        assert (found.kind, found.number, found.record, found.ts) == ("changed", flip, 5 + flip, 1000 + flip)
        assert [(f.name, f.recorded, f.replayed) for f in found.fields] == [("price", 0, 1)]
        assert found.differing == 1 + abs(count - len(now))
    elif count != len(now):
        (found,) = held.differences
        assert (found.kind, found.number) == ("missing" if count > len(now) else "extra", both)
        assert found.record == (5 + both if count > len(now) else None)
        assert found.differing == abs(count - len(now))
    else:
        assert not held.differences


def test_each_tape_is_a_stream_of_its_own() -> None:
    held, (a, b) = Comparison(), (records(EVENT, 3), records(EVENT, 2))
    b["qty"] = 9
    held.record(block(0, section("events", a, 0), section("events", b, 1)))
    held.repeat("events", 1, b)
    held.repeat("events", 0, a)
    held.finish(missing=True, extra=True)
    assert not held.differences
    held.repeat("events", 1, a[:1])
    held.finish(missing=True, extra=True)
    assert [(d.tape, d.kind, d.number) for d in held.differences] == [(1, "extra", 2)]


def test_nan_equals_itself_and_zeros_have_a_sign() -> None:
    held, row = Comparison(["spread", "depth"]), np.array([[np.nan, 0.0]], np.float32)
    held.record(block(0, section("readings", row), section("readings", row)))
    held.repeat("readings", 0, row.copy())
    assert not held.differences
    held.repeat("readings", 0, -row)
    assert [[f.name for f in d.fields] for d in held.differences] == [["spread", "depth"]]


def test_texts_are_held_against_each_other_by_key() -> None:
    held = Comparison()
    held.record(block(7, text_section("acts", '{"a": {"b": 1}, "c": [1, 2]}'), text_section("acts", "nonsense")))
    held.repeat("acts", 0, np.frombuffer(b'{"c": [1, 3], "a": {"b": 1}}', np.uint8))
    held.repeat("acts", 0, np.frombuffer(b"{}", np.uint8))
    (found,) = held.differences
    assert [(f.name, f.recorded, f.replayed) for f in found.fields] == [("c[2]", "2", "3")]
    assert (found.record, found.differing) == (7, 2)


def test_rows_of_another_width_differ() -> None:
    held = Comparison()
    held.record(block(0, section("readings", np.ones((2, 3), np.float32))))
    held.repeat("readings", 0, np.ones((2, 4), np.float32))
    (found,) = held.differences
    assert [(f.name, f.recorded) for f in found.fields] == [("3", None)]


def test_what_the_other_run_never_comes_to_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions.compare, "MOST_WAITING", 10_000)
    held, piece = Comparison(), records(FILL, 50)
    for k in range(20):
        held.record(block(50 * k, section("fills", piece)))
    lane = held._lanes["fills", 0]
    assert sum(len(each.records) for each in lane.recorded) <= 150
    held.finish(missing=True, extra=True)
    assert [(d.kind, d.number, d.record, d.differing) for d in held.differences] == [("missing", 0, 0, 1000)]
