"""The `tapedeck tape` verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

tape_app = typer.Typer(
    help="Make, examine and export tapes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Tape = Annotated[str, typer.Argument(help="Tape folder, or the name of one in the tape folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


@tape_app.command(
    "import", epilog="Example: tapedeck tape import AMZN_2012-06-21_34200000_57600000_message_5.csv -o AMZN.tape"
)
def import_(
    sources: Annotated[list[Path], typer.Argument(help="Source files in time order.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Tape folder to make.")],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", "-f", help="lobster, itch, dbn, binance, tardis or tabular; found by itself if not given."
        ),
    ] = None,
    tick: Annotated[str | None, typer.Option("--tick", help="Price of one tick; found by itself if not given.")] = None,
    lot: Annotated[str | None, typer.Option("--lot", help="Quantity of one lot; found by itself if not given.")] = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Symbol: chooses one where a source holds many.")
    ] = None,
    venue: Annotated[str | None, typer.Option("--venue", help="Venue, if the source does not say.")] = None,
    date: Annotated[
        str | None, typer.Option("--date", help="Trading date YYYY-MM-DD, if the source does not say.")
    ] = None,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="Only the files named, not a LOBSTER orderbook file beside them."),
    ] = False,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make a tape of recorded market data. Nothing half-made is left when it fails or is killed."""
    from app import tape_verbs

    tape_verbs.import_sources(
        sources, output, format_name, (tick, lot, symbol, venue, date), alone, force, quiet, as_json
    )


@tape_app.command(epilog="Example: tapedeck tape info AMZN.tape --json")
def info(tape: Tape, as_json: Json = False) -> None:
    """Say what is on a tape and what its import met."""
    from app import tape_verbs

    tape_verbs.info(tape, as_json)


@tape_app.command(
    epilog="Example: tapedeck tape check AMZN.tape --against AMZN_2012-06-21_34200000_57600000_orderbook_5.csv"
)
def check(
    tape: Tape,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="A published book: LOBSTER orderbook file, Binance capture, or a table as `tape book` writes it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a tape: digests, replay, checkpoints, and the book against a published one. Exit 1 on a difference."""
    from app import tape_verbs

    tape_verbs.check(tape, against, as_json)


@tape_app.command(epilog="Example: tapedeck tape book AMZN.tape --levels 5 -o book.parquet")
def book(
    tape: Tape,
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")],
    levels: Annotated[int, typer.Option("--levels", "-n", min=1, max=1000, help="Levels per side.")] = 10,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the book after every source row as a table, in natural units."""
    from app import tape_verbs

    tape_verbs.book(tape, output, levels, force, as_json)


@tape_app.command(epilog="Example: tapedeck tape export AMZN.tape -o messages.parquet")
def export(
    tape: Tape,
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a tape's messages as a table that `tape import --format tabular` reads back."""
    from app import tape_verbs

    tape_verbs.export(tape, output, force, as_json)


@tape_app.command(epilog="Example: tapedeck tape make -o day.tape --seed 7 --messages 4000000")
def make(
    output: Annotated[Path, typer.Option("--output", "-o", help="Tape folder to make.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same tape.")] = 7,
    messages: Annotated[
        int, typer.Option("--messages", min=1000, max=2_000_000_000, help="Messages on the tape.")
    ] = 1_000_000,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Market profile written by `tape fit`, or default, or dense.")
    ] = None,
    date: Annotated[str, typer.Option("--date", help="Trading date YYYY-MM-DD.")] = "2024-01-02",
    symbol: Annotated[str, typer.Option("--symbol", help="Symbol.")] = "SYN",
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make a synthetic market day."""
    from app import tape_verbs

    tape_verbs.make(output, seed, messages, profile, date, symbol, force, quiet, as_json)


@tape_app.command(epilog="Example: tapedeck tape fit AMZN.tape -o amzn.json")
def fit(
    tape: Tape,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Profile file to write (JSON).")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Fit the synthetic market to a tape and print its stylised facts."""
    from app import tape_verbs

    tape_verbs.fit(tape, output, force, as_json)
