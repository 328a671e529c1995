"""Settings: one frozen record, read strictly from `tapedeck.toml`, the environment and flags.

Precedence, weakest first: default, file, environment (`TAPEDECK_THEME` and so on), flag. Nothing here
imports a terminal library, so `tapedeck --help` stays quick.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path

import platformdirs

from core.errors import ConfigError

THEMES = ("night", "day", "contrast")
PALETTES = ("blue-orange", "green-red", "red-green", "okabe-ito", "mono")
GLYPHS = ("unicode", "ascii")
LAYOUTS = ("deck", "book", "flow")
FILE_NAME = "tapedeck.toml"
HOME_VARIABLE = "TAPEDECK_HOME"


@dataclass(frozen=True, slots=True)
class DeckConfig:
    """How the deck looks and listens."""

    fps: int | None = None
    """Frames a second, 1 to 60. Unset: 30, or 12 over ssh."""

    theme: str = "night"
    """Background and text: night, day or contrast."""

    palette: str = "blue-orange"
    """Colours of bid and ask: blue-orange, green-red, red-green (red is up), okabe-ito or mono."""

    glyphs: str = "unicode"
    """unicode, or ascii for terminals and fonts without box and block characters."""

    layout: str = "deck"
    """Layout at start: deck (everything), book (ladder and heat map) or flow (ladder, tape and chart)."""

    group: int | None = None
    """Ticks per price row at start, 1 to 100000. Unset: what suits the tape."""

    column: float = 1.0
    """Seconds per heat-map column at start, 0.001 to 86400."""

    margin: int = 3
    """The price axis recentres when the touch comes this close to its edge, in rows, 0 to 20."""

    arm: int = 60
    """Seconds for which F2 arms, 1 to 3600."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys by action name, in place of the default ones; the names are in the help screen."""


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> DeckConfig:
    """Read the settings. `path` must exist when given; `flags` that are None say nothing.

    Raises `ConfigError` naming the file (or variable, or flag), the key and the nearest valid key.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    if path is not None and not path.is_file():
        raise ConfigError(f"{path}: no such settings file")
    path = path or default_path(environ)
    if path.is_file():
        values.update(_from_file(path))
    for name, check in _CHECKS.items():
        variable = f"TAPEDECK_{name.upper()}"
        if variable in environ:
            values[name] = check(variable, _number(environ[variable]) if name in _NUMBERS else environ[variable])
    for name, value in (flags or {}).items():
        if value is not None:
            _known(name, _CHECKS, "flags", "option")
            values[name] = _CHECKS[name](f"--{name}", value)
    return DeckConfig(**values)  # type: ignore[arg-type]


def default_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the settings file is looked for: `TAPEDECK_HOME`, else the platform's configuration folder."""
    environ = os.environ if environ is None else environ
    home = environ.get(HOME_VARIABLE)
    folder = Path(home) if home else platformdirs.user_config_path("tapedeck")
    return folder / FILE_NAME


def _from_file(path: Path) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    values: dict[str, object] = {}
    for table, content in document.items():
        _known(table, ("deck", "keys"), str(path), "table")
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: [{table}] must be a table, not {_kind(content)}")
        if table == "keys":
            values["keys"] = _keys(path, content)
            continue
        for name, value in content.items():
            _known(name, _CHECKS, f"{path}: [deck]", "key")
            values[name] = _CHECKS[name](f"{path}: [deck] {name}", value)
    return values


def _keys(path: Path, content: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    from app.deck.actions import ACTIONS, keymap

    keys: dict[str, tuple[str, ...]] = {}
    for name, value in content.items():
        _known(name, [action.name for action in ACTIONS], f"{path}: [keys]", "action")
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(key, str) and key for key in listed):
            raise ConfigError(f"{path}: [keys] {name} must be a key or a list of keys, not {_kind(value)}")
        keys[name] = tuple(listed)
    try:
        keymap(keys)
    except ConfigError as error:
        raise ConfigError(f"{path}: [keys] {error}") from error
    return keys


def _known(name: str, valid: object, where: str, what: str) -> None:
    names = [str(each) for each in valid]  # type: ignore[attr-defined]
    if name in names:
        return
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(names)}"
    raise ConfigError(f"{where}: unknown {what} {name!r}; {hint}")


def _number(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _kind(value: object) -> str:
    return f"{value!r}"


def _choice(options: tuple[str, ...]) -> Callable[[str, object], object]:
    def check(where: str, value: object) -> object:
        if value in options:
            return value
        near = get_close_matches(str(value), options, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(options)}"
        raise ConfigError(f"{where}: {_kind(value)} is not one of its values; {hint}")

    return check


def _whole(low: int, high: int) -> Callable[[str, object], object]:
    def check(where: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{where}: {_kind(value)} is not a whole number from {low} to {high}")
        return value

    return check


def _real(low: float, high: float) -> Callable[[str, object], object]:
    def check(where: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ConfigError(f"{where}: {_kind(value)} is not a number from {low:g} to {high:g}")
        return float(value)

    return check


_CHECKS: dict[str, Callable[[str, object], object]] = {
    "fps": _whole(1, 60),
    "theme": _choice(THEMES),
    "palette": _choice(PALETTES),
    "glyphs": _choice(GLYPHS),
    "layout": _choice(LAYOUTS),
    "group": _whole(1, 100_000),
    "column": _real(0.001, 86_400),
    "margin": _whole(0, 20),
    "arm": _whole(1, 3600),
}
_NUMBERS = ("fps", "group", "column", "margin", "arm")
assert {each.name for each in fields(DeckConfig)} == {*_CHECKS, "keys"}
