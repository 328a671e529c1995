"""One process writes a session: a lock on a file of its folder, which goes with the process that holds it."""

import errno
import fcntl
import os
from pathlib import Path

from sessions.journal.errors import JournalError, SessionLocked

_LOCK = "lock"


def take_lock(folder: Path) -> int:
    """Become the only writer of a session. Raises `SessionLocked` if there is one, `JournalError`."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(folder / _LOCK, error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise SessionLocked(folder, "another process writes this session") from error
        raise JournalError(folder / _LOCK, error.strerror or str(error)) from error
    return lock


def is_live(folder: Path) -> bool:
    """Whether a process writes this session now."""
    if not (folder / _LOCK).exists():
        return False
    try:
        os.close(take_lock(folder))
    except SessionLocked:
        return True
    return False
