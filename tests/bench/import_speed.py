"""Import end to end: rows a second from source file to published tape.

    python tests/bench/import_speed.py [--messages 2500000] [--runs 5]

Everything is made from synthetic days in a temporary folder:

    lobster        a LOBSTER message file (a REPLACE is a deletion and an addition)
    lobster_book   a LOBSTER message file of a 10-level window (the rows that change it) and its orderbook file
    itch_*         ITCH 5.0 captures of 1, 20 and 5,000 stocks, of which one is imported; all messages of the file count

One run is `import_tape(FEED.open(...), target, ...)`: reading, parsing, resolving ids, replaying for the checkpoints,
hashing the source and the tape, fsync. Warm: the first run does not count. Wall clock, since an import uses threads of
its own; CPU seconds beside it. `polars` reads the same csv files into a table and does nothing with it.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import measure
import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from core.feeds.itch import FEED as ITCH
from core.feeds.lobster import FEED as LOBSTER
from core.feeds.source import Feed, Options
from core.tape.importer import import_tape
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape

DAY = "2024-01-02"
LEVELS = 10
_MIDNIGHT = 1_704_171_600_000_000_000  # ns UTC of midnight in New York on DAY
_NAMES = ("time", "type", "order_id", "size", "price", "direction")


@njit
def _line(out, n, message, kind, order_id, qty, price, side):
    out[0, n], out[1, n], out[2, n] = message["ts_event"] - _MIDNIGHT, kind, order_id
    out[3, n], out[4, n], out[5, n] = qty, price, side
    return n + 1


@njit
def lobster_rows(messages, order_id, price, qty, out):
    """Messages as LOBSTER columns `out`, shape (6, rows); the other arrays by slot. Returns the rows."""
    n = 0
    for i in range(messages.shape[0]):
        message = messages[i]
        action, slot, side = message["action"], message["slot"], message["side"]
        if action == 9:
            continue
        if action == 5 or action == 3:
            n = _line(out, n, message, 3, order_id[slot], qty[slot], price[slot], side)
        if action == 1 or action == 5:
            order_id[slot], qty[slot], price[slot] = message["order_id"], message["qty"], message["price"] * 100
            n = _line(out, n, message, 1, order_id[slot], qty[slot], price[slot], side)
        elif action == 2 or action == 4:
            qty[slot] -= message["qty"]
            n = _line(out, n, message, action, order_id[slot], message["qty"], price[slot], side)
        elif action == 6:
            n = _line(out, n, message, 5, 0, message["qty"], message["price"] * 100 + slot // 10_000, -side)
    return n


def lobster_table(tape: Tape) -> pl.DataFrame:
    """The LOBSTER message file of a tape."""
    slots = tape.meta.slots
    out = np.zeros((6, 2 * len(tape.messages)), np.int64)
    n = lobster_rows(tape.messages, *np.zeros((3, slots), np.int64), out)
    columns = {name: out[i, :n] for i, name in enumerate(_NAMES)}
    return pl.DataFrame({**columns, "time": columns["time"] / 1e9})


def write_lobster(folder: Path, messages: int) -> dict[str, Path]:
    """Both LOBSTER cases: case name to message file."""
    tape = measure.synthetic_tape(folder, messages)
    full = folder / f"FULL_{DAY}_34200000_57600000_message_{LEVELS}.csv"
    table = lobster_table(tape)
    table.write_csv(full, include_header=False, float_precision=9)
    whole = measure.imported(LOBSTER.open([full], Options()), folder / "full.tape")
    inside, path = [], folder / f"WINDOW_{DAY}_34200000_57600000_message_{LEVELS}.csv"
    last = np.zeros((1, 4, LEVELS), np.int64)
    with Path(str(path).replace("_message_", "_orderbook_")).open("wb") as file:
        for chunk in iter_book_rows(whole, LEVELS):
            levels = np.concatenate([last, chunk.levels])
            moved = (levels[1:] != levels[:-1]).any(axis=(1, 2))
            rows = table[chunk.first : chunk.first + len(chunk.levels)].to_series(1).to_numpy()
            moved |= rows == 5
            inside.append(moved)
            last = levels[-1:].copy()
            pl.DataFrame(published(chunk.levels[moved])).write_csv(file, include_header=False)
    table.filter(pl.Series(np.concatenate(inside))).write_csv(path, include_header=False, float_precision=9)
    return {"lobster": full, "lobster_book": path}


def published(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Book rows (rows, 4, n) in ticks as LOBSTER writes them: level by level, prices in 1/100 cent."""
    out = levels.copy()
    out[:, 0::2] *= 100
    for field, nothing in ((0, 9_999_999_999), (2, -9_999_999_999)):
        out[:, field][levels[:, field + 1] == 0] = nothing
    return out.transpose(0, 2, 1).reshape(len(levels), -1)


def encoder() -> ModuleType:
    """The ITCH encoder of the tests."""
    spec = importlib.util.spec_from_file_location("itch_encoder", measure.ROOT / "tests" / "encoders" / "itch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(runs: int, cases: dict[str, Callable[[], int]]) -> dict[str, dict[str, object]]:
    """Every case `runs` times in turn after one turn that does not count. A case returns the rows it read."""
    wall: dict[str, list[float]] = {name: [] for name in cases}
    cpu: dict[str, list[float]] = {name: [] for name in cases}
    rows = {}
    for turn in range(runs + 1):
        for name, job in cases.items():
            start, spent = time.perf_counter(), time.process_time()
            rows[name] = job()
            if turn:
                wall[name].append(time.perf_counter() - start)
                cpu[name].append(time.process_time() - spent)
    return {
        name: {
            "rows": rows[name],
            **measure.rates(wall[name], rows[name]),
            "seconds": round(statistics.median(wall[name]), 3),
            "cpu_seconds": round(statistics.median(cpu[name]), 3),
            "million_per_cpu_second": measure.rates(cpu[name], rows[name])["million_per_second"],
        }
        for name in cases
    }


def main() -> None:
    """Write the sources, take turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=2_500_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = lobster_cases(folder, arguments.messages) | itch_cases(folder, arguments.messages)
        result = timed(arguments.runs, cases)
    asked = {"lobster": 3, "lobster_book": 0.7, "itch_20_stocks": 10}
    measure.report("import", {**result, "asked_million_per_second": asked})


def lobster_cases(folder: Path, messages: int) -> dict[str, Callable[[], int]]:
    """LOBSTER imports and the bare reads of the same files."""
    cases: dict[str, Callable[[], int]] = {}
    for case, path in write_lobster(folder, messages).items():
        files = [path, Path(str(path).replace("_message_", "_orderbook_"))]
        files = [file for file in files if file.exists()]
        cases[case] = importing(LOBSTER, files, folder / f"{case}.tape", Options())
        cases[f"polars_{case}"] = reading(files)
    return cases


def reading(files: list[Path]) -> Callable[[], int]:
    """All files into tables by polars; returns the rows of one."""
    return lambda: min(len(pl.read_csv(file, has_header=False)) for file in files)


def itch_cases(folder: Path, messages: int) -> dict[str, Callable[[], int]]:
    """ITCH imports of one stock out of more and more."""
    cases: dict[str, Callable[[], int]] = {}
    for stocks in (1, 20, 5000):
        data, count = encoder().day(np.random.default_rng(1), int(messages / 2.75), stocks)
        path = folder / f"{stocks}.itch"
        path.write_bytes(data)
        job = importing(ITCH, [path], folder / f"itch{stocks}.tape", Options(symbol="S00000", date=DAY))
        cases[f"itch_{stocks}_stocks"] = lambda job=job, count=count: (job(), count)[1]
    return cases


def importing(feed: Feed, files: list[Path], target: Path, options: Options) -> Callable[[], int]:
    """A whole import; returns its source rows."""
    return lambda: import_tape(feed.open(files, options), target, options, force=True).source_rows


if __name__ == "__main__":
    main()
