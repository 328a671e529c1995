"""What happened to one order, step by step: decisions, verdicts, what the venue said, fills."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import select

from core.enums import EventKind, Op, OperatorAct
from core.policies.reasons import ReasonBook
from core.records import NO_PRICE
from core.risk.controls import SPECS
from sessions.audit.books import Books, word

_STEPS = {
    "record": pl.Int64, "ts": pl.Int64, "step": pl.String, "agent": pl.Int64, "instrument": pl.Int64, "side": pl.Int64,
    "qty": pl.Int64, "price": pl.Int64, "reason": pl.Int64, "number": pl.Int64, "words": pl.String,
}  # fmt: skip


def chain(books: Books, decisions: pl.DataFrame, events: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame:
    """Everything that happened to it, in the order in which it happened."""
    rows = []
    verdicts = _verdicts(books, decisions)
    for row in decisions.iter_rows(named=True):
        what = {"step": f"decision {word(Op, row['op'])}", "number": row["seq"], "words": words_of(books, row)}
        rows.append((row["ts"], -1, _step(row, what)))
        if (found := verdicts.get(row["verdict"])) is not None:
            denied = ", ".join(spec.name for spec in SPECS if int(found["breaches"]) >> spec.control & 1)
            words = f"denied by {denied}" if denied else f"passed, limits version {found['version']}"
            told = {"step": "verdict", "number": found["seq"], "record": found["record"], "words": words}
            rows.append((row["ts"], 0, _step(row, told)))
    for row in events.iter_rows(named=True):
        words = f"from {row['detail']}" if row["kind"] in (EventKind.REPLACED, EventKind.REPRICED) else ""
        if row["kind"] == EventKind.OPERATOR:
            words = word(OperatorAct, row["detail"])
        rows.append((row["ts"], row["seq"] + 1, _step(row, {
            "step": word(EventKind, row["kind"]), "number": row["seq"], "words": words,
        })))  # fmt: skip
    for row in fills.iter_rows(named=True):
        words = f"{row['maker']}, {row['ahead_entry']} ahead when it joined, {row['trust']}"
        rows.append((row["ts"], row["seq"] + 1, _step(row, {
            "step": "fill", "number": row["seq"], "words": words, "reason": 0,
        })))  # fmt: skip
    rows.sort(key=lambda each: each[:2])
    return books.dressed(pl.DataFrame([step for *_, step in rows], schema=_STEPS))


def _verdicts(books: Books, decisions: pl.DataFrame) -> dict[int, dict[str, Any]]:
    v, asked = books.tables["verdicts"].c, [seq for seq in decisions["verdict"].to_list() if seq >= 0]
    found = books.frame(select(v.record, v.seq, v.version, v.breaches).where(v.seq.in_(asked or [-1])))
    return {row["seq"]: row for row in found.iter_rows(named=True)}


def _step(row: Mapping[str, Any], what: Mapping[str, Any]) -> dict[str, Any]:
    return {name: what.get(name, row.get(name)) for name in _STEPS}


def words_of(books: Books, root: Mapping[str, Any]) -> str:
    """The policy's reason; its own words stand in the last record of the session."""
    life = books.tables["life"].c
    result = books.one(select(life.result).order_by(life.record.desc()).limit(1))
    own: list[str] = []
    try:
        own = [str(x) for x in json.loads(result or "{}").get("reasons", {}).get(books.agents[root["agent"]], [])]
    except (ValueError, AttributeError, IndexError, TypeError):
        own = []
    price = "" if root["price"] == NO_PRICE else str(root["price"])
    return ReasonBook(tuple(own)).words(int(root["why"]), str(root["qty"]), price)
