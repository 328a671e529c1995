"""Who is who: the one place that introduces tapes, engine, bookmarks and screen to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.desk.desk import Desk
    from core.plan import SessionPlan


def open_deck(
    folder: Path,
    at: str | None,
    speed: float,
    paused: bool,
    flags: Mapping[str, object],
    config: Path | None,
    read_only: bool,
) -> int:
    """Play the tape in `folder` on the deck; the exit code. Raises `TapedeckError`."""
    from app.config import load
    from app.deck import run
    from app.deck.formats import Formats
    from app.paths import home
    from app.places import Start, parse
    from app.runner import TapePlayer
    from sessions.bookmarks import open_bookmarks

    settings = load(config, flags=flags)
    player = TapePlayer(folder, settings.group, settings.column, speed, playing=not paused)
    if at is not None:
        meta = player.meta
        start = Start(meta.first_ts, meta.last_ts, meta.messages)
        player.send(parse(at, start, Formats(player.instrument)).command)
    bookmarks = open_bookmarks(home() / "bookmarks", player.meta.messages_sha256)
    try:
        # Loading the engine takes the interpreter for half a second: the first frame is painted before.
        return run(player, settings, bookmarks, read_only=read_only, painted=player.start)
    finally:
        player.close()


def read_session(path: Path) -> SessionPlan:
    """The plan in a session file. Raises `ConfigError`, `TapeError`."""
    from app.paths import find_tape
    from models.serving import locate
    from sessions.plan_file import read_plan

    return read_plan(path, find_tape, lambda name: locate(name, path.parent))


def desk_maker(plan: SessionPlan, base: Path, kills: Path | None = None) -> Callable[..., Desk]:
    """What makes desks of a session, given a recorder or none. Models and tapes are opened once.

    Raises `TapedeckError`, also for a tape that is no longer what was imported.
    """
    from core.desk.desk import Desk
    from core.tape.intact import require_intact
    from core.tape.tape import Tape
    from core.tca.market import read_market
    from models.loading import load_models

    models = load_models(plan, base)
    tapes = [Tape(each.folder) for each in plan.tapes]
    for tape in tapes:
        require_intact(tape)
    markets = [read_market(tape) for tape in tapes]
    return lambda recorder=None: Desk(plan, tapes, models=models, kills=kills, markets=markets, recorder=recorder)


def open_session(
    plan: SessionPlan,
    base: Path,
    at: str | None,
    speed: float,
    paused: bool,
    flags: Mapping[str, object],
    config: Path | None,
    read_only: bool,
) -> int:
    """Play a session on the deck; the exit code. Raises `TapedeckError`."""
    from app.config import load
    from app.deck import run
    from app.deck.formats import Formats
    from app.desk_journal import DeskJournal
    from app.desk_runner import SessionPlayer
    from app.paths import home
    from app.places import Start, parse
    from sessions.bookmarks import open_bookmarks

    settings = load(config, flags=flags)
    made: list[Callable[[], Desk]] = []

    def make() -> Desk:
        if not made:
            made.append(desk_maker(plan, base))
        return made[0]()

    journal = DeskJournal(plan, home())
    player = SessionPlayer(
        plan, make, home() / "risk", settings.group, settings.column, speed, playing=not paused, journal=journal
    )
    if at is not None:
        meta = player.meta
        start = Start(meta.first_ts, meta.last_ts, meta.messages)
        player.send(parse(at, start, Formats(player.instrument)).command)
    bookmarks = open_bookmarks(home() / "bookmarks", player.meta.messages_sha256)
    try:
        return run(player, settings, bookmarks, read_only=read_only, painted=player.start)
    finally:
        player.close()
