"""The compiled gate and the slow one agree in all observed values, breaches and warnings, whatever the desk does."""

import pytest

from tests.oracle.gate_world import run_world

ORDERS = 200


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_twenty_thousand_orders_agree(first: int) -> None:
    passed = sum(run_world(seed, ORDERS) for seed in range(first, first + 25))
    assert 25 < passed < 25 * ORDERS / 2  # the worlds let some orders pass, and deny many


@pytest.mark.nightly
@pytest.mark.jit_only
def test_a_million_orders_agree() -> None:
    passed = sum(run_world(seed, ORDERS) for seed in range(1_000, 6_000))
    assert passed > 5_000
