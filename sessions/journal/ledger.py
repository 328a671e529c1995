"""One signed line for each session that was begun or closed on this desk, in order, each naming the line before it.

The anchors of a session cannot show that its log and they themselves were cut back to an earlier moment together. Its
line here can; and to take that line away, those of all later sessions must go too.
"""

import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sessions.journal.anchors import Anchor, Keys, read_lines
from sessions.journal.disk import sync_folder
from sessions.journal.errors import JournalError
from sessions.journal.log import Position

_FIELDS = ("session", "genesis", "blocks", "records", "head", "before")


@dataclass(frozen=True, slots=True)
class Entry:
    """A session as it was begun (no blocks) or closed."""

    session: str
    genesis: bytes
    at: Anchor


class Ledger:
    """The desk's list; several processes may add to it."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path, self._keys = path, keys

    def add(self, session: str, genesis: bytes, at: Position) -> None:
        """A session was begun, or closed. Durable on return. Raises `JournalError`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
                lines, torn = read_lines(self.path)
                file.truncate(file.seek(0, os.SEEK_END) - len(torn))
                fields = {
                    "session": session, "genesis": genesis.hex(), "blocks": at.blocks, "records": at.records,
                    "head": at.head.hex(), "before": _digest(lines[-1]) if lines else "",
                }  # fmt: skip
                file.write(_line(fields, self._keys.sign(_text(fields))) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.path.parent)
        except OSError as error:
            raise JournalError(self.path, error.strerror or str(error)) from error


def read_ledger(path: Path, public: bytes) -> tuple[dict[str, Entry], bytes]:
    """How far each session was known to go; and what a crash has left of an unfinished line.

    The last signature of all stands for every line before it. Raises `JournalError` if a line was changed, moved or
    taken out.
    """
    found: dict[str, Entry] = {}
    before, signature = "", b""
    fields: dict[str, Any] = {}
    lines, torn = _lines(path)
    for number, line in enumerate(lines, 1):
        entry, fields, signature = _parsed(path, number, line)
        if fields["before"] != before:
            raise JournalError(path, f"line {number} does not follow from the line before it")
        known = found.get(entry.session)
        if known is None or known.at.blocks < entry.at.blocks:
            found[entry.session] = entry
        before = _digest(line)
    if found:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, _text(fields))
        except InvalidSignature as error:
            raise JournalError(path, "its last line is not signed by the key of this desk") from error
        except ValueError as error:
            raise JournalError(path, "the key of this desk is none") from error
    return found, torn


def _lines(path: Path) -> tuple[list[bytes], bytes]:
    """Its lines, while nobody writes one."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return read_lines(path)
    except FileNotFoundError:
        return [], b""
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error


def _parsed(path: Path, number: int, line: bytes) -> tuple[Entry, dict[str, Any], bytes]:
    try:
        fields: dict[str, Any] = json.loads(line)
        signature = bytes.fromhex(fields.pop("signature"))
        at = Anchor(int(fields["blocks"]), int(fields["records"]), bytes.fromhex(fields["head"]))
        entry = Entry(str(fields["session"]), bytes.fromhex(fields["genesis"]), at)
        same = tuple(fields) == _FIELDS and _line(fields, signature) == line
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise JournalError(path, f"line {number} is not of a ledger") from error
    if not same:
        raise JournalError(path, f"line {number} is not written as a ledger is")
    return entry, fields, signature


def _text(fields: dict[str, Any]) -> bytes:
    return "\n".join(("tapedeck ledger 1", *(str(fields[name]) for name in _FIELDS))).encode()


def _line(fields: dict[str, Any], signature: bytes) -> bytes:
    return json.dumps({**fields, "signature": signature.hex()}).encode()


def _digest(line: bytes) -> str:
    return hashlib.blake2b(line, digest_size=16).hexdigest()
