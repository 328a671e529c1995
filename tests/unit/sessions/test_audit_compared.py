"""Tables that do not say what the log says are found, whatever was done to them."""

import shutil
from pathlib import Path

import duckdb
import pytest

from core.enums import OperatorAct
from sessions.audit import store
from sessions.audit.compared import compared
from sessions.audit.project import project, rebuild
from sessions.journal.log import segment_name
from tests.oracle.journals import Made, made, small


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    journal = small(tmp_path_factory.mktemp("compared") / "20260101-000000-made")
    project(journal.folder, journal.manifest)
    return journal


@pytest.fixture
def folder(whole: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.folder, tmp_path / "20260101-000000-made"))


@pytest.mark.parametrize("rows", [1, 100, 250_000])
def test_tables_that_are_the_logs_are_no_finding(whole: Made, rows: int) -> None:
    found = compared(whole.folder, whole.manifest, rows=rows)
    assert (found.differs, found.skipped, found.records) == ({}, "", whole.log.at.records)


@pytest.mark.parametrize(
    ("table", "done"),
    [
        ("fills", "UPDATE fills SET qty = qty + 1 WHERE seq = 7"),
        ("fills", "DELETE FROM fills WHERE seq = 7"),
        ("fills", "INSERT INTO fills SELECT * FROM fills WHERE seq = 7"),
        ("fills", "INSERT INTO fills SELECT * REPLACE (-1 AS record) FROM fills WHERE seq = 7"),
        ("fills", "UPDATE fills SET record = record + 1000000 WHERE seq = 7"),
        ("verdicts", "DELETE FROM verdicts"),
        ("verdicts", "UPDATE verdicts SET order_qty = 'nan' WHERE seq = 3"),
        ("features", "UPDATE features SET spread = 0 WHERE row = 5"),
        ("decisions", "UPDATE decisions SET agent = NULL WHERE seq = 9"),
        ("operator_actions", "UPDATE operator_actions SET person = 'nobody'"),
        ("operator_actions", "UPDATE operator_actions SET failed = NULL"),
        ("limits", "DELETE FROM limits WHERE what = 'made'"),
        ("limits_in_force", "UPDATE limits_in_force SET value = 1e9 WHERE value = 40"),
        ("notes", "UPDATE notes SET words = '{}' WHERE stream = 'acts'"),
        ("life", "UPDATE life SET reason = 'all is well'"),
        ("reasons", "DELETE FROM reasons WHERE code = 1000"),
        ("session", "UPDATE session SET seed = 2"),
        ("agents", "UPDATE agents SET name = 'else' WHERE agent = 0"),
        ("codes", "UPDATE codes SET name = 'fill' WHERE kind = 'op'"),
        ("projection", "UPDATE projection SET records = records + 1"),
        ("projection", "UPDATE projection SET readings = 0"),
        ("v_why", "DROP VIEW v_why"),
        ("v_more", "CREATE VIEW v_more AS SELECT 1 AS one"),
        ("fills", "ALTER TABLE fills ADD COLUMN more INTEGER"),
        ("more", "CREATE TABLE more (x INTEGER)"),
        ("sum_of", "CREATE MACRO sum_of(x) AS 0"),
        ("other", "CREATE SCHEMA other"),
    ],
)
def test_what_was_done_to_a_table_is_named(folder: Path, whole: Made, table: str, done: str) -> None:
    with duckdb.connect(folder / store.FILE) as connection:
        if "v_why" in done:
            table = connection.execute("SELECT min(view_name) FROM duckdb_views() WHERE NOT internal").fetchall()[0][0]
            done = f"DROP VIEW {table}"
        connection.execute(done)
    found = compared(folder, whole.manifest)
    assert list(found.differs) == [table], found
    if table == "verdicts":
        assert rebuild(folder, whole.manifest).complete
        assert compared(folder, whole.manifest).differs == {}


def test_the_record_that_differs_is_named(folder: Path, whole: Made) -> None:
    with duckdb.connect(folder / store.FILE) as connection:
        record, qty = connection.execute("SELECT record, qty FROM fills WHERE seq = 7").fetchall()[0]
        connection.execute("UPDATE fills SET qty = 12345 WHERE seq = 7")
    assert compared(folder, whole.manifest).differs == {"fills": f"qty of record {record:,} is 12345, of the log {qty}"}


def test_rows_in_another_order_say_the_same(folder: Path, whole: Made) -> None:
    with duckdb.connect(folder / store.FILE) as connection:
        connection.execute("CREATE TEMP TABLE aside AS SELECT * FROM fills ORDER BY hash(record)")
        connection.execute("DELETE FROM fills")
        connection.execute("INSERT INTO fills SELECT * FROM aside")
    assert compared(folder, whole.manifest).differs == {}


def test_tables_that_say_they_are_complete_too_early(tmp_path: Path) -> None:
    journal = made(tmp_path / "20260101-000000-made")
    journal.write(journal.block(10))
    project(journal.folder, journal.manifest)
    journal.write(journal.block(10))
    found = compared(journal.folder, journal.manifest)
    assert (found.differs, found.records < journal.log.at.records) == ({}, True)  # behind the log is no lie
    with duckdb.connect(journal.folder / store.FILE) as connection:
        connection.execute("UPDATE projection SET complete = true")
    assert list(compared(journal.folder, journal.manifest).differs) == ["projection"]


def test_a_refusal_in_a_later_batch_than_its_act(tmp_path: Path) -> None:
    journal = made(tmp_path / "20260101-000000-made")
    both = journal.act(OperatorAct.KILL, failed="no")
    journal.write(both[:1])
    journal.write([both[1], *journal.act(OperatorAct.PAUSE)])
    project(journal.folder, journal.manifest)
    assert compared(journal.folder, journal.manifest, rows=1).differs == {}


def test_what_cannot_be_compared_says_why(folder: Path, whole: Made) -> None:
    with duckdb.connect(folder / store.FILE) as connection:
        connection.execute("UPDATE projection SET shape = 'another'")
    assert "makes them anew" in compared(folder, whole.manifest).skipped
    (folder / store.FILE).write_bytes(b"nothing of DuckDB" * 1000)
    assert "makes them anew" in compared(folder, whole.manifest).skipped
    (folder / store.FILE).unlink()
    assert compared(folder, whole.manifest).skipped == "there are none yet"


def test_a_log_that_is_damaged_behind_makes_its_tables_differ(folder: Path, whole: Made) -> None:
    """What stands in the tables and cannot be read in the log has no proof."""
    with (folder / "wal" / segment_name(1)).open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))
    found = compared(folder, whole.manifest)
    assert "fills" in found.differs
    assert 0 < found.records < whole.log.at.records
