"""Completion curves against linear solves, limits and each other."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import ConfigError
from core.policies.curves import (
    MOST_STEPS,
    almgren_chriss,
    almgren_chriss_bends,
    almgren_chriss_cost,
    cartea_jaimungal,
    twap,
    vwap,
)

#: Almgren and Chriss's own example: a million shares in five days, money dollars, times days.
SIGMA, ETA, GAMMA, EPSILON, SHARES = 0.95, 2.5e-6, 2.5e-7, 0.0625, 1e6


def least_cost(n: int, tau: float, risk_aversion: float, sigma: float, eta: float, gamma: float) -> NDArray[np.float64]:
    """The quadratic programme itself: what is left after each trade, from a dense solve of the normal equations."""
    kept = eta - gamma * tau / 2
    trade = np.zeros((n, n - 1))  # trades n_j = x_{j-1} - x_j as a matrix of the free x_1 .. x_{n-1}
    first = np.zeros(n)
    first[0] = 1.0
    for j in range(n):
        if j > 0:
            trade[j, j - 1] = 1.0
        if j < n - 1:
            trade[j, j] = -1.0
    cost = kept / tau * trade.T @ trade + risk_aversion * sigma**2 * tau * np.eye(n - 1)
    return np.linalg.solve(cost, -kept / tau * trade.T @ first)


@pytest.mark.parametrize("risk_aversion", [0.0, 1e-8, 1e-6, 2e-6, 1e-4])
@pytest.mark.parametrize(("n", "tau"), [(2, 2.5), (5, 1.0), (50, 0.1), (200, 0.025)])
def test_almgren_chriss_is_the_least_of_its_quadratic_programme(n: int, tau: float, risk_aversion: float) -> None:
    curve = almgren_chriss(n, tau, risk_aversion, SIGMA, ETA, GAMMA)
    wanted = least_cost(n, tau, risk_aversion, SIGMA, ETA, GAMMA)
    assert np.abs(1.0 - curve[1:-1] - wanted).max() < 1e-10


def test_no_other_schedule_costs_less() -> None:
    rng = np.random.default_rng(5)
    curve = almgren_chriss(20, 0.25, 1e-6, SIGMA, ETA, GAMMA)

    def utility(path: NDArray[np.float64]) -> float:
        expected, variance = almgren_chriss_cost(path, SHARES, 0.25, SIGMA, ETA, GAMMA, EPSILON)
        return expected + 1e-6 * variance

    for _ in range(200):
        other = curve.copy()
        other[1:-1] += rng.normal(0.0, 0.02, 19)
        assert utility(other) > utility(curve)


def test_the_frontier_is_monotone_and_convex() -> None:
    points = [
        almgren_chriss_cost(
            almgren_chriss(50, 0.1, aversion, SIGMA, ETA, GAMMA), SHARES, 0.1, SIGMA, ETA, GAMMA, EPSILON
        )
        for aversion in np.geomspace(1e-9, 1e-4, 40)
    ]
    assert all(more[0] > less[0] and more[1] < less[1] for less, more in pairwise(points))
    slopes = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in pairwise(points)]
    assert all(later < earlier < 0 for earlier, later in pairwise(slopes))  # steeper as the variance shrinks


def test_cost_of_the_straight_line_is_the_papers() -> None:
    expected, variance = almgren_chriss_cost(twap(5), SHARES, 1.0, SIGMA, ETA, GAMMA, EPSILON)
    kept, n = ETA - GAMMA / 2, 5
    assert expected == pytest.approx(GAMMA * SHARES**2 / 2 + EPSILON * SHARES + kept * SHARES**2 / n)
    assert variance == pytest.approx(SIGMA**2 * SHARES**2 * sum((1 - j / n) ** 2 for j in range(1, n + 1)))


@pytest.mark.parametrize("aversion", [0.0, 1e-30, 1e-18])
def test_without_risk_aversion_it_is_twap(aversion: float) -> None:
    assert np.abs(almgren_chriss(100, 0.05, aversion, SIGMA, ETA, GAMMA) - twap(100)).max() < 1e-9


def test_a_very_afraid_trader_trades_at_once() -> None:
    curve = almgren_chriss(10, 1.0, 1e6, SIGMA, ETA)
    assert np.isfinite(curve).all()
    assert curve[1] > 0.999999
    assert almgren_chriss_bends(100, 5_000.0)[1] > 1 - 1e-15


def test_bending_is_the_same_curve() -> None:
    excess = 1e-6 * SIGMA**2 * 0.1**2 / (2 * (ETA - GAMMA * 0.1 / 2))
    bend = math.acosh(1 + excess) * 50
    same = almgren_chriss(50, 0.1, 1e-6, SIGMA, ETA, GAMMA)
    assert np.abs(almgren_chriss_bends(50, bend) - same).max() < 1e-10
    assert almgren_chriss_bends(2, 2.0)[1] == pytest.approx(1 - math.sinh(1) / math.sinh(2))


def closed_form(
    t: NDArray[np.float64], duration: float, phi: float, alpha: float, k: float, b: float
) -> NDArray[np.float64]:
    """As it is printed, with z and all its exponentials."""
    pull, end, rate = math.sqrt(k * phi), alpha - b / 2, math.sqrt(phi / k)
    z = (end + pull) / (end - pull)
    up, down = np.exp(rate * (duration - t)), np.exp(-rate * (duration - t))
    return (z * up - down) / (z * math.exp(rate * duration) - math.exp(-rate * duration))


@pytest.mark.parametrize(("phi", "alpha", "k", "b"), [
    (0.01, 5.0, 0.1, 0.0), (1e-4, 100.0, 0.02, 0.5), (0.3, 0.2, 0.1, 0.1), (1e-9, 1.0, 1.0, 0.0),
])  # fmt: skip
def test_cartea_jaimungal_is_its_printed_form(phi: float, alpha: float, k: float, b: float) -> None:
    t = np.linspace(0.0, 30.0, 61)
    wanted = 1.0 - closed_form(t, 30.0, phi, alpha, k, b)
    assert np.abs(cartea_jaimungal(60, 30.0, phi, alpha, k, b) - wanted).max() < 1e-9


@pytest.mark.parametrize(("phi", "alpha", "b"), [(0.01, 5.0, 0.0), (0.2, 0.05, 0.02), (0.0, 0.3, 0.1)])
def test_cartea_jaimungal_solves_its_equation_and_its_end_condition(phi: float, alpha: float, b: float) -> None:
    n, duration, k = 4_000, 10.0, 0.1
    step = duration / n
    left = 1.0 - cartea_jaimungal(n, duration, phi, alpha, k, b)
    bent = (left[2:] - 2 * left[1:-1] + left[:-2]) / step**2
    assert np.abs(bent - phi / k * left[1:-1]).max() < 1e-4
    slope = (3 * left[-1] - 4 * left[-2] + left[-3]) / (2 * step)
    assert k * slope == pytest.approx(-(alpha - b / 2) * left[-1], abs=1e-5)


def test_cartea_jaimungal_costs_least_among_schedules() -> None:
    """The discrete cost of the programme, minimised by a linear solve, approaches the curve as steps shrink."""
    duration, phi, alpha, k, b = 10.0, 0.02, 0.4, 0.1, 0.1
    errors = []
    for n in (50, 100, 200):
        step, end = duration / n, alpha - b / 2
        matrix, right = np.zeros((n, n)), np.zeros(n)
        for j in range(n):  # unknown x_{j+1}; derivative of sum k n^2/step + phi step x^2 + end x_n^2
            matrix[j, j] += 2 * k / step + 2 * phi * step * (0.5 if j == n - 1 else 1.0)
            if j > 0:
                matrix[j, j - 1] -= 2 * k / step
            else:
                right[j] += 2 * k / step
            if j < n - 1:
                matrix[j, j] += 2 * k / step
                matrix[j, j + 1] -= 2 * k / step
            else:
                matrix[j, j] += 2 * end
        errors.append(
            np.abs(1 - np.linalg.solve(matrix, right) - cartea_jaimungal(n, duration, phi, alpha, k, b)[1:]).max()
        )
    assert errors[2] < errors[1] / 3 < errors[0] / 9
    assert errors[2] < 1e-4


def test_cartea_jaimungal_limits() -> None:
    straight = twap(100)
    assert np.abs(cartea_jaimungal(100, 60.0, 0.0, 1e9, 0.1) - straight).max() < 1e-9  # no hurry, must be done
    patient = cartea_jaimungal(100, 60.0, 0.0, 0.1 / 60.0, 0.1)
    assert patient[-1] == pytest.approx(0.5)  # alpha T = k: half is left
    near = np.abs(cartea_jaimungal(100, 60.0, 1e-22, 2.0, 0.1) - cartea_jaimungal(100, 60.0, 0.0, 2.0, 0.1)).max()
    assert near < 1e-12
    must = cartea_jaimungal(100, 60.0, 0.1 * (3 / 60) ** 2, 1e12, 0.1)
    assert np.abs(must - almgren_chriss_bends(100, 3.0)).max() < 1e-9  # alpha without end: Almgren-Chriss
    assert cartea_jaimungal(100, 60.0, 1e6, 1.0, 0.1)[1] == pytest.approx(1.0)


def test_vwap_follows_its_volumes() -> None:
    assert vwap(np.array([1.0, 3.0, 0.0, 4.0])).tolist() == [0.0, 0.125, 0.5, 0.5, 1.0]
    assert vwap(np.full(7, 1e300)).tolist() == pytest.approx(twap(7).tolist())
    assert vwap(np.zeros(4)).tolist() == twap(4).tolist()


@pytest.mark.parametrize("curve", [
    twap(1), twap(MOST_STEPS), vwap(np.array([0.0, 1e-300, 5e300])), almgren_chriss_bends(33, 700.0),
    cartea_jaimungal(10, 1e-9, 1e6, 1e9, 1e-9), cartea_jaimungal(500, 1e5, 1e9, 1e-9, 1e-9, 0.0),
])  # fmt: skip
def test_curves_rise_from_nothing_and_stay_within_the_whole(curve: NDArray[np.float64]) -> None:
    assert curve[0] == 0.0
    assert curve.dtype == np.float64
    assert ((np.diff(curve) >= 0) & np.isfinite(curve[1:]) & (curve[1:] <= 1.0)).all()


@pytest.mark.parametrize(("make", "part"), [
    (lambda: twap(0), "1 to"),
    (lambda: twap(MOST_STEPS + 1), "1 to"),
    (lambda: vwap(np.zeros(0)), "1 to"),
    (lambda: vwap(np.array([1.0, -1.0])), "volume"),
    (lambda: vwap(np.array([1.0, math.nan])), "volume"),
    (lambda: almgren_chriss(10, 0.0, 1e-6, 1.0, 1.0), "tau"),
    (lambda: almgren_chriss(10, 1.0, -1e-6, 1.0, 1.0), "risk_aversion"),
    (lambda: almgren_chriss(10, 1.0, 1e-6, math.inf, 1.0), "sigma"),
    (lambda: almgren_chriss(10, 1.0, 1e-6, 1.0, 0.5, 1.0), "eta"),
    (lambda: almgren_chriss(10, 1.0, 1e308, 1e10, 1e-6), "too large"),
    (lambda: almgren_chriss_bends(10, math.nan), "bend"),
    (lambda: cartea_jaimungal(10, 1.0, 1.0, 0.5, 1.0, 1.0), "alpha"),
    (lambda: cartea_jaimungal(10, 1.0, 1.0, 1.0, 0.0), "k"),
    (lambda: cartea_jaimungal(10, math.inf, 1.0, 1.0, 1.0), "duration"),
])  # fmt: skip
def test_what_has_no_optimum_is_refused(make, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        make()
