"""The command line: verbs and their options. What they do is imported when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import __version__
from app.cli_model import model_app
from app.cli_proof import whole_audit_app
from app.cli_tape import tape_app
from app.output import leave, run

app = typer.Typer(
    name="tapedeck",
    help="Terminal trading workstation: plays recorded market days order by order.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
app.add_typer(tape_app, name="tape")
app.add_typer(model_app, name="model")
app.add_typer(whole_audit_app, name="audit")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout; no screen.")]
Speed = Annotated[str, typer.Option("--speed", help="Market seconds a second, or max.")]
At = Annotated[
    str | None, typer.Option("--at", help='Start there: "10:42", "10:42:17.5", "+5m", "50%", "#123456", "open".')
]
Group = Annotated[int | None, typer.Option("--group", min=1, help="Ticks per price row; found by itself if not given.")]
Column = Annotated[float | None, typer.Option("--column", help="Seconds per heat-map column.")]
Fps = Annotated[int | None, typer.Option("--fps", help="Frames a second; 30, over ssh 12.")]
Theme = Annotated[str | None, typer.Option("--theme", help="night, day or contrast.")]
Palette = Annotated[str | None, typer.Option("--palette", help="blue-orange, green-red, red-green, okabe-ito or mono.")]
Glyphs = Annotated[str | None, typer.Option("--glyphs", help="unicode or ascii.")]
Layout = Annotated[str | None, typer.Option("--layout", help="deck, book or flow.")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file instead of the usual tapedeck.toml.")]
Paused = Annotated[bool, typer.Option("--paused", help="Do not start playing at once.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Watch only: transport keys do nothing.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tapedeck {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: tapedeck demo --speed 64")
def demo(
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the synthetic day.")] = 7,
    messages: Annotated[
        int, typer.Option("--messages", min=1000, max=2_000_000_000, help="Length of the synthetic day.")
    ] = 1_000_000,
    speed: Speed = "16",
    theme: Theme = None,
    palette: Palette = None,
    glyphs: Glyphs = None,
    layout: Layout = None,
    fps: Fps = None,
    tape_only: Annotated[bool, typer.Option("--tape-only", help="Only the market, without agents.")] = False,
    as_json: Json = False,
) -> None:
    """Play a synthetic day with three agents on it; without a terminal, run it to its end and print the summary."""
    from app import play_verbs

    flags = {"theme": theme, "palette": palette, "glyphs": glyphs, "layout": layout, "fps": fps}
    play_verbs.demo(seed, messages, speed, flags, as_json, tape_only)


@app.command(epilog="Example: tapedeck play AMZN.tape --at 10:42 --speed 8")
def play(
    tape: Annotated[str, typer.Argument(help="Tape (folder, or name in the tape folder), or session file (.toml).")],
    at: At = None,
    speed: Speed = "1",
    paused: Paused = False,
    group: Group = None,
    column: Column = None,
    fps: Fps = None,
    theme: Theme = None,
    palette: Palette = None,
    glyphs: Glyphs = None,
    layout: Layout = None,
    config: Config = None,
    read_only: ReadOnly = False,
    as_json: Json = False,
) -> None:
    """Play a tape or a session on the deck. With --json: the picture at --at (default: the end), no screen."""
    from app import play_verbs

    flags = {
        "group": group,
        "column": column,
        "fps": fps,
        "theme": theme,
        "palette": palette,
        "glyphs": glyphs,
        "layout": layout,
    }
    play_verbs.play(tape, at, speed, paused, flags, config, read_only, as_json)


@app.command("run", epilog="Example: tapedeck run session.toml --json")
def run_session(
    session: Annotated[Path, typer.Argument(help="Session file (TOML).")],
    durable: Annotated[
        bool,
        typer.Option("--durable", help="As before a real venue: no order leaves before its record is on the disk."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a session to its end without a screen: agents, orders, profit, denials, and the digest of it all."""
    from app import session_verbs

    session_verbs.run(session, as_json, durable)


@app.command(epilog="Example: tapedeck kill desk --reason 'prices are wrong' --person kim")
def kill(
    scope: Annotated[str, typer.Argument(help="What: desk, agent.NAME or instrument.NAME.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the kill file and in the journal.")],
    person: Annotated[str, typer.Option("--person", help="Who says so.")] = "operator",
    as_json: Json = False,
) -> None:
    """Kill from another terminal: sessions that run cancel everything in the scope, and nothing new is sent."""
    from app import session_verbs

    session_verbs.kill(scope, reason, person, as_json)


@app.command(epilog="Example: tapedeck rearm desk --reason 'feed is back' --person kim")
def rearm(
    scope: Annotated[str, typer.Argument(help="What was killed: desk, agent.NAME or instrument.NAME.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may trade again; kept in the kill file.")],
    person: Annotated[str, typer.Option("--person", help="Who says so.")] = "operator",
    as_json: Json = False,
) -> None:
    """Take a latched kill back."""
    from app import session_verbs

    session_verbs.rearm(scope, reason, person, as_json)


@app.command(epilog="Example: tapedeck serve AMZN.tape --port 8000")
def serve(
    tape: Annotated[str, typer.Argument(help="Tape folder, or the name of one in the tape folder.")],
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on localhost.")] = 8000,
    as_json: Annotated[bool, typer.Option("--json", help="Print address and command as JSON, then serve.")] = False,
) -> None:
    """Show the deck in a browser, read-only, on localhost only (needs the extra `web`)."""
    from app import play_verbs

    play_verbs.serve(tape, port, as_json)


@app.command(epilog="Example: tapedeck bench AMZN.tape --json")
def bench(
    tape: Annotated[str, typer.Argument(help="Tape folder, or the name of one in the tape folder.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random seek times.")] = 1,
    as_json: Json = False,
) -> None:
    """Measure this machine on a tape: replay, load and seek."""
    from app import bench
    from app.output import emit
    from app.paths import find_tape

    emit(bench.measure(find_tape(tape), seed), as_json)


@app.command(epilog="Example: tapedeck doctor")
def doctor(
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile the kernels now, so that the first start is quick.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what is installed, where data lives, and whether everything works."""
    from app import doctor
    from app.output import emit

    emit(doctor.examine(warm), as_json)


@app.command(
    epilog="Example: tapedeck compare AMZN.tape --policies twap,vwap,pov:rate=0.1 --orders 200 --adv-share 0.001"
)
def compare(
    tapes: Annotated[list[str], typer.Argument(help="Tape folders, or names in the tape folder.")],
    policies: Annotated[
        str, typer.Option("--policies", help="Policies, with settings if wanted: twap,pov:rate=0.1:slices=20.")
    ] = "twap,vwap,pov,ac,cj,passive",
    orders: Annotated[int, typer.Option("--orders", help="Parent orders that each policy works.")] = 200,
    qty: Annotated[str | None, typer.Option("--qty", help="Quantity of each, in natural units.")] = None,
    adv_share: Annotated[
        float | None, typer.Option("--adv-share", help="Or a share of what trades on its tape: 0.001.")
    ] = None,
    window: Annotated[str, typer.Option("--window", help="Time that each has.")] = "10m",
    rung: Annotated[str, typer.Option("--rung", help="How honest a fill is: R0 to R5.")] = "R4",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of orders, latencies and resamples.")] = 7,
    queue: Annotated[str, typer.Option("--queue", help="pessimistic, conserving or optimistic.")] = "conserving",
    latency: Annotated[
        str,
        typer.Option("--latency", help="feed,order,response, or one for all: 100us, lognormal:200us:0.5, recorded."),
    ] = "100us",
    every: Annotated[str, typer.Option("--every", help="Time between two decisions.")] = "1s",
    fees: Annotated[
        str, typer.Option("--fees", help="maker,taker: a lot -0.002,0.003, or -0.1bps,0.3bps; negative = paid to us.")
    ] = "0,0",
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=64, help="Processes; one per core if not given.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report, one page, to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the report if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Compare policies on the same parent orders: what each paid, in parts that sum exactly, with intervals."""
    from app import compare_verb
    from app.compare_options import Asked

    compare_verb.compare(
        Asked(
            tapes, policies, orders, qty, adv_share, window, rung, seed, queue, latency, every, fees, jobs, html, force
        ),
        as_json,
    )


def main() -> None:
    """Entry point of the console script."""
    leave(run(app))
