"""LOBSTER columns to rows."""

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag, Status
from core.jit import kernel
from core.records import ABSENT

_END = int(Flag.ROW_END | Flag.EVENT_END)
_ADD, _CANCEL, _DELETE, _EXECUTE = int(Action.ADD), int(Action.CANCEL), int(Action.DELETE), int(Action.EXECUTE)
_TRADE, _STATUS = int(Action.TRADE), int(Action.STATUS)
_HIDDEN, _CROSS, _BAD = int(Flag.HIDDEN), int(Flag.CROSS), int(Flag.BAD)
#: A type 7 row says in its price what the status becomes: -1, 0, 1.
_HALTED, _QUOTING, _TRADING = int(Status.HALTED), int(Status.QUOTING), int(Status.TRADING)


@kernel
def build_rows(
    time: NDArray[np.float64],
    kind: NDArray[np.int64],
    order_id: NDArray[np.int64],
    size: NDArray[np.int64],
    price: NDArray[np.int64],
    direction: NDArray[np.int64],
    midnight: int,
    first: int,
    rows: NDArray[np.void],
) -> int:
    """LOBSTER columns to ROW. `midnight`: ns UTC; `first`: source row of index 0. Returns rows of unknown type."""
    unknown = 0
    for i in range(rows.shape[0]):
        row, code = rows[i], kind[i]
        # A float64 holds seconds of a day to 1e-11, so the nanoseconds are exact.
        row["ts_event"] = np.int64(np.rint(time[i] * 1e9)) + midnight
        row["ts_recv"] = ABSENT
        row["source_row"] = first + i
        row["flags"] = _END
        row["order_id"] = max(order_id[i], 0)
        row["new_order_id"] = row["order_id"]
        row["price"] = price[i]
        row["qty"] = size[i]
        row["side"] = 1 if direction[i] > 0 else (-1 if direction[i] < 0 else 0)
        if code == 1:
            row["action"] = _ADD
        elif code == 2:
            row["action"] = _CANCEL
        elif code == 3:
            row["action"] = _DELETE
        elif code == 4:
            row["action"] = _EXECUTE
        elif code == 5:
            # A hidden order rests; the print carries the side of the aggressor.
            row["action"] = _TRADE
            row["flags"] = _END | _HIDDEN
            row["side"] = -row["side"]
        elif code == 6:
            row["action"] = _TRADE
            row["flags"] = _END | _CROSS
            row["side"] = 0
        else:
            row["action"] = _STATUS
            row["side"] = 0
            row["qty"] = 0
            row["price"] = ABSENT
            if code == 7:
                row["qty"] = _HALTED if price[i] == -1 else (_QUOTING if price[i] == 0 else _TRADING)
            else:
                row["flags"] = _END | _BAD
                unknown += 1
    return unknown
