"""What one decision of a compiled policy costs, asked from inside a compiled loop as the line asks. Nanoseconds.

The quote has both its orders where they belong, the others have none out. `still`: the touch stays, so the quote has
nothing to do. `moves`: the touch moves at every call.
"""

import json

import measure  # noqa: F401 - makes the repository importable
import numpy as np
from numpy.typing import NDArray

from core.clock import cpu_ns
from core.jit import kernel
from core.policies.codes import MEMORY, MOST
from core.policies.port import Compiled, ParentContext
from core.policies.registry import make_policy, policy_names
from core.policies.work import decide
from core.records import INTENT, NO_PRICE, OPEN, VIEW

CALLS, ROUNDS = 1_000_000, 7


@kernel
def ask(
    calls: int,
    move: int,
    code: int,
    view: NDArray[np.void],
    orders: NDArray[np.void],
    n_open: int,
    params: NDArray[np.float64],
    curve: NDArray[np.float64],
    memory: NDArray[np.int64],
    out: NDArray[np.void],
) -> int:
    """Ask `calls` times, 1 us of market time apart; `move` ticks up and down between calls."""
    intents = 0
    for i in range(calls):
        view[0]["now"] += 1_000
        step = move if i & 1 else -move
        view[0]["best_bid"] += step
        view[0]["best_ask"] += step
        intents += decide(code, view[0], orders, n_open, params, curve, memory, out)
    return intents


def cost(policy: Compiled, move: int) -> float:
    """Nanoseconds of processor time of one decision, the median of some rounds."""
    view, orders, out = np.zeros(1, VIEW), np.zeros(8, OPEN), np.zeros(MOST, INTENT)
    for name, value in {
        "best_bid": 1000, "best_ask": 1002, "side": 1, "qty": 1_000_000, "filled": 500_000, "working": 20,
        "now": 300 * 10**9, "end": 600 * 10**9, "limit": NO_PRICE, "volume": 4_900_000, "status": 2,
    }.items():  # fmt: skip
        view[0][name] = value
    for i, side in enumerate((1, -1)):
        orders[i]["order_id"], orders[i]["leaves"], orders[i]["side"] = i + 1, 10, side
        orders[i]["price"], orders[i]["type"], orders[i]["tif"] = 1000 if side > 0 else 1002, 1, 1
    n_open = 2 if policy.params[10] > 0 else 0  # the quote has both its orders out
    memory, took = np.zeros(MEMORY, np.int64), []
    for _ in range(ROUNDS + 1):
        view[0]["now"] = 300 * 10**9
        begun = cpu_ns()
        ask(CALLS, move, policy.code, view, orders, n_open, policy.params, policy.curve, memory, out)
        took.append((cpu_ns() - begun) / CALLS)
    return sorted(took[1:])[ROUNDS // 2]


def main() -> None:
    """Print one JSON record."""
    known = ParentContext(1, 1_000_000, 0, 600 * 10**9, volumes=np.arange(1.0, 9.0))
    found = {}
    for name in policy_names():
        policy = make_policy(name, {}, known)
        if isinstance(policy, Compiled):
            found[name] = {"still": round(cost(policy, 0), 1), "moves": round(cost(policy, 1), 1)}
    print(json.dumps({"bench": "policy_speed", "ns": found}))


if __name__ == "__main__":
    main()
