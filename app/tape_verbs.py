"""What the `tapedeck tape` verbs do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date as Date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from app.output import FAILURE, emit, say
from app.paths import find_tape
from core.errors import ConfigError
from core.feeds.source import Options, Source
from core.tape.folder import TapeMeta

Progress = Callable[[float, int], None]


def import_sources(
    sources: list[Path],
    output: Path,
    format_name: str | None,
    said: tuple[str | None, str | None, str | None, str | None, str | None],
    alone: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Import recorded market data. `said`: tick, lot, symbol, venue, date."""
    from core.tape.importer import open_source

    tick, lot, symbol, venue, date = said
    options = Options(symbol, venue, trading_date(date), step("--tick", tick), step("--lot", lot), alone)
    source = open_source(sources, options, format_name)
    meta = write(source, output, options, force, quiet or as_json or not sys.stderr.isatty())
    emit(summary(meta, output), as_json)


def step(name: str, text: str | None) -> Decimal | None:
    """A positive decimal option. Raises `ConfigError`."""
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ConfigError(f"{name} {text!r} is not a number") from error
    if not value.is_finite() or value <= 0:
        raise ConfigError(f"{name} must be a positive number, not {text}")
    if not -12 <= value.adjusted() <= 12:
        raise ConfigError(f"{name} {text} is no step of any market: give 1e-12 to 1e12")
    return value


def trading_date(text: str | None) -> str | None:
    """An ISO date as its feeds want it. Raises `ConfigError`; times in ns end in the year 2262."""
    if text is None:
        return None
    try:
        day = Date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--date {text!r} is not a date of the form 2024-01-02") from error
    if not 1970 <= day.year <= 2200:
        raise ConfigError(f"--date {text} is too far away: give 1970 to 2200")
    return day.isoformat()


def write(source: Source, output: Path, options: Options, force: bool, quiet: bool) -> TapeMeta:
    """Import a source with a progress bar on stderr."""
    from core.tape.importer import import_tape

    with progress_bar(output.name, quiet) as progress:
        return import_tape(source, output, options, force=force, progress=progress)


@contextmanager
def progress_bar(title: str, quiet: bool) -> Iterator[Progress | None]:
    """A bar on stderr: share done, messages, messages a second, time left."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[messages]:,} messages"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0, messages=0)

        def show(share: float, messages: int) -> None:
            bar.update(task, completed=share, messages=messages)

        yield show


def summary(meta: TapeMeta, folder: Path) -> dict[str, Any]:
    """What `tape info` prints."""
    found = asdict(meta)
    for name in ("tick_size", "lot_size"):
        natural = Decimal(found[name])
        found[name] = int(natural) if natural == natural.to_integral_value() else float(natural)
    found["volume"] = float(meta.instrument.quantity(meta.volume))
    found["bytes"] = sum(path.stat().st_size for path in folder.iterdir())
    return {"tape": str(folder), **found}


def info(tape: str, as_json: bool) -> None:
    """Print a tape's description."""
    from core.tape.tape import Tape

    folder = find_tape(tape)
    emit(summary(Tape(folder).meta, folder), as_json)


def check(tape: str, against: Path | None, as_json: bool) -> None:
    """Verify a tape; exit code 1 when anything differs."""
    from app.comparisons import compare_with
    from core.tape.check import verify
    from core.tape.tape import Tape

    opened = Tape(find_tape(tape))
    integrity = verify(opened)
    result: dict[str, Any] = {"tape": str(opened.folder), **asdict(integrity)}
    sound = not integrity.problems
    if against is not None:
        comparison = compare_with(opened, against)
        result.update(comparison.record)
        sound = sound and comparison.agrees
    result["ok"] = sound
    emit(result, as_json)
    if not sound:
        say(f"tapedeck: {opened.folder}: " + ("; ".join(integrity.problems) or f"differs from {against}"))
        raise SystemExit(FAILURE)


def book(tape: str, output: Path, levels: int, force: bool, as_json: bool) -> None:
    """Write the book after every source row."""
    from core.tape.export import write_book
    from core.tape.tape import Tape

    opened = Tape(find_tape(tape))
    rows = write_book(opened, output, levels, force)
    emit({"tape": str(opened.folder), "output": str(output), "rows": rows, "levels": levels}, as_json)


def export(tape: str, output: Path, force: bool, as_json: bool) -> None:
    """Write the messages."""
    from core.tape.export import write_messages
    from core.tape.tape import Tape

    opened = Tape(find_tape(tape))
    rows = write_messages(opened, output, force)
    emit({"tape": str(opened.folder), "output": str(output), "rows": rows}, as_json)


def make(
    output: Path,
    seed: int,
    messages: int,
    profile: str | None,
    date: str,
    symbol: str,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make a synthetic day."""
    quiet = quiet or as_json or not sys.stderr.isatty()
    meta = make_tape(output, seed, messages, profile, date, symbol, force=force, quiet=quiet)
    emit(summary(meta, output), as_json)


def make_tape(
    output: Path,
    seed: int,
    messages: int,
    profile: str | None = None,
    date: str = "2024-01-02",
    symbol: str = "SYN",
    *,
    force: bool = False,
    quiet: bool = False,
) -> TapeMeta:
    """Write a synthetic tape to a folder."""
    from core.sim.market import SyntheticSource
    from core.sim.profile import MarketProfile

    date = trading_date(date) or date
    if profile is None or (not Path(profile).exists() and Path(profile).suffix == ""):
        chosen = MarketProfile.named(profile or "default")
    else:
        chosen = MarketProfile.load(Path(profile))
    source = SyntheticSource(chosen, seed, messages, date=date, symbol=symbol)
    return write(source, output, Options(), force, quiet)


def fit(tape: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Fit a market profile and print it with the tape's stylised facts."""
    if output and output.exists() and not force:
        raise ConfigError(f"{output} exists already; --force replaces it")
    from core.sim.facts import facts
    from core.sim.fit import fit as fit_profile
    from core.tape.tape import Tape

    opened = Tape(find_tape(tape))
    profile = fit_profile(opened)
    if output:
        save(output, profile.to_json())
    found = facts(opened.messages, opened.instrument)
    emit({"tape": str(opened.folder), "profile": asdict(profile), "facts": found}, as_json)


def save(output: Path, text: str) -> None:
    """Write a file whole or not at all."""
    if not output.name:
        raise ConfigError(f"{output} is no name for a file")
    part = output.with_name(f".{output.name}.part-{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.rename(output)
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
