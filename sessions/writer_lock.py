"""One process writes a session: a lock on a file of its folder, which goes with the process that holds it."""

import errno
import fcntl
import os
from pathlib import Path

from sessions.journal.errors import JournalError, SessionLocked, SessionQuarantined
from sessions.journal.plain import NOT_PLAIN, open_plain

_LOCK = "lock"


def take_lock(folder: Path) -> int:
    """Become the only writer of a session.

    Raises `SessionLocked` if there is one, `SessionQuarantined` if the lock is no regular file, `JournalError`.
    """
    try:
        lock = open_plain(folder / _LOCK, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        kind = SessionQuarantined if error.errno in NOT_PLAIN else JournalError
        raise kind(folder / _LOCK, error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise SessionLocked(folder, "another process writes this session") from error
        raise JournalError(folder / _LOCK, error.strerror or str(error)) from error
    return lock


def is_live(folder: Path) -> bool:
    """Whether a process writes this session now. Raises `JournalError`."""
    if not os.path.lexists(folder / _LOCK):
        return False
    try:
        os.close(take_lock(folder))
    except SessionLocked:
        return True
    return False
