"""What the `tapedeck audit` verbs do: find the session, ask the question, tell the answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.audit_text import Wanted, tell
from app.output import FAILURE, emit, pour, say
from app.paths import home
from core.errors import ConfigError

if TYPE_CHECKING:
    from sessions.audit.answers import Answer
    from sessions.audit.books import Books

#: Records that take so long to be made into tables that it is said.
_LONG = 500_000


def sessions(wanted: Wanted) -> None:
    """Every session that is kept. Raises `ConfigError`, `JournalError`."""
    from sessions.audit.listing import listed
    from sessions.recording import Rooms

    wanted.check()
    tell(listed(Rooms(home())), wanted)


def _asked(session: str, wanted: Wanted, question: Callable[[Books], Answer]) -> None:
    """Ask a question of one session's journal, caught up with its log. Raises `JournalError`, `ConfigError`."""
    wanted.check()
    tell(_answer(session, question), wanted)


def _answer(session: str, question: Callable[[Books], Answer]) -> Answer:
    with _books(session) as books:
        return _noted(books, question(books))


@contextmanager
def _books(session: str) -> Iterator[Books]:
    """The journal of a session, caught up with its log; where that takes long, why is said. Raises `JournalError`."""
    from sessions.audit.books import opened
    from sessions.audit.finding import find
    from sessions.recording import Rooms

    found = find(Rooms(home()), session)

    def told(why: str, records: int) -> None:
        if why:
            say(f"tapedeck: {found.id}: its tables are made anew from {records:,} records of its log: {why}")
        elif records >= _LONG:
            say(f"tapedeck: {found.id}: its tables are made from {records:,} records of its log, once")

    with opened(found, told=told) as books:
        yield books


def _noted(books: Books, answer: Answer) -> Answer:
    """The same with what is to be known of the log that it is from."""
    from dataclasses import replace

    more = _notes(books)
    return replace(answer, facts={**answer.facts, **more}) if more else answer


def _notes(books: Books) -> dict[str, Any]:
    """Why the tables are not all of a session, or not what its log is now; said, and as facts."""
    from sessions.audit.listing import written_now

    if books.complete:
        if books.fault:
            say(f"tapedeck: {books.session.id}: its log is not as it was; audit verify says more: {books.fault}")
        return {"note": books.fault} if books.fault else {}
    live = written_now(books.session.folder)
    note = books.fault or ("" if live else "the session ended without a seal: the next start closes it")
    if note and not live:
        say(f"tapedeck: {books.session.id}: not all of its log is in this answer, or it has no end: {note}")
    return {"goes_on": live, **({"note": note} if note else {})}


def why(order: str, session: str, wanted: Wanted) -> None:
    """The chain behind an order or a fill."""
    from sessions.audit.why import why as ask

    _asked(session, wanted, lambda books: ask(books, order))


def denied(
    control: str | None, begin: str | None, end: str | None, limit: int | None, session: str, wanted: Wanted
) -> None:
    """What the gate denied."""
    from app.audit_times import moment
    from sessions.audit.gatekeeping import control_of
    from sessions.audit.gatekeeping import denied as ask

    if control is not None:
        control_of(control)  # before a journal is read

    def question(books: Books) -> Answer:
        times = [None if typed is None else moment(typed, books.session) for typed in (begin, end)]
        return ask(books, control, times[0], times[1], limit)

    _asked(session, wanted, question)


def at(time: str, session: str, wanted: Wanted) -> None:
    """Positions, working orders and exposure at one nanosecond."""
    from app.audit_times import moment
    from sessions.audit.moment import at as ask

    _asked(session, wanted, lambda books: ask(books, moment(time, books.session)))


def orphans(limit: int | None, session: str, wanted: Wanted) -> None:
    """What should have something beside it and has not."""
    from sessions.audit.loose import orphans as ask

    _asked(session, wanted, lambda books: ask(books, limit))


def stale(limit: int | None, session: str, wanted: Wanted) -> None:
    """Orders that left on stale data or a sick model."""
    from sessions.audit.gatekeeping import stale as ask

    _asked(session, wanted, lambda books: ask(books, limit))


def near(limit: int | None, session: str, wanted: Wanted) -> None:
    """Orders that used more than 90 per cent of a limit."""
    from sessions.audit.gatekeeping import near as ask

    _asked(session, wanted, lambda books: ask(books, limit))


def operator(session: str, wanted: Wanted) -> None:
    """What people did."""
    from sessions.audit.conduct import operator as ask

    _asked(session, wanted, ask)


def rates(session: str, wanted: Wanted) -> None:
    """Messages against their limits."""
    from sessions.audit.conduct import rates as ask

    _asked(session, wanted, ask)


def latency(session: str, wanted: Wanted) -> None:
    """How long each stage took."""
    from sessions.audit.conduct import latency as ask

    _asked(session, wanted, ask)


def report(session: str, html: Path | None, force: bool, wanted: Wanted) -> None:
    """What came of a session; with `html` also as a page. Raises `ConfigError`."""
    from sessions.audit.summing import html as page
    from sessions.audit.summing import report as ask

    wanted.check()
    if html is not None and (html.is_dir() or (html.exists() and not force)):
        raise ConfigError(f"{html} exists already; --force replaces it" if html.is_file() else f"{html} is a folder")
    answer = _answer(session, ask)
    if html is not None:
        _publish(html, page(answer))
        say(f"{html}: the report")
    tell(answer, wanted)


def _publish(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def project(session: str, anew: bool, as_json: bool) -> None:
    """Bring a session's tables up to its log, or make them anew from it. Exit code 1 if the log cannot be read."""
    from sessions.audit.finding import find
    from sessions.audit.listing import written_now
    from sessions.audit.project import project as catch_up
    from sessions.audit.project import rebuild
    from sessions.recording import Rooms

    found = find(Rooms(home()), session)
    done = (rebuild if anew else catch_up)(found.folder, found.manifest)
    emit(
        {
            "session": found.id,
            "file": str(done.path),
            "records": done.at.records,
            "blocks": done.at.blocks,
            "added": done.added,
            "complete": done.complete,
            "head": done.at.head.hex(),
            "fault": done.fault,
            "rebuilt": done.rebuilt,
        },
        as_json,
    )
    if done.fault and not written_now(found.folder):  # of a live one it may be a block under way
        say(f"tapedeck: {found.id}: {done.fault}")
        raise SystemExit(FAILURE)


def export(folder: Path, session: str, as_json: bool) -> None:
    """A session's tables as Parquet below a folder."""
    from sessions.audit.export import export as write

    with _books(session) as books:
        written = write(books, folder)
        values: dict[str, Any] = {
            "session": books.session.id,
            "folder": str(folder),
            "files": len(written),
            "bytes": sum(each.bytes for each in written),
            "complete": books.complete,
            "rows": {name: sum(w.rows for w in written if w.table == name) for name in {w.table: 0 for w in written}},
            **_notes(books),
        }
        if as_json:
            values["written"] = [
                {"file": str(each.path.relative_to(folder)), "rows": each.rows, "bytes": each.bytes} for each in written
            ]
    emit(values, as_json)


def sql(query: str, limit: int, seconds: float, session: str, wanted: Wanted) -> None:
    """One SELECT over a session's tables and views. Raises `QueryRefused`, `QueryTooLong`, `JournalError`."""
    from sessions.audit.answers import Answer, Sheet, whole
    from sessions.audit.sandbox import Bounds, ask
    from sessions.audit.store import FILE

    wanted.check()
    with _books(session) as books:
        found = ask(books.session.folder / FILE, query, Bounds(limit, seconds))
        answer = Answer("sql", books.session.id, {}, (Sheet("result", whole(found.frame), {}, found.cut),))
        answer = _noted(books, answer)
    if query.lstrip()[:7].lower() == "explain" and not (wanted.as_json or wanted.as_csv or wanted.parquet):
        pour("\n".join(str(row[-1]) for row in answer.sheets[0].frame.iter_rows()))
        return
    tell(answer, wanted)
