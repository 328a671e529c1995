"""The journal of a running session: takes its records, writes them as blocks, signs anchors.

Two ways. A replay hands records to a thread, which groups them: the line never waits for a disk. A session whose
orders leave the process (`durable`) waits at `commit` until the block that holds them is on the disk.
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from core.clock import monotonic_ns
from sessions.journal.anchors import AnchorBook
from sessions.journal.errors import JournalError
from sessions.journal.layout import BlockFlag
from sessions.journal.log import Log
from sessions.journal.streams import Section, section, text_section

#: Bytes that are grouped into one block, and that may wait to be written.
_GROUP, _WAITING = 1 << 20, 256 << 20
_QUIET = 0.05  #: seconds after which a smaller group is written too
_ANCHOR_NS = 1_000_000_000  #: between two anchors
_ANCHOR_RECORDS = 10_000  #: ... of a durable journal


class Journal:
    """The writing end of a session's log. All calls from one thread."""

    def __init__(self, log: Log, anchors: AnchorBook, durable: bool = False) -> None:
        """`durable`: `commit` returns when everything before it is on the disk."""
        self._log, self._anchors, self.durable = log, anchors, durable
        self._open: list[Section] = []
        self._anchored_ns, self._anchored_records = monotonic_ns(), log.at.records
        self._failure: JournalError | None = None
        self._queue: deque[list[Section]] = deque()
        self._bytes, self._waiting, self._over = 0, threading.Condition(), False
        self._thread: threading.Thread | None = None
        if not durable:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    @property
    def records(self) -> int:
        """Records in the log and on their way to it."""
        return self._log.at.records

    @property
    def failure(self) -> JournalError | None:
        """Why nothing can be written any more."""
        return self._failure

    def take(self, stream: str, records: NDArray[Any], tape: int = 0) -> None:
        """Add records, in order; the array must not change any more. They are written at `commit`."""
        self._open.append(section(stream, records, tape))

    def note(self, stream: str, text: str) -> None:
        """Add one text record."""
        self._open.append(text_section(stream, text))

    def commit(self) -> None:
        """What was taken belongs to the log now. Raises `JournalError` if it, or something before it, cannot."""
        if self._failure is not None:
            raise self._failure
        if not self._open:
            return
        sections, self._open = self._open, []
        if self.durable:
            self._guarded(sections)
            return
        size = _size(sections)
        with self._waiting:
            while self._bytes > _WAITING and self._failure is None:
                self._waiting.wait()
            self._queue.append(sections)
            self._bytes += size
            self._waiting.notify_all()

    def flush(self) -> None:
        """Everything committed is in the log's files on return, readable by others. Raises `JournalError`."""
        with self._waiting:
            while self._bytes and self._failure is None:
                self._waiting.wait()
        if self._failure is not None:
            raise self._failure

    def close(self, sections: Sequence[Section] = (), seal: bool = True) -> None:
        """Write what is left and, behind it, `sections` as the last block; anchor the end. Raises `JournalError`."""
        try:
            self.commit()
            self.flush()
        finally:
            self._stop()
        if sections or seal:
            self._log.append(sections, BlockFlag.SEAL if seal else 0)
        self._log.close()
        self._anchors.add(self._log.at)

    def abandon(self) -> None:
        """Leave the log as it is: a later start makes its end whole."""
        self._stop()

    # --- writing -------------------------------------------------------------------------------

    def _guarded(self, sections: list[Section]) -> None:
        try:
            self._log.append(sections)
            self._log.sync()
            if self._log.at.records - self._anchored_records >= _ANCHOR_RECORDS:
                self._anchor()
        except JournalError as error:
            self._failure = error
            raise

    def _anchor(self) -> None:
        self._anchors.add(self._log.at)
        self._anchored_ns, self._anchored_records = monotonic_ns(), self._log.at.records

    def _run(self) -> None:
        while True:
            group, size = self._group()
            if not group:
                return
            try:
                self._log.append(group)
                if monotonic_ns() - self._anchored_ns >= _ANCHOR_NS:
                    self._log.sync()
                    self._anchor()
            except JournalError as error:
                with self._waiting:
                    self._failure = error
                    self._waiting.notify_all()
                return
            with self._waiting:
                self._bytes -= size
                self._waiting.notify_all()

    def _group(self) -> tuple[list[Section], int]:
        """What is written next: as much as waits, up to a good size. Empty when it is over."""
        with self._waiting:
            while not self._queue and not self._over:
                self._waiting.wait()
            if self._queue and self._bytes < _GROUP and not self._over:
                self._waiting.wait(_QUIET)
            group: list[Section] = []
            size = 0
            while self._queue and size < _GROUP:
                size += _size(self._queue[0])
                group += self._queue.popleft()
            return group, size

    def _stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._waiting:
            self._over = True
            self._waiting.notify_all()
        thread.join()


def _size(sections: Sequence[Section]) -> int:
    return sum(int(each.records.nbytes) for each in sections)
