"""What came of a session, on one page."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import func, select

from sessions.audit.answers import Answer, Sheet, plain
from sessions.audit.books import Books
from sessions.audit.conduct import latency, operator, rates
from sessions.audit.gatekeeping import denied, near, stale
from sessions.audit.loose import orphans
from sessions.audit.moment import positions
from sessions.report_html import page
from sessions.report_markup import NOTHING, Markup, element, number, together

_LISTED = 200
#: Columns of times that may have a readable one beside them.
_TIMES = ("first", "last", "expires", "ts_sent", "ts_acked")
_TITLES = {
    "positions": "Positions and money", "by_control": "Denied by control", "near": "Near a limit (over 90 per cent)",
    "rates": "Messages", "acts": "What people did", "latency": "Latency",
}  # fmt: skip


def report(books: Books) -> Answer:
    """The end of a session (of one that goes on: so far): money, denials, near misses, messages, people, latency."""
    life = books.row(select(books.tables["life"]).order_by(books.tables["life"].c.record.desc()).limit(1)) or {}
    result = json.loads(life.get("result") or "{}")
    times = [
        books.one(select(func.max(books.tables[t].c.ts))) for t in ("fills", "events", "market_marks", "decisions")
    ]
    end = max((ts for ts in times if ts is not None), default=0)
    no, close, sick, loose = (
        denied(books, limit=1),
        near(books, limit=1),
        stale(books, limit=1),
        orphans(books, limit=1),
    )
    people, sent = operator(books), rates(books)
    session = books.known["session"][0]
    facts = {
        "name": session["name"], "state": life.get("state", "created"), "reason": life.get("reason", ""),
        "rung": session["rung"], "queue": session["queue"], "seed": session["seed"],
        "tapes": ", ".join(f"{each['symbol'] or each['name']} {each['date']}" for each in books.instruments),
        "until": books.clock(end, day=True), "records": books.one(select(books.tables["projection"].c.records)),
        "digest": result.get("digest"), "plan": session["plan_digest"], "code": session["code"],
        **{name: sent.facts[name] for name in ("messages", "fills", "order_to_trade")},
        "orders_denied": no.facts["orders_denied"], "near_misses": close.facts["near"],
        "orphans": loose.facts["orphans"], "on_stale_data": sick.facts["on_stale_data_or_sick_model"],
        "kills": people.facts["kills"], "limit_changes": people.facts["limit_changes"],
        "troubles": [" ".join(map(str, each)) for each in result.get("troubles", [])][:_LISTED],
    }  # fmt: skip
    sheets = (
        positions(books, end), _renamed(no.sheets[1], "by_control"), _renamed(close.sheets[0], "near"), *sent.sheets,
        *people.sheets, *latency(books).sheets,
    )  # fmt: skip
    trouble = "; ".join(each.trouble for each in (loose, sick) if each.trouble)
    return Answer("report", books.session.id, facts, sheets, trouble)


def _renamed(sheet: Sheet, name: str) -> Sheet:
    return Sheet(name, sheet.frame, sheet.units, sheet.cut)


def html(answer: Answer) -> str:
    """The answer as one page that needs nothing else. The same answer gives the same bytes."""
    title = f"{answer.facts.get('name') or answer.question} {answer.session}"
    body = [element("header", element("h1", title), element("p", _first(answer.facts)))]
    if answer.trouble:
        body.append(element("p", element("strong", answer.trouble)))
    body += [element("h2", "In short"), _terms(answer.facts)]
    for sheet in answer.sheets:
        body += [element("h2", _TITLES.get(sheet.name, sheet.name)), _table(sheet)]
    return page(title, body)


def _first(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('state', '')}, until {facts.get('until', '')}, {facts.get('tapes', '')}"


def _terms(facts: Mapping[str, Any]) -> Markup:
    told = {name.replace("_", " "): _said(value) for name, value in facts.items()}
    return element("dl", *(together([element("dt", name), element("dd", words)]) for name, words in told.items()))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    return NOTHING if value in (None, "") else str(value)


def _table(sheet: Sheet) -> Markup:
    """A table of at most so many rows; the raw columns that a readable one stands beside are left out."""
    frame = readable(sheet.frame)
    if not len(frame):
        return element("p", "None.")
    units = {name: f" ({sheet.units[name]})" if name in sheet.units else "" for name in frame.columns}
    heads = [element("th", f"{name.replace('_', ' ')}{units[name]}", scope="col") for name in frame.columns]
    rows = []
    for row in frame.head(_LISTED).iter_rows():
        cells = [element("td", _said(plain(value)), class_=None if _numeric(value) else "words") for value in row]
        rows.append(element("tr", *cells))
    more = f"{len(frame) - _LISTED:,} more rows are not shown." if len(frame) > _LISTED else ""
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
    return together([element("div", table, class_="wide"), element("p", more) if more else Markup("")])


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Without numbers that a column beside them says in words: times in ns, prices in ticks."""
    hidden = {name: f"{name}_time" for name in _TIMES} | {
        "ts": "time", "price": "natural_price", "peak_ts": "peak_time", "created_ns": "created",
    }  # fmt: skip
    return frame.drop([name for name, other in hidden.items() if name in frame.columns and other in frame.columns])
