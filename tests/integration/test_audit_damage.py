"""What the audit verbs say of a journal that somebody changed, or that something damaged."""

from pathlib import Path

import duckdb
import pytest

from sessions.audit import store
from sessions.audit.project import project
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
