"""The sharp cases of `tests.oracle.gate_cases` on the order itself: form, price, our own orders, market, model."""

import math
from collections.abc import Callable

from core.enums import OrderFlag
from core.records import ABSENT, MAX_QTY, NO_PRICE
from core.risk import hooks
from tests.oracle.gate_cases import (
    MARKET_ORDER,
    NO_ASK,
    NO_BID,
    NOW,
    PEG_MID,
    PEG_TOUCH,
    REPLACE,
    STOP,
    STOP_LIMIT,
    C,
    Case,
    Desk,
    S,
    then,
    working,
)

_EVERY = tuple(C)


def _everything(words: str, **order: int) -> Case:
    return Case(C.INSTRUMENT_KNOWN, math.nan, words, order, also=_EVERY)


FORM = [
    Case(C.LIMITS_PRESENT, 0, "all limits there"),
    Case(C.LIMITS_PRESENT, 2, "two are not", change=lambda d: d.gate.missing.__setitem__((0, 0), 2)),
    Case(C.LIMITS_PRESENT, 0, "another's are not", change=lambda d: d.gate.missing.__setitem__((1, 1), 2)),
    Case(C.INSTRUMENT_KNOWN, 0, "the last ones there are", {"agent": 1, "instrument": 1}),
    _everything("no agent", agent=-1),
    _everything("an agent too many", agent=2),
    _everything("no instrument", instrument=-1),
    _everything("an instrument too many", instrument=2),
    _everything("no side", side=0),
    _everything("two sides", side=2),
    _everything("before time", now=-1),
    _everything("after time", now=2**62),
    _everything("absurd quantity", qty=2 * MAX_QTY + 1),
    _everything("absurd negative quantity", qty=-2 * MAX_QTY - 1),
    _everything("absurd display", display=2 * MAX_QTY + 1),
    _everything("absurd old leaves", old_leaves=2 * MAX_QTY + 1),
    _everything("absurd price", price=2**32 + 1),
    _everything("absurd negative price", price=-(2**32) - 1),
    _everything("absurd old price", old_price=2**32 + 1),
    _everything("absurd stop", stop=2**32 + 1),
    Case(C.QTY_VALID, 1, "the most that can be read", {"qty": 2 * MAX_QTY}),
    Case(C.QTY_VALID, 1, "the most display that can be read", {"display": 2 * MAX_QTY}),
    Case(C.QTY_VALID, 1, "the most old leaves that can be read", {"old_leaves": 2 * MAX_QTY}),
    Case(C.PRICE_VALID, 1, "the highest price that can be read", {"price": 2**32}),
    Case(C.PRICE_VALID, 1, "the lowest price that can be read", {"price": -(2**32)}),
    Case(C.PRICE_VALID, 1, "the highest stop that can be read", {"stop": 2**32}),
    Case(C.PRICE_VALID, 0, "an old price that can be read", {"old_price": 2**32}),
    Case(C.DATA_AGE, math.nan, "the beginning of time", {"now": 0}),
    Case(C.DATA_AGE, (2**62 - 1 - NOW + S // 4) / 1e9, "the end of time", {"now": 2**62 - 1}),
    *[Case(C.SESSION_OPEN, s not in (0, 2), f"status {s}", market={"status": s}) for s in range(7)],
    Case(C.SESSION_OPEN, 1, "closed", market={"session_open": 0}),
    Case(C.SESSION_OPEN, 1, "closed and silent", market={"session_open": 0, "status": 0}),
    *[Case(C.CODES_VALID, 1, f"op {op}", {"op": op}) for op in (0, 2, 4)],
    *[Case(C.CODES_VALID, kind in (0, 7), f"type {kind}", {"type": kind, "stop": 1}) for kind in range(8)],
    *[Case(C.CODES_VALID, tif in (0, 4), f"tif {tif}", {"tif": tif}) for tif in range(5)],
    *[
        Case(C.CODES_VALID, flags in (-1, 32), f"flags {flags}", {"flags": flags}, also=also)
        for flags, also in ((1, ()), (4, ()), (8, ()), (16, ()), (29, ()), (32, ()), (-1, (C.REDUCE_ONLY,)))
    ],
    Case(C.QTY_VALID, 0, "one lot", {"qty": 1}),
    Case(C.QTY_VALID, 1, "no lot", {"qty": 0}),
    Case(C.QTY_VALID, 1, "less than no lot", {"qty": -3}),
    Case(C.QTY_VALID, 0, "the most there may be", {"qty": MAX_QTY}),
    Case(C.QTY_VALID, 1, "one lot more", {"qty": MAX_QTY + 1}),
    Case(C.QTY_VALID, 0, "all shown", {"display": 10}),
    Case(C.QTY_VALID, 1, "more than all shown", {"display": 11}),
    Case(C.QTY_VALID, 1, "less than nothing shown", {"display": -1}),
    Case(C.QTY_VALID, 1, "a new order with old leaves", {"old_leaves": 1}, change=working(0, 1, 5)),
    Case(C.QTY_VALID, 0, "a replace", {"op": REPLACE, "old_leaves": 5}, change=working(0, 1, 5)),
    Case(C.QTY_VALID, 0, "a replace of nothing", {"op": REPLACE, "old_leaves": 0}),
    Case(C.QTY_VALID, 1, "more than works", {"op": REPLACE, "old_leaves": 6}, change=working(0, 1, 5)),
    Case(C.QTY_VALID, 1, "negative leaves", {"op": REPLACE, "old_leaves": -1}, change=working(0, 1, 5)),
    Case(C.QTY_VALID, 1, "works elsewhere", {"op": REPLACE, "old_leaves": 5}, change=working(0, -1, 5)),
    Case(C.QTY_VALID, 0, "a sell", {"op": REPLACE, "old_leaves": 5, "side": -1}, change=working(0, -1, 5)),
    Case(C.QTY_VALID, 1, "another's", {"op": REPLACE, "old_leaves": 5}, change=working(1, 1, 5)),
    Case(C.PRICE_VALID, 1, "no price", {"price": NO_PRICE}),
    Case(C.PRICE_VALID, 0, "the lowest", {"price": NO_PRICE + 1}),
    Case(C.PRICE_VALID, 0, "the highest", {"price": 2**31 - 1}),
    Case(C.PRICE_VALID, 1, "above", {"price": 2**31}),
    Case(C.PRICE_VALID, 0, "the lowest stop", {"stop": -(2**31)}),
    Case(C.PRICE_VALID, 1, "below", {"stop": -(2**31) - 1}),
    Case(C.PRICE_VALID, 0, "the highest stop", {"stop": 2**31 - 1}),
    Case(C.PRICE_VALID, 1, "above it", {"stop": 2**31}),
    Case(C.PRICE_VALID, 1, "a stop without a stop", {"type": STOP, "stop": NO_PRICE}),
    Case(C.PRICE_VALID, 1, "a stop limit without a stop", {"type": STOP_LIMIT, "stop": NO_PRICE}),
    Case(C.MARKET_COLLARED, 0, "collared", {"type": MARKET_ORDER}),
    Case(C.MARKET_COLLARED, 1, "no collar", {"type": MARKET_ORDER, "price": NO_PRICE}, also=(C.PRICE_VALID,)),
    Case(C.MARKET_COLLARED, 1, "a stop's", {"type": STOP, "price": NO_PRICE, "stop": 103}, also=(C.PRICE_VALID,)),
    *[Case(C.PERMISSION, value != 1, f"permission {value}", {"permission": value}) for value in (-1, 0, 1, 2)],
    Case(C.RESTRICTED, 1, "restricted", change=lambda d: d.gate.restricted.__setitem__(0, 1)),
    Case(C.RESTRICTED, 0, "the other one is", change=lambda d: d.gate.restricted.__setitem__(1, 1)),
]

PRICE = [
    Case(C.ORDER_QTY, 10, "ten lots"),
    Case(
        C.ORDER_QTY,
        7,
        "a replace has its new quantity",
        {"op": REPLACE, "qty": 7, "old_leaves": 5},
        change=working(0, 1, 5),
    ),
    Case(C.ORDER_NOTIONAL, 10_100, "at the mid, which is more"),
    Case(C.ORDER_NOTIONAL, 10_300, "at its price, which is more", {"price": 103}),
    Case(
        C.ORDER_NOTIONAL,
        10_000,
        "no market",
        market={"best_bid": NO_BID, "best_ask": NO_ASK, "last_price": NO_PRICE},
        also=(C.DATA_SPREAD, C.DATA_JUMP, C.PRICE_TOLERANCE),
    ),
    Case(
        C.ORDER_NOTIONAL,
        10_500,
        "one side: the last price",
        market={"best_bid": NO_BID, "last_price": 105},
        also=(C.DATA_SPREAD,),
    ),
    Case(
        C.ORDER_NOTIONAL,
        10_600,
        "the other side: the last price",
        market={"best_ask": NO_ASK, "last_price": 106},
        also=(C.DATA_SPREAD,),
    ),
    Case(C.ORDER_NOTIONAL, 6_060, "the other instrument", {"instrument": 1}),
    Case(C.ORDER_NOTIONAL, 10_100, "a sell", {"side": -1, "price": 101}),
    Case(C.ORDER_NOTIONAL, 20_000, "below zero", {"price": -200}),
    Case(C.PRICE_TOLERANCE, 0, "better than the mid"),
    Case(C.PRICE_TOLERANCE, 0, "at the mid", {"price": 101}),
    Case(C.PRICE_TOLERANCE, 4 * 10_000 / 202, "two above", {"price": 103}),
    Case(C.PRICE_TOLERANCE, 0, "a sell above", {"price": 103, "side": -1}),
    Case(C.PRICE_TOLERANCE, 6 * 10_000 / 202, "a sell three below", {"price": 98, "side": -1}),
    Case(C.PRICE_TOLERANCE, 1 * 10_000 / 201, "half ticks", {"price": 101}, {"best_bid": 99, "best_ask": 102}),
    Case(
        C.PRICE_TOLERANCE,
        math.nan,
        "a mid of nothing",
        {},
        {"best_bid": -1, "best_ask": 1, "last_price": 0},
        also=(C.DATA_SPREAD, C.DATA_JUMP),
    ),
    Case(C.PRICE_TOLERANCE, 10_000, "below zero", {"price": 0}, {"best_bid": -101, "best_ask": -99}),
    Case(
        C.PRICE_TOLERANCE, 2 * 2 * 10_000 / 208, "a stop: from its trigger", {"type": STOP, "stop": 104, "price": 106}
    ),
    Case(C.PRICE_TOLERANCE, 0, "a stop limit: from its trigger", {"type": STOP_LIMIT, "stop": 106, "price": 106}),
    Case(C.PRICE_WINDOW, 0, "better than then"),
    Case(C.PRICE_WINDOW, 10 * 10_000 / 190, "a rise", {}, {"window2": 190}),
    Case(C.PRICE_WINDOW, 20 * 10_000 / 220, "a fall", {"side": -1}, {"window2": 220}),
    Case(C.PRICE_WINDOW, math.nan, "nothing known", {}, {"window2": NO_PRICE}),
    Case(C.PRICE_WINDOW, math.nan, "nothing", {}, {"window2": 0}),
    Case(C.DEPTH_SHARE, 0, "rests"),
    Case(C.DEPTH_SHARE, 0.25, "takes at the touch", {"price": 102}),
    Case(C.DEPTH_SHARE, 0, "just below", {"price": 101}),
    Case(C.DEPTH_SHARE, 0, "post-only", {"price": 102, "flags": int(OrderFlag.POST_ONLY)}),
    Case(C.DEPTH_SHARE, 0.25, "a person's", {"price": 102, "flags": int(OrderFlag.OPERATOR)}),
    Case(C.DEPTH_SHARE, 0.25, "a sell at the touch", {"side": -1}),
    Case(C.DEPTH_SHARE, 0, "a sell above it", {"side": -1, "price": 101}),
    *[
        Case(C.DEPTH_SHARE, 0.25, f"type {kind}", {"type": kind, "stop": 103})
        for kind in (MARKET_ORDER, STOP, STOP_LIMIT)
    ],
    *[Case(C.DEPTH_SHARE, 0, f"type {kind}", {"type": kind, "price": 105}) for kind in (PEG_TOUCH, PEG_MID)],
    Case(C.DEPTH_SHARE, 10, "nothing there", {"price": 102}, {"depth": 0}),
    Case(C.DEPTH_SHARE, 10, "one lot there", {"price": 102}, {"depth": 1}),
    Case(C.DEPTH_SHARE, 5, "two lots there", {"price": 102}, {"depth": 2}),
    Case(C.VOLUME_SHARE, 0.01, "a hundredth"),
    Case(C.VOLUME_SHARE, 10, "no volume", {}, {"volume": 0}),
    Case(C.VOLUME_SHARE, 5, "two lots", {}, {"volume": 2}),
]


def _alike(times: int = 1, **changes: int) -> Callable[[Desk], object]:
    return lambda desk: desk.sent(times, **{"agent": 0, "qty": 10, "price": 100, **changes})


def _own(bid: int = NO_BID, ask: int = NO_ASK, instrument: int = 0) -> Callable[[Desk], object]:
    return lambda desk: hooks.own_touch(desk.gate, instrument, bid, ask)


OWN = [
    Case(C.DUPLICATE, 0, "none"),
    Case(C.DUPLICATE, 1, "one", change=_alike()),
    Case(
        C.DUPLICATE, 2, "two, the oldest almost a second old", change=then(_alike(now=NOW - S + 1), _alike(now=NOW - 1))
    ),
    Case(C.DUPLICATE, 1, "one of two is a second old", change=then(_alike(now=NOW - S), _alike(now=NOW - 1))),
    Case(C.DUPLICATE, 32, "as many as are remembered", change=_alike(40)),
    Case(C.DUPLICATE, 31, "the oldest is forgotten", change=then(_alike(31), _alike(1, qty=9))),
    Case(C.DUPLICATE, 30, "two others between", change=then(_alike(31), _alike(2, qty=9))),
    Case(C.DUPLICATE, 0, "another price", change=_alike(price=99)),
    Case(C.DUPLICATE, 0, "another quantity", change=_alike(qty=9)),
    Case(C.DUPLICATE, 0, "another side", change=_alike(side=-1)),
    Case(C.DUPLICATE, 0, "another instrument", change=_alike(instrument=1)),
    Case(C.DUPLICATE, 0, "another type", change=_alike(type=PEG_MID)),
    Case(C.DUPLICATE, 0, "another's", change=_alike(agent=1)),
    Case(C.DUPLICATE, 0, "replaces are not", {"op": REPLACE, "old_leaves": 10}, change=_alike()),
    Case(C.SELF_MATCH, 0, "no own order"),
    Case(C.SELF_MATCH, 1, "own ask at its price", change=_own(ask=100)),
    Case(C.SELF_MATCH, 1, "own ask below", change=_own(ask=99)),
    Case(C.SELF_MATCH, 0, "own ask above", change=_own(ask=101)),
    Case(C.SELF_MATCH, 0, "own bid", change=_own(bid=100)),
    Case(C.SELF_MATCH, 0, "of another instrument", change=_own(ask=90, instrument=1)),
    Case(C.SELF_MATCH, 1, "a sell at the own bid", {"side": -1}, change=_own(bid=100)),
    Case(C.SELF_MATCH, 1, "a sell below the own bid", {"side": -1}, change=_own(bid=101)),
    Case(C.SELF_MATCH, 0, "a sell above the own bid", {"side": -1}, change=_own(bid=99)),
    Case(C.SELF_MATCH, 0, "a sell and an own ask", {"side": -1}, change=_own(ask=90)),
    Case(C.SELF_MATCH, 1, "a market order", {"type": MARKET_ORDER, "price": 105}, change=_own(ask=104)),
    *[
        Case(C.SELF_MATCH, 0, f"a stop, {kind}", {"type": kind, "stop": 99, "price": 105}, change=_own(ask=104))
        for kind in (STOP, STOP_LIMIT)
    ],
    *[
        Case(
            C.SELF_MATCH,
            hit,
            f"peg to the bid + {offset}, own ask {own}",
            {"type": PEG_TOUCH, "price": 110, "stop": offset},
            change=_own(ask=own),
        )
        for offset, own, hit in ((0, 101, 0), (0, 100, 1), (2, 102, 1), (1, 102, 0), (-2, 98, 1), (-2, 99, 0))
    ],
    *[
        Case(
            C.SELF_MATCH,
            hit,
            f"peg to the ask - {offset}, own bid {own}",
            {"type": PEG_TOUCH, "side": -1, "price": 90, "stop": offset},
            change=_own(bid=own),
        )
        for offset, own, hit in ((0, 101, 0), (0, 102, 1), (2, 100, 1), (1, 100, 0), (-2, 104, 1), (-2, 103, 0))
    ],
    Case(C.SELF_MATCH, 0, "a peg below its bound", {"type": PEG_TOUCH, "price": 101}, change=_own(ask=101)),
    Case(C.SELF_MATCH, 0, "a mid peg below its bound", {"type": PEG_MID, "price": 102}, change=_own(ask=102)),
    Case(C.SELF_MATCH, 0, "a peg at its bound", {"type": PEG_TOUCH, "price": 99}, change=_own(ask=100)),
    Case(C.SELF_MATCH, 1, "a peg at its bound meets", {"type": PEG_TOUCH, "price": 99}, change=_own(ask=99)),
    Case(
        C.SELF_MATCH,
        1,
        "a peg without a bid: its bound",
        {"type": PEG_TOUCH, "price": 110},
        {"best_bid": NO_BID},
        _own(ask=110),
        (C.DATA_SPREAD,),
    ),
    Case(
        C.SELF_MATCH,
        1,
        "a peg without an ask: its bound",
        {"type": PEG_TOUCH, "price": 90, "side": -1},
        {"best_ask": NO_ASK},
        _own(bid=90),
        (C.DATA_SPREAD,),
    ),
    *[
        Case(
            C.SELF_MATCH,
            hit,
            f"peg to the mid of 100 and {ask}, own ask {own}",
            {"type": PEG_MID, "price": 110},
            {"best_ask": ask},
            _own(ask=own),
        )
        for ask, own, hit in ((102, 101, 1), (102, 102, 0), (103, 101, 1), (103, 102, 0))
    ],
    *[
        Case(
            C.SELF_MATCH,
            hit,
            f"peg to the mid of 100 and {ask}, own bid {own}",
            {"type": PEG_MID, "price": 90, "side": -1},
            {"best_ask": ask},
            _own(bid=own),
        )
        for ask, own, hit in ((102, 101, 1), (102, 100, 0), (103, 101, 0), (103, 102, 1))
    ],
    Case(C.SELF_MATCH, 1, "a mid peg at its bound", {"type": PEG_MID, "price": 100}, change=_own(ask=100)),
    Case(C.SELF_MATCH, 0, "a mid peg below", {"type": PEG_MID, "price": 100}, change=_own(ask=101)),
    Case(
        C.SELF_MATCH,
        1,
        "a mid peg without a bid",
        {"type": PEG_MID, "price": 110},
        {"best_bid": NO_BID},
        _own(ask=110),
        (C.DATA_SPREAD,),
    ),
    Case(
        C.SELF_MATCH,
        1,
        "a mid peg without an ask",
        {"type": PEG_MID, "price": 110},
        {"best_ask": NO_ASK},
        _own(ask=110),
        (C.DATA_SPREAD,),
    ),
]

WORLD = [
    Case(C.DATA_AGE, 0.25, "a quarter of a second"),
    Case(C.DATA_AGE, 0, "now", market={"ts_market": NOW}),
    Case(C.DATA_AGE, math.nan, "later than now", market={"ts_market": NOW + 1}),
    Case(C.DATA_AGE, math.nan, "never", market={"ts_market": ABSENT}),
    Case(C.DATA_AGE, math.nan, "before time", {"now": 5}, {"ts_market": -1}),
    Case(C.DATA_AGE, 5e-9, "the first moment", {"now": 5}, {"ts_market": 0}),
    Case(C.DATA_JUMP, 0, "calm"),
    Case(C.DATA_JUMP, 3 * 10_000 / 202, "a tick and a half up", market={"jump2": 3}),
    Case(C.DATA_JUMP, 3 * 10_000 / 202, "and down", market={"jump2": -3}),
    Case(C.DATA_JUMP, math.nan, "unknown", market={"jump2": NO_PRICE}),
    Case(C.DATA_SPREAD, 4 * 10_000 / 202, "two ticks"),
    Case(C.DATA_SPREAD, 0, "locked", market={"best_bid": 102}),
    Case(C.DATA_SPREAD, math.nan, "no bid", market={"best_bid": NO_BID}),
    Case(C.DATA_SPREAD, math.nan, "no ask", market={"best_ask": NO_ASK}),
    Case(C.DATA_SPREAD, math.nan, "nobody", market={"best_bid": NO_BID, "best_ask": NO_ASK}),
    Case(C.DATA_CROSSED, 0, "locked", market={"best_bid": 102}),
    Case(C.DATA_CROSSED, 1, "crossed", market={"best_bid": 103}),
    Case(C.DATA_CROSSED, 1, "the feed says so", market={"crossed": 1}),
    Case(C.DATA_GAP, 1, "a gap", market={"gap": 2}),
    Case(C.CLOCK_SKEW, 0, "right"),
    Case(C.CLOCK_SKEW, 0.002, "slow", market={"clock_skew": 2_000_000}),
    Case(C.CLOCK_SKEW, 0.002, "fast", market={"clock_skew": -2_000_000}),
    Case(C.CLOCK_SKEW, math.nan, "unknown", market={"clock_skew": ABSENT}),
    Case(C.MODEL_AGE, 0, "no model", {"model_age": -1, "model_latency": -1, "model_bad": 1}),
    Case(C.MODEL_AGE, 0.3, "some time ago", {"model": 1, "model_age": 300_000_000}),
    Case(C.MODEL_AGE, math.nan, "never", {"model": 1, "model_age": -1}),
    Case(C.MODEL_LATENCY, 0, "no model", {"model_latency": 5}),
    Case(C.MODEL_LATENCY, 0.001, "a millisecond", {"model": 1, "model_latency": 1_000_000}),
    Case(C.MODEL_LATENCY, math.nan, "unknown", {"model": 1, "model_latency": -1}),
    Case(C.UNANSWERED, 0, "all answered"),
    Case(C.UNANSWERED, 0.002, "two milliseconds", {"unanswered": 2_000_000}),
    Case(C.UNANSWERED, math.nan, "unknown", {"unanswered": -1}),
    Case(C.MODEL_BAD, 1, "bad", {"model": 1, "model_bad": 3}),
    Case(C.MODEL_BAD, 0, "bad, but there is none", {"model_bad": 3}),
]
