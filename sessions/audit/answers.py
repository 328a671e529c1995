"""What an auditor is told: single facts, and tables whose columns have names and units."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

_SECOND = 1_000_000_000
#: Rows from which on times are written by the column.
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of an answer."""

    name: str
    frame: pl.DataFrame
    units: Mapping[str, str] = field(default_factory=dict)  #: of columns that have one
    cut: bool = False  #: there were more rows

    def rows(self) -> list[dict[str, Any]]:
        """The rows as plain values that JSON has words for."""
        names, columns = self.frame.columns, [_values(column) for column in self.frame.iter_columns()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one question. `--csv` and `--parquet` write the first table."""

    question: str
    session: str
    facts: Mapping[str, Any]
    sheets: tuple[Sheet, ...]
    trouble: str = ""  #: something was found that must not be: one line

    def record(self) -> dict[str, Any]:
        """The answer as one JSON object."""
        found: dict[str, Any] = {"question": self.question, "session": self.session, **_plain(self.facts)}
        for sheet in self.sheets:
            found[sheet.name] = sheet.rows()
        found["rows"] = {sheet.name: len(sheet.frame) for sheet in self.sheets}
        found["cut"] = [sheet.name for sheet in self.sheets if sheet.cut]
        found["units"] = {sheet.name: dict(sheet.units) for sheet in self.sheets if sheet.units}
        found["trouble"] = self.trouble
        return found


def plain(value: Any) -> Any:
    """One value of a table as JSON has it: exact integers, no NaN, times as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list | tuple | pl.Series):
        return [plain(each) for each in value]
    return value


def _values(column: pl.Series) -> list[Any]:
    """A column's values as JSON has them."""
    kind = column.dtype
    if kind.is_integer() or kind in (pl.String, pl.Boolean):
        return column.to_list()
    return [plain(value) for value in column.to_list()]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): plain(value) for name, value in values.items()}


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The same with columns that CSV has room for: lists and structures as JSON text, whole decimals as integers."""
    found = []
    for column in frame.iter_columns():
        if column.dtype.is_nested() or column.dtype == pl.Binary:
            texts = [None if value is None else json.dumps(plain(value)) for value in column]
            found.append(pl.Series(column.name, texts, pl.String))
        else:
            found.append(column)
    return whole(pl.DataFrame(found)) if found else frame


def whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Sums of integers come as decimals of 38 digits: those that fit become integers."""
    names = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal) and kind.scale == 0]
    fitting = [
        name for name in names if frame[name].is_null().equals(frame[name].cast(pl.Int64, strict=False).is_null())
    ]
    return frame.with_columns(pl.col(name).cast(pl.Int64) for name in fitting) if fitting else frame


def zone(name: str) -> ZoneInfo | Any:
    """A time zone, UTC where nobody knows it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def clock_text(ts: int, zone_name: str, day: bool = False) -> str:
    """A time (ns UTC) as people of that zone read it, to the nanosecond."""
    seconds, rest = divmod(ts, _SECOND)
    try:
        moment = datetime.fromtimestamp(seconds, zone(zone_name))
    except (OverflowError, ValueError, OSError):
        return str(ts)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09d}" if day else f"{moment:%H:%M:%S}.{rest:09d}"


def with_clock(frame: pl.DataFrame, zone_name: str, column: str = "ts", name: str = "time") -> pl.DataFrame:
    """Add readable times behind a column of them (ns UTC)."""
    known, place = zone(zone_name), frame.get_column_index(column) + 1
    if isinstance(known, ZoneInfo) and len(frame) > _MANY and frame[column].dtype == pl.Int64:
        times = frame[column].replace(0, None).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(known.key)
        return frame.insert_column(place, times.dt.strftime("%H:%M:%S%.9f").alias(name))
    texts = [None if ts is None or ts == 0 else clock_text(int(ts), zone_name) for ts in frame[column]]
    return frame.insert_column(place, pl.Series(name, texts, pl.String))
