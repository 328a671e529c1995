"""What the lines of a journal are made of: one statement for each kind, all with the same columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, null, or_, select

from core.enums import EventKind
from sessions.audit.books import Books
from sessions.audit.lines import Kind, Wanted
from sessions.audit.searching import Meaning


def branches(books: Books, wanted: Wanted, sought: Meaning) -> list[Select[Any]]:
    """One statement for each kind that is wanted; all with the same columns."""
    agent = books.agents.index(wanted.agent) if wanted.agent in books.agents else -2
    control = next((k for k, name in enumerate(sought.controls_by_name) if name == wanted.control), -1)
    asked = _Asked(wanted, sought, agent, control)
    makers = {
        Kind.DECISION: _decisions, Kind.IDLE: _decisions, Kind.ORDER: _orders, Kind.FILL: _fills, Kind.EVENT: _events,
        Kind.DENIAL: _denials, Kind.ACT: _acts, Kind.LIMIT: _limits,
    }  # fmt: skip
    found = []
    for kind, make in makers.items():
        if kind in wanted.kinds:
            part = make(books, kind, asked)
            if part is not None:
                found.append(part)
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    wanted: Wanted
    sought: Meaning
    agent: int
    control: int


def _row(kind: Kind, **known: Any) -> list[ColumnElement[Any]]:
    """The columns of every line; what a kind has not is NULL."""
    names = (
        "record", "ts", "agent", "instrument", "order_id", "number", "a", "b", "side", "qty", "price", "reason",
        "detail", "mask", "what", "words",
    )  # fmt: skip
    return [literal(int(kind)).label("kind"), *(known.get(name, null()).label(name) for name in names)]


def _plain(books: Books, table: str, kind: Kind, asked: _Asked, row: dict[str, Any], found: Any) -> Select[Any] | None:
    """Records of a table: those of the agent and the order that are wanted, with one of the meanings of the text."""
    if asked.wanted.control and kind is not Kind.DENIAL:
        return None
    c = books.tables[table].c
    statement = select(*_row(kind, **row)).select_from(books.tables[table])
    if asked.wanted.agent:
        statement = statement.where(c.agent == asked.agent)
    if asked.wanted.order:
        statement = statement.where(c.order_id == asked.wanted.order)
    if asked.wanted.text:
        who = c.agent.in_(asked.sought.agents) if asked.sought.agents else false()
        statement = statement.where(or_(who, *found))
    return statement


def _in(column: ColumnElement[Any], codes: Sequence[int]) -> list[ColumnElement[bool]]:
    return [column.in_(list(codes))] if codes else []


def _decisions(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    c, s = books.tables["decisions"].c, asked.sought
    row = {
        "record": c.record, "ts": c.ts, "agent": c.agent, "instrument": c.instrument, "order_id": c.order_id,
        "number": c.seq, "a": c.op, "b": c.type, "side": c.side, "qty": c.qty, "price": c.price, "reason": c.reason,
        "detail": c.why,
    }  # fmt: skip
    why = [and_(c.agent == agent, c.why.in_(codes)) for agent, codes in s.whys.items()]
    found = [*why, *_in(c.reason, s.reasons), *_in(c.op, s.ops), *_in(c.type, s.types), *_in(c.side, s.sides)]
    statement = _plain(books, "decisions", kind, asked, row, found)
    return None if statement is None else statement.where(c.op == 0 if kind is Kind.IDLE else c.op > 0)


def _orders(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    c, s = books.tables["orders"].c, asked.sought
    row = {
        "record": c.record, "ts": c.ts_done, "agent": c.agent, "instrument": c.instrument, "order_id": c.order_id,
        "number": c.decision, "a": c.status, "b": c.type, "side": c.side, "qty": c.qty, "price": c.price,
        "reason": c.reason, "detail": c.filled,
    }  # fmt: skip
    found = [*_in(c.reason, s.reasons), *_in(c.status, s.statuses), *_in(c.type, s.types), *_in(c.side, s.sides)]
    return _plain(books, "orders", kind, asked, row, found)


def _fills(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    c, s = books.tables["fills"].c, asked.sought
    row = {
        "record": c.record, "ts": c.ts, "agent": c.agent, "instrument": c.instrument, "order_id": c.order_id,
        "number": c.seq, "a": c.maker, "b": c.trust, "side": c.side, "qty": c.qty, "price": c.price, "detail": c.fee,
    }  # fmt: skip
    found = [c.maker > 0 if made else c.maker == 0 for made in s.makers] + _in(c.side, s.sides)
    found += [_bits(c.trust, s.trusts) != 0] if s.trusts else []
    found += [c.trust == 0] if s.exact else []
    return _plain(books, "fills", kind, asked, row, found)


def _events(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    """What the venue said; that it filled is told by the fill."""
    c, s = books.tables["events"].c, asked.sought
    row = {
        "record": c.record, "ts": c.ts, "agent": c.agent, "instrument": c.instrument, "order_id": c.order_id,
        "number": c.decision, "a": c.kind, "side": c.side, "qty": c.qty, "price": c.price, "reason": c.reason,
        "detail": c.detail,
    }  # fmt: skip
    found = [*_in(c.reason, s.reasons), *_in(c.kind, s.events), *_in(c.side, s.sides)]
    statement = _plain(books, "events", kind, asked, row, found)
    return None if statement is None else statement.where(c.kind != int(EventKind.FILL))


def _denials(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    c, s = books.tables["verdicts"].c, asked.sought
    row = {
        "record": c.record, "ts": c.ts, "agent": c.agent, "instrument": c.instrument, "order_id": c.order_id,
        "number": c.decision, "a": c.op, "side": c.side, "detail": c.version, "mask": c.breaches,
    }  # fmt: skip
    found = [_bits(c.breaches, s.controls) != 0] if s.controls else []
    found += [literal(True)] if s.denials else []
    statement = _plain(books, "verdicts", kind, asked, row, [*found, *_in(c.op, s.ops), *_in(c.side, s.sides)])
    if statement is None:
        return None
    if asked.wanted.control:
        statement = statement.where(_bits(c.breaches, 1 << asked.control if asked.control >= 0 else 0) != 0)
    return statement.where(c.breaches != 0)


def _bits(column: ColumnElement[Any], mask: int) -> ColumnElement[Any]:
    return column.op("&")(literal(mask))


def _acts(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    c = books.tables["operator_actions"].c
    refused = func.coalesce(literal("refused: ").concat(c.failed), "")
    target = func.concat_ws(" ", c.scope, c.control, c.value, c.ticket)
    words = func.concat_ws(" | ", c.person, *(func.nullif(each, "") for each in (c.reason, target, refused)))
    row = {
        "record": c.record, "ts": c.ts, "order_id": c.order_id, "what": c.act, "words": words,
        "agent": func.coalesce(func.if_(c.order_id.is_not(None), null(), c.target), -2),
    }  # fmt: skip
    w, statement = asked.wanted, select(*_row(kind, **row)).select_from(books.tables["operator_actions"])
    if w.agent:
        statement = statement.where(or_(c.agent == w.agent, c.scope == f"agent.{w.agent}"))
    if w.order:
        statement = statement.where(c.order_id == w.order)
    if w.control:
        statement = statement.where(c.control == w.control)
    if w.text:
        told = func.lower(func.concat_ws(" ", c.act, c.agent, words))
        statement = statement.where(func.contains(told, w.text.lower()))
    return statement


def _limits(books: Books, kind: Kind, asked: _Asked) -> Select[Any] | None:
    """Changes of limits, one line for a version; those of the plan are no changes."""
    c, w = books.tables["limits"].c, asked.wanted
    if w.order:
        return None
    change = func.concat_ws(" ", c.scope, c.control, c.before, "to", c.after)
    told = func.concat(c.what, " ", change, " by ", c.person, " | ", c.reason)
    words = func.string_agg(told, "; ")
    row = {"record": c.record, "ts": c.ts, "what": literal("limits"), "words": words, "detail": c.version}
    statement = select(*_row(kind, **row)).select_from(books.tables["limits"]).where(c.record >= 0)
    if w.agent:
        statement = statement.where(c.scope == f"agent.{w.agent}")
    if w.control:
        statement = statement.where(c.control == w.control)
    if w.text:
        statement = statement.where(func.contains(func.lower(told), w.text.lower()))
    return statement.group_by(c.record, c.ts, c.version)
