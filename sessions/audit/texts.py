"""Text records as rows: what a person did, how limits changed, and which limit stood where at each version."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import ConfigError
from core.plan import LimitPlan
from core.policies.reasons import FIRST_OWN
from core.risk.controls import SPECS
from core.risk.limits import LimitSet, changed, effective, expired, limit_set
from sessions.audit.lookups import Row
from sessions.journal.errors import JournalError
from sessions.manifest import FILE, Manifest

#: `record` of what the manifest says, before any record.
BEFORE = -1


@dataclass(slots=True)
class Limits:
    """The limits of a session as the log has changed them so far."""

    now: LimitSet
    stood: dict[tuple[int, int, int], tuple[float, str]] = field(default_factory=dict)

    def rows(self, record: int) -> Iterator[Row]:
        """What stands elsewhere than it did when this was last asked. The strictest scope counts; NaN: none is set."""
        for a, agent in enumerate(self.now.agents):
            for i, instrument in enumerate(self.now.instruments):
                scopes = ("desk", f"agent.{agent}", f"instrument.{instrument}")
                for spec in SPECS:
                    found = _strictest(self.now, scopes, spec.name) if spec.scopes else (1.0, "")
                    before = self.stood.get((a, i, spec.control))
                    if before is not None and (before == found or _both_nan(before[0], found[0])):
                        continue
                    self.stood[a, i, spec.control] = found
                    yield {
                        "record": record, "version": self.now.version, "agent": a, "instrument": i,
                        "control": int(spec.control), "value": found[0], "scope": found[1],
                    }  # fmt: skip


def _both_nan(a: float, b: float) -> bool:
    return math.isnan(a) and math.isnan(b)


def _strictest(limits: LimitSet, scopes: tuple[str, ...], control: str) -> tuple[float, str]:
    values = [(effective(limits, scope, control), scope) for scope in scopes]
    return min((each for each in values if not math.isnan(each[0])), default=(math.nan, ""), key=lambda each: each[0])


def limits_of(manifest: Manifest) -> Limits:
    """The limits that a session began with. Raises `JournalError`."""
    fields = manifest.fields
    try:
        plan = fields["plan"]["limits"]
        scopes = {
            str(scope): {str(control): float(value) for control, value in values.items()}
            for scope, values in plan["scopes"].items()
        }
        names = [str(agent["name"]) for agent in fields["agents"]]
        planned = LimitPlan(int(plan["version"]), scopes, tuple(plan["restricted"]))
        return Limits(limit_set(planned, names, [str(tape["name"]) for tape in fields["tapes"]]))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ConfigError) as error:
        raise JournalError(f"{manifest.id}/{FILE}", f"plan.limits cannot be used: {error}") from error


def plan_rows(limits: Limits) -> list[Row]:
    """The limits that a session began with, as rows of `limits`."""
    return [
        {
            "record": BEFORE, "ts": None, "version": limits.now.version, "what": "plan", "scope": scope,
            "control": control, "before": math.nan, "after": value, "person": "", "reason": "", "since": None,
            "expires": None,
        }
        for scope, values in sorted(limits.now.scopes.items())
        for control, value in sorted(values.items())
    ]  # fmt: skip


def limit_rows(limits: Limits, record: int, raw: bytes) -> tuple[list[Row], list[Row]]:
    """One record of `limits`: its rows there and in `limits_in_force`. Raises `JournalError`."""
    fields = _object(record, raw)
    rows: list[Row] = []
    try:
        version, ts = int(fields["version"]), int(fields["ts"])
        for what, changes in (("made", fields["made"]), ("expired", fields["gone"])):
            for change in changes:
                expires = change["expires"]
                rows.append({
                    "record": record, "ts": ts, "version": version, "what": what, "scope": str(change["scope"]),
                    "control": str(change["control"]), "before": float(change["before"]),
                    "after": float(change["after"]), "person": str(change["person"]), "reason": str(change["reason"]),
                    "since": int(change["since"]), "expires": None if expires is None else int(expires),
                })  # fmt: skip
        over = max((int(change["expires"]) for change in fields["gone"]), default=ts)  # it is written 1 ns before
        limits.now = _advanced(limits.now, fields["made"], version, max(ts, over))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ConfigError) as error:
        raise JournalError(f"record {record:,}", f"is no change of limits: {error}") from error
    return rows, list(limits.rows(record))


def _advanced(now: LimitSet, made: list[Mapping[str, Any]], version: int, ts: int) -> LimitSet:
    """The next version, made by the code that made it in the session."""
    for change in made:
        now = changed(
            now, change["scope"], change["control"], float(change["after"]), change["person"], change["reason"],
            int(change["since"]), change["expires"],
        )  # fmt: skip
    if not made:
        now = expired(now, ts)
    if now.version != version:
        raise ValueError(f"version {version} where {now.version} follows")
    return now


def act_row(record: int, raw: bytes, names: list[str]) -> Row | str:
    """One record of `acts`: a row, or why the act before it was refused. Raises `JournalError`."""
    fields = _object(record, raw)
    if "failed" in fields:
        return str(fields["failed"])
    try:
        act, target = fields["act"], int(fields["act"]["target"])
        cancel = act["what"] == "cancel"
        who = "desk" if target < 0 else names[target] if target < len(names) else str(target)
        return {
            "record": record, "ts": int(fields["ts"]), "index": int(fields["index"]), "act": str(act["what"]),
            "target": target, "agent": None if cancel else who, "order_id": target if cancel else None,
            "scope": str(act["scope"]), "control": str(act["control"]),
            "value": None if act["value"] is None else float(act["value"]),
            "expires": None if act["expires"] is None else int(act["expires"]), "reason": str(act["reason"]),
            "person": str(act["person"]), "place": json.dumps(fields["place"]),
            "ticket": None if act["ticket"] is None else json.dumps(act["ticket"]), "failed": None,
            "failed_record": None,
        }  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise JournalError(f"record {record:,}", f"is no person's act: {error}") from error


def life_row(record: int, raw: bytes) -> Row:
    """One record of `life`. Raises `JournalError`."""
    fields = _object(record, raw)
    try:
        return {
            "record": record, "wall_ns": int(fields["wall_ns"]), "state": str(fields["state"]),
            "reason": str(fields["reason"]), "result": json.dumps(dict(fields["result"]), sort_keys=True),
        }  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise JournalError(f"record {record:,}", f"is no state of a session: {error}") from error


def reason_rows(raw: bytes, agents: list[str]) -> list[Row]:
    """The words that policies gave themselves for their reasons, which the last record of a session tells."""
    own = json.loads(raw)["result"].get("reasons", {})
    if not isinstance(own, dict):
        return []
    return [
        {"agent": agents.index(agent), "code": FIRST_OWN + k, "words": str(text)}
        for agent, texts in own.items()
        if agent in agents and isinstance(texts, list)
        for k, text in enumerate(texts)
    ]


def _object(record: int, raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise JournalError(f"record {record:,}", f"is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise JournalError(f"record {record:,}", "is not a JSON object")
    return found
