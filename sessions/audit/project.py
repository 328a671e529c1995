"""From the log to `journal.duckdb`, exactly once: rows and how far they go are written in one transaction.

The log is the authority. A projection that is gone, unreadable, of an older schema, or that does not agree with the
log (after a power cut the log may end earlier than what was read of it) is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sessions.audit.errors import ProjectionNewer
from sessions.audit.lookups import feature_names
from sessions.audit.store import (
    BESIDE,
    FILE,
    PATIENCE,
    WRITING,
    Mark,
    insert,
    locked,
    make,
    mark_of,
    move,
    opened,
    remove,
    swap,
)
from sessions.audit.worn import worn
from sessions.journal.errors import JournalError
from sessions.journal.log import Position, start_of
from sessions.journal.reading import Reader
from sessions.journal.tail import last_texts
from sessions.manifest import Manifest
from sessions.recording import log_disk, marked

if TYPE_CHECKING:
    import polars as pl

    from sessions.audit.batches import Batch
    from sessions.audit.lookups import Row

#: Records and bytes of the log that are written in one transaction, if so many wait.
ROWS, BYTES = 750_000, 256 << 20


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection came to."""

    path: Path  #: journal.duckdb
    at: Position  #: how far it goes
    complete: bool  #: the log is sealed and all of it is in the file
    added: int  #: records that were added now
    fault: str = ""  #: why it goes no further, empty where the log just ends; of a live one, maybe a block under way
    rebuilt: str = ""  #: why it was made anew, empty if it was not


#: Is told why the tables are made anew, empty if there are none yet, and how many records the log has.
Told = Callable[[str, int], None]


def project(
    folder: Path, manifest: Manifest, *, patience: float = PATIENCE, rows: int = ROWS, told: Told | None = None
) -> Projected:
    """Bring a session's `journal.duckdb` up to the end of its log. `rows`: records in one transaction.

    `told` is called before tables are made from the first record on, which may take long.
    Raises `ProjectionBusy` if another process holds it longer than `patience` seconds, `ProjectionNewer`,
    `JournalError` for a manifest or a disk that cannot be used.
    """
    done = standing(folder, manifest, patience)
    if done is not None and done.complete:
        return done
    with locked(folder, patience):
        return _caught_up(folder, manifest, rows, told)


def standing(folder: Path, manifest: Manifest, patience: float = PATIENCE) -> Projected | None:
    """The projection as it is; None if there is none that is of use. Others may read it meanwhile.

    Raises `ProjectionBusy` while another process projects, `ProjectionNewer`.
    """
    if not (folder / FILE).exists():
        return None
    with locked(folder, patience, shared=True):
        found = _as_it_is(folder, manifest, read_only=True)
    if isinstance(found, str):
        return None
    found[0].close()
    mark = found[1]
    fault = _quarantined(folder) or (worn(folder, mark.at) if mark.complete else "")
    return Projected(folder / FILE, mark.at, mark.complete, 0, fault)


def rebuild(folder: Path, manifest: Manifest, *, patience: float = PATIENCE, rows: int = ROWS) -> Projected:
    """Make `journal.duckdb` anew from the log, beside the one that is there, and put it in its place.

    Unless the one that is there goes further, up to a block that the log still has: then the log is damaged before
    it, the tables stay, and `fault` says so. Raises as `project` does, but for `ProjectionNewer`.
    """
    with locked(folder, patience):
        before = _mark_of_usable(folder, manifest)
        remove(folder, BESIDE)
        try:
            with closing(opened(folder, name=BESIDE)) as connection:
                start = start_of(manifest.hash)
                make(connection, manifest, start)
                done = _advance(folder, manifest, connection, Mark(start, False, 0), rows, "asked to")
                connection.execute("CHECKPOINT")
            if before is not None and _place(before.at) > _place(done.at):
                why = done.fault or "there is no more of it"
                words = f"the log can be read up to record {done.at.records:,} only; the tables stay as they are: {why}"
                return Projected(folder / FILE, before.at, before.complete, 0, words)
            swap(folder)
            return done
        except duckdb.Error as error:
            raise JournalError(folder / FILE, f"cannot be written: {_first_line(error)}") from error
        finally:
            remove(folder, BESIDE)


def _mark_of_usable(folder: Path, manifest: Manifest) -> Mark | None:
    try:
        found = _as_it_is(folder, manifest, read_only=True) if (folder / FILE).exists() else "there is none"
    except ProjectionNewer:
        return None
    if isinstance(found, str):
        return None
    found[0].close()
    return found[1]


def _place(at: Position) -> tuple[int, int]:
    return at.segment, at.offset


def _caught_up(folder: Path, manifest: Manifest, rows: int, told: Told | None) -> Projected:
    try:
        connection, mark, why = _usable(folder, manifest)
        with closing(connection):
            if told is not None and mark.at.blocks == 0:
                told(why, _length(folder, manifest))
            return _advance(folder, manifest, connection, mark, rows, why)
    except duckdb.Error as error:
        raise JournalError(folder / FILE, f"cannot be written: {_first_line(error)}") from error


def _length(folder: Path, manifest: Manifest) -> int:
    """Records of the log, by its last segment; 0 where that cannot be read."""
    try:
        return last_texts(log_disk(folder), manifest.hash, "life")[1].at.records
    except JournalError:
        return 0  # what is wrong is told when it is read


def _usable(folder: Path, manifest: Manifest) -> tuple[duckdb.DuckDBPyConnection, Mark, str]:
    """The file, open, as far as it agrees with the log; a new one, and why, where it does not."""
    why = ""
    if (folder / FILE).exists():
        found = _as_it_is(folder, manifest)
        if not isinstance(found, str):
            return *found, ""
        why = found
    remove(folder)
    connection = opened(folder)
    try:
        make(connection, manifest, start_of(manifest.hash))
    except (JournalError, duckdb.Error):
        connection.close()
        raise
    return connection, Mark(start_of(manifest.hash), False, 0), why


def _as_it_is(
    folder: Path, manifest: Manifest, read_only: bool = False
) -> tuple[duckdb.DuckDBPyConnection, Mark] | str:
    """The file as it was left; or why it is of no use. Raises `ProjectionBusy`, `ProjectionNewer`."""
    try:
        connection = opened(folder, {} if read_only else WRITING, read_only)
    except duckdb.Error as error:
        return f"it cannot be read: {_first_line(error)}"
    found: Mark | str = "it was not looked at"
    try:
        found = mark_of(connection, folder, manifest)
    finally:
        if not isinstance(found, Mark):
            connection.close()
    return (connection, found) if isinstance(found, Mark) else found


def _quarantined(folder: Path) -> str:
    reason = marked(folder)
    return f"in quarantine: {reason}" if reason else ""


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]


def _advance(
    folder: Path, manifest: Manifest, connection: duckdb.DuckDBPyConnection, mark: Mark, rows: int, rebuilt: str
) -> Projected:
    before, fault = mark.at.records, ""
    if not mark.complete:
        reader = Reader(log_disk(folder), mark.at)
        for batch, at, sealed, wrong in _batches(connection, manifest, reader, mark.readings, rows):
            fault = wrong
            if batch.records or sealed:
                mark = _write(connection, batch, at, sealed)
        if mark.at.records > before:
            connection.execute("CHECKPOINT")
    return Projected(
        folder / FILE, mark.at, mark.complete, mark.at.records - before, fault or _quarantined(folder), rebuilt
    )


def _batches(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, reader: Reader, readings: int, rows: int
) -> Iterator[tuple[Batch, Position, bool, str]]:
    """What is new, in batches; with the place after each, whether that is the seal, and what is wrong behind it."""
    from sessions.audit.batches import Batch  # a reader of what is projected already needs no compiler
    from sessions.audit.texts import BEFORE, limit_rows, limits_of

    names = [str(agent["name"]) for agent in manifest.fields["agents"]]
    limits = limits_of(manifest)
    list(limits.rows(BEFORE))
    for record, words in connection.execute(
        "SELECT record, words FROM notes WHERE stream = 'limits' ORDER BY record"
    ).fetchall():
        limit_rows(limits, record, words.encode())
    features, at, fault = tuple(feature_names(manifest)), reader.at, ""
    batch = Batch(features, names, limits, readings)
    for block in reader:
        try:
            batch.take(block)
        except JournalError as error:
            fault = f"{error}; what lies behind it is not read"
            break
        at = reader.at
        if batch.records >= rows or batch.size >= BYTES:
            yield batch, at, False, ""
            batch = Batch(features, names, limits, batch.readings)
    sealed = reader.sealed and not fault
    yield batch, at, sealed, fault or reader.fault


def _write(connection: duckdb.DuckDBPyConnection, batch: Batch, at: Position, sealed: bool) -> Mark:
    frames = batch.frames()
    mark = Mark(at, sealed, batch.readings)
    connection.begin()
    put(connection, frames, batch.refused)
    move(connection, mark)
    connection.commit()
    return mark


def put(connection: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame], refused: Row | None) -> None:
    """Add a batch's rows; `refused`: what came of the last act that is there already. Raises `duckdb.Error`."""
    if refused is not None:  # before this batch's own acts are there
        connection.execute(
            "UPDATE operator_actions SET failed = $failed, failed_record = $failed_record "
            "WHERE record = (SELECT max(record) FROM operator_actions)",
            refused,
        )
    for table, frame in frames.items():
        insert(connection, table, frame)
