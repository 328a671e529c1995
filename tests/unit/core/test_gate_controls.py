"""Every control: below, at and above its limit, NaN, without a limit, replaces. The cases stand beside the oracle."""

import pytest

from core.risk.controls import COUNT, Control
from core.risk.gate import _ABREAST
from tests.oracle import gate_cases_desk, gate_cases_order
from tests.oracle.gate_cases import Case

CASES = [
    *gate_cases_order.FORM, *gate_cases_order.PRICE, *gate_cases_order.OWN, *gate_cases_order.WORLD,
    *gate_cases_desk.POSITION, *gate_cases_desk.MONEY, *gate_cases_desk.OPEN, *gate_cases_desk.RATES,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.control.name.lower()}: {case.words}")
def test_control(case: Case) -> None:
    case.run()


def test_every_control_has_cases() -> None:
    assert {case.control for case in CASES} == set(Control)


def test_controls_fill_whole_rows_of_the_comparison() -> None:
    assert COUNT % _ABREAST == 0
