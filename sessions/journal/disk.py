"""The files of a log, behind a port: the same code runs on a folder and on a disk that fails on purpose."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol

from sessions.journal.errors import JournalError


class Disk(Protocol):
    """A flat folder of files. Everything may raise `JournalError`."""

    def names(self) -> list[str]:
        """Names of the files, sorted."""

    def read(self, name: str) -> memoryview:
        """The whole of a file; views stay valid."""

    def create(self, name: str, size: int) -> None:
        """A new file of `size` zeros; its name and its room are durable on return."""

    def write(self, name: str, offset: int, raw: bytes) -> None:
        """Write; durable only after `sync`."""

    def sync(self, name: str) -> None:
        """What was written to a file is durable on return."""

    def cut(self, name: str, size: int) -> None:
        """Make a file shorter, durably: its length, not what was written before it."""

    def close(self) -> None:
        """Let go of the files."""


class FolderDisk:
    """A folder of the file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, int] = {}

    def names(self) -> list[str]:
        """Names of the files, sorted."""
        try:
            return sorted(entry.name for entry in self.folder.iterdir() if entry.is_file() and not entry.is_symlink())
        except OSError as error:
            raise self._error("", error) from error

    def read(self, name: str) -> memoryview:
        """The whole of a file, copied: a mapped one that its writer cuts shorter would end the reader."""
        try:
            return memoryview((self.folder / name).read_bytes())
        except OSError as error:
            raise self._error(name, error) from error

    def create(self, name: str, size: int) -> None:
        """A new file of `size` zeros; its name and its room are durable on return."""
        try:
            file = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._files[name] = file
            _allocate(file, size)
            os.fsync(file)
            sync_folder(self.folder)
        except OSError as error:
            raise self._error(name, error) from error

    def write(self, name: str, offset: int, raw: bytes) -> None:
        """Write; durable only after `sync`."""
        try:
            view, file = memoryview(raw), self._file(name)
            while view:
                written = os.pwrite(file, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise self._error(name, error) from error

    def sync(self, name: str) -> None:
        """What was written to a file is durable on return."""
        try:
            _datasync(self._file(name))
        except OSError as error:
            raise self._error(name, error) from error

    def cut(self, name: str, size: int) -> None:
        """Make a file shorter, durably: its length, not what was written before it."""
        try:
            os.ftruncate(self._file(name), size)
            os.fsync(self._file(name))
        except OSError as error:
            raise self._error(name, error) from error

    def close(self) -> None:
        """Let go of the files."""
        while self._files:
            with contextlib.suppress(OSError):  # what it says was said by the write or the sync before
                os.close(self._files.popitem()[1])

    def _file(self, name: str) -> int:
        if name not in self._files:
            self._files[name] = os.open(self.folder / name, os.O_RDWR | os.O_CLOEXEC)
        return self._files[name]

    def _error(self, name: str, error: OSError) -> JournalError:
        return JournalError(self.folder / name, error.strerror or str(error))


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _allocate(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    piece = bytes(1 << 20)  # macOS: room is taken by writing it
    for offset in range(0, size, len(piece)):
        os.pwrite(file, piece[: size - offset], offset)


def _datasync(file: int) -> None:
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: its fsync leaves the data in the drive's own memory
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        return
    os.fdatasync(file)
