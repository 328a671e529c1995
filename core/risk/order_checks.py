"""What the gate sees on the order itself, on the market and on the model behind it."""

import numpy as np
from numpy.typing import NDArray

from core.account.money import MOST_MONEY, notional
from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Op, OrderFlag, OrderType, Side, Status, TimeInForce
from core.jit import inlined
from core.records import ABSENT, MAX_QTY, NO_PRICE
from core.risk.controls import Control
from core.risk.rates import duplicates
from core.risk.state import Gate

_FLAGS = int(sum(OrderFlag))
_PRICES = 2**31
_NEW, _REPLACE = int(Op.NEW), int(Op.REPLACE)
_LIMIT, _MARKET = int(OrderType.LIMIT), int(OrderType.MARKET)
_STOP, _STOP_LIMIT = int(OrderType.STOP), int(OrderType.STOP_LIMIT)
_PEG_TOUCH, _PEG_MID = int(OrderType.PEG_TOUCH), int(OrderType.PEG_MID)
_DAY, _FOK = int(TimeInForce.DAY), int(TimeInForce.FOK)
_TRADING, _SILENT = int(Status.TRADING), int(Status.NONE)
_BID = int(Side.BID)
_POST_ONLY = int(OrderFlag.POST_ONLY)
_SECOND = 1e9


@inlined
def money(amount: int) -> float:
    """Money for a comparison: negative = unknown, `MOST_MONEY` = more than fits."""
    if amount < 0:
        return np.nan
    return np.inf if amount >= MOST_MONEY else float(amount)


@inlined
def seconds(ns: int) -> float:
    """Seconds of a duration; a negative one is not known."""
    return np.nan if ns < 0 else ns / _SECOND


@inlined
def reference2(market: np.void) -> int:
    """Twice the reference price in ticks: the mid of a two-sided market, else the last price, else NO_PRICE."""
    if market["best_bid"] != EMPTY_BID and market["best_ask"] != EMPTY_ASK:
        return int(market["best_bid"] + market["best_ask"])
    return int(NO_PRICE if market["last_price"] == NO_PRICE else 2 * market["last_price"])


@inlined
def bps(amount2: int, of2: int) -> float:
    """A part of twice a price, in basis points of it; NaN where that means nothing."""
    if of2 == NO_PRICE or of2 == 0:
        return np.nan
    return amount2 * 10_000 / abs(of2)


@inlined
def _flag(bad: bool) -> float:
    return 1.0 if bad else 0.0


@inlined
def observe_form(gate: Gate, draft: np.void, out: NDArray[np.float64]) -> None:
    """Codes, quantity and price are such that the rest means something."""
    kind, price, qty, stop = draft["type"], draft["price"], draft["qty"], draft["stop"]
    replaces = draft["op"] == _REPLACE
    out[Control.CODES_VALID] = _flag(
        (draft["op"] != _NEW and not replaces)
        or kind < _LIMIT
        or kind > _PEG_MID
        or draft["tif"] < _DAY
        or draft["tif"] > _FOK
        or (draft["flags"] & ~_FLAGS) != 0
    )
    works = gate.working[draft["agent"], draft["instrument"], 0 if draft["side"] == _BID else 1]
    out[Control.QTY_VALID] = _flag(
        qty < 1
        or qty > MAX_QTY
        or draft["display"] < 0
        or draft["display"] > qty
        or draft["old_leaves"] < 0
        or draft["old_leaves"] > works
        or (draft["old_leaves"] != 0 and not replaces)
    )
    stops = kind == _STOP or kind == _STOP_LIMIT
    out[Control.PRICE_VALID] = _flag(
        price <= -_PRICES or price >= _PRICES or stop < -_PRICES or stop >= _PRICES or (stops and stop == NO_PRICE)
    )
    out[Control.MARKET_COLLARED] = _flag((kind == _MARKET or kind == _STOP) and price == NO_PRICE)


@inlined
def observe_price(draft: np.void, market: np.void, tick_value: int, out: NDArray[np.float64]) -> None:
    """How much it is, how far from the market its price is, and how much of what is shown it would take."""
    side, price, qty, kind = draft["side"], draft["price"], draft["qty"], draft["type"]
    ref2 = reference2(market)
    out[Control.ORDER_QTY] = float(qty)
    dear = notional(price, qty, tick_value)
    if ref2 != NO_PRICE:
        dear = max(dear, notional(ref2, qty, tick_value // 2))
    out[Control.ORDER_NOTIONAL] = money(dear)
    base2 = 2 * draft["stop"] if kind == _STOP or kind == _STOP_LIMIT else ref2
    out[Control.PRICE_TOLERANCE] = bps(max(0, side * (2 * price - base2)), base2)
    out[Control.PRICE_WINDOW] = bps(max(0, side * (2 * price - market["window2"])), market["window2"])
    touch = market["best_ask"] if side == _BID else market["best_bid"]
    takes = kind == _MARKET or kind == _STOP or kind == _STOP_LIMIT
    takes = takes or (kind == _LIMIT and side * (price - touch) >= 0 and (draft["flags"] & _POST_ONLY) == 0)
    out[Control.DEPTH_SHARE] = qty / max(1, market["depth"]) if takes else 0.0
    out[Control.VOLUME_SHARE] = qty / max(1, market["volume"])


@inlined
def rests_at(draft: np.void, market: np.void) -> int:
    """Price in ticks at which it can trade first: a peg's own, as the market is; else its price."""
    side, price = draft["side"], draft["price"]
    bid, ask = market["best_bid"], market["best_ask"]
    pegged = price
    if draft["type"] == _PEG_TOUCH:
        touch = bid if side == _BID else ask
        if touch != EMPTY_BID and touch != EMPTY_ASK:
            pegged = touch + side * draft["stop"]
    elif draft["type"] == _PEG_MID and bid != EMPTY_BID and ask != EMPTY_ASK:
        pegged = (bid + ask) // 2 if side == _BID else -((-bid - ask) // 2)
    return int(min(price, pegged) if side == _BID else max(price, pegged))


@inlined
def observe_own(gate: Gate, draft: np.void, market: np.void, out: NDArray[np.float64]) -> None:
    """Permission, lists, and our own orders on the other side. A stop is judged by the venue when it goes off."""
    side, kind = draft["side"], draft["type"]
    out[Control.PERMISSION] = _flag(draft["permission"] != 1)
    out[Control.RESTRICTED] = _flag(gate.restricted[draft["instrument"]] != 0)
    out[Control.DUPLICATE] = float(duplicates(gate, draft)) if draft["op"] == _NEW else 0.0
    other = gate.own_touch[draft["instrument"], 1 if side == _BID else 0]
    stops = kind == _STOP or kind == _STOP_LIMIT
    out[Control.SELF_MATCH] = _flag(not stops and side * (rests_at(draft, market) - other) >= 0)


@inlined
def observe_market(draft: np.void, market: np.void, out: NDArray[np.float64]) -> None:
    """The session is open, market data is fresh and sane, the clock is right."""
    status = market["status"]
    bid, ask = market["best_bid"], market["best_ask"]
    two_sided = bid != EMPTY_BID and ask != EMPTY_ASK
    out[Control.SESSION_OPEN] = _flag(market["session_open"] != 1 or (status != _TRADING and status != _SILENT))
    out[Control.DATA_AGE] = seconds(draft["now"] - market["ts_market"] if market["ts_market"] >= 0 else -1)
    jump2 = market["jump2"]
    out[Control.DATA_JUMP] = np.nan if jump2 == NO_PRICE else bps(abs(jump2), reference2(market))
    out[Control.DATA_SPREAD] = bps(2 * (ask - bid), bid + ask) if two_sided else np.nan
    out[Control.DATA_CROSSED] = _flag(market["crossed"] != 0 or (two_sided and bid > ask))
    out[Control.DATA_GAP] = _flag(market["gap"] != 0)
    skew = market["clock_skew"]
    out[Control.CLOCK_SKEW] = np.nan if skew == ABSENT else abs(skew) / _SECOND


@inlined
def observe_model(draft: np.void, out: NDArray[np.float64]) -> None:
    """The model behind the order answers, in time and in range; so does the venue."""
    used = draft["model"] != 0
    out[Control.MODEL_AGE] = seconds(draft["model_age"]) if used else 0.0
    out[Control.MODEL_BAD] = _flag(used and draft["model_bad"] != 0)
    out[Control.MODEL_LATENCY] = seconds(draft["model_latency"]) if used else 0.0
    out[Control.UNANSWERED] = seconds(draft["unanswered"])
