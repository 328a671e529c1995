"""`tapedeck compare`: policies on the same parent orders, told as a table, as JSON and as a page."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.compare_options import Asked, terms_of, wanted_of
from app.output import emit, say, show
from core.errors import ConfigError

if TYPE_CHECKING:
    from core.tca.result import CompareResult

_MOST_JOBS = 64
_WORDS = {
    "shortfall_bps": "shortfall", "shortfall_ci": "interval", "delay_bps": "delay", "spread_bps": "spread",
    "impact_bps": "impact", "timing_bps": "timing", "fees_bps": "fees", "opportunity_bps": "left over",
    "timing_risk_bps": "risk", "cvar95_bps": "cvar95", "fill_rate": "filled", "vs_twap_bps": "vs twap",
    "vs_twap_ci": "interval", "p_holm": "p",
}  # fmt: skip


def compare(asked: Asked, as_json: bool) -> None:
    """Run the comparison and print it."""
    if asked.html is not None and asked.html.exists() and not asked.force:
        raise ConfigError(f"{asked.html} exists already; --force replaces it")
    if asked.html is not None and not asked.html.parent.is_dir():  # said now, not after the runs
        raise ConfigError(f"cannot write {asked.html}: no such folder")
    terms, wanted = terms_of(asked), wanted_of(asked)
    from core.tca.compare import compare as run

    jobs = asked.jobs if asked.jobs is not None else min(len(os.sched_getaffinity(0)), _MOST_JOBS)
    with _bar(asked.orders, as_json) as progress:
        result = run(terms, wanted, jobs=jobs, progress=progress)
    if asked.html is not None:
        _write_page(asked.html, result)
    if as_json:
        emit(result.to_json(), as_json=True)
    else:
        show(table(result))


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
    from app.tape_verbs import save
    from sessions.report_html import compare_page

    save(path, compare_page(result))
    say(f"report: {path}")


def table(result: CompareResult) -> str:
    """The comparison as aligned text, rung and queue model with it."""
    keys = [key for key in _WORDS if any(result.columns[name].get(key) is not None for name in result.policies)]
    rows = [["policy", *(_WORDS[key] for key in keys)]]
    rows += [[name, *(_cell(key, result.columns[name].get(key)) for key in keys)] for name in result.policies]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    widths[0] *= -1  # names to the left, figures to the right
    lines = [
        "  ".join(f"{cell:{'<' if w < 0 else '>'}{abs(w)}}" for cell, w in zip(row, widths, strict=True))
        for row in rows
    ]
    tapes = ", ".join(f"{tape.symbol} {tape.date}" for tape in result.tapes)
    blocks = f"{100 * result.level:g} % intervals over {result.blocks} blocks of time"
    head = [
        f"{len(result.orders)} parent orders on {tapes}; fill model {result.model}",
        f"bps of the order at its decision mid, positive = cost; {blocks}; left over: at the {result.leftover.value}",
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
