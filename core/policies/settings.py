"""Settings of the built-in policies by name: what there is, within which bounds, and what it is when nobody says."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.naming import nearest
from core.policies import codes

_LOTS = 2.0**45


@dataclass(frozen=True, slots=True)
class Setting:
    """One number a person may set."""

    words: str
    low: float
    high: float
    default: float | None  #: None = worked out from the parent order, see `words`
    place: int = -1  #: in the settings of the kernel, -1 = only the factory reads it
    scale: float = 1.0  #: kernel units per unit of the setting
    whole: bool = False
    open_low: bool = False  #: `low` itself is not allowed


_SECONDS = 86_400.0 * 7

#: Of every policy that follows a schedule.
WORKING: Mapping[str, Setting] = {
    "rest": Setting("0 takes at once, 1 rests first and crosses the rest of a slice", 0, 1, 0, codes.STYLE, whole=True),
    "collar": Setting("ticks past the opposite touch that taking may pay", 0, 1e6, 5, codes.COLLAR, whole=True),
    "min_child": Setting("lots; smaller children wait, but for the last", 1, _LOTS, 1, codes.MIN_CHILD, whole=True),
    "max_child": Setting("most lots of one child, 0 = no bound", 0, _LOTS, 0, codes.MAX_CHILD, whole=True),
    "sweep": Setting(
        "share of the lots shown at the five best opposite prices that one child takes (`min_child` if that is more), "
        "0 = no bound",
        0, 1e6, 0.5, codes.SWEEP,
    ),
    "slices": Setting(
        "equal parts of the window; unsaid, one per 4 decisions and at most 60, resting one per 10 and at most 20",
        1, 100_000, None, codes.SLICES, whole=True,
    ),
    "patience": Setting("share of a slice spent resting; unsaid, 1 - 0.4 urgency", 0, 1, None, codes.PATIENCE),
    "peg": Setting("1 rests as a peg, 0 as a limit order that is placed again", 0, 1, 1, codes.PEG, whole=True),
    "offset": Setting("ticks behind its own touch at which it rests", 0, 1e6, 0, codes.OFFSET, whole=True),
    "post_only": Setting("1 = resting orders may not take", 0, 1, 1, codes.POST_ONLY, whole=True),
    "finish": Setting(
        "seconds before the end in which all that is left crosses; unsaid, 4 decisions, at most 1/4 of the window",
        0, _SECONDS, None, codes.FINISH, 1e9,
    ),
}  # fmt: skip

_SHARE = {"rate": Setting("share of the market's volume", 0, 1, 0.1, codes.RATE, open_low=True)}
_RISK = {
    "risk_aversion": Setting("lambda, per tick and lot; unsaid, kappa T = 4 urgency", 0, 1e12, None),
    "sigma": Setting("volatility, ticks per square root of a second; unsaid, estimated before the start", 0, 1e9, None),
    "eta": Setting(
        "temporary impact, ticks per lot per second; unsaid, one spread for trading 1 % of the market's volume",
        0, 1e12, None, open_low=True,
    ),
    "gamma": Setting("permanent impact, ticks per lot", 0, 1e12, 0),
}  # fmt: skip
_INVENTORY = {
    "phi": Setting("running penalty, ticks per lot and second; unsaid, g T = 4 urgency", 0, 1e12, None),
    "alpha": Setting("terminal penalty, ticks per lot; unsaid, 10 k / T", 0, 1e12, None, open_low=True),
    "k": Setting(
        "temporary impact, ticks per lot per second; unsaid, as `eta` of ac, or 1", 0, 1e12, None, open_low=True
    ),
    "b": Setting("permanent impact, ticks per lot", 0, 1e12, 0),
}
_QUOTE = {
    "size": Setting("lots of one order", 1, _LOTS, 1, codes.SIZE, whole=True),
    "max_position": Setting("lots, either way; unsaid, 10 sizes", 1, _LOTS, None, codes.MAX_POSITION, whole=True),
    "offset": Setting("ticks behind the touch", 0, 1e6, 0, codes.OFFSET, whole=True),
    "retry": Setting("seconds after which a replace without effect is sent again", 0, _SECONDS, 0.25, codes.RETRY, 1e9),
}

#: Every setting of every built-in policy.
SETTINGS: Mapping[str, Mapping[str, Setting]] = {
    "hold": {},
    "manual": {},
    "twap": WORKING,
    "vwap": WORKING,
    "pov": {**WORKING, **_SHARE},
    "ac": {**WORKING, **_RISK},
    "cj": {**WORKING, **_INVENTORY},
    "passive": WORKING,
    "quote": _QUOTE,
}


def checked(policy: str, given: Mapping[str, float], known: Mapping[str, Setting]) -> dict[str, float]:
    """`given` within bounds, with defaults where there are any. Raises `ConfigError` naming the setting."""
    found = {name: setting.default for name, setting in known.items() if setting.default is not None}
    for name, value in given.items():
        setting = known.get(name)
        if setting is None:
            raise ConfigError(f"policy {policy!r} has no setting {name[:80]!r}{nearest(name, known)}")
        if not _finite(value):
            raise ConfigError(f"setting {name!r} of policy {policy!r} is not a finite number")
        low = value <= setting.low if setting.open_low else value < setting.low
        if low or value > setting.high:
            raise ConfigError(
                f"setting {name!r} of policy {policy!r} is {value:g}; "
                f"it must be {'above' if setting.open_low else 'from'} {setting.low:g} to {setting.high:g}"
            )
        if setting.whole and value != int(value):
            raise ConfigError(f"setting {name!r} of policy {policy!r} is {value:g}; it must be a whole number")
        found[name] = float(value)
    return found


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def placed(values: Mapping[str, float], known: Mapping[str, Setting]) -> NDArray[np.float64]:
    """Settings as the kernel reads them, shape (16,)."""
    out = np.zeros(codes.SETTINGS)
    for name, value in values.items():
        if known[name].place >= 0:
            out[known[name].place] = value * known[name].scale
    return out
