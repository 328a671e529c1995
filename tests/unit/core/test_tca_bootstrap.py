"""Intervals cover what they say, and corrected p-values are those of the book."""

from collections.abc import Callable
from math import exp, nan

import numpy as np
import pytest
from numpy.typing import NDArray

from core.tca.bootstrap import holm, mean_test, resample, student

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def normal(rng: np.random.Generator, blocks: int) -> NDArray[np.float64]:
    return rng.normal(size=(blocks, 1)) + rng.normal(size=(blocks, 5))


def skewed(rng: np.random.Generator, blocks: int) -> NDArray[np.float64]:
    return np.exp(0.6 * rng.normal(size=(blocks, 1))) - exp(0.18) + 0.3 * rng.normal(size=(blocks, 5))


def heavy(rng: np.random.Generator, blocks: int) -> NDArray[np.float64]:
    return rng.standard_t(3, size=(blocks, 1)) + rng.normal(size=(blocks, 5))


def covered(draw: Draw, blocks: int, *, by_block: bool, trials: int = 250) -> tuple[float, float]:
    """Share of intervals that hold the true mean 0, and of tests that reject it at 5 %."""
    hits = rejected = 0
    labels = np.repeat(np.arange(blocks), 5) if by_block else np.arange(5 * blocks)
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        found = mean_test(draw(rng, blocks).reshape(1, -1), resample(labels, 600, rng))
        hits += bool(found.low[0] <= 0 <= found.high[0])
        rejected += bool(found.p[0] <= 0.05)
    return hits / trials, rejected / trials


@pytest.mark.parametrize("draw", [normal, skewed, heavy])
@pytest.mark.parametrize("blocks", [8, 30])
def test_interval_covers_and_test_keeps_its_level(draw: Draw, blocks: int) -> None:
    covers, rejects = covered(draw, blocks, by_block=True)
    assert 0.90 <= covers <= 0.985  # 95 % +- 3 sd of 250 trials, and what few blocks of a skewed thing cost
    assert rejects <= 0.10


def test_orders_taken_for_independent_would_be_far_too_sure() -> None:
    covers, rejects = covered(normal, 30, by_block=False)
    assert covers < 0.85
    assert rejects > 0.15


def test_power_against_a_real_difference() -> None:
    rng = np.random.default_rng(1)
    found = mean_test((normal(rng, 30) - 2.0).reshape(1, -1), resample(np.repeat(np.arange(30), 5), 2000, rng))
    assert found.high[0] < 0
    assert found.p[0] < 0.001


def test_blocks_of_different_size_weigh_by_their_orders() -> None:
    values = np.array([[1.0, 1.0, 1.0, 5.0, 2.0]])
    found = mean_test(values, resample(np.array([0, 0, 0, 1, 2]), 3000, np.random.default_rng(1)))
    assert found.mean[0] == 2.0
    half = (3 / 2) ** 0.5 * 4.3027 * ((3 - 6) ** 2 + (5 - 2) ** 2 + 0) ** 0.5 / 5  # three blocks: Student's, by hand
    assert found.low[0] == pytest.approx(2 - half, abs=1e-3)
    assert found.high[0] == pytest.approx(2 + half, abs=1e-3)


def test_same_seed_same_interval_and_series_do_not_disturb_each_other() -> None:
    values = np.random.default_rng(5).normal(size=(3, 40))
    labels = np.arange(40) // 4

    def found(series: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(mean_test(series, resample(labels, 500, np.random.default_rng(9))))

    np.testing.assert_array_equal(found(values), found(values))
    np.testing.assert_allclose(found(values)[:, 1], found(values[1:2])[:, 0], rtol=1e-12)


def test_labels_with_several_columns_are_one_block_where_all_agree() -> None:
    labels = np.array([[0, 1, 7], [0, 1, 7], [0, 1, 8], [1, 1, 7]])
    assert resample(labels, 10, np.random.default_rng(0)).blocks == 3


def test_degenerate_samples_give_no_nonsense() -> None:
    rng = np.random.default_rng(0)
    constant = mean_test(np.array([[0.0] * 6, [3.0] * 6]), resample(np.arange(6), 999, rng))
    assert constant.low.tolist() == constant.high.tolist() == [0.0, 3.0]
    assert constant.p[0] == 1.0
    assert constant.p[1] == pytest.approx(0.001)
    alone = mean_test(np.array([[1.0, 2.0]]), resample(np.zeros(2, np.int64), 99, rng))
    assert np.isnan([alone.low[0], alone.high[0], alone.p[0]]).all()
    two = mean_test(np.array([[1.0, 2.0]]), resample(np.arange(2), 99, rng))
    assert two.low[0] == pytest.approx(1.5 - 12.7062 * 0.5, abs=1e-4)  # Student's, by hand
    assert two.high[0] == pytest.approx(1.5 + 12.7062 * 0.5, abs=1e-4)
    assert two.p[0] > 0.4


def test_a_large_level_does_not_drown_a_small_spread() -> None:
    values = np.random.default_rng(2).normal(size=(1, 40))
    drawn = resample(np.arange(40) // 4, 800, np.random.default_rng(3))
    near, far = mean_test(values, drawn), mean_test(values + 1e6, drawn)
    np.testing.assert_allclose([far.low[0] - 1e6, far.high[0] - 1e6], [near.low[0], near.high[0]], atol=1e-8)


def test_holm_by_hand() -> None:
    # Holm (1979): sorted .005 .01 .03 .04 times 4 3 2 1, never falling.
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9, 0.6])), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(holm(np.array([0.02, nan, 0.01])), [0.04, nan, 0.03])
    assert holm(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423), (120, 1.9799)],
)
def test_student_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(0.975, freedom) == pytest.approx(quantile, abs=1e-4)
