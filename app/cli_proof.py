"""The `tapedeck audit` verbs that prove: verify, replay, diff."""

from __future__ import annotations

from typing import Annotated

import typer

from app.audit_text import Wanted
from app.cli_audit import Csv, Given, Json, Parquet, audit_app

Key = Annotated[
    str | None, typer.Option("--key", help="Public key as you know it, hexadecimal; else the one in the keys folder.")
]


@audit_app.command(epilog="Example: tapedeck audit verify latest --json")
def verify(
    session: Given = "latest",
    key: Key = None,
    log_only: Annotated[bool, typer.Option("--log-only", help="Leave out the tables made of the log.")] = False,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Check that a log is what was written, and its tables what it says. Exit code 1 if anything is not.

    The log by its chain, its numbers, its signed anchors and its seal; journal.duckdb, where there is one, row by row.
    """
    from app import proof_verbs

    proof_verbs.verify(session, key, log_only, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit replay latest")
def replay(session: Given = "latest", as_json: Json = False, as_csv: Csv = False, parquet: Parquet = None) -> None:
    """Drive the engine again from what is recorded; names the first record that differs (exit code 1), or none."""
    from app import proof_verbs

    proof_verbs.replay(session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit diff 20261121-093000-morning latest")
def diff(
    first: Annotated[str, typer.Argument(help="Session: its id, the beginning of it, or its folder.")],
    second: Given = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """What two sessions were made of, and the first record in which they differ (exit code 1)."""
    from app import proof_verbs

    proof_verbs.diff(first, second, Wanted(as_json, as_csv, parquet))


#: `audit` with everything in it.
whole_audit_app = audit_app
