"""Cost per message from 1e5 to 1e7 messages, and the time to seek.

    python tests/bench/flatness.py [--sizes 100000 1000000 10000000] [--runs 7] [--seeks 200]

Synthetic tapes of the same profile and seed, so about the same number of live orders at any length; each is applied
whole to a new book, in turn, the short ones repeatedly. Seeking is `tape.at(tape.index_at(ts))` at seeded random times
of the largest tape: on the tape just opened (pages cached, not mapped), then again at the same times. Wall clock.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measure
import numpy as np

from core.tape.tape import Tape


def applied(tape: Tape, times: int) -> Callable[[], Callable[[], object]]:
    """The whole tape on `times` new books, one after the other."""

    def prepare() -> Callable[[], object]:
        books = [tape.new_book() for _ in range(times)]

        def job() -> None:
            for book in books:
                book.apply(tape.messages)

        return job

    return prepare


def seeks(tape: Tape, count: int) -> dict[str, float]:
    """Milliseconds to put a book at `count` random times of the tape."""
    times = np.random.default_rng(1).integers(tape.meta.first_ts, tape.meta.last_ts, count)
    spent = []
    for ts in times.tolist():
        start = time.perf_counter()
        tape.at(tape.index_at(ts))
        spent.append(1000 * (time.perf_counter() - start))
    return {
        "seek_ms_p50": round(statistics.median(spent), 2),
        "seek_ms_p99": round(float(np.percentile(spent, 99)), 2),
        "seek_ms_max": round(max(spent), 2),
    }


def main() -> None:
    """Make the tapes, take turns, seek, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seeks", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tapes = {size: measure.synthetic_tape(Path(folder), size) for size in sorted(arguments.sizes)}
        largest = max(tapes)
        repeats = {size: max(1, largest // size // 5) for size in tapes}
        cases = {str(size): applied(tape, repeats[size]) for size, tape in tapes.items()}
        spent = measure.interleaved(arguments.runs, cases)
        cost = {
            str(size): {
                "ns_per_message": round(1e9 * statistics.median(spent[str(size)]) / size / repeats[size], 2),
                "runs": [round(1e9 * one / size / repeats[size], 2) for one in spent[str(size)]],
                "live_orders": int(tape.at(size).book.orders),
            }
            for size, tape in tapes.items()
        }
        middle = [case["ns_per_message"] for case in cost.values()]
        again = Tape(tapes[largest].folder)
        result = {
            "cost": cost,
            "largest_over_smallest": round(cost[str(largest)]["ns_per_message"] / middle[0], 3),
            "highest_over_lowest": round(max(middle) / min(middle), 3),
            "seek_messages": largest,
            "checkpoints": len(again.marks),
            "seek_first": seeks(again, arguments.seeks),
            "seek_again": seeks(again, arguments.seeks),
            "asked": {"seek_ms_p99": 50, "cost": "flat"},
        }
        measure.report("flatness", result)


if __name__ == "__main__":
    main()
