"""State tuples by reference: kernels see the same arrays as Python, however deep they lie."""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from core.jit import allocating, inner, kernel
from core.jit_states import Several, State, state

numba: Any = import_module("numba")  # its annotations stop here


@state
class Inner(NamedTuple):
    counts: NDArray[np.int64]
    table: NDArray[np.float64]


@state
class Outer(NamedTuple):
    name: int
    inside: Inner
    totals: NDArray[np.int64]


def new(name: int = 7, places: int = 3) -> Outer:
    return Outer(name, Inner(np.arange(places), np.ones((2, places))), np.zeros(places, np.int64))


@inner
def add(inside: Inner, totals: NDArray[np.int64], by: int) -> None:
    for k in range(inside.counts.shape[0]):
        totals[k] += by * inside.counts[k]


@kernel
def work(whole: Outer) -> int:
    inside = whole.inside
    add(inside, whole.totals, whole.name)
    inside.table[1, :] = 5.0
    return int(inside.counts.shape[0])


@kernel
def choose(first: Outer, second: Outer, which: bool) -> int:
    chosen = first if which else second
    chosen.totals[0] += 1
    return int(chosen.inside.counts[-1])


@allocating
def copied(whole: Outer) -> NDArray[np.int64]:
    return whole.inside.counts * 2


def test_members_are_the_arrays_that_python_gave() -> None:
    whole = new()
    assert work(whole) == 3
    assert whole.totals.tolist() == [0, 7, 14]
    assert whole.inside.table.tolist() == [[1.0] * 3, [5.0] * 3]


def test_each_call_reads_the_tuple_that_it_was_given() -> None:
    whole = new()
    work(whole)
    larger = whole._replace(inside=Inner(np.full(5, 2), np.zeros((2, 5))), totals=np.zeros(5, np.int64), name=1)
    assert work(larger) == 5
    assert larger.totals.tolist() == [2] * 5
    assert whole.totals.tolist() == [0, 7, 14]


@pytest.mark.parametrize("which", [True, False])
def test_a_state_can_be_chosen_while_running(which: bool) -> None:
    first, second = new(places=2), new(places=4)
    assert choose(first, second, which) == (1 if which else 3)
    assert first.totals[0] == int(which)
    assert second.totals[0] == int(not which)


def test_arrays_made_from_members_outlive_the_call() -> None:
    found = [copied(new(places=4)) for _ in range(100)]
    assert all(each.tolist() == [0, 2, 4, 6] for each in found)


@pytest.mark.jit_only
def test_the_arrays_are_not_kept_or_lost() -> None:
    import sys

    whole = new()
    before = [sys.getrefcount(each) for each in (whole.inside.counts, whole.totals)]
    for _ in range(1000):
        work(whole)
        copied(whole)
    assert [sys.getrefcount(each) for each in (whole.inside.counts, whole.totals)] == before


@pytest.mark.jit_only
def test_a_state_is_one_type_by_its_members() -> None:
    one, same = numba.typeof(new()), numba.typeof(new(places=9))
    other = numba.typeof(new()._replace(totals=np.zeros(3, np.int32)))
    assert isinstance(one, State)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


@pytest.mark.jit_only
def test_no_member_of_that_name() -> None:
    @numba.njit
    def wrong(whole: Any) -> Any:
        return whole.nothing

    with pytest.raises(numba.TypingError, match="nothing"):
        wrong(new())


@pytest.mark.jit_only
def test_what_is_no_array_is_refused_before_it_runs() -> None:
    with pytest.raises(numba.TypingError):
        work(new()._replace(totals=object()))  # type: ignore[arg-type]


@kernel
def each(all_of_them: Several[Outer]) -> int:
    found = 0
    for k in range(len(all_of_them)):
        one = all_of_them[k]
        add(one.inside, one.totals, one.name)
        found += one.totals.shape[0]
    return found


def test_several_states_are_one_argument_whatever_their_number() -> None:
    for count in (1, 3, 7):
        states = [new(name=k, places=k + 2) for k in range(count)]
        several = Several(states)
        assert each(several) == sum(k + 2 for k in range(count))
        assert [one.totals.tolist() for one in states] == [[k * c for c in range(k + 2)] for k in range(count)]
        assert (len(several), several[0]) == (count, states[0])


@pytest.mark.jit_only
def test_several_states_are_compiled_once_and_not_kept() -> None:
    import sys

    states = [new() for _ in range(300)]
    each(Several(states[:1]))
    compiled, before = len(each.overloads), sys.getrefcount(states[7].totals)  # type: ignore[attr-defined]
    for _ in range(50):
        each(Several(states))
    assert len(each.overloads) == compiled  # type: ignore[attr-defined]
    after = sys.getrefcount(states[7].totals)
    assert after == before


@pytest.mark.jit_only
def test_states_of_different_kinds_are_refused() -> None:
    with pytest.raises(TypeError, match="different kinds"):
        Several([new(), new()._replace(totals=np.zeros(3, np.int32))])
