"""Is a tape still what was imported? Whoever trades on it asks; a look at it does not."""

import hashlib
from pathlib import Path

from core.enums import Action
from core.errors import TapeError
from core.tape.folder import MESSAGES, META
from core.tape.tape import Tape

#: Path, size and time of change (ns) of a file that was hashed in this process: several desks hash it once.
_Key = tuple[str, int, int]
_HASHED: dict[_Key, str] = {}


def require_intact(tape: Tape) -> None:
    """Raises `TapeError` where the messages are not those that were imported: a byte changed, a message edited; and
    where the book that `tape.json` asks for would not hold them.

    Reads the whole file, some 40 MB for each million messages, once in a process as long as nobody changes it.
    """
    path = tape.folder / MESSAGES
    try:
        found = _sha256(path)
    except OSError as error:
        raise TapeError(tape.folder, f"{MESSAGES} cannot be read: {error.strerror}") from error
    if found != tape.meta.messages_sha256:
        raise TapeError(
            tape.folder, f"{MESSAGES} is not the file that was imported (sha256 differs): import its sources again"
        )
    slots = tape.messages["slot"][tape.messages["action"] != Action.TRADE]  # there it is a part of the price
    needed = int(slots.max(initial=0)) + 1
    if needed > max(tape.meta.slots, 1):
        raise TapeError(tape.folder, f"{META}: {tape.meta.slots} order slots, but its messages use {needed}")


def _sha256(path: Path) -> str:
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    if key not in _HASHED:
        with path.open("rb") as file:
            _HASHED[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _HASHED[key]
