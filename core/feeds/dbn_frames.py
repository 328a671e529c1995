"""Kernels that walk Databento DBN records: little endian, lengths in 4-byte words, so all is read as uint32 words."""

import numpy as np
from numpy.typing import NDArray

from core.jit import kernel

#: Record types, by rtype.
RTYPES = {
    0x00: "trades", 0x01: "mbp-1", 0x0A: "mbp-10", 0x11: "ohlcv", 0x12: "status", 0x13: "definition",
    0x14: "imbalance", 0x15: "error", 0x16: "symbol-mapping", 0x17: "system", 0x18: "statistics", 0x20: "ohlcv-1s",
    0x21: "ohlcv-1m", 0x22: "ohlcv-1h", 0x23: "ohlcv-1d", 0x24: "ohlcv-eod", 0xA0: "mbo", 0xB1: "cmbp-1",
    0xC0: "cbbo-1s", 0xC1: "cbbo-1m", 0xC2: "tcbbo", 0xC3: "bbo-1s", 0xC4: "bbo-1m",
}  # fmt: skip
#: Words of the records that hold books, by rtype; files with send times have two more.
WORDS = {0xA0: 14, 0x0A: 92, 0x01: 20}
MAPPING = 0x16

_LENGTHS = {
    0x00: (12,), 0x01: (20,), 0x0A: (92,), 0x11: (14,), 0x12: (10,), 0x13: (90, 100, 130), 0x14: (28,), 0x15: (20, 80),
    0x16: (20, 44), 0x17: (20, 80), 0x18: (16, 20), 0x20: (14,), 0x21: (14,), 0x22: (14,), 0x23: (14,), 0x24: (14,),
    0xA0: (14,), 0xB1: (20,), 0xC0: (20,), 0xC1: (20,), 0xC2: (20,), 0xC3: (20,), 0xC4: (20,),
}  # fmt: skip
_KNOWN = np.zeros(256, np.bool_)
_KNOWN[list(RTYPES)] = True
#: Lengths in words that a record type has in any version, without and with send times; by rtype and length.
_SOUND = np.zeros((256, 256), np.bool_)
for _rtype, _sizes in _LENGTHS.items():
    for _size in _sizes:
        _SOUND[_rtype, [_size, _size + 2]] = True
_CHAIN = 3  # sound headers in a row that prove a new start
_HEADER = 4  # words

#: Scalars that live from one block to the next.
STATE = np.dtype(
    [
        ("rtype", "<i8"),  # of the wanted records
        ("words", "<i8"),  # their length
        ("instrument", "<i8"),  # the chosen one
        ("publisher", "<i8"),  # the chosen one, -1 until its first record
        ("alone", "<i8"),  # 1: records of any other instrument are an error
        ("second", "<i8"),  # such an instrument, -1 if none
        ("records", "<i8"),  # met in all files
        ("lost", "<i8"),  # 1: between a damaged record and the next sound one
        ("last_ts", "<i8"),  # ns UTC
        ("head", "<i8"),  # first and one past the last entry of the fills waiting for their cancel
        ("tail", "<i8"),
        ("started", "<i8"),  # 1 behind the first record of the chosen instrument
    ]
)

# Rows of the counters, shape (4, 256); the first three are indexed by rtype.
IGNORED, WRONG_LENGTH, UNKNOWN_TYPE, OTHER = 0, 1, 2, 3
# Columns of row OTHER.
OTHER_SYMBOL, OTHER_PUBLISHER, LOST_BYTES, BAD_TIME, BAD_ACTION, UNTRACKED_FILLS = 0, 1, 2, 3, 4, 5
FLAG_BAD_TS_RECV, FLAG_MAYBE_BAD_BOOK, FLAG_TOB = 6, 7, 8


@kernel
def word(data: NDArray[np.uint32], at: int) -> int:
    """Unsigned 4-byte integer."""
    return int(np.int64(data[at]))


@kernel
def int64(data: NDArray[np.uint32], at: int) -> int:
    """Signed 8-byte integer; an unsigned one above 2**63-1 comes out negative."""
    return int(np.int64(data[at]) | (np.int64(data[at + 1]) << 32))


@kernel
def uint64(data: NDArray[np.uint32], at: int) -> np.uint64:
    """Unsigned 8-byte integer."""
    return np.uint64(data[at]) | (np.uint64(data[at + 1]) << np.uint64(32))


@kernel
def _lands(data: NDArray[np.uint32], at: int, stop: int, final: bool, need: int, me: np.void) -> int:
    """Whether `need` sound headers follow from `at`: 1 yes, 0 no, -1 cannot be said before more words come."""
    sound = 0
    while True:
        if at >= stop:
            if not final:
                return -1
            return 1 if at == stop or sound > 0 else 0
        length, rtype = word(data, at) & 255, (word(data, at) >> 8) & 255
        if rtype == me["rtype"]:
            if length != me["words"]:
                return 0
        elif not _SOUND[rtype, length]:
            return 0
        sound += 1
        if sound == need:
            return 1
        at += length


@kernel
def _search(data: NDArray[np.uint32], at: int, stop: int, final: bool, me: np.void, counts: NDArray[np.int64]) -> int:
    """Go on word by word to the next sound start; clears `lost` when it is found."""
    start = at
    while at < stop:
        verdict = _lands(data, at, stop, final, _CHAIN, me)
        if verdict > 0:
            me["lost"] = 0
            break
        if verdict < 0:
            break
        at += 1
    counts[OTHER, LOST_BYTES] += 4 * (at - start)
    return at


@kernel
def frame(
    data: NDArray[np.uint32], at: int, stop: int, final: bool, me: np.void, counts: NDArray[np.int64]
) -> tuple[int, int]:
    """Next whole record of a known type at or after `at`: where it starts and its words.

    0 words: more are needed, go on at the position returned. Unusable records on the way are counted.
    """
    while True:
        if me["lost"] != 0:
            at = _search(data, at, stop, final, me, counts)
            if me["lost"] != 0:
                return at, 0
        if stop - at < _HEADER:
            return at, 0
        length, rtype = word(data, at) & 255, (word(data, at) >> 8) & 255
        wanted = rtype == me["rtype"]
        if (wanted and length == me["words"]) or (not wanted and _SOUND[rtype, length]):
            return at, length if at + length <= stop else 0
        verdict = _lands(data, at + length, stop, final, 1, me) if length >= _HEADER else 0
        if verdict < 0:
            return at, 0
        counts[WRONG_LENGTH if _KNOWN[rtype] else UNKNOWN_TYPE, rtype] += 1
        me["records"] += 1
        if verdict > 0:
            at += length
        else:
            me["lost"] = 1
            counts[OTHER, LOST_BYTES] += 4
            at += 1


@kernel
def survey(
    data: NDArray[np.uint32],
    at: int,
    stop: int,
    final: bool,
    state: NDArray[np.void],
    counts: NDArray[np.int64],
    found: NDArray[np.int64],
    mappings: NDArray[np.int64],
) -> tuple[int, int]:
    """Which instruments have book records: (next position, symbol mappings met).

    `found`, shape (n, 3): instrument id (-1 = free), records, ns UTC of the first; more instruments are left out.
    `mappings`, shape (m,): where symbol mapping records start. `counts[IGNORED]` counts every record by rtype.
    """
    me = state[0]
    n = 0
    while True:
        at, length = frame(data, at, stop, final, me, counts)
        if length == 0:
            return at, n
        me["records"] += 1
        rtype = (word(data, at) >> 8) & 255
        counts[IGNORED, rtype] += 1
        if rtype == MAPPING and n < len(mappings):
            mappings[n] = at
            n += 1
        elif rtype == me["rtype"]:
            instrument = word(data, at + 1)
            for i in range(len(found)):
                if found[i, 0] < 0:
                    found[i, 0] = instrument
                if found[i, 0] == instrument:
                    if found[i, 1] == 0:
                        found[i, 2] = event_time(data, at, me)[0]
                    found[i, 1] += 1
                    break
        at += length


@kernel
def event_time(data: NDArray[np.uint32], at: int, me: np.void) -> tuple[int, int]:
    """Event and receive time of a book record, ns UTC; negative = unknown.

    The event time of a snapshot record is that of the snapshot: its own is when the order was entered, days ago.
    """
    mbo = me["rtype"] == 0xA0
    receive = int64(data, at + 10 if mbo else at + 8)
    flags = word(data, at + 9) if mbo else word(data, at + 7) >> 16
    event = int64(data, at + 2)
    if receive > 0 and ((flags & 32) != 0 or event < 0):
        event = receive
    return event, receive
