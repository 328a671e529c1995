"""Processes that are killed while they work on a session. Functions of a module: a fork server has them ready."""

import struct
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from sessions.audit.project import project
from sessions.journal.anchors import Keys
from sessions.journal.errors import JournalError
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State
from sessions.settling import settle_crashed
from tests.oracle.journal_days import Day, begin

#: Commits until a writer seals, if nobody kills it before; a segment that is soon full.
COMMITS, SEGMENT = 1500, 1 << 16


def write(home: str, seed: int, durable: bool, told: Connection) -> None:
    """Record a day of `seed`; after each commit that is acknowledged, tell how many records there are."""
    rooms = Rooms(Path(home))
    recording = begin(rooms, Keys(rooms.keys), durable=durable, segment=SEGMENT)
    journal, day = recording.journal, Day(np.random.default_rng(seed), tapes=2)
    journal.flush()
    told.send_bytes(struct.pack("<q", journal.records))
    for _ in range(COMMITS):
        day.commit(journal, 25)
        if not durable:
            journal.flush()
        told.send_bytes(struct.pack("<q", journal.records))
    recording.close(State.SEALED)
    told.send_bytes(struct.pack("<q", journal.records))


def project_on(folder: str) -> None:
    """Catch up with a session for ever, in small batches."""
    where = Path(folder)
    while True:
        project(where, read_manifest(where), rows=200)


def settle_all(home: str) -> None:
    """What a start does first."""
    try:
        settle_crashed(Rooms(Path(home)))
    except JournalError:
        return
