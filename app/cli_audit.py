"""The `tapedeck audit` verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.audit_text import Wanted

audit_app = typer.Typer(
    help="Ask the journals of sessions, also of one that is still trading.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Session = Annotated[
    str, typer.Option("--session", "-s", help="Session: its id, the beginning of it, its folder, or latest.")
]
Given = Annotated[str, typer.Argument(help="Session: its id, the beginning of it, its folder, or latest.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the first table as CSV.")]
Parquet = Annotated[Path | None, typer.Option("--parquet", help="Write the first table to this Parquet file.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Most rows of a table; all if not given.")]


@audit_app.command(epilog="Example: tapedeck audit sessions --json")
def sessions(as_json: Json = False, as_csv: Csv = False, parquet: Parquet = None) -> None:
    """List the sessions that are kept, and how each stands."""
    from app import audit_verbs

    audit_verbs.sessions(Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit why fill:3")
def why(
    order: Annotated[str, typer.Argument(help="12 or order:12, fill:3 or fill:TAPE/3, decision:7.")],
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Why was this order sent: decision, market, features, model, every verdict, its life, its fills, the person."""
    from app import audit_verbs

    audit_verbs.why(order, session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit denied --control order_qty --from 10:00 --to 10:30")
def denied(
    control: Annotated[str | None, typer.Option("--control", "-c", help="A control, as in [limits]; all.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help='From there: ns, "10:42:17.5", "+5m".')] = None,
    end: Annotated[str | None, typer.Option("--to", help="Up to there, itself not included.")] = None,
    limit: Limit = None,
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """What a control denied, with what it saw, its limit, and who changed that last."""
    from app import audit_verbs

    audit_verbs.denied(control, begin, end, limit, session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit at 10:42:17.5")
def at(
    time: Annotated[str, typer.Argument(help='Ns UTC, "10:42:17.5", "+5m", "close".')],
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Positions, working orders and exposure at any nanosecond."""
    from app import audit_verbs

    audit_verbs.at(time, session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit orphans --json")
def orphans(
    limit: Limit = None,
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Decisions without outcome, orders without acknowledgement, fills without order. Exit code 1 if there are any."""
    from app import audit_verbs

    audit_verbs.orphans(limit, session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit stale")
def stale(
    limit: Limit = None,
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Orders that left on stale data, or by a model or agent that is not well. Exit code 1 if there are any."""
    from app import audit_verbs

    audit_verbs.stale(limit, session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit operator --csv")
def operator(session: Session = "latest", as_json: Json = False, as_csv: Csv = False, parquet: Parquet = None) -> None:
    """Every kill, override and change of a limit: who, why, and how long the last cancel took."""
    from app import audit_verbs

    audit_verbs.operator(session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit rates")
def rates(session: Session = "latest", as_json: Json = False, as_csv: Csv = False, parquet: Parquet = None) -> None:
    """Message rates against their limits, and messages for each fill."""
    from app import audit_verbs

    audit_verbs.rates(session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit latency --csv")
def latency(session: Session = "latest", as_json: Json = False, as_csv: Csv = False, parquet: Parquet = None) -> None:
    """How long each stage took, by the hour."""
    from app import audit_verbs

    audit_verbs.latency(session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit near --limit 100")
def near(
    limit: Limit = None,
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Orders that passed with more than 90 per cent of a limit used."""
    from app import audit_verbs

    audit_verbs.near(limit, session, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit report --html session.html")
def report(
    session: Given = "latest",
    html: Annotated[Path | None, typer.Option("--html", help="Write the report, one page, to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the page if it exists.")] = False,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """What came of a session: money, denials, near misses, messages, people, latency."""
    from app import audit_verbs

    audit_verbs.report(session, html, force, Wanted(as_json, as_csv, parquet))


@audit_app.command(epilog="Example: tapedeck audit project latest")
def project(session: Given = "latest", as_json: Json = False) -> None:
    """Bring a session's journal.duckdb up to the end of its log; the questions do that by themselves."""
    from app import audit_verbs

    audit_verbs.project(session, False, as_json)


@audit_app.command(epilog="Example: tapedeck audit rebuild latest")
def rebuild(session: Given = "latest", as_json: Json = False) -> None:
    """Make a session's journal.duckdb anew from its log."""
    from app import audit_verbs

    audit_verbs.project(session, True, as_json)


@audit_app.command(epilog="Example: tapedeck audit export parquet")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; made if it is not there.")],
    session: Session = "latest",
    as_json: Json = False,
) -> None:
    """Write every table as Parquet, partitioned by date and agent; each file whole or not at all."""
    from app import audit_verbs

    audit_verbs.export(folder, session, as_json)


@audit_app.command(epilog="Example: tapedeck audit sql 'select agent, count(*) from fills group by agent'")
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, EXPLAIN or VALUES over the tables and views.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000_000, help="Most rows.")] = 1_000,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=3600, help="Most time it may take.")] = 10.0,
    session: Session = "latest",
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Ask a question of your own: read-only, without files, network or settings. Exit code 4 when its time is up."""
    from app import audit_verbs

    audit_verbs.sql(query, limit, seconds, session, Wanted(as_json, as_csv, parquet))
