"""The one kernel between every importer and the tape: units, slots, validation, reconciliation."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply_one, judge
from core.book.levels import next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, BookState
from core.enums import Action, Flag, Result, Side
from core.jit import inlined, kernel
from core.jit_states import state
from core.records import ABSENT, MAX_QTY, NO_PRICE, NO_RECV, NO_SLOT
from core.tape.ids import IdTable, find_id, give_slot, insert_id, next_slot, remove_id, take_slot
from core.tape.window import reconcile, release_level

_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_REPLACE, _TRADE, _LEVEL = int(Action.REPLACE), int(Action.TRADE), int(Action.LEVEL)
_CLEAR, _STATUS = int(Action.CLEAR), int(Action.STATUS)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_ROW_END, _EVENT_END, _WIPE, _BAD = int(Flag.ROW_END), int(Flag.EVENT_END), int(Flag.WIPE), int(Flag.BAD)
_SILENT, _IMPLIED, _RECV_US, _BACKWARDS = (
    int(Flag.SILENT),
    int(Flag.IMPLIED),
    int(Flag.RECV_US),
    int(Flag.BACKWARDS),
)
_OK, _FULL, _UNKNOWN = int(Result.OK), int(Result.FULL), int(Result.UNKNOWN_ORDER)
_LIMIT = 2**31
#: Counters in `Ingest.counts` after the three of `core.tape.window`.
BACKWARDS, LATE_CLAMPED = 3, 4
#: `Ingest.state`: clock, what the kernel stopped for, price it stopped at.
CLOCK, STOP, STOP_PRICE = 0, 1, 2
_PLAIN = 0xFFFF ^ (_ROW_END | _EVENT_END)


@state
class Ingest(NamedTuple):
    """State that lives across batches."""

    book: BookState
    ids: IdTable
    scale: NDArray[np.int64]  #: price multiplier and divisor, quantity multiplier and divisor, largest price
    counts: NDArray[np.int64]  #: entered, left, repaired levels; backwards, clamped times
    state: NDArray[np.int64]


@inlined
def _ticks(price: int, scale: NDArray[np.int64]) -> int:
    """Price in ticks rounded down, NO_PRICE when absent or outside int32."""
    if price > scale[4] or price < -scale[4]:  # ABSENT among them
        return NO_PRICE
    ticks = price * scale[0] // scale[1]
    return ticks if -_LIMIT < ticks < _LIMIT else NO_PRICE


@inlined
def _lots(qty: int, scale: NDArray[np.int64]) -> int:
    """Quantity in lots; what no book can hold becomes MAX_QTY + 1 (refused as BAD_QTY)."""
    if qty > 2**60 // scale[2]:
        return MAX_QTY + 1
    if qty < 0:
        return -1
    lots = qty * scale[2] // scale[3]
    return lots if lots <= MAX_QTY else MAX_QTY + 1


@inlined
def _receive(message: np.void, event: int, receive: int, counts: NDArray[np.int64]) -> int:
    """Write the receive time; the flags it needs."""
    if receive == ABSENT:
        message["recv_delta"] = NO_RECV
        return 0
    delta = receive - event
    if -_LIMIT < delta < _LIMIT:
        message["recv_delta"] = delta
        return 0
    delta //= 1000
    if not -_LIMIT < delta < _LIMIT:
        counts[LATE_CLAMPED] += 1
        delta = _LIMIT - 1 if delta > 0 else 1 - _LIMIT
    message["recv_delta"] = delta
    return _RECV_US


@kernel
def _release(book: BookState, ids: IdTable, message: np.void) -> None:
    """Forget the orders that a CLEAR or a wiping LEVEL is about to remove; a refused one removes none."""
    flags, side, qty, price = message["flags"], message["side"], message["qty"], message["price"]
    if flags & _BAD or side < _ASK or side > _BID:
        return
    if message["action"] == _LEVEL:
        if side != 0 and 0 <= qty <= MAX_QTY and price != NO_PRICE:
            release_level(book, ids, price, 0 if side == _BID else 1)
        return
    if side != _ASK:
        price = book.top[0]["best_bid"]
        while price != EMPTY_BID:
            release_level(book, ids, price, 0)
            price = next_bid(book, price)
    if side != _BID:
        price = book.top[0]["best_ask"]
        while price != EMPTY_ASK:
            release_level(book, ids, price, 1)
            price = next_ask(book, price)


@inlined
def _settle(job: Ingest, message: np.void, order_id: int, was_live: bool, code: int) -> None:
    """After a message was applied: bring the id table into line with the book."""
    action, slot = message["action"], np.int64(message["slot"])
    if action == _ADD:
        if code == _OK:
            take_slot(job.ids)
            insert_id(job.ids, order_id, slot)
        elif not was_live:
            message["slot"] = NO_SLOT
    elif action == _REPLACE:
        if was_live:
            if code == _OK and message["order_id"] != order_id:
                remove_id(job.ids, order_id)
                insert_id(job.ids, message["order_id"], slot)
        elif slot >= 0 and job.book.orders[slot]["qty"] > 0:
            take_slot(job.ids)
            insert_id(job.ids, message["order_id"], slot)
        else:
            message["slot"] = NO_SLOT
    elif was_live and job.book.orders[slot]["qty"] == 0:
        remove_id(job.ids, order_id)
        give_slot(job.ids, slot)


@inlined
def _resolve(job: Ingest, row: np.void, message: np.void) -> bool:
    """Give the message its slot, and its order's side and price where the source leaves them out."""
    action = message["action"]
    if action == _TRADE or action == _LEVEL or action == _CLEAR or action == _STATUS:
        message["slot"] = NO_SLOT
        return False
    slot = find_id(job.ids, row["order_id"])
    live = slot >= 0
    if action == _REPLACE:
        message["order_id"] = row["new_order_id"]
        if row["new_order_id"] != row["order_id"] and find_id(job.ids, row["new_order_id"]) >= 0:
            # The new id already rests: two orders may not share it.
            message["flags"] |= _BAD
            message["slot"] = NO_SLOT
            return False
        if not live:
            sided = message["side"] == _BID or message["side"] == _ASK
            slot = next_slot(job.ids) if sided else NO_SLOT
        message["slot"] = slot
    elif live:
        message["slot"] = slot
        if action != _ADD:
            node = job.book.orders[slot]
            message["side"] = _BID if (node["level"] >> 6) & 1 == 0 else _ASK
            if message["price"] == NO_PRICE:
                message["price"] = node["price"]
    else:
        message["slot"] = next_slot(job.ids) if action == _ADD else NO_SLOT
    return live


@kernel
def _split_execution(job: Ingest, out: NDArray[np.void], n: int, price: int) -> int:
    """An execution between ticks: the book effect at the order's price, silent, and the print as a TRADE."""
    scaled = price * job.scale[0]
    message, trade = out[n - 1], out[n]
    trade["ts_event"] = message["ts_event"]
    trade["recv_delta"] = message["recv_delta"]
    trade["order_id"] = message["order_id"]
    trade["qty"] = message["qty"]
    trade["price"] = message["price"]
    trade["slot"] = (scaled % job.scale[1]) * 1_000_000 // job.scale[1]
    trade["action"] = _TRADE
    trade["side"] = -message["side"]
    trade["flags"] = (message["flags"] & _PLAIN) | _IMPLIED
    message["flags"] |= _SILENT
    return n + 1


@kernel
def ingest(
    job: Ingest,
    rows: NDArray[np.void],
    window: NDArray[np.int64],
    start: int,
    out: NDArray[np.void],
) -> tuple[int, int]:
    """Turn `rows[start:]` (ROW) into messages in `out` (MESSAGE), applying them to the job's book.

    `window`: stated book per row in source units, shape (rows, 4 * levels), or (0, 0). Returns the next
    row and the number of messages written. It stops early when `out` could overflow, or when the book
    must grow (state[STOP] = FULL); then call again from the returned row.
    """
    book, scale, state = job.book, job.scale, job.state
    n = 0
    state[STOP] = _OK
    spare = 2 * window.shape[1] + 4
    pages = window.shape[1] // 2 + 2 if window.shape[0] > 0 else 0
    for r in range(start, rows.shape[0]):
        if n + spare > out.shape[0]:
            return r, n
        row, message = rows[r], out[n]
        action, price = row["action"], row["price"]
        message["action"] = action
        message["side"] = row["side"]
        message["order_id"] = row["order_id"]
        message["ts_event"] = row["ts_event"]
        message["qty"] = row["qty"] if action == _STATUS else _lots(row["qty"], scale)
        message["price"] = _ticks(price, scale)
        flags, clamped = row["flags"] & _PLAIN, job.counts[LATE_CLAMPED]
        flags |= _receive(message, row["ts_event"], row["ts_recv"], job.counts)
        if row["ts_event"] < state[CLOCK]:
            flags |= _BACKWARDS
        message["flags"] = flags
        live = _resolve(job, row, message)
        if action == _TRADE and message["price"] != NO_PRICE:
            message["slot"] = (price * scale[0] % scale[1]) * 1_000_000 // scale[1]
        code = _FULL
        if book.top[0]["free"] >= pages:
            if action == _CLEAR or (action == _LEVEL and message["flags"] & _WIPE):
                _release(book, job.ids, message)
            code = apply_one(
                book,
                action,
                message["side"],
                message["flags"],
                message["slot"],
                message["order_id"],
                message["qty"],
                message["price"],
            )
        if code == _FULL:
            state[STOP], state[STOP_PRICE] = _FULL, message["price"]
            job.counts[LATE_CLAMPED] = clamped  # the row will come again
            return r, n
        if code != _OK:
            book.results[code] += 1
        _settle(job, message, row["order_id"], live, code)
        if message["flags"] & _BACKWARDS:
            job.counts[BACKWARDS] += 1
        else:
            state[CLOCK] = row["ts_event"]
        n += 1
        between = action == _EXECUTE and -scale[4] <= price <= scale[4] and price * scale[0] % scale[1] != 0
        if between and message["price"] != NO_PRICE:
            n = _split_execution(job, out, n, price)
        if window.shape[0] > 0:
            n = reconcile(book, job.ids, window, r, scale, out, n, job.counts)
        out[n - 1]["flags"] |= row["flags"] & (_ROW_END | _EVENT_END)
        if row["flags"] & _EVENT_END:
            judge(book)
    return rows.shape[0], n
