"""Who is who: the one place that introduces tapes, engine, bookmarks and screen to each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


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
