"""The `tapedeck model` verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

model_app = typer.Typer(
    help="Train, list and check the models that agents use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON record on stdout.")]


@model_app.command(epilog="Example: tapedeck model train signal --seed 7 --out models")
def train(
    kind: Annotated[str, typer.Argument(help="signal or policy.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model and its card.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed and libraries, same bytes.")] = 7,
    force: Annotated[bool, typer.Option("--force", help="Replace the model if it exists.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing while it works.")] = False,
    as_json: Json = False,
) -> None:
    """Train a model on synthetic days and measure it on others (needs the extra `train`)."""
    from app import model_verbs

    model_verbs.train(kind, out, seed, force, quiet, as_json)


@model_app.command("list", epilog="Example: tapedeck model list")
def list_(as_json: Json = False) -> None:
    """List the models that ship, each checked."""
    from app import model_verbs

    model_verbs.listed(as_json)


@model_app.command(epilog="Example: tapedeck model check touch_signal --json")
def check(
    model: Annotated[str, typer.Argument(help="ONNX file with its card beside it, or the name of one that ships.")],
    as_json: Json = False,
) -> None:
    """Check a model as a session would: card, digest, operators, shapes, golden answers."""
    from app import model_verbs

    model_verbs.check(model, as_json)
