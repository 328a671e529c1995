"""Sliding windows over kept times, and the memory of orders sent: what the rate controls count."""

import numpy as np

from core.enums import Side
from core.jit import inlined, kernel
from core.risk.controls import DUPLICATE_WINDOW, DUPLICATES_KEPT
from core.risk.state import RING_KINDS, Gate

_BID = int(Side.BID)


@inlined
def desk_row(gate: Gate) -> int:
    """The row behind those of the agents."""
    return gate.rows.shape[0] - 1


@inlined
def row_ring(gate: Gate, kind: int, row: int) -> int:
    """Ring of a row: kind ASKED, SENT or CANCELS."""
    return kind * gate.rows.shape[0] + row


@inlined
def fill_ring(gate: Gate, agent: int, instrument: int, side: int) -> int:
    """Ring of an agent's fills on one side (1, -1) of an instrument."""
    base = RING_KINDS * gate.rows.shape[0]
    return base + 2 * (agent * gate.missing.shape[1] + instrument) + (0 if side == _BID else 1)


@kernel
def count(gate: Gate, ring: int, now: int) -> int:
    """How many times of a ring lie in its window, that is after now - window. Forgets the others for good.

    At most the ring's length, which is at least the limit; times are pushed in the order they are counted.
    """
    state = gate.rings[ring]
    offset, size, head, kept = state["offset"], state["size"], state["head"], state["count"]
    edge = now - state["window"]
    while kept > 0 and gate.stamps[offset + head] <= edge:
        head = head + 1 if head + 1 < size else 0
        kept -= 1
    state["head"] = head
    state["count"] = kept
    return int(kept)


@kernel
def push(gate: Gate, ring: int, now: int) -> None:
    """Keep a time; a full ring forgets its oldest."""
    state = gate.rings[ring]
    size, head, kept = state["size"], state["head"], state["count"]
    place = head + kept
    if place >= size:
        place -= size
    gate.stamps[state["offset"] + place] = now
    if kept < size:
        state["count"] = kept + 1
    else:
        state["head"] = head + 1 if head + 1 < size else 0


@inlined
def duplicates(gate: Gate, draft: np.void) -> int:
    """Orders sent by the draft's agent in the window that are just like it: instrument, side, type, quantity, price."""
    agent = draft["agent"]
    kept = gate.rows[agent]["recent"]
    edge = draft["now"] - DUPLICATE_WINDOW
    found, index = 0, kept - 1
    while index >= 0 and index >= kept - DUPLICATES_KEPT:
        recent = gate.recent[agent, index % DUPLICATES_KEPT]
        if recent["ts"] <= edge:
            break
        if (
            recent["price"] == draft["price"]
            and recent["qty"] == draft["qty"]
            and recent["side"] == draft["side"]
            and recent["instrument"] == draft["instrument"]
            and recent["type"] == draft["type"]
        ):
            found += 1
        index -= 1
    return found


@inlined
def remember(gate: Gate, draft: np.void) -> None:
    """Keep an order for `duplicates`."""
    row = gate.rows[draft["agent"]]
    recent = gate.recent[draft["agent"], row["recent"] % DUPLICATES_KEPT]
    recent["ts"], recent["qty"], recent["price"] = draft["now"], draft["qty"], draft["price"]
    recent["instrument"], recent["side"], recent["type"] = draft["instrument"], draft["side"], draft["type"]
    row["recent"] += 1
