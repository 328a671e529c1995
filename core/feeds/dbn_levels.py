"""Kernel that turns Databento MBP-1 and MBP-10 records, each with the whole book, into changes of levels."""

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.feeds.dbn_frames import BAD_ACTION, OTHER, frame, word
from core.feeds.dbn_kernels import begin, chosen, price_at, side_of
from core.jit import kernel
from core.records import ABSENT

#: Most rows that one record can become: a print, a clear, and every level of both sides replaced.
MOST_ROWS = 42
_FIRST_LEVEL, _LEVEL_WORDS = 12, 8  # words
_LAST = 128
_ROW_END, _EVENT_END, _BAD, _STATED = int(Flag.ROW_END), int(Flag.EVENT_END), int(Flag.BAD), int(Flag.SNAPSHOT)
_TRADE, _LEVEL, _CLEAR, _STATUS = int(Action.TRADE), int(Action.LEVEL), int(Action.CLEAR), int(Action.STATUS)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_ACTIONS = np.zeros(256, np.bool_)
_ACTIONS[[ord(c) for c in "ACMRTFN"]] = True
_R, _T = ord("R"), ord("T")


@kernel
def _read_book(data: NDArray[np.uint32], at: int, now: NDArray[np.int64]) -> None:
    """Levels of a record, shape (2, levels, 2): bids then asks, price and quantity; quantity 0 = none."""
    for i in range(now.shape[1]):
        level = at + _FIRST_LEVEL + _LEVEL_WORDS * i
        for half in range(2):
            price, qty = price_at(data, level + 2 * half), word(data, level + 4 + half)
            now[half, i, 0] = price
            now[half, i, 1] = 0 if price == ABSENT else qty


@kernel
def _find(side: NDArray[np.int64], price: int, near: int) -> int:
    """Index of a level by price, -1 if it is not there. Levels rarely move far from where they were."""
    levels = side.shape[0]
    for step in range(levels):
        for i in (near + step, near - step):
            if 0 <= i < levels and side[i, 0] == price and side[i, 1] > 0:
                return i
    return -1


@kernel
def _put_level(rows: NDArray[np.void], n: int, base: np.void, price: int, half: int, qty: int) -> int:
    rows[n] = base
    row = rows[n]
    row["action"], row["price"], row["qty"] = _LEVEL, price, qty
    row["side"] = _BID if half == 0 else _ASK
    return n + 1


@kernel
def _copy_book(target: NDArray[np.int64], source: NDArray[np.int64], keep: bool) -> None:
    """Make `target` equal to `source`, or empty."""
    for half in range(2):
        for i in range(target.shape[1]):
            target[half, i, 0] = source[half, i, 0]
            target[half, i, 1] = source[half, i, 1] if keep else 0


@kernel
def _differences(
    before: NDArray[np.int64], now: NDArray[np.int64], rows: NDArray[np.void], n: int, base: np.void
) -> int:
    """Rows that lead from one book to the next, first what leaves: the book is never crossed in between."""
    levels = now.shape[1]
    for half in range(2):
        for i in range(levels):
            price = before[half, i, 0]
            if before[half, i, 1] > 0 and _find(now[half], price, i) < 0:
                n = _put_level(rows, n, base, price, half, 0)
    for half in range(2):
        for i in range(levels):
            price, qty = now[half, i, 0], now[half, i, 1]
            if qty > 0:
                old = _find(before[half], price, i)
                if old < 0 or before[half, old, 1] != qty:
                    n = _put_level(rows, n, base, price, half, qty)
    return n


@kernel
def _announce(
    data: NDArray[np.uint32],
    at: int,
    action: int,
    books: NDArray[np.int64],
    rows: NDArray[np.void],
    n: int,
    base: np.void,
    counts: NDArray[np.int64],
) -> int:
    """What comes before the changes of levels: the print of a trade, a clear. Marks records of no known action."""
    if action == _T:
        rows[n] = base
        rows[n]["action"], rows[n]["side"] = _TRADE, side_of(word(data, at + 7) >> 8 & 255)
        rows[n]["price"], rows[n]["qty"] = price_at(data, at + 4), word(data, at + 6)
        return n + 1
    if action == _R:
        rows[n] = base
        rows[n]["action"] = _CLEAR
        _copy_book(books[0], books[1], False)
        return n + 1
    if not _ACTIONS[action]:
        base["flags"] |= _BAD
        counts[OTHER, BAD_ACTION] += 1
    return n


@kernel
def decode_mbp(
    data: NDArray[np.uint32],
    at: int,
    stop: int,
    final: bool,
    state: NDArray[np.void],
    counts: NDArray[np.int64],
    books: NDArray[np.int64],
    rows: NDArray[np.void],
) -> tuple[int, int]:
    """Rows (ROW, zeroed) of the chosen instrument from `data[at:stop]`: (next position, rows written).

    `books`, shape (2, 2, levels, 2), holds the book before and room for the book of a record.
    The first record states levels that rest already. Stops when the words end, fewer than MOST_ROWS rows
    are left, or a second instrument is met (`state.second`).
    """
    me = state[0]
    before, now = books[0], books[1]
    n = 0
    while n + MOST_ROWS < len(rows):
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
        letters = word(data, at + 7)
        action, flags = letters & 255, letters >> 16 & 255
        base = rows[len(rows) - 1]
        base["flags"] = 0
        begin(data, at, flags, base, ordinal, me, counts)
        first = n
        n = _announce(data, at, action, books, rows, n, base, counts)
        if not base["flags"] & _BAD:
            if me["started"] == 0:
                base["flags"] |= _STATED
                me["started"] = 1
            _read_book(data, at, now)
            n = _differences(before, now, rows, n, base)
            _copy_book(before, now, True)
        if n == first:
            rows[n] = base
            rows[n]["action"] = _STATUS
            n += 1
        rows[n - 1]["flags"] |= _ROW_END
        if flags & _LAST:
            rows[n - 1]["flags"] |= _EVENT_END
        at += length
    return at, n
