"""The process in which a query of `sessions.audit.sandbox` runs: `python -m sessions.audit.sandboxed`.

Request on stdin, one JSON object. Answer on stdout, one line of JSON and, where it is "ok", an Arrow stream.
"""

import io
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

_REFUSED = (
    "only one SELECT, EXPLAIN or VALUES may be asked here, over the tables and views of the journal; "
    "nothing is written, loaded or set"
)
#: Without its values a pivot is two statements to the engine, and the first one makes a type.
_PIVOT = (
    "a pivot has to say its values here, or the engine would make a type of them first: "
    "PIVOT table ON column IN (1, 2) USING count(*)"
)
#: Functions that make rows and do nothing else. Everything that reads a file or acts is none of these.
_TABLES = frozenset((
    "duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_tables",
    "duckdb_types", "duckdb_views", "generate_series", "json_each", "json_tree", "pragma_show", "pragma_table_info",
    "range", "repeat", "repeat_row", "summary", "unnest",
))  # fmt: skip
#: Functions of single values that leave a trace, look outside or wait.
_VALUES = frozenset((
    "current_setting", "getenv", "getvariable", "nextval", "currval", "read_blob", "read_text", "sleep_ms", "write_log",
    "in_search_path",
))  # fmt: skip
_EXPLAINED = frozenset({"explain", "analyze"})
#: Mapped memory: the interpreter and its libraries, and room above what the engine counts.
_BASE, _FACTOR = 1 << 31, 2
#: A type that has one of these in it goes out as text.
_AS_TEXT = ("INTERVAL", "BIT", "BIGNUM", "TIME_NS", "TIMETZ", "TIME WITH", "UNION", "VARIANT", "GEOMETRY", "MAP")


#: Seconds that a query has to see that it was interrupted.
GRACE = 1.0
#: Descriptor of the answer.
_ANSWER = 9


class _RefusedError(Exception):
    """Why a query is not carried out."""


def main() -> None:
    """Read the request, answer it."""
    answer = os.fdopen(os.dup2(1, _ANSWER), "wb")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # whatever a library prints is not the answer
    os.dup2(quiet, 2)
    request = json.load(sys.stdin)
    import duckdb

    _bounded(request)
    try:
        body = _rows(request)
        head = {"status": "ok", "message": ""}
    except duckdb.InterruptException:
        head, body = {"status": "time", "message": ""}, b""
    except (duckdb.OutOfMemoryException, MemoryError):
        head, body = {"status": "memory", "message": ""}, b""
    except (_RefusedError, duckdb.Error, RuntimeError) as error:
        head, body = {"status": _kind(error), "message": _line(error)}, b""
    answer.write(json.dumps(head).encode() + b"\n")
    answer.write(body)
    answer.flush()
    os._exit(0)


def _end() -> None:
    """The engine does not look up from what it does: end it."""
    os.write(_ANSWER, b'{"status": "time", "message": ""}\n')
    os._exit(0)


def _kind(error: Exception) -> str:
    return "memory" if "bad_alloc" in str(error) or "emory" in str(error)[:40] else "refused"


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and set(line.strip()) != {"^"}]
    return " ".join(lines)[:400] or type(error).__name__


def _bounded(request: Mapping[str, Any]) -> None:
    """Nothing is written, little is mapped, and time ends."""
    mapped = _BASE + _FACTOR * int(request["memory"])
    cpu = int(4 * request["seconds"]) + 10
    wanted = [(resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, cpu)]
    if sys.platform == "linux":
        wanted.append((resource.RLIMIT_AS, mapped))
    for kind, most in wanted:
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _rows(request: Mapping[str, Any]) -> bytes:
    """An Arrow stream of at most one row more than wanted."""
    import duckdb

    config: dict[str, Any] = {
        "enable_external_access": "false", "lock_configuration": "true", "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
        "allow_community_extensions": "false", "memory_limit": f"{request['memory'] >> 20}MiB", "threads": "2",
        "temp_directory": "", "max_temp_directory_size": "0B",
    }  # fmt: skip
    connection = duckdb.connect(request["database"], read_only=True, config=config)
    for seconds, end in ((request["seconds"], connection.interrupt), (request["seconds"] + GRACE, _end)):
        clock = threading.Timer(float(seconds), end)
        clock.daemon = True
        clock.start()
    query, explained = _checked(connection, str(request["query"]))
    import polars as pl

    relation = connection.sql(query)
    if relation is None:
        raise _RefusedError(_REFUSED)
    names = relation.columns
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise _RefusedError(f"several columns are called {double[0]!r}: name them apart with AS")
    if not explained:
        relation = relation.limit(int(request["rows"]) + 1)
    texts = {n for n, t in zip(names, relation.types, strict=True) if any(word in str(t) for word in _AS_TEXT)}
    if texts:
        relation = relation.project(", ".join(f"{_q(n)}::VARCHAR AS {_q(n)}" if n in texts else _q(n) for n in names))
    out = io.BytesIO()
    pl.DataFrame(relation).write_ipc_stream(out)
    return out.getvalue()


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _checked(connection: Any, query: str) -> tuple[str, bool]:
    """The query, if it is one that may be asked, and whether it asks for a plan."""
    statements = connection.extract_statements(query)
    if len(statements) > 1 and not any(each.query for each in statements):  # one, which the parser took apart
        raise _RefusedError(_PIVOT)
    if len(statements) != 1:
        raise _RefusedError("nothing is asked" if not statements else f"{_REFUSED}: these are {len(statements)}")
    kind = statements[0].type.name
    if kind == "EXPLAIN":
        inner = _unexplained(query)
        _checked_select(connection, inner)
        return query, True
    if kind != "SELECT":
        raise _RefusedError(f"{_REFUSED}: this is {kind}")
    _checked_select(connection, query)
    return query, False


def _checked_select(connection: Any, query: str) -> None:
    """Refuse what is no plain SELECT, or calls a function that acts."""
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        raise _RefusedError(_REFUSED)
    text = query.rstrip().rstrip(";").replace("'", "''")  # a bound value would load pandas where there is one
    found = connection.execute(f"SELECT json_serialize_sql('{text}')").fetchone()
    tree = json.loads(found[0])
    if tree.get("error"):
        raise _RefusedError(str(tree.get("error_message", _REFUSED)))
    for node in _nodes(tree):
        name = str(node.get("function_name", "")).lower()
        if name in _VALUES:
            raise _RefusedError(f"{_REFUSED}: {name}() is not for this")
        if node.get("type") == "TABLE_FUNCTION":
            called = str(node.get("function", {}).get("function_name", "")).lower()
            if called not in _TABLES:
                raise _RefusedError(f"{_REFUSED}: {called}() is not for this")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed query."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _unexplained(query: str) -> str:
    """What an EXPLAIN explains, by the engine's own tokens."""
    import duckdb

    tokens = duckdb.tokenize(query)
    ends = [at for at, _ in tokens[1:]] + [len(query)]
    for k, end in enumerate(ends):
        word = "".join(takewhile(str.isalpha, query[tokens[k][0] : end]))
        if word.lower() not in _EXPLAINED:
            return query[tokens[k][0] :]
    raise _RefusedError(_REFUSED)


if __name__ == "__main__":
    main()
