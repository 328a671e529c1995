"""A lost connection: the venue cancels what it has of us, nothing arrives, and we learn of it when it is back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.desk import acts
from core.desk.desk import Desk
from core.desk.flatten import flatten
from core.desk.view import Shown, desk_view
from core.enums import Action, EventKind, Op, OrderStatus, OrderType, Reason
from core.errors import ConfigError
from core.plan import AgentPlan, OutagePlan, ParentPlan
from core.policies.intent import Intent
from core.risk.controls import Control
from core.transport import Ticket
from tests.oracle.venue_cases import START
from tests.oracle.venue_sessions import (
    BUY,
    SECOND,
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
    unlimited,
)

ADD, EXECUTE = Action.ADD, Action.EXECUTE
#: Bids 100 x 5, 99 x 7; asks 102 x 4; the last message at second 60.
LINES = (
    (0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, BUY, 2, 7, 99), (0.0, ADD, SELL, 3, 4, 102),
    (20.0, ADD, SELL, 4, 9, 105), (60.0, ADD, BUY, 99, 1, 90),
)  # fmt: skip


def lost(start: float, seconds: float, tape: str = "") -> OutagePlan:
    return OutagePlan(START + int(start * SECOND), START + int((start + seconds) * SECOND), tape)


def run(tmp_path: Path, steps: list[Step | None], *outages: OutagePlan, lines: Any = LINES, **more: Any) -> Desk:
    tape = stored(by_hand(*lines), tmp_path / "m.tape")
    return played(session([tape], {"a": Script(steps)}, outages=outages, **more))


def link_events(desk: Desk) -> list[tuple[float, Reason, int]]:
    """Seconds, what happened to the connection, orders cancelled."""
    found = desk.recorder.records("events")
    found = found[found["kind"] == EventKind.SESSION]
    return [((int(e["ts"]) - START) / 1e9, Reason(int(e["reason"])), int(e["qty"])) for e in found]


def test_the_venue_cancels_what_rests_and_says_so_when_we_are_back(tmp_path: Path) -> None:
    steps = [order(BUY, 3, 100), order(BUY, 2, 99), order(SELL, 1, 90, OrderType.STOP, stop=95)]
    desk = run(tmp_path, steps, lost(10.5, 5))
    assert link_events(desk) == [(10.5, Reason.DISCONNECTED, 3), (15.5, Reason.RECONNECTED, 0)]
    assert events_of(desk, EventKind.CANCELED) == [(n, Reason.DISCONNECTED, q) for n, q in ((1, 3), (2, 2), (3, 1))]
    done = desk.recorder.records("orders")
    assert set(done["status"].tolist()) == {int(OrderStatus.CANCELED)}
    assert int(desk.gate.rows[-1]["open_orders"]) == 0


def test_until_then_the_orders_count_as_open(tmp_path: Path) -> None:
    tape = stored(by_hand(*LINES), tmp_path / "m.tape")
    desk = session([tape], {"a": Script([order(BUY, 3, 100)])}, outages=(lost(10.5, 5),))
    desk.advance(START + 12 * SECOND)
    assert int(desk.gate.rows[-1]["open_orders"]) == 1
    assert int(desk.lines[0].venue.top[0]["working"]) == 0
    desk.advance(START + 16 * SECOND)
    assert int(desk.gate.rows[-1]["open_orders"]) == 0


def test_what_is_sent_meanwhile_never_arrives(tmp_path: Path) -> None:
    steps = [None] * 10 + [order(BUY, 1, 102), order(BUY, 1, 100)] + [None] * 4 + [order(BUY, 2, 102)]
    desk = run(tmp_path, steps, lost(10.5, 5))
    assert events_of(desk, EventKind.REJECT) == [(1, Reason.DISCONNECTED, 1), (2, Reason.DISCONNECTED, 1)]
    assert fills_of(desk) == [(3, 102, 2, 0)]
    done = desk.recorder.records("orders")
    assert done["ts_arrived"][done["order_id"] < 3].tolist() == [0, 0]


def test_an_order_on_its_way_is_lost_and_a_fill_before_is_not(tmp_path: Path) -> None:
    steps = [order(BUY, 1, 102), order(BUY, 2, 102)]
    desk = run(tmp_path, steps, lost(2.1, 5), delays=(0, 200_000_000, 0))
    assert fills_of(desk) == [(1, 102, 1, 0)]
    assert events_of(desk, EventKind.REJECT) == [(2, Reason.DISCONNECTED, 2)]


def test_an_answer_under_way_comes_when_we_are_back(tmp_path: Path) -> None:
    tape = stored(by_hand(*LINES), tmp_path / "m.tape")
    desk = session([tape], {"a": Script([order(BUY, 1, 102)])}, outages=(lost(1.1, 5),), delays=(0, 0, 200_000_000))
    desk.advance(START + 6 * SECOND)
    assert (desk.recorder.counts["fills"], int(desk.account.position[0, 0])) == (1, 0)
    desk.advance(START + 7 * SECOND)
    assert int(desk.account.position[0, 0]) == 1


def test_what_is_sent_after_an_outage_that_we_see_late_is_not_lost(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 2, 102)], lost(0.5, 0.4), delays=(600_000_000, 300_000_000, 0))
    assert fills_of(desk) == [(1, 102, 2, 0)]


def test_a_cancel_and_a_replace_sent_meanwhile_change_nothing(tmp_path: Path) -> None:
    def again(op: Op) -> Step:
        return lambda view: Intent(op, BUY, 2, 100, order_id=view.orders[0].order_id) if view.orders else None

    steps = [order(BUY, 3, 100), order(BUY, 3, 99), *[None] * 8, again(Op.CANCEL), again(Op.REPLACE)]
    desk = run(tmp_path, steps, lost(10.5, 5))
    assert [each[1] for each in events_of(desk, EventKind.CANCELED)] == [Reason.DISCONNECTED] * 2
    assert not events_of(desk, EventKind.REPLACED)
    assert int(desk.gate.rows[-1]["open_orders"]) == 0
    assert int(desk.gate.working.sum()) == 0


def test_orders_without_an_answer_stop_new_risk(tmp_path: Path) -> None:
    limits = unlimited()
    limits = replace(limits, scopes={**limits.scopes, "agent.a": {"unanswered": 2.0}})
    steps = [*[None] * 10, order(BUY, 1, 100), None, None, order(BUY, 1, 99), *[None] * 4, order(BUY, 1, 98)]
    desk = run(tmp_path, steps, lost(10.5, 6), limits=limits)
    verdicts = desk.recorder.records("verdicts")
    denied = [bool(int(v["breaches"]) >> Control.UNANSWERED & 1) for v in verdicts]
    assert denied == [False, True, False]


def test_an_outage_is_no_row_of_rejects(tmp_path: Path) -> None:
    limits = unlimited()
    limits = replace(limits, scopes={**limits.scopes, "agent.a": {"consecutive_rejects": 3.0}})
    steps: list[Step | None] = [order(BUY, 1, 100) for _ in range(30)]
    desk = run(tmp_path, steps, lost(10.5, 8), limits=limits)
    assert not desk.recorder.records("verdicts")["breaches"].any()
    assert len(events_of(desk, EventKind.REJECT)) == 8


@pytest.mark.parametrize(("start", "seconds"), [(2.05, 0.01), (1.5, 0.6)])
def test_what_is_under_way_is_lost_however_short_the_outage(tmp_path: Path, start: float, seconds: float) -> None:
    steps = [order(BUY, 1, 100), order(BUY, 2, 102)]
    desk = run(tmp_path, steps, lost(start, seconds), delays=(0, 300_000_000, 0))
    assert fills_of(desk) == []
    assert (2, Reason.DISCONNECTED, 2) in events_of(desk, EventKind.REJECT)


def test_what_is_sent_when_we_are_back_arrives(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 2, 102)], lost(0.5, 0.4), delays=(0, 300_000_000, 0))
    assert fills_of(desk) == [(1, 102, 2, 0)]


def test_no_venue_is_said_to_have_refused_a_cancel_that_never_came(tmp_path: Path) -> None:
    def again(op: Op) -> Step:
        return lambda view: Intent(op, BUY, 2, 100, order_id=view.orders[0].order_id) if view.orders else None

    desk = run(tmp_path, [order(BUY, 3, 100), *[None] * 9, again(Op.REPLACE), again(Op.CANCEL)], lost(10.5, 5))
    reasons = [each[1] for each in events_of(desk, EventKind.CANCEL_REJECT)]
    assert reasons == [Reason.DISCONNECTED] * 2


def test_a_person_learns_that_nothing_can_be_done(tmp_path: Path) -> None:
    tape = stored(by_hand(*LINES), tmp_path / "m.tape")
    desk = session([tape], {"a": Script([order(BUY, 1, 102), order(BUY, 3, 100)])}, outages=(lost(10.5, 20),))
    desk.advance(START + 20 * SECOND)
    assert int(desk.gate.rows[-1]["open_orders"]) == 1
    assert flatten(desk, -1).refused == "cut off from the venue: 1 lots of a are left"
    assert acts.cancel_order(desk, 2).refused.startswith("it is not open at the venue, cut off from the venue")
    assert acts.order(desk, Ticket(0, 1, 1, 100)).refused == "cut off from the venue"
    done = acts.kill(desk, -1, "test", "me")
    assert (done.still_open, {name: words for name, _, words in done.parts}["orders cancelled"]) == (
        1, "0 cancelled, 1 open, cut off from the venue: answers come with the connection",
    )  # fmt: skip
    desk.advance(START + 31 * SECOND)
    assert int(desk.gate.rows[-1]["open_orders"]) == 0


def test_only_the_venue_that_is_named_is_lost(tmp_path: Path) -> None:
    tapes = [stored(by_hand(*LINES), tmp_path / f"{k}.tape") for k in range(2)]
    from core.plan import AgentPlan

    agents = [AgentPlan(name, tape, name, every=SECOND) for name, tape in (("a", "t0"), ("b", "t1"))]
    scripts = {name: Script([order(BUY, 3, 100)]) for name in "ab"}
    desk = played(session(tapes, agents, decides=scripts, outages=(lost(10.5, 5, "t1"),)))
    found = desk.recorder.records("events")
    gone = found[found["reason"] == Reason.DISCONNECTED]
    assert set(gone["instrument"].tolist()) == {1}
    ends = {int(d["instrument"]): int(d["status"]) for d in desk.recorder.records("orders")}
    assert ends == {0: int(OrderStatus.EXPIRED), 1: int(OrderStatus.CANCELED)}


def test_a_connection_lost_again_and_again(tmp_path: Path) -> None:
    steps: list[Step | None] = [order(BUY, 1, 100) for _ in range(50)]
    desk = run(tmp_path, steps, *(lost(5.5 + 4 * k, 2) for k in range(12)))
    events = link_events(desk)
    assert [reason for _, reason, _ in events] == [Reason.DISCONNECTED, Reason.RECONNECTED] * 12
    done = desk.recorder.records("orders")
    assert len(done) == 50
    assert int(desk.gate.rows[-1]["open_orders"]) == 0


def test_a_session_that_ends_cut_off_knows_everything_afterwards(tmp_path: Path) -> None:
    desk = run(tmp_path, [order(BUY, 3, 100), *[None] * 56, order(BUY, 1, 99)], lost(55, 100))
    assert desk.over
    assert int(desk.gate.rows[-1]["open_orders"]) == 0
    assert events_of(desk, EventKind.REJECT) == [(2, Reason.DISCONNECTED, 1)]


@pytest.mark.parametrize("most", [1, 2, None])
def test_where_it_is_cut_makes_no_difference(tmp_path: Path, most: int | None) -> None:
    tape = stored(by_hand(*LINES), tmp_path / "m.tape")
    steps = [order(BUY, 1, 100), order(BUY, 2, 102), None, order(BUY, 1, 99)]

    def made() -> Desk:
        return session([tape], {"a": Script([*steps, *[None] * 6, *steps])}, outages=(lost(2.5, 1), lost(11.2, 9)))

    assert played(made(), most).recorder.digests() == played(made()).recorder.digests()


def test_the_screen_says_which_venue_cannot_be_reached(tmp_path: Path) -> None:
    tape = stored(by_hand(*LINES), tmp_path / "m.tape")
    desk = session([tape], {"a": Script([order(BUY, 3, 100)])}, outages=(lost(10.5, 15),))

    def seen() -> Any:
        return desk_view(desk, Shown(), 90, 20, 1, 0)

    desk.advance(START + 5 * SECOND)
    assert seen().cut_off == ()
    desk.advance(START + 21 * SECOND)
    assert seen().cut_off == ("t0",)
    words = [note.text for note in seen().notes]
    assert "connection to the venue of t0 lost for 15 s: it cancelled 1 order" in words
    desk.advance(START + 26 * SECOND)
    assert seen().cut_off == ()
    desk.advance(START + 61 * SECOND)
    assert seen().cut_off == ()
    assert "connection to the venue of t0 is back" in [note.text for note in seen().notes]


@pytest.mark.parametrize("outages", [((5, 0),), ((5, -1),), ((5, 2), (6, 2)), ((5, 2), (7, 2)), ((9, 1), (5, 1))])
def test_outages_that_cannot_be(tmp_path: Path, outages: Any) -> None:
    with pytest.raises(ConfigError, match="outages"):
        run(tmp_path, [], *(lost(*each) for each in outages))


def test_an_outage_of_a_tape_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no tape 't1'"):
        run(tmp_path, [], lost(5, 1, "t1"))


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_schedule_catches_up_in_steps_that_the_gate_lets_through(tmp_path: Path, side: int) -> None:
    """What fell due meanwhile is more than the book ever shows: asked for at once it would be denied to the end."""
    lines: list[tuple[float, Action, int, int, int, int]] = [(0.0, ADD, BUY, 1, 90, 99), (0.0, ADD, SELL, 2, 90, 101)]
    half, price = (SELL, 102) if side == BUY else (BUY, 98)
    for second in range(1, 600):  # 40 lots beside the 90, each 20 of them for two seconds
        lines.append((float(second), ADD, half, 2 + second, 20, price))
        if second > 2:
            lines.append((float(second), Action.DELETE, half, second, 0, price))
    tape = stored(by_hand(*lines), tmp_path / "m.tape")
    parent = ParentPlan(side, 1000, START + 10 * SECOND, START + 590 * SECOND)
    limits = unlimited()
    limits.scopes["desk"]["depth_share"] = 1.0
    desk = played(session([tape], [AgentPlan("a", "t0", "twap", parents=(parent,))], outages=(lost(50, 250),),
                          limits=limits))  # fmt: skip
    assert sum(qty for _, _, qty, _ in fills_of(desk)) == 1000
    denied = desk.recorder.records("verdicts")["breaches"]
    assert len(denied) > 20 and not (denied >> np.uint64(Control.DEPTH_SHARE) & np.uint64(1)).any()


def test_an_outage_after_the_end_never_comes(tmp_path: Path) -> None:
    assert link_events(run(tmp_path, [], lost(70, 5))) == []


def test_nothing_of_ours_is_left_at_the_venue(tmp_path: Path) -> None:
    """Many orders of every kind, then a loss: no level, peg or stop of ours remains."""
    kinds = [
        order(BUY, 5, 100, display=2), order(BUY, 1, 101, OrderType.PEG_MID), order(BUY, 1, 100, OrderType.PEG_TOUCH),
        order(BUY, 1, 110, OrderType.STOP, stop=104), order(SELL, 2, 103),
    ]  # fmt: skip
    tape = stored(by_hand(*LINES), tmp_path / "m.tape")
    desk = session([tape], {"a": Script(kinds)}, outages=(lost(10.5, 15),))
    desk.advance(START + 20 * SECOND)
    top = desk.lines[0].venue.top[0]
    assert [int(top[name]) for name in ("working", "pegs", "stops", "watch")] == [0, 0, 0, 0]
    assert not np.any(desk.lines[0].venue.touched)
