"""`journal.duckdb` as a file: made, opened for writing by one, set aside when it cannot be used."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from core.clock import monotonic_ns, sleep
from sessions.audit.errors import ProjectionBusy, ProjectionNewer
from sessions.audit.lookups import feature_names, fitting, lookups
from sessions.audit.schema import VERSION, ddl, metadata_of, shape_of
from sessions.audit.views import views
from sessions.journal.disk import sync_folder
from sessions.journal.errors import JournalError
from sessions.journal.log import Position, segment_name
from sessions.manifest import Manifest
from sessions.recording import log_disk

if TYPE_CHECKING:
    import polars as pl

FILE, LOCK = "journal.duckdb", "projector.lock"
#: What is made to take the file's place.
BESIDE = ".journal.duckdb.new"
#: Seconds that somebody waits for another who projects.
PATIENCE = 5.0
_STEP = 0.02
Settings = Mapping[str, str | bool | int | float | list[str]]
#: One thread: two are slower at many narrow columns, and the other core belongs to the trader. Checkpoints are made
#: at the end, not at every 16 MB; a process that is killed leaves them to the next one.
WRITING: Settings = {
    "threads": 1,
    "checkpoint_threshold": "512MB",
    "preserve_insertion_order": True,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """The one row of `projection`: what is in the file."""

    at: Position
    complete: bool  #: the log's seal is in it
    readings: int  #: rows of features


@contextmanager
def locked(folder: Path, patience: float = PATIENCE, shared: bool = False) -> Iterator[None]:
    """Be the only one who writes the projection, or one of those who read it. Raises `ProjectionBusy`, `JournalError`.

    The trading process never takes this lock.
    """
    path = folder / LOCK
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error
    try:
        until = monotonic_ns() + int(patience * 1e9)
        while True:
            try:
                fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if monotonic_ns() >= until:
                    raise ProjectionBusy(folder / FILE, "another process reads or projects this journal") from error
                sleep(_STEP)
        yield
    finally:
        os.close(lock)


class _Capsule:
    """A frame as DuckDB takes it without pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Append a frame to a table, column by column in its order."""
    connection.register("incoming", _Capsule(frame))
    connection.execute(f'INSERT INTO "{table}" SELECT * FROM incoming')
    connection.unregister("incoming")


def statements(manifest: Manifest) -> tuple[str, ...]:
    """What makes the tables and views of a session's journal."""
    return _statements(tuple(feature_names(manifest)))


@cache
def _statements(features: tuple[str, ...]) -> tuple[str, ...]:
    return (*ddl(metadata_of(features)), *views())


def remove(folder: Path, name: str = FILE) -> None:
    """Drop the projection. Raises `JournalError`."""
    try:
        for each in (f"{name}.wal", name):  # a log of one file must never be played into another
            (folder / each).unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise JournalError(folder / name, error.strerror or str(error)) from error


def swap(folder: Path) -> None:
    """Put what was made beside the file, whole and closed, in its place. Raises `JournalError`."""
    try:
        (folder / f"{FILE}.wal").unlink(missing_ok=True)
        (folder / BESIDE).replace(folder / FILE)
        sync_folder(folder)
    except OSError as error:
        raise JournalError(folder / FILE, error.strerror or str(error)) from error


def opened(
    folder: Path, settings: Settings = WRITING, read_only: bool = False, name: str = FILE
) -> duckdb.DuckDBPyConnection:
    """Open the file. Raises `ProjectionBusy`, `ProjectionNewer`, `duckdb.Error` for a file that is none."""
    first = {name: value for name, value in settings.items() if name != "lock_configuration"}
    try:
        connection = duckdb.connect(folder / name, read_only=read_only, config=first)
        connection.execute("SET enable_progress_bar = false")  # it would draw into the answers
        if settings.get("lock_configuration"):
            connection.execute("SET lock_configuration = true")
        return connection
    except duckdb.IOException as error:
        words = str(error)
        if "lock" in words.lower():
            raise ProjectionBusy(folder / FILE, "another process has this file open") from error
        if "version number" in words.lower():
            raise ProjectionNewer(folder / FILE, "was written by a newer DuckDB; rebuild it with this one") from error
        raise


def make(connection: duckdb.DuckDBPyConnection, manifest: Manifest, start: Position) -> None:
    """Tables, views, lookups and the mark, all or nothing. Raises `JournalError`, `duckdb.Error`."""
    from sessions.audit.batches import rows_frame  # a reader of what is there already needs none of this
    from sessions.audit.texts import BEFORE, limits_of, plan_rows

    limits = limits_of(manifest)
    tables = lookups(manifest) | {"limits": plan_rows(limits), "limits_in_force": list(limits.rows(BEFORE))}
    fitting(manifest, tables)
    makers = statements(manifest)
    connection.begin()
    for statement in makers:
        connection.execute(statement)
    for table, rows in tables.items():
        insert(connection, table, rows_frame(table, rows))
    begin = {
        "version": VERSION, "shape": shape_of(makers), "genesis": manifest.hash.hex(), **_fields(start),
        "complete": False, "readings": 0,
    }  # fmt: skip
    insert(connection, "projection", rows_frame("projection", [begin]))
    connection.commit()


def _fields(at: Position) -> dict[str, Any]:
    return {
        "segment": at.segment, "byte": at.offset, "blocks": at.blocks, "records": at.records, "head": at.head.hex(),
    }  # fmt: skip


def move(connection: duckdb.DuckDBPyConnection, mark: Mark) -> None:
    """Write down how far the projection has come; belongs into the transaction of the rows."""
    fields = _fields(mark.at) | {"complete": mark.complete, "readings": mark.readings}
    connection.execute(f"UPDATE projection SET {', '.join(f'{name} = ${name}' for name in fields)}", fields)


def disagrees(folder: Path, mark: Mark) -> str:
    """Whether the log has the block that the projection ends with: its hash is the block's last bytes."""
    at = mark.at
    if at.blocks == 0:
        return ""
    try:
        with (log_disk(folder).folder / segment_name(at.segment)).open("rb") as file:
            file.seek(max(at.offset - len(at.head), 0))
            found = file.read(len(at.head))
    except FileNotFoundError:
        found = b""
    except OSError as error:
        raise JournalError(folder, error.strerror or str(error)) from error
    return "" if found == at.head else f"the log has no block {at.blocks - 1:,} as it was projected"


def mark_of(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> Mark | str:
    """What is in the file; or why it is of no use. Raises `ProjectionNewer`, `JournalError`."""
    try:
        found = connection.execute(
            "SELECT version, shape, genesis, segment, byte, blocks, records, head, complete, readings FROM projection"
        ).fetchall()
    except duckdb.Error:
        return "it was never finished"
    if len(found) != 1:
        return "it does not say how far it goes"
    version, shape, genesis, segment, byte, blocks, records, head, complete, readings = found[0]
    if version > VERSION:
        words = f"is of schema {version}, this program reads {VERSION}: use the newer one, or rebuild it with this one"
        raise ProjectionNewer(folder / FILE, words)
    if version < VERSION:
        return f"it is of schema {version}, this program writes {VERSION}"
    if shape != shape_of(statements(manifest)):
        return "its tables are not those of this program"
    if genesis != manifest.hash.hex():
        return "it belongs to another manifest"
    mark = Mark(Position(segment, byte, blocks, records, bytes.fromhex(head)), bool(complete), readings)
    return disagrees(folder, mark) or mark
