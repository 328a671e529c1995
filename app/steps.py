"""Where a step by messages or by trades ends, and what the keys of the A-B loop make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.transport import Verb

if TYPE_CHECKING:
    from core.engine import Engine


def step_index(engine: Engine, verb: Verb, count: int) -> int | None:
    """Messages applied after `count` steps (negative = back) from where the engine is; None behind the last trade."""
    if verb == Verb.STEP_MESSAGE:
        index = engine.index + count
    else:
        prints = engine.prints
        number = prints.before(engine.index) + count - 1
        if number >= len(prints.index):
            return None
        index = int(prints.index[number]) + 1 if number >= 0 else 0
    return min(max(index, 0), len(engine.messages))


def marked(loop: tuple[int | None, int | None], verb: Verb, ts: int) -> tuple[int | None, int | None]:
    """The A-B loop (ns UTC) after one of its commands."""
    start = loop[0]
    if verb == Verb.LOOP_IN:
        return ts, None
    if verb == Verb.LOOP_OUT and start is not None:
        return (min(start, ts), max(start, ts)) if ts != start else (start, None)
    return None, None
