"""Writing a log: blocks into preallocated segments, one after the other, each chained to the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.journal.disk import Disk
from sessions.journal.layout import HASH, HEADER, pack
from sessions.journal.streams import Section

#: Bytes of a segment; a block larger than that has a segment of its own.
SEGMENT = 64 << 20


@dataclass(frozen=True, slots=True)
class Position:
    """Where a log ends, or how far somebody has read."""

    segment: int  #: number of the segment
    offset: int  #: bytes of it
    blocks: int
    records: int
    head: bytes  #: hash of the last block, of the manifest before any


def start_of(genesis: bytes) -> Position:
    """Before the first block."""
    return Position(0, 0, 0, 0, genesis)


def segment_name(number: int) -> str:
    """File name of a segment."""
    return f"journal-{number:06d}.wal"


class Log:
    """The writing end. Not safe for several threads; one process at a time (`lock` of the session)."""

    def __init__(self, disk: Disk, at: Position, segment: int = SEGMENT) -> None:
        """Go on `at` the end of what is there, `start_of(genesis)` for a new one."""
        self._disk, self._segment, self.at = disk, segment, at
        self._name = segment_name(at.segment)
        self._there = self._name in disk.names()
        self._room = len(disk.read(self._name)) if self._there else 0
        self._unsynced = False

    def append(self, sections: Sequence[Section], flags: int = 0) -> Position:
        """Write one block; durable only after `sync`. Returns the new end. Raises `JournalError`."""
        raw, head = pack(self.at.blocks, self.at.records, self.at.head, sections, flags)
        if self.at.offset + len(raw) > self._room:
            self._next_segment(len(raw))
        at = self.at
        self._disk.write(self._name, at.offset, raw)
        self._unsynced = True
        count = sum(each.count for each in sections)
        self.at = Position(at.segment, at.offset + len(raw), at.blocks + 1, at.records + count, head)
        return self.at

    def _next_segment(self, least: int) -> None:
        at = self.at
        if self._there:
            self.sync()  # a later segment is never durable before an earlier one
            if self._room > at.offset:
                self._disk.cut(self._name, at.offset)
            at = Position(at.segment + 1, 0, at.blocks, at.records, at.head)
        self._room = max(self._segment, least)
        name = segment_name(at.segment)
        self._disk.create(name, self._room)
        self.at, self._name, self._there = at, name, True

    def sync(self) -> None:
        """Everything appended is durable on return. Raises `JournalError`."""
        if self._unsynced:
            self._disk.sync(self._name)
            self._unsynced = False

    def close(self) -> None:
        """Make it durable, and give back the room that was not needed. Raises `JournalError`."""
        try:
            self.sync()
            if self._room > self.at.offset:
                self._disk.cut(self._name, self.at.offset)
                self._room = self.at.offset
        finally:
            self._disk.close()

    def abandon(self) -> None:
        """Let go of the files as they are."""
        self._disk.close()


def block_size(sections: Sequence[Section]) -> int:
    """About how many bytes a block of these sections takes."""
    return HEADER.itemsize + HASH + sum(8 + each.records.nbytes for each in sections)
