"""What the numbers in a journal mean, from the manifest and the program's own codes: rows of the lookup tables."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import IntEnum, IntFlag
from typing import Any

from core import enums
from core.policies.reasons import WORDS, ReasonBook
from core.risk.controls import SPECS
from sessions.audit.schema import misfit
from sessions.journal.errors import JournalError
from sessions.manifest import FILE, Manifest

_CODES: tuple[type[IntEnum | IntFlag], ...] = (
    enums.AgentState, enums.EventKind, enums.Op, enums.OperatorAct, enums.OrderFlag, enums.OrderStatus,
    enums.OrderType, enums.Queue, enums.Reason, enums.Rung, enums.Side, enums.Stage, enums.Status, enums.TimeInForce,
    enums.Trust,
)  # fmt: skip

Row = dict[str, Any]
#: Most digits before or behind the point of a size, or behind it of money.
_DIGITS = 18


def lookups(manifest: Manifest) -> dict[str, list[Row]]:
    """Rows of each lookup table. Raises `JournalError` for a manifest that does not hold what it should."""
    fields = manifest.fields
    try:
        found = {
            "agents": [{"agent": k, **_texts(agent)} for k, agent in enumerate(fields["agents"])],
            "instruments": _instruments(fields),
            "controls": [
                {"control": int(s.control), "name": s.name, "unit": s.unit, "flag": s.flag, "words": s.words}
                for s in SPECS
            ],
            "codes": codes(),
            "reasons": [
                {"agent": k, "code": int(code), "words": ReasonBook().words(code)}
                for k in range(len(fields["agents"]))
                for code in WORDS
            ],
            "models": _models(fields),
            "kills": [
                {"ts": int(k["ts"]), "scope": str(k["scope"]), "person": str(k["person"]), "reason": str(k["reason"])}
                for k in fields["kills"]
            ],
            "session": [_session(manifest)],
        }
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        words = str(error) if type(error) is ValueError else f"{type(error).__name__} {error}"
        raise JournalError(_place(manifest), f"cannot be used: {words}") from error
    fitting(manifest, found)
    return found


def fitting(manifest: Manifest, tables: Mapping[str, Sequence[Row]]) -> None:
    """Whether rows that a manifest makes fit into their tables. Raises `JournalError` with the first that does not."""
    for table, rows in tables.items():
        for k, row in enumerate(rows):
            if wrong := misfit(table, row):
                raise JournalError(_place(manifest), f"cannot be used: {table}[{k}].{wrong}")


def _place(manifest: Manifest) -> str:
    return f"{manifest.id}/{FILE}"


def _texts(agent: Mapping[str, Any]) -> Row:
    return {key: str(agent[key]) for key in ("name", "tape", "policy", "signal")}


def _instruments(fields: Mapping[str, Any]) -> list[Row]:
    found, digits = [], int(fields["money_digits"])
    if not 0 <= digits <= _DIGITS:
        raise ValueError(f"money_digits is from 0 to {_DIGITS}")
    for k, (tape, planned) in enumerate(zip(fields["tapes"], fields["plan"]["tapes"], strict=True)):
        tick, lot = (_positive(tape[key], f"tapes[{k}].{key}") for key in ("tick", "lot"))
        multiplier = _positive(planned["multiplier"], f"plan.tapes[{k}].multiplier")
        found.append({
            "instrument": k, "name": str(tape["name"]), "symbol": str(tape["symbol"]), "venue": str(tape["venue"]),
            "date": str(tape["date"]), "timezone": str(tape["timezone"]), "tick": float(tick), "lot": float(lot),
            "multiplier": float(multiplier), "tick_value": int((tick * lot * multiplier).scaleb(digits)),
            "money_digits": digits, "currency": str(fields["currency"]), "first_ts": int(tape["first_ts"]),
            "last_ts": int(tape["last_ts"]), "messages": int(tape["messages"]),
            "messages_sha256": str(tape["messages_sha256"]),
        })  # fmt: skip
    return found


def _positive(value: Any, key: str) -> Decimal:
    """A size. Raises `ValueError` with the key for what is none, or is beyond what any market has."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0 or abs(found.adjusted()) > _DIGITS:
        raise ValueError(f"{key} is no size: {str(value)[:40]!r}")
    return found


def codes() -> list[Row]:
    """Every code that stands in a record, by kind: snake case of the enumeration's name."""
    found: list[Row] = []
    for kind in _CODES:
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
        found += [{"kind": name, "code": int(each), "name": (each.name or "").lower()} for each in kind]
    return found


def _models(fields: Mapping[str, Any]) -> list[Row]:
    """Models by the number that decisions have for them: the order in which the plan's agents name them."""
    by_content: dict[str, list[Mapping[str, Any]]] = {}
    for model in fields["models"]:
        by_content.setdefault(str(model["sha256"]), []).append(model)
    order: list[tuple[str, str]] = []
    for agent, named in zip(fields["plan"]["agents"], fields["agents"], strict=False):
        for kind in ("signal", "policy"):
            if isinstance(agent[kind], Mapping):
                each = (str(agent[kind]["onnx"]), str(named[kind]))
                order += [each] if each not in order else []
    rows: list[Row] = []
    for k, (sha256, file_name) in enumerate(order):
        same = by_content.get(sha256, [])
        model = next((m for m in same if str(m["file"]).endswith(file_name)), same[0] if same else {})
        rows.append({
            "model": k, "name": str(model.get("name", file_name)), "file": str(model.get("file", "")), "sha256": sha256,
        })  # fmt: skip
    return rows


def _session(manifest: Manifest) -> Row:
    fields, plan = manifest.fields, manifest.fields["plan"]
    return {
        "id": manifest.id, "name": manifest.name, "created_ns": int(fields["created_ns"]),
        "parent": None if fields["parent"] is None else str(fields["parent"]), "durable": manifest.durable,
        "version": str(fields["version"]), "code": str(fields["code"]), "plan_digest": str(fields["plan_digest"]),
        "seed": int(plan["seed"]), "rung": str(plan["rung"]), "queue": str(plan["queue"]),
        "manifest": json.dumps(fields, sort_keys=True), "manifest_hash": manifest.hash.hex(),
    }  # fmt: skip


def feature_names(manifest: Manifest) -> Sequence[str]:
    """Names of the features in a reading. Raises `JournalError`."""
    features = manifest.fields.get("features")
    names: Any = features.get("names") if isinstance(features, Mapping) else None
    good = isinstance(names, list) and all(isinstance(name, str) and name.isidentifier() for name in names)
    taken = {name.lower() for name in names} if good else set()
    if not good or len(taken) != len(names) or taken & {"record", "row"}:
        raise JournalError(_place(manifest), "features.names are none that could be columns")
    return list(names)
