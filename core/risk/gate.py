"""The gate: every control looks at every order, and none of them can be talked out of it.

`check` evaluates all controls on one draft, writes a VERDICT and returns its breaches: 0 lets the order go. It never
stops at the first. What happens afterwards is told by the hooks in `core.risk.hooks`.
"""

import numpy as np
from numpy.typing import NDArray

from core.account.account import Account
from core.jit import inlined, kernel
from core.records import MAX_QTY
from core.risk.controls import COUNT, Control
from core.risk.exposure_checks import observe_agent, observe_desk, observe_open, observe_rates
from core.risk.order_checks import (
    observe_form,
    observe_market,
    observe_model,
    observe_own,
    observe_price,
)
from core.risk.state import Gate, apply_limits, copy_gate, new_gate

__all__ = ["EVERY", "Gate", "apply_limits", "check", "copy_gate", "new_gate"]

#: Breaches of an order of an unknown agent or instrument: all of them.
EVERY = (1 << COUNT) - 1
#: Controls compared in one go, by the processor's vector instructions; most lie far below their limits.
_ABREAST = 8


@inlined
def _within(value: int, most: int) -> bool:
    return bool(-most <= value <= most)


@inlined
def _readable(gate: Gate, draft: np.void) -> bool:
    """Whether it has a side, agent and instrument are of the session, and no sum of its numbers can overflow."""
    return (
        0 <= draft["agent"] < gate.missing.shape[0]
        and 0 <= draft["instrument"] < gate.missing.shape[1]
        and 0 <= draft["now"] < 2**62
        and (draft["side"] == 1 or draft["side"] == -1)
        and _within(draft["qty"], 2 * MAX_QTY)
        and _within(draft["display"], 2 * MAX_QTY)
        and _within(draft["old_leaves"], 2 * MAX_QTY)
        and _within(draft["price"], 2**32)
        and _within(draft["old_price"], 2**32)
        and _within(draft["stop"], 2**32)
    )


@inlined
def _observe_latches(gate: Gate, draft: np.void, limit: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Kill switches and halts; passing the halt tier of the message rate halts here and now."""
    row = gate.rows[draft["agent"]]
    if out[Control.MESSAGE_HALT] >= limit[Control.MESSAGE_HALT]:
        row["halted"] = 1
    out[Control.AGENT_HALTED] = 1.0 if row["halted"] != 0 else 0.0
    killed = gate.top[0]["killed_desk"] != 0 or row["killed"] != 0
    killed = killed or gate.killed_instruments[draft["instrument"]] != 0
    for k in range(gate.top[0]["killed_orders"]):
        killed = killed or gate.killed_orders[k] == draft["order_id"]
    out[Control.KILLED] = 1.0 if killed else 0.0


@inlined
def _judge(table: NDArray[np.float64], out: NDArray[np.float64], verdict: np.void) -> int:
    """Compare what was observed with the limits (4, controls); the masks of the verdict."""
    breaches, half, three_quarters, nine_tenths = 0, 0, 0, 0
    for first in range(0, COUNT, _ABREAST):
        quiet = True
        for k in range(first, first + _ABREAST):
            quiet &= out[k] < table[1, k]
        if quiet:
            continue
        for k in range(first, first + _ABREAST):
            seen = out[k]
            if not (seen < table[1, k]):
                bit = 1 << k
                if not (seen < table[0, k]):
                    breaches |= bit
                if seen >= table[1, k]:
                    half |= bit
                if seen >= table[2, k]:
                    three_quarters |= bit
                if seen >= table[3, k]:
                    nine_tenths |= bit
    verdict["passed50"], verdict["passed75"], verdict["passed90"] = half, three_quarters, nine_tenths
    return breaches


@kernel
def check(gate: Gate, account: Account, draft: np.void, market: np.void, verdict: np.void) -> int:
    """Judge a DRAFT by all controls. Returns the breaches (bit k = Control k), 0 = it may go.

    `market` is a MARKET of the draft's instrument. `verdict` (VERDICT) is filled whole. Counts the question for the
    halt tier; nothing else is counted until `core.risk.hooks.sent`. A draft without a side, of an agent or instrument
    that is not of the session, or with a number so far out that sums could overflow, observes NaN everywhere and so
    breaches everything.
    """
    top = gate.top[0]
    verdict["seq"], verdict["ts"], verdict["version"] = top["verdicts"], draft["now"], top["version"]
    verdict["decision"], verdict["order_id"] = draft["decision"], draft["order_id"]
    verdict["agent"], verdict["instrument"] = draft["agent"], draft["instrument"]
    verdict["op"], verdict["side"] = draft["op"], draft["side"]
    top["verdicts"] += 1
    out = verdict["observed"]
    if not _readable(gate, draft):
        for k in range(COUNT):
            out[k] = np.nan
        verdict["passed50"], verdict["passed75"], verdict["passed90"] = 0, 0, 0
        verdict["breaches"] = EVERY
        return EVERY
    agent, instrument = draft["agent"], draft["instrument"]
    out[Control.LIMITS_PRESENT] = float(gate.missing[agent, instrument])
    out[Control.INSTRUMENT_KNOWN] = 0.0
    observe_form(gate, draft, out)
    observe_price(draft, market, account.tick_value[instrument], out)
    observe_own(gate, draft, market, out)
    observe_market(draft, market, out)
    observe_model(draft, out)
    observe_agent(gate, account, draft, out)
    observe_desk(gate, account, draft, out)
    observe_open(gate, account, draft, out)
    observe_rates(gate, draft, out)
    table = gate.thresholds[agent, instrument]
    _observe_latches(gate, draft, table[0], out)
    breaches = _judge(table, out, verdict)
    verdict["breaches"] = breaches
    return breaches
