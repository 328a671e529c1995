"""The chain behind one order or one fill: who decided what on which inputs, what the gate saw, what came of it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import and_, or_, select

from core.enums import OrderFlag, Trust
from core.errors import ConfigError
from core.records import NO_PRICE
from core.risk.controls import MONEY, SPECS
from sessions.audit.answers import Answer, Sheet
from sessions.audit.books import Books, word
from sessions.audit.chain import chain, words_of

_ASKED = re.compile(r"(?:(order|fill|decision):)?(?:([^/]+)/)?#?(\d{1,18})")
_ORDERING = ("order", "flatten")


def why(books: Books, asked: str) -> Answer:
    """The chain behind `asked`: "12" or "order:12", "fill:3" (a tape's third: "fill:NAME/3"), "decision:7".

    Raises `ConfigError` for something that is not in the journal.
    """
    kind, number, fill = _meant(books, asked)
    if kind == "decision":
        root = books.row(_decisions(books).where(books.tables["decisions"].c.seq == number))
        if root is None:
            raise ConfigError(f"there is no decision {number} in {books.session.id}")
        order_id = int(root["order_id"]) if root["reason"] == 0 or root["op"] != 1 else 0
    else:
        order_id = number
        root = books.row(_decisions(books, order_id).where(books.tables["decisions"].c.op == 1))
        if root is None:
            raise ConfigError(f"there is no order {number} in {books.session.id}")
    decisions = books.frame(_decisions(books, order_id)) if order_id else books.frame(_decisions(books, -1))
    if root["seq"] not in decisions["seq"].to_list():
        decisions = pl.concat([pl.DataFrame([root], schema=decisions.schema), decisions])
    fills, events = _fills(books, order_id), _events(books, order_id, root)
    order = books.row(select(books.tables["orders"]).where(books.tables["orders"].c.order_id == order_id))
    facts: dict[str, Any] = {
        "asked": asked, "order": order_id or None, "fill": fill,
        "decision": _decision(books, root), "act": _act(books, root), "market": _market(books, root),
        "model": _model(books, root), "verdict": _verdict(books, root), "parent": _parent(books, root),
        "queue": _queue(order), "outcome": _outcome(books, order, root, fills),
    }  # fmt: skip
    sheets = (
        Sheet("chain", chain(books, decisions, events, fills), {"ts": "ns UTC", "qty": "lots", "price": "ticks"}),
        Sheet("features", _features(books, root)), Sheet("controls", _controls(books, root)),
        Sheet("fills", books.dressed(fills), {"qty": "lots", "price": "ticks", "ahead_entry": "lots"}),
    )  # fmt: skip
    return Answer("why", books.session.id, facts, sheets)


def _meant(books: Books, asked: str) -> tuple[str, int, int | None]:
    match = _ASKED.fullmatch(asked.strip())
    if match is None:
        raise ConfigError(f"{asked[:60]!r} is no order: say 12, order:12, fill:3 or decision:7")
    kind, tape, number = match[1] or "order", match[2], int(match[3])
    names = [str(each["name"]) for each in books.instruments]
    if tape is not None and tape not in names:
        raise ConfigError(f"there is no tape {tape!r} in {books.session.id}, but {', '.join(names)}")
    if kind != "fill":
        return kind, number, None
    f = books.tables["fills"].c
    statement = select(f.order_id, f.tape).where(f.seq == number)
    if tape is not None:
        statement = statement.where(f.tape == names.index(tape))
    found = books.frame(statement)
    if len(found) > 1:
        raise ConfigError(f"several tapes have a fill {number}: say fill:{names[found['tape'][0]]}/{number}")
    if not len(found):
        raise ConfigError(f"there is no fill {number} in {books.session.id}; fills carry their venue's own numbers")
    return "order", int(found["order_id"][0]), number


def _decisions(books: Books, order_id: int | None = None) -> Any:
    decisions = books.tables["decisions"]
    statement = select(decisions).order_by(decisions.c.record)
    return statement if order_id is None else statement.where(decisions.c.order_id == order_id)


def _decision(books: Books, root: Mapping[str, Any]) -> dict[str, Any]:
    row = books.dressed(pl.DataFrame([dict(root)])).row(0, named=True)
    agent = books.known["agents"][root["agent"]] if 0 <= root["agent"] < len(books.agents) else {}
    return {
        **{name: row[name] for name in (
            "record", "seq", "ts", "time", "agent", "instrument", "op", "type", "tif", "side", "qty", "price",
            "natural_price", "stop", "parent",
        )},
        "flags": _flags(OrderFlag, root["flags"]), "policy": agent.get("policy", ""), "signal": agent.get("signal", ""),
        "why": root["why"], "words": words_of(books, root), "came_to": word_of_reason(root),
    }  # fmt: skip


def word_of_reason(row: Mapping[str, Any]) -> str:
    """What a decision came to."""
    from core.enums import Reason

    return "sent" if row["reason"] == 0 and row["op"] > 0 else word(Reason, int(row["reason"])) or "nothing done"


def _flags(kind: Any, mask: int) -> list[str]:
    return [str(each.name).lower() for each in kind if mask & each]


def _act(books: Books, root: Mapping[str, Any]) -> dict[str, Any] | None:
    """The person's act that an order comes from: the last ORDER or FLATTEN that was written down before it."""
    if not root["flags"] & OrderFlag.OPERATOR:
        return None
    acts = books.tables["operator_actions"].c
    found = books.row(
        select(acts.record, acts.ts, acts.act, acts.agent, acts.person, acts.reason, acts.ticket)
        .where(acts.record < root["record"], acts.act.in_(_ORDERING), acts.failed.is_(None))
        .order_by(acts.record.desc())
        .limit(1)
    )
    return None if found is None else {**found, "time": books.clock(found["ts"])}


def _market(books: Books, root: Mapping[str, Any]) -> dict[str, Any]:
    """What was known of the market."""
    m = books.tables["market_marks"].c
    mark = books.row(
        select(m.ts, m.mid2, m.volume, m.last_price)
        .where(m.instrument == root["instrument"], m.ts <= root["ts_market"])
        .order_by(m.record.desc())
        .limit(1)
    )
    tick = float(books.instruments[root["instrument"]]["tick"])
    found = {
        "ts_market": root["ts_market"], "time": books.clock(root["ts_market"]), "message": root["cursor"],
        "age_ns": root["ts"] - root["ts_market"],
    }  # fmt: skip
    if mark is not None:
        known = mark["mid2"] != NO_PRICE
        found |= {
            "mark_ts": mark["ts"], "mid": mark["mid2"] / 2 * tick if known else None, "volume": mark["volume"],
            "last": mark["last_price"] * tick if mark["last_price"] != NO_PRICE else None,
        }  # fmt: skip
    return found


def _model(books: Books, root: Mapping[str, Any]) -> dict[str, Any] | None:
    models = books.known["models"]
    if not 0 <= root["model"] < len(models):
        return None
    model = models[root["model"]]
    name = Path(str(model["file"])).name
    return {"name": model["name"], "sha256": model["sha256"], "file": name, "output": root["signal"]}


def _verdict(books: Books, root: Mapping[str, Any]) -> dict[str, Any] | None:
    v = books.tables["verdicts"].c
    row = books.row(
        select(v.record, v.seq, v.ts, v.version, v.breaches, v.passed50, v.passed75, v.passed90).where(
            v.seq == root["verdict"]
        )
    )
    if row is None:
        return None
    masks = {name: [s.name for s in SPECS if int(row[name]) >> s.control & 1] for name in _MASKS}
    return {"record": row["record"], "seq": row["seq"], "limits_version": row["version"], **masks}


_MASKS = ("breaches", "passed50", "passed75", "passed90")


def _controls(books: Books, root: Mapping[str, Any]) -> pl.DataFrame:
    """Every control of the verdict: what it saw, its limit, whether it denied."""
    v, f = books.tables["verdicts"].c, books.in_force.c
    kinds: dict[str, Any] = {
        "control": pl.String, "observed": pl.Float64, "limit": pl.Float64, "share": pl.Float64, "unit": pl.String,
        "scope": pl.String, "denied": pl.Boolean, "words": pl.String,
    }  # fmt: skip
    row = books.row(select(books.tables["verdicts"]).where(v.seq == root["verdict"]))
    if row is None:
        return pl.DataFrame(schema=kinds)
    limits = books.frame(
        select(f.control, f.value, f.scope).where(
            and_(f.agent == row["agent"], f.instrument == row["instrument"], f.since <= row["version"]),
            f.until > row["version"],
        )
    )
    stood = {each["control"]: each for each in limits.iter_rows(named=True)}
    rows = []
    for spec in SPECS:
        observed = float(row[spec.name]) * (books.money_unit if spec.unit == MONEY else 1)
        limit = stood.get(int(spec.control), {"value": None, "scope": ""})
        value = limit["value"]
        rows.append({
            "control": spec.name, "observed": observed, "limit": value,
            "share": observed / value if value else None, "unit": spec.unit, "scope": limit["scope"],
            "denied": bool(int(row["breaches"]) >> spec.control & 1), "words": spec.words,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=kinds)


def _features(books: Books, root: Mapping[str, Any]) -> pl.DataFrame:
    """The feature row by name, exactly as it was served."""
    features = books.tables["features"]
    kinds = {"feature": pl.String, "value": pl.Float32}
    row = books.row(select(features).where(features.c.row == root["feature"])) if root["feature"] >= 0 else None
    rows = [{"feature": n, "value": v} for n, v in (row or {}).items() if n not in ("record", "row")]
    return pl.DataFrame(rows, schema=kinds)


def _parent(books: Books, root: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parent order that was worked on, from the plan."""
    fields = books.session.manifest.fields["plan"]["agents"]
    parents = [
        {"agent": agent["name"], **parent}
        for agent in fields
        for parent in sorted(agent.get("parents", ()), key=lambda p: int(p["start"]))
    ]
    if not 0 <= root["parent"] < len(parents):
        return None
    found = parents[root["parent"]]
    side = {1: "buy", -1: "sell"}.get(int(found["side"]), "")
    span = {"from": books.clock(int(found["start"])), "to": books.clock(int(found["end"]))}
    return {"number": root["parent"], **found, "side": side, **span}


def _queue(order: Mapping[str, Any] | None) -> dict[str, Any] | None:
    names = ("ahead_entry", "ahead", "by_trades", "by_cancels", "low_filled", "filled", "high_filled", "joined")
    return None if order is None else {name: order[name] for name in names}


def _outcome(
    books: Books, order: Mapping[str, Any] | None, root: Mapping[str, Any], fills: pl.DataFrame
) -> dict[str, Any]:
    if root["reason"] != 0 or root["op"] == 0:
        return {"status": word_of_reason(root), "filled": 0}
    if order is None:
        return {"status": "not over", "filled": int(fills["qty"].sum())}
    row = books.dressed(pl.DataFrame([dict(order)])).row(0, named=True)
    return {
        "status": row["status"], "reason": row["reason"], "filled": order["filled"], "leaves": order["leaves"],
        "arrived": books.clock(order["ts_arrived"]), "done": books.clock(order["ts_done"]),
        "fees": int(fills["fee"].sum()) * books.money_unit if len(fills) else 0.0,
    }  # fmt: skip


def _fills(books: Books, order_id: int) -> pl.DataFrame:
    f = books.tables["fills"]
    frame = books.frame(select(f).where(f.c.order_id == (order_id or -1)).order_by(f.c.record))
    trust = [", ".join(_flags(Trust, mask)) or "exact" for mask in frame["trust"]]
    maker = ["maker" if made else "taker" for made in frame["maker"]]
    return frame.with_columns(pl.Series("trust", trust, pl.String), pl.Series("maker", maker, pl.String))


def _events(books: Books, order_id: int, root: Mapping[str, Any]) -> pl.DataFrame:
    """Everything that was said of the order; of a denied one what its decision led to."""
    e = books.tables["events"]
    of = e.c.order_id == order_id if order_id else or_(e.c.decision == root["seq"])
    return books.frame(select(e).where(of).order_by(e.c.record))
