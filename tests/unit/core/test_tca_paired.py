"""The paired protocol on costs that are known."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from core.clock import cpu_ns
from core.enums import Queue, Rung
from core.records import FILL
from core.tca.paired import cvar, figures
from core.tca.result import PAIRED, PARTS, CompareResult, TapeNote, Trial, model_words, new_costs, put
from core.tca.shortfall import Leftover, Marks, decompose
from tests.oracle.tca import cvar as slow_cvar
from tests.oracle.tca import holm as slow_holm


def paired_orders(count: int, per_block: int = 5) -> NDArray[np.void]:
    orders = np.zeros(count, PAIRED)
    orders["number"] = np.arange(count)
    orders["block"] = np.arange(count) // per_block
    orders["side"], orders["qty"] = 1 - 2 * (np.arange(count) % 2), 100
    return orders


def random_costs(rows: NDArray[np.float64]) -> NDArray[np.void]:
    """COST whose shortfall is `rows` (policies, orders), split at random."""
    rng = np.random.default_rng(3)
    costs = new_costs(*rows.shape)
    costs["shortfall"], rest = rows, rows.copy()
    for part in PARTS[:-1]:
        costs[part] = rng.normal(size=rows.shape)
        rest -= costs[part]
    costs["opportunity"], costs["fill_rate"] = rest, 1.0
    return costs


def market(policies: int, orders: int, gain: float = 0.0) -> NDArray[np.float64]:
    """Shortfalls that are mostly the market's, the same for all; the last policy saves `gain`."""
    rng = np.random.default_rng(11)
    rows = 30 * rng.normal(size=orders) + 3 * rng.normal(size=(policies, orders)) + 5
    rows[-1] -= gain
    return rows


def test_pairing_sees_what_the_means_cannot() -> None:
    names, orders = ("twap", "vwap", "learned"), paired_orders(200)
    found = figures(names, orders, random_costs(market(3, 200, gain=3.0)), np.random.default_rng(1))
    best = found.columns["learned"]
    low, high = best["shortfall_ci"]  # type: ignore[misc]
    assert low < found.columns["twap"]["shortfall_bps"] < high  # type: ignore[operator]
    assert best["vs_twap_ci"][0] < -3 < best["vs_twap_ci"][1] < 0  # type: ignore[index]
    assert best["p_holm"] < 0.01  # type: ignore[operator]
    assert best["p_win"] > 0.6  # type: ignore[operator]
    middle = found.columns["vwap"]["vs_twap_ci"]
    assert middle[0] < 0 < middle[1]  # type: ignore[index]
    assert found.blocks == 40


def test_the_parts_of_the_means_sum_to_the_mean() -> None:
    found = figures(("twap", "pov"), paired_orders(37), random_costs(market(2, 37)), np.random.default_rng(1))
    for row in found.columns.values():
        assert sum(row[f"{part}_bps"] for part in PARTS) == pytest.approx(row["shortfall_bps"], abs=1e-9)  # type: ignore[misc]


def test_the_baseline_is_nothing_against_itself_and_may_be_missing() -> None:
    found = figures(("twap", "pov"), paired_orders(20), random_costs(market(2, 20)), np.random.default_rng(1))
    own = found.columns["twap"]
    assert (own["vs_twap_bps"], own["vs_twap_ci"], own["p_holm"]) == (0.0, [0.0, 0.0], None)
    none = figures(("pov", "ac"), paired_orders(20), random_costs(market(2, 20)), np.random.default_rng(1))
    assert none.columns["pov"]["vs_twap_bps"] is none.columns["pov"]["vs_twap_ci"] is None
    assert [(pair.policy, pair.other) for pair in none.pairs] == [("pov", "ac")]


def test_p_values_are_corrected_over_the_policies_compared() -> None:
    names = ("twap", "a", "b", "c")
    found = figures(names, paired_orders(60), random_costs(market(4, 60, gain=1.5)), np.random.default_rng(2))
    raw = [Fraction(found.columns[name]["p_value"]) for name in names[1:]]  # type: ignore[arg-type]
    told = [found.columns[name]["p_holm"] for name in names[1:]]
    np.testing.assert_allclose(np.array(told, float), np.array(slow_holm(raw), float))
    assert len(found.pairs) == 6


def test_an_order_that_was_not_filled_stands_in_every_figure() -> None:
    costs = new_costs(2, 4)
    marks = Marks(200, 200, 240, 1)
    for order in range(4):
        for policy in range(2):
            fills = np.zeros(1, FILL)
            fills["price"], fills["qty"], fills["side"], fills["mid2"] = 101, 10, 1, 200
            fills = fills[: 0 if policy == 1 and order == 3 else 1]
            put(costs, policy, order, decompose(1, 10, fills, np.full(len(fills), 200), marks), len(fills))
    found = figures(("twap", "passive"), paired_orders(4, 1), costs, np.random.default_rng(0)).columns
    assert found["passive"]["fill_rate"] == 0.75
    assert found["passive"]["opportunity_bps"] == pytest.approx(2000 / 4)
    assert found["passive"]["shortfall_bps"] == pytest.approx(100 * 3 / 4 + 500)
    assert found["twap"]["shortfall_bps"] == pytest.approx(100)


@pytest.mark.parametrize("count", [1, 7, 20, 33, 200])
def test_cvar_is_the_mean_of_the_worst_orders(count: int) -> None:
    costs = np.random.default_rng(count).normal(size=count).round(3)
    slow = slow_cvar([Fraction(cost) for cost in costs.tolist()], Fraction(1, 20))
    assert cvar(costs, 0.05) == pytest.approx(float(slow))


def test_one_order_gives_json_without_nan() -> None:
    orders, costs = paired_orders(1), random_costs(market(2, 1))
    found = figures(("twap", "pov"), orders, costs, np.random.default_rng(1))
    result = CompareResult(
        "one", ("twap", "pov"), "twap", Rung.LATENCY, Queue.CONSERVING, "pro-rata", Leftover.MID, orders, costs,
        found.columns, found.blocks, 0.95, 10_000, (TapeNote("A", "X", "2024-01-02", "00", 5, 1),), {"seed": 7},
        found.pairs, (Trial("pov", {"rate": 0.1}, float("nan")),),
    )  # fmt: skip
    text = json.dumps(result.to_json(), allow_nan=False)
    back = json.loads(text)
    assert back["policies"]["pov"]["shortfall_ci"] is None
    assert back["policies"]["pov"]["timing_risk_bps"] == 0.0
    assert (back["rung"], back["queue"], back["trials"][0]["shortfall_bps"]) == ("R4", "conserving", None)
    columns = dict(found.columns)
    columns["pov"] = {**columns["pov"], "vs_twap_ci": [float("inf"), 1.0]}
    assert replace(result, columns=columns).to_json()["policies"]["pov"]["vs_twap_ci"] == [None, 1.0]  # type: ignore[index]


def test_the_model_is_named_in_words() -> None:
    assert model_words(Rung.REACTIVE, Queue.PESSIMISTIC, "tail") == "R5 reactive, pessimistic queue (tail)"
    assert model_words(Rung.MID, Queue.CONSERVING, "tail") == "R0 mid, no queue"


@pytest.mark.nightly
def test_two_hundred_orders_of_six_policies_in_under_a_second() -> None:
    orders, costs = paired_orders(200, 1), random_costs(market(6, 200))
    start = cpu_ns()
    figures(("twap", "vwap", "pov", "ac", "cj", "passive"), orders, costs, np.random.default_rng(1))
    assert cpu_ns() - start < 10**9
