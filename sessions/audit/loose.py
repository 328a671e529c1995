"""What must not be: decisions without an outcome, orders nobody answered for, fills and reports without an order.

A journal of ten million records is asked eleven such things at once: each column is read one time, and who stands
beside whom is a look into a table of bits. The rows of what was found are fetched only where something was.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import case, func, literal, or_, select

from core.enums import EventKind, Op, OrderStatus, Reason
from sessions.audit.answers import Answer, Sheet
from sessions.audit.books import Books

_ANSWERS = (int(EventKind.ACK), int(EventKind.REJECT), int(EventKind.CANCELED), int(EventKind.EXPIRED))
_OVER = (int(EventKind.REJECT), int(EventKind.CANCELED), int(EventKind.EXPIRED))
_OTHERS = tuple(map(int, (EventKind.REPLACED, EventKind.TRIGGERED, EventKind.REPRICED, EventKind.CANCEL_REJECT)))
_SETTLED = (*_OVER, int(EventKind.REPLACED), int(EventKind.CANCEL_REJECT))
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
_KINDS = {
    "orphan": pl.String, "record": pl.Int64, "ts": pl.Int64, "agent": pl.Int64, "instrument": pl.Int64,
    "order_id": pl.Int64, "decision": pl.Int64,
}  # fmt: skip
Ints = NDArray[Any]
Mask = NDArray[np.bool_]


def orphans(books: Books, limit: int | None = None) -> Answer:
    """Everything that should have something beside it and has not.

    What is under way in a session that goes on is no orphan; it is told apart as `under_way`.
    """
    seen = _Seen(books)
    finders: tuple[Callable[[_Seen], pl.DataFrame], ...] = (
        _unjudged, _unmade, _denied_yet_sent, _about_nothing, _missing, _unanswered, _endless, _requests, _lost_fills,
        _lost_events, _sums,
    )  # fmt: skip
    rows = pl.concat([_found(kind, find(seen)) for kind, find in zip(KINDS, finders, strict=True)])
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


def _found(kind: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(kind).alias("orphan")).select(pl.col(name).cast(of) for name, of in _KINDS.items())


class _Seen:
    """The columns that say who belongs to whom, each read once, in the order of the record."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def columns(self, table: str, *names: str) -> dict[str, Ints]:
        """Columns of a table, in the order of the record."""
        c = self.books.tables[table].c
        frame = self.books.frame(select(c.record, *(c[name] for name in names)))
        if not frame["record"].is_sorted():
            frame = frame.sort("record")
        return {name: frame[name].to_numpy() for name in ("record", *names)}

    @cached_property
    def decisions(self) -> dict[str, Ints]:
        return self.columns("decisions", "op", "reason", "order_id", "verdict", "seq")

    @cached_property
    def verdicts(self) -> dict[str, Ints]:
        return self.columns("verdicts", "seq", "breaches")

    @cached_property
    def events(self) -> dict[str, Ints]:
        return self.columns("events", "kind", "order_id")

    @cached_property
    def fills(self) -> dict[str, Ints]:
        return self.columns("fills", "order_id")

    @cached_property
    def over(self) -> Ints:
        """Orders whose last record was written: that is done when we know that they are over."""
        return self.columns("orders", "order_id")["order_id"]

    @cached_property
    def kept(self) -> Mask:
        """Decisions that nobody refused."""
        return np.asarray(self.decisions["reason"] == 0)

    @cached_property
    def sent(self) -> Mask:
        """Decisions that sent an order."""
        return np.asarray((self.decisions["op"] == _NEW) & self.kept & (self.decisions["order_id"] > 0))

    @cached_property
    def sent_orders(self) -> Ints:
        return np.asarray(self.decisions["order_id"][self.sent])

    def spoken_of(self, kinds: tuple[int, ...]) -> Ints:
        """Orders of which the venue said one of these."""
        return np.asarray(self.events["order_id"][np.isin(self.events["kind"], kinds)])

    def rows(self, table: str, has: dict[str, Ints], which: Mask, decision: str = "") -> pl.DataFrame:
        """What is told of those records: read only where there are any."""
        c = self.books.tables[table].c
        number = c[decision].label("decision") if decision else literal(None).label("decision")
        statement = select(c.record, c.ts, c.agent, c.instrument, c.order_id, number)
        records = has["record"][which]
        if not len(records):
            return self.books.frame(statement.limit(0))
        within = c.record.between(int(records[0]), int(records[-1]))
        frame = self.books.frame(statement.where(within).order_by(c.record))
        return frame.filter(pl.Series(_holds(records, frame["record"].to_numpy())))

    def decided(self, which: Mask) -> pl.DataFrame:
        """What is told of those decisions."""
        return self.rows("decisions", self.decisions, which, "seq")


def _holds(among: Ints, numbers: Ints) -> Mask:
    """Which of `numbers` occur in `among`. Numbers here are given out one after the other: a bit for each will do."""
    if not len(among) or not len(numbers):
        return np.zeros(len(numbers), np.bool_)
    least, most = int(among.min()), int(among.max())
    if most - least > 8 * (len(among) + len(numbers)):  # somebody else's numbers
        return np.isin(numbers, among)
    bits = np.zeros(most - least + 1, np.bool_)
    bits[among - least] = True
    within = (numbers >= least) & (numbers <= most)
    return np.asarray(bits[np.where(within, numbers - least, 0)] & within)


def _unjudged(seen: _Seen) -> pl.DataFrame:
    d = seen.decisions
    asked = ((d["op"] == _NEW) | (d["op"] == _REPLACE)) & seen.kept
    return seen.decided(asked & ~_holds(seen.verdicts["seq"], d["verdict"]))


def _unmade(seen: _Seen) -> pl.DataFrame:
    d = seen.decisions
    return seen.decided((d["op"] > 0) & seen.kept & (d["order_id"] <= 0))


def _denied_yet_sent(seen: _Seen) -> pl.DataFrame:
    d, v = seen.decisions, seen.verdicts
    sent = (d["reason"] != int(Reason.GATE)) | ((d["op"] == _NEW) & (d["order_id"] > 0))
    return seen.decided(sent & _holds(v["seq"][v["breaches"] != 0], d["verdict"]))


def _about_nothing(seen: _Seen) -> pl.DataFrame:
    v = seen.verdicts
    return seen.rows("verdicts", v, ~_holds(seen.decisions["verdict"], v["seq"]), "decision")


def _missing(seen: _Seen) -> pl.DataFrame:
    """A decision whose number does not follow from the one before it."""
    return seen.decided(np.diff(seen.decisions["seq"], prepend=-1) != 1)


def _unanswered(seen: _Seen) -> pl.DataFrame:
    return seen.decided(seen.sent & ~_holds(seen.spoken_of(_ANSWERS), seen.decisions["order_id"]))


def _endless(seen: _Seen) -> pl.DataFrame:
    return seen.decided(seen.sent & ~_holds(seen.over, seen.decisions["order_id"]))


def _requests(seen: _Seen) -> pl.DataFrame:
    """Cancels and replaces: the venue did it, refused it, or the order was over first."""
    d = seen.decisions
    asked = ((d["op"] == _CANCEL) | (d["op"] == _REPLACE)) & seen.kept
    done = np.concatenate([seen.spoken_of(_SETTLED), seen.over])
    return seen.decided(asked & ~_holds(done, d["order_id"]))


def _lost_fills(seen: _Seen) -> pl.DataFrame:
    f = seen.fills
    return seen.rows("fills", f, ~_holds(seen.sent_orders, f["order_id"]))


def _lost_events(seen: _Seen) -> pl.DataFrame:
    e = seen.events
    ours = np.isin(e["kind"], (*_ANSWERS, *_OTHERS))
    return seen.rows("events", e, ours & ~_holds(seen.sent_orders, e["order_id"]), "decision")


def _sums(seen: _Seen) -> pl.DataFrame:
    """An order that is over says how much of it traded; its fills must come to that, and no more than was asked."""
    tables = seen.books.tables
    o, f = tables["orders"].c, tables["fills"].c
    traded = select(f.order_id, func.sum(f.qty).label("qty")).group_by(f.order_id).subquery("traded")
    filled = func.coalesce(traded.c.qty, 0)
    full = case((o.status == int(OrderStatus.FILLED), o.leaves != 0), else_=o.leaves < 0)
    return seen.books.frame(
        select(o.record, o.ts_done.label("ts"), o.agent, o.instrument, o.order_id, o.decision)
        .select_from(tables["orders"])
        .join(traded, traded.c.order_id == o.order_id, isouter=True)
        .where(or_(filled != o.filled, full))
        .order_by(o.record)
    )
