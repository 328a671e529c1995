"""A session's plan back from its manifest: the canonical text read again, its tapes and model files found again.

Nothing in a manifest is believed: every value is checked, files are found by content, and the plan that comes of it
must have the text that it was made from, key by key.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.enums import Queue, Rung
from core.errors import ConfigError, TapeError
from core.plan import (
    AgentPlan,
    FeePlan,
    LatencyModel,
    LatencyPlan,
    LimitPlan,
    OutagePlan,
    ParentPlan,
    SessionPlan,
    TapePlan,
)
from core.records import MAX_QTY, NO_PRICE
from core.risk.limits import limit_set
from sessions.journal.errors import JournalError
from sessions.manifest import FILE, Manifest, code_digest
from sessions.plan_file import MOST_AGENTS, MOST_OUTAGES, MOST_TAPES, fees
from sessions.plan_orders import MOST_ORDERS
from sessions.plan_sources import Sources, find_sources
from sessions.plan_text import VERSION, plan_text
from sessions.plan_values import plain
from sessions.toml_table import Table

_EVER = 2**62  # ns UTC: a sum of two times still fits
_LONGEST, _PAUSE = 60_000_000_000, 7 * 86_400_000_000_000
_ROOT = (
    "version", "tapes", "agents", "limits", "seed", "rung", "queue", "queue_model", "impact_model", "latency", "start",
    "end", "currency", "self_match", "budget_ms", "outages",
)  # fmt: skip


class SessionChanged(JournalError):
    """A session cannot be repeated: a tape or a model is missing or changed, or its manifest makes no sense."""

    def __init__(self, place: object, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(place, "; ".join(problems))


@dataclass(frozen=True, slots=True)
class Restored:
    """A plan, and what is not as it was: nothing that must, but something that may make a difference."""

    plan: SessionPlan
    notes: tuple[str, ...]


def restore(
    folder: Path, manifest: Manifest, tapes: Sequence[Path] = (), models: Sequence[Path] = (), names: bool = True
) -> Restored:
    """The plan of the session in `folder`.

    Args:
        folder: the session's folder, for messages.
        manifest: its manifest.
        tapes: folders to look for tapes in, where the manifest's own path does not lead to them.
        models: the same for model files.
        names: whether paths that the manifest names are looked at.

    Raises:
        SessionChanged: names every tape and model that is missing or not what it was, and everything in the plan
            that cannot be.
    """
    file = folder / FILE
    try:
        root = Table(str(file), "plan", manifest.fields["plan"])
        found, problems, notes = find_sources(manifest, root, tapes, models, names)
        if problems:
            raise SessionChanged(file, problems)
        plan = _plan(root, manifest.name, found)
        text = plan_text(plan)
    except (ConfigError, TapeError) as error:
        raise SessionChanged(file, [str(error).removeprefix(f"{file}: ")]) from error
    except (ValueError, TypeError, RecursionError, OverflowError, AttributeError) as error:
        raise SessionChanged(file, [f"is not a manifest: {error}"[:300]]) from error
    differing = [*differences(manifest.fields["plan"], json.loads(text))]
    if differing:
        raise SessionChanged(file, [f"plan.{key}: {was} is {now} here" for key, was, now in differing[:20]])
    said = manifest.fields.get("plan_digest")
    if said != hashlib.blake2b(text.encode(), digest_size=16).hexdigest():
        raise SessionChanged(file, ["plan_digest: is not the digest of the plan beside it"])
    if manifest.fields.get("code") != code_digest():
        notes = [*notes, "it was made by other code than this: a difference may come of that"]
    return Restored(plan, tuple(notes))


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """What differs between two JSON values: dotted path, shown before, shown after."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*map(str, before), *map(str, after)}):
            where = f"{path}.{key}" if path else key
            if key not in before or key not in after:
                yield where, shown(before.get(key, ...)), shown(after.get(key, ...))
            else:
                yield from differences(before[key], after[key], where)
    elif isinstance(before, list) and isinstance(after, list):
        for i in range(max(len(before), len(after))):
            where = f"{path}[{i + 1}]"
            if i >= len(before) or i >= len(after):
                yield where, shown(before[i] if i < len(before) else ...), shown(after[i] if i < len(after) else ...)
            else:
                yield from differences(before[i], after[i], where)
    elif type(before) is not type(after) or before != after:
        yield path, shown(before), shown(after)


def shown(value: Any) -> str:
    """A JSON value in a few characters."""
    text = "nothing" if value is ... else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 80 else f"{text[:77]}..."


# --- the plan -----------------------------------------------------------------------------------


def _plan(root: Table, name: str, files: Sources) -> SessionPlan:
    root.only(_ROOT)
    if root.whole("version", 0, 2**31) != VERSION:
        root.fail("version", f"this program reads plans of version {VERSION}")
    tapes = tuple(_tape_plan(*each) for each in zip(root.tables("tapes", MOST_TAPES), files.tapes, strict=True))
    if not tapes:
        root.fail("tapes", "there is none")
    agents = tuple(_agent(table, files) for table in root.tables("agents", MOST_AGENTS))
    pace = root.table("latency")
    pace.only(("feed", "order", "response"))
    plan = SessionPlan(
        name=name,
        tapes=tapes,
        agents=agents,
        limits=_limits(root.table("limits")),
        seed=root.whole("seed", 0, 2**63 - 1),
        rung=Rung[root.choice("rung", [r.name.lower() for r in Rung], "").upper()],
        queue=Queue[root.choice("queue", [q.name.lower() for q in Queue], "").upper()],
        queue_model=root.text("queue_model"),
        impact_model=root.text("impact_model"),
        latency=LatencyPlan(_latency(pace, "feed"), _latency(pace, "order"), _latency(pace, "response")),
        start=_maybe(root, "start", -_EVER, _EVER),
        end=_maybe(root, "end", -_EVER, _EVER),
        currency=root.text("currency"),
        self_match=root.choice("self_match", ("cancel-newest", "cancel-oldest", "cancel-both"), ""),
        budget_ms=_real(root, "budget_ms", 0, 86_400_000),
        outages=tuple(_outage(one) for one in root.tables("outages", MOST_OUTAGES)),
    )
    for what, names in (("tapes", [t.name for t in tapes]), ("agents", [a.name for a in agents])):
        if len({*names}) < len(names):
            root.fail(what, "two have the same name")
    limit_set(plan.limits, [a.name for a in agents], [t.name for t in tapes])
    return plan


def _tape_plan(table: Table, folder: Path) -> TapePlan:
    table.only(("name", "multiplier", "fees", "instrument", "messages", "messages_sha256"))
    if not 0 < table.decimal("multiplier") <= 10**9:
        table.fail("multiplier", "must be above 0 and at most 1,000,000,000")
    inner = table.table("fees")
    checked = fees(inner, FeePlan())
    # As they were written: "0.10" and "0.1" charge the same and are not the same text.
    written = {key: inner.text(key) for key in ("maker_per_lot", "taker_per_lot", "maker_bps", "taker_bps")}
    if any(plain(inner.decimal(key)) != getattr(checked, key) for key in written):
        inner.fail("", "fees that cannot be")
    return TapePlan(table.text("name"), folder, table.text("multiplier"), FeePlan(**written))


def _agent(table: Table, files: Sources) -> AgentPlan:
    table.only(("name", "tape", "policy", "signal", "every", "parents", "params"))
    params = table.table("params")
    return AgentPlan(
        name=table.text("name"),
        tape=table.text("tape"),
        policy=_named(table, "policy", files),
        signal=_named(table, "signal", files),
        every=table.whole("every", 1, _PAUSE),
        parents=tuple(_parent(one) for one in table.tables("parents", MOST_ORDERS)),
        params={key: _real(params, key, -math.inf, math.inf) for key in params.values},
    )


def _named(table: Table, key: str, files: Sources) -> str:
    """A registered name, or the model file with the content that the plan names."""
    value = table.raw(key)
    if isinstance(value, dict):
        return f"onnx:{files.model(table.table(key).text('onnx'), table.text('name'), key)}"
    text = table.text(key)
    if text.startswith("onnx:"):
        table.fail(key, "a model stands in a plan by its content")
    return text


def _parent(table: Table) -> ParentPlan:
    table.only(("side", "qty", "start", "end", "limit", "urgency"))
    side = table.whole("side", -1, 1)
    if side == 0:
        table.fail("side", "must be 1 or -1")
    return ParentPlan(
        side=side,
        qty=table.whole("qty", 1, MAX_QTY),
        start=table.whole("start", -_EVER, _EVER),
        end=table.whole("end", -_EVER, _EVER),
        limit=_maybe(table, "limit", NO_PRICE + 1, 2**31 - 1),
        urgency=_real(table, "urgency", 0, 1),
    )


def _outage(table: Table) -> OutagePlan:
    table.only(("start", "end", "tape"))
    start, end = (table.whole(key, -_EVER, _EVER - 1) for key in ("start", "end"))
    return OutagePlan(start, end, table.text("tape"))


def _latency(pace: Table, key: str) -> LatencyModel:
    table = pace.table(key)
    table.only(("kind", "ns", "spread"))
    return LatencyModel(table.text("kind"), table.whole("ns", 0, _LONGEST), _real(table, "spread", 0, 5))


def _limits(table: Table) -> LimitPlan:
    table.only(("version", "scopes", "restricted"))
    scopes: dict[str, Mapping[str, float]] = {}
    for scope in table.table("scopes").values:
        inner = table.table("scopes").table(scope)
        scopes[scope] = {control: _real(inner, control, -math.inf, math.inf) for control in inner.values}
    return LimitPlan(table.whole("version", 0, 2**31), scopes, table.texts("restricted", MOST_TAPES))


def _maybe(table: Table, key: str, low: int, high: int) -> int | None:
    if table.has(key) and table.raw(key) is None:
        return None
    return table.whole(key, low, high)


def _real(table: Table, key: str, low: float, high: float) -> float:
    """A number as it stands there, whole ones whole; text for what JSON has no number for."""
    value = table.raw(key)
    if isinstance(value, str) and value in ("inf", "-inf", "nan"):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not (low <= value <= high or value != value):
        table.fail(key, f"must be a number from {low:g} to {high:g}")
    if math.isnan(value) and low > -math.inf:
        table.fail(key, "must be a number")
    return value
