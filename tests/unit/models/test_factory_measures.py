"""The numbers that judge a prediction."""

import numpy as np
import pytest

from models.factory.measures import (
    calibration_error,
    confusion,
    hits,
    interval,
    log_losses,
    macro_f1,
    mcc,
    round_trips,
)


def test_confusion_counts_by_truth_and_prediction() -> None:
    counts = confusion(np.array([0, 0, 2, 1]), np.array([0, 1, 2, 1]))
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_mcc_of_two_classes_is_matthews_formula() -> None:
    tp, fn, fp, tn = 50, 10, 5, 35
    wanted = (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert mcc(np.array([[tp, fn], [fp, tn]])) == pytest.approx(wanted)


def test_mcc_and_f1_at_their_ends() -> None:
    assert mcc(np.diag([3, 4, 5])) == pytest.approx(1)
    assert macro_f1(np.diag([3, 4, 5])) == pytest.approx(1)
    assert mcc(np.array([[5, 0, 0], [7, 0, 0], [2, 0, 0]])) == 0  # one class for all: says nothing
    assert macro_f1(np.array([[5, 0, 0], [5, 0, 0], [0, 0, 0]])) == pytest.approx((2 * 5 / 15) / 3)
    assert mcc(np.full((3, 3), 4)) == pytest.approx(0)


def test_hits_are_of_what_moved() -> None:
    truth = np.array([0, 1, 2, 2, 0])
    said = np.array([[0.6, 0.2, 0.2], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]])
    assert hits(truth, said).tolist() == [[1, 1], [0, 0], [0.5, 1], [1, 1], [0, 1]]


def test_log_loss_and_calibration() -> None:
    truth, said = np.array([0, 1]), np.array([[0.5, 0.5], [0.0, 1.0]])
    assert log_losses(truth, said).tolist() == pytest.approx([np.log(2), 0], abs=1e-9)
    assert np.isfinite(log_losses(np.array([0]), np.array([[0.0, 1.0]]))).all()
    rng = np.random.default_rng(2)
    p = rng.uniform(0.5, 1, 40_000)
    right = (rng.random(40_000) < p).astype(np.int64)  # class 1 comes as often as it is said to
    assert calibration_error(right, np.stack([1 - p, p], axis=1)) < 0.01
    assert calibration_error(np.zeros(100, np.int64), np.tile([0.1, 0.9], (100, 1))) == pytest.approx(0.9)


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(3), 0
    for _ in range(200):
        level = rng.normal(0, 1, 40)  # blocks differ: rows of one block are not independent
        blocks = np.repeat(np.arange(40), 25)
        rows = level[blocks] + rng.normal(0, 1, 1000)
        parts = np.stack([rows, np.ones(1000)], axis=1)
        low, high = interval(blocks, lambda row: float(row[0] / row[1]), parts, rng, times=300)
        inside += low <= 0 <= high
    assert 0.88 <= inside / 200 <= 0.98


def test_a_round_trip_pays_the_spread_twice_over() -> None:
    touch, still, up = np.array([[10, 12]] * 3), np.array([[10, 12]] * 3), np.array([[15, 17]] * 3)
    signs = np.array([1, -1, 0])
    assert round_trips(signs, touch, still).tolist() == [-2, -2, 0]
    assert round_trips(signs, touch, up).tolist() == [3, -7, 0]
