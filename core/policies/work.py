"""The compiled policies behind one kernel: what the line calls when an agent is due."""

import numpy as np
from numpy.typing import NDArray

from core.enums import Status
from core.jit import kernel
from core.policies.codes import LAST_WHY, Code, Why
from core.policies.quote import quote
from core.policies.schedule import follow, withdraw


@kernel
def decide(
    code: int,
    view: np.void,
    orders: NDArray[np.void],
    n_open: int,
    params: NDArray[np.float64],
    curve: NDArray[np.float64],
    memory: NDArray[np.int64],
    out: NDArray[np.void],
) -> int:
    """What policy `code` wants done now: writes INTENT records into `out` and returns how many.

    Args:
        code: `core.policies.codes.Code`.
        view: one VIEW record.
        orders: OPEN records of the agent's open orders, those in flight included; the first `n_open` count.
        n_open: how many.
        params: the settings, shape (16,); places in `core.policies.codes`.
        curve: completion at equal steps from start to end of the parent order, from 0 to 1; shape (n + 1,).
            Empty: the straight line.
        memory: shape (16,), int64, kept by the agent between calls and zero at the start of a parent order.
            `memory[LAST_WHY]` says why, also when nothing was done.
        out: INTENT records; more than fit are never written, they are asked for again at the next call.

    Returns:
        The number of intents, 0 to `len(out)`. Together they and what is filled and working never exceed the
        quantity of the parent order.
    """
    if code <= Code.MANUAL or code >= Code.OUTSIDE:
        memory[LAST_WHY] = Why.MANUAL if code == Code.MANUAL else Why.NOTHING
        return 0
    if view["parent"] < 0 and code != Code.QUOTE:
        memory[LAST_WHY] = Why.NOTHING
        return 0
    if view["parent"] >= 0 and view["now"] >= view["end"]:  # also in a halt: venues take cancels then
        return withdraw(-1 if code == Code.QUOTE else view["parent"], orders, n_open, memory, out, Why.WINDOW_END + 0)
    if view["parent"] >= 0 and view["now"] < view["start"]:
        memory[LAST_WHY] = Why.NOT_STARTED
        return 0
    if view["status"] != Status.TRADING and view["status"] != Status.NONE:
        memory[LAST_WHY] = Why.NOT_TRADING
        return 0
    if code == Code.QUOTE:
        return quote(view, orders, n_open, params, memory, out)
    if view["side"] == 0 or view["qty"] <= 0:
        memory[LAST_WHY] = Why.NOTHING
        return 0
    return follow(code, view, orders, n_open, params, curve, memory, out)
