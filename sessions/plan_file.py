"""A session file: TOML in, `core.plan.SessionPlan` out. Strict; what every key means stands in README.md."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from core.account.money import money_scale
from core.enums import Queue, Rung
from core.errors import ConfigError
from core.naming import nearest
from core.plan import AgentPlan, FeePlan, LatencyPlan, LimitPlan, OutagePlan, SessionPlan, TapePlan
from core.policies.registry import check_policy_name
from core.policies.settings import SETTINGS, checked
from core.risk.limits import default_limits, limit_set
from core.tape.folder import META, TapeMeta, read_meta
from sessions.plan_models import FindModel, compiled_model, policy_of, signal_of
from sessions.plan_orders import inside, ordered, orders
from sessions.plan_values import SECOND, Day, duration, latency, moment, plain
from sessions.toml_table import Table, read_toml

MOST_TAPES, MOST_AGENTS, MOST_OUTAGES = 64, 1_000, 1_000
_LONGEST_NAME = 64
_ROOT = (
    "name", "seed", "rung", "queue", "queue_model", "impact_model", "start", "end", "currency", "self_match", "budget",
    "latency", "fees", "tape", "agent", "limits", "outage",
)  # fmt: skip
_PER_LOT, _BPS = ("maker_per_lot", "taker_per_lot"), ("maker_bps", "taker_bps")
_FEES = (*_PER_LOT, *_BPS)
_AGENT = ("name", "tape", "policy", "signal", "every", "params", "order")
_SELF_MATCH = ("cancel-newest", "cancel-oldest", "cancel-both")

FindTape = Callable[[str], Path]


def read_plan(path: Path, find_tape: FindTape, find_model: FindModel | None = None) -> SessionPlan:
    """The plan in a session file.

    Args:
        path: the TOML file. Paths in it are relative to its folder.
        find_tape: folder of a tape by name; it raises `TapeError` if there is none.
        find_model: file of a model that ships, for names that are no file; it raises `ModelError` if there is none.

    Raises:
        ConfigError: the file cannot be read, or a key is unknown, missing or impossible; it names the file, the dotted
            path of the key (entries of lists counted from 1) and the nearest key there is.
        TapeError: a tape is missing or damaged.
    """
    root = read_toml(path)
    root.only(_ROOT)
    charged = root.table("fees")
    found = [_tape(table, path.parent, find_tape, charged) for table in root.tables("tape", MOST_TAPES)]
    if not found:
        root.fail("tape", "there is none; name at least one under [[tape]]")
    plans, metas = [plan for plan, _ in found], [meta for _, meta in found]
    _unique(root, "tape", [plan.name for plan in plans])
    _countable(root, "tape", found)
    whole = Day(
        metas[0].timezone, metas[0].date, min(meta.first_ts for meta in metas), max(meta.last_ts for meta in metas)
    )
    start, end = moment(root, "start", whole), moment(root, "end", whole)
    ordered(root, "end", start, end)
    inside(root, start, end, whole)
    days = {plan.name: (meta, Day.of(meta)) for plan, meta in found}
    agents = [_agent(table, days, path.parent, find_model, (start, end)) for table in root.tables("agent", MOST_AGENTS)]
    _unique(root, "agent", [agent.name for agent in agents])
    pace = root.table("latency")
    pace.only(("feed", "order", "response"))
    return SessionPlan(
        name=_name(root, path.stem[:_LONGEST_NAME]),
        tapes=tuple(plans),
        agents=tuple(agents),
        limits=limits(root.table("limits"), [agent.name for agent in agents], [plan.name for plan in plans]),
        seed=root.whole("seed", 0, 2**63 - 1, 1),
        rung=_rung(root),
        queue=Queue[root.choice("queue", [q.name.lower() for q in Queue], "conserving").upper()],
        queue_model=compiled_model(root, "queue_model", "pro-rata"),
        impact_model=compiled_model(root, "impact_model", "propagator"),
        latency=LatencyPlan(latency(pace, "feed"), latency(pace, "order"), latency(pace, "response")),
        start=start,
        end=end,
        currency=root.text("currency", "", 12),
        self_match=root.choice("self_match", _SELF_MATCH, "cancel-newest"),
        budget_ms=duration(root, "budget", 50_000_000, 1_000, 60 * SECOND) / 1e6,
        outages=_outages(root, list(days), whole, (start, end)),
    )


def fees(table: Table, usual: FeePlan) -> FeePlan:
    """What the venue charges: what the table says, else as usual."""
    table.only(_FEES)
    found = {}
    for key in _FEES:
        value = table.decimal(key, getattr(usual, key))
        most = 10_000 if key in _BPS else 1_000_000
        if abs(value) > most:
            table.fail(key, f"must be from {-most:,} to {most:,}")
        if key in _BPS and value != round(value, 5):
            table.fail(key, f"{plain(value)[:40]} has more than five decimals")
        found[key] = plain(value)
    return FeePlan(**found)


def limits(table: Table, agents: Sequence[str], tapes: Sequence[str]) -> LimitPlan:
    """Limits by scope, checked by the gate's own `limit_set`."""
    scopes: dict[str, dict[str, float]] = {}
    if table.has("preset"):
        table.choice("preset", ("demo",), "demo")
        scopes = {scope: dict(values) for scope, values in default_limits().scopes.items()}
    named = {"agent": agents, "instrument": tapes}
    for key in table.values:
        if key in ("preset", "version", "restricted"):
            continue
        if key not in named:
            scopes.setdefault("desk", {})[key] = table.real(key)
            continue
        for name in table.table(key).values:
            inner = table.table(key).table(name)
            if name not in named[key]:
                table.table(key).fail(name, f"there is no {key} of this name{nearest(name[:80], named[key])}")
            scopes[f"{key}.{name}"] = {control: inner.real(control) for control in inner.values}
    plan = LimitPlan(table.whole("version", 1, 10**9, 1), scopes, table.texts("restricted", MOST_TAPES))
    try:
        limit_set(plan, agents, tapes)
    except ConfigError as error:  # it names the key, but not the file
        raise ConfigError(f"{table.file}: {error}") from error
    return plan


def _tape(table: Table, beside: Path, find_tape: FindTape, usual: Table) -> tuple[TapePlan, TapeMeta]:
    table.only(("name", "tape", "multiplier", "fees"))
    wanted = table.text("tape")
    if not wanted:
        table.fail("tape", "names no tape")
    try:
        here = beside / wanted
        folder = here if "/" in wanted or "\\" in wanted or (here / META).is_file() else find_tape(wanted)
        meta = read_meta(folder)
    except OSError as error:
        table.fail("tape", f"{wanted[:80]!r} cannot be read: {error.strerror}")
    if meta.messages < 1:
        table.fail("tape", f"{wanted}: the tape is empty")
    multiplier = table.decimal("multiplier", "1")
    if not 0 < multiplier <= 10**9:
        table.fail("multiplier", "must be above 0 and at most 1,000,000,000")
    own = table.table("fees")
    made = TapePlan(_name(table, meta.symbol), folder, plain(multiplier), fees(own, fees(usual, FeePlan())))
    _countable(table, "multiplier" if table.has("multiplier") else "tape", [(replace(made, fees=FeePlan()), meta)])
    for key in _PER_LOT:
        alone = FeePlan(**{key: getattr(made.fees, key)})
        _countable(own if own.has(key) else usual, key, [(replace(made, fees=alone), meta)])
    return made, meta


def _countable(table: Table, key: str, tapes: Sequence[tuple[TapePlan, TapeMeta]]) -> None:
    """Refuse money that cannot be counted in whole units."""
    ticks = [meta.instrument.tick * meta.instrument.lot * Decimal(plan.multiplier) for plan, meta in tapes]
    try:
        money_scale(ticks, [plan.fees for plan, _ in tapes])
    except ConfigError as error:
        table.fail(key, str(error))


def _agent(
    table: Table,
    days: dict[str, tuple[TapeMeta, Day]],
    beside: Path,
    find_model: FindModel | None,
    span: tuple[int | None, int | None],
) -> AgentPlan:
    table.only(_AGENT)
    name = _name(table, None)
    tape = table.text("tape", next(iter(days)) if len(days) == 1 else None)
    if tape not in days:
        table.fail("tape", f"there is no tape {tape[:80]!r} in this session{nearest(tape[:80], days)}")
    policy, signal = policy_of(table, beside, find_model), signal_of(table, beside, find_model)
    params = table.table("params")
    if policy in SETTINGS:
        params.only(tuple(SETTINGS[policy]))
    settings = {key: params.number(key, -1e18, 1e18) for key in params.values}
    if not policy.startswith("onnx:"):
        try:
            check_policy_name(policy)
            if policy in SETTINGS:
                checked(policy, settings, SETTINGS[policy])
        except ConfigError as error:
            table.fail("params" if settings and "setting" in str(error) else "policy", str(error))
    meta, day = days[tape]
    every = duration(table, "every", SECOND, 1_000, 3600 * SECOND)
    return AgentPlan(name, tape, policy, signal, every, orders(table, policy, meta, day, span), settings)


def _outages(root: Table, tapes: list[str], day: Day, span: tuple[int | None, int | None]) -> tuple[OutagePlan, ...]:
    """Losses of the connection to the venues, in order of time; those of one venue lie apart."""
    found: list[OutagePlan] = []
    for table in root.tables("outage", MOST_OUTAGES):
        table.only(("at", "for", "tape"))
        tape = table.text("tape", "")
        if tape and tape not in tapes:
            table.fail("tape", f"there is no tape {tape[:80]!r} in this session{nearest(tape[:80], tapes)}")
        start = moment(table, "at", day)
        if start is None:
            table.fail("at", "is missing: when is the connection lost?")
        first, last = (day.first if span[0] is None else span[0]), (day.last if span[1] is None else span[1])
        if not first <= start <= last:
            table.fail("at", "lies outside of the session")
        made = OutagePlan(start, start + duration(table, "for", None, 1_000), tape)
        for other in found:
            same = tape == other.tape or "" in (tape, other.tape)
            if same and made.start <= other.end and other.start <= made.end:
                table.fail("at", "begins or ends inside of another one of the same venue")
        found.append(made)
    return tuple(sorted(found, key=lambda outage: outage.start))


def _rung(table: Table) -> Rung:
    """R4, 4 or latency."""
    value = table.raw("rung")
    if isinstance(value, int) and not isinstance(value, bool):
        return Rung(table.whole("rung", 0, len(Rung) - 1))
    if value is not None and not isinstance(value, str):
        table.fail("rung", f"must be R0 to R5, 0 to 5, or one of {', '.join(rung.name.lower() for rung in Rung)}")
    words = {rung.name.lower(): rung for rung in Rung} | {f"R{rung.value}": rung for rung in Rung}
    words |= {f"r{rung.value}": rung for rung in Rung}
    return words[table.choice("rung", list(words), "R4")]


def _name(table: Table, default: str | None) -> str:
    found = table.text("name", default, _LONGEST_NAME)
    if not found.strip():
        table.fail("name", "is empty")
    return found


def _unique(table: Table, key: str, names: Sequence[str]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            table.fail(f"{key}", f"two have the name {name!r}; say `name` in one of them")
