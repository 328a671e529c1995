"""Passive fills against the fate of real orders: ours beside a real order of the same size, for as long as it lived.

A real order joins the touch. One of ours joins right behind it, another, in a session of its own, right before it; both
are cancelled when the real one is cancelled. First in first out says: who is before fills no later than the real
one, who is behind no earlier. So the real rate lies between ours, and the two are as near as one place in the queue.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.desk.acts import cancel_order, order
from core.enums import Action, Rung, Trust
from core.feeds.lobster import FEED
from core.feeds.source import Options
from core.tape.importer import import_tape
from core.tape.tape import Tape
from core.transport import Ticket
from tests.oracle.venue_sessions import SECOND, Always, session

_MOST, _PATIENCE = 250, 300 * SECOND
_GONE = (int(Action.CANCEL), int(Action.DELETE))


@dataclass(frozen=True, slots=True)
class Real:
    """A real bid that joined the touch, and what became of it within the patience."""

    ts: int
    price: int
    qty: int
    filled: int | None  #: ns UTC of its last execution
    gone: int  #: ns UTC: when it was cancelled, or patience ended


@pytest.fixture(scope="module", params=["AMZN_2012-06-21_5", "AAPL_2012-06-21_1"])
def tape(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A real day."""
    path = shared_data / "lobster" / f"LOBSTER_SampleFile_{request.param}.zip"
    if not path.is_file():
        pytest.skip(f"no {path.name} under {path.parent}")
    folder = tmp_path_factory.mktemp("survival") / "d.tape"
    import_tape(FEED.open([path], Options()), folder, Options())
    return Tape(folder)


@pytest.fixture(scope="module")
def reals(tape: Tape) -> list[Real]:
    """Bids of a real day that joined the touch alone in their nanosecond, drawn evenly over the day."""
    m = tape.messages
    ts = m["ts_event"]
    alone = np.zeros(len(m), bool)
    alone[1:-1] = (ts[1:-1] > ts[:-2] + 1) & (ts[1:-1] < ts[2:])
    found = np.flatnonzero(alone & (m["action"] == Action.ADD) & (m["side"] > 0) & (m["order_id"] > 0))
    found = found[(ts[found] < ts[-1] - _PATIENCE) & (ts[found] > ts[0] + 20 * SECOND)]
    chosen = np.random.default_rng(5).choice(found, min(4 * _MOST, len(found)), replace=False)
    book, played, kept = tape.new_book(), 0, []
    for index in sorted(chosen.tolist()):
        book.apply(m[played : index + 1])
        played = index + 1
        if int(book.state.top[0]["best_bid"]) == int(m["price"][index]):
            kept.append(index)
    fates = [_fate(m, index) for index in kept[:: max(1, len(kept) // _MOST)]]
    # What is neither filled nor cancelled in time may have left the tape's window: its fate is not known.
    return [r for r in fates if r.filled is not None or r.gone < r.ts + _PATIENCE]


def _fate(m: np.ndarray, index: int) -> Real:
    start, qty = int(m["ts_event"][index]), int(m["qty"][index])
    later = m[index + 1 :]
    mine = later[(later["order_id"] == m["order_id"][index]) & (later["ts_event"] <= start + _PATIENCE)]
    done = 0
    for one in mine:
        if int(one["action"]) in _GONE:
            return Real(start, int(m["price"][index]), qty, None, int(one["ts_event"]))
        if one["action"] == Action.EXECUTE:
            done += int(one["qty"])
            if done >= qty:
                return Real(start, int(m["price"][index]), qty, int(one["ts_event"]), start + _PATIENCE)
    return Real(start, int(m["price"][index]), qty, None, start + _PATIENCE)


def _ours(tape: Tape, reals: list[Real], rung: Rung, late: int) -> tuple[list[int | None], list[int]]:
    """When an order of ours beside each real one was full, and the trust of its fills. `late`: 0 behind, -1 before."""
    watcher = {"looks": Always(lambda view: None)}  # its turns mark the account to the market
    desk = session([tape], watcher, rung, every=10 * SECOND)
    acts = sorted([(r.ts + late, 1, k) for k, r in enumerate(reals)] + [(r.gone, 0, k) for k, r in enumerate(reals)])
    ids: dict[int, int] = {}
    desk.advance(tape.meta.first_ts + 11 * SECOND)
    for when, new, k in acts:
        desk.advance(when)
        if new:
            one = reals[k]
            sent = order(desk, Ticket(0, 1, one.qty, one.price))
            assert not sent.refused
            ids[k] = int(desk.lines[0].top[0]["next_id"]) - 1
        else:
            cancel_order(desk, ids[k])
    desk.advance()
    fills = desk.recorder.records("fills")
    assert (fills["maker"] == 1).all(), "none of these orders takes"
    times: list[int | None] = []
    trust = []
    for k, one in enumerate(reals):
        mine = fills[fills["order_id"] == ids[k]]
        times.append(int(mine["ts"][-1]) if int(mine["qty"].sum()) == one.qty else None)
        trust.append(int(np.bitwise_or.reduce(mine["trust"])) if len(mine) else 0)
    return times, trust


@pytest.mark.jit_only
def test_passive_fills_agree_with_the_survival_of_real_orders(tape: Tape, reals: list[Real]) -> None:
    assert len(reals) > 60
    behind, trust = _ours(tape, reals, Rung.QUEUE, 0)
    before, _ = _ours(tape, reals, Rung.QUEUE, -1)
    exact = tape.meta.window > 1  # at one level the lots that came back into the window stand before us without names
    odd = int(Trust.THROUGH | Trust.ANONYMOUS)
    for real, after, first, why in zip(reals, behind, before, trust, strict=True):
        if after is not None and not why & odd:
            assert real.filled is not None
            assert real.filled <= after, "ours stood behind the real order and was full before it"
        if real.filled is not None and exact:
            assert first is not None, "ours stood before a real order that filled, and did not fill"
            assert first <= real.filled
    rates = [np.mean([t is not None for t in each]) for each in (behind, [r.filled for r in reals], before)]
    assert 0.02 < rates[1] < 0.9
    assert rates[0] <= rates[1] <= rates[2]
    assert rates[2] - rates[0] < 0.12, rates


@pytest.mark.jit_only
@pytest.mark.parametrize("rung", [Rung.LEDGER, Rung.LATENCY, Rung.REACTIVE])
def test_passive_fill_rates_hold_on_higher_rungs(tape: Tape, reals: list[Real], rung: Rung) -> None:
    real = np.mean([r.filled is not None for r in reals])
    for late in (0, -1):
        ours, _ = _ours(tape, reals, rung, late)
        assert abs(np.mean([t is not None for t in ours]) - real) < 0.1
