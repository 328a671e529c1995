"""Whether `journal.duckdb` says what the log says: every row of every table made again and laid beside it.

The file is a copy that nobody signed. Whoever can write to the folder can write to it, and no chain of hashes says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from sessions.audit.batches import Batch
from sessions.audit.lookups import feature_names
from sessions.audit.project import put
from sessions.audit.schema import TABLES, metadata_of
from sessions.audit.store import FILE, PATIENCE, Mark, locked, make, mark_of, move, opened
from sessions.audit.texts import BEFORE, limits_of
from sessions.journal.errors import JournalError
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.manifest import Manifest
from sessions.recording import log_disk

#: Records of the log that are laid beside the file's at once.
ROWS = 250_000
_HERE = "schema_name NOT IN ('information_schema', 'pg_catalog') AND NOT internal"
#: Everything that a file can hold besides rows; a view of another text answers another question.
_CATALOG = f"""
SELECT 'table' kind, schema_name, table_name AS name, sql FROM duckdb_tables() WHERE {_HERE}
UNION ALL SELECT 'view', schema_name, view_name, sql FROM duckdb_views() WHERE {_HERE}
UNION ALL SELECT 'index', schema_name, index_name, sql FROM duckdb_indexes()
UNION ALL SELECT 'sequence', schema_name, sequence_name, sql FROM duckdb_sequences()
UNION ALL SELECT 'type', schema_name, type_name, '' FROM duckdb_types() WHERE {_HERE}
UNION ALL SELECT 'function', schema_name, function_name, macro_definition FROM duckdb_functions() WHERE {_HERE}
UNION ALL SELECT 'schema', '', schema_name, '' FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'main'
ORDER BY ALL
"""


@dataclass(slots=True)
class Compared:
    """What came of it."""

    records: int = 0  #: of the log that were laid beside the tables
    skipped: str = ""  #: why nothing was, empty if it was
    differs: dict[str, str] = field(default_factory=dict)  #: of each table or view that is not the log's: how


def compared(folder: Path, manifest: Manifest, *, patience: float = PATIENCE, rows: int = ROWS) -> Compared:
    """Lay a session's tables beside its log, as far as they go; nothing is written.

    Raises `ProjectionBusy` if another process projects for longer than `patience` seconds, `ProjectionNewer`,
    `JournalError` for a log, a file or a manifest that cannot be read.
    """
    if not (folder / FILE).exists():
        return Compared(skipped="there are none yet")
    with locked(folder, patience, shared=True):
        try:
            kept = opened(folder, {"threads": 1}, read_only=True)
        except duckdb.Error as error:
            return Compared(skipped=f"the next question makes them anew: {_line(error)}")
        with closing(kept):
            mark = mark_of(kept, folder, manifest)
            if not isinstance(mark, Mark):
                return Compared(skipped=f"the next question makes them anew: {mark}")
            try:
                with _fresh(manifest) as fresh:
                    return _Beside(kept, fresh, manifest).run(folder, mark, rows)
            except duckdb.Error as error:
                raise JournalError(folder / FILE, f"cannot be compared with the log: {_line(error)}") from error
            except OSError as error:  # no room for tables beside these
                raise JournalError(error.filename or folder / FILE, error.strerror or str(error)) from error


@contextmanager
def _fresh(manifest: Manifest) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables as they are before the first record. In a file: a view that was stored is told in other words."""
    with tempfile.TemporaryDirectory(prefix="tapedeck-") as name:
        file = Path(name) / FILE
        with closing(duckdb.connect(file, config={"threads": 1})) as made:
            make(made, manifest, start_of(manifest.hash))
        with closing(duckdb.connect(file, config={"threads": 1})) as fresh:
            yield fresh


def _line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]


class _Beside:
    """The file, and what the log makes: rows of records batch by batch, everything else in tables of its own."""

    def __init__(self, kept: duckdb.DuckDBPyConnection, fresh: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
        self._kept, self._fresh, self._manifest = kept, fresh, manifest
        self._seen = dict.fromkeys(TABLES.values(), 0)
        self._limits = limits_of(manifest)
        list(self._limits.rows(BEFORE))
        self._names = [str(agent["name"]) for agent in manifest.fields["agents"]]
        self._found = Compared()

    def run(self, folder: Path, mark: Mark, rows: int) -> Compared:
        """All of it. Raises `JournalError`, `duckdb.Error`."""
        self._catalog()
        if not self._found.differs:  # what is no table of ours cannot be laid beside one
            self._found.records = self._log(folder, mark, rows)
            for table, seen in self._seen.items():
                held = self._kept.execute(f'SELECT count(*) FROM "{table}"').fetchall()[0][0]
                if held != seen:
                    self._differs(table, f"{held:,} rows, of the log {seen:,}")
            for table in metadata_of(feature_names(self._manifest)).tables:
                if table not in self._seen:
                    whole = f'SELECT * FROM "{table}" ORDER BY ALL'
                    self._same(table, _frame(self._kept, whole), _frame(self._fresh, whole))
        return self._found

    def _log(self, folder: Path, mark: Mark, rows: int) -> int:
        """As much of the log as the file says it holds. How many records that were."""
        reader = Reader(log_disk(folder), start_of(self._manifest.hash))
        at, sealed, batch, first = reader.at, False, self._batch(0), 0
        for block in reader:
            if block.number >= mark.at.blocks:
                break
            try:
                batch.take(block)
            except JournalError:
                break  # a projection ends before such a block
            at, sealed = reader.at, reader.sealed
            if batch.records >= rows:
                self._lay(batch, first, at.records)
                batch, first = self._batch(batch.readings), at.records
        self._lay(batch, first, at.records)
        move(self._fresh, Mark(at, sealed, batch.readings))
        return at.records

    def _batch(self, readings: int) -> Batch:
        return Batch(tuple(feature_names(self._manifest)), self._names, self._limits, readings)

    def _lay(self, batch: Batch, first: int, end: int) -> None:
        """A batch beside the rows of the file that came from the same records."""
        frames = batch.frames()
        put(self._fresh, {t: frame for t, frame in frames.items() if t not in self._seen}, batch.refused)
        for table in self._seen:
            frame = frames.get(table)
            if frame is None:  # rows that are there all the same are counted at the end
                continue
            self._seen[table] += len(frame)
            if table not in self._found.differs:
                which = f'SELECT * FROM "{table}" WHERE record >= {first} AND record < {end}'
                self._same(table, _frame(self._kept, which), frame)

    def _same(self, table: str, kept: pl.DataFrame, made: pl.DataFrame) -> None:
        made = made.cast(kept.schema)
        if _equal(kept, made):
            return
        if "record" in kept.columns:  # in another order they say the same
            kept, made = kept.sort("record", maintain_order=True), made.sort("record", maintain_order=True)
            if _equal(kept, made):
                return
        if len(kept) != len(made):
            self._differs(table, f"{len(kept):,} rows where the log makes {len(made):,}")
            return
        column = next(name for name in kept.columns if not _equal(kept[[name]], made[[name]]))
        place = int((kept[column].ne_missing(made[column])).arg_max() or 0)
        record = f" of record {made['record'][place]:,}" if "record" in made.columns else ""
        self._differs(table, f"{column}{record} is {kept[column][place]}, of the log {made[column][place]}")

    def _catalog(self) -> None:
        """Tables, views and whatever else is defined."""
        catalogs = [
            {row[:3]: row[3] for row in each.execute(_CATALOG).fetchall()} for each in (self._kept, self._fresh)
        ]
        kept, fresh = catalogs
        for key in sorted(kept.keys() | fresh.keys()):
            kind, name = key[0], key[2]
            if key not in kept:
                self._differs(name, f"this {kind} is gone")
            elif key not in fresh:
                self._differs(name, f"this {kind} is none of the journal's")
            elif kept[key] != fresh[key]:
                self._differs(name, f"this {kind} is defined in another way")

    def _differs(self, name: str, how: str) -> None:
        self._found.differs.setdefault(name, how)


def _frame(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    return pl.DataFrame(connection.sql(query))


def _equal(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """The same values in the same rows; not-a-numbers are."""
    return len(one) == len(other) and one.equals(other)
