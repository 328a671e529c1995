"""The table of live ids against a dict, on keys that want the same cells."""

from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.jit import kernel
from core.tape.ids import IdTable, find_id, give_slot, insert_id, new_ids, next_slot, remove_id, roomy, take_slot

CAPACITY = 16
# Few cells, the last ones among them: runs of neighbours that wrap around the end of the table.
KEYS = st.one_of(
    st.integers(0, 40),
    st.sampled_from([CAPACITY * n + cell for n in range(6) for cell in (0, 1, 13, 14, 15)]),
    st.sampled_from([2**64 - 1, 2**63, 2**32, 2**32 - 1, 2**40 + 15]),
)


def word(key: int) -> int:
    """The key as kernels meet it."""
    return cast(int, np.uint64(key))


@kernel
def _find(ids: IdTable, key: int) -> int:
    return find_id(ids, key)


@kernel
def _add(ids: IdTable, key: int) -> int:
    slot = next_slot(ids)
    take_slot(ids)
    insert_id(ids, key, slot)
    return slot


@kernel
def _drop(ids: IdTable, key: int) -> None:
    slot = find_id(ids, key)
    remove_id(ids, key)
    if slot >= 0:
        give_slot(ids, slot)


@settings(max_examples=300)
@given(steps=st.lists(st.tuples(st.booleans(), KEYS), max_size=80))
def test_the_table_is_a_dict(steps: list[tuple[bool, int]]) -> None:
    ids, model, most = new_ids(CAPACITY), dict[int, int](), 0
    for add, key in steps:
        cell = word(key)
        if add and key not in model:
            ids = roomy(ids, 1)
            model[key] = _add(ids, cell)
            assert list(model.values()).count(model[key]) == 1
        elif not add:
            _drop(ids, cell)
            model.pop(key, None)
        most = max(most, len(model))
        assert ids.meta.tolist()[:2] == [len(model), most]
        assert {known: _find(ids, word(known)) for known in model} == model
        if key not in model:
            assert _find(ids, cell) == -1


@pytest.mark.parametrize("size", [1, 100, 5_000])
def test_room_is_made_before_it_is_needed(size: int) -> None:
    ids = new_ids(CAPACITY)
    for start in range(0, size, 50):
        ids = roomy(ids, 50)
        for key in range(start, min(start + 50, size)):
            _add(ids, word(key * 7919))
    assert ids.keys.shape[0] >= 2 * size
    assert [_find(ids, word(key * 7919)) for key in range(size)] == list(range(size))
    for key in range(size):
        _drop(ids, word(key * 7919))
    assert int(ids.meta[0]) == 0
    assert not ids.slots.any()
