"""Signed anchors: how far a log had come and what its head was, kept outside the session's folder.

A chain proves that nothing in it was changed. It cannot show that its end was cut off, or that all of it was
written anew; an anchor can. Each line is signed (Ed25519) and names the line before it.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sessions.journal.disk import sync_folder
from sessions.journal.errors import JournalError
from sessions.journal.log import Position
from sessions.journal.plain import read_plain

_KEY, _PUBLIC = "journal.key", "journal.pub"
_LARGEST = 4096  # bytes of a file with a key
_WHAT_TO_DO = (
    "put back the pair that belongs together, or, to go on with a new key that vouches for no session before it, "
    "move the folder {} away by hand"
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment of a log."""

    blocks: int
    records: int
    head: bytes


class Keys:
    """The key that signs, made at first use; readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        """Raises `JournalError` if it can neither be read nor made, or the public half is of another: which of them is
        the desk's is for a person to say, and a new key is never made in the place of one that is lost.
        """
        path = folder / _KEY
        public = public_key(folder)  # before the key is looked for: whoever makes one puts the public half last
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.path.lexists(path):
                if public is not None:
                    raise JournalError(path, f"the signing key of {_PUBLIC} is not here: {_WHAT_TO_DO.format(folder)}")
                _make(folder)
                sync_folder(folder.parent)
            raw = bytes.fromhex(read_plain(path, _LARGEST, follow=True).decode("ascii").strip())
            self._key = Ed25519PrivateKey.from_private_bytes(raw)
            self.public = self._key.public_key().public_bytes_raw()
            if public is None:
                _put(folder / _PUBLIC, self.public.hex() + "\n")
        except (OSError, ValueError) as error:
            raise JournalError(path, f"the signing key cannot be used: {_words(error)}") from error
        if public is not None and public != self.public:
            words = f"is not the public half of {_KEY} beside it: {_WHAT_TO_DO.format(folder)}"
            raise JournalError(folder / _PUBLIC, words)

    def sign(self, text: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(text)


def _words(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _make(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    temporary = folder / f"{_KEY}.{os.getpid()}"
    temporary.unlink(missing_ok=True)  # of a process of the same number that died here
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, folder / _KEY)  # whoever comes first: two sessions starting at once share one key
    temporary.unlink()
    sync_folder(folder)


def _put(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with part.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def public_key(folder: Path) -> bytes | None:
    """The public half as kept beside the key; None if there is none. Raises `JournalError`."""
    path = folder / _PUBLIC
    try:
        text = read_plain(path, _LARGEST, follow=True).decode("ascii")
        if (found := bytes.fromhex(text)).hex() + "\n" != text:
            raise ValueError("it is not written as a key is")
        return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise JournalError(path, f"cannot be read: {_words(error)}; {_WHAT_TO_DO.format(folder)}") from error


def _text(session: str, genesis: bytes, anchor: Anchor, before: str) -> bytes:
    place = (str(anchor.blocks), str(anchor.records), anchor.head.hex())
    return "\n".join(("tapedeck anchor 1", session, genesis.hex(), *place, before)).encode()


def _line(anchor: Anchor, before: str, signature: bytes) -> bytes:
    """The one way to write an anchor down."""
    fields = {
        "blocks": anchor.blocks, "records": anchor.records, "head": anchor.head.hex(), "before": before,
        "signature": signature.hex(),
    }  # fmt: skip
    return json.dumps(fields).encode()


class AnchorBook:
    """The anchors of one session, one JSON line each; append only."""

    def __init__(self, path: Path, session: str, genesis: bytes, keys: Keys) -> None:
        """`path`: the file; it is made at the first anchor."""
        self.path, self._session, self._genesis, self._keys = path, session, genesis, keys
        lines = read_lines(path)[0]
        _drop_torn(path, sum(len(line) + 1 for line in lines))
        self._before = hashlib.blake2b(lines[-1], digest_size=16).hexdigest() if lines else ""
        self.last: Anchor | None = None

    def add(self, at: Position, sync: bool = True) -> None:
        """Sign where the log is; what is anchored must be durable before. Raises `JournalError`."""
        anchor = Anchor(at.blocks, at.records, at.head)
        if self.last == anchor:
            return
        signature = self._keys.sign(_text(self._session, self._genesis, anchor, self._before))
        line = _line(anchor, self._before, signature)
        try:
            if not self.path.parent.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(self.path.parent.parent)
            fresh = not self.path.exists()
            with self.path.open("ab") as file:
                file.write(line + b"\n")
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            if fresh and sync:
                sync_folder(self.path.parent)
        except OSError as error:
            raise JournalError(self.path, error.strerror or str(error)) from error
        self._before = hashlib.blake2b(line, digest_size=16).hexdigest()
        self.last = anchor


def _drop_torn(path: Path, whole: int) -> None:
    """Cut off a line that a crash has left unfinished; the next one would grow onto it."""
    try:
        if path.exists() and path.stat().st_size > whole:
            os.truncate(path, whole)
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error


def read_lines(path: Path) -> tuple[list[bytes], bytes]:
    """Lines of an anchor file, and what a crash has left of an unfinished one. Raises `JournalError`."""
    try:
        raw = read_plain(path)
    except FileNotFoundError:
        return [], b""
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error
    *lines, torn = raw.split(b"\n")
    if not torn and lines and b"\0" in lines[-1]:  # a disk that kept its length and its end, and not all between
        torn = lines.pop() + b"\n"
    return lines, torn


def read_anchors(path: Path, session: str, genesis: bytes, public: bytes) -> list[Anchor]:
    """All anchors of a session, each checked. Raises `JournalError` for one that is forged, changed or out of place."""
    found: list[Anchor] = []
    before = ""
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
    except ValueError as error:
        raise JournalError(path, "the key of this desk is none") from error
    for number, line in enumerate(read_lines(path)[0], 1):
        anchor, follows, signature = _parsed(path, number, line)
        if follows != before:
            raise JournalError(path, f"line {number} does not follow from the line before it")
        try:
            key.verify(signature, _text(session, genesis, anchor, before))
        except InvalidSignature as error:
            raise JournalError(path, f"line {number} is not signed by the key of this desk") from error
        if found and (anchor.blocks, anchor.records) < (found[-1].blocks, found[-1].records):
            raise JournalError(path, f"line {number} goes back")
        before = hashlib.blake2b(line, digest_size=16).hexdigest()
        found.append(anchor)
    return found


def _parsed(path: Path, number: int, line: bytes) -> tuple[Anchor, str, bytes]:
    """Anchor, digest of the line before it, signature. Raises `JournalError` unless it is written as `_line` does."""
    try:
        fields: dict[str, Any] = json.loads(line)
        anchor = Anchor(int(fields["blocks"]), int(fields["records"]), bytes.fromhex(fields["head"]))
        before, signature = str(fields["before"]), bytes.fromhex(fields["signature"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise JournalError(path, f"line {number} is not an anchor") from error
    if _line(anchor, before, signature) != line:
        raise JournalError(path, f"line {number} is not written as an anchor is")
    return anchor, before, signature
