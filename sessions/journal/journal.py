"""The journal of a running session: takes its records, writes them as blocks, signs anchors.

Two ways. A replay hands records to a thread, which groups them: the line never waits for a disk. A session whose
orders leave the process (`durable`) waits at `commit` until the block that holds them is on the disk.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from core.clock import monotonic_ns
from sessions.journal.anchors import AnchorBook
from sessions.journal.errors import JournalError
from sessions.journal.layout import MOST_TEXT, BlockFlag
from sessions.journal.log import Log, Position
from sessions.journal.streams import Section, pieces, section, text_section

#: Bytes that are grouped into one block, that may wait to be written, and of the largest block.
_GROUP, _WAITING, _LARGEST = 1 << 20, 256 << 20, 64 << 20
_QUIET = 0.05  #: seconds after which a smaller group is written too
_ANCHOR_NS = 1_000_000_000  #: between two anchors
_ANCHOR_RECORDS = 10_000  #: ... of a durable journal, whichever comes first


class Journal:
    """The writing end of a session's log. All calls from one thread."""

    def __init__(self, log: Log, anchors: AnchorBook, durable: bool = False) -> None:
        """`durable`: `commit` returns when everything before it is on the disk."""
        self._log, self._anchors, self.durable = log, anchors, durable
        self._open: list[Section] = []
        self._anchored_ns, self._anchored_records = monotonic_ns(), log.at.records
        self._failure: JournalError | None = None
        self._closed = False
        self._queue: deque[list[Section]] = deque()
        self._bytes, self._waiting, self._over, self._hurry = 0, threading.Condition(), False, False
        self._thread: threading.Thread | None = None
        if not durable:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    @property
    def records(self) -> int:
        """Records in the log so far."""
        return self._log.at.records

    @property
    def failure(self) -> JournalError | None:
        """Why nothing can be written any more."""
        return self._failure

    def take(self, stream: str, records: NDArray[Any], tape: int = 0) -> None:
        """Add records, in order; the array must not change any more. They are written at `commit`."""
        if len(records):
            self._open.append(section(stream, records, tape))

    def note(self, stream: str, text: str) -> None:
        """Add one text record. Raises `JournalError` if it is longer than a record can be."""
        if len(text) * 4 > MOST_TEXT:
            raise JournalError(stream, f"a text of {len(text):,} characters")
        self._open.append(text_section(stream, text))

    def commit(self) -> None:
        """What was taken belongs to the log now. Raises `JournalError` if it, or something before it, cannot."""
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise JournalError("journal", "it is closed")
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
            if self._failure is not None:
                raise self._failure
            self._queue.append(sections)
            self._bytes += size
            if len(self._queue) == 1 or self._bytes >= _GROUP:  # the writer is not woken for every little thing
                self._waiting.notify_all()

    def flush(self) -> None:
        """Everything committed is in the log's files on return, readable by others. Raises `JournalError`."""
        with self._waiting:
            self._hurry = True
            self._waiting.notify_all()
            while self._bytes and self._failure is None:
                self._waiting.wait()
            self._hurry = False
        if self._failure is not None:
            raise self._failure

    def close(self, sections: Sequence[Section] = (), seal: bool = True) -> Position:
        """Write what is left and, behind it, `sections` as the last block; anchor the end, and return it.

        Raises `JournalError`.
        """
        try:
            self.commit()
            self.flush()
            self._stop()
            if sections or seal:
                self._log.append(sections, BlockFlag.SEAL if seal else 0)
            self._log.close()
            self._anchors.add(self._log.at)
        except JournalError as error:
            self._failure = error
            self.abandon()
            raise
        return self._log.at

    def abandon(self) -> None:
        """Leave the log as it is: a later start makes its end whole."""
        self._stop()
        self._log.abandon()

    # --- writing -------------------------------------------------------------------------------

    def _guarded(self, sections: list[Section]) -> None:
        try:
            self._append(sections)
            enough = self._log.at.records - self._anchored_records >= _ANCHOR_RECORDS
            if enough or monotonic_ns() - self._anchored_ns >= _ANCHOR_NS:
                self._anchor()
        except JournalError as error:
            self._failure = error
            raise

    def _anchor(self) -> None:
        self._anchors.add(self._log.at)
        self._anchored_ns, self._anchored_records = monotonic_ns(), self._log.at.records

    def _append(self, sections: Sequence[Section]) -> None:
        small = _size(sections) <= _LARGEST
        for part in (sections,) if small else _parts(sections):
            self._log.append(part)
            if self.durable:  # what recovery relies on: nothing whole lies behind something torn
                self._log.sync()

    def _run(self) -> None:
        failure: JournalError | None = JournalError("journal", "its writer has died")
        try:
            self._write_groups()
            failure = None
        except JournalError as error:
            failure = error
        finally:  # whatever it was: nobody may wait for a writer that is gone
            with self._waiting:
                self._failure = failure
                self._waiting.notify_all()

    def _write_groups(self) -> None:
        while True:
            group, size = self._group()
            if not group:
                return
            self._append(group)
            if monotonic_ns() - self._anchored_ns >= _ANCHOR_NS:
                self._log.sync()
                self._anchor()
            with self._waiting:
                self._bytes -= size
                self._waiting.notify_all()

    def _group(self) -> tuple[list[Section], int]:
        """What is written next: as much as waits, up to a good size. Empty when it is over."""
        with self._waiting:
            while not self._queue and not self._over:
                self._waiting.wait()
            self._waiting.wait_for(lambda: self._bytes >= _GROUP or self._over or self._hurry, _QUIET)
            group: list[Section] = []
            size = 0
            while self._queue and size < _GROUP:
                size += _size(self._queue[0])
                group += self._queue.popleft()
            return group, size

    def _stop(self) -> None:
        thread, self._thread, self._closed = self._thread, None, True
        if thread is None:
            return
        with self._waiting:
            self._over = True
            self._waiting.notify_all()
        thread.join()


def _parts(sections: Sequence[Section]) -> Iterator[list[Section]]:
    """The sections, as many blocks as they need: one, as a rule."""
    part: list[Section] = []
    size = 0
    for whole in sections:
        for each in pieces(whole, _LARGEST):
            if part and size + each.records.nbytes > _LARGEST:
                yield part
                part, size = [], 0
            part.append(each)
            size += each.records.nbytes
    yield part


def _size(sections: Sequence[Section]) -> int:
    return sum(int(each.records.nbytes) for each in sections)
