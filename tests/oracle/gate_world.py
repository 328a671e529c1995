"""A small seeded desk for the gate and its oracle: both live through the same orders, fills, marks, kills and limits.

Numbers are small and round, so that what is observed often stands exactly at a limit.
"""

import math
from decimal import Decimal
from typing import Any

import numpy as np

from core.account import account as books
from core.account.money import money_scale
from core.enums import Op
from core.plan import FeePlan, LimitPlan
from core.records import DRAFT, MARKET, MAX_QTY, NO_PRICE, VERDICT
from core.risk import gate as gates
from core.risk import hooks
from core.risk.controls import SPECS, Control
from core.risk.limits import limit_set
from tests.oracle.account import OracleAccount
from tests.oracle.gate import OracleGate

AGENTS, INSTRUMENTS = ["anna", "ben"], ["ONE", "TWO"]
TICK = [Decimal(1), Decimal("0.5")]
START = 1_700_000_000_000_000_000
NO_BID, NO_ASK = -(2**40), 2**40
#: Limits that are often reached exactly, in the units of session files.
NEAR: dict[Control, list[float]] = {
    Control.ORDER_QTY: [3, 6, 8],
    Control.ORDER_NOTIONAL: [400, 505, 800],
    Control.PRICE_TOLERANCE: [100, 200, 300],
    Control.PRICE_WINDOW: [100, 200, 400],
    Control.DEPTH_SHARE: [0.5, 1, 2],
    Control.VOLUME_SHARE: [0.01, 0.03, 0.25],
    Control.DUPLICATE: [1, 2, 3],
    Control.DATA_AGE: [0.5, 1, 2],
    Control.DATA_JUMP: [100, 200],
    Control.DATA_SPREAD: [200, 400],
    Control.MODEL_AGE: [0.5, 1],
    Control.MODEL_LATENCY: [0.001, 0.01],
    Control.CLOCK_SKEW: [0.001, 0.01],
    Control.UNANSWERED: [0.001, 0.01],
    Control.POSITION: [6, 10, 20],
    Control.DESK_POSITION: [6, 15, 30],
    Control.GROSS_NOTIONAL: [800, 1500, 3000],
    Control.NET_NOTIONAL: [800, 1000, 2500],
    Control.DESK_GROSS_NOTIONAL: [1500, 4000],
    Control.DESK_NET_NOTIONAL: [1000, 3000],
    Control.INSTRUMENT_NOTIONAL: [800, 2000],
    Control.OPEN_ORDERS: [2, 4, 6],
    Control.DESK_OPEN_ORDERS: [3, 8],
    Control.OPEN_VALUE: [500, 1200, 2000],
    Control.DESK_OPEN_VALUE: [800, 3000],
    Control.BUYING_POWER: [800, 1500],
    Control.CONCENTRATION: [0.5, 0.75, 1],
    Control.DAY_LOSS: [5, 20, 100],
    Control.DESK_DAY_LOSS: [10, 50],
    Control.DRAWDOWN: [5, 20],
    Control.DESK_DRAWDOWN: [10, 50],
    Control.DAY_VOLUME: [10, 30, 60],
    Control.DESK_DAY_VOLUME: [20, 80],
    Control.ORDER_TO_TRADE: [2, 5, 8],
    Control.MESSAGE_RATE: [2, 4, 6],
    Control.MESSAGE_HALT: [5, 8, 12],
    Control.CANCEL_RATE: [1, 2, 3],
    Control.DESK_MESSAGE_RATE: [3, 8],
    Control.REPEATED_EXECUTION: [2, 4],
    Control.CONSECUTIVE_REJECTS: [1, 2],
}


def random_plan(rng: np.random.Generator) -> LimitPlan:
    """Limits at all scopes; now and then one is missing, or set to nothing."""
    scopes: dict[str, dict[str, float]] = {"desk": {}}
    for spec in SPECS:
        if not spec.scopes or rng.random() < 0.002:
            continue
        where = ["desk"] if "desk" in spec.scopes and rng.random() < 0.995 else []
        where += [f"agent.{name}" for name in AGENTS if "agent" in spec.scopes and rng.random() < 0.15]
        where += [f"instrument.{name}" for name in INSTRUMENTS if "instrument" in spec.scopes and rng.random() < 0.15]
        for scope in where or ["desk"]:
            value = rng.choice(NEAR[spec.control]) if rng.random() < 0.3 else math.inf
            value = 0.0 if rng.random() < 0.002 else value
            scopes.setdefault(scope, {})[spec.name] = float(value)
    return LimitPlan(3, scopes, ("TWO",) if rng.random() < 0.05 else ())


def plain_limits(plan: LimitPlan, digits: int) -> dict[tuple[int, int], dict[Control, float]]:
    """The strictest of desk, agent and instrument, in verdict units."""
    table: dict[tuple[int, int], dict[Control, float]] = {}
    for a, agent in enumerate(AGENTS):
        for i, instrument in enumerate(INSTRUMENTS):
            found: dict[Control, float] = {}
            for scope in ("desk", f"agent.{agent}", f"instrument.{instrument}"):
                for name, value in plan.scopes.get(scope, {}).items():
                    control = Control[name.upper()]
                    unit = 10.0**digits if SPECS[control].unit == "money" else 1.0
                    found[control] = min(found.get(control, math.inf), value * unit)
            table[a, i] = found
    return table


class GateWorld:
    """Two agents, two instruments, a gate and its oracle side by side."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        scale = money_scale(TICK, [FeePlan()] * 2)
        self.plan = random_plan(self.rng)
        self.gate = gates.new_gate(limit_set(self.plan, AGENTS, INSTRUMENTS), scale)
        self.account = books.new_account(2, 2, scale.tick_value)
        self.slow_account = OracleAccount([int(v) for v in scale.tick_value])
        self.slow = OracleGate(self.slow_account, 2, 2, plain_limits(self.plan, scale.digits))
        self.slow.restricted = {INSTRUMENTS.index(name) for name in self.plan.restricted}
        self.now = START
        self.open: list[dict[str, int]] = []
        self.verdict = np.zeros(1, VERDICT)
        self.mids = [200, 200]

    def pick(self, usual: list[int], *odd: int) -> int:
        """One of the usual values; now and then an odd one."""
        values = list(odd) if odd and self.rng.random() < 0.01 else usual
        return int(values[self.rng.integers(len(values))])

    def draft(self) -> dict[str, int]:
        """An order as it may be drafted; one in a hundred has an odd value in a field."""
        pick, old = self.pick, None
        if self.open and self.rng.random() < 0.3:
            old = self.open[self.rng.integers(len(self.open))]
        mid = self.mids[0] // 2
        order = {
            "now": self.now,
            "order_id": old["order_id"] if old else pick([7, 8, 9]),
            "decision": pick([-1, 5]),
            "op": pick([int(Op.REPLACE if old else Op.NEW)], int(Op.CANCEL), 0),
            "agent": old["agent"] if old else pick([0, 1], -1, 2),
            "instrument": old["instrument"] if old else pick([0, 1], -1, 2),
            "side": old["side"] if old else pick([1, -1], 0, 2),
            "type": pick([1, 1, 1, 2, 3, 4, 5, 6], 0, 7),
            "tif": pick([1, 2, 3], 0, 4),
            "flags": pick([0, 0, 0, 0, 1, 2, 8], 32, -1),
            "price": mid + pick([-3, -1, 0, 0, 1, 1, 2, 3], NO_PRICE, 2**31, -500, -mid, 2**33),
            "stop": pick([0, mid, mid + 1, -1], NO_PRICE, 2**31, 2**40),
            "qty": pick([1, 2, 3, 4, 5, 8], 0, -1, MAX_QTY, MAX_QTY + 1, 2**50, -(2**63)),
            "old_leaves": old["leaves"] if old else pick([0], 1, -1),
            "old_price": old["price"] if old else 0,
            "permission": pick([1], 0, 2),
            "model": pick([0, 1]),
            "model_age": pick([0, 400_000_000, 500_000_000, 10**9], -1),
            "model_bad": pick([0], 1),
            "model_latency": pick([0, 10**6, 10**7], -1),
            "unanswered": pick([0, 0, 10**6, 10**7], -1),
        }
        order["display"] = pick([0, 0, 1, order["qty"]], -1, 50)
        chance = self.rng.random()
        if not old and self.open and chance < 0.15:  # just like one that was sent
            order |= {name: self.open[-1][name] for name in ("agent", "instrument", "side", "type", "qty", "price")}
        if chance > 0.98:
            order["price"] = NO_PRICE
        if order["price"] < -(2**32):
            order["price"] = NO_PRICE
        return order

    def market(self) -> dict[str, int]:
        """The market of an instrument, near its mid; now and then something is missing or wrong."""
        pick, mid = self.pick, self.mids[0] // 2
        return {
            "ts_market": self.now - pick([0, 1, 500_000_000, 10**9], -1, self.now + 5, 5 * 10**9),
            "best_bid": mid - pick([1, 1, 2], 0, -3, mid - NO_BID),
            "best_ask": mid + pick([1, 1, 2, 0], -1, NO_ASK - mid),
            "bid_qty": 5,
            "ask_qty": 5,
            "last_price": mid + pick([0, 1, -1], NO_PRICE - mid, -mid),
            "status": pick([0, 2], 1, 3, 5, 6),
            "session_open": pick([1], 0),
            "crossed": pick([0], 1),
            "gap": pick([0], 1),
            "window2": 2 * mid + pick([0, 1, -2, 4], NO_PRICE - 2 * mid, -2 * mid),
            "jump2": pick([0, 1, -2, 4], NO_PRICE),
            "depth": pick([1, 2, 4, 8, 100], 0),
            "volume": pick([20, 100, 400, 10_000], 0),
            "clock_skew": pick([0, 10**6, -(10**6), 10**7], -(2**63)),
        }

    def ask(self) -> None:
        """Put one order to both gates; they must agree in everything. It may then be sent, allowed or not."""
        order, market = self.draft(), self.market()
        answer = gates.check(
            self.gate, self.account, record(DRAFT, order), record(MARKET, market), self.verdict[0]
        )  # fmt: skip
        expected = self.slow.check(order, market)
        assert_same(int(answer), self.verdict[0], expected, f"{order} {market}")
        fine = Control.INSTRUMENT_KNOWN not in expected.breaches and Control.CODES_VALID not in expected.breaches
        fine = fine and Control.QTY_VALID not in expected.breaches and Control.PRICE_VALID not in expected.breaches
        if fine and (not expected.breaches or self.rng.random() < 0.35):
            self._send(order)

    def _send(self, order: dict[str, int]) -> None:
        hooks.sent(self.gate, record(DRAFT, order))
        self.slow.sent(order)
        if order["op"] == Op.NEW:
            self.open.append({**order, "leaves": order["qty"]})
            return
        old = next(o for o in self.open if o["order_id"] == order["order_id"] and o["leaves"] == order["old_leaves"])
        if self.rng.random() < 0.3:  # it trades while the replace is on its way
            self._fill(old)
        hooks.answered(self.gate, record(DRAFT, order))
        self.slow.answered(order)
        if self.rng.random() < 0.6 and old["leaves"]:
            self._change(old, old["price"], old["leaves"], 0)
            old["price"], old["leaves"] = order["price"], order["qty"]
            self._change(old, old["price"], 0, old["leaves"])
        self.open = [o for o in self.open if o["leaves"]]

    def _change(self, order: dict[str, int], price: int, before: int, after: int) -> None:
        arguments = (order["agent"], order["instrument"], order["side"], price, before, after)
        hooks.changed(self.gate, *arguments)
        self.slow.changed(*arguments)

    def _fill(self, order: dict[str, int]) -> None:
        qty = int(self.rng.integers(1, order["leaves"] + 1)) if order["leaves"] < 100 else order["leaves"]
        agent, instrument, side = order["agent"], order["instrument"], order["side"]
        price = self.mids[0] // 2 if order["price"] == NO_PRICE else order["price"]
        if not books.settle(self.account, agent, instrument, side, price, qty, 1_000):
            return
        self.slow_account.settle(agent, instrument, side, price, qty, 1_000)
        self._change(order, order["price"], order["leaves"], order["leaves"] - qty)
        order["leaves"] -= qty
        hooks.filled(self.gate, agent, instrument, side, qty, self.now)
        self.slow.filled(agent, instrument, side, self.now)

    def live(self) -> None:
        """Time passes and something happens."""
        self.now += self.pick([0, 1, 100_000_000, 500_000_000, 10**9], 30 * 10**9, 60 * 10**9)
        chance = self.rng.random()
        if self.open and chance < 0.55:
            order = self.open[self.rng.integers(len(self.open))]
            if chance < 0.35:
                self._fill(order)
            else:
                self._change(order, order["price"], order["leaves"], 0)
                order["leaves"] = 0
                if chance < 0.45:
                    hooks.cancelled(self.gate, order["agent"], self.now)
                    self.slow.cancelled(order["agent"], self.now)
            self.open = [o for o in self.open if o["leaves"]]
        elif chance < 0.7:
            self._mark(int(self.rng.integers(2)))
        else:
            self._act(chance, int(self.rng.integers(2)))

    def _mark(self, instrument: int) -> None:
        self.mids[instrument] = 200 + int(self.rng.integers(-2, 3))
        mid2 = self.mids[instrument] if self.rng.random() < 0.97 else None
        assert books.mark(self.account, instrument, books.NO_MARK if mid2 is None else mid2)
        self.slow_account.mark(instrument, mid2)

    def _act(self, chance: float, who: int) -> None:
        gate, slow = self.gate, self.slow
        if chance < 0.75:
            hooks.rejected(gate, who)
            slow.rejects[who] += 1
        elif chance < 0.8:
            hooks.accepted(gate, who)
            slow.rejects[who] = 0
        elif chance < 0.9:
            hooks.enable(gate, who)
            slow.enable(who)
        elif chance < 0.91:
            on = int(self.rng.random() < 0.3)
            gate.top[0]["killed_desk"], gate.rows[who]["killed"], gate.killed_instruments[who] = on, on, 0
            gate.killed_orders[0], gate.top[0]["killed_orders"] = 8, on
            slow.killed = {("desk", 0), ("agent", who), ("order", 8)} if on else set()
            slow.killed |= {("agent", 1 - who)} if gate.rows[1 - who]["killed"] else set()
            slow.killed |= {("instrument", 1 - who)} if gate.killed_instruments[1 - who] else set()
        elif chance < 0.94:
            bid, ask = self.pick([97, 99, 100]), self.pick([101, 103])
            hooks.own_touch(gate, who, bid, NO_ASK if bid == 97 else ask)
            slow.own_bid[who] = bid
            slow.own_ask.pop(who, None)
            if bid != 97:
                slow.own_ask[who] = ask
        elif chance < 0.95:
            hooks.own_touch(gate, who, NO_BID, NO_ASK)
            slow.own_bid.pop(who, None)
            slow.own_ask.pop(who, None)


def record(dtype: np.dtype[Any], values: dict[str, int]) -> np.void:
    """A record of a dict."""
    one = np.zeros(1, dtype)[0]
    for name, value in values.items():
        one[name] = value
    return one


def assert_same(answer: int, verdict: np.void, expected: Any, what: str) -> None:
    """Breaches, warnings and all observed values of the gate are the oracle's."""
    mask = sum(1 << control for control in expected.breaches)
    observed = dict(zip(Control, verdict["observed"].tolist(), strict=False))
    odd = {
        c.name: (observed[c], e)
        for c, e in expected.observed.items()
        if not (observed[c] == e or (math.isnan(observed[c]) and math.isnan(e)))
    }  # fmt: skip
    assert not odd, f"{odd} in {what}"
    assert answer == mask == int(verdict["breaches"]), what
    for percent, passed in expected.passed.items():
        assert int(verdict[f"passed{percent}"]) == sum(1 << control for control in passed), (percent, what)


def run_world(seed: int, orders: int) -> int:
    """Live through `orders` questions; the number that may go."""
    world, passed = GateWorld(seed), 0
    for _ in range(orders):
        world.ask()
        passed += int(world.verdict[0]["breaches"]) == 0
        world.live()
    return passed
