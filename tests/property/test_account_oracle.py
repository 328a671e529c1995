"""The accounts agree with the slow ones, and money adds up exactly after every fill and every mark."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.account.account import (
    MOST_LOTS,
    NO_MARK,
    NO_MONEY,
    Account,
    drawdown,
    mark,
    new_account,
    pnl,
    settle,
    share,
    unrealised,
)
from core.account.money import BPS_UNITS, MOST_MONEY, fee, money_scale, notional
from core.plan import FeePlan
from core.records import MAX_QTY
from tests.oracle.account import OracleAccount

AGENTS, TICK_VALUES = 2, [10_000, 14]
PRICES = st.one_of(st.integers(95, 105), st.integers(-3, 3), st.integers(-(2**31) + 1, 2**31 - 1))
LOTS = st.one_of(st.integers(1, 7), st.sampled_from([2**30, 2**31, MAX_QTY]), st.integers(1, MAX_QTY))
FEES = st.integers(-50, 50)
FILLS = st.tuples(
    st.just("fill"), st.integers(0, 1), st.integers(0, 1), st.sampled_from([1, -1]), PRICES, LOTS, FEES
)  # fmt: skip
MIDS = st.one_of(st.integers(190, 210), st.integers(-5, 5), st.integers(-(2**32) + 2, 2**32 - 2), st.none())
MARKS = st.tuples(st.just("mark"), st.integers(0, 1), MIDS)


def assert_same(account: Account, slow: OracleAccount) -> None:
    for row, who in ((0, 0), (1, 1), (2, "desk")):
        held = [slow.position[who, i] for i in (0, 1)]
        assert account.position[row].tolist() == held
        assert account.cost[row].tolist() == [slow.cost[who, i] for i in (0, 1)]
        assert account.volume[row].tolist() == [slow.volume[who, i] for i in (0, 1)]
        assert account.cash[row] == slow.cash[who] and account.fees[row] == slow.fees[who]
        assert account.realised[row] == slow.realised[who] and account.peak[row] == slow.peak[who]
        for mine, theirs in (
            (unrealised(account, row), slow.unrealised(who)),
            (pnl(account, row), slow.pnl(who)),
            (drawdown(account, row), slow.drawdown(who)),
        ):
            assert mine == (NO_MONEY if theirs is None else theirs)
        if slow.worth(who) is not None:  # the identity, from the arrays alone
            worth = sum(
                Fraction(int(account.position[row, i]) * int(account.mark2[i]) * TICK_VALUES[i], 2)
                for i in (0, 1)
                if held[i]
            )
            total = int(account.realised[row]) + unrealised(account, row) - int(account.fees[row])
            assert int(account.cash[row]) + worth == total


@given(st.lists(st.one_of(FILLS, FILLS, MARKS), max_size=25))
@settings(max_examples=300)
@example([("fill", 0, 0, 1, 3, 2, 0), ("fill", 0, 0, 1, 4, 1, 0), ("fill", 0, 0, -1, 4, 2, 0)])
def test_accounts_agree_and_add_up(acts: list[tuple[object, ...]]) -> None:
    account = new_account(AGENTS, 2, np.array(TICK_VALUES))
    slow = OracleAccount(TICK_VALUES)
    slow.owners |= {0, 1}
    for act in acts:
        if act[0] == "mark":
            _, instrument, mid2 = act
            fits = mark(account, instrument, NO_MARK if mid2 is None else mid2)
            slow.mark(instrument, mid2 if fits else None)
        elif settle(account, *act[1:]):
            slow.settle(*act[1:])
        assert_same(account, slow)
        for array in (account.cash, account.fees, account.realised, account.value, account.open_cost, account.cost):
            assert np.abs(array).max() < MOST_MONEY
        assert np.abs(account.position).max() < MOST_LOTS and account.volume.max() < MOST_LOTS


@given(st.lists(FILLS, min_size=1, max_size=12))
@settings(max_examples=200)
def test_a_refused_fill_changes_nothing(acts: list[tuple[object, ...]]) -> None:
    account = new_account(AGENTS, 2, np.array(TICK_VALUES))
    mark(account, 0, 2**31)
    for act in acts:
        before = [array.copy() for array in account]
        if not settle(account, *act[1:]):
            assert all(np.array_equal(a, b) for a, b in zip(account, before, strict=True))


@given(
    st.one_of(st.integers(-100, 100), st.integers(-MOST_MONEY, MOST_MONEY)),
    st.one_of(st.integers(1, 9), st.integers(1, MOST_LOTS)),
    st.integers(0, 100),
)
@settings(max_examples=400)
@example(MOST_MONEY, MOST_LOTS, 100)
@example(-MOST_MONEY, MOST_LOTS - 1, 50)
@example(-1, MOST_LOTS, 99)
@example(7, 2**31, 50)
@example(7, 2**31 - 1, 50)
def test_share_is_the_floor_of_the_exact_part(cost: int, of: int, percent: int) -> None:
    lots = of * percent // 100
    assert share(cost, lots, of) == cost * lots // of


@given(PRICES, st.one_of(LOTS, st.just(0)), st.sampled_from([1, 7, 10_000, 2**53]))
@settings(max_examples=200)
def test_notional_is_exact_or_too_much(price: int, qty: int, tick_value: int) -> None:
    exact = abs(price) * qty * tick_value
    assert notional(price, qty, tick_value) == min(exact, MOST_MONEY)


@given(
    st.integers(-10_000, 10_000),
    st.integers(-BPS_UNITS, BPS_UNITS),
    st.one_of(st.integers(-30_000, 30_000), st.integers(-(2**31), 2**31)),
    st.one_of(st.integers(1, 10_000), st.integers(1, MAX_QTY)),
    st.booleans(),
)
@settings(max_examples=400)
@example(0, BPS_UNITS // 2, 1, 1, True)
@example(0, -BPS_UNITS // 2, 1, 1, True)
@example(0, BPS_UNITS // 2 - 1, 1, 1, True)
def test_fees_are_exact_and_rounded_away_from_zero(per_lot: int, rate: int, price: int, qty: int, maker: bool) -> None:
    table = np.array([[per_lot, 0, rate, 0] if maker else [0, per_lot, 0, rate]])
    value = abs(price) * qty
    charged = fee(table, 0, int(maker), price, qty, 1)
    if value >= MOST_MONEY // 2 or abs(per_lot) * qty >= MOST_MONEY // 2:
        assert charged == MOST_MONEY
    else:
        part = Fraction(value * abs(rate), BPS_UNITS)
        rounded = (2 * part.numerator + part.denominator) // (2 * part.denominator)
        assert charged == per_lot * qty + (rounded if rate >= 0 else -rounded)
        assert fee(table, 0, int(not maker), price, qty, 1) == 0


def test_scale_of_equities_futures_and_coins() -> None:
    shares, index, coin = Decimal("0.01"), Decimal("12.50"), Decimal("0.01") * Decimal("0.00000001")
    assert money_scale([shares], [FeePlan()]).digits == 6
    assert money_scale([index], [FeePlan()]).tick_value.tolist() == [12_500_000]
    scale = money_scale([shares, coin], [FeePlan(maker_bps="-0.25"), FeePlan(taker_per_lot="0.0000000029")])
    assert scale.digits == 11 and scale.tick_value.tolist() == [10**9, 10]
    assert scale.fees.tolist() == [[0, 0, -25_000, 0], [0, 290, 0, 0]]
    assert scale.natural(123) == Decimal("0.00000000123") and scale.units(2.5) == 2.5e11
