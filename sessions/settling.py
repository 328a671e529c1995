"""What every start does first with the sessions that earlier ones left.

A log without a seal and without a writer ended in a crash; its end is made whole and it is closed as faulted. That is
the code path of every start, not a special one. A folder may have been made by anybody: whatever is wrong with one is
how it stands, and holds up neither the start nor the other sessions.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.journal.anchors import AnchorBook, Keys, read_anchors
from sessions.journal.errors import JournalError, SessionLocked, SessionQuarantined
from sessions.journal.journal import Journal
from sessions.journal.ledger import Ledger, signed_lines
from sessions.journal.log import Log
from sessions.journal.recover import recover
from sessions.journal.streams import text_section
from sessions.journal.tail import last_texts
from sessions.manifest import Manifest, read_manifest
from sessions.recording import LOG, MARK, OPEN, Rooms, State, life_text, log_disk, marked
from sessions.writer_lock import is_live, take_lock

_LAST_SEGMENT = 1 << 12  # bytes for the seal of a session that crashed
_SEGMENT = re.compile(r"journal-[0-9]{6}\.wal")


@dataclass(frozen=True, slots=True)
class Standing:
    """A session as it stands on disk."""

    folder: Path
    manifest: Manifest | None
    state: State
    live: bool
    reason: str
    blocks: int = 0
    records: int = 0
    result: Mapping[str, Any] | None = None


def settle(folder: Path, rooms: Rooms) -> Standing:
    """Bring a session that nobody writes to an end, if it has none; say how it stands. Nothing is raised."""
    if folder.is_symlink():
        return Standing(folder, None, State.QUARANTINED, False, "is a link, not a folder of this desk")
    try:
        manifest = read_manifest(folder)
    except JournalError as error:
        if _held(folder):
            return Standing(folder, None, State.CREATED, True, "")
        return Standing(folder, None, State.QUARANTINED, False, _why(folder, error))
    if manifest.id != folder.name:  # its anchors and its ledger line are those of the session it was copied from
        words = f"is a copy of {manifest.id} under another name: nothing of it is touched"
        return Standing(folder, manifest, State.QUARANTINED, False, words)
    try:
        if reason := marked(folder):
            return Standing(folder, manifest, State.QUARANTINED, False, reason)
    except JournalError as error:
        return Standing(folder, manifest, State.QUARANTINED, False, _why(folder, error))
    try:
        return _locked(folder, manifest, rooms)
    except SessionQuarantined as error:
        return Standing(folder, manifest, State.QUARANTINED, False, _why(folder, error))
    except JournalError as error:  # a full disk: the next start tries again, and the other sessions are not held up
        return Standing(folder, manifest, State.FAULTED, False, f"cannot be closed now: {error}")


def _why(folder: Path, error: JournalError) -> str:
    """The reason, and the file of the session that it is about."""
    return error.reason if error.place == str(folder) else f"{Path(error.place).name}: {error.reason}"


def _held(folder: Path) -> bool:
    try:
        return is_live(folder)
    except JournalError:
        return False


def _locked(folder: Path, manifest: Manifest, rooms: Rooms) -> Standing:
    try:
        lock = take_lock(folder)
    except SessionLocked:
        try:
            return _standing(folder, manifest, live=True)
        except JournalError as error:
            return Standing(folder, manifest, State.QUARANTINED, True, error.reason)
    try:
        return _settled(folder, manifest, rooms)
    except SessionQuarantined as error:
        return Standing(folder, manifest, State.QUARANTINED, False, error.reason + _marked_so(folder, error.reason))
    finally:
        os.close(lock)


def _marked_so(folder: Path, reason: str) -> str:
    """Write the mark; what came of that, if nothing did."""
    try:
        file = os.open(folder / MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as mark:
            mark.write(reason + "\n")
        (folder / OPEN).unlink(missing_ok=True)
    except OSError as error:
        return f" (which cannot be written down: {error.strerror or error})"
    return ""


def _own_log(folder: Path) -> None:
    """The log is a folder of plain files in the session's own. Raises `SessionQuarantined`, `JournalError`."""
    try:
        if not stat.S_ISDIR(os.lstat(folder / LOG).st_mode):
            raise SessionQuarantined(folder, f"{LOG} is a link or a file, not a folder")
        with os.scandir(folder / LOG) as entries:
            for entry in entries:
                if _SEGMENT.fullmatch(entry.name) and not entry.is_file(follow_symlinks=False):
                    raise SessionQuarantined(folder, f"{entry.name} is not a regular file")
    except OSError as error:
        raise JournalError(folder / LOG, error.strerror or str(error)) from error


def _settled(folder: Path, manifest: Manifest, rooms: Rooms) -> Standing:
    try:
        if not os.path.lexists(folder / LOG):
            (folder / LOG).mkdir(mode=0o700)
    except OSError as error:
        raise JournalError(folder / LOG, error.strerror or str(error)) from error
    _own_log(folder)
    disk, path, keys = log_disk(folder), rooms.anchors(manifest.id), Keys(rooms.keys)
    if keys.public.hex() != manifest.fields["public_key"]:
        raise SessionQuarantined(folder, "it was begun with another signing key than the one that is here now")
    try:
        anchors = read_anchors(path, manifest.id, manifest.hash, keys.public)
    except JournalError as error:
        raise SessionQuarantined(folder, str(error)) from error
    signed = signed_lines(rooms.ledger, manifest.id, keys.public).values()
    known = [entry.at for entries in signed for entry in entries if entry.genesis == manifest.hash]
    if not known:
        raise SessionQuarantined(folder, f"the ledger of this desk does not say that {manifest.id} was begun here")
    if not anchors and any(entry.blocks for entry in known):
        raise SessionQuarantined(folder, "it has no anchors: their file is gone")
    believed = max([*anchors, *known], key=lambda anchor: anchor.blocks) if anchors else None
    found = recover(disk, manifest.hash, folder, believed, manifest.durable)
    end = found.at
    book = AnchorBook(path, manifest.id, manifest.hash, keys)
    if not found.sealed:
        words = f"ended without a seal{f'; {found.dropped}' if found.dropped else ''}"
        journal = Journal(Log(disk, found.at, _LAST_SEGMENT), book, durable=True)
        end = journal.close([text_section("life", life_text(State.FAULTED, words))])
    elif anchors[-1].blocks < found.at.blocks:
        book.add(found.at)  # it died between its seal and the anchor of it
    disk.close()
    if max(entry.blocks for entry in known) < end.blocks:
        Ledger(rooms.ledger, keys).add(manifest.id, manifest.hash, end)
    try:
        (folder / OPEN).unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(folder / OPEN, error.strerror or str(error)) from error
    return _standing(folder, manifest)


def _standing(folder: Path, manifest: Manifest, live: bool = False) -> Standing:
    """By the last state in the log. Raises `SessionQuarantined` if it is none, `JournalError`."""
    found, reader = last_texts(log_disk(folder), manifest.hash, "life")
    try:
        fields = json.loads(found) if found else {}
        state, reason = State(fields.get("state", "created")), str(fields.get("reason", ""))
        return Standing(
            folder, manifest, state, live, reason, reader.at.blocks, reader.at.records, fields.get("result", {})
        )
    except (ValueError, AttributeError, RecursionError) as error:
        raise SessionQuarantined(folder, "its last record of its state is none") from error


def settle_all(rooms: Rooms) -> list[Standing]:
    """How every session stands, oldest first; those that crashed are brought to an end. Raises `JournalError`."""
    return [settle(folder, rooms) for folder in _folders(rooms) if folder.is_dir()]


def settle_crashed(rooms: Rooms) -> list[Standing]:
    """Bring those to an end that nobody writes and nobody closed: what every start does first.

    Raises `JournalError` if the folder of all sessions cannot be read; never for one of them.
    """
    left = [folder for folder in _folders(rooms) if _left_open(folder)]
    return [standing for folder in left if not (standing := settle(folder, rooms)).live]


def _folders(rooms: Rooms) -> list[Path]:
    try:
        return sorted(rooms.sessions.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(rooms.sessions, error.strerror or str(error)) from error


def _left_open(folder: Path) -> bool:
    try:
        os.lstat(folder / OPEN)
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR)  # what cannot be looked into is said to be so
    return True
