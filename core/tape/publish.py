"""The last step of an import: a finished folder takes its place in one step, and what was left behind goes."""

import ctypes
import errno
import fcntl
import os
import shutil
from glob import escape
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_OLD = "-old"
LOCK = "lock"


def part_of(target: Path) -> Path:
    """The hidden folder beside `target` in which this process builds it."""
    return target.parent / f".{target.name}.part-{os.getpid()}"


def publish(part: Path, target: Path, replace: bool) -> None:
    """Give the folder `part` the name `target`. With `replace` what stood there goes, but only afterwards.

    Raises `OSError` when the target exists and is not to be replaced.
    """
    if replace and target.exists():
        if exchange(part, target):
            retired = part
        else:
            retired = part.with_name(part.name + _OLD)
            target.rename(retired)
            part.rename(target)  # killed in between: `sweep` gives the old one its name back
        shutil.rmtree(retired, ignore_errors=True)
    else:
        part.rename(target)
    (target / LOCK).unlink(missing_ok=True)
    fsync(target.parent)


def exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system or the file system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def sweep(target: Path) -> None:
    """Remove what killed imports of the same target left behind; a running one holds its lock."""
    for part in sorted(target.parent.glob(f"{escape(f'.{target.name}.part-')}*")):
        if part.name.endswith(_OLD) and not target.exists():
            part.rename(target)
            continue
        lock = part / LOCK
        if lock.exists():
            with lock.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
        shutil.rmtree(part, ignore_errors=True)


def fsync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
