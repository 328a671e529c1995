"""`tapedeck compare`: policies on the same parent orders, told as a table, as JSON and as a page."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.output import emit, print_text, say
from app.paths import find_tape
from core.errors import ConfigError
from core.naming import nearest

if TYPE_CHECKING:
    from core.enums import Queue, Rung
    from core.plan import FeePlan, LatencyModel, LatencyPlan
    from core.tape.folder import TapeMeta
    from core.tca.parents import Wanted
    from core.tca.result import CompareResult
    from core.tca.work import Contender, Terms

_MOST_JOBS, _MOST_ORDERS = 64, 1_000_000
_WORDS = {
    "shortfall_bps": "shortfall", "shortfall_ci": "interval", "delay_bps": "delay", "spread_bps": "spread",
    "impact_bps": "impact", "timing_bps": "timing", "fees_bps": "fees", "opportunity_bps": "left over",
    "timing_risk_bps": "risk", "cvar95_bps": "cvar95", "fill_rate": "filled", "vs_twap_bps": "vs twap",
    "vs_twap_ci": "interval", "p_holm": "p",
}  # fmt: skip


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


def compare(asked: Asked, as_json: bool) -> None:
    """Run the comparison and print it."""
    if asked.html is not None and asked.html.exists() and not asked.force:
        raise ConfigError(f"{asked.html} exists already; --force replaces it")
    terms, wanted = _terms(asked), _wanted(asked)
    from core.tca.compare import compare as run

    jobs = asked.jobs if asked.jobs is not None else min(len(os.sched_getaffinity(0)), _MOST_JOBS)
    with _bar(asked.orders, as_json) as progress:
        result = run(terms, wanted, jobs=jobs, progress=progress)
    if asked.html is not None:
        _write_page(asked.html, result)
    if as_json:
        emit(result.to_json(), as_json=True)
    else:
        print_text(table(result))


def _terms(asked: Asked) -> Terms:
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


def _wanted(asked: Asked) -> Wanted:
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
                raise ConfigError(f"--policies {label[:80]!r}: {each[:80]!r} is not a setting such as rate=0.1") from error
        if not name:
            raise ConfigError("--policies is a list such as twap,vwap,pov:rate=0.1")
        if name in ("manual", "quote"):
            raise ConfigError(f"policy {name!r} does not work parent orders")
        _try(make_policy, name, params)
        found.append(Contender(label, name, params))
    return found


def _try(make: Callable[..., object], name: str, params: dict[str, float]) -> None:
    """Make a policy for an order as any, so that a wrong setting is told before the first run."""
    from core.enums import Side
    from core.policies.port import ParentContext

    minute = 60_000_000_000
    make(name, params, ParentContext(Side.BID, 100, 0, 10 * minute, None, 0.5, minute // 60, sigma=1.0, rate=1.0, spread=1.0, depth=1.0))


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


@contextmanager
def _bar(orders: int, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("parent orders", total=orders)
        yield lambda done: bar.update(task, completed=done)


def _write_page(path: Path, result: CompareResult) -> None:
    from app.tape_verbs import _save
    from sessions.report_html import compare_page

    _save(path, compare_page(result))
    say(f"report: {path}")


def table(result: CompareResult) -> str:
    """The comparison as aligned text, rung and queue model with it."""
    keys = [key for key in _WORDS if any(result.columns[name].get(key) is not None for name in result.policies)]
    rows = [["policy", *(_WORDS[key] for key in keys)]]
    rows += [[name, *(_cell(key, result.columns[name].get(key)) for key in keys)] for name in result.policies]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    tapes = ", ".join(f"{tape.symbol} {tape.date}" for tape in result.tapes)
    head = [
        f"{len(result.orders)} parent orders on {tapes}; fill model {result.model}",
        f"bps of the order at its decision mid, positive = cost; {100 * result.level:g} % intervals over "
        f"{result.blocks} blocks of time; leftovers at the {result.leftover.value}",
        "",
    ]
    notes = ["", *(f"- {note}" for note in result.notes)] if result.notes else []
    return "".join(f"{line.rstrip()}\n" for line in [*head, *lines, *notes, "", f"digest {result.digest}"])


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Sequence):
        return f"[{value[0]:+.2f}, {value[1]:+.2f}]"
    if key == "fill_rate":
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if key == "p_holm" else f"{value:+.2f}"
