"""What users of other simulators asked for and did not get (`reference/simulators.md`, section 5), one by one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from core.desk.desk import Desk
from core.enums import Action, OrderType, Rung
from core.plan import LatencyModel, LatencyPlan
from core.policies.intent import Intent
from core.policies.shown import View
from core.tape.tape import Tape
from core.venue.models import register
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import (
    BUY,
    SECOND,
    SELL,
    Always,
    Script,
    Step,
    by_hand,
    fills_of,
    order,
    played,
    rows_of,
    session,
    stored,
)

ADD, CANCEL, DELETE, EXECUTE, LEVEL = Action.ADD, Action.CANCEL, Action.DELETE, Action.EXECUTE, Action.LEVEL
#: Bids 100 x 5, 99 x 7; asks 102 x 4, 103 x 6.
MARKET = (
    (0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, BUY, 2, 7, 99), (0.0, ADD, SELL, 3, 4, 102), (0.0, ADD, SELL, 4, 6, 103),
)  # fmt: skip
LAST = (60.0, ADD, BUY, 99, 1, 90)
Line = tuple[float, Action, int, int, int, int]


def run(tmp_path: Path, steps: Sequence[Step | None], *lines: Line, **more: object) -> Desk:
    """The market, then `lines`; the agent's turns are at seconds 1, 2, 3 ..."""
    tape = stored(by_hand(*MARKET, *lines, LAST), tmp_path / "m.tape")
    return played(session([tape], {"a": Script(list(steps))}, **more))  # type: ignore[arg-type]


def test_1_orders_of_ours_change_the_market_and_nothing_is_taken_twice(tmp_path: Path) -> None:
    take = order(BUY, 4, 102, OrderType.MARKET)
    desk = run(tmp_path, [take, take, order(BUY, 4, 103, OrderType.MARKET)])
    assert fills_of(desk) == [(1, 102, 4, 0), (3, 103, 4, 0)], "the second finds nothing at 102, the third walks on"


def test_1_what_we_absorb_does_not_reach_the_orders_behind_us(tmp_path: Path) -> None:
    """Bid 100 x 5, ours, 100 x 9; of 11 lots sold 5 go to the first and 6 to us: all 9 behind are there to sell to."""
    lines = [(1.5, ADD, BUY, 7, 9, 100), (3.0, EXECUTE, BUY, 1, 5, 100), (3.0, EXECUTE, BUY, 7, 6, 100)]
    desk = run(tmp_path, [order(BUY, 6, 100), None, None, order(SELL, 20, 100, OrderType.MARKET)], *lines)
    assert fills_of(desk) == [(1, 100, 6, 1), (2, 100, 9, 0)]


@pytest.mark.parametrize(("which", "ahead"), [(1, 8), (7, 5), (8, 13)])
def test_2_a_delete_moves_us_by_what_stood_before_us_and_no_more(tmp_path: Path, which: int, ahead: int) -> None:
    """100 x 5 (order 1), 100 x 8 (order 7), ours, 100 x 6 (order 8)."""
    seen: list[int | None] = []

    def look(view: View) -> None:
        seen.append(view.orders[0].ahead)

    qty = {1: 5, 7: 8, 8: 6}[which]
    lines = [(0.5, ADD, BUY, 7, 8, 100), (1.5, ADD, BUY, 8, 6, 100), (2.5, DELETE, BUY, which, qty, 100)]
    run(tmp_path, [order(BUY, 2, 100), look, look], *lines)
    assert seen == [13, ahead]


def test_3_partial_fills_reach_position_and_cash(tmp_path: Path) -> None:
    lines = [(1.5 + k / 10, EXECUTE, BUY, 1 if k < 2 else 2, 2, 100 if k < 2 else 99) for k in range(5)]
    desk = run(tmp_path, [order(BUY, 6, 100)], *lines)
    fills = desk.recorder.records("fills")
    assert len(fills) > 1
    assert int(desk.account.position[0, 0]) == int(fills["qty"].sum()) == 6
    assert int(desk.account.cash[0]) == -int((fills["qty"] * fills["price"]).sum()) * int(desk.account.tick_value[0])


def test_4_the_book_after_a_trade_is_the_book_without_what_we_took(tmp_path: Path) -> None:
    seen: list[tuple[int | None, int]] = []

    def look(view: View) -> None:
        seen.append((view.ask, int(view._record["ask_qty"])))

    run(tmp_path, [look, order(BUY, 3, 102), look, order(BUY, 2, 103), look])
    assert seen == [(102, 4), (102, 1), (103, 5)]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A market without manners of a few hundred messages."""
    codes = np.random.default_rng(8).integers(0, TAPE_CODE, (400, len(TAPE_CODE))).tolist()
    return stored(rows_of(tape_of(codes), 40_000_000), tmp_path_factory.mktemp("asked") / "m.tape")


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A market of levels without order ids: two prices, whose quantities change, and prints."""
    rng, lines = np.random.default_rng(4), []
    for k in range(600):
        side = BUY if rng.random() < 0.5 else SELL
        lines.append((k * 0.4, LEVEL, side, 0, int(rng.integers(5, 60)), (1000 if side == BUY else 1002)))
        if rng.random() < 0.3:
            at = BUY if rng.random() < 0.5 else SELL
            lines.append((k * 0.4 + 0.1, EXECUTE, at, 0, int(rng.integers(1, 5)), 1000 if at == BUY else 1002))
    return stored(by_hand(*lines), tmp_path_factory.mktemp("levels") / "m.tape")


def _trader(view: View) -> list[Intent | None]:
    if view.now // SECOND % 20 < 14:
        return [] if view.orders else [view.rest(9, 1), view.rest(9, -1)]
    return [view.cancel(one) for one in view.orders] or [view.take(4, 1 if view.now // SECOND % 3 else -1)]


def _records(tape: Tape, rung: Rung, **more: object) -> dict[str, str]:
    desk = played(session([tape], {"a": Always(_trader)}, rung, every=3 * SECOND, **more))  # type: ignore[arg-type]
    assert desk.recorder.counts["fills"] > 5
    return desk.recorder.digests()


def _half(ahead: int, before: int, after: int, gone: int) -> int:
    if gone <= 0 or ahead <= 0:
        return 0
    return int(gone * float(ahead) / max(before, ahead))


def _nobody(ahead: int, before: int, after: int, gone: int) -> int:
    return 0


def _everybody(ahead: int, before: int, after: int, gone: int) -> int:
    return gone


@pytest.mark.parametrize(("built_in", "own"), [("pro-rata", _half), ("tail", _nobody), ("head", _everybody)])
def test_5_a_queue_model_of_ones_own_is_as_good_as_a_built_in(
    levels: Tape, built_in: str, own: Callable[[int, int, int, int], int]
) -> None:
    register("queue", f"own-{built_in}", own)
    found = _records(levels, Rung.QUEUE, queue_model=f"own-{built_in}")
    assert found == _records(levels, Rung.QUEUE, queue_model=built_in)


def _constant(ts: int, drawn: int) -> int:
    return 250_000_000


def _drawn(ts: int, drawn: int) -> int:
    return drawn


def test_5_a_latency_of_ones_own_is_as_good_as_a_built_in(market: Tape) -> None:
    register("latency", "quarter", _constant)
    own, built_in = LatencyModel("quarter"), LatencyModel("constant", 250_000_000)
    found = _records(market, Rung.LATENCY, latency=LatencyPlan(own, own, own))
    assert found == _records(market, Rung.LATENCY, latency=LatencyPlan(built_in, built_in, built_in))
    assert found != _records(market, Rung.LATENCY)


def test_5_every_request_can_have_a_latency_of_its_own(market: Tape) -> None:
    """The function is given the session's seeded draw: passing it on is the built-in."""
    register("latency", "as-drawn", _drawn)
    own, built_in = LatencyModel("as-drawn", 10**8, 0.8), LatencyModel("lognormal", 10**8, 0.8)
    assert _records(market, Rung.LATENCY, latency=LatencyPlan(own, own, own)) == _records(
        market, Rung.LATENCY, latency=LatencyPlan(built_in, built_in, built_in)
    )
    desk = played(session([market], {"a": Always(_trader)}, latency=LatencyPlan(own, own, own), every=3 * SECOND))
    orders = desk.recorder.records("orders")
    under_way = orders["ts_arrived"] - orders["ts_sent"]
    assert len(set(under_way[orders["ts_arrived"] > 0].tolist())) > 5


def _flat(flow: float) -> float:
    return 0.0


@pytest.mark.jit_only
def test_5_an_impact_of_ones_own_moves_the_market(market: Tape) -> None:
    register("impact", "none", _flat)
    register("impact", "steps", _tenth)
    still = played(session([market], {"a": Always(_trader)}, Rung.REACTIVE, every=3 * SECOND, impact_model="none"))
    assert not still.recorder.records("fills")["shift"].any()
    moved = played(session([market], {"a": Always(_trader)}, Rung.REACTIVE, every=3 * SECOND, impact_model="steps"))
    assert moved.recorder.records("fills")["shift"].any()


def _tenth(flow: float) -> float:
    return flow / 10


def test_6_a_policy_is_told_of_its_fill_after_the_response_and_not_before(tmp_path: Path) -> None:
    """Filled at second 1.4 (order under way 0.4 s), told 1.5 s later: the turn at 2 does not know, that at 3 does."""
    seen: list[tuple[int, int]] = []

    def look(view: View) -> None:
        seen.append((view.position, len(view.orders)))

    late = (0, 400_000_000, 1_500_000_000)
    run(tmp_path, [order(BUY, 4, 102, OrderType.MARKET), look, look], delays=late)
    assert seen == [(0, 1), (4, 0)]


def test_9_a_book_without_its_opening_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Executions and deletes of orders that the tape never added: counted, and our queue is what is known."""
    lines = [
        (1.5, DELETE, BUY, 555, 3, 100), (1.6, CANCEL, BUY, 556, 2, 100), (1.7, EXECUTE, SELL, 557, 2, 102),
        (2.5, EXECUTE, BUY, 1, 5, 100), (2.6, EXECUTE, BUY, 558, 3, 100),
    ]  # fmt: skip
    tape = stored(by_hand(*MARKET, *lines, LAST), tmp_path / "m.tape")
    assert tape.meta.unknown_references >= 4
    desk = played(session([tape], {"a": Script([order(BUY, 2, 100)])}))
    assert [f[1:3] for f in fills_of(desk)] in ([], [(100, 2)])
    done = desk.recorder.records("orders")[0]
    assert int(done["ahead_entry"]) == 5
    assert int(done["by_trades"]) == 5, "only the order that was known to stand before us moved us"
