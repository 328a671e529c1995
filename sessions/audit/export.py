"""A session as Parquet, partitioned by date and agent: TABLE/date=YYYY-MM-DD/agent=NAME/SESSION.parquet.

A file has its name only when all of it is on the disk: it is written beside it, made durable, and renamed.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from sqlalchemy import BigInteger, Table, cast, func, literal, select

from core.errors import TapedeckError
from sessions.audit.answers import zone
from sessions.audit.books import Books
from sessions.journal.disk import sync_folder
from sessions.journal.errors import JournalError

_DAY = 86_400_000_000_000
#: Tables whose rows belong to a day; where they say whose, to an agent.
_DATED = {
    "decisions": "ts", "verdicts": "ts", "orders": "ts_sent", "fills": "ts", "events": "ts", "market_marks": "ts",
    "latencies": "ts", "operator_actions": "ts", "life": "wall_ns",
}  # fmt: skip
#: Tables that are whole for a session.
_WHOLE = (
    "notes", "limits", "limits_in_force", "agents", "instruments", "controls", "codes", "reasons", "models", "kills",
    "session", "projection",
)  # fmt: skip
#: Stands for an agent where a row is the desk's, or a person's.
_DESK = "desk"


class ExportRefused(TapedeckError):
    """The place is none to write to."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Written:
    """One file."""

    path: Path
    table: str
    rows: int
    bytes: int


def export(books: Books, folder: Path) -> list[Written]:
    """Write all of a session below `folder`. Raises `ExportRefused`, `JournalError`."""
    if folder.exists() and not folder.is_dir():
        raise ExportRefused(f"{folder} is no folder")
    name = f"{books.session.id}.parquet"
    found: list[Written] = []
    for table, column in _DATED.items():
        found += _dated(books, folder, table, column, name)
    found += _features(books, folder, name)
    for table in _WHOLE:
        found.append(_write(books, select(books.tables[table]), folder / table / name, table))
    return found


def _dated(books: Books, folder: Path, table: str, column: str, name: str) -> Iterator[Written]:
    of = books.tables[table]
    agents = books.agents
    by_agent = "agent" in of.c and table != "operator_actions"
    for row in _parts(books, of, column, by_agent):
        day, agent = int(row["day"]), row.get("agent")
        place = folder / table / f"date={_date(day)}"
        begin, end = _span(books, day, column)
        statement = select(of).where(of.c[column] >= begin, of.c[column] < end).order_by(of.c.record)
        if by_agent:
            agent = -1 if agent is None else int(agent)
            known = 0 <= agent < len(agents)
            place = place / f"agent={_safe(agents[agent]) if known else _DESK}"
            statement = statement.where(of.c.agent == agent)
        yield _write(books, statement, place / name, table)


def _parts(books: Books, of: Table, column: str, by_agent: bool) -> list[dict[str, Any]]:
    """Days (of the market's own calendar; life: UTC), and agents, that a table has rows of."""
    day = cast(func.floor((of.c[column] + literal(_offset(books, column), BigInteger)) / float(_DAY)), BigInteger)
    columns = [day.label("day"), *([of.c.agent] if by_agent else [])]
    return books.frame(select(*columns).where(of.c[column].is_not(None)).distinct().order_by(*columns)).to_dicts()


def _offset(books: Books, column: str) -> int:
    """Ns by which the market's clocks are ahead of UTC, on its day."""
    if column == "wall_ns" or not books.instruments:
        return 0
    first = datetime.fromtimestamp(int(books.instruments[0]["first_ts"]) // 1_000_000_000, zone(books.session.timezone))
    ahead = first.utcoffset()
    return round(ahead.total_seconds()) * 1_000_000_000 if ahead is not None else 0


def _span(books: Books, day: int, column: str) -> tuple[int, int]:
    offset = _offset(books, column)
    return day * _DAY - offset, (day + 1) * _DAY - offset


def _date(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _features(books: Books, folder: Path, name: str) -> Iterator[Written]:
    """Rows of features go with the decision that used them first."""
    d, f = books.tables["decisions"].c, books.tables["features"]
    used = (
        select(d.feature.label("row"), func.min(d.ts).label("ts"), func.arg_min(d.agent, d.record).label("agent"))
        .where(d.feature >= 0)
        .group_by(d.feature)
        .subquery("used")
    )
    offset = _offset(books, "ts")
    day = cast(func.floor((used.c.ts + literal(offset, BigInteger)) / float(_DAY)), BigInteger)
    joined = select(f, used.c.ts, day.label("day"), used.c.agent).select_from(f).join(
        used, used.c.row == f.c.row, isouter=True
    ).subquery("joined")  # fmt: skip
    columns = [each for each in joined.c if each.name not in ("day", "agent")]
    parts = books.frame(select(joined.c.day, joined.c.agent).distinct().order_by(joined.c.day, joined.c.agent))
    for row in parts.iter_rows(named=True):
        statement = select(*columns).order_by(joined.c.record)
        if row["day"] is None:
            yield _write(
                books, statement.where(joined.c.day.is_(None)), folder / "features" / "date=none" / name, "features"
            )
            continue
        date_name = _date(int(row["day"]))
        place = folder / "features" / f"date={date_name}" / f"agent={_safe(books.agents[row['agent']])}"
        statement = statement.where(joined.c.day == row["day"], joined.c.agent == row["agent"])
        yield _write(books, statement, place / name, "features")


def _safe(name: str) -> str:
    """An agent's name as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), name) or "-"


def _write(books: Books, statement: Any, path: Path, table: str) -> Written:
    part = path.with_name(f".{path.name}.part")
    text = books.text(statement)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        quoted = str(part).replace("'", "''")
        rows = books.connection.execute(f"COPY ({text}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)").fetchone()
        size = _publish(part, path)
    except (OSError, duckdb.Error) as error:
        part.unlink(missing_ok=True)
        raise JournalError(path, str(error).partition("\n")[0]) from error
    return Written(path, table, int(rows[0]) if rows else 0, size)


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """One table as a Parquet file. Raises `ExportRefused`, `JournalError`."""
    if path.is_dir() or not path.parent.is_dir():
        raise ExportRefused(f"{path} is no file that can be written")
    part = path.with_name(f".{path.name}.part")
    try:
        frame.write_parquet(part, compression="zstd")
        _publish(part, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        part.unlink(missing_ok=True)
        raise JournalError(path, getattr(error, "strerror", None) or str(error).partition("\n")[0]) from error


def _publish(part: Path, path: Path) -> int:
    """Make a finished file durable and give it its name. Its size in bytes."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    part.replace(path)
    sync_folder(path.parent)
    return size
