"""Cut off what takes too long: one thread for all models that looks now and then at who is computing.

It sleeps while nothing computes for long, and a model pays one assignment for being watched: waking a thread for
each answer would cost more than the answer.
"""

import threading
import weakref
from typing import Protocol

from core.clock import monotonic_ns, sleep

_EVERY = 0.01  # seconds between two looks


class Options(Protocol):
    """The part of a runtime's options that ends a computation."""

    terminate: bool


class Watched:
    """A computation that may be cut off. `due`: its options and the time (monotonic ns) when it is late, or None."""

    __slots__ = ("__weakref__", "due")

    def __init__(self) -> None:
        self.due: tuple[Options, int] | None = None


_watched: weakref.WeakSet[Watched] = weakref.WeakSet()
_lock = threading.Lock()
_running = False


def watch(one: Watched) -> None:
    """Look after `one` as long as it exists."""
    global _running  # noqa: PLW0603 - one thread for the whole process
    with _lock:
        _watched.add(one)
        if not _running:
            _running = True
            threading.Thread(target=_look, name="model-watch", daemon=True).start()


def _look() -> None:
    global _running  # noqa: PLW0603
    while True:
        sleep(_EVERY)
        with _lock:
            living = list(_watched)
            if not living:
                _running = False
                return
        now = monotonic_ns()
        for one in living:
            # The options belong to one answer: ending them late cannot end the next.
            if (due := one.due) is not None and now >= due[1]:
                due[0].terminate = True
        del living
