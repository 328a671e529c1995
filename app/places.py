"""A place on a tape from what a person types, outside the deck."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import ConfigError
from core.instrument import Instrument

_LATEST = 2**62  #: ns; nothing on a tape is later
_TIME = re.compile(r"(?:(\d{4}-\d\d-\d\d)[ T])?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A time, or a message index where that was asked for."""

    ts: int  #: ns UTC
    index: int | None = None


def locate(text: str, first_ts: int, last_ts: int, messages: int, instrument: Instrument) -> Place:
    """Where `text` points: a time of day, nanoseconds since the epoch, #index, percent, open or close.

    Raises `ConfigError`.
    """
    typed = text.strip().lower()
    if typed in ("open", "start"):
        return Place(first_ts)
    if typed in ("close", "end"):
        return Place(last_ts, messages)
    if typed.startswith("#") and typed[1:].isdecimal():
        return Place(last_ts, min(_whole(typed[1:]), messages))
    if typed.endswith("%") and typed[:-1].replace(".", "", 1).isdecimal():
        return Place(first_ts + int((last_ts - first_ts) * min(float(typed[:-1]), 100.0) / 100))
    if typed.isdecimal() and len(typed) > 12:
        return Place(_whole(typed))
    offset = re.fullmatch(r"\+(\d+(?:\.\d+)?)([hms])", typed)
    if offset:
        seconds = float(offset[1]) * {"h": 3600, "m": 60, "s": 1}[offset[2]]
        return Place(first_ts + int(min(seconds * 1e9, _LATEST)))
    match = _TIME.fullmatch(text.strip())
    if match:
        return Place(_time_of_day(match, text, first_ts, instrument))
    raise ConfigError(f"{text!r} is no place on a tape; try 10:42, 10:42:17.5, +5m, 50%, #123456, open or close")


def _whole(digits: str) -> int:
    """Value of decimal digits, however many, at most `_LATEST`."""
    return min(int(digits.lstrip("0")[:20] or 0), _LATEST)


def _time_of_day(match: re.Match[str], text: str, first_ts: int, instrument: Instrument) -> int:
    zone = ZoneInfo(instrument.timezone)
    first = datetime.fromtimestamp(first_ts // 10**9, UTC).astimezone(zone)
    try:
        day = date.fromisoformat(match[1]) if match[1] else first.date()
        moment = datetime(day.year, day.month, day.day, int(match[2]), int(match[3]), int(match[4] or 0), tzinfo=zone)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no time of day: {error}") from error
    fraction = int((match[5] or "").ljust(9, "0") or 0)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)) * 10**9 + fraction
