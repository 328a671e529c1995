"""Small sessions: a tape in memory made a tape on disk, policies written as scripts, accounts added up anew."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import core.desk.build as build
from core.desk.desk import Desk
from core.enums import Action, Op, OrderFlag, OrderType, Rung, Side, TimeInForce
from core.feeds.source import Options
from core.plan import AgentPlan, FeePlan, LatencyModel, LatencyPlan, LimitPlan, SessionPlan, TapePlan
from core.policies.intent import Intent
from core.policies.registry import make_policy
from core.policies.shown import View
from core.records import ABSENT, ROW
from core.risk.limits import default_limits
from core.tape.importer import import_tape
from core.tape.tape import Tape as StoredTape
from tests.oracle.tape import RowSource
from tests.oracle.venue_cases import START, Tape

SECOND = 1_000_000_000
#: A decision: what to do, seeing the market.
Step = Callable[[View], Iterable[Intent | None] | Intent | None]


def unlimited() -> LimitPlan:
    """Every limit is there and none binds."""
    return LimitPlan(scopes={"desk": dict.fromkeys(default_limits().scopes["desk"], math.inf)})


def rows_of(tape: Tape, stretch: int = 1) -> NDArray[np.void]:
    """ROW records of a tape's messages, its times drawn out by a factor."""
    m, rows = tape.messages, np.zeros(len(tape.messages), ROW)
    for name in ("action", "side", "flags", "price", "qty", "order_id"):
        rows[name] = m[name]
    rows["new_order_id"] = m["order_id"]
    replaced = np.array(tape.old, np.uint64)
    rows["order_id"] = np.where(replaced > 0, replaced, m["order_id"])
    rows["ts_event"], rows["ts_recv"] = START + (m["ts_event"] - START) * stretch, ABSENT
    rows["source_row"] = np.arange(len(rows))
    return rows


def by_hand(*lines: tuple[float, Action, int, int, int, int]) -> NDArray[np.void]:
    """ROW records from (seconds, action, side, order, quantity, price)."""
    rows = np.zeros(len(lines), ROW)
    for row, (seconds, action, side, order, qty, price) in zip(rows, lines, strict=True):
        row["ts_event"], row["ts_recv"] = START + int(seconds * SECOND), ABSENT
        row["action"], row["side"], row["qty"], row["price"] = int(action), side, qty, price
        row["order_id"] = row["new_order_id"] = order
        row["flags"] = 3
    rows["source_row"] = np.arange(len(lines))
    return rows


def stored(rows: NDArray[np.void], folder: Path) -> StoredTape:
    """Those rows as a tape on disk."""
    import_tape(RowSource([rows]), folder, Options())
    return StoredTape(folder)


class Script:
    """A policy that follows a list: at its n-th turn it does the n-th thing, then nothing."""

    def __init__(self, steps: Sequence[Step | None]) -> None:
        self._steps = list(steps)

    def decide(self, view: View) -> Iterable[Intent | None] | Intent | None:
        """The next step."""
        step = self._steps.pop(0) if self._steps else None
        return step(view) if step is not None else None


class Always:
    """A policy that does the same at each turn."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def decide(self, view: View) -> Iterable[Intent | None] | Intent | None:
        """The step."""
        return self._step(view)


def order(
    side: int,
    qty: int,
    price: int,
    kind: OrderType = OrderType.LIMIT,
    tif: TimeInForce = TimeInForce.DAY,
    *,
    flags: OrderFlag = OrderFlag(0),  # noqa: B008 - an enum member
    stop: int = 0,
    display: int = 0,
) -> Step:
    """A step that sends one order."""
    made = Intent(Op.NEW, side, qty, price, kind, tif, flags, stop, display)
    return lambda view: made


def session(
    tapes: Sequence[StoredTape],
    agents: Mapping[str, Any] | Sequence[AgentPlan],
    rung: Rung = Rung.LATENCY,
    *,
    every: int = SECOND,
    fees: FeePlan | None = None,
    delays: tuple[int, int, int] = (0, 0, 0),
    **more: Any,
) -> Desk:
    """A desk; `agents` by name: objects with `decide` (on the first tape), or plans of agents.

    `decides`: by name of a plan's policy the object that decides.
    """
    scripts: Mapping[str, Any] = agents if isinstance(agents, Mapping) else more.pop("decides", {})
    names = [f"t{k}" for k in range(len(tapes))]
    plans = (
        tuple(AgentPlan(name, names[0], name, every=every) for name in agents)
        if isinstance(agents, Mapping)
        else tuple(agents)
    )
    charged = fees if fees is not None else FeePlan()
    latency = more.pop("latency", LatencyPlan(*(LatencyModel("constant", ns) for ns in delays)))
    plan = SessionPlan(
        "small",
        tuple(TapePlan(name, tape.folder, fees=charged) for name, tape in zip(names, tapes, strict=True)),
        plans,
        more.pop("limits", unlimited()),
        rung=rung,
        latency=latency,
        budget_ms=more.pop("budget_ms", 10_000.0),  # a busy machine cuts nobody off
        **more,
    )

    def made(name: str, params: Mapping[str, float], context: Any = None) -> Any:
        return scripts[name] if name in scripts else make_policy(name, params, context)

    kept = build.make_policy
    vars(build)["make_policy"] = made
    try:
        return Desk(plan, tapes)
    finally:
        vars(build)["make_policy"] = kept


def played(desk: Desk, most: int | None = None) -> Desk:
    """Play to the end, in pieces of about `most` messages, and check the books."""
    while not desk.advance(most=most) and not desk.over:
        pass
    check_accounts(desk)
    return desk


def check_accounts(desk: Desk) -> None:
    """Cash, fees and positions are what the fills add up to; cash and positions are worth what was earned.

    Raises `AssertionError`.
    """
    account, fills = desk.account, desk.recorder.records("fills")
    desk_row, tick = len(account.cash) - 1, account.tick_value
    for row in range(len(account.cash)):
        mine = fills if row == desk_row else fills[fills["agent"] == row]
        cash = fees = 0
        for fill in mine:
            k = int(fill["instrument"])
            cash -= int(fill["side"]) * int(fill["qty"]) * int(fill["price"]) * int(tick[k]) + int(fill["fee"])
            fees += int(fill["fee"])
        assert int(account.cash[row]) == cash
        assert int(account.fees[row]) == fees
        for k in range(len(tick)):
            own = mine[mine["instrument"] == k]
            assert int(account.position[row, k]) == int((own["side"].astype(np.int64) * own["qty"]).sum())
        # cash + cost of what is open = realised - fees, so with any mark: cash + worth = realised + unrealised - fees
        assert int(account.cash[row]) + int(account.cost[row].sum()) == int(account.realised[row]) - fees
    orders = desk.recorder.records("orders")
    for done in orders:
        lots = int(fills["qty"][fills["order_id"] == done["order_id"]].sum())
        assert lots == int(done["filled"]), "an order's fills add up to what it says is filled"
        assert int(done["filled"]) + int(done["leaves"]) == int(done["qty"])


def events_of(desk: Desk, kind: int) -> list[tuple[int, int, int]]:
    """Events of a kind: order, reason, quantity."""
    events = desk.recorder.records("events")
    return [(int(e["order_id"]), int(e["reason"]), int(e["qty"])) for e in events[events["kind"] == kind]]


def fills_of(desk: Desk) -> list[tuple[int, int, int, int]]:
    """Fills: order, price, quantity, maker."""
    fills = desk.recorder.records("fills")
    return [(int(f["order_id"]), int(f["price"]), int(f["qty"]), int(f["maker"])) for f in fills]


BUY, SELL = int(Side.BID), int(Side.ASK)
