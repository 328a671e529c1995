"""Measure replay, load and seek of one tape."""

import resource
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.clock import monotonic_ns
from core.tape.tape import Tape

_RUNS, _SEEKS = 5, 200


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """Warm, on one core: the whole tape applied to the book (median of 5), opening, and 200 random seeks."""
    Tape(folder).at(1)  # compile, and bring the tape's first pages in
    tape, load = None, []
    for _ in range(_RUNS):
        started = monotonic_ns()
        tape = Tape(folder)
        tape.new_book()
        load.append(monotonic_ns() - started)
    assert tape is not None
    times = []
    for run in range(_RUNS + 1):
        book = tape.new_book()
        started = monotonic_ns()
        book.apply(tape.messages)
        if run:  # the first pass reads the tape from disk
            times.append(monotonic_ns() - started)
    rng = np.random.default_rng(seed)
    seeks = []
    for ts in rng.integers(tape.meta.first_ts, tape.meta.last_ts + 1, _SEEKS):
        started = monotonic_ns()
        tape.at(tape.index_at(int(ts)))
        seeks.append((monotonic_ns() - started) / 1e6)
    seconds = median(times) / 1e9
    market = (tape.meta.last_ts - tape.meta.first_ts) / 1e9
    return {
        "tape": str(folder),
        "messages": len(tape.messages),
        "messages_per_second": round(len(tape.messages) / seconds),
        "ns_per_message": round(seconds * 1e9 / len(tape.messages), 2),
        "speed": round(market / seconds),
        "load_s": round(median(load) / 1e9, 6),
        "seek_ms_p50": round(float(np.percentile(seeks, 50)), 3),
        "seek_ms_p99": round(float(np.percentile(seeks, 99)), 3),
        "checkpoints": len(tape.marks),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
