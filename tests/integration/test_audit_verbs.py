"""Every audit verb against a truth that was computed from the log without DuckDB."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from core.account.money import money_scale
from core.desk.deeds import Act
from core.enums import EventKind, Op, OperatorAct, Rung
from core.features.spec import SPEC
from core.plan import AgentPlan, LatencyModel, LatencyPlan
from core.risk.controls import Control
from core.tape.tape import Tape
from models.loading import load_models
from sessions.recording import State
from tests.console import Console, Inside, assert_one_line
from tests.oracle import audited
from tests.oracle.audited import Truth, truth
from tests.oracle.journaled import SECOND, ZOO, begin, plan, recorded, rewritten, some_acts
from tests.oracle.venue_plans import synthetic

pytestmark = [pytest.mark.jit_only, pytest.mark.xdist_group("audit-verbs")]
QUESTIONS = ("denied", "orphans", "stale", "operator", "rates", "latency", "near", "report")


@dataclass(frozen=True, slots=True)
class Kept:
    """A session in the home that the verbs use, and what is true of it."""

    home: Path
    folder: Path
    truth: Truth
    tape: Tape

    @property
    def span(self) -> tuple[int, int]:
        """First and last ns of the tape."""
        return self.tape.meta.first_ts, self.tape.meta.last_ts

    @property
    def agents(self) -> list[str]:
        """Names."""
        return [str(agent["name"]) for agent in self.truth.manifest.fields["agents"]]


@pytest.fixture(scope="session")
def kept(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Four agents, one of them with a model, limits that bite, and a person who does everything."""
    tape = synthetic(tmp_path_factory.mktemp("audit-tape"), 3, 8_000)
    wait = LatencyModel("lognormal", 30_000_000, 0.5)
    reader = AgentPlan(
        "reader", "t0", "quote", signal=f"onnx:{ZOO / 'touch_signal.onnx'}", every=5 * SECOND, params={"size": 4.0}
    )
    session = plan(
        8, [tape], reader, rung=Rung.LATENCY, latency=LatencyPlan(LatencyModel("constant", 100_000), wait, wait)
    )
    session.limits.scopes["desk"]["order_qty"] = 6.0  # type: ignore[index]
    folder = recorded(session, home, some_acts(tape, 4), load_models(session, Path(), 60 * SECOND))
    (home / "risk" / "kill.json").unlink(missing_ok=True)  # a kill stands in all later sessions of a home
    return Kept(home, folder, truth(folder), tape)


@pytest.fixture
def inside(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """The entry point here: it ends the process at once where a thread of a recorded session's model still waits."""
    monkeypatch.setattr("app.cli.leave", sys.exit)
    return inside


@pytest.fixture
def ask(inside: Inside, kept: Kept) -> Callable[..., dict[str, Any]]:
    """An audit verb with --json on that session."""

    def asked(*words: str, code: int = 0) -> dict[str, Any]:
        found = inside("audit", *words, "--session", kept.folder.name, "--json")
        assert found.code == code, found.err
        return found.record

    return asked


def test_the_session_is_worth_asking_about(kept: Kept) -> None:
    """All that the questions are about happens in it."""
    assert len(kept.truth["fills"]) > 30
    assert len(kept.truth["readings"]) > 50
    assert audited.denials(kept.truth)
    assert audited.near(kept.truth)
    assert {EventKind.REPLACED, EventKind.CANCELED, EventKind.ACK} <= set(kept.truth["events"]["kind"].tolist())


# --- the ten questions ------------------------------------------------------------------------


def test_at_tells_positions_orders_and_money_at_any_nanosecond(ask: Callable[..., Any], kept: Kept) -> None:
    found, (first, last) = kept.truth, kept.span
    fills, events = found["fills"]["ts"], found["events"]["ts"]
    rng = np.random.default_rng(1)
    moments = [first - 1, last + 3600 * SECOND, *rng.integers(first, last, 6).tolist()]
    moments += [int(fills[len(fills) // 2]), int(fills[len(fills) // 2]) - 1, int(events[len(events) // 3]) - 1]
    value = int(money_scale_of(kept))
    unit = 10.0 ** -int(found.manifest.fields["money_digits"])
    lived = 0
    for ts in moments:
        if not 10**12 < ts < 10**19:
            continue
        said = ask("at", str(ts))
        assert said["ts"] == ts
        held = {k: n for (k, _), n in audited.positions(found, ts).items()}
        told = {row["agent"]: row for row in said["positions"]}
        assert {a: row["position"] for a, row in told.items() if a != "desk" and row["fills"]} == {
            kept.agents[k]: n for k, n in held.items()
        }
        orders = audited.working(found, ts)
        lived += len(orders)
        assert {row["order_id"]: (row["leaves"], row["price"], row["state"]) for row in said["orders"]} == orders
        mark = audited.mark2(found, ts)
        assert said["marks"][0]["mid2"] == mark
        for k, money in audited.cash(found, ts, value).items():
            row = told[kept.agents[k]]
            assert row["cash"] == pytest.approx(money * unit, abs=1e-9)
            if mark is not None:
                assert row["value"] == pytest.approx(held[k] * mark * value / 2 * unit, abs=1e-9)
                assert row["pnl"] == pytest.approx((money + held[k] * mark * value / 2) * unit, abs=1e-6)
        if told:
            assert told["desk"]["position"] == sum(held.values())
            assert told["desk"]["working_buy"] + told["desk"]["working_sell"] == sum(o[0] for o in orders.values())
    assert lived > 5


def money_scale_of(kept: Kept) -> int:
    """Money units of one tick of one lot."""
    from decimal import Decimal

    fields = kept.truth.manifest.fields
    tape = fields["tapes"][0]
    worth = Decimal(tape["tick"]) * Decimal(tape["lot"])
    digits = int(fields["money_digits"])
    assert int(money_scale([worth], []).digits) <= digits
    return int(worth.scaleb(digits))


def test_denied_counts_every_control_in_any_span(ask: Callable[..., Any], kept: Kept) -> None:
    found, (first, last) = kept.truth, kept.span
    everything = {(row["control"], row["agent"]): row["denied"] for row in ask("denied")["by_control"]}
    assert everything == {(name, kept.agents[k]): n for (name, k), n in audited.denials(found).items()}
    begin, end = first + (last - first) // 4, first + (last - first) // 2
    part = ask("denied", "--control", "order_qty", "--from", str(begin), "--to", str(end))
    wanted = {k: n for (name, k), n in audited.denials(found, begin, end).items() if name == "order_qty"}
    assert {row["agent"]: row["denied"] for row in part["by_control"]} == {kept.agents[k]: n for k, n in wanted.items()}
    assert part["denials"] == [] or part["denials"][0]["observed"] >= part["denials"][0]["limit"]
    numbers = dict(zip(found.streams["verdicts"].number.tolist(), found["verdicts"], strict=True))
    for row in part["denials"]:
        assert row["observed"] == numbers[row["record"]]["observed"][Control.ORDER_QTY]


def test_denied_says_who_changed_a_limit_last_and_shows_the_limit_that_counted(
    ask: Callable[..., Any], kept: Kept
) -> None:
    said = ask("denied", "--control", "order_qty")
    made = [(n, change) for n, text in kept.truth.texts["limits"] for change in text["made"]]
    assert made, "the person changed it"
    assert said["last_changed_by"] == "eva"
    assert {row["what"] for row in said["changes"]} == {"plan", "made", "expired"}
    versions = {text["version"]: bool(text["made"]) for _, text in kept.truth.texts["limits"]}
    for row in said["denials"]:
        assert row["limit"] == (3.0 if versions.get(row["version"]) else 6.0)


def test_near_names_each_order_that_passed_close_to_a_limit(ask: Callable[..., Any], kept: Kept) -> None:
    said = ask("near")
    assert sorted((row["record"], row["control"]) for row in said["near"]) == sorted(audited.near(kept.truth))
    for row in said["near"]:
        assert 0.9 <= row["share"] < 1.0 or row["limit"] is None


def test_rates_are_those_of_the_log(ask: Callable[..., Any], kept: Kept) -> None:
    said = {row["agent"]: row for row in ask("rates")["rates"]}
    assert set(said) == {*kept.agents, "desk"}
    for k, name in enumerate(kept.agents):
        wanted = audited.counted(kept.truth, k)
        assert {key: said[name][key] for key in wanted} == wanted
        assert said[name]["peak"] == audited.peak(kept.truth, k)
        assert said[name]["peak_cancels"] == audited.peak(kept.truth, k, (int(Op.CANCEL), int(Op.REPLACE)))
        assert said[name]["order_to_trade"] == pytest.approx(wanted["messages"] / max(wanted["fills"], 1))
        assert said[name]["peak_limit"] == 50
    assert said["desk"]["peak"] == audited.peak(kept.truth, None)


def test_latency_by_stage_and_hour(ask: Callable[..., Any], kept: Kept) -> None:
    said = {(row["stage"], row["hour"]): row for row in ask("latency")["latency"]}
    zone = ZoneInfo(kept.truth.manifest.fields["tapes"][0]["timezone"])
    d, w = kept.truth["decisions"], kept.truth["latencies"]
    measured = {"data": (d["ts"], d["ts"] - d["ts_market"]), "signal": (w["ts"], w["ns"])}
    signal = w["stage"] == 1
    measured["signal"] = (w["ts"][signal], w["ns"][signal])
    for stage, (ts, ns) in measured.items():
        hours = ts // (3600 * SECOND)
        assert len(hours), stage
        for hour in np.unique(hours):
            text = f"{datetime.fromtimestamp(int(hour) * 3600, zone):%H:%M}"
            row, part = said[stage, text], ns[hours == hour]
            assert (row["count"], row["least"], row["most"]) == (len(part), part.min(), part.max())
            for share in (0.5, 0.9, 0.99):
                near_by = {audited.nearest_rank(part, s) for s in (share - 1 / len(part), share, share + 1 / len(part))}
                low, high = min(near_by), max(near_by)
                assert low <= row[f"p{round(share * 100)}"] <= high


def test_operator_has_every_act_its_person_its_reason_and_its_cancels(ask: Callable[..., Any], kept: Kept) -> None:
    said = ask("operator")
    acts = [(n, text) for n, text in kept.truth.texts["acts"] if "act" in text]
    refused = {n - 1 for n, text in kept.truth.texts["acts"] if "failed" in text}
    told = {row["record"]: row for row in said["acts"]}
    for n, text in acts:
        if text["act"]["what"] == "limits" and n not in refused:
            continue
        assert told[n]["what"] == text["act"]["what"]
        assert (told[n]["person"], told[n]["reason"]) == (text["act"]["person"], text["act"]["reason"])
        assert bool(told[n]["refused"]) == (n in refused)
    assert said["kills"] == sum(text["act"]["what"] == "kill" for _, text in acts)
    assert said["refused"] == len(refused) > 0
    assert said["overrides"] == 1
    whats = [row["what"] for row in said["acts"]]
    assert whats.count("override made") == 1
    assert whats.count("override expired") == 1
    events, numbers = kept.truth["events"], kept.truth.streams["events"].number
    marks = [n for n, _ in acts] + [1 << 62]
    for (n, text), following in zip(acts, marks[1:], strict=True):
        if text["act"]["what"] == "kill":
            its = (numbers > n) & (numbers < following) & (events["kind"] == EventKind.CANCELED)
            its &= events["reason"] == 13
            assert told[n]["cancelled"] == its.sum()
            wanted = max(int(events["ts"][its].max()) - text["ts"], 0) if its.any() else None
            assert told[n]["last_cancel_ns"] == wanted


def test_nothing_is_loose_and_nothing_was_stale(ask: Callable[..., Any], kept: Kept) -> None:
    said = ask("orphans")
    assert (said["orphans"], said["complete"]) == ([], True)
    said = ask("stale")
    assert said["stale"] == said["unwell"] == []
    d = kept.truth["decisions"]
    assert said["orders_judged"] == ((d["reason"] == 0) & np.isin(d["op"], (1, 3))).sum()


def test_why_prints_the_whole_chain_of_an_order(ask: Callable[..., Any], kept: Kept) -> None:
    d, number = kept.truth["decisions"], kept.truth.streams["decisions"].number
    reader = kept.agents.index("reader")
    place = int(np.flatnonzero((d["agent"] == reader) & (d["op"] == 1) & (d["reason"] == 0) & (d["feature"] >= 0))[3])
    order = int(d["order_id"][place])
    said = ask("why", str(order))
    assert (said["decision"]["record"], said["decision"]["seq"]) == (number[place], d["seq"][place])
    assert said["decision"]["came_to"] == "sent"
    assert said["market"]["age_ns"] == d["ts"][place] - d["ts_market"][place]
    row = kept.truth["readings"][d["feature"][place]]
    assert [f["feature"] for f in said["features"]] == list(SPEC.names)
    assert [f["value"] for f in said["features"]] == [float(v) if np.isfinite(v) else None for v in row]
    model = kept.truth.manifest.fields["models"][0]
    assert said["model"]["sha256"] == model["sha256"]
    assert said["model"]["output"] == pytest.approx(float(d["signal"][place]))
    verdict = kept.truth["verdicts"][int(np.flatnonzero(kept.truth["verdicts"]["seq"] == d["verdict"][place])[0])]
    assert said["verdict"]["seq"] == verdict["seq"]
    assert len(said["controls"]) == len(Control)
    for control, told in zip(Control, said["controls"], strict=True):
        assert told["control"] == control.name.lower()
        if told["unit"] != "money":
            assert told["observed"] == float(verdict["observed"][control])
    events, fills = kept.truth["events"], kept.truth["fills"]
    steps = [row["step"] for row in said["chain"]]
    assert steps[:2] == ["decision new", "verdict"]
    assert sum(s == "fill" for s in steps) == (fills["order_id"] == order).sum()
    happened = [EventKind(k).name.lower() for k in events["kind"][events["order_id"] == order]]
    assert sorted(s for s in steps if s in set(happened)) == sorted(happened)
    over = kept.truth["orders"][kept.truth["orders"]["order_id"] == order][0]
    assert (said["queue"]["ahead_entry"], said["queue"]["by_trades"]) == (over["ahead_entry"], over["by_trades"])
    assert said["outcome"]["filled"] == over["filled"]


def test_why_takes_a_fill_a_denied_decision_and_a_persons_order(ask: Callable[..., Any], kept: Kept) -> None:
    fill = kept.truth["fills"][7]
    said = ask("why", f"fill:{int(fill['seq'])}")
    assert said["order"] == fill["order_id"]
    assert said["fill"] == fill["seq"]
    assert ask("why", f"fill:t0/{int(fill['seq'])}")["order"] == fill["order_id"]
    d = kept.truth["decisions"]
    denied = d[(d["reason"] == 12) & (d["op"] == 1)][0]
    said = ask("why", f"decision:{int(denied['seq'])}")
    assert said["outcome"] == {"status": "gate", "filled": 0}
    assert said["verdict"]["breaches"]
    assert said["order"] is None
    people = d[(d["flags"] & 8 != 0) & (d["op"] == 1)]
    assert len(people)
    said = ask("why", f"decision:{int(people[0]['seq'])}")
    assert said["act"]["act"] in ("order", "flatten")


# --- what is loose is found ---------------------------------------------------------------------


def without(stream: str, pick: Callable[[NDArray[Any]], NDArray[np.bool_]]) -> Callable[..., Any]:
    """A change of a log: the first record picked is gone."""
    done: list[bool] = []

    def change(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        hits = np.flatnonzero(pick(records)) if name == stream and not done else np.zeros(0, int)
        if not len(hits):
            return records
        done.append(True)
        return np.delete(records, hits[0])

    return change


def altered(
    stream: str, pick: Callable[[NDArray[Any]], NDArray[np.bool_]], field: str, value: Any
) -> Callable[..., Any]:
    """A change of a log: a field of the first record picked is something else."""
    done: list[bool] = []

    def change(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        hits = np.flatnonzero(pick(records)) if name == stream and not done else np.zeros(0, int)
        if len(hits):
            done.append(True)
            if isinstance(value, tuple):
                records[field][hits[0], value[0]] = value[1]
            else:
                records[field][hits[0]] = value
        return records

    return change


def sent(d: NDArray[Any]) -> NDArray[np.bool_]:
    """Orders that were sent."""
    found: NDArray[np.bool_] = (d["op"] == 1) & (d["reason"] == 0)
    return found


def anything(records: NDArray[Any]) -> NDArray[np.bool_]:
    """All of them."""
    return np.ones(len(records), np.bool_)


LOOSE: dict[str, Callable[..., Any]] = {
    "decision_without_verdict": without("verdicts", lambda v: v["breaches"] == 0),
    "decision_without_order": altered("decisions", sent, "order_id", 0),
    "verdict_without_decision": altered("decisions", sent, "verdict", -1),
    "decision_missing": without("decisions", lambda d: d["op"] == 0),
    "order_without_ack": without("events", lambda e: e["kind"] == EventKind.ACK),
    "order_without_end": without("orders", anything),
    "fill_without_order": altered("fills", anything, "order_id", 999_999),
    "event_without_order": altered("events", lambda e: e["kind"] == EventKind.ACK, "order_id", 999_999),
    "fills_do_not_add_up": altered("fills", lambda f: f["qty"] > 0, "qty", 12_345),
    "denied_yet_sent": altered("verdicts", lambda v: v["breaches"] == 0, "breaches", 1 << Control.POSITION),
}


@pytest.fixture
def tampered(kept: Kept, tmp_path: Path) -> Callable[[Callable[..., Any]], Path]:
    """A copy of the session, its log written anew with something changed."""

    def made(change: Callable[..., Any]) -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(kept.folder, folder, ignore=shutil.ignore_patterns("*.duckdb*", "*.lock"))
        rewritten(folder, change)
        return folder

    return made


@pytest.mark.parametrize("kind", LOOSE)
def test_whatever_is_loose_is_named(kind: str, tampered: Callable[..., Path], inside: Inside) -> None:
    found = inside("audit", "orphans", "--session", tampered(LOOSE[kind]), "--json")
    assert found.code == 1
    assert "orphans" in found.err
    assert kind in {row["orphan"] for row in found.record["orphans"]}


@pytest.mark.parametrize(
    ("control", "value"), [(Control.DATA_AGE, 31.0), (Control.DATA_CROSSED, 1.0), (Control.MODEL_AGE, np.nan)]
)
def test_an_order_on_stale_data_is_named(
    control: Control, value: float, tampered: Callable[..., Path], inside: Inside
) -> None:
    folder = tampered(altered("verdicts", lambda v: v["breaches"] == 0, "observed", (control, value)))
    found = inside("audit", "stale", "--session", folder, "--json")
    assert found.code == 1
    assert [row["control"] for row in found.record["stale"]] == [control.name.lower()]


# --- forms, places, errors --------------------------------------------------------------------


@pytest.fixture
def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that was answered is not worked out again for another form of the same answer."""
    from app import audit_verbs
    from sessions.audit import sandbox

    def once(function: Callable[..., Any]) -> Callable[..., Any]:
        found: dict[str, Any] = {}

        def answer(*given: Any) -> Any:
            key = " ".join(sys.argv[1:3])
            if key not in found:
                found[key] = function(*given)
            return found[key]

        return answer

    monkeypatch.setattr(audit_verbs, "_answer", once(audit_verbs._answer))
    monkeypatch.setattr(sandbox, "ask", once(sandbox.ask))


@pytest.mark.usefixtures("asked_once")
def test_every_verb_speaks_json_csv_and_parquet(kept: Kept, inside: Inside, tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = [(name,) for name in QUESTIONS]
    asked += [("why", "1"), ("at", "+1m"), ("sql", "select * from fills"), ("sessions",)]
    for words in asked:
        name = words[0]
        place = () if name == "sessions" else (kept.folder.name,) if name == "report" else ("-s", kept.folder.name)
        record = inside("audit", *words, *place, "--json").record
        assert record["question"] == name
        table = inside("audit", *words, *place, "--csv")
        assert table.code == 0, table.err
        rows = list(csv.reader(io.StringIO(table.out)))
        target = tmp_path / f"{name}.parquet"
        written = inside("audit", *words, *place, "--parquet", target)
        assert (written.code, written.out) == (0, ""), written.err
        frame = pl.read_parquet(target)
        assert rows[0] == frame.columns
        assert len(rows) - 1 == len(frame)
        text = inside("audit", *words, *place)
        assert text.code == 0
        assert text.out
        assert "Traceback" not in text.err
        assert_one_line(inside("audit", *words, *place, "--json", "--csv"))
    assert not list(tmp_path.glob("*.part*"))


def test_sql_reads_tables_and_is_cut_where_it_says(kept: Kept, inside: Inside) -> None:
    place = ("-s", kept.folder.name, "--json")
    count = inside("audit", "sql", "select count(*) as n, sum(qty) as q from fills", *place).record["result"]
    fills = kept.truth["fills"]
    assert count == [{"n": len(fills), "q": int(fills["qty"].sum())}]
    cut = inside("audit", "sql", "select * from fills", "--limit", "3", *place).record
    assert (len(cut["result"]), cut["cut"]) == (3, ["result"])
    long = inside(
        "audit", "sql", "select count(*) from range(10000000) a, range(10000000) b", "--seconds", "0.5", *place
    )
    assert long.code == 4
    assert_one_line(long)
    refused = inside("audit", "sql", "drop table fills", *place)
    assert refused.code == 2
    assert_one_line(refused)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("why", "banana"), 2), (("why", "999999999"), 2), (("why", "fill:99999999"), 2), (("why", "fill:nobody/1"), 2),
        (("why", "decision:99999999"), 2), (("denied", "--control", "no_such"), 2), (("at", "25:99"), 2),
        (("at", "tomorrow"), 2), (("denied", "--from", "never"), 2), (("sql", "select"), 2),
        (("near", "--session", "nobody"), 3), (("rebuild", "nobody"), 3), (("report", "nobody"), 3),
        (("why", "1", "--parquet", "no/such/folder/x.parquet"), 2),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(words: tuple[str, ...], code: int, kept: Kept, inside: Inside) -> None:
    found = inside("audit", *words)
    assert found.code == code, found.err
    assert_one_line(found)


def test_without_sessions_there_is_one_line(tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEDECK_HOME", str(tmp_path))
    empty = inside("audit", "rates")
    assert empty.code == 3
    assert_one_line(empty)
    assert inside("audit", "sessions", "--json").record["sessions"] == []


def test_sessions_lists_each_and_the_latest_is_the_default(kept: Kept, inside: Inside) -> None:
    said = {row["session"]: row for row in inside("audit", "sessions", "--json").record["sessions"]}
    row = said[kept.folder.name]
    assert (row["state"], row["live"], row["fills"]) == ("sealed", False, len(kept.truth["fills"]))
    assert row["records"] == sum(len(s.records) for s in kept.truth.streams.values()) + sum(
        map(len, kept.truth.texts.values())
    )
    assert (
        inside("audit", "rates", "--json").record["session"]
        == inside("audit", "rates", "-s", "latest", "--json").record["session"]
    )
    assert inside("audit", "rates", "-s", kept.folder, "--json").record["session"] == kept.folder.name


def test_times_are_those_of_the_markets_day(kept: Kept, ask: Callable[..., Any]) -> None:
    first = kept.span[0]
    assert ask("at", "+1m")["ts"] == first + 60 * SECOND
    said = ask("at", str(first + 90 * SECOND))["time"].split()[1]
    assert ask("at", said)["ts"] == first + 90 * SECOND


def test_project_rebuild_and_report(kept: Kept, inside: Inside, tmp_path: Path) -> None:
    again = inside("audit", "rebuild", kept.folder.name, "--json").record
    assert (again["complete"], again["added"]) == (True, again["records"])
    assert inside("audit", "project", kept.folder.name, "--json").record["added"] == 0
    page = tmp_path / "page.html"
    said = inside("audit", "report", kept.folder.name, "--html", page, "--json").record
    ended = audited.positions(kept.truth, 1 << 62)
    desk = [row for row in said["positions"] if row["agent"] == "desk"]
    assert desk[0]["position"] == sum(ended.values())
    text = page.read_text("utf-8")
    assert kept.folder.name in text
    assert "<script" not in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    refused = inside("audit", "report", kept.folder.name, "--html", page)
    assert refused.code == 2
    assert inside("audit", "report", kept.folder.name, "--html", page, "--force").code == 0
    assert page.read_text("utf-8") == text


def test_export_has_every_row_by_date_and_agent(kept: Kept, inside: Inside, tmp_path: Path) -> None:
    said = inside("audit", "export", tmp_path / "out", "-s", kept.folder.name, "--json").record
    assert said["files"] == len(said["written"]) == len(list((tmp_path / "out").rglob("*.parquet")))
    tables = {name: name for name in ("fills", "decisions", "verdicts", "events", "orders")}
    for table, stream in (tables | {"market_marks": "marks", "features": "readings"}).items():
        files = sorted((tmp_path / "out" / table).rglob("*.parquet"))
        frame = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in files]).sort("record")
        found = kept.truth.streams[stream]
        assert frame["record"].to_list() == sorted(found.number.tolist())
        if table == "fills":
            assert frame["qty"].to_list() == found.records["qty"].tolist()
    place = tmp_path / "out" / "fills"
    for path in place.rglob("*.parquet"):
        agent = path.parent.name.removeprefix("agent=")
        assert set(pl.read_parquet(path, hive_partitioning=False)["agent"].to_list()) == {kept.agents.index(agent)}
        assert path.parent.parent.name == f"date={kept.truth.manifest.fields['tapes'][0]['date']}"
    assert not list((tmp_path / "out").rglob("*.part"))
    assert inside("audit", "export", kept.folder / "manifest.json", "-s", kept.folder.name).code == 2


# --- while it is trading ----------------------------------------------------------------------


def test_a_session_that_is_still_trading_can_be_asked(
    kept: Kept,
    inside: Inside,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> None:
    """By another process, again and again; the writer is never locked out and the answers follow it."""
    home = tmp_path_factory.mktemp("live")
    running = begin(plan(11, [kept.tape], rung=Rung.LATENCY), home)
    running.recording.become(State.RUNNING)
    console, seen = Console(home, tmp_path), []
    monkeypatch.setenv("TAPEDECK_HOME", str(home))
    for stop in (2_000, 6_000):
        running.play(stop=stop)
        running.desk.recorder.commit()
        running.recording.journal.flush()
        ask = console if stop == 2_000 else inside  # by a process of its own once, in this one after that
        said = ask("audit", "rates", "--json").record
        assert said["goes_on"] is True
        seen.append(said["messages"])
        loose = ask("audit", "orphans", "--json")
        assert loose.code == 0, loose.err
        listed = ask("audit", "sessions", "--json").record["sessions"]
        assert [(row["state"], row["live"]) for row in listed] == [("running", True)]
    running.play()
    folder = running.close()
    assert seen == sorted(seen)
    found = truth(folder)
    d = found["decisions"]
    assert inside("audit", "rates", "--json").record["messages"] == ((d["reason"] == 0) & (d["op"] > 0)).sum()


def test_kills_from_before_are_listed(
    kept: Kept, inside: Inside, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("killed")
    (home / "risk").mkdir()
    act = {"act": "kill", "scope": "agent.a0", "person": "kim", "reason": "fat finger", "ts": 1, "session": "before"}
    (home / "risk" / "kill.json").write_text(json.dumps({"format": 1, "acts": [act]}), encoding="utf-8")
    folder = recorded(plan(12, [kept.tape]), home, [(10, Act(OperatorAct.PAUSE, 0))])
    monkeypatch.setenv("TAPEDECK_HOME", str(home))
    said = inside("audit", "operator", "--json").record
    assert said["session"] == folder.name
    assert [(row["what"], row["person"]) for row in said["acts"]] == [("kill in force", "kim"), ("pause", "operator")]


def test_each_verb_explains_itself(tmp_path: Path, home: Path, inside: Inside) -> None:
    """Once as the installed script, in a process of its own."""
    assert Console(home, tmp_path)("audit", "--help").code == 0
    for name in (*QUESTIONS, "why", "at", "sessions", "project", "rebuild", "export", "sql"):
        found = inside("audit", name, "--help")
        assert found.code == 0
        assert f"tapedeck audit {name}" in found.out


def test_a_reader_who_goes_away_breaks_nothing(kept: Kept, home: Path, tmp_path: Path) -> None:
    """tapedeck audit ... | head -1"""
    running = Console(home, tmp_path).start("audit", "denied", "--csv", "-s", kept.folder.name)
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(60) == 0
    assert running.stderr is not None
    assert "Traceback" not in running.stderr.read()
    running.stderr.close()
