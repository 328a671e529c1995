"""Completion curves: how much of a parent order should be done by when. Pure numpy.

Every curve is `float64`, shape (n + 1,), at equal steps from the start to the end of the window, and goes from 0 up to
at most 1.
"""

import math

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError

Curve = NDArray[np.float64]

#: Most steps of a curve.
MOST_STEPS = 100_000


def twap(n: int) -> Curve:
    """Equal amounts in equal times."""
    return np.linspace(0.0, 1.0, _steps(n) + 1, dtype=np.float64)


def vwap(volumes: NDArray[np.float64]) -> Curve:
    """In proportion to the volume expected per equal part of the window, shape (n,); the units do not matter.

    The volumes must come from earlier days or earlier blocks: what the window itself will trade is not known at its
    start. All zero is the same as nothing known: TWAP.
    """
    volumes = np.asarray(volumes, np.float64)
    n = _steps(len(volumes))
    if not np.all(np.isfinite(volumes)) or np.any(volumes < 0):
        raise ConfigError("a volume curve has finite volumes of zero or more")
    largest = float(volumes.max())
    if largest <= 0.0:
        return twap(n)
    total = np.zeros(n + 1)
    np.cumsum(volumes / largest, out=total[1:])
    total /= total[-1]
    return total


def almgren_chriss(n: int, tau: float, risk_aversion: float, sigma: float, eta: float, gamma: float = 0.0) -> Curve:
    """Least expected cost plus `risk_aversion` times its variance, linear impact; `n` trades, `tau` apart.

    With eta~ = eta - gamma tau / 2 and cosh(kappa tau) = 1 + risk_aversion sigma^2 tau^2 / (2 eta~), what is left after
    trade j is x_j / X = sinh(kappa (T - t_j)) / sinh(kappa T). kappa T -> 0 is TWAP.

    Args:
        n: trades.
        tau: seconds between them.
        risk_aversion: lambda, per money; 0 = indifferent to risk.
        sigma: volatility, price per square root of a second.
        eta: temporary impact, price per (quantity per second).
        gamma: permanent impact, price per quantity.

    Raises `ConfigError` for what has no optimum (eta~ <= 0).

    Source: Almgren and Chriss, Optimal execution of portfolio transactions, Journal of Risk 3 (2001).
    """
    n = _steps(n)
    _positive(tau=tau)
    _not_negative(risk_aversion=risk_aversion, sigma=sigma)
    kept = _kept(tau, eta, gamma)
    excess = risk_aversion * (sigma * tau) * (sigma * tau) / (2.0 * kept)  # cosh(kappa tau) - 1
    if not math.isfinite(excess):
        raise ConfigError("risk_aversion, sigma and tau are too large together")
    step = math.log1p(excess + math.sqrt(excess * (excess + 2.0)))  # kappa tau, exact for small excess too
    return _sinh_curve(n, step * n)


def almgren_chriss_bends(n: int, bend: float) -> Curve:
    """The same curve said by its one free number: `bend` = kappa T, 0 straight, 2 a third left at half time."""
    _not_negative(bend=bend)
    return _sinh_curve(_steps(n), bend)


def almgren_chriss_cost(
    curve: Curve, qty: float, tau: float, sigma: float, eta: float, gamma: float = 0.0, epsilon: float = 0.0
) -> tuple[float, float]:
    """Expected cost and variance of working `qty` along `curve`, `tau` seconds a step.

    E = gamma X^2 / 2 + epsilon X + eta~ / tau * sum n_j^2 and V = sigma^2 tau * sum x_j^2, j = 1..n (Almgren and
    Chriss 2001). `epsilon` is the fixed cost per quantity, half a spread.
    """
    left = qty * (1.0 - curve)
    trades = -np.diff(left)
    expected = gamma * qty**2 / 2 + epsilon * abs(qty) + _kept(tau, eta, gamma) / tau * float(trades @ trades)
    return expected, sigma**2 * tau * float(left[1:] @ left[1:])


def cartea_jaimungal(n: int, duration: float, phi: float, alpha: float, k: float, b: float = 0.0) -> Curve:
    """Least impact cost plus running penalty `phi` q^2 and terminal penalty `alpha` q_T^2, continuous trading.

    With g = sqrt(phi / k) and z = (alpha - b/2 + sqrt(k phi)) / (alpha - b/2 - sqrt(k phi)), what is left at t is
    q_t / q_0 = (z e^{g (T-t)} - e^{-g (T-t)}) / (z e^{g T} - e^{-g T}); for phi -> 0 it is
    (k + (alpha - b/2)(T - t)) / (k + (alpha - b/2) T). The curve ends below 1 unless `alpha` is large: what is
    left then is taken at the end.

    Args:
        n: steps of the curve.
        duration: T, seconds.
        phi: running inventory penalty, price per (quantity second).
        alpha: terminal penalty, price per quantity; above b / 2, else waiting for ever is best (`ConfigError`).
        k: temporary impact, price per (quantity per second).
        b: permanent impact, price per quantity.

    Source: Cartea, Jaimungal and Penalva, Algorithmic and High-Frequency Trading (2015), chapter 6.
    """
    n = _steps(n)
    _positive(duration=duration, k=k)
    _not_negative(phi=phi, b=b)
    end = alpha - b / 2.0
    if not (math.isfinite(end) and end > 0.0):
        raise ConfigError("alpha must be finite and above b / 2")
    rate = math.sqrt(phi / k)
    pull = rate * k  # sqrt(k phi)
    to_go = duration * np.linspace(1.0, 0.0, n + 1, dtype=np.float64)
    if rate * duration < 1e-12:  # the limit; what is left out is of relative size (g T)^2
        return _curve(1.0 - (k + end * to_go) / (k + end * duration))
    # z is multiplied out, and e^{-g t} taken in front, so that nothing overflows or cancels.
    fall = np.exp(rate * (to_go - duration))
    left = fall * (pull * (1.0 + np.exp(-2.0 * rate * to_go)) - end * np.expm1(-2.0 * rate * to_go))
    whole = pull * (1.0 + math.exp(-2.0 * rate * duration)) - end * math.expm1(-2.0 * rate * duration)
    return _curve(1.0 - left / whole)


def _sinh_curve(n: int, bend: float) -> Curve:
    """1 - sinh(bend (1 - t)) / sinh(bend) on [0, 1], without overflow."""
    if not math.isfinite(bend):
        raise ConfigError("a curve that is bent without end has no shape")
    if bend < 1e-9:
        return twap(n)
    t = np.linspace(0.0, 1.0, n + 1, dtype=np.float64)
    left = np.exp(-bend * t) * np.expm1(-2.0 * bend * (1.0 - t)) / math.expm1(-2.0 * bend)
    return _curve(1.0 - left, whole=True)


def _curve(done: Curve, whole: bool = False) -> Curve:
    """Rounding may not make a curve leave [0, 1] or go back."""
    done[0] = 0.0
    if whole:
        done[-1] = 1.0
    return np.maximum.accumulate(np.clip(done, 0.0, 1.0))


def _kept(tau: float, eta: float, gamma: float) -> float:
    _not_negative(gamma=gamma)
    kept = eta - gamma * tau / 2.0
    if not (math.isfinite(kept) and kept > 0.0):
        raise ConfigError("eta must be finite and above gamma * tau / 2: otherwise trading faster costs less")
    return kept


def _steps(n: int) -> int:
    if not 1 <= n <= MOST_STEPS:
        raise ConfigError(f"a curve has 1 to {MOST_STEPS} steps, not {n}")
    return n


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise ConfigError(f"{name} must be finite and above zero, not {value}")


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0.0):
            raise ConfigError(f"{name} must be finite and zero or more, not {value}")
