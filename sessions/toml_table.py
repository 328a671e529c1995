"""A strict reader of TOML tables: every key is known and of its kind, or the file is refused by name of key."""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from core.errors import ConfigError
from core.naming import nearest

#: Largest session file, in bytes.
MOST_BYTES = 500_000
_LONGEST_TEXT, _MOST_DOTS = 1_000, 100
_BARE = re.compile(r"[A-Za-z0-9_-]{1,64}")

_WORDS = {str: "text", int: "a whole number", bool: "true or false", dict: "a table", list: "a list"}


def read_toml(path: Path, most: int = MOST_BYTES) -> "Table":
    """The root table of a file. Raises `ConfigError` naming file, and line where there is one."""
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: {'is not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            found = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(found) > most:
        raise ConfigError(f"{path}: is larger than {most:,} bytes")
    try:
        text = found.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        line = found[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}: line {line} is not UTF-8 text") from error
    # The parser takes time that grows with the square of the parts of a dotted key.
    dotted = next((n for n, line in enumerate(text.split("\n"), 1) if line.count(".") > _MOST_DOTS), 0)
    if dotted:
        raise ConfigError(f"{path}: line {dotted} has more than {_MOST_DOTS} dots")
    try:
        return Table(str(path), "", tomllib.loads(text, parse_float=Decimal))
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply") from error
    except (ValueError, ArithmeticError) as error:  # also numbers with thousands of digits
        raise ConfigError(f"{path}: is not valid TOML: {_line(error)}") from error


@dataclass(frozen=True, slots=True)
class Table:
    """One table and where it stands: `file` and the dotted path of its keys, entries of lists counted from 1."""

    file: str
    path: str
    values: Mapping[str, Any]

    def fail(self, key: str, reason: str) -> NoReturn:
        """Raise `ConfigError` about one key; about the table itself when `key` is empty."""
        raise ConfigError(f"{self.file}: {self.at(key) or 'the file'}: {reason}")

    def at(self, key: str) -> str:
        """Dotted path of a key."""
        shown = key if _BARE.fullmatch(key) else repr(key[:80])
        return ".".join(part for part in (self.path, shown if key else "") if part)

    def only(self, known: Sequence[str]) -> None:
        """Refuse keys that are not known, naming the nearest one that is."""
        for key in self.values:
            if key not in known:
                raise ConfigError(f"{self.file}: unknown key {self.at(key)}{nearest(key[:80], known)}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.values

    def text(self, key: str, default: str | None = None, longest: int = _LONGEST_TEXT) -> str:
        """One line of printable text; required without a default."""
        value = self._get(key, str, default)
        if len(value) > longest:
            self.fail(key, f"is longer than {longest} characters")
        if not value.isprintable():
            self.fail(key, "holds characters that cannot be printed")
        return str(value)

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.text(key, default)
        if value not in choices:
            self.fail(key, f"{value[:80]!r} is not known{nearest(value[:80], choices)}")
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`; required without a default."""
        value = self._get(key, int, default)
        if not low <= value <= high:
            self.fail(key, f"must be from {low:,} to {high:,}")
        return int(value)

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A finite number from `low` to `high`; required without a default."""
        if key not in self.values and default is not None:
            return default
        value = self.real(key)
        if not low <= value <= high:
            self.fail(key, f"must be from {low:,g} to {high:,g}")
        return value

    def real(self, key: str) -> float:
        """Any number as a float, inf and nan included."""
        value = self._required(key)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.fail(key, "must be a number")
        if isinstance(value, int) and abs(value) > 2**63:
            self.fail(key, "is a number far out of range")
        found = float(value)
        if math.isinf(found) and not (isinstance(value, Decimal) and value.is_infinite()):
            self.fail(key, "is a number far out of range")
        return found

    def decimal(self, key: str, default: str | None = None) -> Decimal:
        """An exact finite decimal, written as a number or as text; at most 30 digits either side of the point."""
        if key not in self.values and default is not None:
            return Decimal(default)
        value = self._required(key)
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.fail(key, "must be a number")
        if isinstance(value, int) and abs(value) > 10**30:
            self.fail(key, "is a number far out of range")
        if isinstance(value, str) and not re.fullmatch(r"[+-]?\d{1,30}(\.\d{1,30})?", value):
            self.fail(key, f"{value[:80]!r} is not a number")
        found = Decimal(value)
        if not found.is_finite():
            self.fail(key, "must be a finite number")
        if found != 0 and (abs(found.adjusted()) > 30 or len(found.as_tuple().digits) > 60):
            self.fail(key, "is a number far out of range")
        return found

    def table(self, key: str) -> "Table":
        """A table; an empty one if it is not there."""
        return Table(self.file, self.at(key), self._get(key, dict, {}))

    def tables(self, key: str, most: int) -> list["Table"]:
        """A list of tables, `[[key]]`; empty if it is not there."""
        values = self._get(key, list, [])
        if len(values) > most:
            self.fail(key, f"has {len(values):,} entries; at most {most:,} are taken")
        for i, value in enumerate(values, 1):
            if not isinstance(value, dict):
                self.fail(f"{key}", f"entry {i} must be a table, written under [[{self.at(key)}]]")
        return [Table(self.file, f"{self.at(key)}[{i}]", value) for i, value in enumerate(values, 1)]

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """A list of texts."""
        values = self._get(key, list, [])
        if len(values) > most or not all(isinstance(v, str) and v.isprintable() and len(v) <= 64 for v in values):
            self.fail(key, f"must be a list of at most {most:,} names")
        return tuple(values)

    def raw(self, key: str) -> Any:
        """Whatever stands there, None if nothing does."""
        return self.values.get(key)

    def _required(self, key: str) -> Any:
        if key not in self.values:
            self.fail(key, "is missing")
        return self.values[key]

    def _get(self, key: str, kind: type, default: Any) -> Any:
        if key not in self.values and default is not None:
            return default
        value = self._required(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(key, f"must be {_WORDS[kind]}")
        return value


def _line(error: BaseException) -> str:
    text = "".join(c if c.isprintable() else " " for c in str(error))
    return text[:200] or type(error).__name__
