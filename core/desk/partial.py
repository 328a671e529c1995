"""Kills of one instrument or of one order, and taking them back: acts of a person like those of a desk or an agent."""

import numpy as np

from core.clock import monotonic_ns
from core.desk.acts import DESK, PART, Done, end_order, keep_kill, note
from core.desk.desk import Desk
from core.enums import OperatorAct, OrderStatus, Reason
from core.errors import ConfigError
from core.line.coast import due
from core.line.run import flush
from core.naming import nearest
from core.risk.state import MOST_KILLED_ORDERS
from core.venue.orders import cancel_all


def kill_part(desk: Desk, scope: str, reason: str, person: str) -> Done:
    """Nothing new in "instrument.NAME", or no replace of "order.ID"; what is open there is cancelled at once.

    Raises `ConfigError` for a scope that is not of this session.
    """
    began = monotonic_ns()
    _latch(desk, scope, True)
    count, left = _cancel(desk, scope)
    took = (monotonic_ns() - began) / 1e6
    note(desk, OperatorAct.KILL, PART, count)
    parts = (
        ("gate latched", True, "at once"),
        ("orders cancelled", left == 0, f"{count} cancelled, {left} open"),
        ("kill file", *keep_kill(desk, scope, reason, person)),
    )
    return Done(OperatorAct.KILL, DESK, count, left, took, parts)


def rearm_part(desk: Desk, scope: str, reason: str, person: str) -> Done:
    """Take such a kill back. Raises `ConfigError`."""
    if not reason.strip():
        raise ConfigError("re-arming needs a reason")
    if desk.switch is not None:
        desk.switch.rearm(scope, reason, person or "operator", desk.clock)
    _latch(desk, scope, False)
    note(desk, OperatorAct.REARM, PART, 0)
    return Done(OperatorAct.REARM, DESK, 0, 0, 0.0)


def _latch(desk: Desk, scope: str, on: bool) -> None:
    kind, _, name = scope.partition(".")
    gate, top = desk.gate, desk.gate.top[0]
    if kind == "instrument":
        gate.killed_instruments[_place(desk, name)] = on
        return
    if kind != "order" or not name.isdigit():
        raise ConfigError(f"kill {scope}: no such scope")
    known = gate.killed_orders[: int(top["killed_orders"])]
    kept = [*(known[known != int(name)].tolist()), *([int(name)] if on else [])]
    if len(kept) > MOST_KILLED_ORDERS:  # too much rather than too little
        top["killed_desk"] = 1
        kept = kept[-MOST_KILLED_ORDERS:]
    gate.killed_orders[: len(kept)] = kept
    top["killed_orders"] = len(kept)


def _place(desk: Desk, name: str) -> int:
    names = [tape.name for tape in desk.plan.tapes]
    if name not in names:
        raise ConfigError(f"kill instrument.{name}: no such scope{nearest(name, names)}")
    return names.index(name)


def _cancel(desk: Desk, scope: str) -> tuple[int, int]:
    """End what is open in a scope. How many, and how many are open still."""
    kind, _, name = scope.partition(".")
    if kind == "order":
        ended = end_order(desk, int(name), Reason.KILL) != DESK
        return int(ended), _alive(desk, int(name))
    line = desk.lines[_place(desk, name)]
    count = int(cancel_all(line.venue, int(line.venue.top[0]["clock"]), DESK, int(Reason.KILL)))
    flush(line)
    due(line)
    return count, int(line.venue.top[0]["working"])


def _alive(desk: Desk, order_id: int) -> int:
    """Whether an order is open, or on its way."""
    alive = (OrderStatus.SENT, OrderStatus.WORKING, OrderStatus.WAITING)
    pools = [line.venue.orders for line in desk.lines]
    return sum(int((np.isin(pool["status"], alive) & (pool["order_id"] == order_id)).sum()) for pool in pools)
