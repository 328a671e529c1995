"""What an export holds."""

from pathlib import Path

import duckdb
import polars as pl

from sessions.audit.books import opened
from sessions.audit.export import export
from sessions.audit.finding import Session
from sessions.audit.store import FILE
from tests.oracle.journals import small


def test_no_table_is_left_out(tmp_path: Path) -> None:
    journal = small(tmp_path / "20260101-000000-made", blocks=9)
    with opened(Session(journal.folder, journal.manifest)) as books:
        written = export(books, tmp_path / "out")
    with duckdb.connect(journal.folder / FILE, read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        held = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] for name in tables}
    assert {name: sum(w.rows for w in written if w.table == name) for name in tables} == held
    notes = pl.read_parquet(tmp_path / "out" / "notes" / f"{journal.manifest.id}.parquet")
    assert notes.sort("record").rows() == journal.texts
    reasons = pl.read_parquet(tmp_path / "out" / "reasons" / f"{journal.manifest.id}.parquet")
    assert "sees a gap" in reasons["words"].to_list()
