"""The desk as the screen shows it: made anew only where it changed, given up where a kill waits."""

from pathlib import Path

import pytest

from core.desk import acts
from core.desk.desk import Desk
from core.desk.view import Hurried, Shown, desk_view
from core.enums import Action
from core.transport import Ticket
from tests.oracle.venue_cases import START
from tests.oracle.venue_sessions import BUY, SECOND, SELL, by_hand, session, stored

LINES = (
    (0.0, Action.ADD, BUY, 1, 5, 100), (0.0, Action.ADD, SELL, 3, 4, 102),
    *((0.3 + 0.25 * k, Action.ADD, BUY, 10 + k, 1, 95) for k in range(200)),
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a hundred orders of a person's."""
    made = session([stored(by_hand(*LINES), tmp_path / "m.tape")], ())
    made.advance(START + SECOND)
    for k in range(100):
        acts.order(made, Ticket(0, 1, 1 + k, 90 - k % 10))
    made.advance(START + 2 * SECOND)
    return made


def test_only_orders_that_changed_are_made_anew(desk: Desk) -> None:
    shown = Shown()
    before = {each.order_id: each for each in desk_view(desk, shown, 80, 40, 1, 0).orders}
    acts.cancel_order(desk, 50)
    after = {each.order_id: each for each in desk_view(desk, shown, 80, 40, 1, 0).orders}
    assert len(before) == 100
    assert all(after[k] is before[k] for k in before if k != 50)
    assert (before[50].status, after[50].status) == ("working", "canceled")
    assert after == {each.order_id: each for each in desk_view(desk, Shown(), 80, 40, 1, 0).orders}


@pytest.mark.parametrize("patience", range(6))
def test_a_picture_is_given_up_and_the_next_one_lacks_nothing(desk: Desk, patience: int) -> None:
    left = [patience]

    def hurried() -> bool:
        left[0] -= 1
        return left[0] < 0

    shown = Shown(hurried=hurried)
    with pytest.raises(Hurried):
        desk_view(desk, shown, 80, 40, 1, 0)
    shown.hurried = lambda: False
    found, whole = desk_view(desk, shown, 80, 40, 1, 0), desk_view(desk, Shown(), 80, 40, 1, 0)
    assert (found.orders, found.notes, found.fills) == (whole.orders, whole.notes, whole.fills)
    assert len(found.notes) > 100
