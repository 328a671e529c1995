"""What a synthetic market is made like: one frozen record, its units, its checks, its JSON."""
# ruff: noqa: A005 - imports are absolute, nothing here can be taken for the profiler

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.errors import ConfigError

_FORMAT = "tapedeck.profile"
_VERSION = 1
#: Shares of messages that must add up to one.
SHARES = ("add", "cancel", "delete", "execute", "replace", "hidden")


@dataclass(frozen=True, slots=True)
class MarketProfile:
    """Parameters of a synthetic day. Every curve has one value per equal part of the trading day.

    Weights need no particular sum. Distances are ticks from the touch of the order's own side, away from
    the market; bin b covers `distance_edges[b]` up to but not including `distance_edges[b + 1]`.
    """

    name: str
    tick: Decimal  #: natural price of one tick
    open_price: Decimal  #: natural price at the open, at least 20 ticks
    messages_per_day: int  #: messages of the day that the shares and swings describe; a hint for `make`
    live_orders: int  #: orders resting, on average

    add: float  #: share of messages that add an order
    cancel: float  #: share that take part of an order off
    delete: float
    execute: float  #: executions of resting orders, one per order hit
    replace: float
    hidden: float  #: prints against hidden orders

    sizes: tuple[int, ...]  #: lots of new orders
    size_weights: tuple[float, ...]
    fills: tuple[float, ...]  #: weight of aggressive orders that hit 1, 2, 3, ... resting orders
    full_fill: float  #: share of aggressive orders whose last fill takes the whole resting order

    distance_edges: tuple[int, ...]  #: ticks, starts at 0
    placement: tuple[float, ...]  #: where new orders go that do not improve the touch
    resting: tuple[float, ...]  #: where orders rest, also the opening book
    cancel_distance: tuple[float, ...]  #: relative hazard of being taken off, by distance
    age_edges: tuple[int, ...]  #: age of an order in younger orders, starts at 0
    cancel_age: tuple[float, ...]  #: relative hazard of being taken off, by age
    cancel_any: float  #: share of orders taken off without regard to age
    round_placement: tuple[float, ...]  #: new orders 13 ticks out or more at multiples of no, 10, 50 and 100 ticks
    round_resting: tuple[float, ...]  #: resting orders likewise
    cancel_round: tuple[float, ...]  #: relative hazard of the same four
    improve: float  #: share of new orders inside the spread while the touch is where it should be

    spread: float  #: ticks, the spread that quotes return to
    spread_curve: tuple[float, ...]  #: relative to its own mean
    spread_swing: float  #: 0 up to 1: how far the spread wanders within the day

    sign_tail: float  #: exponent of the length of a run of same-sided aggressors, above 1
    sign_shift: float  #: orders after which the power law sets in, above sign_tail - 1
    sign_noise: float  #: share of aggressors with a random side

    daily_volatility: float  #: standard deviation of the day's log return, 0.01 = 1 %
    volatility_curve: tuple[float, ...]  #: volatility per message, relative
    volatility_swing: float  #: 0 up to 1: clustering of volatility per message
    jumps_per_day: float  #: rare large moves of the latent price; below 1: none
    jump_share: float  #: share of the price variance that comes with them, 0 up to 1
    impact_share: float  #: share of the price variance that comes from aggressive orders, 0 up to 1

    activity_curve: tuple[float, ...]  #: messages a second, relative
    activity_swing: float  #: 0 up to 1: clustering of activity
    bursts: float  #: share of gaps that are like the gaps before them, 0 up to 1
    gaps: tuple[float, ...]  #: weight of gaps of 2^-20, 2^-19, ... times the local mean gap

    def __post_init__(self) -> None:
        """Raises `ConfigError` naming the first field that is not usable."""
        _check(self)

    @property
    def open_ticks(self) -> int:
        """Opening price in ticks."""
        return int(self.open_price / self.tick)

    @classmethod
    def default(cls) -> "MarketProfile":
        """A market like AAPL in 2012: wide spread, thin queues. `core/sim/README.md` has the numbers."""
        return cls.named("default")

    @classmethod
    def named(cls, name: str) -> "MarketProfile":
        """A profile that ships with tapedeck, by name. Raises `ConfigError`."""
        folder = Path(__file__).with_name("profiles")
        names = sorted(path.stem for path in folder.glob("*.json"))
        if name not in names:
            raise ConfigError(f"no profile is called {name!r}; there are: {', '.join(names)}")
        return cls.load(folder / f"{name}.json")

    @classmethod
    def from_json(cls, text: str, source: object = "profile") -> "MarketProfile":
        """Read what `to_json` wrote. Raises `ConfigError` naming the source and the field."""
        try:
            raw = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{source}: not JSON: {error}") from error
        if not isinstance(raw, dict) or raw.pop("format", None) != _FORMAT:
            raise ConfigError(f'{source}: not a market profile ("format" must be "{_FORMAT}")')
        if (version := raw.pop("version", None)) != _VERSION:
            raise ConfigError(f"{source}: profile version {version!r}, this tapedeck reads {_VERSION}")
        known = {field.name for field in fields(cls)}
        if wrong := sorted(set(raw) ^ known):
            what = "unknown" if wrong[0] in raw else "missing"
            raise ConfigError(f"{source}: {what} field {wrong[0]!r}")
        try:
            return cls(**_typed(raw))
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from error

    def to_json(self) -> str:
        """One JSON object, one field a line."""
        raw = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        raw["tick"], raw["open_price"] = str(self.tick), str(self.open_price)
        return "{\n" + ",\n".join(f'  "{key}": {json.dumps(value)}' for key, value in raw.items()) + "\n}\n"

    @classmethod
    def load(cls, path: Path) -> "MarketProfile":
        """Read a profile file. Raises `ConfigError`."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write a profile file."""
        path.write_text(self.to_json(), encoding="utf-8")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _typed(raw: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field in fields(MarketProfile):
        value = raw[field.name]
        if field.type is Decimal:
            try:
                value = Decimal(value) if isinstance(value, str) else None
            except InvalidOperation:
                value = None
            if value is None:
                raise ConfigError(f"{field.name} must be a decimal number in quotes")
        elif field.type is float and type(value) is int:
            value = float(value)
        elif isinstance(value, list):
            whole = field.type == tuple[int, ...]
            value = tuple(float(v) if type(v) is int and not whole else v for v in value)
        out[field.name] = value
    return out


def _check(profile: MarketProfile) -> None:
    for field in fields(MarketProfile):
        _check_type(field.name, field.type, getattr(profile, field.name))
    p = profile
    _need(bool(p.name), "name", "must not be empty")
    _need(p.tick > 0, "tick", "must be above zero")
    _need(p.open_price % p.tick == 0, "open_price", "must be a multiple of tick")
    _need(20 <= p.open_ticks <= 10**8, "open_price", "must be 20 to 100,000,000 ticks")
    _need(1 <= p.messages_per_day <= 10**10, "messages_per_day", "must be 1 to 10^10")
    _need(64 <= p.live_orders <= 10**6, "live_orders", "must be 64 to 1,000,000")
    for name in (*SHARES, "full_fill", "improve", "cancel_any", "bursts", "sign_noise", "jump_share", "impact_share"):
        _need(0 <= getattr(p, name) <= 1, name, "must be 0 to 1")
    _need(abs(sum(getattr(p, name) for name in SHARES) - 1) < 1e-6, "add", f"and {', '.join(SHARES[1:])} must sum to 1")
    _need(p.add > 0 and p.delete > 0, "add", "and delete must be above zero")
    _need(p.jump_share + p.impact_share <= 1, "jump_share", "and impact_share must not exceed 1 together")
    _need(0 <= p.jumps_per_day <= 10**6, "jumps_per_day", "must be 0 to 1,000,000")
    for name in ("spread_swing", "volatility_swing", "activity_swing"):
        _need(0 <= getattr(p, name) < 1, name, "must be 0 up to 1")
    _need(1 <= p.spread <= 10**4, "spread", "must be 1 to 10,000 ticks")
    _need(0 < p.daily_volatility <= 0.5, "daily_volatility", "must be above 0, at most 0.5")
    _need(p.daily_volatility * p.open_ticks <= 10**5, "daily_volatility", "must stay below 100,000 ticks a day")
    _need(1 < p.sign_tail <= 16, "sign_tail", "must be above 1, at most 16")
    _need(p.sign_tail - 1 < p.sign_shift <= 1000, "sign_shift", "must be above sign_tail - 1, at most 1000")
    _check_tables(p)


def _check_tables(p: MarketProfile) -> None:
    _need(len(p.sizes) == len(p.size_weights), "size_weights", "must be as long as sizes")
    _need(all(1 <= size <= 2**31 for size in p.sizes), "sizes", "must be 1 to 2^31 lots")
    for name in ("distance_edges", "age_edges"):
        edges = getattr(p, name)
        _need(len(edges) >= 2 and edges[0] == 0, name, "must start at 0 and have at least two entries")
        _need(all(a < b for a, b in pairwise(edges)), name, "must increase")
        _need(edges[-1] <= 2**16, name, "must end at 65,536 or below")
    for name in ("placement", "resting", "cancel_distance"):
        _need(len(getattr(p, name)) == len(p.distance_edges) - 1, name, "must have one value per distance bin")
    for name in ("round_placement", "round_resting", "cancel_round"):
        _need(len(getattr(p, name)) == 4, name, "must have four entries")
    _need(len(p.cancel_age) == len(p.age_edges) - 1, "cancel_age", "must have one value per age bin")
    _need(len(p.fills) <= 64, "fills", "must have at most 64 entries")
    _need(len(p.gaps) <= 27, "gaps", "must have at most 27 entries")
    for name in (*_WEIGHTS, "size_weights", "fills", "gaps"):
        values = getattr(p, name)
        _need(all(0 <= v <= 1e12 for v in values) and sum(values) > 0, name, "must be weights, not all zero")
    for name in ("spread_curve", "volatility_curve", "activity_curve"):
        values = getattr(p, name)
        _need(1 <= len(values) <= 4680, name, "must have 1 to 4,680 entries")
        _need(all(1e-3 <= v <= 1e3 for v in values), name, "must lie between 0.001 and 1000")


def _check_type(name: str, kind: Any, value: object) -> None:
    if kind in (str, int, float, Decimal):
        good = type(value) is kind
        items: tuple[object, ...] = (value,)
    else:
        wanted = int if kind == tuple[int, ...] else float
        good = isinstance(value, tuple) and all(type(item) is wanted for item in value)
        items = value if isinstance(value, tuple) else ()
    _need(good, name, f"must be {_KIND.get(kind, 'a list of numbers')}")
    for item in items:
        finite = item.is_finite() if isinstance(item, Decimal) else not isinstance(item, float) or math.isfinite(item)
        _need(finite, name, "must be finite")


_KIND: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    Decimal: "a decimal number",
    tuple[int, ...]: "a list of whole numbers",
}


_WEIGHTS = ("placement", "resting", "cancel_distance", "cancel_age", "round_placement", "round_resting", "cancel_round")


def _need(good: bool, name: str, reason: str) -> None:
    if not good:
        raise ConfigError(f"{name} {reason}")
