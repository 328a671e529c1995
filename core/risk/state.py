"""The gate as arrays: limits, what works, what was counted, who is halted or killed.

Rows of agents are followed by one row for the desk. Sides are 0 for buy and 1 for sell. The times that rates count
are kept in rings inside one array, `stamps`: three rings per row (messages asked for, messages sent, cancels and
replaces), then one ring per agent, instrument and side for its fills.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.account.money import MoneyScale
from core.book.state import EMPTY_ASK, EMPTY_BID
from core.errors import ConfigError
from core.jit_states import state
from core.risk.controls import DUPLICATES_KEPT, RATE_WINDOW, REPEAT_WINDOW, Control
from core.risk.limits import LimitSet, thresholds

#: Kinds of rings that each row has.
ASKED, SENT, CANCELS = 0, 1, 2
RING_KINDS = 3
#: Least length of a ring, so that limits can be raised during the day.
LEAST_RING = 1024
#: Orders that can be killed one by one.
MOST_KILLED_ORDERS = 256

#: One order that was sent, as the duplicate control remembers it.
RECENT = np.dtype(
    [("ts", "<i8"), ("qty", "<i8"), ("price", "<i8"), ("instrument", "<i8"), ("side", "<i8"), ("type", "<i8")]
)

#: Scalars of the gate.
GATE_TOP = np.dtype(
    [
        ("version", "<i8"),  # of the limits
        ("verdicts", "<i8"),  # given so far: the next one's sequence
        ("killed_desk", "<i8"),  # 1 = killed
        ("killed_orders", "<i8"),  # entries used in Gate.killed_orders
    ]
)

#: One agent's counters, and the desk's in the last row.
GATE_ROW = np.dtype(
    [
        ("open_orders", "<i8"),
        ("open_value", "<i8"),  # money units, at the orders' prices
        ("messages", "<i8"),  # sent today: new, replace, cancel
        ("fills", "<i8"),  # today
        ("rejects", "<i8"),  # by the venue, in a row
        ("recent", "<i8"),  # orders remembered in Gate.recent so far
        ("halted", "<i8"),  # 1 = until a person enables it
        ("killed", "<i8"),  # 1 = killed
    ]
)

#: One ring of times.
RING = np.dtype(
    [
        ("offset", "<i8"),  # of its first place in Gate.stamps
        ("size", "<i8"),
        ("head", "<i8"),  # place of the oldest time kept
        ("count", "<i8"),  # times kept
        ("window", "<i8"),  # ns
    ]
)


@state
class Gate(NamedTuple):
    """Everything the gate's kernels know."""

    thresholds: NDArray[np.float64]  #: see `core.risk.limits.thresholds`
    missing: NDArray[np.int64]  #: controls without a limit, shape (agents, instruments)
    tick_value: NDArray[np.int64]  #: money units of one tick of one lot, shape (instruments,)
    restricted: NDArray[np.int64]  #: 1 = nobody may trade it, shape (instruments,)
    working: NDArray[np.int64]  #: lots in open orders, shape (rows, instruments, 2)
    own_touch: NDArray[np.int64]  #: best prices of the desk's own open orders, shape (instruments, 2)
    killed_instruments: NDArray[np.int64]  #: 1 = killed, shape (instruments,)
    killed_orders: NDArray[np.int64]  #: ids
    rows: NDArray[np.void]  #: GATE_ROW, agents, then the desk
    top: NDArray[np.void]  #: GATE_TOP, shape (1,)
    rings: NDArray[np.void]  #: RING
    stamps: NDArray[np.int64]  #: ns
    recent: NDArray[np.void]  #: RECENT, shape (agents, DUPLICATES_KEPT)


def new_gate(limits: LimitSet, money: MoneyScale) -> Gate:
    """A gate for the agents and instruments of a limit set, with nothing open, counted, halted or killed."""
    agents, instruments = len(limits.agents), len(limits.instruments)
    table = thresholds(limits, money)
    rings = _rings(table, agents, instruments)
    return Gate(
        thresholds=table,
        missing=_missing(table),
        tick_value=money.tick_value.copy(),
        restricted=np.array([name in limits.restricted for name in limits.instruments], np.int64),
        working=np.zeros((agents + 1, instruments, 2), np.int64),
        own_touch=np.tile(np.array([EMPTY_BID, EMPTY_ASK], np.int64), (instruments, 1)),
        killed_instruments=np.zeros(instruments, np.int64),
        killed_orders=np.zeros(MOST_KILLED_ORDERS, np.int64),
        rows=np.zeros(agents + 1, GATE_ROW),
        top=np.array([(limits.version, 0, 0, 0)], GATE_TOP),
        rings=rings,
        stamps=np.zeros(int(rings["size"].sum()), np.int64),
        recent=np.zeros((agents, DUPLICATES_KEPT), RECENT),
    )


def apply_limits(gate: Gate, limits: LimitSet, money: MoneyScale) -> None:
    """Let another version of the limits count from now on.

    Raises ConfigError, and changes nothing, where a rate limit is larger than what the gate was made to count.
    """
    table = thresholds(limits, money)
    sizes = _rings(table, *gate.missing.shape)["size"]
    if (sizes > gate.rings["size"]).any():
        raise ConfigError(
            f"limits: a rate limit above {int(gate.rings['size'].min()):,} can only be set before a session starts"
        )
    gate.thresholds[:] = table
    gate.missing[:] = _missing(table)
    gate.restricted[:] = [name in limits.restricted for name in limits.instruments]
    gate.top[0]["version"] = limits.version


def copy_gate(gate: Gate) -> Gate:
    """A gate of its own with the same contents."""
    return Gate._make(array.copy() for array in gate)


def _missing(table: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.count_nonzero(np.isnan(table[:, :, 0]), axis=2), np.int64)


def _rings(table: NDArray[np.float64], agents: int, instruments: int) -> NDArray[np.void]:
    rows = agents + 1
    rings = np.zeros(RING_KINDS * rows + agents * instruments * 2, RING)
    rings["window"] = RATE_WINDOW
    rings["window"][RING_KINDS * rows :] = REPEAT_WINDOW
    asked, sent, cancels, fills = (
        _longest(table, control)
        for control in (Control.MESSAGE_HALT, Control.MESSAGE_RATE, Control.CANCEL_RATE, Control.REPEATED_EXECUTION)
    )
    for kind, size in ((ASKED, asked), (SENT, sent), (CANCELS, cancels)):
        rings["size"][kind * rows : (kind + 1) * rows] = size
    rings["size"][SENT * rows + agents] = _longest(table, Control.DESK_MESSAGE_RATE)
    rings["size"][RING_KINDS * rows :] = fills
    rings["offset"] = np.cumsum(rings["size"]) - rings["size"]
    return rings


def _longest(table: NDArray[np.float64], control: Control) -> int:
    values = table[:, :, 0, control]
    finite = values[np.isfinite(values)]
    return max(LEAST_RING, int(np.ceil(finite.max(initial=0.0))))
