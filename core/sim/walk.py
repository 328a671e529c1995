"""One pass over a tape that collects what the stylised facts are made of."""
# mypy: disable-error-code="arg-type, no-any-return"
# Kernels: numpy scalars stand for int.

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book, grown
from core.book.kernels import apply_one
from core.book.levels import find_level, next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import Action, Flag, Result
from core.jit import inlined, kernel
from core.jit_states import state
from core.records import NO_PRICE

#: Levels of the depth profile.
LEVELS = 10
#: Spreads from this many ticks on are counted as this.
WIDEST = 1 << 14
_SECOND = 1_000_000_000
#: Seconds between counts of the levels of the book.
_RARELY = 60

_ADD, _EXECUTE, _REPLACE, _TRADE = int(Action.ADD), int(Action.EXECUTE), int(Action.REPLACE), int(Action.TRADE)
_ROW_END, _EVENT_END, _SNAPSHOT = int(Flag.ROW_END), int(Flag.EVENT_END), int(Flag.SNAPSHOT)
_SILENT, _CROSS, _BAD = int(Flag.SILENT), int(Flag.CROSS), int(Flag.BAD)
_OK, _FULL = int(Result.OK), int(Result.FULL)

#: Scalars of a walk.
TALLY = np.dtype(
    [
        ("start", "<i8"),  # ns UTC, first instant that counts
        ("stop", "<i8"),  # ns UTC, first that does not
        ("second", "<i8"),  # samples taken
        ("bid", "<i8"),  # touch after the last event
        ("ask", "<i8"),
        ("bid_qty", "<i8"),
        ("ask_qty", "<i8"),
        ("clock", "<i8"),  # ns UTC of the last message, running maximum
        ("rows", "<i8"),  # source rows
        ("moves", "<i8"),  # events that moved the best bid or ask
        ("spread_time", "<i8"),  # sum of spread in ticks times us
        ("time", "<i8"),  # us with both sides
        ("trades", "<i8"),  # entries of `sign`
        ("lives", "<i8"),  # entries of `life`
        ("samples", "<i8"),  # seconds with both sides
        ("orders", "<i8"),  # sum over samples
        ("levels", "<i8"),  # sum over level counts
        ("counts", "<i8"),  # level counts made
        ("front", "<i8"),  # sum over samples of orders at both touches
    ]
)


@state
class Walk(NamedTuple):
    """State of a walk and everything it collects."""

    book: BookState
    tally: NDArray[np.void]  #: TALLY, shape (1,)
    mix: NDArray[np.int64]  #: messages by action
    spread: NDArray[np.int64]  #: events by spread in ticks, shape (WIDEST + 1,)
    mid: NDArray[np.int64]  #: best bid + best ask at the end of each second, 0 if a side is empty
    wide: NDArray[np.int64]  #: best ask - best bid likewise
    ofi: NDArray[np.int64]  #: order flow imbalance of Cont, Kukanov and Stoikov (2014), lots, by second
    volume: NDArray[np.int64]  #: lots traded, by second
    busy: NDArray[np.int64]  #: source rows, by second
    depth: NDArray[np.int64]  #: sums over samples, shape (LEVELS, 2): lots on both sides, ticks from both touches
    sign: NDArray[np.int64]  #: aggressor of each print
    when: NDArray[np.int64]  #: its time, ns UTC
    born: NDArray[np.int64]  #: time of each live order by slot, 0 if before the walk
    life: NDArray[np.int64]  #: lifetimes of orders that left, ns


def book_for(messages: NDArray[np.void]) -> Book:
    """An empty book with room for every slot and price in `messages` (MESSAGE)."""
    slots = int(messages["slot"][messages["action"] != Action.TRADE].max(initial=0)) + 1
    prices = messages["price"][messages["price"] != NO_PRICE]
    return Book(slots, int(prices.min()), int(prices.max())) if len(prices) else Book(slots)


def new_walk(messages: NDArray[np.void], start: int, stop: int) -> Walk:
    """A walk over `messages` that counts from `start` to `stop`, ns UTC."""
    seconds = max(1, -(-(stop - start) // _SECOND))
    actions = np.bincount(messages["action"], minlength=16)
    book, tally = book_for(messages), np.zeros(1, TALLY)
    tally["start"], tally["stop"], tally["clock"] = start, stop, start
    tally["bid"], tally["ask"] = EMPTY_BID, EMPTY_ASK
    prints = int(actions[_EXECUTE] + actions[_TRADE])
    return Walk(
        book=book.state,
        tally=tally,
        mix=np.zeros(16, np.int64),
        spread=np.zeros(WIDEST + 1, np.int64),
        mid=np.zeros(seconds, np.int64),
        wide=np.zeros(seconds, np.int64),
        ofi=np.zeros(seconds, np.int64),
        volume=np.zeros(seconds, np.int64),
        busy=np.zeros(seconds, np.int64),
        depth=np.zeros((LEVELS, 2), np.int64),
        sign=np.zeros(prints, np.int64),
        when=np.zeros(prints, np.int64),
        born=np.zeros(book.state.orders.shape[0], np.int64),
        life=np.zeros(int(actions[_ADD] + actions[_REPLACE]), np.int64),
    )


def run(walk: Walk, messages: NDArray[np.void]) -> Walk:
    """Walk over all `messages` (MESSAGE); the walk it ends with."""
    at = step(walk, messages, 0)
    while at < len(messages):
        walk = walk._replace(book=grown(walk.book, int(messages[at]["price"])))
        at = step(walk, messages, at)
    _finish(walk)
    return walk


@inlined
def _sample(w: Walk) -> None:
    """The book at the end of a second."""
    t = w.tally[0]
    t["second"] += 1
    if t["bid"] == EMPTY_BID or t["ask"] == EMPTY_ASK:
        return
    w.mid[t["second"] - 1] = t["bid"] + t["ask"]
    w.wide[t["second"] - 1] = t["ask"] - t["bid"]
    t["samples"] += 1
    t["orders"] += w.book.top[0]["orders"]
    counting = t["second"] % _RARELY == 1
    for side in range(2):
        touch = w.book.top[0]["best_bid"] if side == 0 else w.book.top[0]["best_ask"]
        price, level = touch, 0
        while price != EMPTY_BID and price != EMPTY_ASK and (counting or level < LEVELS):
            if level < LEVELS:
                queue = w.book.levels[find_level(w.book, price, side)]
                w.depth[level, 0] += queue["known"] + queue["anonymous"]
                w.depth[level, 1] += abs(price - touch)
                if level == 0:
                    t["front"] += queue["count"]
            level += 1
            price = next_bid(w.book, price) if side == 0 else next_ask(w.book, price)
        if counting:
            t["levels"] += level
    if counting:
        t["counts"] += 1


@inlined
def _touch_qty(w: Walk, price: int, side: int) -> int:
    if price == EMPTY_BID or price == EMPTY_ASK:
        return 0
    queue = w.book.levels[find_level(w.book, price, side)]
    return queue["known"] + queue["anonymous"]


@inlined
def _event(w: Walk, second: int) -> None:
    """The book after an event: spread, moves of the touch, order flow imbalance."""
    t, top = w.tally[0], w.book.top[0]
    bid, ask = top["best_bid"], top["best_ask"]
    bid_qty, ask_qty = _touch_qty(w, bid, 0), _touch_qty(w, ask, 1)
    if second >= 0:
        if bid != t["bid"] or ask != t["ask"]:
            t["moves"] += 1
        if bid != EMPTY_BID and ask != EMPTY_ASK:
            w.spread[min(max(ask - bid, 0), WIDEST)] += 1
        flow = 0
        if bid >= t["bid"]:
            flow += bid_qty
        if bid <= t["bid"]:
            flow -= t["bid_qty"]
        if ask <= t["ask"]:
            flow -= ask_qty
        if ask >= t["ask"]:
            flow += t["ask_qty"]
        w.ofi[second] += flow
    t["bid"] = bid
    t["ask"] = ask
    t["bid_qty"] = bid_qty
    t["ask_qty"] = ask_qty


@inlined
def _tick(w: Walk, ts: int) -> None:
    """Time goes on to `ts`: samples of the seconds that ended, time-weighted spread."""
    t = w.tally[0]
    ts = min(max(ts, t["clock"]), t["stop"])
    while t["second"] < w.mid.shape[0] and t["start"] + (t["second"] + 1) * _SECOND <= ts:
        _sample(w)
    if t["bid"] != EMPTY_BID and t["ask"] != EMPTY_ASK:
        passed = ts // 1000 - t["clock"] // 1000
        t["time"] += passed
        t["spread_time"] += passed * (t["ask"] - t["bid"])
    t["clock"] = ts


@kernel
def step(w: Walk, messages: NDArray[np.void], first: int) -> int:
    """Walk on from message `first`. Returns the next index: below the end only when a pool is full."""
    t = w.tally[0]
    for i in range(first, messages.shape[0]):
        m = messages[i]
        ts, flags, action, slot = m["ts_event"], np.int64(m["flags"]), np.int64(m["action"]), np.int64(m["slot"])
        counts = t["start"] <= ts < t["stop"] and flags & _SNAPSHOT == 0
        if ts >= t["start"]:
            _tick(w, ts)
        held = 0 <= slot < w.born.shape[0] and action != _TRADE
        before = w.book.orders[slot]["qty"] if held else 0
        code = apply_one(w.book, action, m["side"], flags, slot, m["order_id"], m["qty"], m["price"])
        if code == _FULL:
            return i
        second = (ts - t["start"]) // _SECOND if counts else -1
        if counts:
            w.mix[action & 15] += 1
            w.busy[second] += flags & _ROW_END
            t["rows"] += flags & _ROW_END
        printed = (action == _TRADE or (action == _EXECUTE and flags & _SILENT == 0)) and flags & (_BAD | _CROSS) == 0
        if printed and counts:
            w.volume[second] += m["qty"]
            sign = np.int64(m["side"])
            if sign != 0:
                w.sign[t["trades"]] = sign if action == _TRADE else -sign
                w.when[t["trades"]] = ts
                t["trades"] += 1
        if held:
            left = w.book.orders[slot]["qty"]
            if before > 0 and (left == 0 or action == _REPLACE) and w.born[slot] > 0 and counts:
                w.life[t["lives"]] = max(ts - w.born[slot], 0)
                t["lives"] += 1
            if left > 0 and (action == _ADD or action == _REPLACE) and code == _OK:
                w.born[slot] = ts if counts else 0
        if flags & _EVENT_END:
            _event(w, second)
    return messages.shape[0]


@kernel
def _finish(w: Walk) -> None:
    _tick(w, w.tally[0]["stop"])
