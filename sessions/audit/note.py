"""The record behind a line that nobody decided: a person's act, a change of limits, a state, in its own words."""

import json
from typing import Any

from sqlalchemy import select

from sessions.audit.answers import Answer
from sessions.audit.books import Books
from sessions.audit.lines import Line


def note(books: Books, line: Line) -> Answer:
    """What the log has for the line, word for word."""
    notes = books.tables["notes"].c
    words = books.one(select(notes.words).where(notes.record == line.record))
    told: Any = json.loads(words or "{}")
    facts = {"record": line.record, "time": books.clock(line.ts, day=True), "what": line.what}
    return Answer("note", books.session.id, facts | (told if isinstance(told, dict) else {"words": words}), ())
