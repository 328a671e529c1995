"""kill -9 at any moment of an import leaves a whole tape or none, and the next import sweeps up."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from core.clock import monotonic_ns, sleep
from core.tape.check import verify
from core.tape.tape import Tape
from tests.console import Console

pytestmark = pytest.mark.xdist_group("kill")


def symbol_of(folder: Path) -> str:
    """The symbol of a tape that is sound from end to end."""
    tape = Tape(folder)
    assert not verify(tape).problems
    tape.close()
    return tape.instrument.symbol


def kill_often(tapedeck: Console, old: Path, source: Path, times: int, seed: int) -> None:
    """Kill `times` imports of `source`, every other one over an old tape."""
    rng, target = np.random.default_rng(seed), tapedeck.folder / "out.tape"
    started = monotonic_ns()
    assert tapedeck("tape", "import", source, "-o", target).code == 0
    whole = (monotonic_ns() - started) / 1e9
    killed = 0
    for number in range(times):
        shutil.rmtree(target)
        over = number % 2 == 0
        if over:
            shutil.copytree(old, target)
        process = tapedeck.start("tape", "import", source, "-o", target, "--force")
        sleep(rng.uniform(0.1, 1.0) * whole)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if target.exists():
            found = symbol_of(target)
            assert found == "LONG" or (over and found == "TEST")
        else:
            assert not over, "the old tape is gone and the new one is not there"
            target.mkdir()
    assert killed > times // 3
    shutil.rmtree(target)
    assert tapedeck("tape", "import", source, "-o", target).code == 0
    assert symbol_of(target) == "LONG"
    assert [path.name for path in tapedeck.folder.iterdir()] == ["out.tape"]


def test_killed_imports(tapedeck: Console, tape: Path, long_day: Path) -> None:
    kill_often(tapedeck, tape, long_day, times=8, seed=1)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [2, 3])
def test_fifty_killed_imports(tapedeck: Console, tape: Path, long_day: Path, seed: int) -> None:
    kill_often(tapedeck, tape, long_day, times=50, seed=seed)


def test_killed_while_the_old_tape_is_replaced(tapedeck: Console, tape: Path, day: Path) -> None:
    """Killed around the moment of the swap, found by watching for the finished description."""
    target = tapedeck.folder / "out.tape"
    for delay in (0.0, 0.001, 0.003, 0.01):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(tape, target)
        message = next(path for path in day.iterdir() if "message" in path.name)
        process = tapedeck.start("tape", "import", message, "-o", target, "--symbol", "NEW", "--force")
        end = monotonic_ns() + 60 * 10**9
        while process.poll() is None and monotonic_ns() < end:
            if list(tapedeck.folder.glob(".out.tape.part-*/tape.json")):
                break
        sleep(delay)
        process.kill()
        process.communicate()
        assert symbol_of(target) in ("TEST", "NEW")


def test_a_polite_kill_leaves_nothing(tapedeck: Console, long_day: Path) -> None:
    process = tapedeck.start("tape", "import", long_day, "-o", "out.tape")
    while process.poll() is None and not list(tapedeck.folder.glob(".out.tape.part-*")):
        sleep(0.001)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tapedeck.folder.iterdir()) == []
