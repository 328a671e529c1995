"""What the journal costs: records a second into a log, an acknowledged commit against a bare fdatasync, verifying.

    python tests/bench/journal_cost.py [--records 2000000] [--commits 2000] [--folder DIR]

The records are a day's usual mix (see tests/oracle/journal_days.py). A durable commit holds one decision, its verdict
and one event; the bare fdatasync writes as many bytes into a preallocated file. Both take turns at being first,
so that whatever else the machine does slows both. The folder should lie on the disk that sessions lie on.
Prints one JSON record.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from core.clock import cpu_ns, monotonic_ns  # noqa: E402
from sessions.journal.anchors import Keys  # noqa: E402
from sessions.journal.disk import FolderDisk  # noqa: E402
from sessions.journal.layout import pack  # noqa: E402
from sessions.journal.log import SEGMENT  # noqa: E402
from sessions.journal.streams import section  # noqa: E402
from sessions.recording import Recording, Rooms, State  # noqa: E402
from sessions.verify import verify  # noqa: E402
from tests.oracle.journal_days import TYPES, Day, begin  # noqa: E402

#: What one act of an agent leaves.
ACT = ("decisions", "verdicts", "events")


class Held:
    """Keeps what a day deals out, so that dealing is not measured."""

    def __init__(self) -> None:
        self.commits: list[list[tuple[str, Any, int]]] = [[]]

    def take(self, stream: str, records: Any, tape: int = 0) -> None:
        self.commits[-1].append((stream, records, tape))

    def note(self, stream: str, text: str) -> None:
        """Texts are rare."""

    def commit(self) -> None:
        self.commits.append([])


def grouped(rooms: Rooms, records: int, per_commit: int) -> tuple[Recording, dict[str, float]]:
    """Records a second, from the first `take` to everything in the files."""
    held = Held()
    day = Day(np.random.default_rng(1))
    for _ in range(records // per_commit):
        day.commit(held, per_commit)
    recording = begin(rooms, Keys(rooms.keys))
    began, cpu = monotonic_ns(), cpu_ns()
    for commit in held.commits:
        for stream, array, tape in commit:
            recording.journal.take(stream, array, tape)
        recording.journal.commit()
    line = cpu_ns() - cpu
    recording.journal.flush()
    seconds = (monotonic_ns() - began) / 1e9
    count = recording.journal.records
    recording.close(State.SEALED)
    return recording, {"records_per_s": round(count / seconds), "ns_a_record_on_the_line": round(line / count, 1)}


def durable(rooms: Rooms, commits: int) -> dict[str, float]:
    """p50 of a durable commit, and of a bare fdatasync of the same size."""
    recording = begin(rooms, Keys(rooms.keys), durable=True)
    raw, _ = pack(0, 0, bytes(32), [section(name, np.zeros(1, TYPES[name])) for name in ACT])
    disk = FolderDisk(recording.folder)
    disk.create("bare", SEGMENT)
    day = Day(np.random.default_rng(2))
    ours: list[int] = []
    bare: list[int] = []

    def commit() -> None:
        for name, records in parts:
            recording.journal.take(name, records)
        recording.journal.commit()

    def alone() -> None:
        disk.write("bare", number * len(raw), raw)
        disk.sync("bare")

    for number in range(commits):
        parts = [(name, day.some(name, 1)) for name in ACT]
        turns = [(commit, ours), (alone, bare)]
        for act, times in turns if number % 2 else turns[::-1]:
            began = monotonic_ns()
            act()
            times.append(monotonic_ns() - began)
    disk.close()
    (recording.folder / "bare").unlink()
    recording.close(State.SEALED)
    a, b = np.percentile(ours, [50, 99]) / 1e3, np.percentile(bare, [50, 99]) / 1e3
    return {
        "bytes": len(raw), "p50_us": round(a[0]), "p99_us": round(a[1]), "fdatasync_p50_us": round(b[0]),
        "fdatasync_p99_us": round(b[1]), "p50_ratio": round(a[0] / b[0], 3),
    }  # fmt: skip


def checking(rooms: Rooms, recording: Recording) -> dict[str, float]:
    """Records a second verified, by the clock and by the processor time of all threads; best of three."""
    wall, spent, size = 0.0, 0.0, 0.0
    for _ in range(3):
        began, cpu = monotonic_ns(), time.process_time_ns()
        found = verify(recording.folder, rooms)
        wall = max(wall, found.records / (monotonic_ns() - began) * 1e9)
        spent = max(spent, found.records / (time.process_time_ns() - cpu) * 1e9)
        size = found.bytes / found.records
        if not found.intact:
            raise SystemExit("\n".join(map(str, found.findings)))
    return {"records_per_s": round(wall), "records_per_cpu_s": round(spent), "bytes_a_record": round(size)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--commits", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as home:
        rooms = Rooms(Path(home))
        _, small = grouped(rooms, asked.records // 4, 100)
        recording, large = grouped(rooms, asked.records, 10_000)
        print(json.dumps({
            "log_100_a_commit": small, "log_10000_a_commit": large, "verify": checking(rooms, recording),
            "durable": durable(rooms, asked.commits),
        }))  # fmt: skip


if __name__ == "__main__":
    main()
