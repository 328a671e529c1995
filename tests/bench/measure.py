"""What the benchmark scripts share: a synthetic tape, interleaved CPU time, one JSON record on stdout."""

import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.feeds.source import Options, Source  # noqa: E402 - the repository need not be installed
from core.sim.market import SyntheticSource  # noqa: E402
from core.sim.profile import MarketProfile  # noqa: E402
from core.tape.importer import import_tape  # noqa: E402
from core.tape.tape import Tape  # noqa: E402


def synthetic_tape(folder: Path, messages: int, seed: int = 1, profile: str = "default") -> Tape:
    """A synthetic day of exactly `messages` messages, imported into `folder`."""
    return imported(SyntheticSource(MarketProfile.named(profile), seed, messages), folder / f"{messages}.tape")


def imported(source: Source, target: Path) -> Tape:
    """A source as a tape."""
    import_tape(source, target, Options(), force=True)
    return Tape(target)


def interleaved(runs: int, cases: Mapping[str, Callable[[], Callable[[], object]]]) -> dict[str, list[float]]:
    """CPU seconds of every case, `runs` times, in turn: a, b, c, a, b, c ... after one turn that does not count.

    A case prepares (not measured) and returns what is measured. In turn, because the speed of a shared
    machine drifts: neighbours in time compare.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    gc.collect()
    gc.disable()
    for turn in range(runs + 1):
        for name, prepare in cases.items():
            job = prepare()
            start = time.process_time()
            job()
            spent = time.process_time() - start
            if turn:
                seconds[name].append(spent)
    gc.enable()
    return seconds


def ratio(faster: Sequence[float], slower: Sequence[float]) -> float:
    """How many times faster the first is: median over the pairs of runs that are neighbours in time."""
    return round(statistics.median(b / a for a, b in zip(faster, slower, strict=True)), 3)


def rates(seconds: Sequence[float], count: int) -> dict[str, Any]:
    """Millions a second: the median and every run."""
    each = [count / one / 1e6 for one in seconds]
    return {"million_per_second": round(statistics.median(each), 2), "runs": [round(one, 2) for one in each]}


def report(name: str, result: Mapping[str, Any], packages: Sequence[str] = ()) -> None:
    """Print the record of one benchmark."""
    machine = {
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "load": [round(x, 2) for x in os.getloadavg()],
        "python": sys.version.split()[0],
        **{package: version(package) for package in ("numpy", "numba", "polars", *packages)},
    }
    print(json.dumps({"benchmark": name, **result, "machine": machine}, indent=1))


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
