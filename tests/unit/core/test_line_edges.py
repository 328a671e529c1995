"""Where a session is easily wrong: its end, halts, fast cancels, replaces that lie, windows, marks, two tapes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.account.account import unrealised
from core.desk import acts
from core.desk.desk import Desk
from core.enums import Action, EventKind, Op, OrderFlag, OrderStatus, OrderType, Reason, Rung, Status
from core.plan import AgentPlan, LatencyModel, LatencyPlan, LimitPlan, ParentPlan
from core.policies.intent import Intent
from core.policies.shown import View
from core.risk.controls import Control
from core.transport import Ticket
from tests.oracle.venue_cases import START
from tests.oracle.venue_sessions import (
    BUY,
    SECOND,
    SELL,
    Always,
    Script,
    by_hand,
    fills_of,
    order,
    played,
    session,
    stored,
    unlimited,
)  # fmt: skip

ADD, DELETE, STATUS, TRADE = Action.ADD, Action.DELETE, Action.STATUS, Action.TRADE
MARKET = (
    (0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, BUY, 2, 7, 99),
    (0.0, ADD, SELL, 3, 4, 102), (0.0, ADD, SELL, 4, 6, 103), (0.0, ADD, SELL, 5, 8, 104),
)  # fmt: skip
LAST = (60.0, ADD, BUY, 99, 1, 90)
HALT, GO = (2.5, STATUS, 0, 0, int(Status.HALTED), 0), (30.0, STATUS, 0, 0, int(Status.TRADING), 0)


def replaced(order_id: int, qty: int, price: int, **more: Any) -> Callable[[View], Intent]:
    """A step that replaces an order."""
    return lambda view: Intent(op=Op.REPLACE, side=BUY, qty=qty, price=price, order_id=order_id, **more)


def opened(folder: Path, steps: list[Any], *lines: Any, **more: Any) -> Desk:
    """A desk with one agent that takes these steps, one a second."""
    tape = stored(by_hand(*MARKET, *lines, LAST), folder / "m.tape")
    return session([tape], {"a": Script(steps)}, **more)


def run(folder: Path, steps: list[Any], *lines: Any, **more: Any) -> Desk:
    return played(opened(folder, steps, *lines, **more))


def events(desk: Desk, *kinds: EventKind) -> list[tuple[EventKind, int, Reason]]:
    """Kind, order and reason of the events of some kinds."""
    found = desk.recorder.records("events")
    return [
        (EventKind(int(e["kind"])), int(e["order_id"]), Reason(int(e["reason"]))) for e in found if e["kind"] in kinds
    ]


def orders(desk: Desk) -> list[tuple[int, OrderStatus, Reason]]:
    """Id, end and reason of the orders that are over."""
    found = desk.recorder.records("orders")
    return [(int(o["order_id"]), OrderStatus(int(o["status"])), Reason(int(o["reason"]))) for o in found]


def limits(**more: float) -> LimitPlan:
    return LimitPlan(scopes={"desk": {**unlimited().scopes["desk"], **more}})


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("price", [98, 102])
def test_an_order_under_way_at_the_end_expires(tmp_path: Path, price: int) -> None:
    desk = run(tmp_path, [order(BUY, 3, price)], delays=(0, 20 * SECOND, 0), end=START + 10 * SECOND)
    assert orders(desk) == [(1, OrderStatus.EXPIRED, Reason.SESSION_END)]
    assert fills_of(desk) == [] and int(desk.lines[0].venue.top[0]["working"]) == 0


def test_nobody_trades_after_the_end(tmp_path: Path) -> None:
    desk = opened(tmp_path, [None] * 100, end=START + 10 * SECOND)
    desk.advance(START + 5 * SECOND)
    acts.pause(desk, 0)
    desk.advance(START + 20 * SECOND)
    assert "over" in acts.resume(desk, 0).refused
    assert acts.order(desk, Ticket(0, 1, 2, 102, OrderType.LIMIT)).refused
    made = len(desk.recorder.records("decisions"))
    desk.advance()
    assert desk.over and len(desk.recorder.records("decisions")) == made and fills_of(desk) == []


# --- halts ---------------------------------------------------------------------------------------


def test_a_replace_that_would_move_is_refused_in_a_halt(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 3, 98), replaced(1, 3, 104)], HALT, GO, delays=(0, SECOND, 0))
    assert events(desk, EventKind.CANCEL_REJECT) == [(EventKind.CANCEL_REJECT, 1, Reason.NOT_TRADING)]
    assert fills_of(desk) == []


def test_less_may_be_asked_for_in_a_halt(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 3, 98), replaced(1, 2, 98)], HALT, GO, delays=(0, SECOND, 0))
    assert events(desk, EventKind.REPLACED, EventKind.CANCEL_REJECT) == [(EventKind.REPLACED, 1, Reason.REQUESTED)]


def test_a_print_in_a_halt_sets_no_stop_off(tmp_path: Path) -> None:
    stop = order(BUY, 3, 104, OrderType.STOP, stop=103)
    cross, later = (3.0, TRADE, 0, 0, 5, 103), (40.0, TRADE, 0, 0, 5, 103)
    assert fills_of(run(tmp_path / "a", [stop], HALT, cross, GO)) == []
    desk = run(tmp_path / "b", [stop], HALT, cross, GO, later)
    assert [fill[:3] for fill in fills_of(desk)] == [(1, 102, 3)]
    assert int(desk.recorder.records("fills")["ts"][0]) == START + 40 * SECOND


# --- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_no_cancel_overtakes_its_order(tmp_path: Path, seed: int) -> None:
    slow = LatencyPlan(LatencyModel(), LatencyModel("lognormal", 2 * SECOND, 1.5), LatencyModel())

    def quotes(view: View) -> list[Intent | None]:
        return [view.cancel(one) for one in view.orders] or [Intent(Op.NEW, BUY, 1, 98)]

    tape = stored(by_hand(*MARKET, LAST), tmp_path / "m.tape")
    desk = played(session([tape], {"a": Always(quotes)}, latency=slow, seed=seed, every=SECOND // 10))
    over = orders(desk)
    late = {one for one, status, _ in over if status == OrderStatus.EXPIRED}  # it came after the session's end
    assert {one for _, one, _ in events(desk, EventKind.CANCEL_REJECT)} <= late
    assert len(over) > 2 and all(status == OrderStatus.CANCELED for _, status, _ in over[:-1])


def test_a_replace_is_judged_by_what_the_order_is(tmp_path: Path) -> None:
    shy = limits(depth_share=0.1)
    plain = run(tmp_path / "a", [order(BUY, 10, 99), replaced(1, 10, 104)], limits=shy)
    forged = run(tmp_path / "b", [order(BUY, 10, 99), replaced(1, 10, 104, flags=OrderFlag.POST_ONLY)], limits=shy)
    assert fills_of(plain) == fills_of(forged) == []
    assert events(plain, EventKind.DENIED) == events(forged, EventKind.DENIED) != []


def test_a_replace_cannot_claim_another_stop(tmp_path: Path) -> None:
    stop = order(BUY, 10, 105, OrderType.STOP, stop=104)
    desk = run(tmp_path, [stop, replaced(1, 10, 130, stop=130)], limits=limits(price_tolerance=300.0))
    assert events(desk, EventKind.REPLACED) == [] and len(events(desk, EventKind.DENIED)) == 1


def test_a_replace_stays_reduce_only(tmp_path: Path) -> None:
    shrink = lambda view: Intent(Op.NEW, BUY, 4, 99, flags=OrderFlag.REDUCE_ONLY)  # noqa: E731
    desk = run(tmp_path, [order(SELL, 4, 100), shrink, replaced(2, 9, 104)])
    assert int(desk.account.position[0, 0]) <= 0


def test_post_only_does_not_take_at_the_mid(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 3, 101, flags=OrderFlag.POST_ONLY)], rung=Rung.MID)
    assert all(maker for *_, maker in fills_of(desk))


# --- parent orders -------------------------------------------------------------------------------


class Stubborn:
    """Sends the same order whenever it has none, and never takes it back."""

    def __init__(self, price: int) -> None:
        self.price = price

    def decide(self, view: View) -> list[Intent | None]:
        """One order."""
        return [] if view.orders or not view.room else [Intent(Op.NEW, BUY, 2, self.price)]


def worked(folder: Path, price: int, *parents: ParentPlan, lines: tuple[Any, ...] = ()) -> Desk:
    tape = stored(by_hand(*MARKET, *lines, LAST), folder / "m.tape")
    plan = AgentPlan("a", "t0", "p", parents=parents)
    return played(session([tape], [plan], decides={"p": Stubborn(price)}))


def test_no_policy_goes_beyond_the_limit_of_its_parent_order(tmp_path: Path) -> None:
    desk = worked(tmp_path, 110, ParentPlan(BUY, 2, START + SECOND, START + 10 * SECOND, limit=95))
    assert fills_of(desk) == []
    sent = desk.recorder.records("decisions")
    assert set(sent["price"][sent["op"] == Op.NEW].tolist()) == {95}


def test_what_a_policy_leaves_open_is_taken_back_when_its_time_is_up(tmp_path: Path) -> None:
    first = ParentPlan(BUY, 2, START + SECOND, START + 10 * SECOND)
    second = ParentPlan(BUY, 2, START + 12 * SECOND, START + 30 * SECOND)
    desk = worked(tmp_path, 98, first, second, lines=((40.0, ADD, SELL, 50, 9, 98),))
    assert fills_of(desk) == []
    over = orders(desk)
    assert [status for _, status, _ in over] == [OrderStatus.CANCELED] * 2
    done = desk.recorder.records("orders")["ts_done"]
    assert done.tolist() == [START + 10 * SECOND, START + 30 * SECOND]


# --- money ---------------------------------------------------------------------------------------


def test_what_is_held_is_worth_what_the_market_says_at_the_end(tmp_path: Path) -> None:
    fall = [(10.0, DELETE, BUY, 1, 5, 100), (10.0, DELETE, BUY, 2, 7, 99), (10.0, ADD, SELL, 7, 5, 80)]
    tape = stored(by_hand(*MARKET, *fall, (10.0, ADD, BUY, 8, 5, 70), (60.0, ADD, BUY, 99, 1, 60)), tmp_path / "m.tape")
    plan = AgentPlan(
        "a", "t0", "twap", every=SECOND // 10, parents=(ParentPlan(1, 2, START + SECOND, START + 3 * SECOND),)
    )
    desk = played(session([tape], [plan]))
    paid = sum(price * qty for _, price, qty, _ in fills_of(desk))
    held = sum(qty for _, _, qty, _ in fills_of(desk))
    assert held == 2 and int(desk.account.mark2[0]) == 150
    assert int(unrealised(desk.account, 0)) == (75 * held - paid) * int(desk.account.tick_value[0])


@pytest.mark.parametrize("cuts", [(16.5,), (5.2, 11.0, 16.999, 17.0), tuple(k / 2 for k in range(1, 80))])
def test_where_two_tapes_are_cut_decides_nothing(tmp_path: Path, cuts: tuple[float, ...]) -> None:
    def desk(name: str) -> Desk:
        book = [(0.0, ADD, BUY, 1, 50, 100), (0.0, ADD, SELL, 3, 40, 110)]
        one = stored(by_hand(*book, LAST), tmp_path / f"{name}0.tape")
        fall = (16.0, ADD, SELL, 9, 5, 100)
        two = stored(by_hand(*book, fall, (60.0, ADD, BUY, 99, 1, 90)), tmp_path / f"{name}1.tape")
        plans = [AgentPlan("a", "t0", "a", every=5 * SECOND), AgentPlan("b", "t1", "b", every=5 * SECOND)]
        first = Script([None, order(BUY, 10, 110), None, order(BUY, 1, 95), None])
        delays = (0, 7 * SECOND, 0)
        return session(
            [one, two], plans, decides={"a": first, "b": Script([order(BUY, 5, 101)])}, delays=delays,
            limits=limits(desk_drawdown=45.0),
        )  # fmt: skip

    whole, cut = desk("w"), desk("c")
    whole.advance()
    for at in cuts:
        cut.advance(START + int(at * SECOND))
    cut.advance()
    assert cut.recorder.digests() == whole.recorder.digests()
    assert cut.account.peak.tolist() == whole.account.peak.tolist()


# --- answers -------------------------------------------------------------------------------------


def test_nothing_new_is_sent_while_an_order_has_no_answer(tmp_path: Path) -> None:
    steps = [order(BUY, 1, 98), None, order(BUY, 1, 98), None, None, None, None, order(BUY, 1, 98)]
    desk = run(tmp_path, steps, delays=(0, 3 * SECOND, SECOND), limits=limits(unanswered=1.5))
    sent = desk.recorder.records("decisions")
    sent = sent[sent["op"] == Op.NEW]
    assert sent["reason"].tolist() == [Reason.NONE, Reason.GATE, Reason.NONE]
    seen = desk.recorder.records("verdicts")["observed"][:, int(Control.UNANSWERED)]
    assert seen.tolist() == [0.0, 2.0, 0.0]
