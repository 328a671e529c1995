"""Kernels that turn NASDAQ TotalView-ITCH 5.0 messages of one stock into rows.

Field offsets are those of the published specification, counted from the message type byte.
"""

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, Side, Status
from core.feeds.itch_frames import (
    BAD_TIME,
    BROKEN_TRADE,
    EMPTY_CROSS,
    IGNORED,
    IS_ORDER,
    OTHER,
    OTHER_SYMBOL,
    STOCK_MISMATCH,
    be16,
    be32,
    be64,
    frame,
)
from core.jit import kernel
from core.records import ABSENT

_DAY = 86_400_000_000_000
_END = int(Flag.ROW_END | Flag.EVENT_END)
_BAD, _SILENT, _HIDDEN, _CROSS = int(Flag.BAD), int(Flag.SILENT), int(Flag.HIDDEN), int(Flag.CROSS)
_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_REPLACE, _TRADE, _STATUS = int(Action.REPLACE), int(Action.TRADE), int(Action.STATUS)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_PRE_OPEN, _TRADING, _HALTED = int(Status.PRE_OPEN), int(Status.TRADING), int(Status.HALTED)
_QUOTING, _CLOSED, _NONE = int(Status.QUOTING), int(Status.CLOSED), int(Status.NONE)
_A, _B, _C, _D, _E, _F, _H, _M = (ord(c) for c in "ABCDEFHM")
_N, _O, _P, _Q, _R, _S, _T, _U, _X, _h = (ord(c) for c in "NOPQRSTUXh")


@kernel
def _side(letter: int) -> int:
    if letter == _B:
        return _BID
    return _ASK if letter == _S else 0


@kernel
def _order(data: NDArray[np.uint8], at: int, kind: int, row: np.void, me: np.void, counts: NDArray[np.int64]) -> None:
    """Fill `row` from a message that touches the book."""
    row["order_id"] = be64(data, at + 11)
    if kind == _A or kind == _F:
        row["action"], row["side"] = _ADD, _side(data[at + 19])
        row["qty"], row["price"] = be32(data, at + 20), be32(data, at + 32)
        if be64(data, at + 24) != me["symbol"]:
            row["flags"] |= _BAD
            counts[OTHER, STOCK_MISMATCH] += 1
    elif kind == _D:
        row["action"] = _DELETE
    elif kind == _E:
        row["action"], row["qty"] = _EXECUTE, be32(data, at + 19)
    elif kind == _X:
        row["action"], row["qty"] = _CANCEL, be32(data, at + 19)
    elif kind == _U:
        row["action"], row["new_order_id"] = _REPLACE, be64(data, at + 19)
        row["qty"], row["price"] = be32(data, at + 27), be32(data, at + 31)
    else:  # C: price differs from that of the order, which is still where the book removes it
        row["action"], row["qty"], row["price"] = _EXECUTE, be32(data, at + 19), be32(data, at + 32)
        if data[at + 31] == _N:
            row["flags"] |= _SILENT


@kernel
def _stock_status(data: NDArray[np.uint8], at: int, kind: int, me: np.void) -> int:
    """Status after H (trading action) or h (operational halt) of the stock."""
    letter = data[at + 19]
    if kind == _h:
        if letter != _Q:  # another market of the group
            return _NONE
        return _HALTED if data[at + 20] == _H else me["status"]
    status = _TRADING
    if letter == _H or letter == _P:
        status = _HALTED
    elif letter == _Q:
        status = _QUOTING
    elif letter != _T:
        return _NONE
    me["status"] = status
    return status


@kernel
def _system_status(code: int, stock: int) -> int:
    """Status after a system event. A stock that is halted by itself stays so when the market opens."""
    if code == _Q or code == _B:
        return stock if stock == _HALTED or stock == _QUOTING else _TRADING
    if code == _O or code == _S:
        return _PRE_OPEN
    if code == _M or code == _E or code == _C:
        return _CLOSED
    if code == _A:
        return _HALTED
    return _QUOTING if code == _R else _NONE


@kernel
def _other(data: NDArray[np.uint8], at: int, kind: int, row: np.void, me: np.void, counts: NDArray[np.int64]) -> bool:
    """Fill `row` from a trade or status message; False when the type says nothing a tape can hold."""
    row["action"] = _STATUS
    if kind == _P:
        row["action"] = _TRADE
        row["order_id"] = be64(data, at + 11)
        row["flags"] |= _HIDDEN
        # Since 2014-07-14 the indicator is B whatever rests: no side is better than a wrong one.
        if me["sided"] != 0 or data[at + 19] != _B:
            row["side"] = -_side(data[at + 19])
        row["qty"], row["price"] = be32(data, at + 20), be32(data, at + 32)
    elif kind == _Q:
        if be64(data, at + 11) == 0:  # the cross did not happen
            counts[OTHER, EMPTY_CROSS] += 1
            return True
        row["action"] = _TRADE
        row["flags"] |= _CROSS
        row["qty"], row["price"] = np.int64(be64(data, at + 11)), be32(data, at + 27)
    elif kind == _H or kind == _h:
        row["qty"] = _stock_status(data, at, kind, me)
    elif kind == _S:
        row["qty"] = _system_status(data[at + 11], me["status"])
    elif kind == _B:
        counts[OTHER, BROKEN_TRADE] += 1
    else:
        counts[IGNORED, kind] += 1
        return False
    return True


@kernel
def decode(
    data: NDArray[np.uint8],
    at: int,
    stop: int,
    final: bool,
    state: NDArray[np.void],
    counts: NDArray[np.int64],
    rows: NDArray[np.void],
) -> tuple[int, int]:
    """Rows (ROW, zeroed) of the chosen stock from `data[at:stop]`: (next position, rows written).

    Stops when the bytes end, `rows` is full, or orders of a second stock are met (`state.second`).
    """
    me = state[0]
    n = 0
    while n < rows.shape[0]:
        at, size = frame(data, at, stop, final, me, counts)
        if size == 0:
            return at, n
        kind = data[at]
        locate = be16(data, at + 1)
        ordinal = me["messages"]
        me["messages"] = ordinal + 1
        if kind == _R and be64(data, at + 11) == me["symbol"]:
            me["locate"] = locate
        if kind != _S and locate != me["locate"]:
            if locate == 0:
                counts[IGNORED, kind] += 1
            else:
                counts[OTHER, OTHER_SYMBOL] += 1
            if me["alone"] != 0 and IS_ORDER[kind]:
                me["second"] = locate
                return at, n
            at += size
            continue
        row = rows[n]
        row["flags"] = _END
        row["price"] = ABSENT
        row["ts_recv"] = ABSENT
        row["source_row"] = ordinal
        used = True
        if IS_ORDER[kind]:
            _order(data, at, kind, row, me, counts)
        else:
            used = _other(data, at, kind, row, me, counts)
        if used:
            _stamp(data, at, row, me, counts)
            n += 1
        at += size
    return at, n


@kernel
def _stamp(data: NDArray[np.uint8], at: int, row: np.void, me: np.void, counts: NDArray[np.int64]) -> None:
    """Event time of the row; a time of day that no day has makes the row BAD."""
    since = (be16(data, at + 5) << 32) | be32(data, at + 7)
    if since < _DAY:
        me["last_ts"] = me["midnight"] + since
    else:
        row["flags"] |= _BAD
        counts[OTHER, BAD_TIME] += 1
    row["ts_event"] = me["last_ts"]
