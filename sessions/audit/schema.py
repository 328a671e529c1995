"""The tables of `journal.duckdb`, derived from the record types: a field that a record gains is a column at once.

Every table of records begins with `record`, the journal sequence, and is written in its order: zone maps do what an
index would, and there are none, nor keys. Verdicts have one column for each control, because a question asks about few
of them. Text streams are kept word for word in `notes`, and read into `operator_actions`, `limits` and `life`.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from duckdb_sqlalchemy import Dialect
from duckdb_sqlalchemy.datatypes import TinyInteger, UBigInteger, UInteger, USmallInteger, UTinyInteger
from sqlalchemy import REAL, BigInteger, Boolean, Column, Double, Integer, MetaData, SmallInteger, String, Table
from sqlalchemy.schema import CreateTable

from core.records import CONTROLS
from core.risk.controls import SPECS
from sessions.journal.streams import BY_NAME

#: Of tables and views; a file of an older one is made anew from the log, a newer one is refused.
VERSION = 1
#: Stream of the log to its table, where a record is a row.
TABLES = {
    "decisions": "decisions", "verdicts": "verdicts", "readings": "features", "orders": "orders", "fills": "fills",
    "events": "events", "marks": "market_marks", "latencies": "latencies",
}  # fmt: skip
#: Streams that a venue makes: their tables say whose tape.
OF_A_TAPE = frozenset(("orders", "fills", "events", "marks"))
#: Columns of `verdicts` for what each control observed, in the order of VERDICT["observed"].
OBSERVED = tuple(spec.name for spec in SPECS) + tuple(f"control_{k}" for k in range(len(SPECS), CONTROLS))

_TYPES: dict[str, Any] = {
    "<i8": BigInteger, "<u8": UBigInteger, "<i4": Integer, "<u4": UInteger, "<i2": SmallInteger, "<u2": USmallInteger,
    "|i1": TinyInteger, "|u1": UTinyInteger, "<f4": REAL, "<f8": Double,
}  # fmt: skip
_DIALECT = Dialect()


def fields_of(dtype: np.dtype[Any]) -> list[str]:
    """The fields of a record type that mean something."""
    return [name for name in dtype.names or () if name != "pad"]


def metadata_of(features: Sequence[str]) -> MetaData:
    """All tables of a journal whose rows of features have these names."""
    meta = MetaData()
    for stream, name in TABLES.items():
        columns = [Column("record", BigInteger)]
        if stream in OF_A_TAPE:
            columns.append(Column("tape", SmallInteger))
        columns += _feature_columns(features) if stream == "readings" else _columns(BY_NAME[stream].dtype)
        Table(name, meta, *columns)
    for name, described in (_TEXTS | _LOOKUPS).items():
        Table(name, meta, *(Column(column, _WORDS[kind]) for column, kind in described.items()))
    return meta


def _columns(dtype: np.dtype[Any]) -> list[Column[Any]]:
    found: list[Column[Any]] = []
    for name in fields_of(dtype):
        field = dtype[name]
        if field.subdtype is None:
            found.append(Column(name, _TYPES[field.str]))
        else:  # the only one is what each control observed
            found += [Column(each, _TYPES[field.base.str]) for each in OBSERVED]
    return found


def _feature_columns(features: Sequence[str]) -> list[Column[Any]]:
    return [Column("row", BigInteger), *(Column(name, REAL) for name in features)]


#: What was said in words.
_TEXTS = {
    "notes": {"record": "int", "stream": "text", "words": "text"},
    "operator_actions": {
        "record": "int", "ts": "int", "index": "int", "act": "text", "target": "int", "agent": "text",
        "order_id": "int", "scope": "text", "control": "text", "value": "number", "expires": "int", "reason": "text",
        "person": "text", "place": "text", "ticket": "text", "failed": "text", "failed_record": "int",
    },
    "limits": {
        "record": "int", "ts": "int", "version": "int", "what": "text", "scope": "text", "control": "text",
        "before": "number", "after": "number", "person": "text", "reason": "text", "since": "int", "expires": "int",
    },
    "limits_in_force": {
        "record": "int", "version": "int", "agent": "small", "instrument": "small", "control": "small",
        "value": "number", "scope": "text",
    },
    "life": {"record": "int", "wall_ns": "int", "state": "text", "reason": "text", "result": "text"},
}  # fmt: skip
#: What numbers mean, and how far the projection has come.
_LOOKUPS = {
    "agents": {"agent": "small", "name": "text", "tape": "text", "policy": "text", "signal": "text"},
    "instruments": {
        "instrument": "small", "name": "text", "symbol": "text", "venue": "text", "date": "text", "timezone": "text",
        "tick": "number", "lot": "number", "multiplier": "number", "tick_value": "int", "money_digits": "int",
        "currency": "text", "first_ts": "int", "last_ts": "int", "messages": "int", "messages_sha256": "text",
    },
    "controls": {"control": "small", "name": "text", "unit": "text", "flag": "truth", "words": "text"},
    "codes": {"kind": "text", "code": "int", "name": "text"},
    "reasons": {"agent": "small", "code": "int", "words": "text"},
    "models": {"model": "small", "name": "text", "file": "text", "sha256": "text"},
    "kills": {"ts": "int", "scope": "text", "person": "text", "reason": "text"},
    "session": {
        "id": "text", "name": "text", "created_ns": "int", "parent": "text", "durable": "truth", "version": "text",
        "code": "text", "plan_digest": "text", "seed": "int", "rung": "text", "queue": "text", "manifest": "text",
        "manifest_hash": "text",
    },
    "projection": {
        "version": "int", "shape": "text", "genesis": "text", "segment": "int", "byte": "int", "blocks": "int",
        "records": "int", "head": "text", "complete": "truth", "readings": "int",
    },
}  # fmt: skip
_WORDS: dict[str, Any] = {
    "int": BigInteger, "small": SmallInteger, "text": String, "number": Double, "truth": Boolean,
}  # fmt: skip


def described(table: str) -> dict[str, str]:
    """The columns of a table that is not made of records, and of which kind they are."""
    return _TEXTS[table] if table in _TEXTS else _LOOKUPS[table]


def misfit(table: str, row: Mapping[str, Any]) -> str:
    """The first column of a row of such a table that its column cannot hold, and why; empty if all fit."""
    for column, kind in described(table).items():
        value = row.get(column)
        if isinstance(value, int) and not -_HALF.get(kind, math.inf) <= value < _HALF.get(kind, math.inf):
            return f"{column} is a number beyond what can be"
        if isinstance(value, str) and not _is_text(value):
            return f"{column} is no text: {value[:40]!r}"
    return ""


#: Numbers below that fit, and their negatives, in whole columns.
_HALF = {"int": 1 << 63, "small": 1 << 15}


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can say
        return False
    return True


def ddl(meta: MetaData) -> list[str]:
    """The statements that make the tables, in order."""
    return [str(CreateTable(table).compile(dialect=_DIALECT)).strip() for table in meta.sorted_tables]


def shape_of(statements: Sequence[str]) -> str:
    """What tells one set of tables and views from another."""
    return hashlib.blake2b("\n".join(statements).encode(), digest_size=8).hexdigest()
