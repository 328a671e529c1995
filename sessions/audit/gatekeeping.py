"""What the gate said: denials, near misses, and whether anything left on stale data or a sick model."""

from typing import Any

import polars as pl
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    TableClause,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)

from core.enums import AgentState, EventKind, Op, OperatorAct, OrderFlag
from core.errors import ConfigError
from core.naming import nearest
from core.risk.controls import BY_NAME, SPECS, Control
from sessions.audit.answers import Answer, Sheet
from sessions.audit.books import Books
from sessions.audit.judged import bit, judged

#: What says that an order was sent on old or broken data, or by a model that is not well.
SANE = (
    Control.DATA_AGE, Control.DATA_JUMP, Control.DATA_SPREAD, Control.DATA_CROSSED, Control.DATA_GAP,
    Control.MODEL_AGE, Control.MODEL_BAD, Control.MODEL_LATENCY, Control.CLOCK_SKEW,
)  # fmt: skip
#: What an act of a person makes of an agent.
_ACTS = {
    OperatorAct.PAUSE: AgentState.PAUSED, OperatorAct.KILL: AgentState.KILLED, OperatorAct.REARM: AgentState.PAUSED,
    OperatorAct.RESUME: AgentState.RUNNING,
}  # fmt: skip
_SENT = (int(Op.NEW), int(Op.REPLACE))
#: `agent` of an act that is about all of them.
DESK = -1


def control_of(name: str) -> Control:
    """A control by name. Raises `ConfigError`."""
    spec = BY_NAME.get(name.lower().replace("-", "_"))
    if spec is None:
        raise ConfigError(f"no control {name!r}{nearest(name, [spec.name for spec in SPECS])}")
    return spec.control


_ROWS = (
    "record", "ts", "agent", "instrument", "op", "side", "qty", "price", "order_id", "decision", "name", "observed",
    "limit", "unit", "scope", "version",
)  # fmt: skip


def _rows(books: Books, of: TableClause, limit: int | None, *more: ColumnElement[bool]) -> tuple[pl.DataFrame, bool]:
    """Rows for a table, and whether there are more of them."""
    statement: Select[Any] = select(*(of.c[name] for name in _ROWS)).where(*more).order_by(of.c.record, of.c.control)
    if limit:
        statement = statement.limit(limit + 1)
    frame = books.dressed(books.frame(statement)).rename({"name": "control"})
    return (frame.head(limit), len(frame) > limit) if limit else (frame, False)


_UNITS = {"ts": "ns UTC", "qty": "lots", "price": "ticks"}


def denied(
    books: Books, control: str | None = None, begin: int | None = None, end: int | None = None, limit: int | None = None
) -> Answer:
    """What a control (all of them) denied in [begin, end), ns UTC, and who changed its limit. Raises `ConfigError`."""
    wanted = None if control is None else control_of(control)
    found = judged(books, "breaches")
    where: list[ColumnElement[bool]] = []
    if wanted is not None:
        where.append(found.c.control == int(wanted))
    if begin is not None:
        where.append(found.c.ts >= begin)
    if end is not None:
        where.append(found.c.ts < end)
    counted = (
        select(
            found.c.name.label("control"), found.c.agent, func.count().label("denied"),
            func.min(found.c.ts).label("first"), func.max(found.c.ts).label("last"),
        )
        .where(*where)
        .group_by(found.c.name, found.c.agent)
        .order_by(func.count().desc(), found.c.name, found.c.agent)
    )  # fmt: skip
    rows, cut = _rows(books, found, limit, *where)
    counts = books.dressed(books.frame(counted), ("first", "last"))
    orders = books.one(select(func.count(found.c.record.distinct())).where(*where))
    changes = _changes(books, wanted)
    last = changes.filter(pl.col("what") != "plan").tail(1).to_dicts()
    facts = {
        "control": "all" if wanted is None else wanted.name.lower(),
        "from": books.clock(begin), "to": books.clock(end), "orders_denied": int(orders or 0),
        "denials": int(counts["denied"].sum()) if len(counts) else 0,
        "last_changed_by": last[0]["person"] if last else "nobody: as in the plan",
        "last_change": _told(books, last[0]) if last else "",
    }  # fmt: skip
    sheets = (Sheet("denials", rows, _UNITS, cut), Sheet("by_control", counts), Sheet("changes", changes))
    return Answer("denied", books.session.id, facts, sheets)


def _told(books: Books, change: dict[str, Any]) -> str:
    return (
        f"{books.clock(change['ts'])} {change['scope']} {change['control']}: {change['before']:g} to "
        f"{change['after']:g}, {change['reason']}{' (expired)' if change['what'] == 'expired' else ''}"
    )


def _changes(books: Books, wanted: Control | None) -> pl.DataFrame:
    limits = books.tables["limits"]
    statement = select(limits).order_by(limits.c.record, limits.c.scope, limits.c.control)
    if wanted is not None:
        statement = statement.where(limits.c.control == wanted.name.lower())
    else:
        statement = statement.where(limits.c.what != "plan")
    return books.dressed(books.frame(statement), ("ts", "expires"))


def near(books: Books, limit: int | None = None) -> Answer:
    """Orders that passed, with more than 90 per cent of a limit used."""
    found = judged(books, "passed90")
    missed = found.c.denied.is_(False)
    share = found.c.observed / func.nullif(found.c.limit, 0)
    rows, cut = _rows(books, found, limit, missed)
    rows = rows.with_columns((pl.col("observed") / pl.col("limit")).alias("share"))
    who = (found.c.name, found.c.agent)
    place = func.row_number().over(partition_by=who, order_by=[share.desc(), found.c.record])
    placed = (
        select(
            found.c.name.label("control"), found.c.agent, func.count().over(partition_by=who).label("near"),
            share.label("most"), found.c.ts, found.c.record, place.label("place"),
        )
        .where(missed)
        .subquery("placed")
    )  # fmt: skip
    p = placed.c
    counted = (
        select(p.control, p.agent, p.near, p.most, p.ts, p.record)
        .where(p.place == 1)
        .order_by(p.most.desc(), p.control, p.agent)
    )
    counts = books.dressed(books.frame(counted))
    facts = {
        "orders_near": int(books.one(select(func.count(found.c.record.distinct())).where(missed)) or 0),
        "near": int(counts["near"].sum()) if len(counts) else 0,
    }
    return Answer("near", books.session.id, facts, (Sheet("by_control", counts), Sheet("near", rows, _UNITS, cut)))


def stale(books: Books, limit: int | None = None) -> Answer:
    """Orders and replaces that left although data was old or broken, or the model not well: there must be none.

    Judged anew from what was observed, not from the gate's own word: a control whose value reached its limit, or was
    no number, on an order that was sent.
    """
    v, d, limits = books.tables["verdicts"].c, books.tables["decisions"].c, books.in_force.c
    number = cast(limits.control, BigInteger)
    observed = books.observed(number)
    age = cast(d.ts - d.ts_market, BigInteger)
    bad = or_(
        observed.is_(None), func.isnan(observed), limits.value.is_(None), func.isnan(limits.value),
        observed >= limits.value, bit(v.breaches, number),
        and_(limits.control == int(Control.DATA_AGE), age / 1e9 >= limits.value),
    )  # fmt: skip
    sent = and_(d.op.in_(_SENT), d.reason == 0)
    suspects = books.aside("suspects", select(d.record).where(sent, _suspects(books)))
    suspect = d.record.in_(select(suspects.c.record))
    statement = (
        select(
            d.record, d.ts, d.agent, d.instrument, d.op, d.side, d.qty, d.price, d.order_id, d.seq.label("decision"),
            limits.control.label("number"), observed.label("observed"), limits.value.label("limit"), d.ts_market,
        )
        .select_from(books.tables["decisions"])
        .join(books.tables["verdicts"], v.seq == d.verdict)
        .join(
            books.in_force,
            and_(
                limits.agent == d.agent, limits.instrument == d.instrument, limits.since <= v.version,
                limits.until > v.version, limits.control.in_([int(each) for each in SANE]),
            ),
        )
        .where(sent, bad, suspect)
        .order_by(d.record, limits.control)
    )  # fmt: skip
    rows = books.dressed(books.frame(statement))
    names = [Control(n).name.lower() for n in rows["number"]]
    rows = rows.with_columns(pl.Series("control", names, pl.String)).drop("number")
    unwell, judged_orders = _unwell(books), int(books.one(select(func.count()).where(sent)) or 0)
    cut = bool(limit) and len(rows) > (limit or 0)
    facts = {
        "orders_judged": judged_orders, "on_stale_data_or_sick_model": len(rows), "by_an_unwell_agent": len(unwell),
    }  # fmt: skip
    trouble = f"{len(rows) + len(unwell)} orders left that should not have" if len(rows) + len(unwell) else ""
    rows = rows.head(limit) if limit else rows
    return Answer(
        "stale", books.session.id, facts, (Sheet("stale", rows, _UNITS, cut), Sheet("unwell", unwell, _UNITS)), trouble
    )


def _suspects(books: Books) -> ColumnElement[bool]:
    """Decisions that could be bad, whoever's and by whichever version: a look at a few columns, without joins."""
    v, d, f = books.tables["verdicts"].c, books.tables["decisions"].c, books.tables["limits_in_force"].c
    least = books.frame(
        select(f.control, func.min(f.value).label("least"), func.bool_or(func.isnan(f.value)).label("open"))
        .where(f.control.in_([int(each) for each in SANE]))
        .group_by(f.control)
    )
    strictest = {row["control"]: None if row["open"] else row["least"] for row in least.iter_rows(named=True)}
    if any(strictest.get(int(each)) is None for each in SANE):
        return true()  # a limit that is missing: each order has to be looked at
    mask = sum(1 << each for each in SANE)
    seen = []
    for control in SANE:
        column = v[control.name.lower()]
        seen += [column.is_(None), column >= strictest[int(control)]]  # what is no number is above every number here
    old = cast(d.ts - d.ts_market, BigInteger) / 1e9 >= strictest[int(Control.DATA_AGE)]
    denied = cast(v.breaches, BigInteger).bitwise_and(literal(mask, BigInteger)) != 0
    return or_(old, d.verdict.in_(select(v.seq).where(or_(denied, *seen))))


def _unwell(books: Books) -> pl.DataFrame:
    """Orders of a policy whose agent the record says was not well, paused, killed or done."""
    d, e = books.tables["decisions"].c, books.tables["events"].c
    states = select(e.agent, e.record, e.qty.label("state")).where(e.kind == int(EventKind.AGENT), e.agent >= 0)
    everyone = books.tables["agents"].c
    acts = (
        select(
            everyone.agent, e.record,
            case(*((e.detail == int(act), int(state)) for act, state in _ACTS.items())).label("state"),
        )
        .select_from(books.tables["events"])
        .join(books.tables["agents"], or_(e.agent == DESK, e.agent == everyone.agent))
        .where(e.kind == int(EventKind.OPERATOR), e.detail.in_([int(act) for act in _ACTS]))
    )  # fmt: skip
    turns = states.union_all(acts).subquery("turns")
    until = func.lead(turns.c.record).over(partition_by=turns.c.agent, order_by=turns.c.record)
    spans = select(turns, func.coalesce(until, 1 << 62).label("until")).subquery("spans")
    bad = [int(AgentState.UNHEALTHY), int(AgentState.KILLED), int(AgentState.PAUSED)]
    statement = (
        select(
            d.record, d.ts, d.agent, d.instrument, d.op, d.side, d.qty, d.price, d.order_id, spans.c.state,
            spans.c.record.label("since_record"),
        )
        .select_from(books.tables["decisions"])
        .join(spans, and_(spans.c.agent == d.agent, spans.c.record < d.record, spans.c.until > d.record))
        .where(
            d.op.in_(_SENT), d.reason == 0, spans.c.state.in_(bad),
            d.flags.bitwise_and(int(OrderFlag.OPERATOR)) == 0,
        )
        .order_by(d.record)
    )  # fmt: skip
    return books.dressed(books.frame(statement))
