"""Verdicts that have something to say, one row for each control that said it, with its limit at that moment."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, TableClause, and_, case, cast, func, literal, select

from core.enums import Op
from core.risk.controls import SPECS
from sessions.audit.books import Books


def bit(mask: ColumnElement[Any], control: ColumnElement[Any]) -> ColumnElement[Any]:
    """Whether a control's bit is set in a mask."""
    return cast(mask, BigInteger).bitwise_rshift(control).bitwise_and(literal(1, BigInteger)) == 1


def judged(books: Books, mask: str) -> TableClause:
    """One row for each verdict and each control whose bit is set in that mask, with what it saw and its limit.

    Step by step, each kept aside: few verdicts have such a bit, and a plan that does not know that joins millions.
    """
    flagged = _flagged(books, mask)
    v: Any = flagged.c
    d: Any = books.tables["decisions"].c
    c, limits = books.tables["controls"].c, books.in_force.c
    decided = books.aside(
        "decided",
        select(d.verdict, d.order_id, d.qty, d.price, d.seq, d.reason, d.ts_market, d.ts).where(
            d.verdict.in_(select(v.seq))
        ),
    )
    d = decided.c
    number = cast(c.control, BigInteger)
    order_id = case((v.op == int(Op.NEW), func.coalesce(d.order_id, 0)), else_=v.order_id)  # 0: none was made
    found = (
        select(
            v.record, v.ts, v.agent, v.instrument, v.op, v.side, d.qty, d.price, order_id.label("order_id"), v.decision,
            c.control, c.name.label("name"), c.unit, books.observed(number, v).label("observed"),
            limits.value.label("limit"), limits.scope, v.version, bit(v.breaches, number).label("denied"), v.breaches,
            d.seq.label("decided"), d.reason, d.ts_market, d.ts.label("decided_ts"),
        )
        .select_from(flagged)
        .join(books.tables["controls"], bit(v[mask], number))
        .join(decided, d.verdict == v.seq, isouter=True)
        .join(
            books.in_force,
            and_(
                limits.agent == v.agent, limits.instrument == v.instrument, limits.control == c.control,
                limits.since <= v.version, limits.until > v.version,
            ),
            isouter=True,
        )
    )  # fmt: skip
    return books.aside("judged", found)


def _flagged(books: Books, mask: str) -> TableClause:
    """Verdicts that have any bit in that mask, with what those controls saw: the other columns stay unread."""
    v = books.tables["verdicts"].c
    bits = int(books.one(select(func.bit_or(v[mask]))) or 0)
    seen = [spec.name for spec in SPECS if bits >> int(spec.control) & 1] or [SPECS[0].name]
    said = ("record", "seq", "ts", "agent", "instrument", "op", "side", "order_id", "decision", "version")
    return books.aside(
        "flagged", select(*(v[name] for name in (*said, "breaches", "passed90", *seen))).where(v[mask] != 0)
    )
