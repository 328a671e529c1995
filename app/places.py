"""What a person may type to name a place on a tape, in the go-to dialog and after `--at`."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.deck.formats import DAY, SECOND, Formats, thousands
from core.errors import TapedeckError
from core.transport import Command, Verb

EXAMPLES = "10:42   10:42:17.5   +5m   -30s   #123456   50%   open   close"

_TIME = re.compile(r"(?:(\d{4}-\d\d-\d\d)[ T]+)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")
_OFFSET = re.compile(r"([+-])\s*((?:\d+(?:\.\d+)?\s*(?:ms|us|ns|[hms])\s*)+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|us|ns|[hms])")
_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}


class Where(Protocol):
    """Where we are on which tape; a snapshot knows."""

    @property
    def clock(self) -> int:
        """Ns UTC, now."""

    @property
    def first_ts(self) -> int:
        """Ns UTC, start of the tape."""

    @property
    def last_ts(self) -> int:
        """Ns UTC, its end."""

    @property
    def index(self) -> int:
        """Messages applied."""

    @property
    def messages(self) -> int:
        """Messages on the tape."""


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a tape as a place to count from."""

    first_ts: int
    last_ts: int
    messages: int
    index: int = 0

    @property
    def clock(self) -> int:
        """Ns UTC."""
        return self.first_ts


class GotoError(TapedeckError):
    """What was typed is not a place on this tape."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Target:
    """A place on the tape: the command that goes there, and its name."""

    command: Command
    back: bool  #: before now, so the book is rebuilt from a checkpoint
    text: str


def parse(typed: str, where: Where, formats: Formats) -> Target:
    """The place meant by `typed`. Raises `GotoError` saying what is wrong."""
    text = typed.strip().lower()
    if not text:
        raise GotoError(f"type a place, for example {EXAMPLES.split('   ', maxsplit=1)[0]}")
    if text.startswith("#"):
        return _index(text[1:], where)
    if text in ("open", "start"):
        return _moment(where.first_ts, where, formats)
    if text in ("close", "end"):
        return _moment(where.last_ts, where, formats)
    if text.endswith("%"):
        return _share(text[:-1], where, formats)
    if text[0] in "+-":
        return _moment(where.clock + _offset(text), where, formats)
    if text.isdecimal() and 12 < len(text) < 20:
        return _moment(int(text), where, formats)  # ns UTC, as the records have it
    match = _TIME.fullmatch(text)
    if match is None:
        raise GotoError(f"{typed.strip()!r} is not a place; try {EXAMPLES}")
    return _moment(_time(match, where, formats), where, formats)


def _index(text: str, where: Where) -> Target:
    digits = text.replace(",", "").replace("_", "").strip()
    if not digits.isdecimal():
        raise GotoError("a message index is # and a whole number, for example #123456")
    index = int(digits.lstrip("0")[:20] or 0)
    if index > where.messages:
        raise GotoError(f"message {thousands(index)} is past the end, the tape has {thousands(where.messages)}")
    return Target(Command(Verb.GOTO_INDEX, index), index < where.index, f"message {thousands(index)}")


def _share(text: str, where: Where, formats: Formats) -> Target:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise GotoError("a percentage is from 0% to 100% of the tape's time")
    return _moment(where.first_ts + int((where.last_ts - where.first_ts) * share / 100), where, formats)


def _offset(text: str) -> int:
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise GotoError("an offset is + or - and a length, for example +5m, -30s, +1h30m, -250ms")
    # Bounded, since digits without end make a float without end.
    length = sum(round(min(float(number), 1e15) * _UNITS[unit]) for number, unit in _PART.findall(match[2]))
    return length if match[1] == "+" else -length


def _time(match: re.Match[str], where: Where, formats: Formats) -> int:
    """Ns UTC of a local time: on the day named, else on the tape's day that has it, nearest to now first."""
    hours, minutes, seconds = int(match[2]), int(match[3]), int(match[4] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise GotoError(f"{match[0]!r} is not a time of day")
    fraction = int((match[5] or "0").ljust(9, "0"))
    since_midnight = ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction
    if match[1]:
        try:
            return formats.at(date.fromisoformat(match[1]), since_midnight)
        except ValueError as error:
            raise GotoError(f"{match[1]!r} is not a date") from error
    today = date.fromisoformat(formats.day(where.clock)).toordinal()
    days = (where.last_ts - where.first_ts) // DAY + 1
    for away in sorted(range(-days, days + 1), key=abs):
        ts = formats.at(date.fromordinal(today + away), since_midnight)
        if where.first_ts <= ts <= where.last_ts:
            return ts
    return formats.at(date.fromordinal(today), since_midnight)


def _moment(ts: int, where: Where, formats: Formats) -> Target:
    first, last = where.first_ts, where.last_ts
    if not first - SECOND < ts < last + SECOND:
        span = f"{formats.time(first)} to {formats.time(last)}"
        near = abs(ts - first) < 3650 * DAY
        place = f"{formats.day(ts)} {formats.time(ts)}" if near else "that"
        raise GotoError(f"{place} is outside of the tape, {span}")
    ts = min(max(ts, first), last)
    return Target(Command(Verb.GOTO, ts), ts < where.clock, f"{formats.day(ts)} {formats.time(ts, 3)}")
