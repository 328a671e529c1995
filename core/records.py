"""The nouns: every structured record, defined once. Packed, little endian, integers only."""

import numpy as np
from numpy.typing import NDArray

#: `price` of a message without one.
NO_PRICE = -(2**31)
#: `slot` of a message that refers to no known order.
NO_SLOT = -1
#: `recv_delta` when the receive time is not known.
NO_RECV = -(2**31)
#: `ts_recv` or `price` of a `ROW` that has none; a receive time that is not known.
ABSENT = -(2**63)
#: Largest quantity of one order or level, in lots; level sums stay inside int64.
MAX_QTY = 2**45

#: One market event on a tape (40 bytes).
MESSAGE = np.dtype(
    [
        ("ts_event", "<i8"),  # ns since the epoch, UTC
        ("order_id", "<u8"),  # the venue's id; the new one in a REPLACE; 0 = anonymous
        ("qty", "<i8"),  # lots: added, removed, resting (LEVEL), traded; Status in STATUS
        ("price", "<i4"),  # ticks; in a TRADE rounded down, see slot
        ("slot", "<i4"),  # order pool slot; in a TRADE the millionths of a tick above price
        ("recv_delta", "<i4"),  # ns (us with RECV_US) from ts_event to the receive time
        ("action", "u1"),  # Action
        ("side", "i1"),  # Side
        ("flags", "<u2"),  # Flag
    ]
)

#: One row as an importer reads it: venue ids, prices and quantities in the source's integer units (64 bytes).
ROW = np.dtype(
    [
        ("ts_event", "<i8"),  # ns since the epoch, UTC
        ("ts_recv", "<i8"),  # ns since the epoch, UTC; ABSENT if unknown
        ("order_id", "<u8"),  # the venue's id; the old one in a REPLACE
        ("new_order_id", "<u8"),  # REPLACE only; equal to order_id where the venue keeps ids
        ("price", "<i8"),  # in price units; ABSENT if none
        ("qty", "<i8"),  # in quantity units; Status in STATUS
        ("source_row", "<i8"),  # 0-based row of the source, for error messages
        ("action", "u1"),
        ("side", "i1"),
        ("flags", "<u2"),
        ("pad", "<u4"),
    ]
)

#: One print, as the tape panel and the volume profile need it (32 bytes).
PRINT = np.dtype(
    [
        ("ts_event", "<i8"),
        ("index", "<i8"),  # message index on the tape
        ("qty", "<i8"),  # lots
        ("price", "<i4"),  # ticks, rounded down
        ("side", "i1"),  # Side of the aggressor
        ("flags", "<u2"),  # Flag
        ("pad", "u1"),
    ]
)


def ts_recv(messages: NDArray[np.void]) -> NDArray[np.int64]:
    """Receive times of `messages`, ns UTC, shape (n,); `ABSENT` where unknown."""
    delta = messages["recv_delta"].astype(np.int64)
    known = delta != NO_RECV
    delta[(messages["flags"] & 256) != 0] *= 1000
    return np.where(known, messages["ts_event"] + delta, ABSENT)
