"""Views over the tables, named after what they answer: names for codes, prices in ticks and in natural units.

Codes are spelled out in the view itself, not joined: a code that the program gains makes the file be made anew. Times
are ns UTC, and beside them, as `..._utc`, a time that can be read. A bound on a record's own columns (`order_id`,
`ts`, `decision`) reaches the tables, so that a question about one order reads little of a large journal.
"""

from core.enums import EventKind, Op, OrderFlag, OrderStatus, OrderType, Reason, TimeInForce, Trust
from core.records import NO_PRICE
from core.risk.controls import SPECS, Control
from sessions.audit.schema import OBSERVED
from sessions.audit.views_flow import flow_views
from sessions.audit.words import SIDE, WHO, controls, flags, named, natural, utc

#: Controls that judge the market data and the model behind an order.
STALE = (
    Control.DATA_AGE, Control.DATA_CROSSED, Control.DATA_GAP, Control.MODEL_AGE, Control.MODEL_BAD,
    Control.MODEL_LATENCY,
)  # fmt: skip


def _readable() -> dict[str, str]:
    """Each kind of record in words."""
    return {
        "v_decisions": f"""
            SELECT d.record, d.seq AS decision, d.ts, {utc("d.ts")} AS ts_utc, d.ts - d.ts_market AS data_age_ns,
                d.cursor, a.name AS agent, i.name AS instrument, IF(d.op = 0, 'nothing', {named("d.op", Op)}) AS op,
                {SIDE.format("d.side")} AS side, d.qty, d.qty * i.lot AS quantity,
                NULLIF(d.price, {NO_PRICE}) AS price_ticks, {natural("d.price")} AS price,
                {named("d.type", OrderType)} AS type, {named("d.tif", TimeInForce)} AS tif,
                {flags("d.flags", OrderFlag)} AS flags, d.order_id, d.parent, d.why, w.words AS why_words,
                d.signal, m.name AS model, m.sha256 AS model_sha256, d.feature, d.verdict,
                {named("d.reason", Reason)} AS reason
            FROM decisions d {WHO.format("d")} LEFT JOIN reasons w ON w.agent = d.agent AND w.code = d.why
            LEFT JOIN models m ON m.model = d.model""",
        "v_verdicts": f"""
            SELECT v.record, v.seq AS verdict, v.ts, {utc("v.ts")} AS ts_utc, v.decision, v.order_id,
                a.name AS agent, i.name AS instrument, {named("v.op", Op)} AS op, {SIDE.format("v.side")} AS side,
                v.version AS limit_version, v.breaches = 0 AS passed, {controls("v.breaches")} AS denied_by,
                {controls("v.passed90")} AS over_90,
                [{", ".join(f'v."{name}"' for name in OBSERVED)}] AS observed
            FROM verdicts v {WHO.format("v")}""",
        "v_orders": f"""
            SELECT o.record, o.order_id, o.decision, a.name AS agent, i.name AS instrument,
                {SIDE.format("o.side")} AS side, {named("o.type", OrderType)} AS type,
                {named("o.tif", TimeInForce)} AS tif, {flags("o.flags", OrderFlag)} AS flags, o.qty, o.filled,
                o.leaves, o.qty * i.lot AS quantity, NULLIF(o.price, {NO_PRICE}) AS price_ticks,
                {natural("o.price")} AS price, {named("o.status", OrderStatus)} AS status,
                {named("o.reason", Reason)} AS reason, o.ts_sent, {utc("o.ts_sent")} AS ts_sent_utc, o.ts_arrived,
                o.ts_done, {utc("o.ts_done")} AS ts_done_utc, o.ahead_entry, o.ahead, o.by_trades, o.by_cancels,
                o.low_filled, o.high_filled, o.parent
            FROM orders o {WHO.format("o")}""",
        "v_fills": f"""
            SELECT f.record, f.seq AS fill, f.ts, {utc("f.ts")} AS ts_utc, f.order_id, a.name AS agent,
                i.name AS instrument, {SIDE.format("f.side")} AS side, f.qty, f.qty * i.lot AS quantity,
                f.price AS price_ticks, {natural("f.price")} AS price, f.fee,
                f.fee / pow(10, i.money_digits) AS fee_money,
                IF(f.maker = 1, 'maker', 'taker') AS role, {natural("f.mid2")} / 2 AS mid,
                {flags("f.trust", Trust)} AS trust, f.ahead_entry, f.cursor, f.parent, f.shift
            FROM fills f {WHO.format("f")}""",
        "v_events": f"""
            SELECT e.record, e.seq AS event, e.ts, {utc("e.ts")} AS ts_utc, {named("e.kind", EventKind)} AS kind,
                {named("e.reason", Reason)} AS reason, e.order_id, e.decision, a.name AS agent,
                i.name AS instrument, {SIDE.format("e.side")} AS side, e.qty, e.detail,
                NULLIF(e.price, {NO_PRICE}) AS price_ticks, {natural("e.price")} AS price
            FROM events e {WHO.format("e")}""",
    }


def _passing(mask: str) -> str:
    """Verdicts whose mask has a bit, one row for each, with the limit that counted and who set it last."""
    money = "IF(c.unit = 'money', pow(10, s.money_digits), 1)"
    cells = ", ".join(f'v."{name}"' for name in OBSERVED)
    return f"""
        WITH s AS (SELECT max(money_digits) AS money_digits FROM instruments),
        hit AS (
            SELECT v.record, v.seq, v.ts, v.decision, v.order_id, v.version, v.agent, v.instrument, v.op, v.side,
                unnest(list_filter(range({len(SPECS)}), lambda k: (({mask}) >> k) & 1 = 1)) AS control,
                [{cells}] AS cells
            FROM verdicts v WHERE ({mask}) <> 0),
        bound AS (
            SELECT hit.*, l.value, l.scope FROM hit ASOF LEFT JOIN limits_in_force l
            ON l.agent = hit.agent AND l.instrument = hit.instrument AND l.control = hit.control
                AND hit.version >= l.version)
        SELECT b.record, b.seq AS verdict, b.ts, {utc("b.ts")} AS ts_utc, c.name AS control, a.name AS agent,
            i.name AS instrument, {named("b.op", Op)} AS op, {SIDE.format("b.side")} AS side, b.decision, b.order_id,
            b.cells[b.control + 1] / {money} AS observed, b.value AS limit_value,
            b.cells[b.control + 1] / {money} / b.value AS share, c.unit, b.scope, b.version AS limit_version,
            h.person AS changed_by, h.reason AS changed_why, h.since AS changed_ts, {utc("h.since")} AS changed_utc
        FROM bound b CROSS JOIN s LEFT JOIN controls c ON c.control = b.control {WHO.format("b")}
        ASOF LEFT JOIN (SELECT * FROM limits WHERE what = 'made') h
            ON h.control = c.name AND h.scope = b.scope AND b.version >= h.version"""


def _stale() -> str:
    """Orders that left although data or model were not fit: from what was observed and the limits, not the masks."""
    suspects = []
    for control in STALE:
        name, number = control.name.lower(), int(control)
        least = f"(SELECT min(value) FROM limits_in_force WHERE control = {number} AND NOT isnan(value))"
        unset = f"(SELECT coalesce(bool_or(isnan(value)), true) FROM limits_in_force WHERE control = {number})"
        suspects.append(
            f"SELECT record, seq, ts, decision, order_id, version, agent, instrument, op, {number} AS control, "
            f'"{name}" AS observed FROM verdicts WHERE isnan("{name}") OR "{name}" >= {least} OR {unset}'
        )
    return f"""
        WITH suspect AS ({" UNION ALL ".join(suspects)}),
        bound AS (
            SELECT x.*, l.value FROM suspect x ASOF LEFT JOIN limits_in_force l
            ON l.agent = x.agent AND l.instrument = x.instrument AND l.control = x.control AND x.version >= l.version)
        SELECT b.record, b.seq AS verdict, b.ts, {utc("b.ts")} AS ts_utc, c.name AS control, a.name AS agent,
            i.name AS instrument, {named("b.op", Op)} AS op, b.decision, d.order_id, b.observed, b.value AS limit_value
        FROM bound b JOIN decisions d ON d.seq = b.decision AND d.reason = 0 AND d.order_id > 0
        LEFT JOIN controls c ON c.control = b.control {WHO.format("b")}
        WHERE isnan(b.observed) OR b.value IS NULL OR isnan(b.value) OR b.observed >= b.value"""


def views() -> list[str]:
    """The statements that make the views, in order."""
    found = _readable() | {
        "v_denied": _passing("v.breaches"),
        "v_near": _passing("v.passed90 & ~v.breaches"),
        "v_stale": _stale(),
    }
    return [f"CREATE VIEW {name} AS {' '.join(text.split())}" for name, text in (found | flow_views()).items()]
