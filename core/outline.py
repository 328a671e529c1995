"""The whole day at a glance, for the day bar."""

import threading

import numpy as np

from core.history import Prints, new_sampler, play
from core.records import NO_PRICE
from core.tape.tape import Tape
from core.transport import Overview

_CHUNK = 1 << 18


def outline(tape: Tape, buckets: int, stop: threading.Event) -> Overview | None:
    """Mid and volume in equal time buckets, by one replay. None when `stop` was set meanwhile."""
    first, last = tape.meta.first_ts, tape.meta.last_ts
    step = max(1, -(-(last - first + 1) // buckets))
    book, sampler = tape.new_book(), new_sampler(buckets + 2, step, 1)
    sampler.meta[1] = first + step
    index, total = 0, len(tape.messages)
    while index < total:
        if stop.is_set():
            return None
        index, reason = play(book.state, tape.messages, index, min(total, index + _CHUNK), 2**63 - 1, sampler)
        if reason == 2:
            book.grow(int(tape.messages[index]["price"]))
    closed = int(sampler.meta[2])
    best = sampler.best[:closed].astype(np.float64)
    best[best == NO_PRICE] = np.nan
    bid, ask = book.best()
    final = (bid + ask) / 2 if bid is not None and ask is not None else float("nan")
    mid = [*(float(x) for x in best.mean(axis=1)), final]
    prints = Prints(tape.messages, tape.meta.prints)
    edges = first + step * np.arange(buckets + 1, dtype=np.int64)
    at = np.searchsorted(prints.clock, edges, "left")
    at[-1] = len(prints.records)
    volume = np.diff(prints.volume[at])
    mid = (mid + [final] * buckets)[:buckets]
    return Overview(first, last, tuple(mid), tuple(int(x) for x in volume))
