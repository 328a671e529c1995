"""A session file: TOML in, `core.plan.SessionPlan` out. Strict; what every key means stands in README.md."""

from collections.abc import Callable, Sequence
from pathlib import Path

from core.enums import Queue, Rung, Side
from core.errors import ConfigError, ModelError
from core.naming import nearest
from core.plan import AgentPlan, FeePlan, LatencyPlan, LimitPlan, ParentPlan, SessionPlan, TapePlan
from core.policies.registry import check_policy_name
from core.policies.settings import SETTINGS, checked
from core.risk.limits import default_limits, limit_set
from core.tape.folder import META, TapeMeta, read_meta
from sessions.plan_values import MINUTE, SECOND, Day, duration, in_words, latency, lots, moment, plain, ticks
from sessions.toml_table import Table, read_toml

MOST_TAPES, MOST_AGENTS, MOST_ORDERS = 64, 1_000, 10_000
_LONGEST_NAME = 64
_ROOT = (
    "name", "seed", "rung", "queue", "queue_model", "impact_model", "start", "end", "currency", "self_match", "budget",
    "soft_budget", "latency", "fees", "tape", "agent", "limits",
)  # fmt: skip
_FEES = ("maker_per_lot", "taker_per_lot", "maker_bps", "taker_bps")
_AGENT = ("name", "tape", "policy", "signal", "every", "params", "order")
_ORDER = ("side", "qty", "start", "end", "window", "limit", "urgency")
_SELF_MATCH = ("cancel-newest", "cancel-oldest", "cancel-both")

FindTape = Callable[[str], Path]
FindModel = Callable[[str], Path]


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
    usual = fees(root.table("fees"), FeePlan())
    found = [_tape(table, path.parent, find_tape, usual) for table in root.tables("tape", MOST_TAPES)]
    if not found:
        root.fail("tape", "there is none; name at least one under [[tape]]")
    plans, metas = [plan for plan, _ in found], [meta for _, meta in found]
    _unique(root, "tape", [plan.name for plan in plans])
    whole = Day(
        metas[0].timezone, metas[0].date, min(meta.first_ts for meta in metas), max(meta.last_ts for meta in metas)
    )
    start, end = moment(root, "start", whole), moment(root, "end", whole)
    _ordered(root, "end", start, end)
    _inside(root, start, end, whole)
    days = {plan.name: (meta, Day.of(meta)) for plan, meta in found}
    agents = [_agent(table, days, path.parent, find_model, (start, end)) for table in root.tables("agent", MOST_AGENTS)]
    _unique(root, "agent", [agent.name for agent in agents])
    pace = root.table("latency")
    pace.only(("feed", "order", "response"))
    budget = duration(root, "budget", 50_000_000, 1_000, 60 * SECOND) / 1e6
    return SessionPlan(
        name=_name(root, path.stem[:_LONGEST_NAME]),
        tapes=tuple(plans),
        agents=tuple(agents),
        limits=limits(root.table("limits"), [agent.name for agent in agents], [plan.name for plan in plans]),
        seed=root.whole("seed", 0, 2**63 - 1, 1),
        rung=_rung(root),
        queue=Queue[root.choice("queue", [q.name.lower() for q in Queue], "conserving").upper()],
        queue_model=root.text("queue_model", "pro-rata", 120),
        impact_model=root.text("impact_model", "propagator", 120),
        latency=LatencyPlan(latency(pace, "feed"), latency(pace, "order"), latency(pace, "response")),
        start=start,
        end=end,
        currency=root.text("currency", "", 12),
        self_match=root.choice("self_match", _SELF_MATCH, "cancel-newest"),
        budget_ms=budget,
        soft_ms=duration(root, "soft_budget", int(min(budget, 5.0) * 1e6), 1_000, int(budget * 1e6)) / 1e6,
    )


def fees(table: Table, usual: FeePlan) -> FeePlan:
    """What the venue charges: what the table says, else as usual."""
    table.only(_FEES)
    found = {}
    for key in _FEES:
        value = table.decimal(key, getattr(usual, key))
        if abs(value) > 1_000_000:
            table.fail(key, "must be from -1,000,000 to 1,000,000")
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


def _tape(table: Table, beside: Path, find_tape: FindTape, usual: FeePlan) -> tuple[TapePlan, TapeMeta]:
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
    charged = fees(table.table("fees"), usual)
    return TapePlan(_name(table, meta.symbol), folder, plain(multiplier), charged), meta


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
    policy, signal = (
        _model(table, key, usual, beside, find_model) for key, usual in (("policy", None), ("signal", ""))
    )
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
    orders = [_order(one, meta, day, span) for one in table.tables("order", MOST_ORDERS)]
    every = duration(table, "every", SECOND, 1_000, 3600 * SECOND)
    return AgentPlan(name, tape, policy, signal, every, tuple(orders), settings)


def _order(table: Table, meta: TapeMeta, day: Day, span: tuple[int | None, int | None]) -> ParentPlan:
    table.only(_ORDER)
    side = table.choice("side", ("buy", "sell"), "") if table.has("side") else table.text("side")
    start = moment(table, "start", day)
    if start is None:
        start = day.first if span[0] is None else max(span[0], day.first)
    end = moment(table, "end", day)
    if table.has("window"):
        if end is not None:
            table.fail("window", "say either a window or an end")
        end = start + duration(table, "window", None, 1_000_000)
    if end is None:
        end = day.last if span[1] is None else min(span[1], day.last)
    _inside(table, start, end, day)
    end = min(end, day.last)
    _ordered(table, "end" if table.has("end") else "start", start, end)
    return ParentPlan(
        side=Side.BID.value if side == "buy" else Side.ASK.value,
        qty=lots(table, "qty", meta.instrument),
        start=start,
        end=end,
        limit=ticks(table, "limit", meta.instrument) if table.has("limit") else None,
        urgency=table.number("urgency", 0.0, 1.0, 0.5),
    )


def _model(table: Table, key: str, default: str | None, beside: Path, find_model: FindModel | None) -> str:
    """A registered name, or onnx: and a file or a model that ships, whose path is made whole."""
    value = table.text(key, default)
    if not value.startswith("onnx:"):
        return value
    named = value.removeprefix("onnx:").strip()
    if not named:
        table.fail(key, "names no file after 'onnx:'")
    file = beside / named
    try:
        if not file.is_file():
            if find_model is None:
                table.fail(key, f"there is no file {file}")
            file = find_model(named)
    except ModelError as error:
        table.fail(key, str(error))
    except OSError as error:
        table.fail(key, f"{named[:80]!r} cannot be read: {error.strerror}")
    return f"onnx:{file.absolute()}"


def _rung(table: Table) -> Rung:
    """R4, 4 or latency."""
    value = table.raw("rung")
    if isinstance(value, int) and not isinstance(value, bool):
        return Rung(table.whole("rung", 0, len(Rung) - 1))
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


def _ordered(table: Table, key: str, start: int | None, end: int | None) -> None:
    if start is not None and end is not None and end <= start:
        table.fail(key, "the end is not after the start")


def _inside(table: Table, start: int | None, end: int | None, day: Day) -> None:
    """A minute more than the messages cover is taken: an opening or closing time rarely falls on one."""
    for key, ts in (("start", start), ("window" if table.has("window") else "end", end)):
        if ts is not None and not day.first - MINUTE <= ts <= day.last + MINUTE:
            early = ts < day.first
            away = in_words(abs(ts - (day.first if early else day.last)) // SECOND * SECOND)
            table.fail(key, f"is {away} {'before the first' if early else 'after the last'} message of the tape")
