"""What stands on the command line of `tapedeck compare`, from words to numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from app.paths import find_tape
from core.errors import ConfigError
from core.naming import nearest

if TYPE_CHECKING:
    from core.enums import Queue, Rung
    from core.plan import FeePlan, LatencyModel, LatencyPlan
    from core.policies.port import ParentContext
    from core.tape.folder import TapeMeta
    from core.tca.parents import Wanted
    from core.tca.work import Contender, Terms

_MOST_ORDERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands on the command line."""

    tapes: list[str]
    policies: str
    orders: int
    qty: str | None
    adv_share: float | None
    window: str
    rung: str
    seed: int
    queue: str
    latency: str
    every: str
    fees: str
    jobs: int | None
    html: Path | None
    force: bool


def terms_of(asked: Asked) -> Terms:
    """What all runs share. Raises `ConfigError` and `TapeError`."""
    from core.tca.work import Terms
    from sessions.plan_values import parse_duration

    every = parse_duration(asked.every)
    if every is None or not 1_000_000 <= every <= 3_600_000_000_000:
        raise ConfigError(f"--every {asked.every[:80]!r} is not a pace from 1ms to 1h, such as 1s")
    return Terms(
        folders=tuple(find_tape(name) for name in asked.tapes),
        contenders=tuple(contenders(asked.policies)),
        rung=_rung(asked.rung),
        queue=_queue(asked.queue),
        latency=_latency(asked.latency),
        fees=_fees(asked.fees),
        every=every,
    )


def wanted_of(asked: Asked) -> Wanted:
    """Which parent orders. Raises `ConfigError` and `TapeError`."""
    from core.tape.folder import read_meta
    from core.tca.parents import Wanted
    from sessions.plan_values import parse_duration

    window = parse_duration(asked.window)
    if window is None or not window:
        raise ConfigError(f"--window {asked.window[:80]!r} is not a duration such as 10m")
    if (asked.qty is None) == (asked.adv_share is None):
        raise ConfigError("how large the parent orders are is said by --qty or by --adv-share, one of the two")
    if asked.adv_share is not None and not 0 < asked.adv_share <= 1:
        raise ConfigError(f"--adv-share {asked.adv_share:g} is not above 0 and at most 1")
    if not 1 <= asked.orders <= _MOST_ORDERS:
        raise ConfigError(f"--orders must be from 1 to {_MOST_ORDERS:,}, not {asked.orders:,}")
    qty = None
    if asked.qty is not None:
        sizes = {_lots(asked.qty, read_meta(find_tape(name))) for name in asked.tapes}
        if len(sizes) > 1:
            raise ConfigError("--qty is not the same number of lots on these tapes; give --adv-share")
        qty = sizes.pop()
    return Wanted(asked.orders, window, asked.seed, qty, asked.adv_share)


def _lots(text: str, meta: TapeMeta) -> int:
    """A natural quantity in lots of a tape."""
    from core.account.money import decimal
    from core.records import MAX_QTY

    lot = meta.instrument.lot
    lots, rest = divmod(Fraction(decimal(text, "--qty")), Fraction(lot))
    if rest:
        raise ConfigError(f"--qty {text} is between two lots of {lot} of {meta.symbol}")
    if not 1 <= lots <= MAX_QTY:
        raise ConfigError(f"--qty {text} must be from {lot} to {lot * MAX_QTY}")
    return int(lots)


def contenders(text: str) -> list[Contender]:
    """Policies from "twap,pov:rate=0.1:slices=20". Raises `ConfigError`."""
    from core.policies.registry import make_policy
    from core.tca.work import Contender

    found = []
    for label in (part.strip() for part in text.split(",")):
        name, *settings = label.split(":")
        params = {}
        for each in settings:
            key, _, value = each.partition("=")
            try:
                params[key] = float(value)
            except ValueError as error:
                raise ConfigError(f"--policies: {each[:80]!r} is not a setting such as rate=0.1") from error
        if not name:
            raise ConfigError("--policies is a list such as twap,vwap,pov:rate=0.1")
        if name in ("manual", "quote"):
            raise ConfigError(f"policy {name!r} does not work parent orders")
        make_policy(name, params, _any_order())  # a wrong setting is told before the first run
        found.append(Contender(label, name, params))
    return found


def _any_order() -> ParentContext:
    """A parent order as good as any."""
    from core.enums import Side
    from core.policies.port import ParentContext

    second = 1_000_000_000
    return ParentContext(
        Side.BID, 100, 0, 600 * second, None, 0.5, second, sigma=1.0, rate=1.0, spread=1.0, depth=1.0
    )  # fmt: skip


def _rung(text: str) -> Rung:
    from core.enums import Rung

    words = {f"R{rung.value}": rung for rung in Rung} | {rung.name: rung for rung in Rung}
    if text.upper() not in words:
        raise ConfigError(f"--rung {text[:80]!r} is none{nearest(text, [f'R{rung.value}' for rung in Rung])}")
    return words[text.upper()]


def _queue(text: str) -> Queue:
    from core.enums import Queue

    names = [queue.name.lower() for queue in Queue]
    if text.lower() not in names:
        raise ConfigError(f"--queue {text[:80]!r} is none{nearest(text, names)}")
    return Queue[text.upper()]


def _latency(text: str) -> LatencyPlan:
    """One latency for all three ways, or feed,order,response."""
    from core.plan import LatencyPlan

    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (1, 3):
        raise ConfigError("--latency is one duration, or three: feed,order,response")
    models = [_latency_model(part) for part in parts]
    if len(models) == 1:
        models *= 3
    for way, model in zip(("order", "response"), models[1:], strict=True):
        if model.kind == "recorded":
            raise ConfigError(f"--latency: only the feed's latency is recorded on a tape, not the {way}'s")
    return LatencyPlan(*models)


def _latency_model(text: str) -> LatencyModel:
    """200us, lognormal:200us:0.5 or recorded."""
    from core.plan import LatencyModel
    from sessions.plan_values import SECOND, parse_duration

    if text == "recorded":
        return LatencyModel("recorded")
    kind, _, rest = text.rpartition("lognormal:")
    median, _, spread = rest.partition(":")
    ns = parse_duration(median)
    if kind or ns is None or not 0 <= ns <= 60 * SECOND:
        raise ConfigError(f"--latency {text[:80]!r} is not a duration up to 1m, lognormal:200us:0.5 or recorded")
    if "lognormal:" not in text:
        if spread:
            raise ConfigError(f"--latency {text[:80]!r}: a constant latency has no spread")
        return LatencyModel("constant", ns)
    sigma = _number("--latency", spread or "0.5")
    if not 0 <= sigma <= 5:
        raise ConfigError(f"--latency {text[:80]!r}: the spread is from 0 to 5")
    return LatencyModel("lognormal", ns, sigma)


def _fees(text: str) -> FeePlan:
    """maker,taker per lot in natural money, or each in bps."""
    from core.plan import FeePlan

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise ConfigError("--fees is maker,taker: per lot such as -0.002,0.003, or -0.1bps,0.3bps")
    said: dict[str, str] = {}
    for way, part in zip(("maker", "taker"), parts, strict=True):
        match = re.fullmatch(r"(.+?)\s*(bps)?", part)
        _number("--fees", match[1] if match else part)
        if match:
            said[f"{way}_{'bps' if match[2] else 'per_lot'}"] = match[1]
    return FeePlan(**said)


def _number(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{option}: {text[:80]!r} is not a number")
    return value
