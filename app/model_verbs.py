"""What the `tapedeck model` verbs do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.output import emit, say
from core.clock import monotonic_ns
from core.errors import ConfigError

if TYPE_CHECKING:
    from models.serving import OnnxModel


def train(kind: str, out: Path, seed: int, force: bool, quiet: bool, as_json: bool) -> None:
    """Make the signal or the policy that ships, anew, in the folder `out`. Raises `ConfigError`."""
    from models.factory.extra import LIBRARIES, library
    from models.factory.recipes import NAMES, make_policy, make_signal

    if kind not in NAMES:
        raise ConfigError(f"unknown kind of model {kind[:40]!r}; there are {', '.join(NAMES)}")
    for name in LIBRARIES:  # before the days are made, not after
        library(name)
    path = out / f"{NAMES[kind]}.onnx"
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already; --force replaces it")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is not a folder")
    if not quiet and not as_json:
        say("training on synthetic days: about a minute for the signal, ten for the policy")
    started = monotonic_ns()
    model = make_signal(out, seed) if kind == "signal" else make_policy(out, seed)
    emit({**card(model), "seconds": round((monotonic_ns() - started) / 1e9, 1)}, as_json)


def listed(as_json: bool) -> None:
    """The models that ship, each checked as if a session had named it."""
    from models.serving import ZOO, load

    found = [load(path) for path in sorted(ZOO.glob("*.onnx"))]
    if as_json:
        emit({"models": [card(model) for model in found]}, as_json)
        return
    emit({model.name: f"{model.card.kind}: {model.card.says.meaning}" for model in found}, as_json)


def check(name: str, as_json: bool) -> None:
    """Check a model file, or one that ships, and print its card. Raises `ModelError`."""
    from models.serving import load, locate

    emit({**card(load(locate(name))), "ok": True}, as_json)


def card(model: OnnxModel) -> dict[str, Any]:
    """What a checked model says of itself."""
    of = model.card
    return {
        "name": of.name,
        "kind": of.kind,
        "file": str(model.source),
        "sha256": of.sha256,
        "bytes": of.size,
        "meaning": of.says.meaning,
        "actions": list(of.says.actions),
        "range": [of.says.low, of.says.high],
        "features": {"name": of.reads.name, "version": of.reads.version, "hash": of.reads.hash},
        "operators": list(of.ops),
        "golden_rows": len(of.golden.inputs),
        "budget_us": {"soft": of.budget.soft_us, "hard": of.budget.hard_us},
        "trained": {
            "command": of.trained.command,
            "seed": of.trained.seed,
            "data": of.trained.data,
            "held_out": of.trained.held_out,
        },
        "metrics": [{"name": m.name, "value": m.value, "low": m.low, "high": m.high} for m in of.metrics],
        "notes": list(of.notes),
    }
