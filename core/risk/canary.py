"""The self-test at session start: orders that must be denied, each by the control named, and one that must pass.

Each is tried on copies of the gate and the accounts, in every agent and instrument of the session, with the session's
own limits. A limit that even an absurd order does not reach is lowered, on the copy, to what was observed: then the
control must deny. The order that must pass is tried on a copy without limits.
"""

from dataclasses import dataclass

import numpy as np

from core.account.account import Account, mark
from core.enums import Op, OrderType, Side, Status, TimeInForce
from core.errors import TapedeckError
from core.records import DRAFT, MARKET, VERDICT
from core.risk.controls import SPECS, Control, controls_in
from core.risk.gate import check
from core.risk.provoke import ASK, BID, NOW, PROVOCATIONS, Scene
from core.risk.state import Gate, copy_gate


class CanaryPassed(TapedeckError):
    """The gate let an order go that it must deny, or denied one it must let go: the session may not start."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Canary:
    """What became of one self-test."""

    control: Control | None  #: that had to deny; None = the order that had to pass
    agent: int
    instrument: int
    limit: float  #: the session's, in verdict units
    observed: float  #: by that control
    lowered: bool  #: the limit is out of reach and was lowered for the test
    right: bool  #: the gate did what it must


def scene(gate: Gate, account: Account, agent: int, instrument: int) -> Scene:
    """A small limit order of an agent, resting, in a calm market, on copies of the gate and the accounts."""
    draft, market = np.zeros(1, DRAFT)[0], np.zeros(1, MARKET)[0]
    draft["now"], draft["op"], draft["agent"], draft["instrument"] = NOW, Op.NEW, agent, instrument
    draft["side"], draft["type"], draft["tif"] = Side.BID, OrderType.LIMIT, TimeInForce.DAY
    draft["price"], draft["qty"], draft["permission"], draft["decision"] = BID, 1, 1, -1
    market["ts_market"], market["best_bid"], market["best_ask"] = NOW, BID, ASK
    market["bid_qty"] = market["ask_qty"] = market["depth"] = 1_000
    market["last_price"], market["window2"], market["volume"] = BID, BID + ASK, 1_000_000
    market["status"], market["session_open"] = Status.TRADING, 1
    books = Account._make(array.copy() for array in account)
    for place in range(len(books.mark2)):
        mark(books, place, BID + ASK)
    return Scene(copy_gate(gate), books, draft, market)


def run_canaries(gate: Gate, account: Account) -> list[Canary]:
    """Try them all; neither argument is changed. Raises CanaryPassed that names what the gate did wrong."""
    agents, instruments = gate.missing.shape
    results = [
        try_canary(gate, account, control, agent, instrument)
        for agent in range(agents)
        for instrument in range(instruments)
        for control in (None, *PROVOCATIONS)
    ]
    wrong = [canary for canary in results if not canary.right]
    if wrong:
        first = wrong[0]
        what = "a harmless order was denied" if first.control is None else f"{first.control.name.lower()} did not deny"
        raise CanaryPassed(
            f"gate self-test: {what} (agent {first.agent}, instrument {first.instrument}, observed {first.observed:g}, "
            f"limit {first.limit:g}); {len(wrong)} of {len(results)} tests failed"
        )
    return results


def try_canary(gate: Gate, account: Account, control: Control | None, agent: int, instrument: int) -> Canary:
    """One self-test."""
    tried = scene(gate, account, agent, instrument)
    if control is None:
        return _harmless(tried)
    limit = float(gate.thresholds[agent, instrument, 0, control])
    PROVOCATIONS[control](tried)
    breaches, seen = _ask(tried, control)
    lowered = control not in controls_in(breaches) and bool(SPECS[control].scopes) and 0 < seen < limit
    if lowered:
        tried = scene(gate, account, agent, instrument)
        PROVOCATIONS[control](tried)
        tried.gate.thresholds[agent, instrument, :, control] = seen
        breaches, seen = _ask(tried, control)
    return Canary(control, agent, instrument, limit, seen, lowered, control in controls_in(breaches))


def _harmless(tried: Scene) -> Canary:
    gate = tried.gate
    for spec in SPECS:
        if spec.scopes:
            gate.thresholds[:, :, :, spec.control] = np.inf
    for array in (gate.missing, gate.restricted, gate.working, gate.killed_instruments):
        array[:] = 0
    gate.rows[:] = np.zeros(1, gate.rows.dtype)
    gate.top["killed_desk"] = gate.top["killed_orders"] = 0
    breaches, _ = _ask(tried, Control.ORDER_QTY)
    return Canary(None, tried.agent, tried.instrument, np.inf, float(breaches), False, breaches == 0)


def _ask(tried: Scene, control: Control) -> tuple[int, float]:
    verdict = np.zeros(1, VERDICT)
    breaches = check(tried.gate, tried.account, tried.draft, tried.market, verdict[0])
    return int(breaches), float(verdict["observed"][0, control])
