"""Accounts by hand: opening, adding, closing, turning, marks, peaks, and what is refused."""

import numpy as np
import pytest

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
    unrealised,
)
from core.account.money import MOST_MONEY, fee, money_scale
from core.errors import ConfigError
from core.plan import FeePlan
from core.records import MAX_QTY


def one() -> Account:
    """Two agents, one instrument whose tick of one lot is worth 10 units."""
    return new_account(2, 1, np.array([10]))


def test_a_long_that_closes_in_parts_by_average_cost() -> None:
    account = one()
    assert settle(account, 0, 0, 1, 100, 2, 7) and settle(account, 0, 0, 1, 103, 1, 7)
    assert account.cost[0, 0] == 3_030 and account.cash[0] == -3_044
    assert settle(account, 0, 0, -1, 105, 1, 7)
    assert account.realised[0] == 1_050 - 1_010 and account.cost[0, 0] == 2_020 and account.fees[0] == 21
    assert mark(account, 0, 211)
    assert unrealised(account, 0) == 2 * 1_055 - 2_020 and pnl(account, 0) == 40 + 90 - 21
    assert account.volume[0, 0] == 4 and account.position[0, 0] == 2


def test_the_rest_of_a_division_stays_with_what_is_open() -> None:
    account = new_account(1, 1, np.array([2]))
    for price in (100, 100, 101):
        settle(account, 0, 0, 1, price, 1, 0)
    settle(account, 0, 0, -1, 100, 1, 0)  # 602 / 3 = 200.67: 200 go, 402 stay
    assert account.cost[0, 0] == 402 and account.realised[0] == 0
    settle(account, 0, 0, -1, 100, 2, 0)
    assert account.cost[0, 0] == 0 and account.realised[0] == -2
    for price in (100, 100, 101):
        settle(account, 0, 0, -1, price, 1, 0)
    settle(account, 0, 0, 1, 100, 1, 0)  # -602 / 3: the floor is -201
    assert account.cost[0, 0] == -401 and account.realised[0] == -2 + 1


def test_a_fill_that_turns_the_position() -> None:
    account = one()
    settle(account, 0, 0, 1, 100, 3, 0)
    settle(account, 0, 0, -1, 102, 5, 0)
    assert account.position[0, 0] == -2 and account.cost[0, 0] == -2_040 and account.realised[0] == 60
    settle(account, 0, 0, 1, 101, 2, 0)
    assert account.position[0, 0] == 0 and account.cost[0, 0] == 0 and account.realised[0] == 80


def test_the_desk_is_the_sum_of_its_agents() -> None:
    account = one()
    mark(account, 0, 200)
    settle(account, 0, 0, 1, 100, 5, 3)
    settle(account, 1, 0, -1, 101, 5, 4)
    mark(account, 0, 205)
    for array in (account.position, account.cost, account.volume, account.cash, account.fees, account.realised):
        assert np.array_equal(array[2], array[0] + array[1])
    assert pnl(account, 2) == pnl(account, 0) + pnl(account, 1) == 50 - 7
    assert unrealised(account, 2) == 50 and account.position[2, 0] == 0


def test_no_mark_no_profit() -> None:
    account = one()
    assert pnl(account, 0) == 0 == drawdown(account, 0)
    settle(account, 0, 0, 1, 100, 1, 5)
    assert pnl(account, 0) == unrealised(account, 0) == drawdown(account, 0) == NO_MONEY and pnl(account, 1) == 0
    assert pnl(account, 2) == NO_MONEY
    assert mark(account, 0, 204) and pnl(account, 0) == 15 and account.peak.tolist() == [15, 0, 15]
    assert mark(account, 0, NO_MARK) and pnl(account, 0) == NO_MONEY
    settle(account, 0, 0, -1, 100, 1, 5)
    assert pnl(account, 0) == -10 and drawdown(account, 0) == 25


def test_peaks_are_seen_at_marks_and_fills() -> None:
    account = one()
    settle(account, 0, 0, 1, 100, 1, 0)
    for mid2, peak, down in ((210, 50, 0), (206, 50, 20), (190, 50, 100), (212, 60, 0)):
        mark(account, 0, mid2)
        assert account.peak[0] == peak and drawdown(account, 0) == down
    settle(account, 0, 0, -1, 120, 1, 0)
    assert account.peak[0] == 200 == pnl(account, 0)


@pytest.mark.parametrize(
    "fill",
    [(-1, 0, 1, 1, 1, 0), (2, 0, 1, 1, 1, 0), (0, -1, 1, 1, 1, 0), (0, 1, 1, 1, 1, 0), (0, 0, 0, 1, 1, 0),
     (0, 0, 2, 1, 1, 0), (0, 0, 1, 1, 0, 0), (0, 0, 1, 1, -1, 0), (0, 0, 1, 1, MAX_QTY + 1, 0),
     (0, 0, 1, 2**31 - 1, MAX_QTY, 0), (0, 0, 1, 1, 1, MOST_MONEY), (0, 0, 1, 1, 1, -MOST_MONEY)],
)  # fmt: skip
def test_fills_that_make_no_sense_are_refused(fill: tuple[int, ...]) -> None:
    account = one()
    assert not settle(account, *fill)
    assert all(not array.any() for array in account[:10])


def test_sums_stay_inside_their_bounds() -> None:
    account = one()
    for row in (0, 2):
        account.position[row, 0], account.unmarked[row] = MOST_LOTS - 2 * MAX_QTY, 1
    assert settle(account, 0, 0, 1, 0, MAX_QTY, 0) and not settle(account, 0, 0, 1, 0, MAX_QTY, 0)
    assert account.position[:, 0].tolist() == [MOST_LOTS - MAX_QTY, 0, MOST_LOTS - MAX_QTY]
    assert not mark(account, 0, 2**31) and account.mark2[0] == NO_MARK and pnl(account, 0) == NO_MONEY
    assert mark(account, 0, 0) and pnl(account, 0) == 0


def test_a_mark_that_does_not_fit_takes_the_old_one_away() -> None:
    account = one()
    settle(account, 0, 0, 1, 1, MAX_QTY, 0)
    assert mark(account, 0, 4) and pnl(account, 0) == 10 * MAX_QTY
    assert not mark(account, 0, 2**30) and pnl(account, 0) == NO_MONEY and pnl(account, 1) == 0
    assert account.value.tolist() == [0, 0, 0] and account.unmarked.tolist() == [1, 0, 1]


@pytest.mark.parametrize("values", [[], [10, 10], [0], [-2], [7]])
def test_tick_values_are_positive_and_even(values: list[int]) -> None:
    with pytest.raises(ConfigError, match="positive even tick values"):
        new_account(1, 1, np.array(values, np.int64))


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (FeePlan(maker_per_lot="x"), "fees.maker_per_lot: 'x' is not a decimal number"),
        (FeePlan(taker_per_lot="nan"), "fees.taker_per_lot: 'nan' is not a usable number"),
        (FeePlan(taker_per_lot="1e99"), "fees.taker_per_lot: '1e99' is not a usable number"),
        (FeePlan(maker_bps="0.000001"), "fees.maker_bps: 0.000001 has more than five decimals"),
        (FeePlan(taker_bps="10001"), "fees.taker_bps: 10001 is more than the whole notional"),
        (FeePlan(maker_per_lot="0.0000000000000000001"), "money: 19 decimals are needed"),
        (FeePlan(maker_per_lot="99999999999"), "they do not fit"),
    ],
)
def test_bad_fees_are_named(plan: FeePlan, words: str) -> None:
    from decimal import Decimal

    with pytest.raises(ConfigError) as caught:
        money_scale([Decimal("0.01")], [plan])
    assert words in str(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_bad_tick_values_are_named(value: str) -> None:
    from decimal import Decimal

    with pytest.raises(ConfigError, match="not a positive number"):
        money_scale([Decimal(value)], [FeePlan()])


def test_maker_and_taker_fees() -> None:
    from decimal import Decimal

    scale = money_scale([Decimal("0.01")], [FeePlan("-0.002", "0.003", "0.5", "1.00001")])
    tick = int(scale.tick_value[0])
    assert fee(scale.fees, 0, 1, 22_000, 100, tick) == -200_000 + 1_100_000
    assert fee(scale.fees, 0, 0, 22_000, 100, tick) == 300_000 + 2_200_022
