"""Limits: what a plan may say, which one counts, how a person changes them, and how they run out."""

import math
from decimal import Decimal

import numpy as np
import pytest

from core.account.money import MoneyScale, money_scale
from core.errors import ConfigError
from core.plan import FeePlan, LimitPlan
from core.records import CONTROLS
from core.risk.controls import COUNT, DUPLICATES_KEPT, SETTABLE, SPECS, Control, controls_in
from core.risk.limits import (
    MOST_COUNTED,
    LimitSet,
    changed,
    default_limits,
    effective,
    expired,
    limit_set,
    missing,
    next_expiry,
    strictest,
    thresholds,
)
from core.risk.state import LEAST_RING, apply_limits, new_gate

AGENTS, TAPES = ["maker", "taker"], ["AMZN", "AAPL"]


def make(**scopes: dict[str, float]) -> LimitSet:
    named = {scope.replace("_", ".", 1): limits for scope, limits in scopes.items()}
    return limit_set(LimitPlan(1, named), AGENTS, TAPES)


def scale() -> MoneyScale:
    return money_scale([Decimal("0.01")] * 2, [FeePlan()] * 2)


def test_every_control_is_described() -> None:
    assert [spec.control for spec in SPECS] == list(Control) and COUNT == len(Control) <= CONTROLS
    assert all(spec.words and (spec.flag or spec.unit) for spec in SPECS)
    assert {spec.control for spec in SPECS if spec.scopes} == set(controls_in(SETTABLE))
    assert [spec.name for spec in SPECS if not spec.scopes and not spec.flag] == ["limits_present"]


@pytest.mark.parametrize(
    ("scope", "control", "value", "words"),
    [
        ("dezk", "order_qty", 1, "limits.dezk: no such scope; did you mean 'desk'?"),
        ("agent.makr", "order_qty", 1, "limits.agent.makr: no agent 'makr'; did you mean 'maker'?"),
        ("instrument.AMZ", "order_qty", 1, "no instrument 'AMZ'; did you mean 'AMZN'?"),
        ("agent", "order_qty", 1, "limits.agent: no such scope"),
        ("tape.AMZN", "order_qty", 1, "limits.tape.AMZN: no such scope"),
        ("desk", "order_qtty", 1, "limits.desk.order_qtty: no such control; did you mean 'order_qty'?"),
        ("agent.maker", "desk_position", 1, "cannot be set for agent, only for desk or instrument"),
        ("instrument.AMZN", "open_orders", 1, "cannot be set for instrument, only for desk or agent"),
        ("desk", "killed", 1, "this is either good or bad: no limit can be set on it"),
        ("desk", "limits_present", 1, "either good or bad"),
        (
            "desk",
            "order_qty",
            math.nan,
            "limits.desk.order_qty: a limit is a number from 0 on, or inf for none, not nan",
        ),
        ("desk", "order_qty", -1, "not -1"),
        ("desk", "order_qty", -math.inf, "not -inf"),
        ("desk", "order_qty", True, "True is not a number"),
        ("desk", "order_qty", "10", "'10' is not a number"),
        ("desk", "message_rate", MOST_COUNTED + 1, "at most 65,536 are counted, not 65,537"),
        ("desk", "duplicate", DUPLICATES_KEPT + 1, "at most 32 are counted, not 33"),
    ],
)
def test_a_bad_limit_is_named(scope: str, control: str, value: float, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        limit_set(LimitPlan(1, {scope: {control: value}}), AGENTS, TAPES)
    assert words in str(caught.value)


def test_restricted_names_must_be_tapes() -> None:
    with pytest.raises(ConfigError, match=r"limits.restricted: no tape 'AAPLE'; did you mean 'AAPL'\?"):
        limit_set(LimitPlan(1, {}, ("AAPLE",)), AGENTS, TAPES)
    assert new_gate(limit_set(LimitPlan(1, {}, ("AAPL",)), AGENTS, TAPES), scale()).restricted.tolist() == [0, 1]


def test_zero_and_inf_are_limits_and_the_edges_of_counting() -> None:
    limits = make(desk={"order_qty": 0, "position": math.inf, "message_rate": MOST_COUNTED, "duplicate": 32})
    assert effective(limits, "desk", "order_qty") == 0 and effective(limits, "desk", "position") == math.inf
    assert limit_set(LimitPlan(1, {"desk": {"message_rate": math.inf}}), AGENTS, TAPES)


@pytest.mark.parametrize(("desk", "agent", "instrument"), [(3, 5, 7), (5, 3, 7), (7, 5, 3), (math.inf, 3, math.inf)])
def test_the_strictest_scope_counts(desk: float, agent: float, instrument: float) -> None:
    limits = make(desk={"order_qty": desk}, agent_maker={"order_qty": agent}, instrument_AMZN={"order_qty": instrument})
    assert strictest(limits, "maker", "AMZN", "order_qty") == 3
    assert strictest(limits, "taker", "AAPL", "order_qty") == desk
    assert strictest(limits, "maker", "AAPL", "order_qty") == min(desk, agent)
    assert strictest(limits, "taker", "AMZN", "order_qty") == min(desk, instrument)
    table = thresholds(limits, scale())
    assert table[:, :, 0, Control.ORDER_QTY].tolist() == [[3, min(desk, agent)], [min(desk, instrument), desk]]


def test_what_is_missing_is_nan_and_listed() -> None:
    limits = make(desk={"order_qty": 5}, agent_maker={"position": 7})
    table = thresholds(limits, scale())
    assert table.shape == (2, 2, 4, COUNT)
    assert math.isnan(table[1, 0, 0, Control.POSITION]) and table[0, 0, 0, Control.POSITION] == 7
    settable = sum(1 for spec in SPECS if spec.scopes)
    assert len(missing(limits, "maker", "AMZN")) == settable - 2
    gate = new_gate(limits, scale())
    assert gate.missing.tolist() == [[settable - 2] * 2, [settable - 1] * 2]
    assert "position" in missing(limits, "taker", "AMZN") and "position" not in missing(limits, "maker", "AMZN")


def test_money_is_in_units_and_stages_are_parts() -> None:
    table = thresholds(make(desk={"day_loss": 2.5, "order_qty": 8}), scale())
    assert table[1, 1, :, Control.DAY_LOSS].tolist() == [2_500_000, 1_250_000, 1_875_000, 2_250_000]
    assert table[0, 0, :, Control.ORDER_QTY].tolist() == [8, 4, 6, 7.2]
    assert table[0, 0, :, Control.KILLED].tolist() == [1, 0.5, 0.75, 0.9]


def test_the_demo_limits_are_complete() -> None:
    limits = limit_set(default_limits(), AGENTS, TAPES)
    assert missing(limits, "maker", "AMZN") == []
    assert set(default_limits().scopes["desk"]) == {spec.name for spec in SPECS if spec.scopes}


def test_a_change_makes_a_version_and_keeps_the_old_one() -> None:
    first = make(desk={"order_qty": 5})
    second = changed(first, "desk", "order_qty", 9, " ann ", "more volume", since=100)
    assert (first.version, second.version) == (1, 2)
    assert effective(first, "desk", "order_qty") == 5 and effective(second, "desk", "order_qty") == 9
    change = second.history[-1]
    assert (change.version, change.before, change.after, change.person, change.expires) == (2, 5, 9, "ann", None)
    third = changed(second, "agent.maker", "order_qty", 2, "ann", "new", since=200)
    assert math.isnan(third.history[-1].before) and len(third.history) == 2
    assert strictest(third, "maker", "AMZN", "order_qty") == 2 and strictest(third, "taker", "AMZN", "order_qty") == 9


def test_an_override_runs_out_at_its_time() -> None:
    first = make(desk={"order_qty": 5}, instrument_AMZN={"order_qty": 4})
    second = changed(first, "desk", "order_qty", 50, "ann", "block trade", since=100, expires=200)
    assert strictest(second, "maker", "AAPL", "order_qty") == 50
    assert strictest(second, "maker", "AMZN", "order_qty") == 4  # another scope's limit still counts
    assert next_expiry(second) == 200 and next_expiry(first) is None
    assert expired(second, 199) is second
    third = expired(second, 200)
    assert third.version == 3 and effective(third, "desk", "order_qty") == 5 and third.history == second.history
    assert expired(third, 10**18) is third


def test_the_newest_override_counts_and_a_lasting_change_ends_them() -> None:
    first = make(desk={"order_qty": 5})
    second = changed(first, "desk", "order_qty", 50, "ann", "a", since=100, expires=300)
    third = changed(second, "desk", "order_qty", 20, "ann", "b", since=110, expires=200)
    assert effective(third, "desk", "order_qty") == 20 and third.history[-1].before == 50
    assert effective(expired(third, 250), "desk", "order_qty") == 50
    fourth = changed(third, "desk", "order_qty", 6, "ann", "c", since=120)
    assert effective(fourth, "desk", "order_qty") == 6 and fourth.overrides == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("desk", "order_qty", 1, "", "why", 5), "needs a person and a reason"),
        (("desk", "order_qty", 1, "ann", "  ", 5), "needs a person and a reason"),
        (("desk", "order_qty", math.nan, "ann", "why", 5), "a limit is a number"),
        (("desk", "orderqty", 1, "ann", "why", 5), "did you mean 'order_qty'"),
        (("agent.x", "order_qty", 1, "ann", "why", 5), "no agent 'x'"),
        (("desk", "order_qty", 1, "ann", "why", 5, 5), "expired before it begins"),
    ],
)
def test_a_change_that_cannot_be(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        changed(make(desk={"order_qty": 5}), *arguments)  # type: ignore[arg-type]


def test_a_running_gate_takes_another_version() -> None:
    limits = limit_set(default_limits(), AGENTS, TAPES)
    gate = new_gate(limits, scale())
    tighter = changed(limits, "desk", "order_qty", 3, "ann", "why", since=5)
    apply_limits(gate, tighter, scale())
    assert gate.top["version"].tolist() == [2] and (gate.thresholds[:, :, 0, Control.ORDER_QTY] == 3).all()
    wide = changed(tighter, "agent.maker", "cancel_rate", LEAST_RING, "ann", "why", since=6)
    apply_limits(gate, wide, scale())
    before = gate.thresholds.copy()
    wider = changed(changed(wide, "desk", "message_rate", math.inf, "ann", "why", since=7),
                    "desk", "message_rate", LEAST_RING + 1, "ann", "why", since=7)  # fmt: skip
    with pytest.raises(ConfigError, match="above 1,024 can only be set before a session starts"):
        apply_limits(gate, wider, scale())
    assert np.array_equal(gate.thresholds, before) and gate.top["version"].tolist() == [3]


def test_rings_are_as_long_as_the_limits() -> None:
    gate = new_gate(
        make(desk={"message_rate": 2_000, "desk_message_rate": 3_000.5, "repeated_execution": 1_500}), scale()
    )
    assert gate.rings["size"].tolist() == [LEAST_RING] * 3 + [2_000] * 2 + [3_001] + [LEAST_RING] * 3 + [1_500] * 8
