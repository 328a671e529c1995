"""A session on disk: its folder, its states, and the one process that may write it.

    created -> running <-> paused -> sealed | faulted       quarantined: its log contradicts itself or its anchors

Every state is a record of the log. A start looks at what earlier ones left (`settle_all`): a log without a seal and
without a writer ended in a crash; its end is made whole and it is closed as faulted. That is the code path of every
start, not a special one.
"""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.clock import wall_ns
from sessions.journal.anchors import Anchor, AnchorBook, Keys, read_anchors
from sessions.journal.disk import FolderDisk, sync_folder
from sessions.journal.errors import JournalError, SessionLocked, SessionQuarantined
from sessions.journal.journal import Journal
from sessions.journal.ledger import Ledger, read_ledger
from sessions.journal.log import SEGMENT, Log, start_of
from sessions.journal.reading import Reader
from sessions.journal.recover import recover
from sessions.journal.streams import text_section
from sessions.manifest import Manifest, read_manifest, write_manifest
from sessions.writer_lock import is_live, take_lock

_LAST_SEGMENT = 1 << 12  # bytes for the seal of a session that crashed
_LOG, _MARK = "wal", "quarantined"
_OPEN = "open"  # a file that is there from the first moment of a session to after its seal


class State(StrEnum):
    """Where a session is in its life."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    SEALED = "sealed"  #: it came to its end, or a person ended it
    FAULTED = "faulted"  #: it died; its log is whole up to there
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Rooms:
    """Where things lie, under the data folder."""

    home: Path

    @property
    def sessions(self) -> Path:
        """One folder a session."""
        return self.home / "sessions"

    @property
    def keys(self) -> Path:
        """The signing key."""
        return self.home / "keys"

    @property
    def ledger(self) -> Path:
        """What was begun and closed on this desk."""
        return self.home / "anchors" / "ledger.jsonl"

    def anchors(self, session_id: str) -> Path:
        """The anchor file of a session, outside of its folder."""
        return self.home / "anchors" / f"{session_id}.jsonl"


def log_disk(folder: Path) -> FolderDisk:
    """The log's files in a session's folder."""
    return FolderDisk(folder / _LOG)


class Recording:
    """A session that is being written by this process."""

    def __init__(self, folder: Path, manifest: Manifest, journal: Journal, ledger: Ledger, lock: int) -> None:
        self.folder, self.manifest, self.journal, self._ledger = folder, manifest, journal, ledger
        self._lock: int | None = lock
        self.state = State.CREATED

    def become(self, state: State, reason: str = "") -> None:
        """Write down a new state. Raises `JournalError`."""
        self.state = state
        self.journal.note("life", life_text(state, reason))
        self.journal.commit()

    def close(self, state: State, reason: str = "", result: Mapping[str, Any] | None = None) -> None:
        """The last block: the final state and what the session came to. Raises `JournalError`."""
        self.state = state
        try:
            end = self.journal.close([text_section("life", life_text(state, reason, result))])
            self._ledger.add(self.manifest.id, self.manifest.hash, end)
            with contextlib.suppress(OSError):  # the next start looks at it once more, and finds it closed
                (self.folder / _OPEN).unlink(missing_ok=True)
        finally:
            self._unlock()

    def abandon(self) -> None:
        """The log cannot be written any more: leave it to the next start."""
        self.journal.abandon()
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def life_text(state: State, reason: str = "", result: Mapping[str, Any] | None = None) -> str:
    """One record of a session's life."""
    fields = {"state": state.value, "wall_ns": wall_ns(), "reason": reason[:2000], "result": result or {}}
    return json.dumps(fields, sort_keys=True)


def new_id(name: str, rooms: Rooms) -> str:
    """An id nobody has: UTC time, name, a number if need be; its folder exists on return. Raises `JournalError`."""
    seconds, _ = divmod(wall_ns(), 1_000_000_000)
    stem = f"{_utc(seconds)}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:40] or 'session'}"
    try:
        rooms.sessions.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            found = stem if number == 1 else f"{stem}-{number}"
            try:
                (rooms.sessions / found).mkdir(mode=0o700)
            except FileExistsError:
                continue
            sync_folder(rooms.sessions)
            return found
    except OSError as error:
        raise JournalError(rooms.sessions, error.strerror or str(error)) from error
    raise JournalError(rooms.sessions / stem, "there are too many of this name")


def _utc(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    from datetime import date

    day = date.fromordinal(date(1970, 1, 1).toordinal() + days)
    return f"{day:%Y%m%d}-{rest // 3600:02d}{rest // 60 % 60:02d}{rest % 60:02d}"


def create(rooms: Rooms, fields: Mapping[str, Any], keys: Keys, segment: int = SEGMENT) -> Recording:
    """Begin the session of `fields["id"]`, whose folder is there and empty. Raises `JournalError`."""
    folder = rooms.sessions / str(fields["id"])
    lock = take_lock(folder)
    try:
        try:
            (folder / _OPEN).touch(mode=0o600)
            (folder / _LOG).mkdir(mode=0o700)
        except OSError as error:
            raise JournalError(folder, error.strerror or str(error)) from error
        manifest = write_manifest(folder, fields)
        log = Log(log_disk(folder), start_of(manifest.hash), segment)
        anchors = AnchorBook(rooms.anchors(manifest.id), manifest.id, manifest.hash, keys)
        anchors.add(log.at)  # from now on a log without anchors is one that somebody took them from
        ledger = Ledger(rooms.ledger, keys)
        ledger.add(manifest.id, manifest.hash, log.at)
        recording = Recording(folder, manifest, Journal(log, anchors, manifest.durable), ledger, lock)
        recording.become(State.CREATED)
    except JournalError:
        os.close(lock)
        raise
    return recording


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
    """Bring a session that nobody writes to an end, if it has none; say how it stands. Raises `JournalError`."""
    try:
        manifest = read_manifest(folder)
    except JournalError as error:
        if is_live(folder):
            return Standing(folder, None, State.CREATED, True, "")
        return Standing(folder, None, State.QUARANTINED, False, error.reason)
    mark = folder / _MARK
    if reason := marked(folder):
        return Standing(folder, manifest, State.QUARANTINED, False, reason)
    try:
        lock = take_lock(folder)
    except SessionLocked:
        state, reason, reader, result = _last_life(folder, manifest)
        return Standing(folder, manifest, state, True, reason, reader.at.blocks, reader.at.records, result)
    try:
        return _settled(folder, manifest, rooms)
    except SessionQuarantined as error:
        _write_mark(mark, error.reason)
        return Standing(folder, manifest, State.QUARANTINED, False, error.reason)
    except JournalError as error:  # a full disk: the next start tries again, and the other sessions are not held up
        return Standing(folder, manifest, State.FAULTED, False, f"cannot be closed now: {error}")
    finally:
        os.close(lock)


def _write_mark(mark: Path, reason: str) -> None:
    try:
        mark.write_text(reason + "\n", "utf-8")
        (mark.parent / _OPEN).unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(mark, error.strerror or str(error)) from error


def marked(folder: Path) -> str:
    """Why a session is in quarantine; empty if it is not. Raises `JournalError`."""
    try:
        return (folder / _MARK).read_text("utf-8", errors="replace").strip() or "for a reason that is lost"
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise JournalError(folder / _MARK, error.strerror or str(error)) from error


def _settled(folder: Path, manifest: Manifest, rooms: Rooms) -> Standing:
    try:
        (folder / _LOG).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise JournalError(folder / _LOG, error.strerror or str(error)) from error
    disk, path, keys = log_disk(folder), rooms.anchors(manifest.id), Keys(rooms.keys)
    if keys.public.hex() != manifest.fields["public_key"]:
        raise SessionQuarantined(folder, "it was begun with another signing key than the one that is here now")
    try:
        anchors = read_anchors(path, manifest.id, manifest.hash, keys.public)
    except JournalError as error:
        raise SessionQuarantined(folder, str(error)) from error
    known = _closed_before(manifest, rooms, keys)
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
    if not known or known[0].blocks < end.blocks:
        Ledger(rooms.ledger, keys).add(manifest.id, manifest.hash, end)
    try:
        (folder / _OPEN).unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(folder / _OPEN, error.strerror or str(error)) from error
    state, reason, reader, result = _last_life(folder, manifest)
    return Standing(folder, manifest, state, False, reason, reader.at.blocks, reader.at.records, result)


def _closed_before(manifest: Manifest, rooms: Rooms, keys: Keys) -> list[Anchor]:
    """Where the ledger says that it was begun or closed; none if that cannot be read, which is for `verify` to say."""
    try:
        entry = read_ledger(rooms.ledger, keys.public)[0].get(manifest.id)
    except JournalError:
        return []
    return [entry.at] if entry is not None and entry.genesis == manifest.hash else []


def _last_life(folder: Path, manifest: Manifest) -> tuple[State, str, Reader, Mapping[str, Any]]:
    """The last state in the log, and how far it goes. Raises `SessionQuarantined` if it is no state."""
    from sessions.journal.tail import last_texts

    found, reader = last_texts(log_disk(folder), manifest.hash, "life")
    try:
        fields = json.loads(found) if found else {}
        return State(fields.get("state", "created")), str(fields.get("reason", "")), reader, fields.get("result", {})
    except (ValueError, AttributeError, RecursionError) as error:
        raise SessionQuarantined(folder, "its last record of its state is none") from error


def settle_all(rooms: Rooms) -> list[Standing]:
    """How every session stands, oldest first; those that crashed are brought to an end."""
    if not rooms.sessions.is_dir():
        return []
    return [settle(folder, rooms) for folder in sorted(rooms.sessions.iterdir()) if folder.is_dir()]


def settle_crashed(rooms: Rooms) -> list[Standing]:
    """Bring those to an end that nobody writes and nobody closed: what every start does first."""
    if not rooms.sessions.is_dir():
        return []
    left = [folder for folder in sorted(rooms.sessions.iterdir()) if (folder / _OPEN).exists()]
    return [standing for folder in left if not (standing := settle(folder, rooms)).live]
