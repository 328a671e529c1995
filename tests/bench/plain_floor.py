"""The plain floor: what anyone would write first for a book on resolved slots, without checking anything.

Price levels in a dense grid of ticks with head and tail, orders in doubly linked lists by slot, both in 16-byte
records; the best price is looked for tick by tick. No result codes, no ids, no events.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.enums import Action
from core.jit import inlined, kernel
from core.tape.tape import Tape

NODE = np.dtype([("next", "<i4"), ("prev", "<i4"), ("qty", "<i4"), ("level", "<i4")])
LEVEL = np.dtype([("head", "<i4"), ("tail", "<i4"), ("qty", "<i8")])
_ADD, _CANCEL, _DELETE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE)
_EXECUTE, _REPLACE = int(Action.EXECUTE), int(Action.REPLACE)


class PlainFloor(NamedTuple):
    """Levels of the bid side, then of the ask side; `best`: best bid and ask as ticks above `low`."""

    nodes: NDArray[np.void]
    levels: NDArray[np.void]
    best: NDArray[np.int64]
    width: int
    low: int

    def touch(self) -> tuple[int, int]:
        """Best bid and ask in ticks."""
        return int(self.best[0]) + self.low, int(self.best[1]) + self.low


def new_plain_floor(tape: Tape) -> PlainFloor:
    """An empty book for a tape. One tick below and above all prices stops the search for the best."""
    low, width = tape.meta.low_price - 1, tape.meta.high_price - tape.meta.low_price + 3
    levels = np.zeros(2 * width, LEVEL)
    levels["head"] = levels["tail"] = -1
    levels["qty"][[0, 2 * width - 1]] = 1
    return PlainFloor(np.zeros(tape.meta.slots, NODE), levels, np.array([0, width - 1]), width, low)


@inlined
def _unlink(nodes: NDArray[np.void], levels: NDArray[np.void], best: NDArray[np.int64], width: int, slot: int) -> None:
    node = nodes[slot]
    at = np.int64(node["level"])
    level, before, behind = levels[at], node["prev"], node["next"]
    if before >= 0:
        nodes[before]["next"] = behind
    else:
        level["head"] = behind
    if behind >= 0:
        nodes[behind]["prev"] = before
    else:
        level["tail"] = before
    level["qty"] -= node["qty"]
    if level["qty"] == 0:
        if at == best[0]:
            while levels[at]["qty"] == 0:
                at -= 1
            best[0] = at
        elif at - width == best[1]:
            while levels[at]["qty"] == 0:
                at += 1
            best[1] = at - width


@inlined
def _link(
    nodes: NDArray[np.void],
    levels: NDArray[np.void],
    best: NDArray[np.int64],
    width: int,
    slot: int,
    price: int,
    ask: bool,
    qty: int,
) -> None:
    at = price + width if ask else price
    node, level = nodes[slot], levels[at]
    tail = level["tail"]
    node["qty"] = qty
    node["level"] = at
    node["next"] = -1
    node["prev"] = tail
    if tail >= 0:
        nodes[tail]["next"] = slot
    else:
        level["head"] = slot
    level["tail"] = slot
    level["qty"] += qty
    if ask:
        if price < best[1]:
            best[1] = price
    elif price > best[0]:
        best[0] = price


@kernel
def plain_replay(
    nodes: NDArray[np.void],
    levels: NDArray[np.void],
    best: NDArray[np.int64],
    width: int,
    low: int,
    messages: NDArray[np.void],
) -> None:
    """Apply all messages."""
    for i in range(messages.shape[0]):
        message = messages[i]
        action, slot = message["action"], np.int64(message["slot"])
        if action == _ADD:
            price = message["price"] - low
            _link(nodes, levels, best, width, slot, price, message["side"] < 0, message["qty"])
        elif action == _DELETE:
            _unlink(nodes, levels, best, width, slot)
        elif action == _EXECUTE or action == _CANCEL:
            node, qty = nodes[slot], message["qty"]
            if qty < node["qty"]:
                node["qty"] -= qty
                levels[node["level"]]["qty"] -= qty
            else:
                _unlink(nodes, levels, best, width, slot)
        elif action == _REPLACE:
            ask = nodes[slot]["level"] >= width
            _unlink(nodes, levels, best, width, slot)
            _link(nodes, levels, best, width, slot, message["price"] - low, ask, message["qty"])
