"""A time budget for code that is not ours: a policy in Python answers in time or is cut off.

Each such agent has a thread of its own. An answer that does not come is abandoned: the thread is asked to stop by
an exception (which reaches Python code, not a library that never returns) and is not used again. The wait wakes up
every few milliseconds, so that a person's kill is never behind a policy that hangs.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from core.clock import monotonic_ns
from core.policies.contain import CutOff

_SLICE_S = 0.002
_URGENT_NS = 5_000_000  # a policy gets no more than this once a person's command waits


class Worker:
    """Runs one agent's policy calls, one after another, on a thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: Callable[[], Any] | None = None
        self._asked, self._answered = threading.Event(), threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._over = False

    def call(self, task: Callable[[], Any], budget_ns: int, urgent: Callable[[], bool]) -> tuple[bool, Any, int]:
        """Run `task`. Returns whether it answered in time, its answer, and the ns it took.

        Gives up early when `urgent` says that a person's command waits, after a tenth of the budget or 5 ms. What
        `task` raises is raised here.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"policy {self._name}", daemon=True)
            self._thread.start()
        self._task = task
        self._answered.clear()
        started = monotonic_ns()
        self._asked.set()
        while not self._answered.wait(_SLICE_S):
            taken = monotonic_ns() - started
            if taken > budget_ns or (taken > min(budget_ns // 10, _URGENT_NS) and urgent()):
                self._abandon()
                return False, None, taken
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return True, self._result, monotonic_ns() - started

    def close(self) -> None:
        """Let the thread end."""
        self._over = True
        self._asked.set()

    def _abandon(self) -> None:
        thread, self._thread, self._over = self._thread, None, True
        if thread is not None and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(CutOff))

    def _run(self) -> None:
        try:
            while not self._over:
                self._asked.wait()
                self._asked.clear()
                task, self._task = self._task, None
                if task is not None:
                    self._work(task)
                    self._answered.set()
        except CutOff:
            return

    def _work(self, task: Callable[[], Any]) -> None:
        try:
            self._result = task()
        except CutOff:
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            self._error = error
