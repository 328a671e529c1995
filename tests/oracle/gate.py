"""The gate, slowly: dicts and lists, whole numbers without bounds, one sentence of the page after the other.

Nothing is imported from the gate but the names and numbers of its controls. An observation is an int, a Fraction, a
float, or None for "cannot be said".
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from core.enums import Op, OrderFlag, OrderType, Side, Status, TimeInForce
from core.risk.controls import SPECS, Control
from tests.oracle.account import OracleAccount

SECOND = 10**9
TOO_MUCH = 2**61
Observed = int | Fraction | float | None
Order = Mapping[str, int]
TAKERS = (OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT)
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
NO_PRICE = -(2**31)
NO_BID, NO_ASK = -(2**40), 2**40
UNKNOWN_TIME = -(2**63)


@dataclass
class OracleVerdict:
    observed: dict[Control, float]
    breaches: set[Control]
    passed: dict[int, set[Control]]


@dataclass
class OracleGate:
    """`limits[agent, instrument][control]` in the units of verdicts; a control that is not in it has no limit."""

    account: OracleAccount
    agents: int
    instruments: int
    limits: dict[tuple[int, int], dict[Control, float]]
    restricted: set[int] = field(default_factory=set)
    buys: dict[tuple[object, int], int] = field(default_factory=lambda: defaultdict(int))
    sells: dict[tuple[object, int], int] = field(default_factory=lambda: defaultdict(int))
    open_orders: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    open_value: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    messages: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    fills: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    rejects: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    times: dict[tuple[object, ...], list[int]] = field(default_factory=lambda: defaultdict(list))
    sent_orders: dict[int, list[tuple[int, tuple[int, ...]]]] = field(default_factory=lambda: defaultdict(list))
    halted: set[int] = field(default_factory=set)
    killed: set[tuple[str, int]] = field(default_factory=set)
    own_bid: dict[int, int] = field(default_factory=dict)
    own_ask: dict[int, int] = field(default_factory=dict)

    # ---- what happens ----

    def sent(self, order: Order) -> None:
        agent, now = order["agent"], order["now"]
        self._message(agent, now)
        new = self._value(order["instrument"], order["price"], order["qty"])
        if order["op"] == Op.NEW:
            self.sent_orders[agent].append((now, _likeness(order)))
            self._works(agent, order["instrument"], order["side"], order["qty"], new)
            self._orders(agent, 1)
        else:
            self.times["cancels", agent].append(now)
            lots, value = self._in_flight(order)
            self._works(agent, order["instrument"], order["side"], lots, value)

    def answered(self, order: Order) -> None:
        lots, value = self._in_flight(order)
        self._works(order["agent"], order["instrument"], order["side"], -lots, -value)

    def changed(self, agent: int, instrument: int, side: int, price: int, before: int, after: int) -> None:
        value = self._value(instrument, price, after) - self._value(instrument, price, before)
        self._works(agent, instrument, side, after - before, value)
        self._orders(agent, bool(after) - bool(before))

    def cancelled(self, agent: int, now: int) -> None:
        self._message(agent, now)
        self.times["cancels", agent].append(now)
        self.times["asked", agent].append(now)
        strictest = min(self._limit(agent, i, Control.MESSAGE_HALT) for i in range(self.instruments))
        if self._within(("asked", agent), now, SECOND) >= strictest:
            self.halted.add(agent)

    def filled(self, agent: int, instrument: int, side: int, now: int) -> None:
        for who in (agent, "desk"):
            self.fills[who] += 1
        self.rejects[agent] = 0
        self.times["fills", agent, instrument, side].append(now)
        count = self._within(("fills", agent, instrument, side), now, 60 * SECOND)
        if count >= self._limit(agent, instrument, Control.REPEATED_EXECUTION):
            self.halted.add(agent)

    def enable(self, agent: int) -> None:
        self.halted.discard(agent)
        self.rejects[agent] = 0
        for key in list(self.times):
            if key == ("asked", agent) or key[:2] == ("fills", agent):
                self.times[key].clear()

    def _limit(self, agent: int, instrument: int, control: Control) -> float:
        """A limit that is not there halts nobody: it denies everything anyway."""
        return self.limits[agent, instrument].get(control, math.inf)

    def _message(self, agent: int, now: int) -> None:
        for who in (agent, "desk"):
            self.messages[who] += 1
            self.times["sent", who].append(now)

    def _works(self, agent: int, instrument: int, side: int, lots: int, value: int) -> None:
        for who in (agent, "desk"):
            (self.buys if side == Side.BID else self.sells)[who, instrument] += lots
            self.open_value[who] += value

    def _orders(self, agent: int, more: int) -> None:
        for who in (agent, "desk"):
            self.open_orders[who] += more

    def _in_flight(self, order: Order) -> tuple[int, int]:
        """What the larger of old and new is more than the old."""
        old = self._value(order["instrument"], order["old_price"], order["old_leaves"])
        new = self._value(order["instrument"], order["price"], order["qty"])
        return max(order["qty"], order["old_leaves"]) - order["old_leaves"], max(new, old) - old

    def _value(self, instrument: int, price: int, lots: int) -> int:
        return min(abs(price * lots) * self.account.tick_value[instrument], TOO_MUCH)

    def _within(self, key: tuple[object, ...], now: int, window: int) -> int:
        return sum(1 for t in self.times[key] if t > now - window)

    # ---- the question ----

    def check(self, order: Order, market: Order) -> OracleVerdict:
        seen: dict[Control, Observed] = {}
        agent, instrument = order["agent"], order["instrument"]
        if not (0 <= agent < self.agents and 0 <= instrument < self.instruments and _sane(order)):
            everything = set(Control)
            return OracleVerdict(dict.fromkeys(Control, math.nan), everything, {50: set(), 75: set(), 90: set()})
        limits = self.limits[agent, instrument]
        seen[Control.LIMITS_PRESENT] = sum(1 for spec in SPECS if spec.scopes and spec.control not in limits)
        seen[Control.INSTRUMENT_KNOWN] = False
        self._order(order, market, seen)
        self._market(order, market, seen)
        self._model(order, seen)
        self._exposure(order, seen)
        self._rates(order, limits, seen)
        seen[Control.AGENT_HALTED] = agent in self.halted
        seen[Control.KILLED] = bool(
            self.killed & {("desk", 0), ("agent", agent), ("instrument", instrument), ("order", order["order_id"])}
        )
        return self._judged(limits, seen)

    def _judged(self, limits: dict[Control, float], seen: dict[Control, Observed]) -> OracleVerdict:
        observed, breaches = {}, set()
        passed: dict[int, set[Control]] = {50: set(), 75: set(), 90: set()}
        for spec in SPECS:
            control = spec.control
            value = math.nan if seen[control] is None else float(seen[control])  # type: ignore[arg-type]
            limit = limits.get(control, math.nan) if spec.scopes else 1.0
            observed[control] = value
            if math.isnan(value) or math.isnan(limit) or value >= limit:
                breaches.add(control)
            for percent, reached in passed.items():
                if value >= limit * (percent / 100):
                    reached.add(control)
        return OracleVerdict(observed, breaches, passed)

    def _order(self, order: Order, market: Order, seen: dict[Control, Observed]) -> None:
        side, price, qty, kind = order["side"], order["price"], order["qty"], order["type"]
        replace, buy = order["op"] == Op.REPLACE, side == Side.BID
        instrument, agent = order["instrument"], order["agent"]
        works = (self.buys if side == Side.BID else self.sells)[agent, instrument]
        seen[Control.CODES_VALID] = not (
            order["op"] in (Op.NEW, Op.REPLACE)
            and kind in tuple(OrderType)
            and order["tif"] in tuple(TimeInForce)
            and 0 <= order["flags"] < 2 * max(OrderFlag)
        )
        seen[Control.QTY_VALID] = not (
            1 <= qty <= 2**45
            and 0 <= order["display"] <= qty
            and (0 <= order["old_leaves"] <= works if replace else order["old_leaves"] == 0)
        )
        seen[Control.PRICE_VALID] = not (
            -(2**31) < price < 2**31
            and -(2**31) <= order["stop"] < 2**31
            and not (kind in STOPS and order["stop"] == NO_PRICE)
        )
        seen[Control.MARKET_COLLARED] = kind in (OrderType.MARKET, OrderType.STOP) and price == NO_PRICE
        seen[Control.PERMISSION] = order["permission"] != 1
        seen[Control.RESTRICTED] = instrument in self.restricted
        seen[Control.ORDER_QTY] = qty
        mid = self._reference(market)
        dearest = max(abs(Fraction(price)), abs(mid) if mid is not None else 0)
        seen[Control.ORDER_NOTIONAL] = _money(dearest * abs(qty) * self.account.tick_value[instrument])
        base = Fraction(order["stop"]) if kind in STOPS else mid
        seen[Control.PRICE_TOLERANCE] = _worse(side, price, base)
        old_mid = None if market["window2"] == NO_PRICE else Fraction(market["window2"], 2)
        seen[Control.PRICE_WINDOW] = _worse(side, price, old_mid)
        marketable = price >= market["best_ask"] if buy else price <= market["best_bid"]
        rests = kind in (OrderType.PEG_TOUCH, OrderType.PEG_MID) or bool(order["flags"] & OrderFlag.POST_ONLY)
        takes = kind in TAKERS or (kind == OrderType.LIMIT and marketable and not rests)
        seen[Control.DEPTH_SHARE] = Fraction(qty, max(1, market["depth"])) if takes else 0
        seen[Control.VOLUME_SHARE] = Fraction(qty, max(1, market["volume"]))
        alike = [
            like == _likeness(order) for t, like in self.sent_orders[agent][-32:] if t > order["now"] - SECOND
        ]  # fmt: skip
        seen[Control.DUPLICATE] = sum(alike) if order["op"] == Op.NEW else 0
        seen[Control.SELF_MATCH] = kind not in STOPS and self._meets_own(order, market)

    def _reference(self, market: Order) -> Fraction | None:
        if market["best_bid"] != NO_BID and market["best_ask"] != NO_ASK:
            return Fraction(market["best_bid"] + market["best_ask"], 2)
        return None if market["last_price"] == NO_PRICE else Fraction(market["last_price"])

    def _meets_own(self, order: Order, market: Order) -> bool:
        bid, ask, price = market["best_bid"], market["best_ask"], order["price"]
        buy = order["side"] == Side.BID
        if order["type"] == OrderType.PEG_TOUCH:
            if buy and bid != NO_BID:
                price = min(price, bid + order["stop"])
            if not buy and ask != NO_ASK:
                price = max(price, ask - order["stop"])
        if order["type"] == OrderType.PEG_MID and bid != NO_BID and ask != NO_ASK:
            mid = Fraction(bid + ask, 2)
            price = min(price, math.floor(mid)) if buy else max(price, math.ceil(mid))
        if buy:
            own = self.own_ask.get(order["instrument"])
            return own is not None and price >= own
        own = self.own_bid.get(order["instrument"])
        return own is not None and price <= own

    def _market(self, order: Order, market: Order, seen: dict[Control, Observed]) -> None:
        bid, ask = market["best_bid"], market["best_ask"]
        both = bid != NO_BID and ask != NO_ASK
        open_ = market["session_open"] == 1 and market["status"] in (Status.NONE, Status.TRADING)
        seen[Control.SESSION_OPEN] = not open_
        age = order["now"] - market["ts_market"]
        seen[Control.DATA_AGE] = None if market["ts_market"] < 0 or age < 0 else age / 1e9
        mid = self._reference(market)
        jump = None if market["jump2"] == NO_PRICE else Fraction(abs(market["jump2"]), 2)
        seen[Control.DATA_JUMP] = _bps(jump, mid)
        seen[Control.DATA_SPREAD] = _bps(Fraction(ask - bid), mid) if both else None
        seen[Control.DATA_CROSSED] = market["crossed"] != 0 or (both and bid > ask)
        seen[Control.DATA_GAP] = market["gap"] != 0
        skew = market["clock_skew"]
        seen[Control.CLOCK_SKEW] = None if skew == UNKNOWN_TIME else abs(skew) / 1e9

    def _model(self, order: Order, seen: dict[Control, Observed]) -> None:
        for control, name in ((Control.MODEL_AGE, "model_age"), (Control.MODEL_LATENCY, "model_latency")):
            seen[control] = 0 if not order["model"] else (None if order[name] < 0 else order[name] / 1e9)
        seen[Control.UNANSWERED] = None if order["unanswered"] < 0 else order["unanswered"] / 1e9
        seen[Control.MODEL_BAD] = bool(order["model"] and order["model_bad"])

    # ---- positions and money ----

    def _after(self, who: object, instrument: int, order: Order) -> tuple[int, int]:
        """Position if all buys trade, and if all sells trade, with the order as drafted."""
        held = self.account.position[who, instrument]
        bought, sold = self.buys[who, instrument], self.sells[who, instrument]
        if instrument == order["instrument"]:
            change = order["qty"] - order["old_leaves"]
            if order["side"] == Side.BID:
                bought += change
            else:
                sold += change
        return held + bought, held - sold

    def _only_shrinks(self, who: object, order: Order) -> bool:
        held = self.account.position[who, order["instrument"]]
        most, least = self._after(who, order["instrument"], order)
        if order["side"] == Side.BID:
            return held < 0 and most <= 0
        return order["side"] == Side.ASK and held > 0 and least >= 0

    def _notionals(self, who: object, order: Order) -> tuple[Observed, Observed, Observed]:
        gross, up, down, own = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
        known, own_known = True, True
        for instrument in range(self.instruments):
            most, least = self._after(who, instrument, order)
            lots = max(abs(most), abs(least))
            if lots and instrument not in self.account.mid2:
                known = False
                own_known = own_known and instrument != order["instrument"]
            elif lots:
                one_lot = Fraction(self.account.mid2[instrument] * self.account.tick_value[instrument], 2)
                gross += lots * abs(one_lot)
                up, down = up + most * one_lot, down + least * one_lot
                if instrument == order["instrument"]:
                    own = lots * abs(one_lot)
        of_own = _money(own) if own_known else None
        if not known:
            return None, None, of_own
        if gross >= TOO_MUCH:
            return math.inf, math.inf, of_own
        return int(gross), int(max(abs(up), abs(down))), of_own

    def _exposure(self, order: Order, seen: dict[Control, Observed]) -> None:
        agent, instrument = order["agent"], order["instrument"]
        safe, desk_safe = self._only_shrinks(agent, order), self._only_shrinks("desk", order)
        for who, control in ((agent, Control.POSITION), ("desk", Control.DESK_POSITION)):
            most, least = self._after(who, instrument, order)
            seen[control] = max(0, most if order["side"] == Side.BID else -least)
        gross, net, _ = self._notionals(agent, order)
        profit, fall = self.account.pnl(agent), self.account.drawdown(agent)
        loss = None if profit is None else max(0, -profit)
        seen[Control.REDUCE_ONLY] = bool(order["flags"] & OrderFlag.REDUCE_ONLY) and not safe
        seen[Control.GROSS_NOTIONAL] = 0 if safe else gross
        seen[Control.NET_NOTIONAL] = 0 if safe else net
        tied = None if gross is None or loss is None else float(gross) + float(loss)
        seen[Control.BUYING_POWER] = 0 if safe else tied
        seen[Control.DAY_LOSS] = 0 if safe else loss
        seen[Control.DRAWDOWN] = 0 if safe else fall
        gross, net, own = self._notionals("desk", order)
        profit, fall = self.account.pnl("desk"), self.account.drawdown("desk")
        seen[Control.DESK_GROSS_NOTIONAL] = 0 if desk_safe else gross
        seen[Control.DESK_NET_NOTIONAL] = 0 if desk_safe else net
        seen[Control.INSTRUMENT_NOTIONAL] = 0 if desk_safe else own
        part = None if gross is None or own is None or gross == math.inf else (float(own) / float(gross) if own else 0)
        seen[Control.CONCENTRATION] = 0 if desk_safe or own == 0 else part
        seen[Control.DESK_DAY_LOSS] = 0 if safe else (None if profit is None else max(0, -profit))
        seen[Control.DESK_DRAWDOWN] = 0 if safe else fall
        for who, orders, value, volume in (
            (agent, Control.OPEN_ORDERS, Control.OPEN_VALUE, Control.DAY_VOLUME),
            ("desk", Control.DESK_OPEN_ORDERS, Control.DESK_OPEN_VALUE, Control.DESK_DAY_VOLUME),
        ):
            seen[orders] = self.open_orders[who] + (order["op"] == Op.NEW)
            new = self._value(instrument, order["price"], order["qty"])
            old = self._value(instrument, order["old_price"], order["old_leaves"])
            after = self.open_value[who] + new - old
            seen[value] = math.inf if new >= TOO_MUCH else _money(Fraction(max(0, after)))
            working = self.buys[who, instrument] + self.sells[who, instrument]
            seen[volume] = self.account.volume[who, instrument] + working + order["qty"] - order["old_leaves"]

    def _rates(self, order: Order, limits: dict[Control, float], seen: dict[Control, Observed]) -> None:
        agent, now = order["agent"], order["now"]
        self.times["asked", agent].append(now)
        asked = self._within(("asked", agent), now, SECOND)
        seen[Control.MESSAGE_HALT] = asked
        if asked >= limits.get(Control.MESSAGE_HALT, math.inf):
            self.halted.add(agent)
        seen[Control.MESSAGE_RATE] = self._within(("sent", agent), now, SECOND) + 1
        seen[Control.DESK_MESSAGE_RATE] = self._within(("sent", "desk"), now, SECOND) + 1
        seen[Control.CANCEL_RATE] = self._within(("cancels", agent), now, SECOND) + (order["op"] == Op.REPLACE)
        fills = ("fills", agent, order["instrument"], order["side"])
        seen[Control.REPEATED_EXECUTION] = self._within(fills, now, 60 * SECOND)
        seen[Control.ORDER_TO_TRADE] = Fraction(self.messages[agent] + 1, max(1, self.fills[agent]))
        seen[Control.CONSECUTIVE_REJECTS] = self.rejects[agent]


def _sane(order: Order) -> bool:
    """Numbers so far out that compiled sums could overflow are denied by everything."""
    lots = all(abs(order[name]) <= 2**46 for name in ("qty", "display", "old_leaves"))
    prices = all(abs(order[name]) <= 2**32 for name in ("price", "old_price", "stop"))
    return lots and prices and order["side"] in (Side.BID, Side.ASK) and 0 <= order["now"] < 2**62


def _likeness(order: Order) -> tuple[int, ...]:
    return tuple(order[name] for name in ("instrument", "side", "type", "qty", "price"))


def _money(amount: Fraction) -> float | int:
    assert amount.denominator == 1
    return math.inf if amount >= TOO_MUCH else int(amount)


def _bps(part: Fraction | None, of: Fraction | None) -> Fraction | None:
    return None if part is None or of is None or of == 0 else part * 10_000 / abs(of)


def _worse(side: int, price: int, base: Fraction | None) -> Fraction | None:
    """By how much a price is worse for us than another, in basis points of that; 0 if it is better."""
    if base is None:
        return None
    return _bps(max(Fraction(0), (price - base) * side), base)
