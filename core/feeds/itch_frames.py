"""Kernels that walk NASDAQ TotalView-ITCH 5.0 files: messages framed by 2-byte big-endian lengths."""

import numpy as np
from numpy.typing import NDArray

from core.enums import Status
from core.jit import kernel

#: Length of every message type of the specification.
SIZES = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21, "A": 36, "F": 40,
    "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19, "I": 50, "N": 20, "O": 48,
}  # fmt: skip
#: Types that touch a book.
ORDER_TYPES = "AFECXDU"

LENGTHS = np.full(256, -1, np.int64)
for _kind, _size in SIZES.items():
    LENGTHS[ord(_kind)] = _size
IS_ORDER = np.zeros(256, np.bool_)
IS_ORDER[[ord(kind) for kind in ORDER_TYPES]] = True

#: Scalars that live from one block to the next.
STATE = np.dtype(
    [
        ("locate", "<i8"),  # of the chosen stock, -1 while unknown
        ("symbol", "<u8"),  # its 8 name bytes, big endian
        ("midnight", "<i8"),  # ns UTC
        ("last_ts", "<i8"),  # ns UTC of the last usable time stamp
        ("status", "<i8"),  # trading state of the stock, a Status
        ("messages", "<i8"),  # messages met in all files
        ("alone", "<i8"),  # 1: orders of any other stock are an error
        ("second", "<i8"),  # locate of such a stock, -1 if none
        ("framing", "<i8"),  # of the file: 0 not known yet, 1 lengths, 2 zeros in place of the lengths
        ("lost", "<i8"),  # 1: between a damaged message and the next sound one
        ("sided", "<i8"),  # 1: the side of a non-cross trade can be trusted
    ]
)

# Rows of the counters, shape (4, 256); the first three are indexed by message type.
IGNORED, WRONG_LENGTH, UNKNOWN_TYPE, OTHER = 0, 1, 2, 3
# Columns of row OTHER.
OTHER_SYMBOL, EMPTY, LOST_BYTES, BAD_TIME, BROKEN_TRADE, STOCK_MISMATCH, EMPTY_CROSS, NO_PREFIX = 0, 1, 2, 3, 4, 5, 6, 7

_CHAIN = 3  # sound headers in a row that prove a new start
_STEPS = 8  # headers looked at for that
_STRANGE = 64  # longest message of a type that is not known
_REACH = _STEPS * (2 + _STRANGE)  # bytes looked at for that
_A, _F, _P, _Q, _R, _S = (ord(c) for c in "AFPQRS")
_TRADING = int(Status.TRADING)


@kernel
def be16(data: NDArray[np.uint8], at: int) -> int:
    """Unsigned 2-byte integer."""
    return int((np.int64(data[at]) << 8) | np.int64(data[at + 1]))


@kernel
def be32(data: NDArray[np.uint8], at: int) -> int:
    """Unsigned 4-byte integer."""
    return (be16(data, at) << 16) | be16(data, at + 2)


@kernel
def be64(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Unsigned 8-byte integer."""
    return (np.uint64(be32(data, at)) << np.uint64(32)) | np.uint64(be32(data, at + 4))


@kernel
def _lands(data: NDArray[np.uint8], at: int, stop: int, final: bool, need: int, zeros: bool) -> int:
    """Whether `need` sound headers follow from `at`: 1 yes, 0 no, -1 cannot be said before more bytes come."""
    sound = 0
    for _ in range(_STEPS):
        if at >= stop or stop - at < 3:
            if not final:
                return -1
            return 1 if at == stop or sound > 0 else 0
        size = be16(data, at)
        kind = int(np.int64(data[at + 2]))
        expected = LENGTHS[kind]
        if expected > 0 and size == (0 if zeros else expected):
            sound += 1
            if sound == need:
                return 1
            at += 2 + expected
        elif expected < 0 and 11 <= size <= _STRANGE and 65 <= kind <= 122:
            at += 2 + size  # a type that later versions of the protocol may have
        else:
            return 0
    return 0


@kernel
def _search(data: NDArray[np.uint8], at: int, stop: int, final: bool, me: np.void, counts: NDArray[np.int64]) -> int:
    """Go on byte by byte to the next sound start; clears `lost` when it is found."""
    start, zeros = at, me["framing"] == 2
    while stop - at >= 3:
        verdict = _lands(data, at, stop, final, _CHAIN, zeros)
        if verdict > 0:
            me["lost"] = 0
            break
        if verdict < 0:
            break
        at += 1
    counts[OTHER, LOST_BYTES] += at - start
    return at


@kernel
def _nearest(data: NDArray[np.uint8], at: int, target: int, stop: int, final: bool, zeros: bool) -> int:
    """Proven start before `target`, where a length prefix points; else `target`. A length that lies may point far."""
    last = min(target, stop)
    for start in range(at, last):
        if _lands(data, start, stop, final, _CHAIN, zeros) > 0:
            return start
    return last


@kernel
def frame(
    data: NDArray[np.uint8], at: int, stop: int, final: bool, me: np.void, counts: NDArray[np.int64]
) -> tuple[int, int]:
    """Next whole message at or after `at`: where its body starts and its size.

    Size 0: more bytes are needed, go on at the position returned. Unusable messages on the way are counted.
    Some files hold zeros for all lengths: the type then says the length. The first message decides.
    """
    while True:
        if me["lost"] != 0:
            at = _search(data, at, stop, final, me, counts)
            if me["lost"] != 0:
                return at, 0
        if stop - at < 3:
            return at, 0
        size = be16(data, at)
        kind = int(np.int64(data[at + 2]))
        expected = LENGTHS[kind]
        if me["framing"] == 0:
            me["framing"] = 2 if size == 0 and expected > 0 else 1
        zeros = me["framing"] == 2
        if size != expected:
            if size == 0 and expected > 0 and zeros:
                size = expected
                if at + 2 + size <= stop:
                    counts[OTHER, NO_PREFIX] += 1
            elif size == 0:
                counts[OTHER, EMPTY] += 1
                me["messages"] += 1
                at += 2
                continue
            else:
                target = at + 2 + size
                if target + _REACH > stop and not final:
                    return at, 0
                start = _nearest(data, at + 1, target, stop, final, zeros)
                counts[WRONG_LENGTH if expected > 0 else UNKNOWN_TYPE, kind] += 1
                me["messages"] += 1
                if start < target or _lands(data, target, stop, final, 1, zeros) <= 0:
                    me["lost"] = 1 if start >= target or start == stop else 0
                    counts[OTHER, LOST_BYTES] += start - at
                at = start
                continue
        if at + 2 + size > stop:
            return at, 0
        return at + 2, size


@kernel
def survey(
    data: NDArray[np.uint8],
    at: int,
    stop: int,
    final: bool,
    state: NDArray[np.void],
    counts: NDArray[np.int64],
    stocks: NDArray[np.uint64],
    orders: NDArray[np.int64],
) -> int:
    """Who is in the file: stock name and order messages by locate code, both shape (65536,). Returns the next position.

    The start of market hours sets `state.status` to TRADING.
    """
    me = state[0]
    while True:
        at, size = frame(data, at, stop, final, me, counts)
        if size == 0:
            return at
        me["messages"] += 1
        kind = data[at]
        locate = be16(data, at + 1)
        if kind == _R:
            stocks[locate] = be64(data, at + 11)
        elif (kind == _A or kind == _F or kind == _P) and stocks[locate] == 0:
            stocks[locate] = be64(data, at + 24)
        if IS_ORDER[kind]:
            orders[locate] += 1
        elif kind == _S and data[at + 11] == _Q:
            me["status"] = _TRADING
        at += size
