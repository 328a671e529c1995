"""kill -9 of the writer, of the projector and of the start after it: nothing acknowledged is lost, nothing is twice."""

import multiprocessing
import shutil
import struct
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from core.clock import monotonic_ns, sleep
from sessions.audit.project import project
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State, log_disk
from sessions.settling import settle_crashed
from sessions.verify import verify
from tests.oracle import dying
from tests.oracle.journal_days import Day

#: Table of DuckDB by stream.
TABLES = {"decisions": "decisions", "verdicts": "verdicts", "events": "events", "fills": "fills", "orders": "orders"}


@pytest.fixture(scope="module")
def nursery() -> ForkServerContext:
    """Processes that are there at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.oracle.dying"])
    return context


class Dealt:
    """What a writer of the same seed writes, commit by commit."""

    def __init__(self) -> None:
        self.streams: dict[str, list[NDArray[Any]]] = {}
        self.count = 0

    def take(self, stream: str, records: NDArray[Any], tape: int = 0) -> None:
        self.count += len(records)
        self.streams.setdefault(stream, []).append(records)

    def note(self, stream: str, text: str) -> None:
        self.streams.setdefault(stream, []).append(np.array([text]))

    def commit(self) -> None:
        """Nothing."""


def _acknowledged(told: Connection) -> tuple[int, bool]:
    """The last number that was told, and whether its writer came to its end."""
    last = count = 0
    while True:
        try:
            last = struct.unpack("<q", told.recv_bytes())[0]
        except (EOFError, OSError):
            return last, count == dying.COMMITS + 2
        count += 1


def _kill_one(nursery: ForkServerContext, home: Path, seed: int) -> float:
    """One session that dies. Returns the seconds that the next start took to close it."""
    rng = np.random.default_rng(seed)
    durable, ours = bool(rng.random() < 0.5), nursery.Pipe(duplex=False)
    writer = nursery.Process(target=dying.write, args=(str(home), seed, durable, ours[1]), daemon=True)
    writer.start()
    ours[1].close()
    assert ours[0].poll(30), "the writer has not begun"
    [folder] = (home / "sessions").iterdir()
    projector = nursery.Process(target=dying.project_on, args=(str(folder),), daemon=True)
    projector.start()
    sleep(float(rng.exponential(0.05) if rng.random() < 0.5 else rng.uniform(0.2, 0.9)))
    for each in (writer, projector) if rng.random() < 0.5 else (projector, writer):
        each.kill()
        if rng.random() < 0.5:
            sleep(float(rng.random() * 0.03))
    writer.join()
    projector.join()
    acknowledged, ended = _acknowledged(ours[0])
    if rng.random() < 0.5:  # the start after it dies too
        start = nursery.Process(target=dying.settle_all, args=(str(home),), daemon=True)
        start.start()
        sleep(float(rng.random() * 0.03))
        start.kill()
        start.join()
    began = monotonic_ns()
    settle_crashed(Rooms(home))
    seconds = (monotonic_ns() - began) / 1e9
    _compare(home, folder, seed, acknowledged, ended)
    return seconds


def _compare(home: Path, folder: Path, seed: int, acknowledged: int, ended: bool) -> None:
    found = verify(folder, Rooms(home))
    assert found.intact, [str(finding) for finding in found.findings]
    assert found.records >= acknowledged and (not ended or found.records == acknowledged)
    assert found.state in ((State.SEALED,) if ended else (State.SEALED, State.FAULTED))
    reader = Reader(log_disk(folder), start_of(read_manifest(folder).hash))
    logged: dict[str, list[NDArray[Any]]] = {}
    numbers: dict[str, list[NDArray[np.int64]]] = {}
    for block in reader:
        first = block.first
        for each in block.sections:
            records = np.array([each.text().decode()]) if each.stream.dtype is None else each.records
            logged.setdefault(each.stream.name, []).append(records)
            numbers.setdefault(each.stream.name, []).append(np.arange(first, first + each.count))
            first += each.count
    dealt, day = Dealt(), Day(np.random.default_rng(seed), tapes=2)
    for _ in range(dying.COMMITS):
        day.commit(dealt, 25)
        if dealt.count >= found.records:
            break
    for stream, parts in logged.items():
        if stream != "life":
            ours, truth = np.concatenate(parts), np.concatenate(dealt.streams[stream])
            assert ours.tobytes() == truth[: len(ours)].astype(ours.dtype).tobytes(), f"{stream} are what was written"
    done = project(folder, read_manifest(folder))
    assert done.complete and done.at.records == found.records
    with duckdb.connect(str(done.path), read_only=True) as connection:
        for stream, table in TABLES.items():
            rows = connection.execute(f"SELECT record FROM {table} ORDER BY record").fetchnumpy()["record"]
            truth = np.concatenate(numbers.get(stream, [np.zeros(0, np.int64)]))
            assert np.array_equal(rows, np.sort(truth)), f"{table} equals the log"
        if "decisions" in logged:
            rows = connection.execute("SELECT seq, ts, qty, price FROM decisions ORDER BY record").fetchnumpy()
            truth = np.concatenate(logged["decisions"])
            assert all(np.array_equal(rows[name], truth[name]) for name in ("seq", "ts", "qty", "price"))


def _kill(nursery: ForkServerContext, folder: Path, seeds: range) -> None:
    slowest = 0.0
    for seed in seeds:
        (folder / str(seed)).mkdir()
        slowest = max(slowest, _kill_one(nursery, folder / str(seed), seed))
        shutil.rmtree(folder / str(seed))
    assert slowest < 2.0, "recovery takes under two seconds"


def test_kills(nursery: ForkServerContext, tmp_path: Path) -> None:
    _kill(nursery, tmp_path, range(8))


@pytest.mark.nightly
def test_a_thousand_kills(nursery: ForkServerContext, tmp_path: Path) -> None:
    _kill(nursery, tmp_path, range(1000, 2000))
