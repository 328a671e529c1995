"""A comparison from end to end on a synthetic tape: paired, exact, the same on any number of processes."""

import math
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.clock import sleep
from core.desk.ready import ready
from core.enums import Rung, Side
from core.errors import ConfigError, TapedeckError, TapeError
from core.feeds.source import Options
from core.plan import FeePlan, LatencyModel, LatencyPlan, SessionPlan, TapePlan
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.importer import import_tape
from core.tape.tape import Tape
from core.tca.compare import compare
from core.tca.crew import _deaf, work_all
from core.tca.parents import Wanted, draw
from core.tca.result import PARTS, CompareResult
from core.tca.work import Bench, Contender, Outcome, Terms, WorkFailed, open_limits

SECOND = 1_000_000_000
WANTED = Wanted(orders=6, window=60 * SECOND, seed=7, qty=300)
pytestmark = pytest.mark.jit_only  # plays thousands of messages for each of dozens of sessions


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare") / "day.tape"
    import_tape(SyntheticSource(MarketProfile.named("default"), 5, 60_000), folder, Options())
    return folder


def contender(name: str, **params: float) -> Contender:
    return Contender(name, name, params)


def terms(day: Path, *names: str, **changed: object) -> Terms:
    fixed = LatencyModel("constant", 100_000)
    found = Terms((day,), tuple(contender(n) for n in names), latency=LatencyPlan(fixed, fixed, fixed))
    return replace(found, **changed)  # type: ignore[arg-type]


def mean(result: CompareResult, policy: str, column: str) -> float:
    value = result.columns[policy][column]
    assert isinstance(value, float)
    return value


@pytest.fixture(scope="module")
def bench(day: Path) -> Bench:
    return Bench(terms(day, "twap", "passive", "hold"))


def test_parts_sum_to_the_shortfall_of_every_run(bench: Bench) -> None:
    for row in work_all(bench, draw(bench.markets, WANTED), 1):
        for outcome in row:
            assert sum(outcome.shortfall.parts) == outcome.shortfall.total


def test_a_policy_that_does_nothing_pays_the_book_of_the_end(day: Path, bench: Bench) -> None:
    orders = draw(bench.markets, WANTED)
    tape = Tape(day)
    for order, row in zip(orders, work_all(bench, orders, 1), strict=True):
        found = row[2].shortfall
        book = tape.at(tape.index_at(int(order["end"]))).book
        ask_price, ask_qty, bid_price, bid_qty = (side.tolist() for side in book.depth(200))
        levels = zip(ask_price, ask_qty, strict=True) if order["side"] > 0 else zip(bid_price, bid_qty, strict=True)
        left, paid = int(order["qty"]), 0
        for price, qty in levels:
            paid += price * min(left, qty)
            left -= min(left, qty)
        assert left == 0
        start = tape.at(tape.index_at(int(order["start"]))).book.depth(1)
        mid = Fraction(int(start[0][0] + start[2][0]), 2)
        cost = int(order["side"]) * (paid - mid * int(order["qty"])) / (mid * int(order["qty"]))
        assert found.bps(found.total) == pytest.approx(float(10_000 * cost))
        assert (found.filled, found.spread, found.impact, found.fees) == (0, 0, 0, 0)


def test_takers_pay_half_a_spread_and_resting_is_cheaper(day: Path) -> None:
    wanted = replace(WANTED, orders=20)
    honest = compare(terms(day, "twap", "passive"), wanted, resamples=200)
    book = compare(terms(day, "twap", rung=Rung.BOOK), wanted, resamples=200)
    papers = compare(terms(day, "twap", rung=Rung.MID), wanted, resamples=200)
    moved = compare(terms(day, "twap", rung=Rung.REACTIVE), wanted, resamples=200)
    assert mean(papers, "twap", "spread_bps") == pytest.approx(0, abs=0.05)
    assert mean(book, "twap", "spread_bps") > 10 * abs(mean(papers, "twap", "spread_bps"))
    assert mean(honest, "twap", "spread_bps") > mean(honest, "passive", "spread_bps")
    assert mean(moved, "twap", "impact_bps") > mean(honest, "twap", "impact_bps") >= 0
    assert mean(honest, "twap", "fill_rate") == mean(honest, "passive", "fill_rate") == 1.0


def test_the_result_is_the_same_on_one_process_and_on_two(day: Path) -> None:
    drawn = LatencyModel("lognormal", 200_000, 0.5)
    asked = terms(day, "twap", "passive", latency=LatencyPlan(drawn, drawn, drawn))
    one, two = compare(asked, WANTED, resamples=200), compare(asked, WANTED, jobs=2, resamples=200)
    assert one.to_json() == two.to_json()
    assert (one.costs == two.costs).all()
    other = compare(asked, replace(WANTED, seed=8), resamples=200)
    assert other.digest != one.digest


def test_the_columns_are_complete_and_say_under_what_terms(day: Path) -> None:
    found = compare(terms(day, "twap", "hold", fees=FeePlan(taker_per_lot="0.01")), WANTED, resamples=200)
    named = {f"{part}_bps" for part in PARTS} | {
        "shortfall_bps", "shortfall_ci", "timing_risk_bps", "cvar95_bps", "fill_rate", "vs_twap_bps", "vs_twap_ci",
    }  # fmt: skip
    assert all(named <= set(row) for row in found.columns.values())
    assert mean(found, "twap", "fees_bps") > 0
    for name in found.policies:
        total = sum(mean(found, name, f"{part}_bps") for part in PARTS)
        assert mean(found, name, "shortfall_bps") == pytest.approx(total)
    told = found.to_json()
    assert (told["rung"], told["queue"], told["digest"]) == ("R4", "conserving", found.digest)
    assert any("hold: 6 of 6 orders not done in full" in note for note in found.notes)
    assert found.settings["latency_order"] == "constant 100000 ns"
    assert found.tapes[0].orders == 6


def test_without_twap_no_difference_is_told(day: Path) -> None:
    found = compare(terms(day, "hold"), WANTED, resamples=50)
    assert found.columns["hold"]["vs_twap_bps"] is None
    assert any("twap was not run" in note for note in found.notes)


def test_two_tapes_are_blocks_of_their_own(day: Path) -> None:
    one = compare(terms(day, "hold"), WANTED, resamples=50)
    both = compare(replace(terms(day, "hold"), folders=(day, day)), replace(WANTED, orders=12), resamples=50)
    assert [tape.orders for tape in both.tapes] == [6, 6]
    assert both.blocks > one.blocks


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_policy_that_cannot_work_is_named_with_its_order(day: Path, jobs: int) -> None:
    wrong = replace(terms(day, "twap"), contenders=(contender("twap"), contender("pov", rate=-1.0)))
    with pytest.raises(WorkFailed, match="order 0, policy pov: .*'rate'") as caught:
        compare(wrong, WANTED, jobs=jobs)
    assert caught.value.exit_code == 2


class Slow(Bench):
    """Gives the other processes time to take their share."""

    worked = 0

    def work(self, order: np.void) -> list[Outcome]:
        self.worked += 1
        sleep(0.3)
        return super().work(order)


def test_other_processes_take_their_share_and_find_the_same(day: Path) -> None:
    asked = terms(day, "twap", "hold")
    slow = Slow(asked)
    orders = draw(slow.markets, replace(WANTED, orders=60))
    assert work_all(slow, orders, 2) == work_all(Bench(asked), orders, 1)
    assert slow.worked < len(orders)
    assert multiprocessing.active_children() == []


def test_a_worker_that_fails_says_why_and_none_is_left(day: Path, tmp_path: Path) -> None:
    gone = shutil.copytree(day, tmp_path / "gone.tape")
    bench = Slow(terms(gone, "hold"))
    orders = draw(bench.markets, replace(WANTED, orders=100))
    shutil.rmtree(gone)
    with pytest.raises(WorkFailed, match=r"gone\.tape") as caught:
        work_all(bench, orders, 2)
    assert caught.value.exit_code == TapeError.exit_code
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_killed_is_noticed(day: Path) -> None:
    bench = Slow(terms(day, "hold"))

    def kill(done: int) -> None:
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(WorkFailed, match="died"):
        work_all(bench, draw(bench.markets, replace(WANTED, orders=100)), 2, kill)


def test_an_interrupt_while_processes_start_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), _deaf():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_an_interrupt_leaves_no_process(day: Path) -> None:
    bench = Bench(terms(day, "hold"))

    def stop(done: int) -> None:
        if done > 1:
            assert multiprocessing.active_children()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_all(bench, draw(bench.markets, replace(WANTED, orders=40)), 2, stop)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("wanted", [
    replace(WANTED, window=10**15), replace(WANTED, qty=0), replace(WANTED, orders=0), replace(WANTED, adv_share=0.1),
])  # fmt: skip
def test_orders_that_cannot_be_drawn_are_refused(day: Path, wanted: Wanted) -> None:
    with pytest.raises(ConfigError):
        compare(terms(day, "hold"), wanted)


def test_the_same_policy_twice_none_at_all_and_no_process_are_refused(day: Path) -> None:
    for asked, jobs in ((terms(day, "twap", "twap"), 1), (terms(day), 1), (terms(day, "twap"), 0)):
        with pytest.raises(TapedeckError, match="twice|at least one"):
            compare(asked, WANTED, jobs=jobs)


def test_what_a_session_was_ready_with_serves_only_its_like(day: Path, bench: Bench) -> None:
    tape, known = Tape(day), [bench.markets[0]]
    plan = SessionPlan("one", (TapePlan("tape", day),), (), open_limits())
    made = ready(plan, [tape], ["a"], known)
    assert ready(replace(plan, seed=9), [tape], ["a"], known, made) is made
    for other in (
        ready(plan, [tape], ["b"], known, made),
        ready(plan, [tape], ["a"], list(Bench(bench.terms).markets), made),
        ready(replace(plan, rung=Rung.REACTIVE), [tape], ["a"], known, made),
        ready(replace(plan, tapes=(TapePlan("tape", day, fees=FeePlan("0.1")),)), [tape], ["a"], known, made),
    ):
        assert other is not made


def test_nothing_is_capped(day: Path) -> None:
    limits = open_limits().scopes["desk"]
    assert limits and all(math.isinf(limit) for limit in limits.values())


def test_every_policy_meets_the_same_market(day: Path) -> None:
    drawn = LatencyModel("lognormal", 500_000, 1.0)
    asked = replace(
        terms(day, latency=LatencyPlan(drawn, drawn, drawn)),
        contenders=(Contender("a", "twap", {}), Contender("b", "twap", {})),
    )
    found = compare(asked, WANTED, resamples=50)
    assert (found.costs[0] == found.costs[1]).all()
    assert set(np.unique(found.orders["side"])) == {int(Side.BID), int(Side.ASK)}
