"""Views that follow things through a session: orders, positions, acts of a person, rates, latencies, completeness."""

from core.enums import EventKind, Op, OrderStatus, Reason, Stage
from core.risk.controls import Control
from sessions.audit.schema import TABLES
from sessions.audit.words import SIDE, WHO, named, natural, utc

_CANCELS = (int(Reason.KILL), int(Reason.CANCEL_ALL), int(Reason.FLATTEN))
#: An order that the gate let pass, or a change or an end of one that left.
_SENT = "order_id > 0 AND reason = 0"
_NEW = f"op = {int(Op.NEW)} AND {_SENT}"
_SECOND, _HOUR = 1_000_000_000, 3_600_000_000_000


def _why() -> str:
    """From a decision to what came of it, one row a decision."""
    return """
        SELECT d.*, v.limit_version, v.passed, v.denied_by, v.over_90, v.observed, o.status AS order_status,
            o.reason AS order_end, o.filled, o.ts_arrived, o.ts_done, o.ahead_entry
        FROM v_decisions d LEFT JOIN v_verdicts v ON v.verdict = d.verdict
        LEFT JOIN v_orders o ON o.order_id = d.order_id AND d.order_id > 0"""


def _chain() -> str:
    """Everything that is recorded of an order, one row a record; read it by `order_id`, in the order of `record`.

    A new order that was denied is none: the verdict on it has the id that the next one gets.
    """
    return f"""
        SELECT order_id, record, ts, {utc("ts")} AS ts_utc, 'decision' AS what, op AS name, reason, qty, price, decision
        FROM v_decisions
        UNION ALL SELECT order_id, record, ts, ts_utc, 'verdict', IF(passed, 'passed', 'denied'),
            array_to_string(denied_by, ' '), NULL, NULL, decision FROM v_verdicts WHERE passed OR op <> 'new'
        UNION ALL SELECT order_id, record, ts, ts_utc, 'event', kind, reason, qty, price, decision FROM v_events
        UNION ALL SELECT order_id, record, ts, ts_utc, 'fill', role, trust, qty, price, NULL FROM v_fills
        UNION ALL SELECT order_id, record, ts_done, ts_done_utc, 'order', status, reason, filled, price, decision
        FROM v_orders"""


def _position() -> str:
    """Positions after each fill: the last row up to a time is the position then."""
    return f"""
        SELECT f.record, f.ts, {utc("f.ts")} AS ts_utc, a.name AS agent, i.name AS instrument,
            sum(f.side * f.qty) OVER (PARTITION BY f.agent, f.instrument ORDER BY f.ts, f.record) AS position,
            sum(f.fee) OVER (PARTITION BY f.agent, f.instrument ORDER BY f.ts, f.record) AS fees,
            f.order_id, f.seq AS fill
        FROM fills f {WHO.format("f")}"""


def _working() -> str:
    """From when to when each order was at the venue; NULL: it still is. Read it by `ts_arrived` and `ts_done`."""
    return f"""
        SELECT x.order_id, a.name AS agent, i.name AS instrument, {SIDE.format("x.side")} AS side, x.qty, x.filled,
            {natural("x.price")} AS price, x.ts_sent, x.ts_arrived, x.ts_done, x.status
        FROM (
            SELECT order_id, agent, instrument, side, qty, filled, price, ts_sent, ts_arrived, ts_done,
                {named("status", OrderStatus)} AS status
            FROM orders
            UNION ALL
            SELECT d.order_id, d.agent, d.instrument, d.side, d.qty,
                coalesce((SELECT sum(f.qty) FROM fills f WHERE f.order_id = d.order_id), 0), d.price, d.ts,
                (SELECT min(e.ts) FROM events e WHERE e.order_id = d.order_id AND e.kind = {int(EventKind.ACK)}), NULL,
                'working'
            FROM (SELECT * FROM decisions WHERE {_NEW}) d ANTI JOIN orders o ON o.order_id = d.order_id
        ) x {WHO.format("x")}"""


def _orphans() -> str:
    """What has no counterpart; none of these may be there, but for orders without an end while a session goes on."""
    acknowledged = f"(SELECT order_id FROM events WHERE kind IN ({int(EventKind.ACK)}, {int(EventKind.REJECT)}))"
    sent = f"(SELECT seq, record, ts, order_id FROM decisions WHERE {_NEW})"
    judged = f"(SELECT * FROM decisions WHERE verdict >= 0 OR op IN ({int(Op.NEW)}, {int(Op.REPLACE)}) AND {_SENT})"

    def either(what: str, other: str, mine: str, yours: str) -> str:
        return f"IF({mine} IS NULL, '{other}', '{what}') AS what, coalesce({mine}, {yours})"

    return f"""
        SELECT {either("order without an end", "order without a decision", "s.record", "o.record")} AS record,
            coalesce(s.ts, o.ts_sent) AS ts, coalesce(s.order_id, o.order_id) AS order_id,
            coalesce(s.seq, o.decision) AS decision
        FROM {sent} s FULL JOIN orders o ON o.order_id = s.order_id AND o.decision = s.seq
        WHERE s.record IS NULL OR o.record IS NULL
        UNION ALL SELECT {either("decision without a verdict", "verdict without a decision", "d.record", "v.record")},
            coalesce(d.ts, v.ts), coalesce(d.order_id, v.order_id), coalesce(d.seq, v.decision)
        FROM {judged} d FULL JOIN verdicts v ON v.seq = d.verdict AND v.decision = d.seq
        WHERE d.record IS NULL OR v.record IS NULL
        UNION ALL SELECT 'order without an acknowledgement', o.record, o.ts_sent, o.order_id, o.decision
        FROM orders o ANTI JOIN {acknowledged} e ON e.order_id = o.order_id WHERE o.ts_arrived <= o.ts_done
        UNION ALL SELECT 'fill without an order', f.record, f.ts, f.order_id, NULL
        FROM fills f ANTI JOIN {sent} s ON s.order_id = f.order_id"""


def _operator() -> str:
    """Everything a person did: acts, limits and the kills that were in force at the start."""
    return f"""
        WITH acts AS (SELECT *, lead(record) OVER (ORDER BY record) AS next FROM operator_actions),
        ends AS (
            SELECT o.record, max(e.ts) AS last_cancel, count(*) AS cancels
            FROM acts o JOIN (
                SELECT record, ts FROM events
                WHERE kind = {int(EventKind.CANCELED)} AND reason IN ({", ".join(map(str, _CANCELS))})) e
            ON e.record > o.record AND e.record < coalesce(o.next, {2**63 - 1})
            WHERE o.act IN ('kill', 'cancel_all', 'flatten') GROUP BY o.record)
        SELECT o.record, o.ts, {utc("o.ts")} AS ts_utc, o.act, o.agent, o.order_id, o.scope, o.control, o.value,
            o.expires, o.person, o.reason, o.failed, coalesce(x.cancels, 0) AS cancels,
            x.last_cancel - o.ts AS last_cancel_ns
        FROM acts o LEFT JOIN ends x ON x.record = o.record
        UNION ALL SELECT record, coalesce(ts, since), {utc("coalesce(ts, since)")}, 'limit ' || what, NULL, NULL, scope,
            control, after, expires, person, reason, NULL, 0, NULL
        FROM limits WHERE what <> 'plan'
        UNION ALL SELECT -1, ts, {utc("ts")}, 'kill in force', NULL, NULL, scope, NULL, NULL, NULL, person, reason,
            NULL, 0, NULL
        FROM kills"""


def _rates() -> str:
    """Messages sent, the most in any one second, and orders to trades: each agent's, and the desk's.

    A message counts from its time until a second later: a running sum of comings and goings. A window over a RANGE
    of time takes 15 times as long.
    """
    order = "ORDER BY ts, d ROWS UNBOUNDED PRECEDING"

    def of(control: Control) -> str:
        return f"(SELECT min(value) FROM limits_in_force l WHERE l.control = {int(control)} AND {{}})"

    own, desk = of(Control.MESSAGE_RATE).format("l.agent = r.agent"), of(Control.DESK_MESSAGE_RATE).format("true")
    ratio = of(Control.ORDER_TO_TRADE).format("l.agent = r.agent")
    return f"""
        WITH sent AS (SELECT agent, ts, op FROM decisions WHERE op <> 0 AND {_SENT}),
        steps AS (
            SELECT agent, ts, 1 AS d, op = {int(Op.NEW)} AS opens FROM sent
            UNION ALL SELECT agent, ts + {_SECOND}, -1, false FROM sent),
        own AS (SELECT *, sum(d) OVER (PARTITION BY agent {order}) AS n FROM steps),
        whole AS (SELECT *, sum(d) OVER ({order}) AS n FROM steps),
        rows AS (
            SELECT agent, count(*) // 2 AS messages, sum(opens) AS orders, max(n) AS most, arg_max(ts, n) AS most_ts
            FROM own GROUP BY agent
            UNION ALL SELECT NULL, count(*) // 2, sum(opens), max(n), arg_max(ts, n) FROM whole HAVING count(*) > 0),
        traded AS (SELECT agent, count(*) AS fills FROM fills GROUP BY agent)
        SELECT coalesce(a.name, 'desk') AS agent, r.messages, r.orders, r.most AS most_in_a_second,
            r.most_ts, {utc("r.most_ts")} AS most_utc, IF(r.agent IS NULL, {desk}, {own}) AS rate_limit,
            coalesce(t.fills, IF(r.agent IS NULL, (SELECT sum(fills) FROM traded), 0), 0) AS fills,
            r.messages / greatest(1, coalesce(t.fills, IF(r.agent IS NULL, (SELECT sum(fills) FROM traded), 0), 0))
                AS order_to_trade,
            IF(r.agent IS NULL, NULL, {ratio}) AS order_to_trade_limit
        FROM rows r LEFT JOIN agents a ON a.agent = r.agent LEFT JOIN traded t ON t.agent = r.agent"""


def _latency() -> str:
    """How long things took, by stage and hour (UTC) of the market's clock. The first and last are market time."""
    return f"""
        WITH taken AS (
            SELECT 'data to decision' AS stage, 'market' AS clock, ts, ts - ts_market AS ns FROM decisions
            UNION ALL SELECT {named("stage", Stage)}, 'wall', ts, ns FROM latencies
            UNION ALL SELECT 'order to venue', 'market', ts_sent, ts_arrived - ts_sent FROM orders WHERE ts_arrived > 0)
        SELECT stage, clock, ts // {_HOUR} * {_HOUR} AS hour_ts, {utc(f"ts // {_HOUR} * {_HOUR}")} AS hour_utc,
            count(*) AS count, quantile_disc(ns, 0.5) AS p50_ns, quantile_disc(ns, 0.99) AS p99_ns, max(ns) AS max_ns
        FROM taken GROUP BY ALL"""


def _integrity() -> str:
    """Whether every record of the log is a row, and whether any sequence has a gap. The chain: `audit verify`."""
    rows = " UNION ALL ".join(
        f"SELECT '{table}' AS name, count(*) AS n, min(record) AS low, max(record) AS high FROM {table}"
        for table in (*TABLES.values(), "notes")
    )
    gapless = " UNION ALL ".join(
        f"SELECT '{table}: sequence' AS what, count(*) AS found, coalesce(max({number}) + 1, 0) FROM {table}"
        for table, number in (("decisions", "seq"), ("verdicts", "seq"), ("features", '"row"'))
    )
    return f"""
        WITH rows AS ({rows})
        SELECT what, found, expected, found = expected AS good FROM (
            SELECT 'every record is a row' AS what, sum(n) AS found, (SELECT records FROM projection) AS expected
            FROM rows
            UNION ALL SELECT 'last record', coalesce(max(high) + 1, 0), (SELECT records FROM projection) FROM rows
            UNION ALL {gapless})"""


def flow_views() -> dict[str, str]:
    """Name and query of each, in an order in which they can be made."""
    return {
        "v_why": _why(), "v_chain": _chain(), "v_position": _position(), "v_working": _working(),
        "v_orphans": _orphans(), "v_operator": _operator(), "v_rates": _rates(), "v_latency": _latency(),
        "v_integrity": _integrity(),
    }  # fmt: skip
