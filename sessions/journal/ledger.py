"""One signed line for each session that was begun or closed on this desk, in order, each naming the line before it.

The anchors of a session cannot show that its log and they themselves were cut back to an earlier moment together. Its
line here can; and to take that line away, those of all later sessions must go too. A ledger that is damaged all the
same is set aside, never added to: sessions begun after that have one that is whole.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sessions.journal.anchors import Anchor, Keys, read_lines
from sessions.journal.disk import sync_folder
from sessions.journal.errors import JournalError
from sessions.journal.log import Position
from sessions.journal.plain import open_plain, read_plain

_ASIDE = re.compile(r"ledger-[0-9a-f]{16}\.jsonl")  # a damaged ledger, by its hash
_TRIES = 3
_FIELDS = ("session", "genesis", "blocks", "records", "head", "before")


@dataclass(frozen=True, slots=True)
class Entry:
    """A session as it was begun (no blocks) or closed."""

    session: str
    genesis: bytes
    at: Anchor
    begun: bool  #: whether its beginning stands in the same ledger


class Ledger:
    """The desk's list; several processes may add to it."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path, self._keys = path, keys

    def add(self, session: str, genesis: bytes, at: Position) -> str:
        """A session was begun, or closed. Durable on return. Raises `JournalError`.

        Returns what had to be done about a damaged ledger first, in words; empty as a rule.
        """
        fields = {
            "session": session, "genesis": genesis.hex(), "blocks": at.blocks, "records": at.records,
            "head": at.head.hex(),
        }  # fmt: skip
        return self._write(fields)

    def mend(self) -> str:
        """Set a damaged ledger aside and begin a new one; says so in words, empty if it was whole.

        The first line of the new one is signed and names the old file and its hash. Raises `JournalError`.
        """
        return self._write(None) if os.path.lexists(self.path) else ""

    def _write(self, fields: dict[str, Any] | None) -> str:
        """A line, if one is given, behind the last one of a ledger that is whole."""
        said = ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(_TRIES):
                with _locked(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, fcntl.LOCK_EX) as file:
                    lines, torn = read_lines(self.path)
                    wrong = self._wrong(lines)
                    if not wrong:
                        if fields is not None:
                            os.ftruncate(file, os.fstat(file).st_size - len(torn))
                            _append(file, self._signed({**fields, "before": _digest(lines[-1]) if lines else ""}))
                            sync_folder(self.path.parent)
                        return said
                    said = self._begin_anew(wrong)
        except OSError as error:
            raise JournalError(self.path, error.strerror or str(error)) from error
        raise JournalError(self.path, f"is damaged again and again: {wrong}")

    def _wrong(self, lines: list[bytes]) -> str:
        try:
            _checked(self.path, lines, self._keys.public)
        except JournalError as error:
            return error.reason
        return ""

    def _begin_anew(self, wrong: str) -> str:
        """Under the lock of the old file. It keeps its place until the new one takes it."""
        raw = read_plain(self.path)
        whole = _file_hash(raw)
        aside = self.path.with_name(f"ledger-{whole[:16]}.jsonl")
        try:
            os.link(self.path, aside)
        except FileExistsError:
            if read_plain(aside) != raw:
                raise
        fields = {"session": aside.name, "genesis": "", "blocks": 0, "records": 0, "head": whole, "before": ""}
        part = self.path.with_name(f"{self.path.name}.part")
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            _append(file, self._signed(fields))
        finally:
            os.close(file)
        part.replace(self.path)
        sync_folder(self.path.parent)
        return (
            f"{self.path}: the desk's ledger is damaged ({wrong}); it was set aside as {aside.name} and a new one "
            "begun, which vouches for sessions from now on"
        )

    def _signed(self, fields: dict[str, Any]) -> bytes:
        return _line(fields, self._keys.sign(_text(fields))) + b"\n"


def _append(file: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(file, view) :]
    os.fsync(file)


def read_ledger(path: Path, public: bytes) -> tuple[dict[str, Entry], bytes]:
    """How far each session was known to go; and what a crash has left of an unfinished line.

    The last signature of all stands for every line before it. Raises `JournalError` if a line was changed, moved or
    taken out.
    """
    lines, torn = _lines(path)
    return _checked(path, lines, public), torn


def _checked(path: Path, lines: list[bytes], public: bytes) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    before, signature = "", b""
    fields: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        entry, fields, signature = _parsed(path, number, line)
        if fields["before"] != before:
            raise JournalError(path, f"line {number} does not follow from the line before it")
        before = _digest(line)
        if not _ASIDE.fullmatch(entry.session):
            _further(found, entry)
        elif number > 1:
            raise JournalError(path, f"line {number} names another ledger")
    if lines:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, _text(fields))
        except InvalidSignature as error:
            raise JournalError(path, "its last line is not signed by the key of this desk") from error
        except ValueError as error:
            raise JournalError(path, "the key of this desk is none") from error
    return found


def _further(found: dict[str, Entry], entry: Entry) -> None:
    known = found.get(entry.session)
    if known is not None:
        last, first = (entry, known) if known.at.blocks < entry.at.blocks else (known, entry)
        entry = replace(last, begun=last.begun or (first.begun and first.genesis == last.genesis))
    found[entry.session] = entry


def signed_lines(path: Path, session: str, public: bytes) -> dict[str, list[Entry]]:
    """What this desk ever signed of a session, by file: also in ledgers that are damaged or were set aside.

    Each line stands for itself; that none is missing cannot be said. Raises `JournalError`.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        asides = sorted(each for each in path.parent.iterdir() if _ASIDE.fullmatch(each.name))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise JournalError(path.parent, error.strerror or str(error)) from error
    except ValueError as error:
        raise JournalError(path, "the key of this desk is none") from error
    found: dict[str, list[Entry]] = {}
    for each in (*asides, path):
        for number, line in enumerate(_lines(each)[0], 1):
            if session.encode() not in line:
                continue
            try:
                entry, fields, signature = _parsed(each, number, line)
                key.verify(signature, _text(fields))
            except (JournalError, InvalidSignature):
                continue  # nobody signed that
            if entry.session == session:
                found.setdefault(each.name, []).append(entry)
    return found


@contextlib.contextmanager
def _locked(path: Path, flags: int, how: int) -> Iterator[int]:
    """The file under a lock, and no other: one that was set aside while the lock was waited for is let go."""
    while True:
        file = open_plain(path, flags, 0o666)
        try:
            fcntl.flock(file, how)
            if os.path.samestat(os.fstat(file), path.stat()):
                yield file
                return
        finally:
            os.close(file)


def _lines(path: Path) -> tuple[list[bytes], bytes]:
    """Its lines, while nobody writes one."""
    try:
        with _locked(path, os.O_RDONLY, fcntl.LOCK_SH):
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
        entry = Entry(str(fields["session"]), bytes.fromhex(fields["genesis"]), at, at.blocks == 0)
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


def _file_hash(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=32).hexdigest()


def _digest(line: bytes) -> str:
    return hashlib.blake2b(line, digest_size=16).hexdigest()
