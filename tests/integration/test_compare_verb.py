"""`tapedeck compare` as a person uses it."""

import json
import os
import signal
from pathlib import Path

import pytest

from core.clock import monotonic_ns, sleep
from tests.console import Console, Inside, assert_one_line

COLUMNS = {
    "shortfall_bps", "shortfall_ci", "impact_bps", "spread_bps", "timing_bps", "fees_bps", "opportunity_bps",
    "timing_risk_bps", "cvar95_bps", "fill_rate", "vs_twap_bps", "vs_twap_ci",
}  # fmt: skip
FEW = ("--orders", "4", "--window", "1m", "--qty", "200", "--policies", "twap,passive:slices=3")
pytestmark = pytest.mark.jit_only  # plays thousands of messages for each of dozens of sessions


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    made = Console(home, folder)("tape", "make", "-o", "day.tape", "--messages", "60000")
    assert made.code == 0, made.err
    return folder / "day.tape"


def test_json_has_the_columns_and_the_page_needs_nothing_else(tapedeck: Console, tape: Path, tmp_path: Path) -> None:
    done = tapedeck("compare", tape, *FEW, "--jobs", "2", "--html", "page.html", "--json")
    assert done.code == 0, done.err
    found = done.record
    assert set(found["policies"]) == {"twap", "passive:slices=3"}
    for row in found["policies"].values():
        assert set(row) >= COLUMNS
    assert (found["rung"], found["settings"]["seed"], len(found["digest"])) == ("R4", 7, 64)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "R4 latency, conserving queue" in page
    assert "<script" not in page


def test_the_table_names_rung_and_queue_and_is_the_same_again(inside: Inside, tape: Path) -> None:
    words = ("compare", tape, *FEW, "--rung", "R3", "--queue", "pessimistic", "--jobs", "1")
    one, two = inside(*words), inside(*words)
    assert one.code == 0, one.err
    assert "R3 ledger, pessimistic queue (pro-rata)" in one.out
    assert one.out == two.out
    assert json.loads(inside(*words, "--json").out)["digest"] in one.out


@pytest.mark.parametrize(("words", "code", "told"), [
    (("--qty", "0"), 2, "--qty 0"),
    (("--qty", "0.5"), 2, "between two lots"),
    (("--qty", "many"), 2, "--qty"),
    (("--adv-share", "2"), 2, "--adv-share"),
    (("--adv-share", "0.1", "--qty", "5"), 2, "--qty or by --adv-share"),
    ((), 2, "--qty or by --adv-share"),
    (("--qty", "5", "--window", "9h"), 2, "does not fit"),
    (("--qty", "5", "--window", "soon"), 2, "--window"),
    (("--qty", "5", "--rung", "R9"), 2, "did you mean 'R5'|did you mean 'R0'|--rung 'R9'"),
    (("--qty", "5", "--queue", "conservng"), 2, "did you mean 'conserving'"),
    (("--qty", "5", "--policies", "twpa"), 2, "did you mean 'twap'"),
    (("--qty", "5", "--policies", "pov:rat=1"), 2, "did you mean 'rate'"),
    (("--qty", "5", "--policies", "pov:rate=x"), 2, "rate=x"),
    (("--qty", "5", "--policies", "twap,,pov"), 2, "--policies"),
    (("--qty", "5", "--policies", "quote"), 2, "does not work parent orders"),
    (("--qty", "5", "--policies", "twap,twap"), 2, "twice"),
    (("--qty", "5", "--latency", "1ms,2ms"), 2, "feed,order,response"),
    (("--qty", "5", "--latency", "fast"), 2, "--latency"),
    (("--qty", "5", "--latency", "recorded"), 2, "only the feed"),
    (("--qty", "5", "--fees", "1"), 2, "maker,taker"),
    (("--qty", "5", "--fees", "a,b"), 2, "--fees"),
    (("--qty", "5", "--every", "0s"), 2, "--every"),
    (("--qty", "5", "--orders", "0"), 2, "--orders"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(inside: Inside, tape: Path, words: tuple[str, ...], code: int, told: str) -> None:
    done = inside("compare", tape, *words)
    assert_one_line(done)
    assert done.code == code
    assert any(part in done.err for part in told.split("|")), done.err


def test_a_tape_that_is_none_and_a_page_that_exists(inside: Inside, tape: Path, tmp_path: Path) -> None:
    missing = inside("compare", "nowhere.tape", "--qty", "5")
    assert_one_line(missing)
    assert missing.code == 3
    (tmp_path / "page.html").write_text("mine", encoding="utf-8")
    kept = inside("compare", tape, "--qty", "5", "--html", "page.html")
    assert_one_line(kept)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "mine"
    lost = inside("compare", tape, "--qty", "5", "--html", "no/page.html")
    assert_one_line(lost)
    assert "no such folder" in lost.err


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_no_process(tapedeck: Console, tape: Path, signal_number: signal.Signals) -> None:
    running = tapedeck.start("compare", tape, "--orders", "5000", "--qty", "200", "--window", "1m", "--jobs", "2")
    until = monotonic_ns() + 60_000_000_000
    while len(_members(running.pid)) < 3 and monotonic_ns() < until:  # itself and two workers at least
        assert running.poll() is None
        sleep(0.02)
    os.killpg(running.pid, signal_number)  # as a terminal does
    _, err = running.communicate(timeout=30)
    assert running.returncode in (130, 143)
    assert "Traceback" not in err
    until = monotonic_ns() + 5_000_000_000
    while _members(running.pid) and monotonic_ns() < until:
        sleep(0.02)
    assert not _members(running.pid)


def _members(group: int) -> list[int]:
    """Processes of a group that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(its_group) == group and state != "Z":
                found.append(int(entry.name))
    return found
