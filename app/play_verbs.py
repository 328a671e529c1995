"""Playing: on the screen, headless, and in a browser."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.output import emit, say
from app.paths import find_tape, tapes
from core.errors import ConfigError, TapeError

if TYPE_CHECKING:
    from app.config import DeckConfig

#: The deck's smallest and largest speed, market seconds a second.
_SPEEDS = (0.01, 1e6)


def speed_of(text: str) -> float:
    """Market seconds a second from what was typed. Raises `ConfigError`."""
    if text.lower() == "max":
        return math.inf
    try:
        value = float(text.removesuffix("x"))
    except ValueError:
        value = math.nan
    if not _SPEEDS[0] <= value <= _SPEEDS[1]:
        raise ConfigError(f"--speed {text!r} is not a speed: give {_SPEEDS[0]} to {_SPEEDS[1]:g}, or max")
    return value


def on_terminal() -> bool:
    """Whether there is a screen to draw on, or a browser that is one."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def demo(
    seed: int, messages: int, speed: str, flags: Mapping[str, object], as_json: bool, tape_only: bool = False
) -> None:
    """Make the demo tape once, then play a session with three agents on it; headless without a terminal."""
    from app.tape_verbs import make_tape

    pace = speed_of(speed)
    settings(None, flags)
    folder = tapes() / f"demo-{__version__}-{seed}-{messages}.tape"
    if not _readable(folder):
        say("making the demo tape (once; the very first start also compiles the engine, for one to two minutes)")
        make_tape(folder, seed, messages, force=True, quiet=not sys.stderr.isatty())
    on_screen = on_terminal() and not as_json
    if not tape_only:
        _demo_session(folder, seed, pace, flags, on_screen, as_json)
    elif on_screen:
        _open_deck(folder, None, pace, False, flags, None, False)
    else:
        from app.headless import replay

        emit(replay(folder), as_json)


def _demo_session(
    folder: Path, seed: int, pace: float, flags: Mapping[str, object], on_screen: bool, as_json: bool
) -> None:
    """The session of the demo, on the screen or to its end."""
    from app.demo import demo_plan, run_demo

    plan = demo_plan(folder, seed)
    if on_screen:
        from app.bootstrap import open_session

        raise SystemExit(open_session(plan, folder, None, pace, False, flags, None, False))
    run_demo(plan, as_json)


def settings(config: Path | None, flags: Mapping[str, object]) -> DeckConfig:
    """The settings, checked even where no screen will use them. Raises `ConfigError`."""
    from app.config import load

    return load(config, flags=flags)


def _readable(folder: Path) -> bool:
    """Whether the demo tape is there and of this version's format."""
    from core.tape.folder import read_meta

    try:
        read_meta(folder)
    except TapeError:
        return False
    return True


def play(
    tape: str,
    at: str | None,
    speed: str,
    paused: bool,
    flags: Mapping[str, object],
    config: Path | None,
    read_only: bool,
    as_json: bool,
) -> None:
    """Play a tape on the screen, or print the picture at one place."""
    if tape.endswith(".toml"):
        _play_session(Path(tape), at, speed_of(speed), paused, flags, config, read_only, as_json)
        return
    folder, pace = find_tape(tape), speed_of(speed)
    chosen = settings(config, flags)
    if as_json:
        from app.headless import picture

        emit(picture(folder, at, chosen.group), as_json)
        return
    if not on_terminal():
        raise ConfigError("play needs a terminal (TERM not dumb); without one use: tapedeck play TAPE --json")
    _open_deck(folder, at, pace, paused, flags, config, read_only)


def _play_session(
    path: Path,
    at: str | None,
    speed: float,
    paused: bool,
    flags: Mapping[str, object],
    config: Path | None,
    read_only: bool,
    as_json: bool,
) -> None:
    """Play a session on the screen; with --json run it to its end."""
    from app.bootstrap import open_session, read_session

    settings(config, flags)
    if as_json:
        from app import session_verbs

        session_verbs.run(path, as_json)
        return
    plan = read_session(path)
    if not on_terminal():
        raise ConfigError("play needs a terminal (TERM not dumb); without one use: tapedeck run SESSION.toml --json")
    raise SystemExit(open_session(plan, path.parent, at, speed, paused, flags, config, read_only))


def _open_deck(
    folder: Path,
    at: str | None,
    speed: float,
    paused: bool,
    flags: Mapping[str, object],
    config: Path | None,
    read_only: bool,
) -> None:
    from app.bootstrap import open_deck

    raise SystemExit(open_deck(folder, at, speed, paused, flags, config, read_only))


def serve(tape: str, port: int, as_json: bool) -> None:
    """Serve the deck to browsers on this machine."""
    from app.deck.web import serve as serve_deck

    folder = find_tape(tape)

    def ready() -> None:
        emit({"address": f"http://localhost:{port}", "tape": str(folder), "read_only": True}, as_json)
        sys.stdout.flush()

    serve_deck(folder, port, ready)
