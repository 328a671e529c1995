"""Files of a folder that somebody else may have filled: regular ones are opened, nothing is followed or waited for."""

import errno
import os
import stat
from pathlib import Path

#: What the system says of a name that is no regular file, or is reached through none.
NOT_PLAIN = (errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.ENXIO, errno.ENOTDIR)


def open_plain(path: Path, flags: int, mode: int = 0o600, *, follow: bool = False) -> int:
    """A descriptor of a regular file. A pipe would block, a link may lead anywhere (`follow`: it may).

    Raises `OSError`, its errno one of `NOT_PLAIN` for what is no regular file.
    """
    more = os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags | more, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "is a link, not a file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return descriptor


def read_plain(path: Path, limit: int | None = None, *, follow: bool = False) -> bytes:
    """The whole of a regular file of at most `limit` bytes. Raises `OSError`."""
    with os.fdopen(open_plain(path, os.O_RDONLY, follow=follow), "rb") as file:
        if limit is not None and os.fstat(file.fileno()).st_size > limit:
            raise OSError(errno.EFBIG, f"is larger than {limit:,} bytes", str(path))
        return file.read()
