"""JSON into frozen dataclasses, strictly: every key known and present, every value of its type."""

import difflib
import json
import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from core.errors import ModelError

T = TypeVar("T")
_DEEPEST = 20


def parsed(text: bytes, source: Path | str) -> Any:
    """The JSON value of `text`: no duplicate keys, no NaN, no deep nesting. Raises `ModelError`."""
    try:
        if text.count(b"[") + text.count(b"{") > 100_000 or _depth(text) > _DEEPEST:
            raise ModelError(source, "is nested too deeply")
        return json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ModelError(source, "is not UTF-8") from error
    except ValueError as error:
        raise ModelError(source, f"is not JSON: {error}") from error


def _depth(text: bytes) -> int:
    """Brackets open at once, texts not looked at: an upper bound."""
    deepest = depth = 0
    for byte in text:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def build(kind: type[T], value: Any, source: Path | str, where: str = "") -> T:
    """`value` as the dataclass `kind`. Raises `ModelError` that names the key."""
    return cast(T, _build(kind, value, source, where))


def _build(kind: Any, value: Any, source: Path | str, where: str) -> Any:
    if is_dataclass(kind):
        return _object(kind, value, source, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ModelError(source, f"{where} must be a list, not {_shown(value)}")
        inner = get_args(kind)[0]
        return tuple(_build(inner, one, source, f"{where}[{i}]") for i, one in enumerate(value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**63 else math.inf
    if type(value) is not kind:
        raise ModelError(source, f"{where} must be {_WORDS[kind]}, not {_shown(value)}")
    if kind is float and not math.isfinite(value):
        raise ModelError(source, f"{where} must be a finite number")
    return value


_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _object(kind: Any, value: Any, source: Path | str, where: str) -> Any:
    if not isinstance(value, dict):
        raise ModelError(source, f"{where or 'it'} must be an object, not {_shown(value)}")
    hints, names = get_type_hints(kind), [field.name for field in fields(kind)]
    prefix = f"{where}." if where else ""
    for name in value:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            raise ModelError(source, f"{prefix}{name} is not a known key" + (f"; near: {near[0]}" if near else ""))
    if missing := [name for name in names if name not in value]:
        raise ModelError(source, f"{prefix}{missing[0]} is missing")
    return kind(**{name: _build(hints[name], value[name], source, prefix + name) for name in names})


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
