"""What a risk panel shows: the standing use of each limit, without an order and without exemptions."""

import math

import pytest

from core.account.account import NO_MARK
from core.risk import hooks
from core.risk.controls import Control
from core.risk.usage import DESK, Use, usage
from tests.oracle.gate_cases import NOW, Desk, S


def uses(desk: Desk, now: int = NOW) -> dict[tuple[Control, int, int], Use]:
    found = usage(desk.gate, desk.account, now)
    assert len({(u.control, u.agent, u.instrument) for u in found}) == len(found) == 2 * (11 + 2 * 3) + 7 + 2 * 4
    return {(u.control, u.agent, u.instrument): u for u in found}


def test_an_empty_desk_is_calm() -> None:
    assert {(u.value, u.stage) for u in uses(Desk()).values()} == {(0.0, 0)}


def test_what_stands_is_what_is_shown() -> None:
    desk = Desk()
    desk.fill(0, 1, 5, 201)
    desk.fill(1, -1, 2, 101, instrument=1)
    desk.sent(2, agent=0, side=-1, qty=8, price=110)
    hooks.cancelled(desk.gate, 0, NOW)
    hooks.filled(desk.gate, 0, 0, 1, 5, NOW)
    hooks.rejected(desk.gate, 1)
    found = {key: use.value for key, use in uses(desk).items() if use.value}
    assert found == {
        (Control.GROSS_NOTIONAL, 0, DESK): 11 * 1_010,
        (Control.NET_NOTIONAL, 0, DESK): 11 * 1_010,
        (Control.BUYING_POWER, 0, DESK): 11 * 1_010 + 5_000,
        (Control.DAY_LOSS, 0, DESK): 5_000,
        (Control.DRAWDOWN, 0, DESK): 5_000,
        (Control.OPEN_ORDERS, 0, DESK): 2,
        (Control.OPEN_VALUE, 0, DESK): 17_600,
        (Control.ORDER_TO_TRADE, 0, DESK): 3,
        (Control.MESSAGE_RATE, 0, DESK): 3,
        (Control.CANCEL_RATE, 0, DESK): 1,
        (Control.POSITION, 0, 0): 11,
        (Control.DAY_VOLUME, 0, 0): 21,
        (Control.REPEATED_EXECUTION, 0, 0): 1,
        (Control.GROSS_NOTIONAL, 1, DESK): 1_212,
        (Control.NET_NOTIONAL, 1, DESK): 1_212,
        (Control.BUYING_POWER, 1, DESK): 1_212,
        (Control.CONSECUTIVE_REJECTS, 1, DESK): 1,
        (Control.POSITION, 1, 1): 2,
        (Control.DAY_VOLUME, 1, 1): 2,
        (Control.DESK_GROSS_NOTIONAL, DESK, DESK): 12_322,
        (Control.DESK_NET_NOTIONAL, DESK, DESK): 12_322,
        (Control.DESK_DAY_LOSS, DESK, DESK): 5_000,
        (Control.DESK_DRAWDOWN, DESK, DESK): 5_000,
        (Control.DESK_OPEN_ORDERS, DESK, DESK): 2,
        (Control.DESK_OPEN_VALUE, DESK, DESK): 17_600,
        (Control.DESK_MESSAGE_RATE, DESK, DESK): 3,
        (Control.DESK_POSITION, DESK, 0): 11,
        (Control.INSTRUMENT_NOTIONAL, DESK, 0): 11_110,
        (Control.CONCENTRATION, DESK, 0): 11_110 / 12_322,
        (Control.DESK_DAY_VOLUME, DESK, 0): 21,
        (Control.DESK_POSITION, DESK, 1): 2,
        (Control.INSTRUMENT_NOTIONAL, DESK, 1): 1_212,
        (Control.CONCENTRATION, DESK, 1): 1_212 / 12_322,
        (Control.DESK_DAY_VOLUME, DESK, 1): 2,
    }
    assert uses(desk, NOW + S)[Control.MESSAGE_RATE, 0, DESK].value == 0


@pytest.mark.parametrize(
    ("limit", "stage"), [(21, 0), (20, 1), (13, 2), (11, 3), (10, 4), (math.nan, 4), (math.inf, 0)]
)
def test_stages(limit: float, stage: int) -> None:
    desk = Desk()
    desk.fill(0, 1, 10)
    desk.limit(Control.POSITION, limit)
    use = uses(desk)[Control.POSITION, 0, 0]
    assert use.stage == stage and (use.used == 10 / limit or math.isnan(use.used))


def test_the_strictest_limit_is_shown_and_a_missing_mark_is_a_breach() -> None:
    desk = Desk()
    desk.limit(Control.DAY_LOSS, 50, 0, 1)
    desk.limit(Control.DAY_LOSS, 70, 0, 0)
    assert uses(desk)[Control.DAY_LOSS, 0, DESK].limit == 50
    desk.fill(0, 1, 10)
    desk.mark(0, NO_MARK)
    use = uses(desk)[Control.DAY_LOSS, 0, DESK]
    assert math.isnan(use.value) and use.stage == 4 and math.isnan(use.used)
    assert math.isnan(uses(desk)[Control.CONCENTRATION, DESK, 0].value)
