"""At the reactive rung an order worked evenly moves the market by the root of its size, and much of that stays."""

import numpy as np
import pytest

from core.enums import Rung
from core.policies.intent import Intent
from core.policies.shown import View
from core.tape.tape import Tape
from tests.oracle.venue_plans import synthetic
from tests.oracle.venue_sessions import SECOND, Always, session

_SLICES, _SPAN = 60, 600


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A synthetic day, some 360,000 lots traded in it."""
    return synthetic(tmp_path_factory.mktemp("meta"), 3, 60_000)


def _metaorder(tape: Tape, qty: int) -> tuple[int, int, int]:
    """Lots bought in ten minutes, the market's displacement in ticks at their end, and ten minutes later."""
    start = int(tape.meta.first_ts) + int(tape.meta.last_ts - tape.meta.first_ts) // 3
    sent = [0]

    def buy(view: View) -> Intent | None:
        if view.now < start or sent[0] >= _SLICES:
            return None
        sent[0] += 1
        return view.take(qty // _SLICES, 1, collar=10_000)

    desk = session([tape], {"a": Always(buy)}, Rung.REACTIVE, every=_SPAN * SECOND // _SLICES)
    desk.advance(start + _SPAN * SECOND - 1)
    peak = int(desk.lines[0].venue.top[0]["shift"])
    fills = desk.recorder.records("fills")
    desk.advance(int(fills["ts"][-1]) + _SPAN * SECOND)
    left = int(desk.lines[0].venue.top[0]["shift"])
    desk.close()
    return int(fills["qty"].sum()), peak, left


@pytest.mark.jit_only
def test_impact_grows_with_the_root_of_the_size_and_two_thirds_of_it_stay(tape: Tape) -> None:
    found = np.array([_metaorder(tape, qty) for qty in (3_600, 14_400, 57_600, 115_200)], float)
    size, peak, left = found.T
    exponent = np.polyfit(np.log(size), np.log(peak), 1)[0]
    assert abs(exponent - 0.5) < 0.1
    assert (left / peak > 0.6).all()
    assert (left / peak < 0.8).all()
