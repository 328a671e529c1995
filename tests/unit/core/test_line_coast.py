"""Between two turns the tape plays alone: whoever acts there acts at the time of the market, wherever it was cut."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.desk import acts
from core.desk.desk import Desk
from core.desk.flatten import flatten
from core.enums import Action, EventKind
from core.errors import EngineBroken
from core.plan import AgentPlan
from core.records import ABSENT, ROW
from core.risk.controls import Control
from core.risk.limits import default_limits
from core.transport import Ticket
from tests.oracle.venue_cases import START
from tests.oracle.venue_sessions import BUY, SECOND, SELL, by_hand, played, session, stored, unlimited

ADD = Action.ADD
#: Bid 100 x 5, ask 102 x 4, then a far quote every quarter of a second.
LINES = (
    (0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, SELL, 3, 4, 102),
    *((0.3 + 0.25 * k, ADD, BUY if k % 2 else SELL, 10 + k, 1, 95 if k % 2 else 107) for k in range(200)),
)  # fmt: skip


def at(seconds: float) -> int:
    return START + int(seconds * SECOND)


def held(folder: Path, **more: Any) -> Desk:
    """A person's order rests since 1.1 s; nobody else has a turn."""
    desk = session([stored(by_hand(*LINES), folder / "m.tape")], (), **more)
    desk.advance(at(1.1))
    acts.order(desk, Ticket(0, 1, 3, 98))
    return desk


@pytest.mark.parametrize("cuts", [(9.0,), (29.0,), (28.95, 29.3), ()])
@pytest.mark.parametrize("most", [None, 1, 3])
def test_an_act_is_at_the_time_of_the_market(tmp_path: Path, cuts: tuple[float, ...], most: int | None) -> None:
    desk = held(tmp_path)
    for cut in cuts:
        desk.advance(at(cut))
    while not desk.advance(at(29.9), most=most):
        pass
    acts.cancel_orders(desk, -1)
    played(desk)
    events = desk.recorder.records("events")
    found = events[events["kind"] == EventKind.CANCELED]
    assert [(int(e["ts"]) - START) / 1e9 for e in found] == [29.8]  # the last message before
    whole = held(tmp_path / "again")
    whole.advance(at(29.9))
    acts.cancel_orders(whole, -1)
    assert played(whole).recorder.digests() == desk.recorder.digests()


def test_an_order_of_a_person_is_judged_by_the_market_as_it_is(tmp_path: Path) -> None:
    usual = default_limits().scopes["desk"]["data_age"]
    limits = replace(unlimited(), scopes={"desk": {**unlimited().scopes["desk"], "data_age": usual}})
    desk = session([stored(by_hand(*LINES), tmp_path / "m.tape")], (), limits=limits)
    desk.advance(at(1.1))
    assert acts.order(desk, Ticket(0, 1, 3, 102)).refused == ""
    desk.advance(at(45.0))
    assert int(desk.account.position[-1, 0]) == 3
    assert flatten(desk, -1).refused == ""
    verdicts = desk.recorder.records("verdicts")
    assert (verdicts["observed"][:, Control.DATA_AGE] < 1.0).all()


def test_an_account_that_broke_is_noticed_within_seconds(tmp_path: Path) -> None:
    desk = held(tmp_path)
    desk.lines[0].top[0]["broken"] = 1
    with pytest.raises(EngineBroken):
        desk.advance(at(3.5))


def test_a_tape_without_order_ids_plays_around_our_orders(tmp_path: Path) -> None:
    rows = np.zeros(40, ROW)
    for k, row in enumerate(rows):
        row["ts_event"], row["ts_recv"] = START + k * SECOND, ABSENT
        row["action"], row["side"], row["qty"] = Action.LEVEL, (1, -1)[k % 2], 5 + k
        row["flags"], row["source_row"] = 3, k
    rows["price"][rows["side"] > 0] = 100
    rows["price"][rows["side"] < 0] = 102
    tape = stored(rows, tmp_path / "l2.tape")
    desk = played(session([tape], [AgentPlan("q", "t0", "quote", every=SECOND)]))
    assert len(desk.lines[0].book.orders) == 0
    assert len(desk.recorder.records("orders")) > 0
