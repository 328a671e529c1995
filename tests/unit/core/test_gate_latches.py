"""Halts that latch, rings that wrap, what stands in a verdict, and hooks that count agent and desk."""

import math

import numpy as np
import pytest

from core.account.account import new_account
from core.account.money import MoneyScale
from core.plan import LimitPlan
from core.records import DRAFT, VERDICT
from core.risk import gate, hooks
from core.risk.controls import COUNT, DUPLICATES_KEPT, SPECS, Control, controls_in
from core.risk.gate import EVERY
from core.risk.limits import limit_set
from core.risk.rates import count, push, row_ring
from core.risk.state import ASKED, CANCELS, LEAST_RING, SENT, new_gate
from tests.oracle.gate_cases import NOW, REPLACE, Desk, S

BOTH = {Control.MESSAGE_HALT, Control.AGENT_HALTED}


def test_asking_too_fast_halts_until_a_person_enables() -> None:
    desk = Desk()
    desk.limit(Control.MESSAGE_HALT, 3)
    assert desk.ask() == set() and desk.ask() == set()
    assert desk.ask() == BOTH
    desk.order["now"] = NOW + 100 * S
    assert desk.ask() == {Control.AGENT_HALTED}
    hooks.enable(desk.gate, 0)
    assert desk.ask() == set()


def test_another_agent_is_not_halted() -> None:
    desk = Desk()
    desk.limit(Control.MESSAGE_HALT, 2)
    desk.limit(Control.MESSAGE_HALT, 2, 1)
    desk.ask()
    desk.ask()
    desk.order["agent"] = 1
    assert desk.ask() == set()
    hooks.enable(desk.gate, 1)  # takes the count too: again one question is allowed
    assert desk.ask() == set()
    assert desk.gate.rows["halted"].tolist() == [1, 0, 0]


def test_cancels_halt_at_the_strictest_limit_of_the_instruments() -> None:
    desk = Desk()
    desk.limit(Control.MESSAGE_HALT, 9, 0, 0)
    desk.limit(Control.MESSAGE_HALT, 3, 0, 1)
    desk.limit(Control.MESSAGE_HALT, 1, 1, 1)
    for halted in (0, 0, 1):
        hooks.cancelled(desk.gate, 0, NOW)
        assert desk.gate.rows["halted"].tolist() == [halted, 0, 0]


def test_no_limit_denies_but_does_not_halt() -> None:
    desk = Desk()
    desk.limit(Control.MESSAGE_HALT, math.nan, 0, 0)
    desk.limit(Control.MESSAGE_HALT, math.nan, 0, 1)
    hooks.cancelled(desk.gate, 0, NOW)
    assert desk.ask() == {Control.MESSAGE_HALT}
    assert desk.gate.rows["halted"].tolist() == [0, 0, 0]


def test_repeated_execution_disables_until_a_person_enables() -> None:
    desk = Desk()
    desk.limit(Control.REPEATED_EXECUTION, 3, 0, 1)
    for halted in (0, 0, 1):
        hooks.filled(desk.gate, 0, 1, -1, 4, NOW)
        assert desk.gate.rows["halted"].tolist() == [halted, 0, 0]
    desk.order |= {"now": NOW + 61 * S, "instrument": 1, "side": -1}
    assert desk.ask() == {Control.AGENT_HALTED}
    hooks.enable(desk.gate, 0)
    assert desk.ask() == set()
    hooks.filled(desk.gate, 0, 1, -1, 4, NOW + 61 * S)
    assert desk.gate.rows["halted"].tolist() == [0, 0, 0]  # what led to the halt is forgotten


def test_fills_a_minute_apart_do_not_disable() -> None:
    desk = Desk()
    desk.limit(Control.REPEATED_EXECUTION, 2)
    for k in range(4):
        hooks.filled(desk.gate, 0, 0, 1, 1, NOW + k * 60 * S)
    assert desk.gate.rows["halted"].tolist() == [0, 0, 0]
    hooks.filled(desk.gate, 0, 0, 1, 1, NOW + 4 * 60 * S - 1)
    assert desk.gate.rows["halted"].tolist() == [1, 0, 0]


def test_enabling_forgets_rejects_and_only_the_own_fills() -> None:
    desk = Desk()
    for agent in (0, 1):
        for instrument in (0, 1):
            for side in (1, -1):
                hooks.filled(desk.gate, agent, instrument, side, 1, NOW)
        hooks.rejected(desk.gate, agent)
    hooks.enable(desk.gate, 0)
    assert desk.gate.rows["rejects"].tolist() == [0, 1, 0]
    assert desk.gate.rings["count"][9:].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_ring_keeps_its_newest_times(size: int) -> None:
    desk = Desk()
    ring = row_ring(desk.gate, SENT, 1)
    desk.gate.rings[ring]["size"] = size
    before = desk.gate.stamps.copy()
    kept: list[int] = []
    rng = np.random.default_rng(size)
    now = NOW
    for _ in range(300):
        now += int(rng.integers(0, S // 2))
        if rng.random() < 0.6:
            push(desk.gate, ring, now)
            kept = [*kept, now][-size:]
        else:
            kept = [t for t in kept if t > now - S]
            assert count(desk.gate, ring, now) == len(kept)
    outside = np.ones(len(before), bool)
    offset = int(desk.gate.rings[ring]["offset"])
    outside[offset : offset + size] = False
    assert np.array_equal(desk.gate.stamps[outside], before[outside])


def test_rings_do_not_overlap() -> None:
    desk = Desk()
    rows, rings = 3, desk.gate.rings
    assert [row_ring(desk.gate, kind, 2) for kind in (ASKED, SENT, CANCELS)] == [2, rows + 2, 2 * rows + 2]
    assert len(rings) == 3 * rows + 2 * 2 * 2 and (rings["size"] == LEAST_RING).all()
    assert rings["offset"].tolist() == [k * LEAST_RING for k in range(len(rings))]
    assert rings["window"].tolist() == [S] * 9 + [60 * S] * 8


def test_the_duplicate_memory_is_a_ring() -> None:
    desk = Desk()
    for k in range(DUPLICATES_KEPT + 5):
        desk.sent(1, agent=0, qty=1 + k)
    assert sorted(desk.gate.recent["qty"][0].tolist()) == list(range(6, DUPLICATES_KEPT + 6))
    assert desk.gate.rows["recent"].tolist() == [DUPLICATES_KEPT + 5, 0, 0]
    newest = desk.gate.recent[0, 4]
    assert newest.tolist() == (NOW, DUPLICATES_KEPT + 5, 90, 0, 1, 1)


def test_a_verdict_says_what_it_judged() -> None:
    desk = Desk()
    desk.ask()
    desk.order |= {
        "agent": 1,
        "instrument": 1,
        "side": -1,
        "op": REPLACE,
        "order_id": 77,
        "decision": 12,
        "now": NOW + 3,
    }
    assert desk.ask() == set()
    verdict = desk.verdict[0]
    names = ("seq", "ts", "decision", "order_id", "version", "agent", "instrument", "op", "side")
    assert [int(verdict[name]) for name in names] == [1, NOW + 3, 12, 77, 7, 1, 1, REPLACE, -1]


def test_a_verdict_of_an_unreadable_draft_says_so() -> None:
    desk = Desk()
    desk.verdict["passed50"] = desk.verdict["passed75"] = desk.verdict["passed90"] = 5
    desk.order["agent"] = 9
    assert desk.ask() == set(Control)
    verdict = desk.verdict[0]
    assert int(verdict["breaches"]) == EVERY == 2**COUNT - 1 and desk.gate.top["verdicts"][0] == 1
    assert [int(verdict[name]) for name in ("passed50", "passed75", "passed90", "agent")] == [0, 0, 0, 9]
    assert np.isnan(verdict["observed"][:COUNT]).all()


@pytest.mark.parametrize(
    ("limit", "stages"), [(20.01, 0), (20, 1), (14, 1), (13.5, 1), (13.33, 2), (11.2, 2), (11.11, 3), (10, 4), (5, 4)]
)
def test_warnings_are_staged(limit: float, stages: int) -> None:
    desk = Desk()
    desk.limit(Control.ORDER_QTY, limit)
    breaches = desk.ask()
    passed = [set(controls_in(int(desk.verdict[name][0]))) for name in ("passed50", "passed75", "passed90")]
    for stage, reached in enumerate((*passed, breaches), start=1):
        assert (Control.ORDER_QTY in reached) == (stages >= stage)
        assert reached <= {Control.ORDER_QTY}


def test_nan_breaches_without_a_warning() -> None:
    desk = Desk()
    desk.market["window2"] = -(2**31)
    assert desk.ask() == {Control.PRICE_WINDOW}
    assert [int(desk.verdict[name][0]) for name in ("passed50", "passed75", "passed90")] == [0, 0, 0]


def test_hooks_count_the_agent_and_the_desk() -> None:
    desk = Desk()
    desk.sent(2, agent=0, side=1, qty=3, price=90)
    desk.sent(1, agent=1, side=-1, qty=4, price=-50, instrument=1)
    hooks.cancelled(desk.gate, 0, NOW)
    hooks.changed(desk.gate, 0, 0, 1, 90, 3, 1)
    gate = desk.gate
    assert gate.working[:, 0, 0].tolist() == [4, 0, 4] and gate.working[:, 1, 1].tolist() == [0, 4, 4]
    assert gate.working[:, 0, 1].tolist() == [0, 0, 0] and gate.working[:, 1, 0].tolist() == [0, 0, 0]
    assert gate.rows["open_orders"].tolist() == [2, 1, 3]
    assert gate.rows["open_value"].tolist() == [3_600, 1_200, 4_800]
    assert gate.rows["messages"].tolist() == [3, 1, 4]
    assert [count(gate, row_ring(gate, CANCELS, row), NOW) for row in range(3)] == [1, 0, 0]
    assert [count(gate, row_ring(gate, SENT, row), NOW) for row in range(3)] == [3, 1, 4]
    hooks.filled(gate, 1, 1, -1, 2, NOW)
    assert gate.rows["fills"].tolist() == [0, 1, 1]


def test_a_replace_in_flight_and_its_answer() -> None:
    desk = Desk()
    gate = desk.gate
    desk.sent(1, agent=0, qty=3, price=90)
    replace = np.zeros(1, DRAFT)[0]
    for name, value in {
        **desk.order, "op": REPLACE, "qty": 8, "price": 100, "old_leaves": 3, "old_price": 90
    }.items():  # fmt: skip
        replace[name] = value
    hooks.sent(gate, replace)
    assert gate.working[:, 0, 0].tolist() == [8, 0, 8] and gate.rows["open_value"].tolist() == [8_000, 0, 8_000]
    assert gate.rows["open_orders"].tolist() == [1, 0, 1] and gate.rows["messages"].tolist() == [2, 0, 2]
    assert gate.rows["recent"].tolist() == [1, 0, 0]
    hooks.changed(gate, 0, 0, 1, 90, 3, 1)  # two lots trade on the way
    hooks.answered(gate, replace)
    assert gate.working[:, 0, 0].tolist() == [1, 0, 1] and gate.rows["open_value"].tolist() == [900, 0, 900]
    hooks.changed(gate, 0, 0, 1, 90, 1, 0)
    hooks.changed(gate, 0, 0, 1, 100, 0, 6)
    assert gate.working[:, 0, 0].tolist() == [6, 0, 6] and gate.rows["open_value"].tolist() == [6_000, 0, 6_000]
    assert gate.rows["open_orders"].tolist() == [1, 0, 1]


def test_halts_wait_for_the_whole_limit() -> None:
    desk = Desk()
    desk.limit(Control.REPEATED_EXECUTION, 20)
    desk.limit(Control.MESSAGE_HALT, 20, 1)
    for _ in range(19):
        hooks.filled(desk.gate, 0, 0, 1, 1, NOW)
        hooks.cancelled(desk.gate, 1, NOW)
    assert desk.gate.rows["halted"].tolist() == [0, 0, 0]
    hooks.filled(desk.gate, 0, 0, 1, 1, NOW)
    hooks.cancelled(desk.gate, 1, NOW)
    assert desk.gate.rows["halted"].tolist() == [1, 1, 0]


@pytest.mark.parametrize(("agents", "instruments"), [(1, 3), (3, 1), (1, 1), (2, 4)])
def test_desks_of_any_shape(agents: int, instruments: int) -> None:
    scale = MoneyScale(0, np.full(instruments, 10), np.zeros((instruments, 4), np.int64))
    names = [f"a{k}" for k in range(agents)], [f"i{k}" for k in range(instruments)]
    free = {spec.name: math.inf for spec in SPECS if spec.scopes}
    limits = limit_set(LimitPlan(1, {"desk": free, f"agent.{names[0][-1]}": {"message_halt": 3}}), *names)
    desk = Desk()
    desk.gate, desk.account = new_gate(limits, scale), new_account(agents, instruments, scale.tick_value)
    for instrument in range(instruments):
        desk.mark(instrument, 202)
    for agent in range(-1, agents + 1):
        for instrument in range(-1, instruments + 1):
            desk.order |= {"agent": agent, "instrument": instrument, "now": desk.order["now"] + S}
            inside = 0 <= agent < agents and 0 <= instrument < instruments
            assert desk.ask() == (set() if inside else set(Control))
    last, now = agents - 1, desk.order["now"] + 70 * S
    for instrument in range(instruments):
        for side in (1, -1):
            hooks.filled(desk.gate, last, instrument, side, 1, now)
    fills = desk.gate.rings["count"][3 * (agents + 1) :].reshape(agents, instruments, 2)
    assert (fills[last] == 1).all() and (fills[:last] == 0).all()
    for halted in (0, 0, 1):
        hooks.cancelled(desk.gate, last, now)
        assert desk.gate.rows["halted"][last] == halted
    hooks.filled(desk.gate, 0, 0, 1, 1, now)
    hooks.enable(desk.gate, last)
    kept = fills.copy()
    kept[last] = 0
    assert np.array_equal(desk.gate.rings["count"][3 * (agents + 1) :].reshape(fills.shape), kept)
    assert desk.gate.rows["halted"].tolist() == [0] * (agents + 1)


@pytest.mark.parametrize(
    ("seen", "breaches", "passed"),
    [(4.0, EVERY, (EVERY, EVERY, EVERY)), (3.7, 0, (EVERY, EVERY, EVERY)), (3.1, 0, (EVERY, EVERY, 0)),
     (2.0, 0, (EVERY, 0, 0)), (1.9, 0, (0, 0, 0)), (math.nan, EVERY, (0, 0, 0))],
)  # fmt: skip
def test_controls_that_are_all_alike_are_all_judged(seen: float, breaches: int, passed: tuple[int, ...]) -> None:
    table = np.array([[4.0], [2.0], [3.0], [3.6]]) * np.ones(COUNT)
    verdicts = np.zeros(1, VERDICT)
    assert int(gate._judge(table, np.full(COUNT, seen), verdicts[0])) == breaches
    assert tuple(int(verdicts[0][name]) for name in ("passed50", "passed75", "passed90")) == passed
