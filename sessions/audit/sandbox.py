"""A person's own SELECT over a journal, in a process that can do nothing else.

Four walls, each enough for most of what can be tried: the parser's own statement type and function names; DuckDB
opened read-only, without files, network, extensions or settings; a process of its own with limits on memory, on time
and on written bytes (none); and a parent that ends it when its time is up, whatever it is doing.
"""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.errors import TapedeckError

#: Seconds that its process has to start and, past its time, to end by itself.
_GRACE = 6.0
#: Longest query, in characters.
LONGEST = 100_000


class QueryRefused(TapedeckError):
    """The query is none that may be asked, or the engine cannot carry it out."""

    exit_code = 2


class QueryTooLong(TapedeckError):
    """The query took more time, or more memory, than it was given."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a query may take."""

    rows: int = 1_000
    seconds: float = 10.0
    memory: int = 1 << 30  #: bytes the engine may use; its process may map a few times that


@dataclass(frozen=True, slots=True)
class Found:
    """What a query came to."""

    frame: pl.DataFrame
    cut: bool  #: there were more rows than were wanted


def ask(database: Path, query: str, bounds: Bounds | None = None) -> Found:
    """Carry out one SELECT, EXPLAIN or VALUES. Raises `QueryRefused`, `QueryTooLong`."""
    bounds = bounds if bounds is not None else Bounds()
    if len(query) > LONGEST:
        raise QueryRefused(f"a query of more than {LONGEST:,} characters")
    if bounds.rows < 1 or not 0 < bounds.seconds <= 3600:
        raise QueryRefused("a query needs at least one row, and from 0 to 3600 seconds")
    request = {
        "database": str(database.resolve()), "query": query, "rows": bounds.rows, "seconds": bounds.seconds,
        "memory": bounds.memory,
    }  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "sessions.audit.sandboxed"],
            input=json.dumps(request).encode(), capture_output=True, timeout=bounds.seconds + _GRACE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise QueryTooLong(f"it took more than {bounds.seconds:g} s and was ended; --seconds gives it more") from error
    head, _, body = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise QueryTooLong(_ended(done.returncode))
    return _answer(json.loads(head), body, bounds)


def _answer(head: Mapping[str, str], body: bytes, bounds: Bounds) -> Found:
    status, words = head["status"], head["message"]
    if status == "refused":
        raise QueryRefused(words)
    if status == "time":
        raise QueryTooLong(f"it took more than {bounds.seconds:g} s and was ended; --seconds gives it more")
    if status == "memory":
        raise QueryTooLong(f"it needs more than the {bounds.memory >> 20:,} MiB of memory that a query may use")
    frame = pl.read_ipc_stream(io.BytesIO(body))
    return Found(frame.head(bounds.rows), len(frame) > bounds.rows)


def _ended(code: int) -> str:
    return f"the query brought its process down ({f'signal {-code}' if code < 0 else f'exit code {code}'})"
