"""A session on disk: its folder, its states, and the one process that may write it.

    created -> running <-> paused -> sealed | faulted       quarantined: its log contradicts itself or its anchors

Every state is a record of the log. What a crash has left is for `settling.py`.
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
from sessions.journal.anchors import AnchorBook, Keys
from sessions.journal.disk import FolderDisk, sync_folder
from sessions.journal.errors import JournalError
from sessions.journal.journal import Journal
from sessions.journal.ledger import Ledger
from sessions.journal.log import SEGMENT, Log, start_of
from sessions.journal.plain import read_plain
from sessions.journal.streams import text_section
from sessions.manifest import Manifest, manifest_hash, write_manifest
from sessions.writer_lock import take_lock

LOG, MARK = "wal", "quarantined"
OPEN = "open"  #: a file that is there from the first moment of a session to after its seal
_LARGEST = 1 << 20  # bytes of a mark


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
    return FolderDisk(folder / LOG)


class Recording:
    """A session that is being written by this process."""

    def __init__(self, folder: Path, manifest: Manifest, journal: Journal, ledger: Ledger, lock: int) -> None:
        self.folder, self.manifest, self.journal, self._ledger = folder, manifest, journal, ledger
        self._lock: int | None = lock
        self.state = State.CREATED
        self.troubles: list[str] = []  #: what a person should be told of the desk's own books

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
            if said := self._ledger.add(self.manifest.id, self.manifest.hash, end):
                self.troubles.append(said)
            with contextlib.suppress(OSError):  # the next start looks at it once more, and finds it closed
                (self.folder / OPEN).unlink(missing_ok=True)
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
            (folder / OPEN).touch(mode=0o600)
            (folder / LOG).mkdir(mode=0o700)
        except OSError as error:
            raise JournalError(folder, error.strerror or str(error)) from error
        genesis, ledger = manifest_hash(fields), Ledger(rooms.ledger, keys)
        said = ledger.add(str(fields["id"]), genesis, start_of(genesis))  # first: a start signs for no stranger
        manifest = write_manifest(folder, fields)
        log = Log(log_disk(folder), start_of(manifest.hash), segment)
        anchors = AnchorBook(rooms.anchors(manifest.id), manifest.id, manifest.hash, keys)
        anchors.add(log.at)  # from now on a log without anchors is one that somebody took them from
        recording = Recording(folder, manifest, Journal(log, anchors, manifest.durable), ledger, lock)
        recording.troubles += [said] if said else []
        recording.become(State.CREATED)
    except JournalError:
        os.close(lock)
        raise
    return recording


def marked(folder: Path) -> str:
    """Why a session is in quarantine; empty if it is not. Raises `JournalError`."""
    try:
        raw = read_plain(folder / MARK, _LARGEST)
        return raw.decode("utf-8", errors="replace").strip() or "for a reason that is lost"
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise JournalError(folder / MARK, error.strerror or str(error)) from error
