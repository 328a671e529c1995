"""Session files: what every key means, and that nothing unclear gets through."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.enums import Queue, Rung, Side
from core.errors import ConfigError, ModelError, TapeError
from core.plan import FeePlan, LatencyModel, OutagePlan, SessionPlan
from core.records import MAX_QTY
from core.risk.limits import default_limits
from core.tape.folder import read_meta, write_meta
from core.venue import models
from sessions.plan_default import default_session
from sessions.plan_file import read_plan
from sessions.plan_text import plan_digest, plan_text
from sessions.plan_values import Day, in_words, moment, parse_duration
from sessions.toml_table import MOST_BYTES, Table
from tests.small_tapes import small_tape

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
#: A day in New York, at the tape's own times: 09:30 to 16:00.
OPEN = int(datetime(2012, 6, 21, 9, 30, tzinfo=ZoneInfo("America/New_York")).timestamp()) * SECOND
CLOSE = OPEN + 390 * MINUTE
WHOLE = """
name = "three"
seed = 7
rung = "R5"
queue = "optimistic"
queue_model = "tail"
impact_model = "mine"
start = "09:35"
end = "15:55:00.5"
currency = "USD"
self_match = "cancel-both"
budget = "20ms"

[latency]
feed = "recorded"
order = { kind = "lognormal", median = "150us", spread = 0.4 }
response = "100us"

[fees]
taker_per_lot = 0.003

[[outage]]
at = "12:00"
for = "30s"

[[outage]]
at = "11:00"
for = "1m"
tape = "CRUDE"

[[tape]]
tape = "one"

[[tape]]
name = "CRUDE"
tape = "two"
multiplier = 1000
fees = { maker_bps = "-0.25", taker_per_lot = 0 }

[[agent]]
name = "alpha"
tape = "TEST"
policy = "pov"
every = "100ms"
params = { rate = 0.2, slices = 12 }

[[agent.order]]
side = "buy"
qty = 5000
start = "10:00"
end = "10:30"
limit = 223.95
urgency = 0.8

[[agent.order]]
side = "sell"
qty = "100"
start = "+90m"
window = "5m30s"

[[agent]]
name = "beta"
tape = "CRUDE"
policy = "quote"
signal = "onnx:signal.onnx"

[limits]
version = 3
restricted = ["CRUDE"]
order_qty = 6000

[limits.agent.alpha]
position = 9000

[limits.instrument.CRUDE]
price_tolerance = inf
"""


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of two tapes whose days, ticks and lots are set by hand: a plan reads nothing else of a tape."""
    folder = tmp_path_factory.mktemp("tapes")
    for name in ("one", "two"):
        meta = read_meta(small_tape(folder / name, count=60))
        tick, lot = ("0.01", "1") if name == "one" else ("0.25", "0.001")
        write_meta(folder / name, replace(
            meta, timezone="America/New_York", date="2012-06-21", tick_size=tick, lot_size=lot,
            first_ts=OPEN + 4_000_000, last_ts=CLOSE - 10_000_000,
        ))  # fmt: skip
    (folder / "signal.onnx").write_bytes(b"a model")
    return folder


@pytest.fixture(autouse=True)
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An impact model that somebody registered."""
    monkeypatch.setitem(models._REGISTERED, ("impact", "mine"), lambda flow: flow)


@pytest.fixture
def plan_of(tapes: Path, tmp_path: Path) -> Callable[[str], SessionPlan]:
    """Read a text as a session file next to its model."""

    def read(text: str | bytes) -> SessionPlan:
        file = tmp_path / "plan.toml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        (tmp_path / "signal.onnx").write_bytes(b"a model")
        return read_plan(file, lambda name: tapes / name)

    return read


def test_a_whole_file(plan_of: Callable[[str], SessionPlan], tapes: Path, tmp_path: Path) -> None:
    plan = plan_of(WHOLE)
    assert (plan.name, plan.seed, plan.rung, plan.queue) == ("three", 7, Rung.REACTIVE, Queue.OPTIMISTIC)
    assert (plan.queue_model, plan.impact_model, plan.currency, plan.self_match) == (
        "tail",
        "mine",
        "USD",
        "cancel-both",
    )
    assert plan.budget_ms == 20.0
    eleven, noon = OPEN + 90 * MINUTE, OPEN + 150 * MINUTE
    assert plan.outages == (
        OutagePlan(eleven, eleven + MINUTE, "CRUDE"),
        OutagePlan(noon, noon + 30 * SECOND),
    )
    assert (plan.start, plan.end) == (OPEN + 5 * MINUTE, CLOSE - 5 * MINUTE + SECOND // 2)
    assert plan.latency.feed == LatencyModel("recorded")
    assert plan.latency.order == LatencyModel("lognormal", 150_000, 0.4)
    assert plan.latency.response == LatencyModel("constant", 100_000)
    one, two = plan.tapes
    assert (one.name, one.folder, one.multiplier, one.fees) == (
        "TEST",
        tapes / "one",
        "1",
        FeePlan("0", "0.003", "0", "0"),
    )
    assert (two.name, two.multiplier, two.fees) == ("CRUDE", "1000", FeePlan("0", "0", "-0.25", "0"))
    alpha, beta = plan.agents
    assert (alpha.tape, alpha.policy, alpha.signal, alpha.every) == ("TEST", "pov", "", 100_000_000)
    assert alpha.params == {"rate": 0.2, "slices": 12.0}
    buy, sell = alpha.parents
    assert (buy.side, buy.qty, buy.limit, buy.urgency) == (Side.BID, 5000, 22395, 0.8)
    assert (buy.start, buy.end) == (OPEN + 30 * MINUTE, OPEN + 60 * MINUTE)
    first = OPEN + 4_000_000
    assert (sell.side, sell.qty, sell.limit, sell.start) == (Side.ASK, 100, None, first + 90 * MINUTE)
    assert sell.end - sell.start == 330 * SECOND
    assert (beta.tape, beta.signal, beta.every, beta.parents) == (
        "CRUDE",
        f"onnx:{tmp_path / 'signal.onnx'}",
        SECOND,
        (),
    )
    assert plan.limits.version == 3
    assert plan.limits.restricted == ("CRUDE",)
    assert plan.limits.scopes == {
        "desk": {"order_qty": 6000.0},
        "agent.alpha": {"position": 9000.0},
        "instrument.CRUDE": {"price_tolerance": float("inf")},
    }


def test_a_byte_order_mark_is_no_mistake(plan_of: Callable[[str], SessionPlan]) -> None:
    assert plan_of("\ufeff" + WHOLE) == plan_of(WHOLE)


def test_a_short_file_means_the_usual(plan_of: Callable[[str], SessionPlan]) -> None:
    plan = plan_of(
        '[[tape]]\ntape = "one"\n[[agent]]\nname = "a"\npolicy = "twap"\n[[agent.order]]\nside = "buy"\nqty = 10\n'
    )
    assert (plan.name, plan.seed, plan.rung, plan.queue) == ("plan", 1, Rung.LATENCY, Queue.CONSERVING)
    assert (plan.start, plan.end, plan.budget_ms) == (None, None, 50.0)
    assert plan.limits.scopes == {}  # nothing is allowed that nobody allowed
    (order,) = plan.agents[0].parents
    assert (order.start, order.end, order.urgency) == (OPEN + 4_000_000, CLOSE - 10_000_000, 0.5)
    assert plan_of('rung = 2\n[[tape]]\ntape = "one"').rung == Rung.QUEUE
    assert plan_of('rung = "book"\n[[tape]]\ntape = "one"').rung == Rung.BOOK


def test_the_demo_limits_can_be_taken_and_narrowed(plan_of: Callable[[str], SessionPlan]) -> None:
    usual = default_limits().scopes["desk"]
    plan = plan_of('[[tape]]\ntape = "one"\n[limits]\npreset = "demo"\norder_qty = 5\n')
    assert plan.limits.scopes == {"desk": {**usual, "order_qty": 5.0}}


def test_orders_without_times_last_as_long_as_the_session(plan_of: Callable[[str], SessionPlan]) -> None:
    text = 'start = "10:00"\nend = "11:00"\n[[tape]]\ntape = "one"\n[[agent]]\nname = "a"\npolicy = "twap"\n'
    (order,) = plan_of(text + '[[agent.order]]\nside = "sell"\nqty = 1\n').agents[0].parents
    assert (order.start, order.end) == (OPEN + 30 * MINUTE, OPEN + 90 * MINUTE)


def test_the_closing_bell_is_the_last_message(plan_of: Callable[[str], SessionPlan]) -> None:
    text = '[[tape]]\ntape = "one"\n[[agent]]\nname = "a"\npolicy = "twap"\n[[agent.order]]\nside = "buy"\nqty = 1\n'
    (order,) = plan_of(text + 'start = "09:30"\nend = "16:00"').agents[0].parents
    assert (order.start, order.end) == (OPEN, CLOSE - 10_000_000)


@pytest.mark.parametrize(("before", "after", "part"), [
    ("seed = 7", "sed = 7", "unknown key sed; did you mean 'seed'?"),
    ("[latency]", "[latancy]", "unknown key latancy; did you mean 'latency'?"),
    ("feed =", "fed =", "unknown key latency.fed; did you mean 'feed'?"),
    ("median =", "meidan =", "unknown key latency.order.meidan; did you mean 'median'?"),
    ("multiplier", "multiplyer", "unknown key tape[2].multiplyer; did you mean 'multiplier'?"),
    ("maker_bps", "maker_bp", "unknown key tape[2].fees.maker_bp; did you mean 'maker_bps'?"),
    ("every =", "evry =", "unknown key agent[1].evry; did you mean 'every'?"),
    ("limit = 2", "limt = 2", "unknown key agent[1].order[1].limt; did you mean 'limit'?"),
    ("rate =", "rat =", "unknown key agent[1].params.rat; did you mean 'rate'?"),
    ("order_qty", "ordr_qty", "limits.desk.ordr_qty: no such control; did you mean 'order_qty'?"),
    ("agent.alpha", "agent.alfa", "limits.agent.alfa: there is no agent of this name; did you mean 'alpha'?"),
    ("instrument.CRUDE", "instrument.CRUDES", "limits.instrument.CRUDES: there is no instrument of this name"),
    ('["CRUDE"]', '["CRUED"]', "limits.restricted: no tape 'CRUED'; did you mean 'CRUDE'?"),
    ("price_tolerance = inf", "price_tolerance = nan", "limits.instrument.CRUDE.price_tolerance"),
    ("order_qty = 6000", 'order_qty = "many"', "limits.order_qty: must be a number"),
    ("order_qty = 6000", "order_qty = true", "limits.order_qty: must be a number"),
    ('"pov"', '"pvo"', "agent[1].policy: unknown policy 'pvo'; did you mean 'pov'?"),
    ("rate = 0.2", "rate = 2.0", "agent[1].params: setting 'rate'"),
    ("rate = 0.2", "rate = nan", "agent[1].params.rate: must be from"),
    ("rate = 0.2", "rate = 1e999999999", "agent[1].params.rate"),
    ('"TEST"', '"TETS"', "agent[1].tape: there is no tape 'TETS' in this session; did you mean 'TEST'?"),
    ('name = "beta"', 'name = "alpha"', "agent: two have the name 'alpha'"),
    ('name = "CRUDE"', 'name = "TEST"', "tape: two have the name 'TEST'"),
    ('name = "beta"\n', "", "agent[2].name: is missing"),
    ('name = "beta"', 'name = "  "', "agent[2].name: is empty"),
    ('name = "beta"', 'name = "\\u001b[2J"', "agent[2].name: holds characters"),
    ('name = "beta"', f'name = "{"b" * 65}"', "agent[2].name: is longer than 64"),
    ('side = "buy"', 'side = "byu"', "agent[1].order[1].side: 'byu' is not known; did you mean 'buy'?"),
    ('side = "buy"\n', "", "agent[1].order[1].side: is missing"),
    ("qty = 5000", "qty = 0", "agent[1].order[1].qty: 0 must be from 1"),
    ("qty = 5000", "qty = -5", "agent[1].order[1].qty: -5 must be from 1"),
    ("qty = 5000", "qty = 10.5", "agent[1].order[1].qty: 10.5 is between two lots of 1"),
    ("qty = 5000", "qty = 1e40", "agent[1].order[1].qty: is a number far out of range"),
    ("qty = 5000", "qty = nan", "agent[1].order[1].qty: must be a finite number"),
    ("qty = 5000", f"qty = {MAX_QTY + 1}", "agent[1].order[1].qty"),
    ("qty = 5000", f"qty = {'9' * 400}", "agent[1].order[1].qty: is a number far out of range"),
    ("qty = 5000", f"qty = {'9' * 9000}", "is not valid TOML"),
    ("qty = 5000", 'qty = "five"', "agent[1].order[1].qty: 'five' is not a number"),
    ("223.95", "223.955", "agent[1].order[1].limit: 223.955 is between two prices: the tick is 0.01, 223.95 is one"),
    ("223.95", "1e9", "agent[1].order[1].limit: 1E+9 is far out of range"),
    ("urgency = 0.8", "urgency = 1.5", "agent[1].order[1].urgency: must be from 0 to 1"),
    ('start = "10:00"', 'start = "25:00"', "agent[1].order[1].start: '25:00' is not a time of day"),
    ('start = "10:00"', 'start = "ten"', "agent[1].order[1].start: 'ten' is not a time"),
    ('start = "10:00"', "start = 10", "agent[1].order[1].start: must be text"),
    ('start = "10:00"', 'start = "10:31"', "agent[1].order[1].end: the end is not after the start"),
    ('start = "10:00"', 'start = "+9h"', "agent[1].order[1].start: is 2h30m after the last message"),
    ('start = "10:00"', 'start = "08:00"', "agent[1].order[1].start: is 1h30m before the first message"),
    ('start = "10:00"', 'start = "2012-06-31T10:00"', "agent[1].order[1].start: is not a date and time"),
    ('end = "10:30"', 'end = "10:30"\nwindow = "1m"', "agent[1].order[1].window: say either"),
    ('"5m30s"', '"330"', "agent[1].order[2].window: '330' is not a duration"),
    ('"5m30s"', '"1 fortnight"', "agent[1].order[2].window"),
    ('"5m30s"', '"0s"', "agent[1].order[2].window: must be from 1ms"),
    ('"100ms"', '"1ns"', "agent[1].every: must be from 1us to 1h"),
    ('"100ms"', '"0.3ns"', "agent[1].every: '0.3ns' is not a duration"),
    ('end = "15:55:00.5"', 'end = "09:31"', "end: the end is not after the start"),
    ("seed = 7", "seed = -1", "seed: must be from 0"),
    ("seed = 7", "seed = 1.5", "seed: must be a whole number"),
    ("seed = 7", "seed = true", "seed: must be a whole number"),
    ('rung = "R5"', 'rung = "R6"', "rung: 'R6' is not known"),
    ('rung = "R5"', "rung = 6", "rung: must be from 0 to 5"),
    ('"optimistic"', '"hopeful"', "queue: 'hopeful' is not known"),
    ('"cancel-both"', '"cancel"', "self_match: 'cancel' is not known"),
    ('budget = "20ms"', 'budget = "2h"', "budget: must be from 1us to 1m"),
    ('budget = "20ms"', 'budget = "20ms"\nsoft_budget = "2ms"', "unknown key soft_budget; did you mean 'budget'?"),
    ('"recorded"', '"lognormal"', "latency.feed: 'lognormal' is not a duration"),
    ('"recorded"', '"10 parsecs"', "latency.feed: '10 parsecs' is not a duration"),
    ('"recorded"', '"2h"', "latency.feed: must be from 0s to 1m"),
    ('"recorded"', "100", "latency.feed: must be text"),
    ("spread = 0.4", "spread = 90", "latency.order.spread: must be from 0 to 5"),
    ('"lognormal"', '"constant"', "latency.order.spread: a constant latency has none"),
    ('median = "150us", ', "", "latency.order.median: is missing"),
    ("taker_per_lot = 0.003", "taker_per_lot = inf", "fees.taker_per_lot: must be a finite number"),
    ("taker_per_lot = 0.003", "taker_per_lot = 1e7", "fees.taker_per_lot: must be from -1,000,000"),
    ("taker_per_lot = 0.003", "taker_per_lot = 1e-19", "fees.taker_per_lot: money: 19 decimals are needed"),
    ("taker_per_lot = 0 ", "taker_per_lot = 1e-19 ", "tape[2].fees.taker_per_lot: money: 19 decimals are needed"),
    ('maker_bps = "-0.25"', "maker_bps = 20000", "tape[2].fees.maker_bps: must be from -10,000 to 10,000"),
    ('maker_bps = "-0.25"', "maker_bps = 1e-7", "tape[2].fees.maker_bps: 0.0000001 has more than five decimals"),
    ("multiplier = 1000", 'multiplier = "0.00000000000000000001"', "tape[2].multiplier: money: "),
    ('"tail"', '"tial"', "queue_model: 'tial' is not known; did you mean 'tail'?"),
    ('"mine"', '"mien"', "impact_model: 'mien' is not known; did you mean 'mine'?"),
    ('"mine"', '"propagatr"', "impact_model: 'propagatr' is not known; did you mean 'propagator'?"),
    ('feed = "recorded"', 'feed = "recordd"', "latency.feed: 'recordd' is no latency model; did you mean 'recorded'?"),
    ('"lognormal"', '"lognormel"', "latency.order.kind: 'lognormel' is no latency model; did you mean 'lognormal'?"),
    ('response = "100us"', 'response = "recorded"', "latency.response: a tape records the latency of the feed only"),
    ('rung = "R5"', "rung = true", "rung: must be R0 to R5, 0 to 5, or one of mid, book, queue, ledger, latency"),
    ('rung = "R5"', "rung = 4.5", "rung: must be R0 to R5"),
    ("order_qty = 6000", "killed = 5", "limits.desk.killed: this is either good or bad: no limit can be set on it"),
    ('"onnx:signal.onnx"', '"touch_signal"', "agent[2].signal: 'touch_signal' is no signal"),
    ('policy = "pov"', 'policy = "manual"', "agent[1].params"),
    ('policy = "pov"\nevery = "100ms"\nparams = { rate = 0.2, slices = 12 }', 'policy = "hold"',
     "agent[1].order: an agent of policy 'hold' works no orders"),
    ('"+90m"', '"10:29:59"', "agent[1].order[2].start: the order overlaps agent[1].order[1]"),
    ('start = "10:00"', 'start = "09:34:30"', "agent[1].order[1].start: is 30s before the session starts"),
    ('"5m30s"', '"5h"', "agent[1].order[2].window: is 4m59s504ms after the session ends"),
    ('"+90m"', '"15:56"', "agent[1].order[2].window: is "),
    ("limit = 223.95", "limit = 0", "agent[1].order[1].limit: 0 is no price of this tape: they are from "),
    ("limit = 223.95", "limit = -5", "agent[1].order[1].limit: -5 is no price of this tape: they are from "),
    ("multiplier = 1000", "multiplier = 0", "tape[2].multiplier: must be above 0"),
    ('"onnx:signal.onnx"', '"onnx:"', "agent[2].signal: names no file"),
    ('"onnx:signal.onnx"', '"onnx:gone.onnx"', "agent[2].signal: there is no file"),
    ('"onnx:signal.onnx"', f'"onnx:{"x" * 400}"', "agent[2].signal"),
    ("[[tape]]\nname", "[tape]\nname", "is not valid TOML"),
    ('at = "12:00"', "", "outage[1].at: is missing"),
    ('at = "12:00"', 'at = "16:30"', "outage[1].at: lies outside of the session"),
    ('at = "12:00"', 'at = "11:00:30"', "outage[2].at: begins or ends inside of another one"),
    ('for = "30s"', "", "outage[1].for: is missing"),
    ('for = "30s"', 'for = "0s"', "outage[1].for: must be from 1us"),
    ('for = "30s"', 'during = "30s"', "unknown key outage[1].during"),
    ('for = "1m"\ntape = "CRUDE"', 'for = "1m"\ntape = "CRUDA"', "outage[2].tape: there is no tape 'CRUDA'"),
    ('tape = "one"', 'tape = ""', "tape[1].tape: names no tape"),
    ('tape = "one"', f'tape = "{"x" * 400}"', "tape[1].tape: 'xxx"),
], ids=lambda text: text[:24])  # fmt: skip
def test_a_mistake_is_named(plan_of: Callable[[str], SessionPlan], before: str, after: str, part: str) -> None:
    assert before in WHOLE
    with pytest.raises(ConfigError) as raised:
        plan_of(WHOLE.replace(before, after, 1))
    text = str(raised.value)
    assert part in text
    assert "plan.toml: " in text
    assert "\n" not in text
    assert len(text) < 700


@pytest.mark.parametrize(("text", "part"), [
    ("", "tape: there is none"),
    ("tape = 3", "tape: must be a list"),
    ("tape = [3]", "tape: entry 1 must be a table, written under [[tape]]"),
    ('agent = "me"\n[[tape]]\ntape = "one"', "agent: must be a list"),
    ("[[tape]]\n" * 65, "tape: has 65 entries; at most 64"),
    ('[[tape]]\ntape = "one"\n[limits.agent]\nx = 3', "limits.agent.x: must be a table"),
    ('[[tape]]\ntape = "one"\n[limits]\nagent = 3', "limits.agent: must be a table"),
    ('[[tape]]\ntape = "one"\n[limits]\npreset = "dmeo"', "limits.preset: 'dmeo' is not known; did you mean 'demo'?"),
    ('a = "' + "x" * 2_000_000 + '"', "is larger than"),
    ("a = " + "[" * 5_000 + "]" * 5_000, "nested too deeply"),
    ("a = 1\n" + "a" + ".b" * 100_000 + " = 1", "line 2 has more than 100 dots"),
    ("a = 1\nb == 2", "is not valid TOML: "),
    ("a = 1\na = 2", "is not valid TOML: "),
    (b"a = 1\nb = 2\nc = '\xff'", "line 3 is not UTF-8 text"),
    (b"\x00\x01", "is not valid TOML"),
    ("'\x1b[2J' = 1".replace("\x1b", "\\u001b").replace("'", '"'), "unknown key "),
], ids=range(16))  # fmt: skip
def test_a_file_that_is_none_is_one_line(
    plan_of: Callable[[str | bytes], SessionPlan], text: str | bytes, part: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        plan_of(text)
    assert part in str(raised.value)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 700


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def nothing(name: str) -> Path:
        raise AssertionError(name)

    with pytest.raises(ConfigError, match=r"gone\.toml: no such file"):
        read_plan(tmp_path / "gone.toml", nothing)
    with pytest.raises(ConfigError, match="is not a file"):
        read_plan(tmp_path, nothing)
    with pytest.raises(ConfigError):
        read_plan(tmp_path / ("x" * 5000), nothing)
    with pytest.raises(ConfigError):
        read_plan(tmp_path / "a\0b", nothing)
    large = tmp_path / "large.toml"
    large.write_bytes(b"# " + b"x" * 10_000_000)
    with pytest.raises(ConfigError, match=f"larger than {MOST_BYTES:,} bytes"):
        read_plan(large, nothing)


def test_a_tape_that_is_missing_or_damaged_says_so(plan_of: Callable[[str], SessionPlan], tapes: Path) -> None:
    with pytest.raises(TapeError, match="no such tape"):
        plan_of('[[tape]]\ntape = "three"')
    damaged = tapes / "damaged"
    damaged.mkdir(exist_ok=True)
    (damaged / "tape.json").write_text("{")
    with pytest.raises(TapeError, match="damaged"):
        plan_of('[[tape]]\ntape = "damaged"')


def test_a_tape_by_path_lies_next_to_the_file(tapes: Path) -> None:
    def nothing(name: str) -> Path:
        raise AssertionError(name)

    (tapes / "deep").mkdir(exist_ok=True)
    file = tapes / "deep" / "plan.toml"
    file.write_text('[[tape]]\ntape = "../one"')
    assert read_plan(file, nothing).tapes[0].folder.resolve() == (tapes / "one").resolve()
    beside = tapes / "beside.toml"
    beside.write_text('[[tape]]\ntape = "one"')
    assert read_plan(beside, nothing).tapes[0].folder == tapes / "one"


@pytest.mark.parametrize(("text", "ns"), [
    ("100ms", 100_000_000), ("5us", 5_000), ("1m30s", 90 * SECOND), ("1h", 3600 * SECOND), ("250ns", 250), ("0s", 0),
    ("1.5s", 1_500_000_000), ("0.000001ms", 1), ("1m 30s", 90 * SECOND), ("2 ms", 2_000_000),
    ("", None), ("5", None), ("ms", None), ("-5s", None), ("+5s", None), ("5 s x", None), ("1e3s", None),
    ("0.5ns", None), ("9" * 40 + "s", None), ("1s" * 60, None),
])  # fmt: skip
def test_durations(text: str, ns: int | None) -> None:
    assert parse_duration(text) == ns


@given(st.integers(0, 400 * 86_400 * SECOND))
@settings(max_examples=50)
def test_durations_come_back_from_their_words(ns: int) -> None:
    assert parse_duration(in_words(ns)) == ns


def at(value: Any, day: Day) -> int | None:
    return moment(Table("f", "", {"t": value}), "t", day)


@pytest.mark.parametrize(("text", "wanted"), [
    ("10:00", OPEN + 30 * MINUTE),
    ("10:00:05.5", OPEN + 30 * MINUTE + 5_500_000_000),
    ("9:30", OPEN),
    ("+5m", OPEN + 7 + 5 * MINUTE),
    ("2012-06-21T10:00", OPEN + 30 * MINUTE),
    ("2012-06-21 10:00:00.000000001", OPEN + 30 * MINUTE + 1),
    ("2012-06-21T14:00:00Z", OPEN + 30 * MINUTE),
    ("2012-06-21T16:00:00+02:00", OPEN + 30 * MINUTE),
    (datetime(2012, 6, 21, 10, 0).time(), OPEN + 30 * MINUTE),  # noqa: DTZ001 - TOML's own local time
    (datetime(2012, 6, 21, 14, 0, tzinfo=ZoneInfo("UTC")), OPEN + 30 * MINUTE),
])  # fmt: skip
def test_times_are_of_the_tapes_day_and_zone(text: Any, wanted: int) -> None:
    assert at(text, Day("America/New_York", "2012-06-21", OPEN + 7, CLOSE)) == wanted


def test_an_evening_before_belongs_to_the_trading_day() -> None:
    zone = ZoneInfo("America/Chicago")
    first = int(datetime(2024, 3, 4, 17, 0, tzinfo=zone).timestamp()) * SECOND
    day = Day("America/Chicago", "2024-03-05", first, first + 23 * 3600 * SECOND)
    assert at("18:00", day) == first + 3600 * SECOND
    assert at("09:00", day) == first + 16 * 3600 * SECOND


def test_an_hour_that_does_not_exist_is_refused_and_one_that_comes_twice_is_the_first() -> None:
    day = Day("America/New_York", "2024-03-10", 0, 1)
    with pytest.raises(ConfigError, match="does not exist"):
        at("02:30", day)
    autumn = Day("America/New_York", "2024-11-03", 0, 1)
    assert (
        at("01:30", autumn)
        == int(datetime(2024, 11, 3, 1, 30, tzinfo=ZoneInfo("America/New_York")).timestamp()) * SECOND
    )


def test_the_text_of_a_plan_is_what_decides_it(
    plan_of: Callable[[str], SessionPlan], tapes: Path, tmp_path: Path
) -> None:
    plan = plan_of(WHOLE)
    text = plan_text(plan)
    assert text == plan_text(plan_of(WHOLE + "\n# a comment\n"))
    assert text.isascii()
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text
    assert str(tmp_path) not in text
    assert str(tapes) not in text
    assert plan_digest(replace(plan, name="other")) == plan_digest(plan)
    others = [
        replace(plan, seed=8), replace(plan, rung=Rung.LATENCY), replace(plan, queue=Queue.PESSIMISTIC),
        replace(plan, end=None), replace(plan, self_match="cancel-oldest"), replace(plan, budget_ms=21.0),
        replace(plan, outages=()), replace(plan, outages=plan.outages[:1]),
        replace(plan, tapes=plan.tapes[::-1]), replace(plan, agents=plan.agents[:1]),
        replace(plan, tapes=(replace(plan.tapes[0], fees=FeePlan("1")), plan.tapes[1])),
        replace(plan, agents=(replace(plan.agents[0], params={"rate": 0.25}), plan.agents[1])),
        replace(plan, limits=replace(plan.limits, scopes={"desk": {"order_qty": 6001.0}})),
    ]  # fmt: skip
    assert len({plan_digest(one) for one in [plan, *others]}) == len(others) + 1
    (tmp_path / "signal.onnx").write_bytes(b"another model")
    assert plan_digest(plan) != plan_digest(plan_of(WHOLE))
    (tmp_path / "signal.onnx").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        plan_text(plan)


def test_ints_and_floats_of_the_same_size_are_the_same_plan(plan_of: Callable[[str], SessionPlan]) -> None:
    whole, point = (plan_of(WHOLE.replace("= 6000", f"= {n}")) for n in ("6000", "6000.0"))
    assert plan_text(whole) == plan_text(point)


def test_a_session_without_a_file(tapes: Path) -> None:
    plan = default_session([tapes / "one", tapes / "two"], "pov", qty=40, params={"rate": 0.3}, seed=5)
    assert [tape.name for tape in plan.tapes] == ["TEST", "TEST-2"]
    assert [agent.name for agent in plan.agents] == ["pov-TEST", "pov-TEST-2"]
    (order,) = plan.agents[0].parents
    assert (order.qty, order.end - order.start, plan.seed) == (40, 30 * MINUTE, 5)
    assert OPEN < order.start < order.end < CLOSE
    assert plan.limits == default_limits()
    assert plan_text(plan)
    assert default_session([tapes / "one"]).agents[0].parents[0].qty >= 1
    assert default_session([tapes / "one"], "quote").agents[0].parents == ()
    with pytest.raises(ConfigError, match="at least one tape"):
        default_session([])
    with pytest.raises(ConfigError, match="share"):
        default_session([tapes / "one"], share=0.0)
    with pytest.raises(TapeError):
        default_session([tapes / "nowhere"])


def test_damaged_files_are_refused_or_understood(plan_of: Callable[[bytes], SessionPlan]) -> None:
    """Bytes of a good file changed, dropped and doubled: a plan or a `ConfigError`, nothing else."""
    rng, good = np.random.default_rng(3), WHOLE.encode()
    refused = 0
    for _ in range(200):
        bad = bytearray(good)
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(0, len(bad)))
            what = int(rng.integers(0, 4))
            if what == 0:
                bad[place] = int(rng.integers(0, 256))
            elif what == 1:
                del bad[place : place + int(rng.integers(1, 20))]
            elif what == 2:
                bad[place:place] = bad[place : place + int(rng.integers(1, 40))]
            else:
                bad[place:place] = bytes(rng.choice(list(b'0123456789.-+e"[]={}\n'), 3).tolist())
        try:
            plan_of(bytes(bad))
        except (ConfigError, TapeError) as error:
            refused += 1
            assert str(error).isprintable()
    assert refused > 60


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=8,
), st.sampled_from(["tape", "agent", "limits", "latency", "fees", "seed", "rung", "start", "name"]))  # fmt: skip
@settings(max_examples=80,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_any_value_at_any_key_is_refused_or_understood(
    plan_of: Callable[[str], SessionPlan], value: Any, key: str
) -> None:
    def toml(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(toml, value)) + "]"
        return "1.5" if value is None else json.dumps(value)

    try:
        plan_of(f"{key} = {toml(value)}\n" + ('[[tape]]\ntape = "one"\n' if key != "tape" else ""))
    except ConfigError as error:
        assert str(error).isprintable()


def test_the_file_on_the_page_is_a_session(plan_of: Callable[[str], SessionPlan]) -> None:
    page = (Path(__file__).resolve().parents[3] / "sessions" / "README.md").read_text(encoding="utf-8")
    text = page.split("```toml\n")[1].split("```")[0].replace('tape = "AMZN"   ', 'tape = "one"    ', 1)
    plan = plan_of(text)
    assert plan.latency.response == LatencyModel("constant", 100_000)
    assert plan.agents[0].params == {"slices": 20.0, "patience": 0.7}
    assert plan.tapes[0].fees == FeePlan("-0.002", "0.002", "0", "0")
    assert set(plan.limits.scopes) == {"desk", "agent.alpha", "instrument.AMZN"}


def test_a_signal_that_is_a_file_that_ships_is_named(tapes: Path, tmp_path: Path) -> None:
    def ships(name: str) -> Path:
        if name != "touch_signal":
            raise ModelError(name, "does not exist; did you mean 'touch_signal'?")
        return tapes / name

    file = tmp_path / "plan.toml"
    for said, meant in (
        ("touch_signal", "did you mean 'onnx:touch_signal'?"),
        ("touch", "did you mean 'touch_signal'?"),
    ):
        file.write_text(f'[[tape]]\ntape = "one"\n[[agent]]\nname = "a"\npolicy = "twap"\nsignal = "{said}"')
        with pytest.raises(ConfigError, match=r"plan\.toml: agent\[1\]\.signal: ") as raised:
            read_plan(file, lambda name: tapes / name, ships)
        assert meant in str(raised.value)


def test_orders_one_after_the_other_may_touch(plan_of: Callable[[str], SessionPlan]) -> None:
    first, second = plan_of(WHOLE.replace('"+90m"', '"10:30"')).agents[0].parents
    assert first.end == second.start


def test_where_prices_go_below_zero_a_limit_may(tapes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spread"
    shutil.copytree(tapes / "one", folder)
    write_meta(folder, replace(read_meta(folder), low_price=-50))
    file = tmp_path / "plan.toml"
    file.write_text(
        f'[[tape]]\ntape = "{folder}"\n[[agent]]\nname = "a"\npolicy = "twap"\n'
        '[[agent.order]]\nside = "buy"\nqty = 1\nlimit = -0.25'
    )
    assert read_plan(file, lambda name: tapes / name).agents[0].parents[0].limit == -25


def test_money_of_several_tapes_must_fit_one_scale(plan_of: Callable[[str], SessionPlan]) -> None:
    text = WHOLE.replace("multiplier = 1000", "multiplier = 0.000000000001")
    with pytest.raises(ConfigError, match=r"plan\.toml: tape: money: "):
        plan_of(text.replace("[[tape]]", "[[tape]]\nmultiplier = 1000000000", 1))
