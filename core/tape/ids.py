"""From venue order ids to dense recycled slots, so that replay needs no hash look-up.

Open addressing with linear probing and backward-shift deletion: the table never fills with tombstones,
however long the day.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.jit import inlined, kernel
from core.jit_states import state


@state
class IdTable(NamedTuple):
    """Live ids and their slots. `meta`: live ids, slots ever used, free slots on the stack."""

    keys: NDArray[np.uint64]
    slots: NDArray[np.int32]  #: slot + 1; 0 = empty cell
    free: NDArray[np.int32]  #: stack of slots to use again
    meta: NDArray[np.int64]


def new_ids(capacity: int = 1 << 12) -> IdTable:
    """An empty table for up to half of `capacity` (a power of two) live ids."""
    return IdTable(
        np.zeros(capacity, np.uint64),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int32),
        np.zeros(3, np.int64),
    )


@inlined
def _cell(key: int, mask: int) -> int:
    # Shift-xor mixing only: multiplication would overflow, which plain numpy warns of.
    mixed = np.uint64(key)
    mixed ^= mixed >> np.uint64(32)
    mixed ^= mixed >> np.uint64(15)
    mixed ^= mixed >> np.uint64(7)
    return np.int64(mixed & np.uint64(mask))


@inlined
def find_id(ids: IdTable, key: int) -> int:
    """Slot of a live id, -1 if there is none."""
    mask = ids.keys.shape[0] - 1
    at = _cell(key, mask)
    while ids.slots[at] != 0:
        if ids.keys[at] == key:
            return np.int64(ids.slots[at]) - 1
        at = (at + 1) & mask
    return -1


@inlined
def next_slot(ids: IdTable) -> int:
    """The slot that the next `insert_id` should take; nothing changes."""
    if ids.meta[2] > 0:
        return np.int64(ids.free[ids.meta[2] - 1])
    return ids.meta[1]


@inlined
def take_slot(ids: IdTable) -> None:
    """Use the slot that `next_slot` told."""
    if ids.meta[2] > 0:
        ids.meta[2] -= 1
    else:
        ids.meta[1] += 1


@inlined
def give_slot(ids: IdTable, slot: int) -> None:
    """Make a slot free again."""
    ids.free[ids.meta[2]] = slot
    ids.meta[2] += 1


@inlined
def insert_id(ids: IdTable, key: int, slot: int) -> None:
    """Enter a new id. The table must have room."""
    mask = ids.keys.shape[0] - 1
    at = _cell(key, mask)
    while ids.slots[at] != 0:
        at = (at + 1) & mask
    ids.keys[at] = key
    ids.slots[at] = slot + 1
    ids.meta[0] += 1


@inlined
def remove_id(ids: IdTable, key: int) -> None:
    """Forget an id, if it is there."""
    mask = ids.keys.shape[0] - 1
    at = _cell(key, mask)
    while ids.slots[at] != 0 and ids.keys[at] != key:
        at = (at + 1) & mask
    if ids.slots[at] == 0:
        return
    ids.meta[0] -= 1
    # Move back every later entry of the run that would no longer be found across the hole.
    hole = at
    at = (at + 1) & mask
    while ids.slots[at] != 0:
        home = _cell(ids.keys[at], mask)
        if ((at - home) & mask) >= ((at - hole) & mask):
            ids.keys[hole] = ids.keys[at]
            ids.slots[hole] = ids.slots[at]
            hole = at
        at = (at + 1) & mask
    ids.slots[hole] = 0


@kernel
def _copy_ids(old: IdTable, new: IdTable) -> None:
    for at in range(old.keys.shape[0]):
        if old.slots[at] != 0:
            insert_id(new, old.keys[at], np.int64(old.slots[at]) - 1)
    for i in range(old.meta[2]):
        new.free[i] = old.free[i]
    new.meta[1] = old.meta[1]
    new.meta[2] = old.meta[2]


def roomy(ids: IdTable, adds: int) -> IdTable:
    """The same table with room for `adds` more ids at a load of at most one half."""
    need = 2 * (int(ids.meta[0]) + adds)
    capacity = ids.keys.shape[0]
    # The free stack can hold every slot ever used.
    need = max(need, int(ids.meta[1]) + adds)
    if need <= capacity:
        return ids
    while capacity < need:
        capacity *= 2
    fresh = new_ids(capacity)
    _copy_ids(ids, fresh)
    return fresh
