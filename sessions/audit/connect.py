"""Reading a session's `journal.duckdb`: brought up to the end of the log first, then opened for reading only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from sessions.audit.errors import ProjectionBusy
from sessions.audit.project import Projected, Told, project, standing
from sessions.audit.store import FILE, PATIENCE, Settings, locked, opened
from sessions.journal.errors import JournalError
from sessions.manifest import Manifest

_BEHIND = "not brought up to the end of the log: another process reads it"


@dataclass(frozen=True, slots=True)
class Reading:
    """A journal that can be asked."""

    connection: duckdb.DuckDBPyConnection
    projected: Projected  #: how far it goes, and why no further


@contextmanager
def reading(
    folder: Path,
    manifest: Manifest,
    *,
    patience: float = PATIENCE,
    settings: Settings | None = None,
    told: Told | None = None,
) -> Iterator[Reading]:
    """Open a journal for reading, caught up with its log; the writer of the log never waits for that.

    Others may read at the same time; while they do a live session's projection does not go on, and `projected.fault`
    says so. `settings` of DuckDB: memory, threads, a sandbox; `told`: as in `project`.

    Raises `ProjectionBusy` if another process projects for
    longer than `patience` seconds, `ProjectionNewer`, `JournalError`.
    """
    projected = _projected(folder, manifest, patience, told)
    with locked(folder, patience, shared=True):
        try:
            connection = opened(folder, settings or {}, read_only=True)
        except duckdb.Error as error:
            raise JournalError(folder / FILE, f"cannot be read: {str(error).partition(chr(10))[0]}") from error
        try:
            yield Reading(connection, projected)
        finally:
            connection.close()


def _projected(folder: Path, manifest: Manifest, patience: float, told: Told | None) -> Projected:
    try:
        return project(folder, manifest, patience=patience, told=told)
    except ProjectionBusy:
        found = standing(folder, manifest, 0.0)
        if found is None:
            raise
        return replace(found, fault=_BEHIND)
