"""Tells when a kernel is being compiled: the long wait of a start, where no cache has spared it."""

from collections.abc import Callable
from typing import Any

from numba.core import event

# numba's annotations stop here.
_register: Any = event.register
_unregister: Any = event.unregister

_KIND = "numba:compile"  # only real work: what a cache holds is loaded without it


class CompileWatch(event.Listener):
    """While it is entered, `begun` is called whenever a compilation begins, on the thread that compiles."""

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun = begun

    def __enter__(self) -> "CompileWatch":
        _register(_KIND, self)
        return self

    def __exit__(self, *reason: object) -> None:
        _unregister(_KIND, self)

    def on_start(self, event: Any) -> None:
        """A compilation begins."""
        self._begun()

    def on_end(self, event: Any) -> None:
        """It is over; whoever plays says what comes next."""
