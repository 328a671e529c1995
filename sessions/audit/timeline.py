"""Everything in a journal in one line of time, a page at a time: found by key, so that a page costs what it shows.

The log groups records of one kind; a page is in the order of (time, journal sequence), which is the order in which
things happened. Rows are looked for in a stretch of time that grows until it holds a page: zone maps leave out the
rest, whatever the size of the journal.
"""

from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Select, and_, func, literal_column, or_, select, text, union_all

from sessions.audit.books import Books
from sessions.audit.lines import Key, Kind, Line, Wanted
from sessions.audit.searching import Meaning, meaning
from sessions.audit.timeline_rows import branches
from sessions.audit.timeline_words import life_line, lines

_GROWTH, _STATEMENTS = 16, 64


@dataclass(frozen=True, slots=True)
class Page:
    """Lines in order of time."""

    lines: tuple[Line, ...]
    more: bool  #: there are more, further in the direction that was asked for


@dataclass(slots=True)
class Memory:
    """What is still true when the same journal is opened again: states of the session, statements."""

    life: list[Line] = field(default_factory=list)
    texts: dict[tuple[Wanted, bool, int], str] = field(default_factory=dict)


class Timeline:
    """The lines of an open journal."""

    def __init__(self, books: Books, memory: Memory | None = None) -> None:
        """`memory`: of this journal, from when it was open before."""
        self._books = books
        memory = memory or Memory()
        self._life, self._texts = memory.life, memory.texts
        self._first, self._last = _span(books)
        self._load_life()

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last line (ns UTC)."""
        return self._first, self._last

    def page(self, wanted: Wanted, count: int, key: Key | None = None, older: bool = True) -> Page:
        """At most `count` lines before `key` (behind it if not `older`); without one from the end (the beginning)."""
        sought = meaning(self._books, wanted.text)
        if key is None:
            key = Key(self._last + 1, 0) if older else Key(self._first - 1, 0)
        rows = self._rows(wanted, sought, key, older, count + 1)
        found = lines(self._books, rows)
        if Kind.LIFE in wanted.kinds:
            found += [each for each in self._life if _life_wanted(each, wanted, key, older)]
        found.sort(key=lambda line: (line.ts, line.record), reverse=older)
        return Page(tuple(sorted(found[:count], key=lambda line: (line.ts, line.record))), len(found) > count)

    # --- finding ------------------------------------------------------------------------------

    def _rows(self, wanted: Wanted, sought: Meaning, key: Key, older: bool, count: int) -> pl.DataFrame:
        begin = self._first if wanted.begin is None else max(wanted.begin, self._first)
        end = self._last if wanted.end is None else min(wanted.end - 1, self._last)
        near = min(key.ts, end) if older else max(key.ts, begin)
        width = max((self._last - self._first) * count * 4 // max(self._size, 1), 1_000_000)
        while True:
            low, high = (max(near - width, begin), near) if older else (near, min(near + width, end))
            rows = self._between(wanted, sought, key, older, count, low, high)
            if len(rows) >= count or (low <= begin if older else high >= end):
                return rows
            width *= _GROWTH

    @property
    def _size(self) -> int:
        return int(self._books.one(select(self._books.tables["projection"].c.records)) or 0)

    def _between(
        self, wanted: Wanted, sought: Meaning, key: Key, older: bool, count: int, low: int, high: int
    ) -> pl.DataFrame:
        asked = (wanted, older, count)
        if asked not in self._texts:  # making it takes longer than finding the rows
            if len(self._texts) >= _STATEMENTS:
                self._texts.clear()
            self._texts[asked] = self._statement(wanted, sought, older, count)
        made = self._texts[asked]
        if not made:
            return pl.DataFrame(schema=dict.fromkeys(("kind", "record", "ts"), pl.Int64))
        for name, value in (("low", low), ("high", high), ("key_ts", key.ts), ("key_record", key.record)):
            made = made.replace(f"<{name}>", str(value))
        return self._books.frame(text(made.replace(":", r"\:")))

    def _statement(self, wanted: Wanted, sought: Meaning, older: bool, count: int) -> str:
        """What finds lines, with places for the stretch of time and the key."""
        low, high, ts, record = (
            literal_column(f"(<{name}>)", BigInteger) for name in ("low", "high", "key_ts", "key_record")
        )
        parts = []
        for part in branches(self._books, wanted, sought):
            c = part.subquery().c
            beyond, tied = (c.ts < ts, c.record < record) if older else (c.ts > ts, c.record > record)
            rows = select(*c).where(c.ts >= low, c.ts <= high, or_(beyond, and_(c.ts == ts, tied)))
            parts.append(_ordered(rows, c, older, count).subquery())
        if not parts:
            return ""
        both = union_all(*(select(*part.c) for part in parts)).subquery()
        return self._books.text(_ordered(select(*both.c), both.c, older, count))

    # --- states -------------------------------------------------------------------------------

    def _load_life(self) -> None:
        """States of the session, each at the time of the newest thing before it: they have no market time."""
        life = self._books.tables["life"].c
        known = self._life[-1].record if self._life else -1
        rows = self._books.frame(
            select(life.record, life.wall_ns, life.state, life.reason).where(life.record > known).order_by(life.record)
        )
        for row in rows.iter_rows(named=True):
            ts = max(self._before(row["record"]), self._life[-1].ts if self._life else self._first)
            self._life.append(life_line(int(Kind.LIFE), row, ts))

    def _before(self, record: int) -> int:
        for reach in (50_000, record + 1):
            times = []
            for name in ("decisions", "events", "fills"):
                c = self._books.tables[name].c
                times.append(self._books.one(
                    select(func.max(c.ts)).where(c.record < record, c.record >= record - reach)
                ))  # fmt: skip
            if known := [ts for ts in times if ts is not None]:
                return int(max(known))
        return self._first


def _ordered(rows: Select[Any], c: Any, older: bool, count: int) -> Select[Any]:
    order = (c.ts.desc(), c.record.desc()) if older else (c.ts, c.record)
    return rows.order_by(*order).limit(count)


def _span(books: Books) -> tuple[int, int]:
    """When the first and the last thing happened; of a journal without any, when its tapes begin."""
    tables = ("decisions", "events", "fills", "operator_actions", "limits")
    times = [*(books.tables[name].c.ts for name in tables), books.tables["orders"].c.ts_done]
    rows = books.frame(union_all(*(select(func.min(ts).label("low"), func.max(ts).label("high")) for ts in times)))
    begin = min((int(each["first_ts"]) for each in books.instruments), default=0)
    lows, highs = rows["low"].drop_nulls().to_list(), rows["high"].drop_nulls().to_list()
    return min([begin, *lows]), max([begin, *highs])


def _life_wanted(line: Line, wanted: Wanted, key: Key, older: bool) -> bool:
    here = Key(line.ts, line.record)
    if wanted.agent or wanted.order or wanted.control or not (here < key if older else here > key):
        return False
    if (wanted.begin is not None and line.ts < wanted.begin) or (wanted.end is not None and line.ts >= wanted.end):
        return False
    sought = wanted.text.lower()
    return not sought or sought in line.what.lower() or sought in line.words.lower()
