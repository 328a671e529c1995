"""What must hold of fills in a session: no trace without orders, no free lunch, dearer rungs, and books that add up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.enums import EventKind, Rung, TimeInForce
from core.feeds.lobster import FEED
from core.feeds.source import Options
from core.plan import FeePlan, LimitPlan
from core.policies.intent import Intent
from core.policies.shown import View
from core.risk.limits import default_limits
from core.tape.importer import import_tape
from core.tape.tape import Tape
from tests.lobster_days import lobster_day
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_plans import synthetic
from tests.oracle.venue_sessions import SECOND, Always, Script, fills_of, order, played, rows_of, session, stored

TRADED = [Rung.BOOK, Rung.QUEUE, Rung.LEDGER, Rung.LATENCY, Rung.REACTIVE]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Two thousand messages of a synthetic market over some hours."""
    codes = np.random.default_rng(11).integers(0, TAPE_CODE, (2000, len(TAPE_CODE))).tolist()
    return stored(rows_of(tape_of(codes), 100_000_000), tmp_path_factory.mktemp("tape") / "m.tape")


@pytest.fixture(scope="module")
def synthetic_lobster(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A LOBSTER day that is written here."""
    folder = tmp_path_factory.mktemp("lobster")
    message, _ = lobster_day(5, 2500, 5).write(folder, "SYN", "\n")
    return _imported(message, folder / "d.tape")


def _imported(path: Path, folder: Path) -> Tape:
    import_tape(FEED.open([path], Options()), folder, Options())
    return Tape(folder)


@pytest.fixture(scope="module", params=["AMZN", "AAPL"])
def real(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A real day at one level."""
    found = sorted((shared_data / "lobster").glob(f"*{request.param}*_1.zip"))
    if not found:
        pytest.skip(f"no LOBSTER day of {request.param} at one level under {shared_data / 'lobster'}")
    path = found[0]
    return _imported(path, tmp_path_factory.mktemp("real") / f"{request.param}.tape")


def _book(desk: Any) -> dict[str, bytes]:
    book = desk.lines[0].book
    return {name: getattr(book, name).tobytes() for name in book._fields}


def _bare(tape: Tape) -> dict[str, bytes]:
    book = tape.new_book()
    book.apply(tape.messages)
    return {name: getattr(book.state, name).tobytes() for name in book.state._fields}


def quoting(view: View) -> list[Intent | None]:
    """Join both touches for a minute, then take everything back, then take 2 lots, and again."""
    phase = view.now // SECOND % 60
    if phase < 50:
        return [] if view.orders else [view.rest(3, 1), view.rest(3, -1)]
    if view.orders:
        return [view.cancel(one) for one in view.orders]
    return [view.take(2, 1 if view.now // SECOND % 2 else -1)]


def test_agents_that_do_nothing_leave_no_trace(market: Tape) -> None:
    bare = _bare(market)
    idle = played(session([market], {"a": Always(lambda view: None)}))
    assert _book(idle) == bare
    assert idle.account.cash.tolist() == [0] * len(idle.account.cash)


def test_denied_and_empty_orders_leave_no_trace(market: Tape) -> None:
    none = LimitPlan(scopes={"desk": {**default_limits().scopes["desk"], "order_qty": 0.0}})
    denied = played(session([market], {"a": Always(quoting)}, limits=none))
    assert _book(denied) == _bare(market)
    assert denied.recorder.counts["orders"] == denied.recorder.counts["fills"] == 0
    events = denied.recorder.records("events")
    assert set(events["kind"].tolist()) <= {EventKind.DENIED, EventKind.WARNED, EventKind.AGENT, EventKind.MODEL}
    assert (events["kind"] == EventKind.DENIED).sum() > 100


@pytest.mark.parametrize("rung", list(Rung))
def test_the_tapes_own_book_is_never_written(market: Tape, rung: Rung) -> None:
    desk = played(session([market], {"a": Always(quoting)}, rung, fees=FeePlan("-0.002", "0.003", "0.1", "0.4")))
    assert _book(desk) == _bare(market)
    assert desk.recorder.counts["fills"] > 20


def test_a_lobster_day_is_left_as_it_is(synthetic_lobster: Tape) -> None:
    desk = played(session([synthetic_lobster], {"a": Always(quoting)}))
    assert _book(desk) == _bare(synthetic_lobster)


def test_a_real_day_is_left_as_it_is(real: Tape) -> None:
    desk = played(session([real], {"a": Always(quoting)}, every=20 * SECOND))
    assert _book(desk) == _bare(real)
    assert desk.recorder.counts["fills"] > 20


class RoundTrips:
    """Buys with one turn and sells with the next, at what the market asks; remembers the spread it saw."""

    def __init__(self, qty: int) -> None:
        self.qty, self.spreads, self.side = qty, list[int](), 1

    def decide(self, view: View) -> list[Intent | None]:
        """A round trip at once: both orders arrive at the same moment, one after the other."""
        if view.spread is None or view.spread < 1 or not view.trading:
            return []
        self.spreads.append(view.spread)
        buy, sell = view.take(self.qty, 1, collar=1000), view.take(self.qty, -1, collar=1000)
        return [buy, sell]


def _round_trips(tape: Tape, rung: Rung, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Money lost per lot of each whole round trip in half ticks, and twice the spread seen then."""
    policy = RoundTrips(2)
    desk = played(session([tape], {"a": policy}, rung, every=every))
    fills = desk.recorder.records("fills")
    lost, seen = [], []
    for k, spread in enumerate(policy.spreads):
        pair = fills[(fills["order_id"] == 2 * k + 1) | (fills["order_id"] == 2 * k + 2)]
        if int((pair["side"].astype(np.int64) * pair["qty"]).sum()) == 0 and len(pair) and pair["qty"].sum() == 4:
            lost.append(float((pair["side"].astype(np.int64) * pair["qty"] * pair["price"]).sum()) / 2)
            seen.append(spread)
    return np.array(lost), np.array(seen)


@pytest.mark.parametrize("rung", TRADED)
def test_an_immediate_round_trip_costs_at_least_the_spread(market: Tape, rung: Rung) -> None:
    lost, spread = _round_trips(market, rung, 20 * SECOND)
    assert len(lost) > 20
    assert (lost >= spread).all()


@pytest.mark.parametrize("rung", TRADED)
def test_an_immediate_round_trip_costs_at_least_the_spread_on_a_real_day(real: Tape, rung: Rung) -> None:
    lost, spread = _round_trips(real, rung, 100 * SECOND)
    assert len(lost) > 50
    assert (lost >= spread).all()


def _cost(tape: Tape, rung: Rung, every: int, qty: int) -> float:
    """Mean ticks per lot above the tape's mid paid by orders that buy again and again."""

    def buy(view: View) -> Intent | None:
        return view.take(qty, 1, collar=50)

    desk = played(session([tape], {"a": Always(buy)}, rung, every=every))
    fills = desk.recorder.records("fills")
    fills = fills[fills["tape_mid2"] > -(2**31)]
    return float(((fills["price"] - fills["tape_mid2"] / 2) * fills["qty"]).sum() / fills["qty"].sum())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_taking_costs_more_on_higher_rungs(tmp_path: Path, seed: int) -> None:
    day = synthetic(tmp_path, seed, 20_000)
    book, ledger, reactive = (_cost(day, r, 120 * SECOND, 200) for r in (Rung.BOOK, Rung.LEDGER, Rung.REACTIVE))
    assert book < ledger < reactive


def test_taking_costs_more_on_higher_rungs_on_a_real_day(real: Tape) -> None:
    book, ledger, reactive = (_cost(real, r, 30 * SECOND, 100) for r in (Rung.BOOK, Rung.LEDGER, Rung.REACTIVE))
    assert book <= ledger <= reactive
    assert book < reactive


def test_a_market_order_larger_than_the_visible_book_fills_what_is_there(market: Tape) -> None:
    shown: list[list[tuple[int, int]]] = []

    def sweep(view: View) -> Intent | None:
        return view.take(10**6, 1, collar=10**6)

    desk = session([market], {"a": Script([None] * 40 + [sweep])}, every=SECOND + 7)
    desk.advance(int(market.meta.first_ts) + 41 * (SECOND + 7) - 1)
    book = desk.lines[0].book
    asks: dict[int, int] = {}
    for node in book.orders[book.orders["qty"] > 0]:
        if (int(node["level"]) >> 6) & 1:
            asks[int(node["price"])] = asks.get(int(node["price"]), 0) + int(node["qty"])
    shown.append(sorted(asks.items()))
    played(desk)
    assert [(price, qty) for _, price, qty, _ in fills_of(desk)] == shown[0]
    done = desk.recorder.records("orders")[0]
    assert int(done["leaves"]) == 10**6 - sum(asks.values())


def test_partial_fills_reach_the_position_exactly(market: Tape) -> None:
    desk = played(session([market], {"a": Script([order(1, 60, 1000), order(-1, 60, 1001, tif=TimeInForce.DAY)])}))
    fills = desk.recorder.records("fills")
    assert (np.bincount(fills["order_id"]) > 1).any(), "the market fills an order in parts"
    assert int(desk.account.position[0, 0]) == int((fills["side"].astype(np.int64) * fills["qty"]).sum())
