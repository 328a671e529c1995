"""Flattening: positions larger than an order may be are closed with several, and what is left is said."""

from pathlib import Path

import pytest

from core.desk.acts import DESK
from core.desk.desk import Desk
from core.desk.flatten import flatten
from core.enums import Action, EventKind, OperatorAct, OrderType, TimeInForce
from core.risk.controls import Control
from core.risk.limits import changed
from tests.oracle.venue_sessions import (
    BUY,
    SECOND,
    SELL,
    Script,
    by_hand,
    events_of,
    fills_of,
    order,
    played,
    session,
    stored,
)  # fmt: skip

ADD, DELETE = Action.ADD, Action.DELETE
#: Bids 100 x 5, 99 x 7; asks 102 x 4, 103 x 6, 104 x 8; a last message at second 60 keeps the session open.
MARKET = (
    (0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, BUY, 2, 7, 99), (0.0, ADD, SELL, 3, 4, 102), (0.0, ADD, SELL, 4, 6, 103),
    (0.0, ADD, SELL, 5, 8, 104),
)  # fmt: skip
LAST = (60.0, ADD, BUY, 99, 1, 90)


def holding(tmp_path: Path, lots: int, *lines: tuple[float, Action, int, int, int, int]) -> Desk:
    """A desk whose agent has bought so many lots."""
    tape = stored(by_hand(*MARKET, *lines, LAST), tmp_path / "m.tape")
    buys = order(BUY, lots, 110, OrderType.MARKET, TimeInForce.IOC)
    desk = session([tape], {"a": Script([buys])})
    desk.advance(tape.meta.first_ts + 5 * SECOND)
    assert int(desk.account.position[0, 0]) == lots
    return desk


def limit(desk: Desk, **limits: float) -> None:
    """Let other limits count from now on."""
    for control, value in limits.items():
        desk.set_limits(changed(desk.limits, "desk", control, value, "ann", "a test", desk.clock))


@pytest.mark.parametrize(("control", "value", "sizes"), [
    ("order_qty", 4.0, [3, 3, 3, 1]), ("order_notional", 450.0, [4, 4, 2]), ("depth_share", 0.5, [5, 5]),
    ("order_qty", float("inf"), [10]),
])  # fmt: skip
def test_a_position_above_what_an_order_may_be_is_closed(
    tmp_path: Path, control: str, value: float, sizes: list[int]
) -> None:
    desk = holding(tmp_path, 10)
    before = len(fills_of(desk))
    limit(desk, **{control: value})
    done = flatten(desk, 0)
    played(desk)
    assert int(desk.account.position[0, 0]) == 0
    assert (done.orders, done.refused) == (len(sizes), "")
    orders = desk.recorder.records("orders")[1:]
    assert orders["qty"].tolist() == sizes
    assert sum(qty for _, _, qty, _ in fills_of(desk)[before:]) == 10
    told = desk.recorder.records("events")
    acts = told[(told["kind"] == EventKind.OPERATOR) & (told["detail"] == OperatorAct.FLATTEN)]
    assert acts["qty"].tolist() == [len(sizes)]


@pytest.mark.parametrize(("limits", "sent", "words"), [
    ({"order_qty": 4.0, "duplicate": 2.0}, 2, "1 denied: 4 lots of a are left"),
    ({"order_qty": 1.0}, 0, "1 denied: 10 lots of a are left"),
    ({"message_rate": 3.0, "order_qty": 3.0}, 2, "1 denied: 6 lots of a are left"),
])  # fmt: skip
def test_what_the_gate_keeps_back_is_said_and_only_what_left_is_counted(
    tmp_path: Path, limits: dict[str, float], sent: int, words: str
) -> None:
    desk = holding(tmp_path, 10)
    limit(desk, **limits)
    done = flatten(desk, DESK)
    assert (done.orders, done.refused) == (sent, words)
    played(desk)
    assert f" {int(desk.account.position[0, 0])} lots" in words
    assert len(events_of(desk, EventKind.DENIED)) == 1


def test_without_a_market_nothing_is_sent(tmp_path: Path) -> None:
    desk = holding(tmp_path, 3, (4.0, DELETE, BUY, 1, 5, 100), (4.0, DELETE, BUY, 2, 7, 99))
    done = flatten(desk, 0)
    assert (done.orders, done.refused) == (0, "there is no market: 3 lots of a are left")


def test_without_a_limit_it_is_denied_once(tmp_path: Path) -> None:
    desk = holding(tmp_path, 3)
    desk.gate.thresholds[0, 0, :, Control.ORDER_QTY] = float("nan")
    done = flatten(desk, 0)
    assert (done.orders, done.refused) == (0, "1 denied: 3 lots of a are left")
