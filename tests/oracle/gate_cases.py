"""One sharp case after the other for each control: a calm order, one thing changed, what is observed, worked by hand.

The desk: agents 0 and 1, instruments 0 and 1 with tick values 10 and 6, both marked at 101 (a lot is worth 1,010 and
606). The order: agent 0 buys 10 of instrument 0 at 100 in a market of 100 to 102. No control has a limit but the
one that is tried.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from core.account import account as books
from core.account.money import MoneyScale
from core.enums import Op, OrderType
from core.plan import LimitPlan
from core.records import DRAFT, MARKET, VERDICT
from core.risk import gate as gates
from core.risk import hooks
from core.risk.controls import SPECS, Control, controls_in
from core.risk.limits import limit_set

NOW = 1_700_000_000_000_000_000
S = 1_000_000_000
NO_BID, NO_ASK = -(2**40), 2**40
LIMIT, MARKET_ORDER, STOP, STOP_LIMIT, PEG_TOUCH, PEG_MID = (int(t) for t in OrderType)
REPLACE = int(Op.REPLACE)
ORDER = {
    "now": NOW, "order_id": 50, "decision": 4, "op": 1, "agent": 0, "instrument": 0, "side": 1, "type": LIMIT,
    "tif": 1, "flags": 0, "price": 100, "stop": 0, "qty": 10, "display": 0, "old_leaves": 0, "old_price": 0,
    "permission": 1, "model": 0, "model_age": 0, "model_bad": 0, "model_latency": 0, "unanswered": 0,
}  # fmt: skip
CALM = {
    "ts_market": NOW - S // 4, "best_bid": 100, "best_ask": 102, "bid_qty": 30, "ask_qty": 30, "last_price": 101,
    "status": 2, "session_open": 1, "crossed": 0, "gap": 0, "window2": 202, "jump2": 0, "depth": 40, "volume": 1_000,
    "clock_skew": 0,
}  # fmt: skip


@cache
def _empty_desk() -> tuple[MoneyScale, gates.Gate]:
    scale = MoneyScale(0, np.array([10, 6]), np.zeros((2, 4), np.int64))
    desk = {spec.name: math.inf for spec in SPECS if spec.scopes}
    return scale, gates.new_gate(limit_set(LimitPlan(7, {"desk": desk}), ["a", "b"], ["X", "Y"]), scale)


class Desk:
    """The desk of the cases, without limits."""

    def __init__(self) -> None:
        scale, gate = _empty_desk()
        self.gate = gates.copy_gate(gate)
        self.account = books.new_account(2, 2, scale.tick_value)
        self.order, self.market = dict(ORDER), dict(CALM)
        self.verdict = np.zeros(1, VERDICT)
        self.mark(0, 202)
        self.mark(1, 202)

    def mark(self, instrument: int, mid2: int) -> None:
        books.mark(self.account, instrument, mid2)

    def limit(self, control: Control, value: float, agent: int = 0, instrument: int = 0) -> None:
        self.gate.thresholds[agent, instrument, :, control] = np.array([1.0, 0.5, 0.75, 0.9]) * value

    def ask(self) -> set[Control]:
        """What the gate says to the order now."""
        draft, market = np.zeros(1, DRAFT)[0], np.zeros(1, MARKET)[0]
        for name, value in self.order.items():
            draft[name] = value
        for name, value in self.market.items():
            market[name] = value
        breaches = gates.check(self.gate, self.account, draft, market, self.verdict[0])
        assert int(self.verdict["breaches"][0]) == int(breaches)
        return set(controls_in(breaches))

    def seen(self, control: Control) -> float:
        return float(self.verdict["observed"][0, control])

    def sent(self, times: int = 1, **changes: int) -> None:
        """Orders of agent 1 (unless said) buying 3 of instrument 0 at 90, counted as sent."""
        draft = np.zeros(1, DRAFT)[0]
        for name, value in {**ORDER, "agent": 1, "qty": 3, "price": 90, **changes}.items():
            draft[name] = value
        for _ in range(times):
            hooks.sent(self.gate, draft)

    def fill(self, agent: int, side: int, qty: int, price: int = 101, instrument: int = 0, fee: int = 0) -> None:
        assert books.settle(self.account, agent, instrument, side, price, qty, fee)


@dataclass(frozen=True)
class Case:
    """`control` observes `value` after `change`; flags and NaN must breach it, and only it and `also`."""

    control: Control
    value: float
    words: str
    order: dict[str, int] = field(default_factory=dict)
    market: dict[str, int] = field(default_factory=dict)
    change: Callable[[Desk], object] | None = None
    also: tuple[Control, ...] = ()

    @property
    def place(self) -> tuple[int, int]:
        """Agent and instrument of the order."""
        return self.order.get("agent", 0), self.order.get("instrument", 0)

    def desk(self) -> Desk:
        desk = Desk()
        desk.order |= self.order
        desk.market |= self.market
        if self.change:
            self.change(desk)
        return desk

    def run(self) -> None:
        """Below, at and above the limit; NaN; no limit."""
        control, also = self.control, set(self.also)
        bad = math.isnan(self.value) or math.isinf(self.value)
        if not SPECS[control].scopes:
            denied = self.desk().ask()
            assert denied == ({control} if self.value else set()) | also, f"{self.words}: {denied}"
            return
        desk = self.desk()
        assert desk.ask() == ({control} if bad else set()) | also, f"{self.words}: {desk.ask()}"
        seen = desk.seen(control)
        assert seen == self.value or (math.isnan(seen) and math.isnan(self.value)), f"{self.words}: {seen}"
        for limit, denies in (
            (math.nextafter(self.value, math.inf), bad),
            (self.value, True),
            (math.nextafter(self.value, -math.inf), True),
            (math.nan, True),
        ):
            desk = self.desk()
            for agent, instrument in {(0, 0), (0, 1), (1, 0), (1, 1)} - {self.place}:
                desk.limit(control, limit, agent, instrument)
            assert control not in desk.ask() or bad, f"{self.words}: another's limit"
            desk = self.desk()
            desk.limit(control, limit, *self.place)
            denied = desk.ask()
            halts = control == Control.MESSAGE_HALT and limit <= self.value
            expected = ({control} if denies else set()) | also | ({Control.AGENT_HALTED} if halts else set())
            assert denied == expected, f"{self.words}, limit {limit}: {denied}"


C = Control


def working(agent: int, side: int, qty: int, price: int = 90, instrument: int = 0) -> Callable[[Desk], object]:
    return lambda desk: desk.sent(agent=agent, side=side, qty=qty, price=price, instrument=instrument, now=NOW - 5 * S)


def then(*steps: Callable[[Desk], object]) -> Callable[[Desk], object]:
    def change(desk: Desk) -> None:
        for step in steps:
            step(desk)

    return change


def held(agent: int, lots: int, instrument: int = 0, price: int = 101, fee: int = 0) -> Callable[[Desk], object]:
    return lambda desk: desk.fill(agent, 1 if lots > 0 else -1, abs(lots), price, instrument, fee)
