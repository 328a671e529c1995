"""The same session gives the same records to the last bit: cut anywhere, in another process, without the compiler."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.enums import Rung
from core.feeds.source import Options
from core.plan import AgentPlan
from core.tape.importer import import_tape, open_source
from core.tape.tape import Tape
from tests.oracle.venue_plans import PLANS, digests, short, synthetic
from tests.oracle.venue_sessions import SECOND, played, session

_ROOT = Path(__file__).resolve().parents[2]
_LONG, _SHORT = 12_000, 800


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tapes are."""
    return tmp_path_factory.mktemp("tapes")


@pytest.fixture(scope="module")
def tapes(folder: Path) -> list[Tape]:
    """Two synthetic days of some thousand messages."""
    return [synthetic(folder, seed, _LONG) for seed in (1, 2)]


def _elsewhere(folder: Path, messages: int, names: list[str], **environment: str) -> dict[str, dict[str, str]]:
    """The digests that another process finds."""
    command = [sys.executable, "-m", "tests.oracle.venue_plans", str(folder), str(messages), *names]
    done = subprocess.run(
        command, cwd=_ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.mark.jit_only
def test_ten_sessions_cut_anywhere_and_in_another_process_agree(folder: Path, tapes: list[Tape]) -> None:
    there = _elsewhere(folder, _LONG, list(PLANS))
    for name in PLANS:
        here = digests(name, tapes)
        assert int(here["n_fills"]) > 5, f"{name} trades"
        assert there[name] == here, name
        for most in (173, 2500):
            assert digests(name, tapes, most) == here, (name, most)


@pytest.mark.nightly
@pytest.mark.jit_only
def test_ten_sessions_run_ten_times_agree(folder: Path, tapes: list[Tape]) -> None:
    for name in PLANS:
        here = digests(name, tapes)
        assert all(digests(name, tapes, most) == here for most in (None, None, None, 97, 333, 1001, 2000, 4999, 11_999))


@pytest.mark.nightly
@pytest.mark.jit_only
def test_short_sessions_agree_without_the_compiler(folder: Path) -> None:
    """Rungs, latencies, reaction and Python: what is compiled says what is written."""
    names = ["passive-queue", "quotes-slow", "quotes-reactive", "two-tapes", "python"]
    tapes = [short(folder, seed, _SHORT) for seed in (1, 2)]
    there = _elsewhere(folder, _SHORT, names, NUMBA_DISABLE_JIT="1")
    for name in names:
        assert there[name] == digests(name, tapes), name


@pytest.mark.nightly
@pytest.mark.jit_only
@pytest.mark.parametrize("rung", [Rung.QUEUE, Rung.LATENCY, Rung.REACTIVE])
@pytest.mark.parametrize("model", ["tail", "pro-rata", "head", "power"])
def test_a_level_two_tape_is_cut_anywhere(binance: Tape, rung: Rung, model: str) -> None:
    found = []
    for most in (None, 1000):
        agents = [AgentPlan("q", "t0", "quote", every=2 * SECOND)]
        desk = played(session([binance], agents, rung, queue_model=model), most)
        assert desk.recorder.counts["fills"] > 0
        found.append(desk.recorder.digests())
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def binance(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """A stretch of the Binance sample, level 2."""
    path = shared_data / "binance" / "spot_ethusdt_20240808.gz"
    if not path.is_file():
        pytest.skip(f"no {path.name} under {path.parent}")
    target = tmp_path_factory.mktemp("binance") / "d.tape"
    import_tape(open_source([path], Options()), target, Options())
    return Tape(target)
