"""Measure replay, load and seek of one tape."""

import resource
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.clock import cpu_ns, monotonic_ns
from core.tape.tape import Tape

_RUNS, _SEEKS = 5, 200


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """Warm, on one core: the whole tape applied to the book (median of 5), opening, and 200 random seeks.

    `messages_per_second` counts processor time, so that a busy machine does not blur it.
    """
    Tape(folder).at(1)  # compile, and bring the tape's first pages in
    tape, load = None, []
    for _ in range(_RUNS):
        started = monotonic_ns()
        tape = Tape(folder)
        tape.new_book()
        load.append(monotonic_ns() - started)
    assert tape is not None
    times, walls = [], []
    for run in range(_RUNS + 1):
        book = tape.new_book()
        started, busy = monotonic_ns(), cpu_ns()
        book.apply(tape.messages)
        if run:  # the first pass reads the tape from disk
            walls.append(monotonic_ns() - started)
            times.append(cpu_ns() - busy)
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
        "wall_messages_per_second": round(len(tape.messages) * 1e9 / median(walls)),
        "ns_per_message": round(seconds * 1e9 / len(tape.messages), 2),
        "speed": round(market / seconds),
        "load_s": round(median(load) / 1e9, 6),
        "seek_ms_p50": round(float(np.percentile(seeks, 50)), 3),
        "seek_ms_p99": round(float(np.percentile(seeks, 99)), 3),
        "checkpoints": len(tape.marks),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
