"""A disk that fails on purpose: what is not synced may be lost, torn or written in any order when the power goes.

Every file has a durable image and the writes since its last sync. A power cut keeps, of each of those writes, any
subset of its 512-byte sectors, whatever came before or after it. `sync` empties the list of the one file, `create` and
`cut` are durable on return, as `sessions.journal.disk.Disk` promises; when the power goes inside of them, either the
old state is left or the new one.
"""

from dataclasses import dataclass, field

import numpy as np

from sessions.journal.errors import JournalError

SECTOR = 512


class PowerCut(BaseException):
    """The machine is off. Not an error that a program could handle."""


@dataclass(slots=True)
class File:
    """One file: what the platters hold, and what the machine believes."""

    durable: bytearray
    seen: bytearray
    waiting: list[tuple[int, bytes]] = field(default_factory=list)


class SimDisk:
    """`Disk` in memory. `steps` counts operations; the power goes when `die_at` is reached."""

    def __init__(self, rng: np.random.Generator, die_at: int | None = None) -> None:
        self.files: dict[str, File] = {}
        self._rng, self.die_at, self.steps = rng, die_at, 0
        self.room: int | None = None  # bytes left before the disk is full
        self.broken_writes: set[int] = set()  # numbers of the writes and syncs that end in EIO
        self.broken_syncs: set[int] = set()
        self.writes = self.syncs = 0
        self.slow_sync = lambda: None

    # --- the port ------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names of the files, sorted."""
        return sorted(self.files)

    def read(self, name: str) -> memoryview:
        """The whole of a file."""
        return memoryview(bytes(self._file(name).seen))

    def create(self, name: str, size: int) -> None:
        """A new file of `size` zeros."""
        if name in self.files:
            raise JournalError(name, "File exists")
        if self._step() and self._rng.random() < 0.5:  # the power goes inside: the name may be there, and some room
            some = int(self._rng.integers(0, size + 1))
            self.files[name] = File(bytearray(some), bytearray(some))
        self._off()
        if self.room is not None and size > self.room:
            self.files[name] = File(bytearray(), bytearray())  # a failed preallocation leaves an empty file
            raise JournalError(name, "No space left on device")
        if self.room is not None:
            self.room -= size
        self.files[name] = File(bytearray(size), bytearray(size))

    def write(self, name: str, offset: int, raw: bytes) -> None:
        """Write; durable only after `sync`."""
        file = self._file(name)
        self.writes += 1
        if self._step():  # the power goes inside: some of it has reached the machine's memory
            raw = raw[: int(self._rng.integers(0, len(raw) + 1))]
        if self.writes in self.broken_writes:
            raw = raw[: len(raw) // 2]
        end = offset + len(raw)
        if end > len(file.seen):
            if self.room is not None and end - len(file.seen) > self.room:
                raise JournalError(name, "No space left on device")
            file.seen.extend(bytes(end - len(file.seen)))
        file.seen[offset:end] = raw
        file.waiting.append((offset, bytes(raw)))
        self._off()
        if self.writes in self.broken_writes:
            raise JournalError(name, "Input/output error")

    def sync(self, name: str) -> None:
        """What was written to a file is durable on return."""
        file = self._file(name)
        self.syncs += 1
        self.slow_sync()
        if self.syncs in self.broken_syncs:
            self._settle(file, 0.5)  # some of it may be on the disk; the rest is marked clean and lost
            file.seen = bytearray(file.durable)
            raise JournalError(name, "Input/output error")
        self._step()
        self._off()  # before anything is certain: some of it, or all, may have come so far
        self._settle(file, 1.0)

    def cut(self, name: str, size: int) -> None:
        """Make a file shorter, durably: its length, not what it holds."""
        file = self._file(name)
        if self._step() and self._rng.random() < 0.5:
            self._off()
        del file.durable[size:], file.seen[size:]
        file.waiting = [(offset, raw[: size - offset]) for offset, raw in file.waiting if offset < size]
        self._off()

    def close(self) -> None:
        """Let go of the files."""

    # --- what happens to it --------------------------------------------------------------------

    def power_cut(self) -> "SimDisk":
        """The disk that the next start finds."""
        after = SimDisk(self._rng)
        keep = float(self._rng.choice([0.0, 0.2, 0.5, 0.9, 1.0]))
        for name, file in self.files.items():
            self._settle(file, keep)
            after.files[name] = File(bytearray(file.durable), bytearray(file.durable))
        return after

    def process_death(self) -> "SimDisk":
        """The disk after the process alone has died: everything written is there."""
        after = SimDisk(self._rng)
        for name, file in self.files.items():
            after.files[name] = File(bytearray(file.durable), bytearray(file.seen), list(file.waiting))
        return after

    def _settle(self, file: File, keep: float) -> None:
        """Some of the sectors of the waiting writes reach the platters, in no order."""
        found = [
            (start, raw[start - offset : min(start - offset + SECTOR - start % SECTOR, len(raw))])
            for offset, raw in file.waiting
            for start in _sectors(offset, len(raw))
        ]
        file.waiting.clear()
        if keep < 1.0:
            chosen = self._rng.random(len(found)) < keep
            found = [piece for piece, kept in zip(found, chosen, strict=True) if kept]
        for offset, raw in found:
            if offset + len(raw) > len(file.durable):
                file.durable.extend(bytes(offset + len(raw) - len(file.durable)))
            file.durable[offset : offset + len(raw)] = raw

    def _file(self, name: str) -> File:
        if name not in self.files:
            raise JournalError(name, "No such file or directory")
        return self.files[name]

    def _step(self) -> bool:
        """Count one operation; whether the power goes in it."""
        self.steps += 1
        return self.steps == self.die_at

    def _off(self) -> None:
        if self.steps == self.die_at:
            raise PowerCut


def _sectors(offset: int, size: int) -> list[int]:
    """Where the pieces of a write begin that lie in one sector each."""
    first = offset - offset % SECTOR + SECTOR
    return [offset, *range(first, offset + size, SECTOR)] if size else []
