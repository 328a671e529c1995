"""What people did, how fast messages went, how long things took."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, and_, case, cast, func, literal, select
from sqlalchemy.sql.selectable import Select, Subquery

from core.enums import EventKind, Op, OrderStatus, Reason, Stage
from core.risk.controls import RATE_WINDOW, Control
from sessions.audit.answers import Answer, Sheet, zone
from sessions.audit.books import Books
from sessions.audit.rolling import peak

_HOUR = 3_600_000_000_000
_CANCELS = {
    "kill": int(Reason.KILL), "cancel_all": int(Reason.CANCEL_ALL), "flatten": int(Reason.FLATTEN),
    "cancel": int(Reason.REQUESTED),
}  # fmt: skip
_ACTS = (
    "record",
    "ts",
    "time",
    "what",
    "scope",
    "person",
    "reason",
    "detail",
    "refused",
    "cancelled",
    "last_cancel_ns",
)


def operator(books: Books) -> Answer:
    """Every act of a person, every change of a limit, and how long the last cancel of each took (market time)."""
    acts = books.frame(select(books.tables["operator_actions"]).order_by(books.tables["operator_actions"].c.record))
    limits = books.tables["limits"]
    changes = books.frame(select(limits).where(limits.c.what != "plan").order_by(limits.c.record))
    cancels = _cancels(books, acts)
    rows = [_before(books, row) for row in books.known["kills"]]
    rows += [
        _act(books, row, cancels.get(row["record"]))
        for row in acts.iter_rows(named=True)
        if row["act"] != "limits" or row["failed"]  # the change itself says more
    ]
    rows += [_change(books, row) for row in changes.iter_rows(named=True)]
    rows.sort(key=lambda row: row["record"])
    kinds = dict.fromkeys(_ACTS, pl.String) | {"record": pl.Int64, "ts": pl.Int64}
    kinds |= {"cancelled": pl.Int64, "last_cancel_ns": pl.Int64}
    frame = pl.DataFrame(rows, schema=kinds)
    facts = {
        "acts": len(acts), "refused": int(acts["failed"].is_not_null().sum()),
        "kills": int((acts["act"] == "kill").sum()), "limit_changes": int((changes["what"] == "made").sum()),
        "overrides": int(((changes["what"] == "made") & changes["expires"].is_not_null()).sum()),
        "kills_in_force_at_start": len(books.known["kills"]),
    }  # fmt: skip
    return Answer(
        "operator", books.session.id, facts, (Sheet("acts", frame, {"ts": "ns UTC", "last_cancel_ns": "ns"}),)
    )


def _act(books: Books, row: Mapping[str, Any], cancels: Mapping[str, Any] | None) -> dict[str, Any]:
    scope = row["scope"] or ("desk" if row["target"] < 0 else f"agent.{row['agent']}" if row["agent"] else "")
    detail = ""
    if row["act"] == "limits":
        until = f" until {books.clock(row['expires'])}" if row["expires"] is not None else ""
        detail = f"{row['control']} {row['value']:g}{until}"
    elif row["order_id"] is not None:
        detail = f"order {row['order_id']}"
    elif row["ticket"]:
        detail = row["ticket"]
    return {
        "record": row["record"], "ts": row["ts"], "time": books.clock(row["ts"]), "what": row["act"], "scope": scope,
        "person": row["person"], "reason": row["reason"], "detail": detail, "refused": row["failed"] or "",
        "cancelled": cancels["count"] if cancels else 0,
        "last_cancel_ns": max(cancels["last"] - row["ts"], 0) if cancels else None,
    }  # fmt: skip


def _change(books: Books, row: Mapping[str, Any]) -> dict[str, Any]:
    until = f" until {books.clock(row['expires'])}" if row["expires"] is not None and row["what"] == "made" else ""
    kind = "override" if row["expires"] is not None else "limit"
    detail = f"{row['control']} {row['before']:g} to {row['after']:g}{until}"
    if row["what"] == "expired":
        detail = f"{row['control']} {row['after']:g} has run out"
    return {
        "record": row["record"], "ts": row["ts"], "time": books.clock(row["ts"]),
        "what": f"{kind} {row['what']}", "scope": row["scope"], "person": row["person"], "reason": row["reason"],
        "detail": f"version {row['version']}: {detail}", "refused": "", "cancelled": 0, "last_cancel_ns": None,
    }  # fmt: skip


def _before(books: Books, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "record": -1, "ts": row["ts"], "time": books.clock(row["ts"], day=True), "what": "kill in force",
        "scope": row["scope"], "person": row["person"], "reason": row["reason"], "detail": "from before the session",
        "refused": "", "cancelled": 0, "last_cancel_ns": None,
    }  # fmt: skip


def _cancels(books: Books, acts: pl.DataFrame) -> dict[int, dict[str, Any]]:
    """Cancels that came of each act: those for its reason, behind it in the record and before the next act."""
    e = books.tables["events"].c
    done = books.frame(
        select(e.record, e.ts, e.reason)
        .where(e.kind == int(EventKind.CANCELED), e.reason.in_(list(_CANCELS.values())))
        .order_by(e.record)
    )
    found: dict[int, dict[str, Any]] = {}
    records = [*acts["record"].to_list(), 1 << 62]
    for row, following in zip(acts.iter_rows(named=True), records[1:], strict=True):
        if row["act"] not in _CANCELS or row["failed"]:
            continue
        its = done.filter(
            (pl.col("record") > row["record"]) & (pl.col("record") < following)
            & (pl.col("reason") == _CANCELS[row["act"]])
        )  # fmt: skip
        if row["act"] == "cancel":
            its = its.head(1)
        if len(its):
            found[row["record"]] = {"count": len(its), "last": its["ts"].max()}
    return found


# --- rates ------------------------------------------------------------------------------------


def _messages(books: Books) -> pl.DataFrame:
    """Everything that was sent to the venue: read once, counted in several ways."""
    d = books.tables["decisions"].c
    return books.frame(select(d.agent, d.op, d.ts).where(d.op > 0, d.reason == 0))


def _peak(told: pl.DataFrame) -> dict[int, tuple[int, int]]:
    """The most messages within any second, and when that second ended, per agent."""
    return {
        int(agent): peak(told.filter(pl.col("agent") == agent)["ts"].to_numpy(), RATE_WINDOW)
        for agent in told["agent"].unique().to_list()
    }


def rates(books: Books) -> Answer:
    """Messages against their limits, agent by agent and for the desk; and how many messages a fill took."""
    sent, counts, limits = _messages(books), _counts(books), _rate_limits(books)
    sent = sent.filter(pl.col("op").is_in(_MESSAGES))
    peaks = _peak(sent)
    if len(sent):
        peaks[-1] = peak(sent["ts"].to_numpy(), RATE_WINDOW)
    cancels = _peak(sent.filter(pl.col("op") != _MESSAGES[0]))
    rows = []
    for agent in [*range(len(books.agents)), -1]:
        row = counts.get(agent, dict.fromkeys(_COUNTED, 0))
        control = Control.MESSAGE_RATE if agent >= 0 else Control.DESK_MESSAGE_RATE
        most, limit = peaks.get(agent), limits.get((agent, control))
        cancel, cancel_limit = cancels.get(agent), limits.get((agent, Control.CANCEL_RATE))
        rows.append({
            "agent": "desk" if agent < 0 else books.agents[agent], **{name: int(row[name]) for name in _COUNTED},
            "order_to_trade": row["messages"] / max(row["fills"], 1),
            "order_to_trade_limit": limits.get((agent, Control.ORDER_TO_TRADE)),
            "peak": most[0] if most else 0, "peak_limit": limit, "peak_ts": most[1] if most else None,
            "peak_time": books.clock(most[1]) if most else None,
            "peak_cancels": cancel[0] if cancel else 0, "cancel_limit": cancel_limit if agent >= 0 else None,
        })  # fmt: skip
    kinds: dict[str, Any] = {"agent": pl.String, **dict.fromkeys(_COUNTED, pl.Int64)}
    kinds |= {"order_to_trade": pl.Float64, "order_to_trade_limit": pl.Float64, "peak": pl.Int64}
    kinds |= {"peak_limit": pl.Float64, "peak_ts": pl.Int64, "peak_time": pl.String}
    kinds |= {"peak_cancels": pl.Int64, "cancel_limit": pl.Float64}
    frame = pl.DataFrame(rows, schema=kinds)
    desk = frame.row(-1, named=True)
    facts = {"messages": desk["messages"], "fills": desk["fills"], "order_to_trade": desk["order_to_trade"]}
    return Answer("rates", books.session.id, facts, (Sheet("rates", frame, {"peak": "messages in 1 s"}),))


#: What a venue counts as a message; the first one is no cancel.
_MESSAGES = (int(Op.NEW), int(Op.CANCEL), int(Op.REPLACE))
_COUNTED = ("messages", "new", "replaces", "cancels", "denied", "fills")


def _counts(books: Books) -> dict[int, dict[str, Any]]:
    d, f = books.tables["decisions"].c, books.tables["fills"].c
    counted = books.frame(
        select(
            d.agent, func.count().filter(d.op > 0, d.reason == 0).label("messages"),
            func.count().filter(d.op == int(Op.NEW), d.reason == 0).label("new"),
            func.count().filter(d.op == int(Op.REPLACE), d.reason == 0).label("replaces"),
            func.count().filter(d.op == int(Op.CANCEL), d.reason == 0).label("cancels"),
            func.count().filter(d.reason == int(Reason.GATE)).label("denied"),
        ).group_by(d.agent)
    )  # fmt: skip
    filled = books.frame(select(f.agent, func.count().label("fills")).group_by(f.agent))
    rows = {row["agent"]: {**row, "fills": 0} for row in counted.iter_rows(named=True)}
    for row in filled.iter_rows(named=True):
        rows.setdefault(row["agent"], dict.fromkeys(_COUNTED, 0))["fills"] = row["fills"]
    rows[-1] = {name: sum(row[name] for row in rows.values()) for name in _COUNTED}
    return rows


def _rate_limits(books: Books) -> dict[tuple[int, int], float]:
    """The limits that counted at the end, the strictest over an agent's instruments."""
    f = books.in_force.c
    wanted = (Control.MESSAGE_RATE, Control.CANCEL_RATE, Control.DESK_MESSAGE_RATE, Control.ORDER_TO_TRADE)
    found = books.frame(
        select(f.agent, f.control, func.min(f.value).label("value"))
        .where(f.until == (1 << 63) - 1, f.control.in_([int(c) for c in wanted]))
        .group_by(f.agent, f.control)
    )
    limits = {(row["agent"], row["control"]): row["value"] for row in found.iter_rows(named=True)}
    desk = [value for (_, control), value in limits.items() if control == Control.DESK_MESSAGE_RATE]
    return limits | ({(-1, int(Control.DESK_MESSAGE_RATE)): min(desk)} if desk else {})


# --- latency ----------------------------------------------------------------------------------


def latency(books: Books) -> Answer:
    """How long each stage took, by the hour of the market's day.

    The wall clock's: signal, policy, journal. The record's own, market time: `data`, the age of the newest market
    event at a decision; `order`, the way to the venue; `cancel`, from the decision to the cancel at the venue.
    """
    sheets = books.frame(_stages(books))
    sheets = sheets.with_columns(
        pl.Series("hour", [books.clock(int(hour) * _HOUR)[:5] for hour in sheets["hour"]], pl.String)
    )
    facts = {"measured": int(sheets["count"].sum()), "timezone": str(zone(books.session.timezone))}
    units = dict.fromkeys(("least", "p50", "p90", "p99", "most"), "ns")
    return Answer("latency", books.session.id, facts, (Sheet("latency", sheets, units),))


def _stages(books: Books) -> Select[Any]:
    ways = _measured(books)
    hour = func.floor(ways.c.ts / literal(_HOUR, BigInteger))
    ns = ways.c.ns
    return (
        select(
            ways.c.stage, ways.c.clock, cast(hour, BigInteger).label("hour"), func.count().label("count"),
            func.min(ns).label("least"), func.quantile_disc(ns, 0.5).label("p50"),
            func.quantile_disc(ns, 0.9).label("p90"), func.quantile_disc(ns, 0.99).label("p99"),
            func.max(ns).label("most"),
        )
        .group_by(ways.c.stage, ways.c.clock, hour)
        .order_by(ways.c.clock, ways.c.stage, hour)
    )  # fmt: skip


def _measured(books: Books) -> Subquery:
    w, d, o = (books.tables[name].c for name in ("latencies", "decisions", "orders"))
    names = {int(stage): stage.name.lower() for stage in Stage}
    wall = select(
        case(*((w.stage == number, name) for number, name in names.items()), else_="other").label("stage"),
        literal("wall").label("clock"), w.ts, w.ns,
    )  # fmt: skip
    data = select(literal("data"), literal("market"), d.ts, (d.ts - d.ts_market).label("ns"))
    order = select(literal("order"), literal("market"), o.ts_sent, (o.ts_arrived - o.ts_sent).label("ns")).where(
        o.ts_arrived > 0
    )
    cancel = (
        select(literal("cancel"), literal("market"), d.ts, (o.ts_done - d.ts).label("ns"))
        .select_from(books.tables["decisions"])
        .join(
            books.tables["orders"],
            and_(
                o.order_id == d.order_id, o.status == int(OrderStatus.CANCELED), o.reason == int(Reason.REQUESTED),
                o.ts_done >= d.ts,
            ),
        )
        .where(d.op == int(Op.CANCEL), d.reason == 0)
    )  # fmt: skip
    return wall.union_all(data, order, cancel).subquery("measured")
