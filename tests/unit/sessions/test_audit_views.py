"""The views agree with the records, by numbers made in numpy and never asked of DuckDB."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.enums import EventKind, Op, OperatorAct, Reason
from core.records import EVENT
from core.risk.controls import Control
from sessions.audit.connect import reading
from sessions.audit.rolling import peak
from sessions.journal.streams import section
from tests.oracle.journals import AGENTS, TAPES, Made, made, small

_SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return small(tmp_path_factory.mktemp("views") / "session", seed=3, blocks=12, turns=300)


@pytest.fixture(scope="module")
def ask(journal: Made) -> Iterator[Any]:
    with reading(journal.folder, journal.manifest) as opened:
        yield opened.connection.execute


#: Limit of order_qty by version and agent, as `small` changes it.
_ORDER_QTY = {1: {0: 1e4, 1: 1e4}, 2: {0: 40.0, 1: 1e4}, 3: {0: 30.0, 1: 30.0}, 4: {0: 40.0, 1: 1e4}}


def test_denied_names_the_control_the_limit_and_who_changed_it(journal: Made, ask: Any) -> None:
    sequence, _, v = journal.whole("verdicts")
    hit = v["breaches"] != 0
    assert hit.sum() > 10
    found = ask(
        "SELECT record, control, agent, observed, limit_value, changed_by FROM v_denied ORDER BY record"
    ).fetchall()
    assert [row[0] for row in found] == sequence[hit].tolist()
    for row, verdict in zip(found, v[hit], strict=True):
        limit = _ORDER_QTY[int(verdict["version"])][int(verdict["agent"])]
        assert row[1:5] == ("order_qty", AGENTS[verdict["agent"]], verdict["observed"][Control.ORDER_QTY], limit)
        untouched = verdict["version"] == 1 or (verdict["version"], verdict["agent"]) == (2, 1)
        assert row[5] == (None if untouched else "ann")


def test_near_is_what_was_close_and_passed(journal: Made, ask: Any) -> None:
    sequence, _, v = journal.whole("verdicts")
    close = (v["passed90"] != 0) & (v["breaches"] == 0)
    assert close.any()
    assert ask("SELECT record FROM v_near ORDER BY record").fetchall() == [(int(r),) for r in sequence[close]]


def test_why_and_chain_lead_from_a_decision_to_its_end(journal: Made, ask: Any) -> None:
    _, _, d = journal.whole("decisions")
    _, _, o = journal.whole("orders")
    made_here = d[(d["op"] == Op.NEW) & (d["order_id"] > 0)]
    for one in made_here[:: len(made_here) // 5]:
        number = int(one["order_id"])
        row = ask(f"SELECT decision, agent, instrument, price, passed, filled FROM v_why WHERE order_id = {number} "
                  "AND op = 'new'").fetchall()  # fmt: skip
        order = o[o["order_id"] == number][0]
        price = pytest.approx(one["price"] * 0.01)
        assert row == [(one["seq"], AGENTS[one["agent"]], TAPES[one["instrument"]], price, True, order["filled"])]
        chain = Counter(what for (what,) in ask(f"SELECT what FROM v_chain WHERE order_id = {number}").fetchall())
        expected = Counter({"decision": int((d["order_id"] == number).sum()), "order": 1, "event": 1})
        expected["verdict"] = int(((d["order_id"] == number) & (d["verdict"] >= 0)).sum())
        expected["fill"] = int((journal.whole("fills")[2]["order_id"] == number).sum())
        assert chain == +expected


def test_positions_at_any_time(journal: Made, ask: Any) -> None:
    _, _, f = journal.whole("fills")
    for ts in (int(f["ts"].min()) - 1, int(np.median(f["ts"])), int(f["ts"].max())):
        truth: Counter[tuple[str, str]] = Counter()
        for fill in f[f["ts"] <= ts]:
            truth[AGENTS[fill["agent"]], TAPES[fill["instrument"]]] += int(fill["side"]) * int(fill["qty"])
        query = (
            f"SELECT agent, instrument, arg_max(position, (ts, record)) FROM v_position WHERE ts <= {ts} GROUP BY ALL"
        )
        assert {(a, i): p for a, i, p in ask(query).fetchall()} == dict(truth)


def test_working_orders_at_any_time(journal: Made, ask: Any) -> None:
    _, _, o = journal.whole("orders")
    ts = int(o["ts_arrived"][len(o) // 2])
    truth = o["order_id"][(o["ts_arrived"] <= ts) & (o["ts_done"] > ts)]
    query = f"SELECT order_id FROM v_working WHERE ts_arrived <= {ts} AND (ts_done > {ts} OR ts_done IS NULL)"
    assert sorted(ask(query).fetchall()) == [(int(n),) for n in np.sort(truth)]
    assert len(truth)


def test_the_most_messages_in_any_second(journal: Made, ask: Any) -> None:
    _, _, d = journal.whole("decisions")
    sent = d[(d["op"] != 0) & (d["order_id"] > 0) & (d["reason"] == 0)]
    found = {
        row[0]: row[1:] for row in ask("SELECT agent, messages, most_in_a_second, most_ts FROM v_rates").fetchall()
    }
    for name, its in [("desk", sent), *((a, sent[sent["agent"] == k]) for k, a in enumerate(AGENTS))]:
        times = [int(t) for t in its["ts"]]
        slow = max(sum(now - _SECOND < t <= now for t in times) for now in times)
        count, when = peak(its["ts"].copy(), _SECOND)
        assert found[name][:2] == (len(its), slow) and count == slow
        assert sum(when - _SECOND < t <= when for t in times) == slow
        assert sum(found[name][2] - _SECOND < t <= found[name][2] for t in times) == slow
    assert peak(np.zeros(0, np.int64), _SECOND) == (0, 0)


def test_latency_by_stage_and_hour(journal: Made, ask: Any) -> None:
    _, _, o = journal.whole("orders")
    took = np.sort(o["ts_arrived"] - o["ts_sent"])
    rows = ask("SELECT sum(count), max(max_ns) FROM v_latency WHERE stage = 'order to venue'").fetchall()
    assert rows == [(len(o), int(took[-1]))]
    assert {stage for (stage,) in ask("SELECT stage FROM v_latency").fetchall()} == {
        "data to decision", "order to venue", "policy", "signal",
    }  # fmt: skip


def test_integrity_counts_every_record(journal: Made, ask: Any) -> None:
    rows = ask("SELECT what, found, expected, good FROM v_integrity").fetchall()
    assert all(row[3] for row in rows)
    assert ("last record", journal.log.at.records, journal.log.at.records, True) in rows


def test_nothing_is_orphaned_or_stale_here(ask: Any) -> None:
    assert ask("SELECT * FROM v_orphans").fetchall() == []
    assert ask("SELECT * FROM v_stale").fetchall() == []


def test_what_has_no_counterpart_is_named(tmp_path: Path) -> None:
    one = made(tmp_path / "session")
    parts = {each.stream.name: each for each in one.block(400)}
    decisions, orders, fills = (parts[name].records.copy() for name in ("decisions", "orders", "fills"))
    events, verdicts = parts["events"].records.copy(), parts["verdicts"].records.copy()
    lost, unheard = int(orders["order_id"][0]), int(orders["order_id"][1])
    gone = int(verdicts["seq"][3])
    fills[0]["order_id"] = 99_999
    stale = int(np.flatnonzero((verdicts["op"] == Op.NEW) & (verdicts["breaches"] == 0))[-1])
    verdicts[stale]["observed"][Control.DATA_AGE] = 31.0  # the limit is 30
    verdicts[stale]["observed"][Control.MODEL_BAD] = 1.0
    one.write([
        section("decisions", decisions), section("verdicts", np.delete(verdicts, 3)), section("orders", orders[1:]),
        section("fills", fills), section("events", events[events["order_id"] != unheard]),
    ])  # fmt: skip
    with reading(one.folder, one.manifest) as opened:
        ask = opened.connection.execute
        found = ask("SELECT what, order_id, decision FROM v_orphans").fetchall()
        by = {what: (order, decision) for what, order, decision in found}
        assert len(found) == len(by) == 4
        assert by["order without an end"][0] == lost
        assert by["order without an acknowledgement"][0] == unheard
        assert by["fill without an order"] == (99_999, None)
        assert by["decision without a verdict"][1] == int(decisions["seq"][decisions["verdict"] == gone][0])
        late = ask("SELECT control, observed, verdict FROM v_stale ORDER BY control").fetchall()
        assert late == [("data_age", 31.0, verdicts[stale]["seq"]), ("model_bad", 1.0, verdicts[stale]["seq"])]


def test_acts_of_a_person_and_the_time_to_the_last_cancel(tmp_path: Path) -> None:
    one = made(tmp_path / "session")
    one.write(one.act(OperatorAct.KILL))
    events = np.zeros(3, EVENT)
    events["ts"], events["kind"] = one.clock + np.array([5, 9, 7]), EventKind.CANCELED
    events["reason"] = [Reason.KILL, Reason.KILL, Reason.REQUESTED]
    one.write([section("events", events), *one.act(OperatorAct.REARM), *one.change("desk", "order_qty", 5.0)])
    with reading(one.folder, one.manifest) as opened:
        rows = opened.connection.execute(
            "SELECT act, person, reason, cancels, last_cancel_ns FROM v_operator ORDER BY record"
        ).fetchall()
    assert rows == [
        ("kill in force", "ann", "yesterday", 0, None), ("kill", "bob", "because", 2, 9),
        ("rearm", "bob", "because", 0, None), ("limit made", "ann", "a reason", 0, None),
    ]  # fmt: skip


def test_an_order_that_is_still_alive_works(tmp_path: Path) -> None:
    one = made(tmp_path / "session")
    parts = one.block(50)
    one.write([each for each in parts if each.stream.name in ("decisions", "verdicts", "events")])
    with reading(one.folder, one.manifest) as opened:
        rows = opened.connection.execute("SELECT order_id, status, ts_done FROM v_working ORDER BY order_id").fetchall()
    assert rows == [(k, "working", None) for k in range(1, one.orders + 1)]
