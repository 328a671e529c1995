"""How well the orders of a session were filled: parents against the price at their start, queue brackets, trust."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
from sqlalchemy import func, select

from core.enums import Trust
from core.records import NO_PRICE
from sessions.audit.answers import Answer, Sheet
from sessions.audit.books import Books

_PARENTS: dict[str, Any] = {
    "parent": pl.Int64, "agent": pl.String, "side": pl.String, "qty": pl.Int64, "filled": pl.Int64,
    "fill_rate": pl.Float64, "arrival": pl.Float64, "average": pl.Float64, "slippage_bps": pl.Float64,
    "fees": pl.Float64, "fills": pl.Int64,
}  # fmt: skip


def parents(books: Books) -> Sheet:
    """A row for each parent order. `arrival`: the mid at the second in which it began; slippage: positive = worse."""
    f = books.tables["fills"].c
    traded = {
        row["parent"]: row
        for row in books.frame(
            select(
                f.parent, func.sum(f.qty).label("qty"), func.sum(f.qty * f.price).label("value"),
                func.sum(f.fee).label("fee"), func.count().label("fills"),
            )
            .where(f.parent >= 0)
            .group_by(f.parent)
        ).iter_rows(named=True)
    }  # fmt: skip
    rows = [_parent(books, k, agent, plan, traded.get(k, {})) for k, (agent, plan) in enumerate(_planned(books))]
    return Sheet("parents", pl.DataFrame(rows, schema=_PARENTS), {"qty": "lots", "slippage_bps": "bps of arrival"})


def _planned(books: Books) -> list[tuple[int, Mapping[str, Any]]]:
    """Parents in the order in which records number them, with the number of their agent."""
    agents = books.session.manifest.fields["plan"]["agents"]
    return [
        (k, parent)
        for k, agent in enumerate(agents)
        for parent in sorted(agent.get("parents", ()), key=lambda each: int(each["start"]))
    ]


def _parent(
    books: Books, number: int, agent: int, plan: Mapping[str, Any], traded: Mapping[str, Any]
) -> dict[str, Any]:
    known = books.known["agents"][agent]
    place = [str(each["name"]) for each in books.instruments].index(str(known["tape"]))
    tick, side, qty = float(books.instruments[place]["tick"]), int(plan["side"]), int(plan["qty"])
    m = books.tables["market_marks"].c
    mid2 = books.one(
        select(m.mid2).where(m.instrument == place, m.ts <= int(plan["start"]), m.mid2 != NO_PRICE)
        .order_by(m.ts.desc()).limit(1)
    )  # fmt: skip
    filled = int(traded.get("qty") or 0)
    arrival = None if mid2 is None else mid2 / 2 * tick
    average = int(traded["value"]) / filled * tick if filled else None
    known_both = arrival is not None and average is not None
    return {
        "parent": number, "agent": known["name"], "side": "buy" if side > 0 else "sell", "qty": qty,
        "filled": filled, "fill_rate": filled / qty if qty else None, "arrival": arrival, "average": average,
        "slippage_bps": side * (average - arrival) / arrival * 1e4 if known_both and arrival else None,
        "fees": int(traded.get("fee") or 0) * books.money_unit, "fills": int(traded.get("fills") or 0),
    }  # fmt: skip


def filled(books: Books) -> dict[str, Any]:
    """Orders and lots: asked, filled, and what the pessimistic and the optimistic queue would have filled."""
    o, f = books.tables["orders"].c, books.tables["fills"].c
    orders = books.row(select(
        func.count().label("orders_over"), func.coalesce(func.sum(o.qty), 0).label("lots_asked"),
        func.coalesce(func.sum(o.low_filled).filter(o.joined > 0), 0).label("low"),
        func.coalesce(func.sum(o.high_filled).filter(o.joined > 0), 0).label("high"),
    )) or {}  # fmt: skip
    fills = books.row(select(
        func.coalesce(func.sum(f.qty), 0).label("lots"), func.coalesce(func.sum(f.fee), 0).label("fees"),
        func.coalesce(func.sum(f.qty).filter(f.maker > 0), 0).label("passive"),
        func.coalesce(func.sum(f.qty).filter(f.trust == 0), 0).label("exact"),
        func.coalesce(func.sum(f.qty).filter(f.trust.op("&")(int(Trust.DISPLACED)) != 0), 0).label("displaced"),
    )) or {}  # fmt: skip
    asked, lots = int(orders["lots_asked"]), int(fills["lots"])
    return {
        "fees": int(fills["fees"]) * books.money_unit, "orders_over": int(orders["orders_over"]),
        "lots_asked": asked, "lots_filled": lots, "fill_rate": lots / asked if asked else None,
        "passive_bracket": f"{int(orders['low'])} pessimistic, {int(fills['passive'])} filled, "
                           f"{int(orders['high'])} optimistic",
        "exact_share": int(fills["exact"]) / lots if lots else None,
        "lots_on_displaced": int(fills["displaced"]),
    }  # fmt: skip


def with_execution(books: Books, report: Answer) -> Answer:
    """A report with profit, fills and parents in it; what it says already is left as it says it."""
    facts = {**_profit(report), **filled(books)}
    known = {sheet.name for sheet in report.sheets}
    more = () if "parents" in known else (parents(books),)
    return replace(report, facts={**facts, **report.facts}, sheets=(*more, *report.sheets))


def _profit(report: Answer) -> dict[str, Any]:
    """The desk's sums of the table of positions."""
    frame = next((sheet.frame for sheet in report.sheets if sheet.name == "positions"), None)
    if frame is None or "pnl" not in frame.columns:
        return {}
    desk = frame.filter(pl.col("agent") == "desk")
    return {"pnl": None if desk["pnl"].null_count() else float(desk["pnl"].sum())}
