"""The floor: the least that a price-time book in numba can do with a tape, and nothing else.

It trusts every message: no result codes, no id, side, price or quantity checks, no anonymous quantity, no grid that
grows, no crossed-book count. Orders and levels are 16-byte nodes of one array; a level is the sentinel of its ring of
orders, so that linking and unlinking need no branch; both sides count upwards to the touch, so that neither do they.
The price grid is dense and covers exactly the prices of the tape. Nothing can be left out of it and still give the
queues, which `replay_peers.py` compares order by order.
"""

from typing import NamedTuple

import measure  # noqa: F401 - makes the repository importable
import numpy as np
from numpy.typing import NDArray

from core.enums import Action
from core.jit import inlined, kernel
from core.tape.tape import Tape

#: An order (`qty` lots left, `level` it rests in) or a level (`qty` lots in all; next = head, prev = tail).
NODE = np.dtype([("qty", "<u4"), ("next", "<u4"), ("prev", "<u4"), ("level", "<u4")])
_ADD, _CANCEL, _DELETE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE)
_EXECUTE, _REPLACE = int(Action.EXECUTE), int(Action.REPLACE)
_U = np.uint32


class Floor(NamedTuple):
    """Levels of the bid, then of the ask, then order slots; the first level of each side stops searches."""

    nodes: NDArray[np.void]
    best: NDArray[np.uint32]  #: level of the best bid, and of the best ask
    width: int  #: levels of a side
    low: int  #: ticks
    high: int

    def touch(self) -> tuple[int, int]:
        """Best bid and ask in ticks."""
        return int(self.best[0]) + self.low - 1, self.high + 1 + self.width - int(self.best[1])

    def queues(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """(slot, lots) in priority order by (1 bid or -1 ask, price)."""
        found = {}
        for level in range(2 * self.width):
            side, at = (1, level + self.low - 1) if level < self.width else (-1, self.high + 1 + self.width - level)
            node, queue = int(self.nodes[level]["next"]), []
            while node != level:
                queue.append((node - 2 * self.width, int(self.nodes[node]["qty"])))
                node = int(self.nodes[node]["next"])
            if queue:
                found[side, at] = queue
        return found


def new_floor(tape: Tape) -> Floor:
    """An empty book for a tape."""
    low, high = tape.meta.low_price, tape.meta.high_price
    width = high - low + 2
    nodes = np.zeros(2 * width + tape.meta.slots, NODE)
    nodes["next"][: 2 * width] = nodes["prev"][: 2 * width] = np.arange(2 * width)
    nodes["qty"][[0, width]] = 1
    return Floor(nodes, np.array([0, width], np.uint32), width, low, high)


@inlined
def _unlink(nodes: NDArray[np.void], best: NDArray[np.uint32], width: int, slot: int) -> None:
    node = nodes[slot]
    level = node["level"]
    before, behind = node["prev"], node["next"]
    nodes[before]["next"] = behind
    nodes[behind]["prev"] = before
    left = nodes[level]["qty"] - node["qty"]
    nodes[level]["qty"] = left
    if left == 0:
        side = _U(level >= width)
        if level == best[side]:
            level -= _U(1)
            while nodes[level]["qty"] == 0:
                level -= _U(1)
            best[side] = level


@inlined
def _link(nodes: NDArray[np.void], best: NDArray[np.uint32], side: int, slot: int, level: int, qty: int) -> None:
    node, queue = nodes[slot], nodes[level]
    tail = queue["prev"]
    node["qty"] = qty
    node["level"] = level
    node["next"] = level
    node["prev"] = tail
    nodes[tail]["next"] = slot
    queue["prev"] = slot
    queue["qty"] += _U(qty)
    best[side] = max(best[side], level)


@kernel
def replay(
    nodes: NDArray[np.void], best: NDArray[np.uint32], width: int, low: int, high: int, messages: NDArray[np.void]
) -> None:
    """Apply all messages."""
    first = _U(2 * width)
    for i in range(_U(messages.shape[0])):
        message = messages[i]
        action, price = message["action"], message["price"]
        slot = _U(message["slot"]) + first
        if action == _ADD:
            ask = message["side"] < 0
            level = _U(width + high - price + 1) if ask else _U(price - low + 1)
            _link(nodes, best, _U(ask), slot, level, message["qty"])
        elif action == _DELETE:
            _unlink(nodes, best, width, slot)
        elif action == _EXECUTE or action == _CANCEL:
            node, qty = nodes[slot], _U(message["qty"])
            if qty < node["qty"]:
                node["qty"] -= qty
                nodes[node["level"]]["qty"] -= qty
            else:
                _unlink(nodes, best, width, slot)
        elif action == _REPLACE:
            ask = nodes[slot]["level"] >= width
            level = _U(width + high - price + 1) if ask else _U(price - low + 1)
            _unlink(nodes, best, width, slot)
            _link(nodes, best, _U(ask), slot, level, message["qty"])
