"""Read a file once, as a whole, and only if it is one."""

import errno
import os
import stat
from pathlib import Path

from core.errors import ModelError


def read_once(path: Path, most: int) -> bytes:
    """The bytes of a regular file of at most `most` bytes. Raises `ModelError`.

    What is hashed is what is loaded: nobody can change the file in between. A second name of the same file (a
    hard link: some installers make them) is therefore harmless; a symbolic link is refused, because the card
    beside it may not be the card of what it points to.
    """
    try:
        # Opening a pipe must not wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ModelError(path, "does not exist") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ModelError(path, "is a symbolic link; name the file itself") from error
        raise ModelError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(repr(str(path)), "is not a file name") from error
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise ModelError(path, "is not a regular file")
        if state.st_size > most:
            raise ModelError(path, f"has {state.st_size:,} bytes, more than the {most:,} that are read")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ModelError(path, f"cannot be read: {error.strerror}") from error
    finally:
        os.close(handle)
    if len(data) > most:
        raise ModelError(path, f"grew beyond {most:,} bytes while it was read")
    return data
