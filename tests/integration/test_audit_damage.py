"""What the audit verbs say of a journal that somebody changed, or that something damaged."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from sessions.audit import store
from sessions.audit.project import project
from sessions.journal.log import segment_name
from tests.console import Inside
from tests.oracle.journals import Made, small


@pytest.fixture
def journal(tmp_path: Path) -> Made:
    """A sealed session of several segments and its tables."""
    found = small(tmp_path / "20260101-000000-made")
    project(found.folder, found.manifest)
    return found


def test_verify_compares_the_tables_with_the_log(journal: Made, inside: Inside) -> None:
    def tables(*more: str) -> tuple[str, list[str]]:
        found = inside("audit", "verify", journal.folder, "--json", *more)
        assert found.code == 1  # it has no anchors
        wrong = [row["what"] for row in found.record["findings"] if row["place"] == store.FILE]
        return str(found.record["tables"]), sorted(wrong)

    said, wrong = tables()
    assert (said, wrong) == (f"compared with the log row by row, up to record {journal.log.at.records:,}", [])
    with duckdb.connect(journal.folder / store.FILE) as connection:
        connection.execute("UPDATE fills SET qty = qty + 1 WHERE seq = 3")
        connection.execute("DELETE FROM verdicts")
    said, wrong = tables()
    assert said == "2 differ from the log"
    assert wrong[0].startswith("fills differs from the log (qty of record ")
    assert wrong[1].startswith("verdicts differs from the log (")
    assert all(each.endswith("make it anew with: tapedeck audit rebuild 20260101-000000-made") for each in wrong)
    assert tables("--log-only") == ("not compared, as you wished", [])
    (journal.folder / store.FILE).unlink()
    assert tables() == ("not compared: there are none yet", [])


def damage(journal: Made, number: int, byte: int) -> None:
    """Another bit in one of the log's segments; counted from its end where negative."""
    with (journal.folder / "wal" / segment_name(number)).open("r+b") as file:
        file.seek(byte, 0 if byte >= 0 else 2)
        one = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([one[0] ^ 1]))


def _behind(journal: Made) -> None:
    with (journal.folder / "wal" / segment_name(journal.log.at.segment)).open("ab") as file:
        file.write(b"x")


def test_tables_of_a_damaged_log_are_not_made_shorter(journal: Made, inside: Inside) -> None:
    records = journal.log.at.records
    damage(journal, 1, 5000)
    before = (journal.folder / store.FILE).read_bytes()
    found = inside("audit", "rebuild", journal.folder, "--json")
    assert found.code == 1
    assert found.record["records"] == records
    assert "the tables stay as they are" in found.record["fault"]
    assert "journal-000001.wal" in found.err
    assert (journal.folder / store.FILE).read_bytes() == before
    (journal.folder / store.FILE).unlink()
    for verb in ("rebuild", "project"):
        found = inside("audit", verb, journal.folder, "--json")
        assert (found.code, found.record["complete"]) == (1, False)
        assert "checksum" in found.err
        assert 0 < found.record["records"] < records
    assert {path.name for path in journal.folder.iterdir()} == {"manifest.json", "wal", store.FILE, store.LOCK}


def test_a_rebuild_is_swapped_in_whole(journal: Made, inside: Inside) -> None:
    with duckdb.connect(journal.folder / store.FILE) as connection:
        connection.execute("DELETE FROM fills")
        connection.execute("UPDATE projection SET records = 1000000000, blocks = 1000000000")
    found = inside("audit", "rebuild", journal.folder, "--json")
    assert (found.code, found.err) == (0, "")
    assert found.record["records"] == journal.log.at.records
    found = inside("audit", "sql", "select count(*) as n from fills", "-s", journal.folder, "--json")
    assert found.record["result"][0]["n"] > 0
    assert "note" not in found.record


@pytest.mark.parametrize(
    ("hurt", "said"),
    [
        (lambda j: damage(j, j.log.at.segment, -60), "the last block of the log is damaged: a checksum"),
        (lambda j: (j.folder / "wal" / segment_name(0)).unlink(), "journal-000000.wal of the log is missing"),
        (lambda j: damage(j, 0, -1), "journal-000001.wal of the log does not follow"),
        (lambda j: damage(j, 1, 0), "journal-000001.wal of the log begins with no block"),
        (lambda j: (j.folder / "quarantined").write_text("an anchor\n"), "in quarantine: an anchor"),
        (_behind, "1 bytes behind the seal"),
        (lambda j: (j.folder / "wal" / segment_name(99)).touch(), "journal-000099.wal lies behind the end"),
    ],
)
def test_questions_say_that_the_log_is_not_what_it_was(
    journal: Made, inside: Inside, hurt: Callable[[Made], object], said: str
) -> None:
    hurt(journal)
    for words in (("rates",), ("sql", "select 1 as one")):
        found = inside("audit", *words, "-s", journal.folder, "--json")
        assert found.code == 0
        assert said in found.record["note"]
        assert said in found.err


def test_tables_that_are_made_anew_say_why(journal: Made, inside: Inside) -> None:
    with duckdb.connect(journal.folder / store.FILE) as connection:
        connection.execute("UPDATE projection SET version = 0")
    found = inside("audit", "rates", "-s", journal.folder, "--json")
    assert found.code == 0
    assert f"made anew from {journal.log.at.records:,} records of its log: it is of schema 0" in found.err
    assert inside("audit", "rates", "-s", journal.folder, "--json").err == ""
