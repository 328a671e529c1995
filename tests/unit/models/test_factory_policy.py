"""What a policy learns from: turns whose costs sum to the order's, and a judgement that pairs the same orders."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.features.spec import SPEC
from core.plan import ParentPlan
from core.policies.codes import LAST_WHY
from core.records import FILL
from models.factory.judge import Job, compare
from models.factory.measures import interval
from models.factory.network import forward, fresh
from models.factory.orders import NAMES, Choose, Log, Outcome
from models.factory.train_policy import DIRECTED, PolicyRecipe, Values, turns_of
from models.policy_actions import ACTIONS

N = len(SPEC)


def log_of(actions: list[int], mids: list[float], parent: int = 0, start: int = 0) -> Log:
    """Turns every 10 ns."""
    log = Log()
    for i, (action, mid) in enumerate(zip(actions, mids, strict=True)):
        log.parent.append(parent)
        log.now.append(start + 10 * i)
        log.mid.append(mid)
        log.action.append(action)
        log.row.append(np.full(N, i, np.float32))
    return log


def fills_of(*fills: tuple[int, int, int]) -> NDArray[np.void]:
    """Time, lots, price."""
    out = np.zeros(len(fills), FILL)
    for one, (ts, qty, price) in zip(out, fills, strict=True):
        one["ts"], one["qty"], one["price"] = ts, qty, price
    return out


def outcome_of(parent: ParentPlan, fills: NDArray[np.void], arrival: float, far: float) -> Outcome:
    """What a run would say of them."""
    filled = int(fills["qty"].sum())
    paid = float((fills["qty"] * fills["price"]).sum()) + (parent.qty - filled) * far
    shortfall = parent.side * (paid / parent.qty - arrival)
    one = np.ones(1)
    return Outcome(
        np.array([parent.side]),
        np.array([parent.qty]),
        np.array([filled]),
        one * arrival,
        one * shortfall,
        one * 0,
        fills,
    )


@pytest.mark.parametrize("side", [1, -1])
def test_the_turns_of_an_order_sum_to_what_it_cost(side: int) -> None:
    parent = ParentPlan(side, 10, 0, 60)
    fills = fills_of((5, 3, 101), (12, 2, 99), (31, 4, 103))
    outcome = outcome_of(parent, fills, arrival=100.0, far=104.0)
    turns = turns_of(log_of([1, 3, 0, -1, -1], [100.0, 101.0, 99.5, 102.0, 103.0]), [parent], outcome)
    assert turns.action.tolist() == [1, 3, 0]
    assert turns.last.tolist() == [False, False, True]
    assert turns.reward.sum() == pytest.approx(-outcome.shortfall[0])
    # The first turn bought 3 at 101 against a mid of 100, and the mid rose by 1 on the 7 that were left.
    assert turns.reward[0] == pytest.approx(-side * (3 * 1 + 7 * 1) / 10)
    assert turns.to_go.tolist() == pytest.approx(np.cumsum(turns.reward[::-1])[::-1].tolist())
    assert turns.next_row[:2, 0].tolist() == [1, 2]


def test_an_order_without_a_choice_teaches_nothing() -> None:
    parent = ParentPlan(1, 10, 0, 60)
    outcome = outcome_of(parent, fills_of(), arrival=100.0, far=101.0)
    log = log_of([-1, -1], [100.0, 100.0])
    assert len(turns_of(log, [parent], outcome).action) == 0


def test_the_actions_are_known_and_waiting_comes_first() -> None:
    assert set(NAMES) == set(ACTIONS)
    assert NAMES[0] == "wait"  # what a model that says nothing is taken to say
    assert LAST_WHY == 0


def test_buying_and_selling_are_one_problem() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, N)).astype(np.float32)
    rows[:, SPEC.index("side")] = rng.choice([-1, 1], 500)
    network = fresh(rows, (16, 4), (), rng, DIRECTED, SPEC.index("side"))
    mirrored = rows.copy()
    mirrored[:, [*DIRECTED, SPEC.index("side")]] *= -1
    assert np.array_equal(forward(network, rows), forward(network, mirrored))
    assert {SPEC.names[column] for column in DIRECTED} == {
        "imbalance_1", "imbalance_3", "imbalance_5", "imbalance_10", "ofi_1s", "ofi_10s", "microprice", "flow_1s",
        "flow_10s", "return_1s", "return_10s",
    }  # fmt: skip


def test_a_choice_is_the_best_or_any() -> None:
    rows = np.random.default_rng(2).normal(size=(200, N)).astype(np.float32)
    network = fresh(rows, (4,), (), np.random.default_rng(3))
    best = [int(np.argmax(forward(network, row[None]))) for row in rows]
    assert [Choose(np.random.default_rng(1), Values(network), 0.0)(row) for row in rows] == best
    some = Choose(np.random.default_rng(1), Values(network), 0.5)
    agreed = np.mean([some(row) == one for row, one in zip(rows, best, strict=True)])
    assert 0.45 < agreed < 0.85
    habits = [tuple(Choose(np.random.default_rng(seed)).fresh()._habit) for seed in range(3)]
    assert len(set(habits)) == 3


def test_a_comparison_pairs_the_same_orders() -> None:
    rng, parents = np.random.default_rng(4), tuple(ParentPlan(1, 10, i, i + 1) for i in range(80))
    luck = rng.normal(0, 50, 80)  # the market moved for everybody

    def outcome(cost: float) -> list[Outcome]:
        shortfall = luck + cost + rng.normal(0, 1, 80)
        full = np.full(80, 10)
        return [Outcome(full * 0 + 1, full, full, np.full(80, 1000.0), shortfall, np.zeros(80), np.zeros(0, FILL))]

    job: Job = Job(None, None, parents, 1, 0)  # type: ignore[arg-type]
    found = {
        (one.name, one.about.split(";")[0]): one
        for one in compare([job], {"model": outcome(3.0), "twap": outcome(5.0)}, rng)
    }
    difference = found["vs_twap_ticks", "paired"]
    assert difference.low < -2 < difference.high < 0
    assert found["vs_twap_bps", "paired"].value == pytest.approx(difference.value * 10, rel=1e-3)
    assert all(one.low <= one.value <= one.high for one in found.values())
    assert interval(np.arange(3), lambda sums: float(sums[0]), np.ones((3, 1)), rng) == (3.0, 3.0)


def test_the_recipe_explores_more_than_one_kind_of_order() -> None:
    recipe = PolicyRecipe()
    assert len(recipe.windows) == len(recipe.shares) == recipe.passes
