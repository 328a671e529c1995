"""A person's own query can read the journal and do nothing else."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.clock import monotonic_ns
from sessions.audit.sandbox import LONGEST, Bounds, QueryRefused, QueryTooLong, ask


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred thousand rows and a view."""
    path = tmp_path_factory.mktemp("sandbox") / "journal.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE fills AS SELECT range::BIGINT record, range % 7 agent FROM range(100000)")
        connection.execute("CREATE VIEW v_fills AS SELECT * FROM fills WHERE agent = 1")
    return path


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select * from fills where record < 3", 3),
        ("SELECT count(*) FROM v_fills;", 1),
        ("-- a comment; with a semicolon\nselect 1 /* ; */ ; -- and one more", 1),
        ("with x as (select 1 union all select 2) select * from x", 2),
        ("values (1), (2)", 2),
        ("from fills limit 2", 2),
        ("describe fills", 2),
        ("explain select * from fills", 1),
        ("explain /* why */ analyze select count(*) from fills", 1),
        ("select ';' as \"a;b\"", 1),
        ("select interval 1 day as i, sum(record) as s, 'x'::blob as b from fills", 1),
        ("with recursive t as (select 1 n union all select n + 1 from t where n < 5) select * from t", 5),
    ],
)
def test_a_select_is_answered(database: Path, query: str, rows: int) -> None:
    found = ask(database, query)
    assert len(found.frame) == rows
    assert not found.cut


def test_rows_beyond_the_limit_are_cut_and_that_is_told(database: Path) -> None:
    found = ask(database, "select record from fills order by record desc", Bounds(rows=5))
    assert found.cut
    assert found.frame["record"].to_list() == [99_999, 99_998, 99_997, 99_996, 99_995]
    assert not ask(database, "select * from fills limit 5", Bounds(rows=5)).cut


def hostile(folder: str) -> list[str]:
    """What must not work, `folder` being writable by us."""
    return [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_parquet('/x') union all select 1",
        "select (select count(*) from glob('/*'))",
        "select * from sniff_csv('/etc/passwd')",
        "with x as (select * from read_json('/etc/passwd')) select * from x",
        "select * from fills where exists (from read_csv_auto('/etc/passwd'))",
        "select getenv('HOME')",
        "select current_setting('home_directory')",
        f"copy fills to '{folder}/a.csv'",
        f"copy (select 1) to '{folder}/a.parquet'",
        f"explain copy fills to '{folder}/a.csv'",
        f"explain analyze copy fills to '{folder}/a.csv'",
        f"attach '{folder}/b.duckdb' as b",
        f"export database '{folder}/c'",
        "import database '/tmp/c'",
        "install httpfs",
        "load httpfs",
        "load json",
        "set threads = 8",
        "set lock_configuration = false",
        "set enable_external_access = true",
        "reset threads",
        "pragma database_list",
        "pragma memory_limit = '64GB'",
        "create macro f(x) as x",
        "create temp table t as select 1",
        "create view w as select 1",
        "insert into fills values (1, 1)",
        "explain analyze insert into fills values (1, 1)",
        "update fills set agent = 0",
        "delete from fills",
        "drop table fills",
        "truncate fills",
        "alter table fills add column x int",
        "begin",
        "commit",
        "checkpoint",
        "vacuum",
        "call enable_logging()",
        f"select * from enable_logging(storage = 'file', storage_path = '{folder}/log')",
        "from enable_profiling()",
        "select write_log('x')",
        "select * from checkpoint()",
        "select * from query('select 1')",
        "select * from query_table('fills')",
        "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "prepare p as select 1",
        "execute p",
        "deallocate p",
        "use fills",
        "set variable x = 1",
        "pivot fills on agent using count(*)",
        "select 1; select 2",
        "select 1; drop table fills",
        "select 1;; copy fills to '/tmp/x'",
        "select 1 as a, 2 as a",
        "/* select 1 */",
        "-- select 1",
        "",
        ";",
        "explain",
        "explain explain",
        "select * from nothing_of_that_name",
        "select",
        "\0",
        "select '" + "x" * LONGEST + "'",
        "select " + "(" * 20_000 + "1" + ")" * 20_000,
        "select " + "1+" * 20_000 + "1",
        "attach ':memory:' as m",
        "attach 'https://example.org/x.duckdb'",
        "select * from 'https://example.org/x.parquet'",
        "from duckdb_secrets()",
    ]


#: The sandbox's own process for each request, begun where the libraries are loaded already: a tenth of the time.
_FORKS = """
import os, sys
import duckdb, polars
from sessions.audit import sandboxed
for line in sys.stdin.buffer:
    asked = os.memfd_create("request")
    os.write(asked, line)
    os.lseek(asked, 0, os.SEEK_SET)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(asked, 0)
        os.dup2(write, 1)
        os.close(read)
        os.close(write)
        sys.stdin = open(0)
        sandboxed.main()
    os.close(asked)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.buffer.write(b"%d %d\\n" % (code, len(said)) + said)
    sys.stdout.buffer.flush()
"""


@pytest.fixture(scope="module")
def forks() -> Iterator["subprocess.Popen[bytes]"]:
    """What begins such processes."""
    with subprocess.Popen([sys.executable, "-P", "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as made:
        yield made
        assert made.stdin is not None
        made.stdin.close()


@pytest.fixture
def quick(forks: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox asks those."""
    assert forks.stdin is not None
    assert forks.stdout is not None
    asked, answers = forks.stdin, forks.stdout

    def run(words: list[str], **given: Any) -> "subprocess.CompletedProcess[bytes]":
        assert words[-1] == "sessions.audit.sandboxed"
        request: bytes = given["input"]
        assert json.loads(request)
        asked.write(request + b"\n")
        asked.flush()
        code, size = map(int, answers.readline().split())
        return subprocess.CompletedProcess(words, code, answers.read(size))

    monkeypatch.setattr("sessions.audit.sandbox.subprocess.run", run)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are begun as Linux does it")
@pytest.mark.usefixtures("quick")
def test_such_a_process_answers_as_any_other(database: Path) -> None:
    found = ask(database, "select count(*) as n from v_fills").frame["n"].to_list()
    assert found == [14_286]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are begun as Linux does it")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("which", range(0, len(hostile("")), 8))
def test_nothing_else_is(database: Path, tmp_path: Path, which: int) -> None:
    before = database.read_bytes()
    for query in hostile(str(tmp_path))[which : which + 8]:
        with pytest.raises((QueryRefused, QueryTooLong)) as error:
            ask(database, query, Bounds(seconds=5))
        assert "\n" not in str(error.value), query
        assert len(str(error.value)) < 600
    assert list(tmp_path.iterdir()) == []
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from fills a, fills b, fills c",
        "with recursive t as (select 1 n union all select n + 1 from t) select max(n) from t",
        "select length(repeat('x', 2000000000))",
        "select levenshtein(repeat('ab', 200000), repeat('ba', 200000))",
        "select len(range(1000000000))",
        "select list(a.record) from fills a, fills b",
        "select string_agg(a.record::varchar) from fills a, range(10000)",
    ],
)
def test_a_query_that_wants_too_much_ends_in_time(database: Path, query: str) -> None:
    started = monotonic_ns()
    with pytest.raises(QueryTooLong):
        ask(database, query, Bounds(seconds=0.7, memory=256 << 20))
    assert monotonic_ns() - started < 15e9  # a second when the machine is quiet
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert used < 4 << 20  # kilobytes


def test_a_pivot_says_its_values(database: Path) -> None:
    assert (
        len(ask(database, "pivot (select agent, record % 2 as odd from fills) on agent in (1, 2) using count(*)").frame)
        == 2
    )
    for query in (
        "pivot fills on agent using count(*)",
        "select * from (pivot fills on agent using count(*))",
        "explain pivot fills on agent using count(*)",
    ):
        with pytest.raises(QueryRefused, match=r"has to say its values here.* IN \(1, 2\)"):
            ask(database, query)


@pytest.mark.parametrize("bounds", [Bounds(rows=0), Bounds(seconds=0), Bounds(seconds=1e9)])
def test_bounds_that_bound_nothing_are_refused(database: Path, bounds: Bounds) -> None:
    with pytest.raises(QueryRefused):
        ask(database, "select 1", bounds)


def test_many_ask_at_once(database: Path) -> None:
    """Readers do not stand in each other's way, nor does somebody who has it open."""
    with duckdb.connect(str(database), read_only=True):
        assert ask(database, "select count(*) as n from fills").frame["n"].to_list() == [100_000]
