"""The tape alone: up to the next thing that is due, where nobody looks at each message."""

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply_one, judge
from core.enums import Action, Flag
from core.jit import inlined, inner, merged
from core.line.look import remember_mid
from core.line.state import NEVER, Line
from core.records import NO_PRICE
from core.tape.marks import is_print
from core.venue.state import SWEEP
from core.venue.tape import apply_beside, concerns

_FULL, _EVENT_END = 11, int(Flag.EVENT_END)
_EXECUTE, _TRADE = int(Action.EXECUTE), int(Action.TRADE)
STOP, GROW = 0, 2  #: as `core.line.run` says why it came back


@inlined
def stand(top: np.void, messages: NDArray[np.void], i: int) -> None:
    """Say where the market is once `i` messages have been applied: whoever acts now, acts at that time."""
    top["cursor"] = i
    if i > 0:
        top["clock"] = max(top["clock"], messages[i - 1]["ts_event"])


@inlined
def due(line: Line) -> None:
    """Set the market time of the next thing to do between two messages."""
    top, venue = line.venue.top[0], line.venue
    first = min(top["ts_decay"], top["next_tick"], top["link_ts"])
    if top["ended"] == 0:
        first = min(first, venue.rules[0]["end"])
    if top["requests"] > 0:
        first = min(first, venue.requests[0]["ts"])
    if top["note_tail"] > top["note_head"]:
        first = min(first, venue.notes[top["note_head"] % venue.notes.shape[0]]["ts"] - top["feed_now"])
    if top["next_wake"] < NEVER:
        first = min(first, top["next_wake"] - top["feed_now"])
    top["next_due"] = max(first, top["served"])  # a feed that got slower moves nothing into the past


@merged
def room(line: Line) -> bool:
    """Whether one more turn fits into the pools and buffers whatever it does."""
    top, venue, shared = line.venue.top[0], line.venue, line.top[0]
    most = line.intents.shape[0]
    return (
        top["drain"] == 0
        and top["free"] >= most
        and top["free_levels"] >= 2 * most + SWEEP
        and top["requests"] + most + 1 < venue.requests.shape[0]
        and shared["decisions"] + most + 1 < line.decisions.shape[0]
        and shared["verdicts"] + most + 1 < line.verdicts.shape[0]
        and shared["readings"] + 1 < line.readings.shape[0]
        and (shared["durable"] == 0 or shared["decisions"] == 0)
    )


@inner
def coast(line: Line, messages: NDArray[np.void], start: int, stop: int, until: int) -> tuple[int, int]:
    """Apply messages up to `stop`, or past time `until` or the next thing due, counting prints.

    Where nobody follows each message of the tape. A second's mark is made in passing. Returns the next index, and
    GROW or STOP.
    """
    book, venue, top = line.book, line.venue, line.venue.top[0]
    watch, before = top["watch"], min(top["next_due"], until)
    last, volume, worth = top["last_price"], top["volume"], top["worth"]
    i, reason = start, STOP
    while i < stop:
        message = messages[i]
        ts = message["ts_event"]
        if ts > before:
            alone = top["next_tick"] == before and top["requests"] == 0 and top["link_ts"] > before
            if before == until or not alone or line.top[0]["broken"] != 0 or not room(line):
                break
            top["last_price"], top["volume"], top["worth"] = last, volume, worth
            stand(top, messages, i)
            top["served"] = before
            remember_mid(line)
            due(line)
            before = min(top["next_due"], until)
            continue
        action, side, flags, slot = message["action"], message["side"], message["flags"], np.int64(message["slot"])
        order_id, qty, price = message["order_id"], message["qty"], np.int64(message["price"])
        if watch > 0 and concerns(book, venue, action, side, slot, order_id, price):
            top["last_price"], top["volume"], top["worth"] = last, volume, worth
            top["cursor"] = i
            top["clock"] = max(top["clock"], ts)
            code = apply_beside(book, venue, messages, i)
            watch, before = top["watch"], min(top["next_due"], until)
        else:
            code = apply_one(book, action, side, flags, slot, order_id, qty, price)
        if code != 0:
            if code == _FULL:
                reason = GROW
                break
            book.results[code] += 1
        if flags & _EVENT_END:
            judge(book)
        if (action == _EXECUTE or action == _TRADE) and is_print(action, flags, qty) and price != NO_PRICE:
            last = price
            volume += qty
            worth += price * qty
        i += 1
        if watch > 0 and top["drain"] != 0:
            break
    top["last_price"] = last
    top["volume"] = volume
    top["worth"] = worth
    return i, reason
