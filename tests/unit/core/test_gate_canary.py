"""The self-test: it passes on a gate that works, changes nothing, and finds a gate that does not."""

import math
from decimal import Decimal

import numpy as np
import pytest

from core.account.account import new_account
from core.account.money import money_scale
from core.plan import FeePlan, LimitPlan
from core.risk import canary
from core.risk.canary import CanaryPassed, run_canaries
from core.risk.controls import SPECS, Control
from core.risk.gate import Gate, new_gate
from core.risk.limits import default_limits, limit_set
from core.risk.provoke import PROVOCATIONS, Scene

SCALE = money_scale([Decimal("0.01")] * 2, [FeePlan()] * 2)
SMALL = money_scale([Decimal("0.01")], [FeePlan()])
ACCOUNT, SMALL_ACCOUNT = new_account(2, 2, SCALE.tick_value), new_account(1, 1, SMALL.tick_value)


def gate_of(plan: LimitPlan) -> Gate:
    return new_gate(limit_set(plan, ["a", "b"], ["X", "Y"]), SCALE)


def small_gate() -> Gate:
    return new_gate(limit_set(default_limits(), ["a"], ["X"]), SMALL)


def test_every_control_is_provoked() -> None:
    assert set(PROVOCATIONS) == set(Control)


@pytest.mark.parametrize(
    "plan",
    [
        default_limits(),
        LimitPlan(),
        LimitPlan(scopes={"desk": {spec.name: math.inf for spec in SPECS if spec.scopes}}),
        LimitPlan(scopes={"desk": {spec.name: 0.0 for spec in SPECS if spec.scopes}}),
        LimitPlan(scopes={"desk": {spec.name: 1e-9 for spec in SPECS if spec.scopes}}),
        LimitPlan(scopes=default_limits().scopes, restricted=("X",)),
    ],
    ids=["demo", "missing", "none", "zero", "tiny", "restricted"],
)
def test_a_sound_gate_passes_whatever_its_limits(plan: LimitPlan) -> None:
    gate = gate_of(plan)
    before = [array.copy() for array in (*gate, *ACCOUNT)]
    results = run_canaries(gate, ACCOUNT)
    assert len(results) == 2 * 2 * (len(Control) + 1) and all(canary.right for canary in results)
    assert {c.control for c in results} == {None, *Control}
    assert all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip((*gate, *ACCOUNT), before, strict=True)
    )


def test_a_limit_out_of_reach_is_lowered_for_the_test() -> None:
    lowered = {c.control for c in run_canaries(gate_of(default_limits()), ACCOUNT) if c.lowered}
    assert lowered == {Control.VOLUME_SHARE}  # it has no limit, and what it observes is always finite


@pytest.mark.parametrize("control", list(Control), ids=lambda control: control.name.lower())
def test_a_gate_that_forgets_a_control_is_found(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = canary.check

    def forgetful(gate: Gate, account: object, draft: object, market: object, verdict: np.void) -> int:
        return sound(gate, account, draft, market, verdict) & ~(1 << control)

    monkeypatch.setattr(canary, "check", forgetful)
    with pytest.raises(CanaryPassed, match=f"{control.name.lower()} did not deny"):
        run_canaries(small_gate(), SMALL_ACCOUNT)


def test_a_gate_that_denies_everything_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "check", lambda gate, account, draft, market, verdict: (1 << len(Control)) - 1)
    with pytest.raises(CanaryPassed, match="a harmless order was denied"):
        run_canaries(small_gate(), SMALL_ACCOUNT)


def test_a_provocation_that_does_not_provoke_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(scene: Scene) -> None:
        assert scene.agent in (0, 1)

    monkeypatch.setitem(PROVOCATIONS, Control.DATA_GAP, nothing)
    with pytest.raises(CanaryPassed, match="data_gap did not deny"):
        run_canaries(small_gate(), SMALL_ACCOUNT)
