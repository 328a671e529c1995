"""What must not be: decisions without an outcome, orders nobody answered for, fills and reports without an order."""

from typing import Any

import polars as pl
from sqlalchemy import and_, case, exists, func, literal, or_, select
from sqlalchemy.sql.selectable import Select, Subquery

from core.enums import EventKind, Op, OrderStatus, Reason
from sessions.audit.answers import Answer, Sheet
from sessions.audit.books import Books

_ANSWERS = (int(EventKind.ACK), int(EventKind.REJECT), int(EventKind.CANCELED), int(EventKind.EXPIRED))
_OVER = (int(EventKind.REJECT), int(EventKind.CANCELED), int(EventKind.EXPIRED))
_NEW, _CANCEL, _REPLACE = int(Op.NEW), int(Op.CANCEL), int(Op.REPLACE)
#: Places in a table, in the order in which they are told.
KINDS = {
    "decision_without_verdict": "the gate was never asked about an order that was sent",
    "decision_without_order": "it was sent, and no order was made of it",
    "denied_yet_sent": "the gate denied it, and it was sent",
    "verdict_without_decision": "a verdict about nothing",
    "decision_missing": "a number of a decision that is not there",
    "order_without_ack": "the venue never answered for the order",
    "order_without_end": "the order was never over",
    "request_without_answer": "a cancel or replace that nothing came of",
    "fill_without_order": "nobody sent the order that it is a fill of",
    "event_without_order": "the venue spoke of an order that nobody sent",
    "fills_do_not_add_up": "the fills of an order are not what its last record says",
}


def orphans(books: Books, limit: int | None = None) -> Answer:
    """Everything that should have something beside it and has not.

    What is under way in a session that goes on is no orphan; it is told apart as `under_way`.
    """
    finders = (
        _unjudged, _unmade, _denied_yet_sent, _about_nothing, _missing, _unanswered, _endless, _requests, _lost_fills,
        _lost_events, _sums,
    )  # fmt: skip
    rows = pl.concat([_found(books, kind, find(books)) for kind, find in zip(KINDS, finders, strict=True)])
    open_ended = rows["orphan"].is_in(["order_without_ack", "order_without_end", "request_without_answer"])
    under_way = rows.filter(open_ended) if not books.complete else rows.clear()
    rest = rows.filter(~open_ended) if not books.complete else rows
    counts = pl.DataFrame(
        {
            "orphan": list(KINDS), "count": [int((rest["orphan"] == kind).sum()) for kind in KINDS],
            "words": list(KINDS.values()),
        }
    )  # fmt: skip
    facts = {"orphans": len(rest), "under_way": len(under_way), "complete": books.complete}
    sheets = (
        Sheet("orphans", books.dressed(rest.head(limit or len(rest))), {}, len(rest) > (limit or len(rest))),
        Sheet("by_kind", counts),
        Sheet("under_way", books.dressed(under_way)),
    )  # fmt: skip
    return Answer("orphans", books.session.id, facts, sheets, f"{len(rest)} orphans" if len(rest) else "")


_KINDS = {
    "orphan": pl.String, "record": pl.Int64, "ts": pl.Int64, "agent": pl.Int64, "instrument": pl.Int64,
    "order_id": pl.Int64, "decision": pl.Int64,
}  # fmt: skip


def _found(books: Books, kind: str, statement: Any) -> pl.DataFrame:
    frame = books.frame(statement).with_columns(pl.lit(kind).alias("orphan"))
    return frame.select(pl.col(name).cast(of) for name, of in _KINDS.items())


def _of_decisions(books: Books) -> Select[Any]:
    d = books.tables["decisions"].c
    return select(d.record, d.ts, d.agent, d.instrument, d.order_id, d.seq.label("decision")).order_by(d.record)


def _unjudged(books: Books) -> Any:
    d, v = books.tables["decisions"].c, books.tables["verdicts"].c
    judged = exists().where(v.seq == d.verdict)
    return _of_decisions(books).where(d.op.in_((_NEW, _REPLACE)), d.reason == 0, ~judged)


def _unmade(books: Books) -> Any:
    d = books.tables["decisions"].c
    return _of_decisions(books).where(d.op > 0, d.reason == 0, d.order_id <= 0)


def _denied_yet_sent(books: Books) -> Any:
    d, v = books.tables["decisions"].c, books.tables["verdicts"].c
    return _of_decisions(books).join(books.tables["verdicts"], v.seq == d.verdict).where(
        or_(and_(v.breaches != 0, d.reason != int(Reason.GATE)), and_(v.breaches != 0, d.op == _NEW, d.order_id > 0))
    )  # fmt: skip


def _about_nothing(books: Books) -> Any:
    d, v = books.tables["decisions"].c, books.tables["verdicts"].c
    asked = exists().where(d.verdict == v.seq)
    return select(v.record, v.ts, v.agent, v.instrument, v.order_id, v.decision).where(~asked).order_by(v.record)


def _missing(books: Books) -> Any:
    """A decision whose number does not follow from the one before it."""
    d = books.tables["decisions"].c
    before = func.lag(d.seq, 1, -1).over(order_by=d.record)
    numbered = select(d.record, d.ts, d.agent, d.instrument, d.order_id, d.seq, before.label("before")).subquery()
    n = numbered.c
    return select(n.record, n.ts, n.agent, n.instrument, n.order_id, n.seq.label("decision")).where(
        n.seq != n.before + 1
    )


def _sent(books: Books) -> Subquery:
    """Orders that were sent, once each."""
    d = books.tables["decisions"].c
    return (
        select(d.record, d.ts, d.agent, d.instrument, d.order_id, d.seq.label("decision"))
        .where(d.op == _NEW, d.reason == 0, d.order_id > 0)
        .subquery("sent")
    )  # fmt: skip


def _unanswered(books: Books) -> Any:
    sent, e = _sent(books), books.tables["events"].c
    answered = exists().where(e.order_id == sent.c.order_id, e.kind.in_(_ANSWERS))
    return select(sent).where(~answered).order_by(sent.c.record)


def _endless(books: Books) -> Any:
    """Sent, and without a last record: an order's record is written when we know that it is over."""
    sent, o = _sent(books), books.tables["orders"].c
    return select(sent).where(~exists().where(o.order_id == sent.c.order_id)).order_by(sent.c.record)


def _requests(books: Books) -> Any:
    """Cancels and replaces: the venue did it, refused it, or the order was over first."""
    d, e, o = books.tables["decisions"].c, books.tables["events"].c, books.tables["orders"].c
    last = (
        select(e.order_id, func.max(e.ts).label("ts"))
        .where(e.kind.in_((*_OVER, int(EventKind.REPLACED), int(EventKind.CANCEL_REJECT))))
        .group_by(e.order_id)
        .subquery("last")
    )
    over = select(o.order_id, func.max(o.ts_done).label("ts")).group_by(o.order_id).subquery("over")
    return (
        _of_decisions(books)
        .join(last, last.c.order_id == d.order_id, isouter=True)
        .join(over, over.c.order_id == d.order_id, isouter=True)
        .where(d.op.in_((_CANCEL, _REPLACE)), d.reason == 0, last.c.ts.is_(None), over.c.ts.is_(None))
    )


def _lost_fills(books: Books) -> Any:
    f, sent = books.tables["fills"].c, _sent(books)
    return (
        select(f.record, f.ts, f.agent, f.instrument, f.order_id, literal(None).label("decision"))
        .where(~exists().where(sent.c.order_id == f.order_id))
        .order_by(f.record)
    )


def _lost_events(books: Books) -> Any:
    e, sent = books.tables["events"].c, _sent(books)
    others = (EventKind.REPLACED, EventKind.TRIGGERED, EventKind.REPRICED, EventKind.CANCEL_REJECT)
    ours = e.kind.in_([*_ANSWERS, *map(int, others)])
    return (
        select(e.record, e.ts, e.agent, e.instrument, e.order_id, e.decision)
        .where(ours, ~exists().where(sent.c.order_id == e.order_id))
        .order_by(e.record)
    )


def _sums(books: Books) -> Any:
    """An order that is over says how much of it traded; its fills must come to that, and no more than was asked."""
    o, f = books.tables["orders"].c, books.tables["fills"].c
    traded = select(f.order_id, func.sum(f.qty).label("qty")).group_by(f.order_id).subquery("traded")
    filled = func.coalesce(traded.c.qty, 0)
    full = case((o.status == int(OrderStatus.FILLED), o.leaves != 0), else_=o.leaves < 0)
    return (
        select(o.record, o.ts_done.label("ts"), o.agent, o.instrument, o.order_id, o.decision)
        .select_from(books.tables["orders"])
        .join(traded, traded.c.order_id == o.order_id, isouter=True)
        .where(or_(filled != o.filled, full))
        .order_by(o.record)
    )
