"""Every kind of order against a market of a few lots, worked out by hand."""

from pathlib import Path

import pytest

from core.desk.desk import Desk
from core.enums import Action, EventKind, Op, OrderFlag, OrderStatus, OrderType, Reason, Rung, Status, TimeInForce
from core.policies.intent import Intent
from core.policies.shown import View
from core.risk.controls import Control
from tests.oracle.venue_sessions import (
    BUY,
    SELL,
    Script,
    Step,
    by_hand,
    events_of,
    fills_of,
    order,
    played,
    session,
    stored,
)

ADD, EXECUTE, DELETE, STATUS = Action.ADD, Action.EXECUTE, Action.DELETE, Action.STATUS
#: Bids 100 x 5, 99 x 7; asks 102 x 4, 103 x 6, 104 x 8; a last message at second 60 keeps the session open.
MARKET = (
    (0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, BUY, 2, 7, 99), (0.0, ADD, SELL, 3, 4, 102), (0.0, ADD, SELL, 4, 6, 103),
    (0.0, ADD, SELL, 5, 8, 104),
)  # fmt: skip
LAST = (60.0, ADD, BUY, 99, 1, 90)


def run(tmp_path: Path, steps: list[Step | None], *lines: tuple[float, Action, int, int, int, int], **more: object):
    """The market, then `lines`; the agent's turns are at seconds 1, 2, 3 ..."""
    tape = stored(by_hand(*MARKET, *lines, LAST), tmp_path / "m.tape")
    return played(session([tape], {"a": Script(steps)}, **more))


def both(*steps: Step) -> Step:
    """Several orders in one turn: the gate, which knows what rests, does not see that they would meet."""
    return lambda view: [step(view) for step in steps]  # type: ignore[misc]


def test_a_limit_order_takes_what_crosses_and_rests_with_the_rest(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 13, 103)])
    assert fills_of(desk) == [(1, 102, 4, 0), (1, 103, 6, 0)]
    assert events_of(desk, EventKind.EXPIRED) == [(1, Reason.SESSION_END, 3)]


def test_a_market_order_larger_than_the_book_says_what_is_left(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 1000, 200, OrderType.MARKET)])
    assert fills_of(desk) == [(1, 102, 4, 0), (1, 103, 6, 0), (1, 104, 8, 0)]
    assert events_of(desk, EventKind.CANCELED) == [(1, Reason.IMMEDIATE, 982)]
    assert int(desk.account.position[0, 0]) == 18


def test_a_market_order_is_collared(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 20, 103, OrderType.MARKET)])
    assert fills_of(desk) == [(1, 102, 4, 0), (1, 103, 6, 0)]
    assert events_of(desk, EventKind.CANCELED) == [(1, Reason.IMMEDIATE, 10)]


def test_a_market_order_without_a_market_ends(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(SELL, 3, 101, OrderType.MARKET)])
    assert fills_of(desk) == []
    assert events_of(desk, EventKind.CANCELED) == [(1, Reason.NO_MARKET, 3)]


def test_immediate_or_cancel_keeps_nothing(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(SELL, 9, 100, tif=TimeInForce.IOC)])
    assert fills_of(desk) == [(1, 100, 5, 0)]
    assert events_of(desk, EventKind.CANCELED) == [(1, Reason.IMMEDIATE, 4)]


@pytest.mark.parametrize(("qty", "filled"), [(10, 10), (11, 0)])
def test_fill_or_kill_is_all_or_nothing(tmp_path: Path, qty: int, filled: int) -> None:
    desk = run(tmp_path, [order(BUY, qty, 103, tif=TimeInForce.FOK)])
    assert int(desk.account.position[0, 0]) == filled
    if not filled:
        assert events_of(desk, EventKind.CANCELED) == [(1, Reason.NOT_ENOUGH, 11)]


def test_fill_or_kill_does_not_count_lots_behind_an_order_of_ours(tmp_path: Path) -> None:
    desk = run(tmp_path, [both(order(SELL, 2, 103), order(BUY, 10, 103, tif=TimeInForce.FOK))])
    assert fills_of(desk) == []
    assert (2, Reason.NOT_ENOUGH, 10) in events_of(desk, EventKind.CANCELED)


def test_post_only_never_takes(tmp_path: Path) -> None:
    steps = [order(BUY, 1, 102, flags=OrderFlag.POST_ONLY), order(BUY, 1, 101, flags=OrderFlag.POST_ONLY)]
    desk = run(tmp_path, steps)
    assert events_of(desk, EventKind.REJECT) == [(1, Reason.WOULD_TAKE, 1)]
    assert events_of(desk, EventKind.EXPIRED) == [(2, Reason.SESSION_END, 1)]


def test_an_order_waits_behind_what_rests_and_is_filled_in_parts(tmp_path: Path) -> None:
    lines = [(2.0, EXECUTE, BUY, 1, 5, 100), (3.0, ADD, BUY, 6, 9, 100), (4.0, EXECUTE, BUY, 6, 2, 100)]
    desk = run(tmp_path, [order(BUY, 3, 100)], *lines, (5.0, EXECUTE, BUY, 6, 6, 100), every=10**9)
    assert fills_of(desk) == [(1, 100, 2, 1), (1, 100, 1, 1)]
    done = desk.recorder.records("orders")[0]
    assert (done["ahead_entry"], done["by_trades"], done["status"]) == (5, 5, OrderStatus.FILLED)
    assert int(desk.account.position[0, 0]) == 3


def test_cancels_before_us_move_us_up_and_those_behind_do_not(tmp_path: Path) -> None:
    lines = [(2.0, ADD, BUY, 6, 9, 100), (3.0, DELETE, BUY, 6, 9, 100), (4.0, DELETE, BUY, 1, 5, 100)]
    desk = run(tmp_path, [order(BUY, 3, 100)], *lines, (5.0, ADD, BUY, 7, 4, 100), (6.0, EXECUTE, BUY, 7, 3, 100))
    assert fills_of(desk) == [(1, 100, 3, 1)]
    done = desk.recorder.records("orders")[0]
    assert (done["ahead_entry"], done["by_trades"], done["by_cancels"]) == (5, 0, 5)


def test_an_iceberg_shows_a_slice_and_goes_to_the_tail(tmp_path: Path) -> None:
    lines = [
        (2.0, DELETE, BUY, 1, 5, 100), (3.0, ADD, BUY, 6, 4, 100), (4.0, EXECUTE, BUY, 6, 3, 100),
        (5.0, EXECUTE, BUY, 6, 1, 100), (6.0, ADD, BUY, 7, 9, 100), (7.0, EXECUTE, BUY, 7, 9, 100),
    ]  # fmt: skip
    desk = run(tmp_path, [order(BUY, 6, 100, display=2)], *lines)
    # 3 lots: 2 of ours, 1 of order 6, whose 3 others now stand before the second slice; 1: of those; then 9 lots:
    # 2 of those, or none once the tape's level is empty, and our second and third slice
    assert [f[2] for f in fills_of(desk)] == [2, 2]


def test_a_peg_follows_the_touch_and_never_takes(tmp_path: Path) -> None:
    lines = [(2.0, ADD, BUY, 6, 2, 101), (3.0, DELETE, BUY, 6, 2, 101), (4.0, ADD, SELL, 7, 1, 101)]
    desk = run(tmp_path, [order(BUY, 1, 150, OrderType.PEG_TOUCH)], *lines)
    events = desk.recorder.records("events")
    assert events["price"][events["kind"] == EventKind.REPRICED].tolist() == [101, 100]
    assert fills_of(desk) == []


def test_a_peg_follows_what_others_really_show_not_what_the_tape_still_does(tmp_path: Path) -> None:
    """We take the bid of 100; the tape goes on showing it, a new order there is the touch again."""
    steps = [order(SELL, 5, 100), order(BUY, 1, 150, OrderType.PEG_TOUCH)]
    desk = run(tmp_path, steps, (5.0, ADD, BUY, 6, 2, 100))
    done = desk.recorder.records("orders")
    assert fills_of(desk) == [(1, 100, 5, 0)]
    events = desk.recorder.records("events")
    repriced = events[events["kind"] == EventKind.REPRICED]
    assert list(zip(repriced["detail"].tolist(), repriced["price"].tolist(), strict=True)) == [(99, 100)]
    assert done["resting"][done["order_id"] == 2].tolist() == [100]


def resting_at(desk: Desk) -> dict[int, int]:
    """Where each order rested at its end."""
    done = desk.recorder.records("orders")
    return dict(zip(done["order_id"].tolist(), done["resting"].tolist(), strict=True))


def test_a_peg_that_came_later_follows_a_touch_that_an_earlier_one_has_seen(tmp_path: Path) -> None:
    peg = order(BUY, 1, 150, OrderType.PEG_TOUCH)
    bound = order(BUY, 1, 98, OrderType.PEG_TOUCH)
    lines = [(1.5, ADD, BUY, 6, 1, 90), (5.0, ADD, BUY, 7, 2, 100)]
    desk = run(tmp_path, [bound, order(SELL, 5, 100), peg], *lines)
    assert resting_at(desk) == {1: 98, 2: 100, 3: 100}


def test_a_peg_does_not_stay_alone_at_a_touch_that_has_gone(tmp_path: Path) -> None:
    """Pegs before it saw 100/102; it came at 101, and the next message brings 100/102 back."""
    peg = order(BUY, 1, 150, OrderType.PEG_TOUCH)
    gone = lambda view: view.cancel(view.orders[0])  # noqa: E731
    lines = [(1.5, ADD, BUY, 6, 1, 90), (2.5, ADD, BUY, 7, 2, 101), (4.0, DELETE, BUY, 7, 2, 101)]
    desk = run(tmp_path, [peg, gone, peg], *lines)
    assert resting_at(desk)[2] == 100


@pytest.mark.parametrize("first", [BUY, SELL])
@pytest.mark.parametrize("up", [True, False])
def test_two_pegs_to_the_mid_move_together(tmp_path: Path, first: int, up: bool) -> None:
    """The mid moves by ten: both go there, next to each other, whichever was sent first."""
    pegs = {s: order(s, 1, 150 if s == BUY else 50, OrderType.PEG_MID) for s in (BUY, SELL)}
    lines = [
        (0.0, ADD, BUY, 1, 5, 90),
        (0.0, ADD, BUY, 2, 5, 70),
        (0.0, ADD, SELL, 3, 5, 110),
        (0.0, ADD, SELL, 4, 5, 130),
    ]
    lines.append((5.0, DELETE, SELL, 3, 5, 110) if up else (5.0, DELETE, BUY, 1, 5, 90))
    tape = stored(by_hand(*lines, (60.0, ADD, BUY, 99, 1, 60)), tmp_path / "m.tape")
    desk = played(session([tape], {"a": Script([both(pegs[first], pegs[-first])])}))
    found = resting_at(desk)
    buy, sell = (found[1], found[2]) if first == BUY else (found[2], found[1])
    assert sell - buy == 1 and (110 if up else 90) in (buy, sell)


def test_two_pegs_of_ours_to_one_mid_do_not_lock(tmp_path: Path) -> None:
    steps = [both(order(SELL, 1, 50, OrderType.PEG_MID), order(BUY, 1, 150, OrderType.PEG_MID))]
    done = run(tmp_path, steps).recorder.records("orders")
    assert sorted(zip(done["side"].tolist(), done["resting"].tolist(), strict=True)) == [(-1, 101), (1, 100)]


def test_a_peg_to_the_mid_is_rounded_to_its_own_side_and_bounded(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(SELL, 1, 50, OrderType.PEG_MID), order(BUY, 1, 99, OrderType.PEG_MID)])
    done = desk.recorder.records("orders")
    assert sorted(zip(done["side"].tolist(), done["resting"].tolist(), strict=True)) == [(-1, 101), (1, 99)]


def test_a_stop_becomes_a_market_order_when_its_price_trades(tmp_path: Path) -> None:
    lines = [(2.0, EXECUTE, SELL, 3, 1, 102), (3.0, EXECUTE, SELL, 3, 3, 102), (4.0, EXECUTE, SELL, 4, 1, 103)]
    desk = run(tmp_path, [order(BUY, 7, 104, OrderType.STOP, stop=103)], *lines)
    assert events_of(desk, EventKind.TRIGGERED) == [(1, Reason.NONE, 7)]
    assert fills_of(desk) == [(1, 103, 5, 0), (1, 104, 2, 0)]


def test_a_stop_limit_rests_at_its_limit(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 7, 103, OrderType.STOP_LIMIT, stop=102)], (2.0, EXECUTE, SELL, 3, 4, 102))
    assert fills_of(desk) == [(1, 103, 6, 0)]
    assert events_of(desk, EventKind.EXPIRED) == [(1, Reason.SESSION_END, 1)]


def _replace(qty: int, price: int) -> Step:
    return lambda view: Intent(Op.REPLACE, BUY, qty, price, order_id=view.orders[0].order_id)


@pytest.mark.parametrize(("qty", "price", "ahead"), [(2, 100, 5), (4, 100, 9), (3, 99, 7)])
def test_replace_keeps_the_place_only_for_less_at_the_same_price(
    tmp_path: Path, qty: int, price: int, ahead: int
) -> None:
    desk = run(tmp_path, [order(BUY, 3, 100), _replace(qty, price)], (1.5, ADD, BUY, 6, 4, 100))
    assert events_of(desk, EventKind.REPLACED) == [(1, Reason.REQUESTED, qty)]
    done = desk.recorder.records("orders")[0]
    assert (done["ahead"], done["leaves"], done["price"]) == (ahead, qty, price)


def test_a_replace_does_not_ask_again_for_what_traded_under_way(tmp_path: Path) -> None:
    steps = [order(BUY, 6, 101), _replace(6, 101)]
    lines = [(2.2, ADD, SELL, 6, 4, 101)]
    desk = run(tmp_path, steps, *lines, delays=(0, 300_000_000, 0))
    assert fills_of(desk) == [(1, 101, 4, 1)]
    done = desk.recorder.records("orders")[0]
    assert (done["qty"], done["filled"], done["leaves"]) == (6, 4, 2)


def test_a_cancel_takes_the_rest_back(tmp_path: Path) -> None:
    def cancel(view: View) -> Intent | None:
        return view.cancel(view.orders[0])

    desk = run(tmp_path, [order(BUY, 6, 101), cancel])
    assert events_of(desk, EventKind.CANCELED) == [(1, Reason.REQUESTED, 6)]


@pytest.mark.parametrize(
    ("mode", "over", "bought"),
    [("cancel-newest", {2}, 0), ("cancel-oldest", {1}, 4), ("cancel-both", {1, 2}, 0)],
)
@pytest.mark.parametrize("ask", [101, 102])
def test_self_matches_are_prevented(tmp_path: Path, mode: str, over: set[int], bought: int, ask: int) -> None:
    desk = run(tmp_path, [both(order(SELL, 3, ask), order(BUY, 4, 102))], self_match=mode)
    ended = {number for number, reason, _ in events_of(desk, EventKind.CANCELED) if reason == Reason.SELF_MATCH}
    assert ended == over
    assert int(desk.account.position[0, 0]) == bought


def test_a_self_match_is_seen_where_the_market_lies_beyond_the_limit(tmp_path: Path) -> None:
    desk = run(tmp_path, [both(order(SELL, 3, 101), order(BUY, 4, 101))])
    assert events_of(desk, EventKind.CANCELED) == [(2, Reason.SELF_MATCH, 4)]


def test_what_we_took_is_gone_and_what_we_absorb_is_not(tmp_path: Path) -> None:
    steps = [order(BUY, 4, 102), None, order(BUY, 4, 102, tif=TimeInForce.IOC)]
    desk = run(tmp_path, steps)
    assert fills_of(desk) == [(1, 102, 4, 0)]
    assert events_of(desk, EventKind.CANCELED) == [(2, Reason.IMMEDIATE, 4)]
    again = run(tmp_path / "queue", steps, rung=Rung.QUEUE)
    assert fills_of(again) == [(1, 102, 4, 0), (2, 102, 4, 0)]


_SHUT = [Status.HALTED, Status.CLOSED, Status.PRE_OPEN]


@pytest.mark.parametrize("status", _SHUT)
def test_the_gate_lets_no_order_out_while_it_sees_that_nothing_trades(tmp_path: Path, status: Status) -> None:
    desk = run(tmp_path, [order(BUY, 1, 102)], (0.5, STATUS, 0, 0, int(status), 0))
    assert len(events_of(desk, EventKind.DENIED)) == 1
    assert desk.recorder.denied[Control.SESSION_OPEN] == 1
    assert events_of(desk, EventKind.REJECT) == fills_of(desk) == []


@pytest.mark.parametrize("status", _SHUT)
def test_the_venue_takes_no_order_that_comes_while_nothing_trades(tmp_path: Path, status: Status) -> None:
    """The gate let it out: it was sent before."""
    lines = [(1.1, STATUS, 0, 0, int(status), 0), (30.0, STATUS, 0, 0, int(Status.TRADING), 0)]
    desk = run(tmp_path, [order(BUY, 1, 102)], *lines, delays=(0, 500_000_000, 0))
    assert events_of(desk, EventKind.REJECT) == [(1, Reason.NOT_TRADING, 1)]
    assert events_of(desk, EventKind.DENIED) == fills_of(desk) == []


def test_two_orders_of_ours_share_one_aggressor(tmp_path: Path) -> None:
    lines = [(3.5, ADD, SELL, 6, 5, 101)]
    desk = run(tmp_path, [order(BUY, 3, 101), order(BUY, 4, 101)], *lines)
    assert fills_of(desk) == [(1, 101, 3, 1), (2, 101, 2, 1)]


def test_a_sweep_over_more_prices_than_the_buffers_hold_stops_and_says_so(tmp_path: Path) -> None:
    asks = [(0.0, ADD, SELL, 1000 + k, 1, 200 + k) for k in range(1500)]
    tape = stored(by_hand((0.0, ADD, BUY, 1, 1, 199), *asks, LAST), tmp_path / "m.tape")
    desk = played(session([tape], {"a": Script([order(BUY, 5000, 10_000, OrderType.MARKET)])}))
    assert [f[1] for f in fills_of(desk)] == list(range(200, 1224))
    assert events_of(desk, EventKind.CANCELED) == [(1, Reason.POOL_FULL, 5000 - 1024)]
