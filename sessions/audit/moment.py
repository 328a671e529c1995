"""How everything stood at one nanosecond: positions, working orders, exposure. Exact, from the records alone."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import and_, case, func, select
from sqlalchemy.sql.selectable import Subquery

from core.enums import EventKind, Op, OrderType
from core.records import NO_PRICE
from sessions.audit.answers import Answer, Sheet
from sessions.audit.books import Books

_ENDED = (int(EventKind.REJECT), int(EventKind.CANCELED), int(EventKind.EXPIRED))
_STOPS = (int(OrderType.STOP), int(OrderType.STOP_LIMIT))


def at(books: Books, ts: int) -> Answer:
    """Positions, working orders and exposure after everything that happened up to and including `ts` (ns UTC)."""
    orders = books.frame(working(books, ts))
    open_orders = orders.group_by("agent", "instrument", "side").agg(pl.col("leaves").sum(), pl.len().alias("orders"))
    marks = _marked(books, ts)
    known = books.one(select(func.max(books.tables["market_marks"].c.ts)))
    facts: dict[str, Any] = {"ts": ts, "time": books.clock(ts, day=True), "working_orders": len(orders)}
    if not books.complete and (known is None or ts > known):
        facts["note"] = f"the record goes to {books.clock(known)}: what came after it is not in here yet"
    sheets = (
        _positions(books, ts, open_orders, marks),
        Sheet("orders", books.dressed(orders, ("ts_sent", "ts_acked")), {"qty": "lots", "price": "ticks"}),
        Sheet("marks", _mark_rows(books, marks), {"mid2": "half ticks"}),
    )
    return Answer("at", books.session.id, facts, sheets)


def positions(books: Books, ts: int) -> Sheet:
    """Only the positions and exposure of `at`; the orders behind them are counted where they lie."""
    w = working(books, ts).order_by(None).subquery("open_orders").c
    counted = select(
        w.agent, w.instrument, w.side, func.sum(w.leaves).label("leaves"), func.count().label("orders")
    ).group_by(w.agent, w.instrument, w.side)
    return _positions(books, ts, books.frame(counted), _marked(books, ts))


def _positions(books: Books, ts: int, open_orders: pl.DataFrame, marks: Mapping[int, Mapping[str, Any]]) -> Sheet:
    exposure = _exposure(books, books.frame(_traded(books, ts)), open_orders, marks)
    return Sheet("positions", exposure, {"position": "lots", "value": "money", "pnl": "money"})


def _marked(books: Books, ts: int) -> dict[int, Mapping[str, Any]]:
    return {int(row["instrument"]): row for row in books.frame(_marks(books, ts)).iter_rows(named=True)}


def working(books: Books, ts: int) -> Any:
    """Orders that were sent and not over: what is left of each, where it rests."""
    d, f = books.tables["decisions"].c, books.tables["fills"].c
    events = _events(books, ts)
    filled = (
        select(f.order_id, func.sum(f.qty).label("filled")).where(f.ts <= ts).group_by(f.order_id).subquery("filled")
    )
    since = (
        select(f.order_id, func.sum(f.qty).label("filled"))
        .select_from(books.tables["fills"])
        .join(events, and_(events.c.order_id == f.order_id, f.seq > events.c.replaced_seq))
        .where(f.ts <= ts, events.c.replaced_seq.is_not(None))
        .group_by(f.order_id)
        .subquery("since")
    )
    closing = select(d.order_id).where(d.op == int(Op.CANCEL), d.reason == 0, d.ts <= ts).distinct().subquery("closing")
    was = events.c.replaced_seq.is_not(None)
    gone = case((was, func.coalesce(since.c.filled, 0)), else_=func.coalesce(filled.c.filled, 0))
    leaves = func.coalesce(events.c.replaced_qty, d.qty) - gone
    price = func.coalesce(events.c.replaced_price, d.price)
    status = case(
        (events.c.ts_acked.is_(None), "sent"),
        (and_(d.type.in_(_STOPS), events.c.triggered == 0), "waiting"),
        else_="working",
    )
    return (
        select(
            d.order_id, d.agent, d.instrument, d.side, d.type, d.tif, leaves.label("leaves"), d.qty,
            func.coalesce(filled.c.filled, 0).label("filled"), price.label("price"),
            func.coalesce(events.c.resting, price).label("resting"), d.stop, status.label("state"),
            closing.c.order_id.is_not(None).label("cancel_sent"), d.ts.label("ts_sent"), events.c.ts_acked,
            d.seq.label("decision"), d.parent,
        )
        .select_from(books.tables["decisions"])
        .join(events, events.c.order_id == d.order_id, isouter=True)
        .join(filled, filled.c.order_id == d.order_id, isouter=True)
        .join(since, since.c.order_id == d.order_id, isouter=True)
        .join(closing, closing.c.order_id == d.order_id, isouter=True)
        .where(
            d.op == int(Op.NEW), d.reason == 0, d.order_id > 0, d.ts <= ts,
            func.coalesce(events.c.ended, 0) == 0, leaves > 0,
        )
        .order_by(d.order_id)
    )  # fmt: skip


def _events(books: Books, ts: int) -> Subquery:
    """What the venue had said of each order."""
    e = books.tables["events"].c
    kind = e.kind
    replaced = kind == int(EventKind.REPLACED)
    placed = kind.in_([int(EventKind.REPLACED), int(EventKind.REPRICED)])
    return (
        select(
            e.order_id,
            func.min(e.ts).filter(kind == int(EventKind.ACK)).label("ts_acked"),
            func.count().filter(kind.in_(_ENDED)).label("ended"),
            func.count().filter(kind == int(EventKind.TRIGGERED)).label("triggered"),
            func.max(e.seq).filter(replaced).label("replaced_seq"),
            func.arg_max(e.qty, e.seq).filter(replaced).label("replaced_qty"),
            func.arg_max(e.price, e.seq).filter(replaced).label("replaced_price"),
            func.arg_max(e.price, e.seq).filter(placed).label("resting"),
        )
        .where(e.ts <= ts, e.order_id > 0)
        .group_by(e.order_id)
        .subquery("said")
    )  # fmt: skip


def _traded(books: Books, ts: int) -> Any:
    f = books.tables["fills"].c
    return (
        select(
            f.agent, f.instrument, func.sum(f.side * f.qty).label("position"), func.sum(f.qty).label("volume"),
            func.sum(f.side * f.price * f.qty).label("cost"), func.sum(f.fee).label("fees"),
            func.count().label("fills"), func.max(f.ts).label("last_fill"),
        )
        .where(f.ts <= ts)
        .group_by(f.agent, f.instrument)
        .order_by(f.agent, f.instrument)
    )  # fmt: skip


def _marks(books: Books, ts: int) -> Any:
    m = books.tables["market_marks"].c
    return (
        select(m.instrument, func.arg_max(m.mid2, m.record).label("mid2"), func.max(m.ts).label("ts"))
        .where(m.ts <= ts, m.mid2 != NO_PRICE)
        .group_by(m.instrument)
    )


def _mark_rows(books: Books, marks: Mapping[int, Mapping[str, Any]]) -> pl.DataFrame:
    rows = [
        {
            "instrument": str(each["name"]), "mid2": marks[k]["mid2"] if k in marks else None,
            "mid": marks[k]["mid2"] / 2 * float(each["tick"]) if k in marks else None,
            "ts": marks[k]["ts"] if k in marks else None, "time": books.clock(marks[k]["ts"]) if k in marks else None,
        }
        for k, each in enumerate(books.instruments)
    ]  # fmt: skip
    kinds = {"instrument": pl.String, "mid2": pl.Int64, "mid": pl.Float64, "ts": pl.Int64, "time": pl.String}
    return pl.DataFrame(rows, schema=kinds)


def _exposure(
    books: Books, traded: pl.DataFrame, orders: pl.DataFrame, marks: Mapping[int, Mapping[str, Any]]
) -> pl.DataFrame:
    """A row for each agent in each instrument that it traded or works in, and the desk's sums at the end."""
    rows: dict[tuple[int, int], dict[str, int]] = {}
    for row in traded.iter_rows(named=True):
        found = rows.setdefault((row["agent"], row["instrument"]), _nothing())
        for name in ("position", "volume", "cost", "fees", "fills"):
            found[name] = int(row[name])
    for row in orders.iter_rows(named=True):
        found = rows.setdefault((row["agent"], row["instrument"]), _nothing())
        found["working_buy" if row["side"] > 0 else "working_sell"] += int(row["leaves"])
        found["orders"] += int(row["orders"])
    told = [_told(books, agent, place, rows[agent, place], marks) for agent, place in sorted(rows)]
    desk: dict[int, dict[str, int]] = {}
    for (_, place), each in rows.items():
        total = desk.setdefault(place, _nothing())
        for name, value in each.items():
            total[name] += value
    told += [_told(books, -1, place, desk[place], marks) for place in sorted(desk)]
    kinds = dict.fromkeys(_COUNTS, pl.Int64) | dict.fromkeys(_MONEY, pl.Float64)
    return pl.DataFrame(told, schema={"agent": pl.String, "instrument": pl.String, **kinds})


_COUNTS = ("position", "working_buy", "working_sell", "worst_long", "worst_short", "orders", "fills", "volume")
_MONEY = ("value", "gross", "worst_gross", "cash", "fees", "pnl")


def _nothing() -> dict[str, int]:
    return dict.fromkeys(
        ("position", "volume", "cost", "fees", "fills", "working_buy", "working_sell", "orders"), 0
    )  # fmt: skip


def _told(
    books: Books, agent: int, place: int, has: Mapping[str, int], marks: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any]:
    """One row. Values in natural money; a position that has no mark has no value."""
    tick_value, unit = int(books.instruments[place]["tick_value"]), books.money_unit
    half = int(marks[place]["mid2"]) * tick_value // 2 if place in marks else None
    longest, shortest = has["position"] + has["working_buy"], has["position"] - has["working_sell"]
    cash = -has["cost"] * tick_value - has["fees"]

    def money(units: int | None) -> float | None:
        return None if units is None else units * unit

    return {
        "agent": "desk" if agent < 0 else books.agents[agent], "instrument": str(books.instruments[place]["name"]),
        "position": has["position"], "working_buy": has["working_buy"], "working_sell": has["working_sell"],
        "worst_long": longest, "worst_short": shortest, "orders": has["orders"], "fills": has["fills"],
        "volume": has["volume"],
        "value": money(None if half is None else has["position"] * half),
        "gross": money(None if half is None else abs(has["position"]) * half),
        "worst_gross": money(None if half is None else max(abs(longest), abs(shortest)) * half),
        "cash": money(cash), "fees": money(has["fees"]),
        "pnl": money(cash if has["position"] == 0 else None if half is None else cash + has["position"] * half),
    }  # fmt: skip
