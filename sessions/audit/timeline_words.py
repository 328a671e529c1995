"""Rows of the journal as lines that a person reads: codes become words for the few rows that are shown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import polars as pl
from sqlalchemy import select

from core.enums import AgentState, EventKind, Op, OperatorAct, OrderStatus, OrderType, Reason, Trust
from core.policies.reasons import FIRST_OWN, ReasonBook
from core.records import NO_PRICE
from core.risk.controls import SPECS
from sessions.audit.books import Books, word
from sessions.audit.lines import Line

_ALARMS = (int(EventKind.REJECT), int(EventKind.CANCEL_REJECT), int(EventKind.DENIED))


def lines(books: Books, rows: pl.DataFrame) -> list[Line]:
    """Rows of a page as lines."""
    makers = {1: _decision, 2: _order, 3: _fill, 4: _event, 5: _denial, 6: _act, 7: _limit, 9: _decision}
    own = _own(books) if len(rows) else {}
    found = []
    for row in rows.iter_rows(named=True):
        names = [str(each["name"]) for each in books.instruments]
        place, agent = row["instrument"], row["agent"]
        common: dict[str, Any] = {
            "kind": row["kind"], "record": row["record"], "ts": row["ts"], "order_id": row["order_id"] or 0,
            "agent": _agent(books, agent), "instrument": names[place] if place in range(len(names)) else "",
            "side": row["side"] or 0, "qty": row["qty"],
            "price": None if row["price"] in (None, NO_PRICE) else row["price"],
        }  # fmt: skip
        found.append(Line(**common | makers[row["kind"]](books, row, own)))
    return found


def life_line(kind: int, row: Mapping[str, Any], ts: int) -> Line:
    """A state of the session."""
    wall = datetime.fromtimestamp(row["wall_ns"] // 1_000_000_000, UTC)
    words = f"at {wall:%Y-%m-%d %H:%M:%S} UTC by the wall" + (f" | {row['reason']}" if row["reason"] else "")
    return Line(kind, row["record"], ts, f"session {row['state']}", words=words, alarm=row["state"] == "faulted")


def _agent(books: Books, agent: int | None) -> str:
    if agent is None or agent == -2:
        return ""
    return "desk" if agent < 0 else books.agents[agent] if agent < len(books.agents) else str(agent)


def _own(books: Books) -> dict[tuple[int, int], str]:
    """Words that policies gave themselves, as far as the journal knows them."""
    c = books.tables["reasons"].c
    found = books.frame(select(c.agent, c.code, c.words).where(c.code >= FIRST_OWN))
    return {(int(row["agent"]), int(row["code"])): str(row["words"]) for row in found.iter_rows(named=True)}


def _decision(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    price = "" if row["price"] in (None, NO_PRICE) else _price(books, row)
    said = own.get((row["agent"], row["detail"])) or ReasonBook().words(row["detail"], str(row["qty"]), price)
    what = " ".join(part for part in (word(Op, row["a"]), word(OrderType, row["b"])) if part) if row["a"] else "waits"
    came = word(Reason, row["reason"])
    words = f"{said} | {came}" if row["reason"] else said
    return {"what": what.replace("_", " "), "words": words, "alarm": bool(row["reason"]) and row["a"] > 0,
            "asked": f"decision:{row['number']}"}  # fmt: skip


def _price(books: Books, row: Mapping[str, Any]) -> str:
    place = row["instrument"]
    tick = float(books.instruments[place]["tick"]) if place in range(len(books.instruments)) else 1.0
    return f"{round(row['price'] * tick, 10):g}"


def _order(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    why = f", {_words(Reason, row['reason'])}" if row["reason"] else ""
    return {
        "what": f"over: {_words(OrderStatus, row['a'])}", "words": f"{row['detail']} of {row['qty']} filled{why}",
        "alarm": row["a"] in (OrderStatus.REJECTED, OrderStatus.DENIED), "asked": f"order:{row['order_id']}",
    }  # fmt: skip


def _fill(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    trust = ", ".join(str(each.name).lower() for each in Trust if row["b"] & each) or "exact"
    fee = f"{row['detail'] * books.money_unit:.6f}".rstrip("0").rstrip(".")
    return {
        "what": f"fill {'maker' if row['a'] else 'taker'}", "words": f"fee {fee} | rests on {trust}",
        "asked": f"order:{row['order_id']}",
    }  # fmt: skip


def _event(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    words, kind = _words(Reason, row["reason"]) if row["reason"] else "", row["a"]
    told: dict[str, Any] = {}
    if kind == EventKind.AGENT:
        words, told = f"{_words(AgentState, row['qty'])} {words}".strip(), {"qty": None}
    elif kind == EventKind.OPERATOR:
        words, told = f"{_words(OperatorAct, row['qty'])} {words}".strip(), {"qty": None}
    elif kind in (EventKind.REPLACED, EventKind.REPRICED):
        words = f"from {_price(books, {**row, 'price': row['detail']})} {words}".strip()
    elif row["reason"] == Reason.DISCONNECTED and kind == EventKind.SESSION:
        words = f"{words} for {(row['detail'] - row['ts']) / 1e9:g} s, {row['qty']} orders cancelled by the venue"
        told = {"qty": None, "alarm": True}
    asked = f"order:{row['order_id']}" if (row["order_id"] or 0) > 0 else ""
    if not asked and row["number"] is not None and row["number"] >= 0:
        asked = f"decision:{row['number']}"
    return {"what": _words(EventKind, kind), "words": words, "alarm": kind in _ALARMS, "asked": asked} | told


def _denial(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    by = [spec.name for spec in SPECS if int(row["mask"]) >> int(spec.control) & 1]
    return {
        "what": f"denied {word(Op, row['a'])}", "words": ", ".join(by), "alarm": True, "control": by[0] if by else "",
        "asked": f"decision:{row['number']}",
    }  # fmt: skip


def _act(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    words = row["words"] or ""
    return {"what": f"person: {row['what'].replace('_', ' ')}", "words": words, "alarm": "refused: " in words}


def _limit(books: Books, row: Mapping[str, Any], own: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    return {"what": f"limits v{row['detail']}", "words": row["words"] or ""}


def _words(kind: type[IntEnum], number: int) -> str:
    return word(kind, number).replace("_", " ")
