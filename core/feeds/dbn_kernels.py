"""Kernels that turn Databento DBN records of one instrument into rows."""

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.feeds.dbn_frames import (
    BAD_ACTION,
    BAD_TIME,
    FLAG_BAD_TS_RECV,
    FLAG_MAYBE_BAD_BOOK,
    FLAG_TOB,
    IGNORED,
    OTHER,
    OTHER_PUBLISHER,
    OTHER_SYMBOL,
    UNTRACKED_FILLS,
    event_time,
    frame,
    int64,
    uint64,
    word,
)
from core.jit import kernel
from core.records import ABSENT

#: Fills that may wait for their cancel within one event.
FILLS = 1024
_UNDEFINED = 2**63 - 1
_UNDEFINED_QTY = 2**32 - 1
_LAST, _TOB, _SNAPSHOT, _BAD_TS_RECV, _MAYBE_BAD_BOOK = 128, 64, 32, 8, 4  # flag bits of the format
_ROW_END, _EVENT_END = int(Flag.ROW_END), int(Flag.EVENT_END)
_STATED, _BAD, _SILENT = int(Flag.SNAPSHOT), int(Flag.BAD), int(Flag.SILENT)
_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_REPLACE, _TRADE, _LEVEL = int(Action.REPLACE), int(Action.TRADE), int(Action.LEVEL)
_CLEAR, _STATUS = int(Action.CLEAR), int(Action.STATUS)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_A, _B, _C, _F, _M, _N, _R, _T = (ord(c) for c in "ABCFMNRT")


@kernel
def price_at(data: NDArray[np.uint32], at: int) -> int:
    """Price in units of 1e-9, ABSENT where the format says it is not defined."""
    price = int64(data, at)
    return ABSENT if price == _UNDEFINED else price


@kernel
def side_of(letter: int) -> int:
    """`Side` of the letter A or B."""
    if letter == _B:
        return _BID
    return _ASK if letter == _A else 0


@kernel
def chosen(data: NDArray[np.uint32], at: int, me: np.void, counts: NDArray[np.int64]) -> bool:
    """Whether the record is a wanted one; others are counted."""
    head = word(data, at)
    rtype, publisher = (head >> 8) & 255, head >> 16
    if rtype != me["rtype"]:
        counts[IGNORED, rtype] += 1
        return False
    instrument = word(data, at + 1)
    if instrument != me["instrument"]:
        counts[OTHER, OTHER_SYMBOL] += 1
        if me["alone"] != 0:
            me["second"] = instrument
        return False
    if me["publisher"] < 0:
        me["publisher"] = publisher
    if publisher != me["publisher"]:
        counts[OTHER, OTHER_PUBLISHER] += 1
        return False
    return True


@kernel
def begin(
    data: NDArray[np.uint32], at: int, flags: int, row: np.void, ordinal: int, me: np.void, counts: NDArray[np.int64]
) -> None:
    """What all rows of a record share: times, source row, flags."""
    event, receive = event_time(data, at, me)
    row["flags"] = _STATED if flags & _SNAPSHOT else 0
    if event < 0:
        row["flags"] |= _BAD
        counts[OTHER, BAD_TIME] += 1
        event = me["last_ts"]
    me["last_ts"] = event
    row["ts_event"], row["ts_recv"] = event, receive if receive >= 0 else ABSENT
    row["source_row"] = ordinal
    row["price"] = ABSENT
    if flags & _BAD_TS_RECV and not flags & _SNAPSHOT:  # a snapshot has no receive time by nature
        counts[OTHER, FLAG_BAD_TS_RECV] += 1
    if flags & _MAYBE_BAD_BOOK:
        counts[OTHER, FLAG_MAYBE_BAD_BOOK] += 1
    if flags & _TOB:
        counts[OTHER, FLAG_TOB] += 1


@kernel
def _remember_fill(
    order_id: np.uint64,
    qty: int,
    ids: NDArray[np.uint64],
    left: NDArray[np.int64],
    me: np.void,
    counts: NDArray[np.int64],
) -> None:
    tail = me["tail"]
    if tail >= len(ids):
        counts[OTHER, UNTRACKED_FILLS] += 1
        return
    ids[tail], left[tail] = order_id, qty
    me["tail"] = tail + 1


@kernel
def _take_fill(order_id: np.uint64, qty: int, ids: NDArray[np.uint64], left: NDArray[np.int64], me: np.void) -> int:
    """How much of a cancelled quantity was filled in this event; that much is forgotten."""
    filled = 0
    for i in range(me["head"], me["tail"]):
        if left[i] > 0 and ids[i] == order_id:
            part = min(left[i], qty - filled)
            left[i] -= part
            filled += part
            if filled == qty:
                break
    while me["head"] < me["tail"] and left[me["head"]] == 0:
        me["head"] += 1
    return filled


@kernel
def _order(
    data: NDArray[np.uint32], at: int, row: np.void, ids: NDArray[np.uint64], left: NDArray[np.int64], me: np.void,
    counts: NDArray[np.int64],
) -> int:  # fmt: skip
    """Fill `row` from an MBO record. Quantity that a second row has to carry: filled before the rest is cancelled."""
    letters = word(data, at + 9)
    action, qty = (letters >> 16) & 255, word(data, at + 8)
    row["order_id"], row["price"] = uint64(data, at + 4), price_at(data, at + 6)
    row["side"] = side_of(letters >> 24)
    row["qty"] = 0 if qty == _UNDEFINED_QTY else qty
    if action == _A:
        row["action"] = _ADD
    elif action == _M:
        row["action"] = _REPLACE
        row["new_order_id"] = row["order_id"]
    elif action == _T:
        row["action"] = _TRADE
    elif action == _C:
        row["action"] = _CANCEL
        if row["qty"] == 0:
            row["action"] = _DELETE
            return 0
        filled = _take_fill(row["order_id"], qty, ids, left, me)
        if filled == qty:
            row["action"] = _EXECUTE
            row["flags"] |= _SILENT
        elif filled > 0:
            row["qty"] = qty - filled
            return filled
    elif action == _R:
        row["action"], row["side"], row["qty"], row["price"] = _CLEAR, 0, 0, ABSENT
    else:
        if action == _F:
            _remember_fill(row["order_id"], row["qty"], ids, left, me, counts)
        elif action != _N:
            row["flags"] |= _BAD
            counts[OTHER, BAD_ACTION] += 1
        row["action"], row["qty"] = _STATUS, 0
    return 0


@kernel
def decode_mbo(
    data: NDArray[np.uint32],
    at: int,
    stop: int,
    final: bool,
    state: NDArray[np.void],
    counts: NDArray[np.int64],
    fill_ids: NDArray[np.uint64],
    fill_left: NDArray[np.int64],
    rows: NDArray[np.void],
) -> tuple[int, int]:
    """Rows (ROW, zeroed) of the chosen instrument from `data[at:stop]`: (next position, rows written).

    `fill_ids` and `fill_left`, shape (FILLS,), hold the fills of the event that wait for their cancel.
    Stops when the words end, `rows` is full, or a second instrument is met (`state.second`).
    """
    me = state[0]
    n = 0
    while n + 2 <= len(rows):
        at, length = frame(data, at, stop, final, me, counts)
        if length == 0:
            return at, n
        ordinal = me["records"]
        me["records"] = ordinal + 1
        if not chosen(data, at, me, counts):
            if me["second"] >= 0:
                return at, n
            at += length
            continue
        flags = word(data, at + 9) & 255
        row = rows[n]
        begin(data, at, flags, row, ordinal, me, counts)
        filled = _order(data, at, row, fill_ids, fill_left, me, counts)
        if filled > 0:
            rows[n + 1] = row
            row["action"], row["qty"] = _EXECUTE, filled
            row["flags"] |= _SILENT
            n += 1
        elif row["action"] == _ADD and flags & _TOB:
            n += _top(rows, n)
        rows[n]["flags"] |= _ROW_END
        if flags & _LAST:
            rows[n]["flags"] |= _EVENT_END
            me["head"] = me["tail"] = 0
        n += 1
        at += length
    return at, n


@kernel
def _top(rows: NDArray[np.void], n: int) -> int:
    """Top-of-book venues: an add replaces all of its side, and without a price it empties it. Rows more than one."""
    more = 0
    if rows[n]["price"] != ABSENT:
        rows[n + 1] = rows[n]
        rows[n + 1]["action"], rows[n + 1]["order_id"] = _LEVEL, 0
        more = 1
    row = rows[n]
    row["action"], row["order_id"], row["qty"], row["price"] = _CLEAR, 0, 0, ABSENT
    return more
