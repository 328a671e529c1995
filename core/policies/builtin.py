"""The built-in policies: from settings in words to what the compiled kernel takes."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.policies import curves
from core.policies.codes import Code
from core.policies.port import Compiled, ParentContext
from core.policies.settings import SETTINGS, checked, placed

Settings = Mapping[str, float]

#: Steps of a curve that is not given by slices.
_STEPS = 200
_STRAIGHT: NDArray[np.float64] = np.zeros(0)


def hold(params: Settings, context: ParentContext | None) -> Compiled:
    """Does nothing."""
    return _made("hold", Code.HOLD, params)


def manual(params: Settings, context: ParentContext | None) -> Compiled:
    """Does nothing by itself: the orders are a person's."""
    return _made("manual", Code.MANUAL, params)


def quote(params: Settings, context: ParentContext | None) -> Compiled:
    """One order at each touch, placed again when the touch moves; the position stays within `max_position`."""
    values = checked("quote", params, SETTINGS["quote"])
    values.setdefault("max_position", 10 * values["size"])
    return Compiled(Code.QUOTE, placed(values, SETTINGS["quote"]))


def twap(params: Settings, context: ParentContext | None) -> Compiled:
    """Equal amounts in equal times."""
    return _worked("twap", Code.TWAP, params, context)


def vwap(params: Settings, context: ParentContext | None) -> Compiled:
    """In proportion to the volume that earlier days or blocks traded at this time; without any, as twap."""
    expected = _STRAIGHT if context is None else context.volumes
    return _worked("vwap", Code.VWAP, params, context, curves.vwap(expected) if len(expected) else _STRAIGHT)


def pov(params: Settings, context: ParentContext | None) -> Compiled:
    """A share of what the market trades, never more: what the market does not allow by the end stays undone."""
    return _worked("pov", Code.POV, params, context)


def passive(params: Settings, context: ParentContext | None) -> Compiled:
    """Rests at its own touch for most of each slice, then crosses what is left of it."""
    return _worked("passive", Code.PASSIVE, {"rest": 1, **params}, context)


def ac(params: Settings, context: ParentContext | None) -> Compiled:
    """Almgren-Chriss: front-loaded by risk aversion, or simply by urgency."""
    values = checked("ac", params, SETTINGS["ac"])
    if "risk_aversion" not in values:
        urgency = 0.5 if context is None else context.urgency
        curve = curves.almgren_chriss_bends(_STEPS, 4.0 * urgency)
    elif context is None:
        raise ConfigError("policy 'ac' works a parent order; this agent has none")
    else:
        sigma = _known("ac", "sigma", values.get("sigma", context.sigma))
        eta = _known("ac", "eta", values.get("eta", _impact(context)))
        tau = context.window / 1e9 / _STEPS
        curve = curves.almgren_chriss(_STEPS, tau, values["risk_aversion"], sigma, eta, values["gamma"])
    return _worked("ac", Code.AC, params, context, curve)


def cj(params: Settings, context: ParentContext | None) -> Compiled:
    """Cartea-Jaimungal: a running and a terminal penalty on what is left."""
    values = checked("cj", params, SETTINGS["cj"])
    seconds = 1.0 if context is None else context.window / 1e9
    urgency = 0.5 if context is None else context.urgency
    k = values.get("k", math.nan if context is None else _impact(context))
    k = k if k > 0.0 else 1.0  # only its ratios to phi and alpha matter then
    phi = values.get("phi", k * (4.0 * urgency / seconds) ** 2)
    alpha = values.get("alpha", 10.0 * k / seconds + values["b"] / 2)
    curve = curves.cartea_jaimungal(_STEPS, seconds, phi, alpha, k, values["b"])
    return _worked("cj", Code.CJ, params, context, curve)


def _made(name: str, code: Code, params: Settings) -> Compiled:
    return Compiled(code, placed(checked(name, params, SETTINGS[name]), SETTINGS[name]))


def _worked(
    name: str, code: Code, params: Settings, context: ParentContext | None, curve: NDArray[np.float64] = _STRAIGHT
) -> Compiled:
    """Settings of a schedule, what was left unsaid worked out from the parent order."""
    values = checked(name, params, SETTINGS[name])
    if context is not None:
        rests, asked = values["rest"] != 0.0, context.window / max(context.every, 1)
        slices = min(asked / 10, 20.0) if rests else min(asked / 4, 60.0)
        values.setdefault("slices", float(max(1, int(slices))))
        values.setdefault("patience", 1.0 - 0.4 * min(max(context.urgency, 0.0), 1.0))
        values.setdefault("finish", min(4 * context.every, context.window // 4) / 1e9)
    values.setdefault("slices", 1.0)
    values.setdefault("patience", 0.8)
    values.setdefault("finish", 0.0)
    compiled = Compiled(code, placed(values, SETTINGS[name]))
    return replace(compiled, curve=np.ascontiguousarray(curve, np.float64))


def _impact(context: ParentContext) -> float:
    """Temporary impact when nobody knows better: trading 1 % of the market's volume costs one spread.

    Almgren and Chriss 2001 choose theirs so in their example.
    """
    return context.spread / (0.01 * context.rate) if context.rate > 0.0 else math.nan


def _known(policy: str, name: str, value: float) -> float:
    if math.isfinite(value):
        return value
    raise ConfigError(f"policy {policy!r} needs the setting {name!r}: it could not be estimated before the start")
