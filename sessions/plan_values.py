"""Values of a session file that mean more than they say: durations, times of day, prices, quantities, latencies."""

import re
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from core.instrument import Instrument
from core.naming import nearest
from core.plan import LatencyModel
from core.records import MAX_QTY, NO_PRICE
from core.tape.folder import TapeMeta
from sessions.toml_table import Table

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
_LONGEST = 400 * 24 * 3600 * SECOND
_UNITS = {"h": 3600 * SECOND, "m": MINUTE, "s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
_PART = r"(\d{1,15}(?:\.\d{1,9})?)\s*(ms|us|ns|h|m|s)"
_DURATION = re.compile(rf"(?:{_PART}\s*)+")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(Z|[+-]\d\d:\d\d)?")
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,119}")
_DURATIONS = "a duration such as 100ms, 5us or 1m30s"
_TIMES = "a time such as 10:00, 10:00:05.5, +5m or 2012-06-21T10:00:00"


@dataclass(frozen=True, slots=True)
class Day:
    """The day that times of day mean: a tape's, in its own time zone."""

    zone: str
    date: str  #: ISO
    first: int  #: ns UTC of its first message
    last: int

    @staticmethod
    def of(meta: TapeMeta) -> "Day":
        """The day of a tape."""
        return Day(meta.timezone, meta.date, meta.first_ts, meta.last_ts)


def duration(table: Table, key: str, default: int | None = None, low: int = 0, high: int = _LONGEST) -> int:
    """A length of time, in ns, from `low` to `high`."""
    if not table.has(key) and default is not None:
        return default
    found = parse_duration(table.text(key))
    if found is None:
        table.fail(key, f"{table.text(key)[:80]!r} is not {_DURATIONS}")
    if not low <= found <= high:
        table.fail(key, f"must be from {in_words(low)} to {in_words(high)}")
    return found


def parse_duration(text: str) -> int | None:
    """Ns of a length in words, None if it is none. Parts of a nanosecond are refused."""
    if len(text) > 100 or not _DURATION.fullmatch(text.strip()):
        return None
    total = sum((Decimal(number) * _UNITS[unit] for number, unit in re.findall(_PART, text)), Decimal(0))
    return int(total) if total == total.to_integral_value() else None


def in_words(ns: int) -> str:
    """A length of time as one would write it."""
    parts = []
    for unit, size in _UNITS.items():
        if ns >= size:
            parts.append(f"{ns // size}{unit}")
            ns %= size
    return "".join(parts) or "0s"


def moment(table: Table, key: str, day: Day) -> int | None:
    """A moment, ns UTC: a time of the day, an offset from its first message, or ISO; None if it is not given."""
    value = table.raw(key)
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, time | datetime) else table.text(key)
    if text.startswith("+"):
        length = parse_duration(text[1:])
        if length is None or length > _LONGEST:
            table.fail(key, f"{text[:80]!r} is not an offset such as +5m or +1h30m")
        return day.first + length
    if clock := _CLOCK.fullmatch(text):
        return _on_day(table, key, text, _since_midnight(table, key, clock), day)
    iso = _ISO.fullmatch(text)
    clock = _CLOCK.fullmatch(iso[2]) if iso else None
    if iso is None or clock is None:
        table.fail(key, f"{text[:80]!r} is not {_TIMES}")
    return _at(table, key, iso[1], _since_midnight(table, key, clock), iso[3] or day.zone)


def _since_midnight(table: Table, key: str, clock: re.Match[str]) -> int:
    hours, minutes, seconds = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        table.fail(key, f"{clock[0]!r} is not a time of day")
    return ((hours * 60 + minutes) * 60 + seconds) * SECOND + int((clock[4] or "0").ljust(9, "0"))


def _on_day(table: Table, key: str, text: str, since_midnight: int, day: Day) -> int:
    """The time on the trading date; on the day before or after if only there the tape has it (evening sessions)."""
    trading = Date.fromisoformat(day.date)
    found = [
        _at(table, key, (trading + timedelta(days=away)).isoformat(), since_midnight, day.zone) for away in (0, -1, 1)
    ]
    return next((ts for ts in found if day.first <= ts <= day.last), found[0])


def _at(table: Table, key: str, date: str, since_midnight: int, zone: str) -> int:
    """Ns UTC of a wall clock reading. A time that the clocks skip is refused, of one they repeat the first counts."""
    seconds, rest = divmod(since_midnight, SECOND)
    try:
        if zone[0] in "+-" or zone == "Z":
            local = datetime.fromisoformat(f"{date}T00:00:00{'+00:00' if zone == 'Z' else zone}")
            return _ns(local) + since_midnight
        naive = datetime.fromisoformat(date) + timedelta(seconds=seconds)
        local = naive.replace(tzinfo=ZoneInfo(zone))
        back = datetime.fromtimestamp(_ns(local) // SECOND, ZoneInfo(zone)).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        table.fail(key, f"is not a date and time: {error}")
    if back != naive:
        table.fail(key, f"{naive.isoformat(sep=' ')} does not exist in {zone}: the clocks were put forward")
    return _ns(local) + rest


def _ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000


def lots(table: Table, key: str, instrument: Instrument) -> int:
    """A natural quantity in lots, exactly."""
    wanted = table.decimal(key)
    found, rest = divmod(Fraction(wanted), Fraction(instrument.lot))
    if rest:
        table.fail(key, f"{wanted} is between two lots of {plain(instrument.lot)}")
    if not 1 <= found <= MAX_QTY:
        table.fail(key, f"{wanted} must be from {plain(instrument.lot)} to {plain(instrument.lot * MAX_QTY)}")
    return int(found)


def ticks(table: Table, key: str, instrument: Instrument) -> int:
    """A natural price in ticks, exactly."""
    wanted = table.decimal(key)
    found, rest = divmod(Fraction(wanted), Fraction(instrument.tick))
    if rest:
        below = instrument.tick * found
        table.fail(key, f"{wanted} is between two prices: the tick is {plain(instrument.tick)}, {plain(below)} is one")
    if not NO_PRICE < found < 2**31:
        table.fail(key, f"{wanted} is far out of range")
    return int(found)


def plain(value: Decimal) -> str:
    """A decimal without exponent or needless zeros."""
    return f"{value.normalize():f}"


def latency(table: Table, key: str) -> LatencyModel:
    """A latency: a duration, "recorded" (the feed's), the name of a model, or a table of kind, median and spread."""
    value = table.raw(key)
    if value is None:
        return LatencyModel()
    if not isinstance(value, dict):
        text = table.text(key)
        fixed = parse_duration(text)
        if fixed is not None and fixed <= 60 * SECOND:
            return LatencyModel("constant", fixed)
        if fixed is not None:
            table.fail(key, "must be from 0s to 1m")
        if text in ("constant", "lognormal") or not _NAME.fullmatch(text):
            table.fail(key, f"{text[:80]!r} is not {_DURATIONS}, nor 'recorded', nor the name of a latency model")
        _known(table, key, text, key, ())
        return LatencyModel(text)
    inner = table.table(key)
    inner.only(("kind", "median", "spread"))
    kind = inner.text("kind", "lognormal", 120)
    _known(inner, "kind", kind, key, ("constant", "lognormal"))
    if kind in ("constant", "recorded") and inner.has("spread"):
        inner.fail("spread", f"a {kind} latency has none")
    needed = None if kind in ("constant", "lognormal") else 0
    median = duration(inner, "median", needed, 0, 60 * SECOND)
    return LatencyModel(kind, median, inner.number("spread", 0.0, 5.0, 0.5 if kind == "lognormal" else 0.0))


def _known(table: Table, key: str, kind: str, what: str, usual: tuple[str, ...]) -> None:
    """Refuse a kind of latency that nobody made, and one that a tape does not hold."""
    if kind in usual or (kind, what) == ("recorded", "feed"):
        return
    if kind == "recorded":
        table.fail(key, "a tape records the latency of the feed only")
    from core.venue.models import names

    known = (*usual, *(("recorded",) if what == "feed" else ()), *names("latency"))
    if kind not in known:
        table.fail(key, f"{kind[:80]!r} is no latency model{nearest(kind[:80], known)}")
