"""The sharp cases of `tests.oracle.gate_cases` that need a history: positions, money, open orders, rates, latches."""

import math
from collections.abc import Callable

import numpy as np

from core.account.account import NO_MARK
from core.enums import OrderFlag
from core.records import DRAFT
from core.risk import hooks
from tests.oracle.gate_cases import NOW, ORDER, REPLACE, C, Case, Desk, S, held, then, working

_MONEY_UNKNOWN = (
    C.GROSS_NOTIONAL, C.NET_NOTIONAL, C.DESK_GROSS_NOTIONAL, C.DESK_NET_NOTIONAL, C.CONCENTRATION, C.BUYING_POWER,
)  # fmt: skip
_LOSS_UNKNOWN = (C.DAY_LOSS, C.DESK_DAY_LOSS, C.DRAWDOWN, C.DESK_DRAWDOWN)
_REDUCE = {"flags": int(OrderFlag.REDUCE_ONLY)}
_SELL = {"side": -1}


def _mark(instrument: int, mid2: int) -> Callable[[Desk], object]:
    return lambda desk: desk.mark(instrument, mid2)


def _but(control: C, *controls: C) -> tuple[C, ...]:
    return tuple(c for c in controls if c != control)


def _replaces(qty: int, old_leaves: int, old_price: int = 90, **more: int) -> dict[str, int]:
    return {"op": REPLACE, "qty": qty, "old_leaves": old_leaves, "old_price": old_price, **more}


POSITION = [
    Case(C.POSITION, 10, "flat"),
    Case(C.POSITION, 10, "flat, a sell", _SELL),
    Case(C.POSITION, 15, "long, a buy", change=held(0, 5)),
    Case(C.POSITION, 5, "long, a sell", _SELL, change=held(0, 5)),
    Case(C.POSITION, 14, "short, a sell", _SELL, change=held(0, -4)),
    Case(C.POSITION, 0, "shorter than the buy", change=held(0, -15)),
    Case(C.POSITION, 17, "with working buys", change=working(0, 1, 7)),
    Case(C.POSITION, 10, "without working sells", change=working(0, -1, 7)),
    Case(C.POSITION, 17, "a sell with working sells", _SELL, change=working(0, -1, 7)),
    Case(C.POSITION, 10, "without another's", change=then(working(1, 1, 7), held(1, 5))),
    Case(C.POSITION, 10, "without another instrument's", change=then(working(0, 1, 7, 90, 1), held(0, 5, 1))),
    Case(C.POSITION, 17, "the other instrument", {"instrument": 1}, change=working(0, 1, 7, 90, 1)),
    Case(C.POSITION, 12, "a replace counts what it changes", _replaces(5, 3), change=working(0, 1, 10)),
    Case(C.POSITION, 8, "also when it shrinks", _replaces(1, 3), change=working(0, 1, 10)),
    Case(C.DESK_POSITION, 10, "flat"),
    Case(C.DESK_POSITION, 18, "everybody's", change=then(held(0, 5), held(1, 3))),
    Case(C.DESK_POSITION, 12, "netted", change=then(held(0, 5), held(1, -3))),
    Case(C.DESK_POSITION, 14, "working too", change=then(working(0, 1, 1), working(1, 1, 3))),
    Case(C.DESK_POSITION, 13, "a sell", _SELL, change=then(working(1, -1, 3), working(1, 1, 9))),
    Case(C.DESK_POSITION, 0, "the desk is short", change=held(1, -15)),
    Case(C.REDUCE_ONLY, 1, "nothing to reduce", _REDUCE),
    Case(C.REDUCE_ONLY, 0, "all of it", _REDUCE, change=held(0, -10)),
    Case(C.REDUCE_ONLY, 1, "more than all of it", _REDUCE, change=held(0, -9)),
    Case(C.REDUCE_ONLY, 1, "it would grow", _REDUCE, change=held(0, 20)),
    Case(C.REDUCE_ONLY, 0, "a sell of all", _REDUCE | _SELL, change=held(0, 10)),
    Case(C.REDUCE_ONLY, 1, "a sell of more", _REDUCE | _SELL, change=held(0, 9)),
    Case(C.REDUCE_ONLY, 1, "with what works", _REDUCE, change=then(held(0, -10), working(0, 1, 1))),
    Case(C.REDUCE_ONLY, 0, "the other side works", _REDUCE, change=then(held(0, -10), working(0, -1, 1))),
    Case(
        C.REDUCE_ONLY,
        0,
        "instead of what works",
        _REDUCE | _replaces(10, 10),
        change=then(held(0, -10), working(0, 1, 10)),
    ),
    Case(C.REDUCE_ONLY, 1, "another's", _REDUCE, change=held(1, -10)),
    Case(C.REDUCE_ONLY, 1, "another instrument's", _REDUCE, change=held(0, -10, 1)),
]

_UNMARKED_OWN = then(_mark(0, NO_MARK))
_UNMARKED_OTHER = then(held(0, 1, 1), _mark(1, NO_MARK))
_OVER = {"qty": 2**40}
_OVERFLOWS = (*_MONEY_UNKNOWN, C.INSTRUMENT_NOTIONAL)

MONEY = [
    Case(C.NET_NOTIONAL, 10_100, "all prices below zero", change=_mark(0, -202)),
    Case(
        C.GROSS_NOTIONAL,
        math.inf,
        "too much together",
        {"qty": 2**40},
        change=then(working(0, 1, 2**40, 1, 1), _mark(0, 2**18), _mark(1, 2**19)),
        also=(C.NET_NOTIONAL, C.DESK_GROSS_NOTIONAL, C.DESK_NET_NOTIONAL, C.BUYING_POWER, C.CONCENTRATION),
    ),
    Case(C.GROSS_NOTIONAL, 10_100, "the order alone"),
    Case(C.GROSS_NOTIONAL, 10_100, "a sell alone", _SELL),
    Case(C.GROSS_NOTIONAL, 13_130, "with the other instrument", change=held(0, 5, 1)),
    Case(C.GROSS_NOTIONAL, 13_130, "short there", change=held(0, -5, 1)),
    Case(C.GROSS_NOTIONAL, 11_918, "working there", change=working(0, 1, 3, 90, 1)),
    Case(C.GROSS_NOTIONAL, 11_918, "working sells there", change=working(0, -1, 3, 90, 1)),
    Case(C.GROSS_NOTIONAL, 15_150, "long", change=held(0, 5)),
    Case(C.GROSS_NOTIONAL, 6_060, "through short to long", change=held(0, -4)),
    Case(C.GROSS_NOTIONAL, 8_080, "through short to less long", change=held(0, -8)),
    Case(C.GROSS_NOTIONAL, 0, "covered", change=held(0, -10)),
    Case(C.GROSS_NOTIONAL, 0, "covered, a sell", _SELL, change=held(0, 10)),
    Case(C.GROSS_NOTIONAL, 9_090, "not covered, a sell", _SELL, change=held(0, 9)),
    Case(C.GROSS_NOTIONAL, 20_200, "working sells are worse", change=working(0, -1, 20)),
    Case(C.GROSS_NOTIONAL, 20_200, "working buys are worse", _SELL, change=working(0, 1, 20)),
    Case(C.GROSS_NOTIONAL, 10_100, "another's", change=then(held(1, 5), working(1, 1, 5))),
    Case(C.GROSS_NOTIONAL, 13_130, "prices below zero", change=then(held(0, 5, 1), _mark(1, -202))),
    Case(C.GROSS_NOTIONAL, 5_050, "a replace", _replaces(5, 3), change=working(0, 1, 3)),
    Case(C.GROSS_NOTIONAL, 3, "half a tick", {"qty": 1, "instrument": 1}, change=_mark(1, 1)),
    Case(
        C.GROSS_NOTIONAL,
        math.nan,
        "no mark",
        change=_UNMARKED_OWN,
        also=(*_but(C.GROSS_NOTIONAL, *_MONEY_UNKNOWN), C.INSTRUMENT_NOTIONAL),
    ),
    Case(
        C.GROSS_NOTIONAL, math.inf, "too much", _OVER, change=_mark(0, 2**31), also=_but(C.GROSS_NOTIONAL, *_OVERFLOWS)
    ),
    Case(C.NET_NOTIONAL, math.inf, "too much", _OVER, change=_mark(0, 2**31), also=_but(C.NET_NOTIONAL, *_OVERFLOWS)),
    Case(C.CONCENTRATION, math.nan, "too much", _OVER, change=_mark(0, 2**31), also=_but(C.CONCENTRATION, *_OVERFLOWS)),
    Case(C.NET_NOTIONAL, 10_100, "the order alone"),
    Case(C.NET_NOTIONAL, 10_100, "a sell alone", _SELL),
    Case(C.NET_NOTIONAL, 13_130, "long there", change=held(0, 5, 1)),
    Case(C.NET_NOTIONAL, 7_070, "short there", change=held(0, -5, 1)),
    Case(C.NET_NOTIONAL, 12_120, "much shorter there", change=held(0, -20, 1)),
    Case(C.NET_NOTIONAL, 7_070, "a sell, long there", _SELL, change=held(0, 5, 1)),
    Case(
        C.NET_NOTIONAL,
        8_282,
        "sells working there are no help for the longs",
        change=then(held(0, -3, 1), working(0, -1, 3, 90, 1)),
    ),
    Case(C.NET_NOTIONAL, 7_070, "prices below zero", change=then(held(0, 5, 1), _mark(1, -202))),
    Case(C.NET_NOTIONAL, 0, "covered", change=held(0, -10)),
    Case(
        C.NET_NOTIONAL,
        math.nan,
        "no mark there",
        change=_UNMARKED_OTHER,
        also=(*_but(C.NET_NOTIONAL, *_MONEY_UNKNOWN), *_LOSS_UNKNOWN),
    ),
    Case(C.DESK_GROSS_NOTIONAL, 10_100, "the order alone"),
    Case(C.DESK_GROSS_NOTIONAL, 18_180, "everybody's", change=then(held(0, 5), held(1, 5, 1))),
    Case(C.DESK_GROSS_NOTIONAL, 0, "the desk is covered", change=held(1, -10)),
    Case(C.DESK_GROSS_NOTIONAL, 9_090, "nearly", change=held(1, -9)),
    Case(
        C.DESK_GROSS_NOTIONAL, 10_100, "the agent is covered, the desk is not", change=then(held(0, -10), held(1, 10))
    ),
    Case(C.DESK_NET_NOTIONAL, 10_100, "the order alone"),
    Case(C.DESK_NET_NOTIONAL, 7_070, "another's", change=held(1, -5, 1)),
    Case(C.DESK_NET_NOTIONAL, 0, "the desk is covered", change=held(1, -10)),
    Case(C.INSTRUMENT_NOTIONAL, 10_100, "the order alone"),
    Case(C.INSTRUMENT_NOTIONAL, 15_150, "another's", change=held(1, 5)),
    Case(C.INSTRUMENT_NOTIONAL, 10_100, "another instrument", change=held(1, 5, 1)),
    Case(C.INSTRUMENT_NOTIONAL, 6_060, "of the other instrument", {"instrument": 1}, change=held(1, 5)),
    Case(C.INSTRUMENT_NOTIONAL, 0, "the desk is covered", change=held(1, -10)),
    Case(
        C.INSTRUMENT_NOTIONAL,
        10_100,
        "another has no mark",
        change=_UNMARKED_OTHER,
        also=(*_MONEY_UNKNOWN, *_LOSS_UNKNOWN),
    ),
    Case(C.INSTRUMENT_NOTIONAL, math.nan, "no mark", change=_UNMARKED_OWN, also=_MONEY_UNKNOWN),
    Case(C.CONCENTRATION, 1, "all in one"),
    Case(C.CONCENTRATION, 10_100 / 13_130, "not all in one", change=held(1, 5, 1)),
    Case(C.CONCENTRATION, 0, "nothing at all", {"qty": 0}, also=(C.QTY_VALID,)),
    Case(C.CONCENTRATION, 0, "the desk is covered", change=then(held(1, -10), held(1, 5, 1))),
    Case(
        C.CONCENTRATION,
        math.nan,
        "no mark",
        change=_UNMARKED_OWN,
        also=(*_but(C.CONCENTRATION, *_MONEY_UNKNOWN), C.INSTRUMENT_NOTIONAL),
    ),
    Case(C.BUYING_POWER, 10_100, "the order alone"),
    Case(C.BUYING_POWER, 11_306, "with a loss of 600", change=held(0, 1, 1, 201)),
    Case(C.BUYING_POWER, 10_706, "with a gain of 600", change=held(0, 1, 1, 1)),
    Case(C.BUYING_POWER, 0, "covered", change=held(0, -10, 0, 1)),
    Case(
        C.BUYING_POWER,
        math.nan,
        "no mark there",
        change=_UNMARKED_OTHER,
        also=(*_but(C.BUYING_POWER, *_MONEY_UNKNOWN), *_LOSS_UNKNOWN),
    ),
    Case(C.DAY_LOSS, 0, "none"),
    Case(C.DAY_LOSS, 600, "a loss", change=held(0, 1, 1, 201)),
    Case(C.DAY_LOSS, 7, "a fee", change=held(0, 1, 1, 101, 7)),
    Case(C.DAY_LOSS, 0, "a gain", change=held(0, 1, 1, 1)),
    Case(C.DAY_LOSS, 0, "another's", change=held(1, 1, 1, 201)),
    Case(C.DAY_LOSS, 0, "covered", change=held(0, -10, 0, 1)),
    Case(C.DAY_LOSS, 10_000, "not covered", {"qty": 11}, change=held(0, -10, 0, 1)),
    Case(
        C.DAY_LOSS,
        math.nan,
        "not known",
        change=_UNMARKED_OTHER,
        also=(*_MONEY_UNKNOWN, *_but(C.DAY_LOSS, *_LOSS_UNKNOWN)),
    ),
    Case(
        C.DAY_LOSS,
        0,
        "not known, but covered: nothing denies, but the desk's money",
        change=then(held(0, -10), _UNMARKED_OTHER),
    ),
    Case(C.DESK_DAY_LOSS, 600, "another's", change=held(1, 1, 1, 201)),
    Case(C.DESK_DAY_LOSS, 0, "a gain", change=held(1, 1, 1, 1)),
    Case(C.DESK_DAY_LOSS, 0, "covered by the agent", change=then(held(1, 1, 1, 201), held(0, -10), held(1, 10))),
    Case(C.DESK_DAY_LOSS, 600, "covered by the desk alone", change=then(held(1, 1, 1, 201), held(1, -10))),
    Case(C.DRAWDOWN, 0, "none"),
    Case(C.DRAWDOWN, 600, "from the day's start", change=held(0, 1, 1, 201)),
    Case(C.DRAWDOWN, 600, "from the best", change=then(held(0, 1, 1, 1), _mark(1, 2))),
    Case(C.DRAWDOWN, 0, "a gain", change=held(0, 1, 1, 1)),
    Case(C.DRAWDOWN, 0, "another's", change=held(1, 1, 1, 201)),
    Case(C.DRAWDOWN, 0, "covered", change=held(0, -10, 0, 1)),
    Case(
        C.DRAWDOWN,
        math.nan,
        "not known",
        change=_UNMARKED_OTHER,
        also=(*_MONEY_UNKNOWN, *_but(C.DRAWDOWN, *_LOSS_UNKNOWN)),
    ),
    Case(C.DESK_DRAWDOWN, 600, "another's", change=then(held(1, 1, 1, 1), _mark(1, 202), _mark(1, 2))),
    Case(C.DESK_DRAWDOWN, 0, "covered by the agent", change=then(held(1, 1, 1, 201), held(0, -10), held(1, 10))),
    Case(
        C.DESK_DRAWDOWN,
        math.nan,
        "not known",
        change=_UNMARKED_OTHER,
        also=(*_MONEY_UNKNOWN, *_but(C.DESK_DRAWDOWN, *_LOSS_UNKNOWN)),
    ),
]


def _changed(before: int, after: int, agent: int = 0, side: int = 1, price: int = 90) -> Callable[[Desk], object]:
    return lambda desk: hooks.changed(desk.gate, agent, 0, side, price, before, after)


def _sent(times: int = 1, **changes: int) -> Callable[[Desk], object]:
    return lambda desk: desk.sent(times, **changes)


def _answered(**changes: int) -> Callable[[Desk], object]:
    def change(desk: Desk) -> None:
        draft = np.zeros(1, DRAFT)[0]
        for name, value in {**ORDER, "agent": 0, "op": REPLACE, **changes}.items():
            draft[name] = value
        hooks.answered(desk.gate, draft)

    return change


def _cancelled(agent: int, *times: int) -> Callable[[Desk], object]:
    return lambda desk: [hooks.cancelled(desk.gate, agent, time) for time in times]


def _filled(agent: int, side: int, *times: int, instrument: int = 0, qty: int = 2) -> Callable[[Desk], object]:
    return lambda desk: [hooks.filled(desk.gate, agent, instrument, side, qty, time) for time in times]


def _rejected(agent: int, times: int) -> Callable[[Desk], object]:
    return lambda desk: [hooks.rejected(desk.gate, agent) for _ in range(times)]


def _asked(*times: int, agent: int = 0) -> Callable[[Desk], object]:
    def change(desk: Desk) -> None:
        kept = dict(desk.order)
        for time in times:
            desk.order |= {"now": time, "agent": agent}
            desk.ask()
        desk.order = kept

    return change


_GROWS = {"agent": 0, "op": REPLACE, "qty": 8, "price": 100, "old_leaves": 3, "old_price": 90}
_SHRINKS = {"agent": 0, "op": REPLACE, "qty": 2, "price": 100, "old_leaves": 3, "old_price": 90}

OPEN = [
    Case(C.OPEN_ORDERS, 1, "the first"),
    Case(C.OPEN_ORDERS, 3, "the third", change=_sent(2, agent=0)),
    Case(C.OPEN_ORDERS, 2, "a replace is none", _replaces(5, 3), change=_sent(2, agent=0)),
    Case(C.OPEN_ORDERS, 1, "another's", change=_sent(2)),
    Case(C.OPEN_ORDERS, 2, "one is done", change=then(_sent(2, agent=0), _changed(3, 1), _changed(1, 0))),
    Case(C.OPEN_ORDERS, 2, "one came back", change=then(_sent(1, agent=0), _changed(3, 0), _changed(0, 3))),
    Case(C.DESK_OPEN_ORDERS, 3, "everybody's", change=then(_sent(1, agent=0), _sent(1, agent=1))),
    Case(C.DESK_OPEN_ORDERS, 2, "a replace is none", _replaces(5, 3), change=_sent(2, agent=0)),
    Case(C.OPEN_VALUE, 10_000, "the order alone"),
    Case(C.OPEN_VALUE, 12_700, "with another order", change=_sent(1, agent=0)),
    Case(C.OPEN_VALUE, 10_000, "another's", change=_sent(1)),
    Case(C.OPEN_VALUE, 11_800, "partly done", change=then(_sent(1, agent=0), _changed(3, 2))),
    Case(C.OPEN_VALUE, 10_000, "a replace counts instead", _replaces(10, 3), change=_sent(1, agent=0)),
    Case(C.OPEN_VALUE, 0, "never below nothing", _replaces(1, 3, 5_000), change=_sent(1, agent=0)),
    Case(
        C.OPEN_VALUE,
        18_000,
        "a replace on its way counts the larger",
        change=then(_sent(1, agent=0), _sent(1, **_GROWS)),
    ),
    Case(C.OPEN_VALUE, 12_700, "a smaller one on its way", change=then(_sent(1, agent=0), _sent(1, **_SHRINKS))),
    Case(C.OPEN_VALUE, 12_700, "and back", change=then(_sent(1, agent=0), _sent(1, **_GROWS), _answered(**_GROWS))),
    Case(
        C.OPEN_VALUE,
        12_700,
        "a smaller one and back",
        change=then(_sent(1, agent=0), _sent(1, **_SHRINKS), _answered(**_SHRINKS)),
    ),
    Case(
        C.OPEN_VALUE,
        math.inf,
        "too much",
        {"qty": 2**40, "price": 2**31 - 1},
        also=(C.ORDER_NOTIONAL, C.DESK_OPEN_VALUE),
    ),
    Case(
        C.OPEN_VALUE,
        math.inf,
        "too much, whatever goes",
        _replaces(2**40, 3, 5_000, price=2**31 - 1),
        change=_sent(1, agent=0),
        also=(C.ORDER_NOTIONAL, C.DESK_OPEN_VALUE),
    ),
    Case(C.DESK_OPEN_VALUE, 15_400, "everybody's", change=then(_sent(1, agent=0), _sent(1, agent=1))),
    Case(C.DESK_OPEN_VALUE, 8_700, "in the other instrument too", {"instrument": 1}, change=_sent(1)),
    Case(C.POSITION, 18, "a replace on its way counts the larger", change=then(_sent(1, agent=0), _sent(1, **_GROWS))),
    Case(C.POSITION, 13, "and a smaller one does not", change=then(_sent(1, agent=0), _sent(1, **_SHRINKS))),
    Case(C.POSITION, 13, "and back", change=then(_sent(1, agent=0), _sent(1, **_GROWS), _answered(**_GROWS))),
    Case(C.DAY_VOLUME, 10, "the order alone"),
    Case(C.DAY_VOLUME, 18, "traded both ways", change=then(held(0, 5), held(0, -3))),
    Case(C.DAY_VOLUME, 17, "working both ways", change=then(working(0, 1, 3), working(0, -1, 4))),
    Case(C.DAY_VOLUME, 12, "a replace", _replaces(5, 3), change=working(0, 1, 10)),
    Case(C.DAY_VOLUME, 10, "another instrument's", change=then(held(0, 5, 1), working(0, 1, 7, 90, 1))),
    Case(C.DAY_VOLUME, 10, "another's", change=then(held(1, 5), working(1, 1, 7))),
    Case(
        C.DESK_DAY_VOLUME, 27, "everybody's", change=then(held(1, 5), working(1, 1, 7), working(0, -1, 2), held(0, 3))
    ),
    Case(C.DESK_DAY_VOLUME, 12, "a replace", _replaces(5, 3), change=working(0, 1, 10)),
]

_JUST, _GONE = NOW - S + 1, NOW - S
_LONG, _LONG_GONE = NOW - 60 * S + 1, NOW - 60 * S

RATES = [
    Case(C.ORDER_TO_TRADE, 1, "the first"),
    Case(C.ORDER_TO_TRADE, 4, "three before", change=then(_sent(2, agent=0), _cancelled(0, NOW - 9 * S))),
    Case(C.ORDER_TO_TRADE, 4, "and a fill", change=then(_sent(3, agent=0), _filled(0, 1, NOW))),
    Case(C.ORDER_TO_TRADE, 2, "and two fills", change=then(_sent(3, agent=0), _filled(0, 1, NOW, NOW))),
    Case(C.ORDER_TO_TRADE, 1, "another's", change=_sent(3)),
    Case(C.MESSAGE_RATE, 1, "the first"),
    Case(C.MESSAGE_RATE, 3, "two within the second", change=then(_sent(1, agent=0, now=_JUST), _cancelled(0, NOW))),
    Case(C.MESSAGE_RATE, 2, "one of two", change=then(_sent(1, agent=0, now=_GONE), _sent(1, agent=0))),
    Case(C.MESSAGE_RATE, 1, "another's", change=_sent(3)),
    Case(
        C.DESK_MESSAGE_RATE, 4, "everybody's", change=then(_sent(1, now=_JUST), _sent(1, agent=0), _cancelled(1, NOW))
    ),
    Case(C.DESK_MESSAGE_RATE, 1, "long ago", change=_sent(3, now=_GONE)),
    Case(C.MESSAGE_HALT, 1, "the first"),
    Case(C.MESSAGE_HALT, 3, "two within the second", change=_asked(_JUST, NOW)),
    Case(C.MESSAGE_HALT, 2, "one of two", change=_asked(_GONE, _JUST)),
    Case(C.MESSAGE_HALT, 3, "cancels too", change=then(_asked(_JUST), _cancelled(0, NOW))),
    Case(C.MESSAGE_HALT, 1, "another's", change=_asked(NOW, NOW, agent=1)),
    Case(C.CANCEL_RATE, 0, "none"),
    Case(C.CANCEL_RATE, 1, "a replace", _replaces(5, 0)),
    Case(C.CANCEL_RATE, 2, "and one before", _replaces(5, 3), change=then(working(0, 1, 3), _cancelled(0, _JUST))),
    Case(C.CANCEL_RATE, 2, "cancels", change=_cancelled(0, _GONE, _JUST, NOW)),
    Case(C.CANCEL_RATE, 1, "replaces", change=then(_sent(1, agent=0), _sent(1, **_GROWS))),
    Case(C.CANCEL_RATE, 0, "another's", change=_cancelled(1, NOW)),
    Case(C.REPEATED_EXECUTION, 0, "none"),
    Case(C.REPEATED_EXECUTION, 2, "two within the minute", change=_filled(0, 1, _LONG_GONE, _LONG, NOW)),
    Case(C.REPEATED_EXECUTION, 0, "the other side", change=_filled(0, -1, NOW)),
    Case(C.REPEATED_EXECUTION, 1, "a sell", _SELL, change=_filled(0, -1, NOW)),
    Case(C.REPEATED_EXECUTION, 0, "another instrument", change=_filled(0, 1, NOW, instrument=1)),
    Case(
        C.REPEATED_EXECUTION, 1, "of the other instrument", {"instrument": 1}, change=_filled(0, 1, NOW, instrument=1)
    ),
    Case(C.REPEATED_EXECUTION, 0, "another's", change=_filled(1, 1, NOW)),
    Case(C.REPEATED_EXECUTION, 1, "of another", {"agent": 1}, change=_filled(1, 1, NOW)),
    Case(
        C.REPEATED_EXECUTION, 1, "fills of nothing", change=then(_filled(0, 1, NOW, qty=0), _filled(0, 1, NOW, qty=1))
    ),
    Case(C.CONSECUTIVE_REJECTS, 0, "none"),
    Case(C.CONSECUTIVE_REJECTS, 2, "two", change=_rejected(0, 2)),
    Case(C.CONSECUTIVE_REJECTS, 0, "another's", change=_rejected(1, 2)),
    Case(
        C.CONSECUTIVE_REJECTS,
        1,
        "after one accepted",
        change=then(_rejected(0, 2), lambda d: hooks.accepted(d.gate, 0), _rejected(0, 1)),
    ),
    Case(C.CONSECUTIVE_REJECTS, 0, "after a fill", change=then(_rejected(0, 2), _filled(0, 1, NOW))),
    Case(C.KILLED, 1, "the desk", change=lambda d: d.gate.top.__setitem__("killed_desk", 1)),
    Case(C.KILLED, 1, "the agent", change=lambda d: d.gate.rows[0].__setitem__("killed", 1)),
    Case(C.KILLED, 0, "another", change=lambda d: d.gate.rows[1].__setitem__("killed", 1)),
    Case(C.KILLED, 1, "the instrument", change=lambda d: d.gate.killed_instruments.__setitem__(0, 1)),
    Case(C.KILLED, 0, "another instrument", change=lambda d: d.gate.killed_instruments.__setitem__(1, 1)),
    *[
        Case(
            C.KILLED,
            used == 2,
            f"{used} orders",
            change=then(
                lambda d: d.gate.killed_orders.__setitem__(slice(0, 2), [7, 50]),
                lambda d, n=used: d.gate.top.__setitem__("killed_orders", n),
            ),
        )
        for used in (0, 1, 2)
    ],
    Case(
        C.KILLED,
        1,
        "the first of two orders",
        change=then(
            lambda d: d.gate.killed_orders.__setitem__(slice(0, 2), [50, 7]),
            lambda d: d.gate.top.__setitem__("killed_orders", 2),
        ),
    ),
    Case(C.AGENT_HALTED, 1, "halted", change=lambda d: d.gate.rows[0].__setitem__("halted", 1)),
    Case(C.AGENT_HALTED, 0, "another is", change=lambda d: d.gate.rows[1].__setitem__("halted", 1)),
    Case(
        C.AGENT_HALTED,
        0,
        "enabled again",
        change=then(lambda d: d.gate.rows[0].__setitem__("halted", 1), lambda d: hooks.enable(d.gate, 0)),
    ),
]
