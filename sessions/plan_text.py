"""A plan as one canonical text: everything that decides a session and nothing else, for its manifest and its digest."""

import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.plan import SessionPlan, TapePlan
from core.tape.folder import read_meta

VERSION = 1


def plan_text(plan: SessionPlan) -> str:
    """Canonical JSON of a plan: keys sorted, no spaces, ASCII, one line.

    Tapes and model files stand in it by content (sha256), not by place: the same session on another machine has the
    same text. Raises `TapeError` or `ConfigError` if one of them cannot be read.
    """
    found = asdict(plan)
    del found["name"]  # what a session is called decides nothing
    if not plan.outages:  # as plans were written before there were any
        del found["outages"]
    found["version"] = VERSION
    found["rung"], found["queue"] = plan.rung.name.lower(), plan.queue.name.lower()
    found["tapes"] = [_tape(tape) for tape in plan.tapes]
    found["limits"]["scopes"] = {
        scope: {control: float(value) for control, value in limits.items()}
        for scope, limits in plan.limits.scopes.items()
    }
    found["agents"] = [
        {
            **_plain(asdict(agent)),
            "params": {name: float(value) for name, value in agent.params.items()},
            "policy": _by_content(agent.policy),
            "signal": _by_content(agent.signal),
        }
        for agent in plan.agents
    ]
    return json.dumps(_plain(found), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def plan_digest(plan: SessionPlan) -> str:
    """BLAKE2b of the canonical text, 32 hexadecimal digits."""
    return hashlib.blake2b(plan_text(plan).encode(), digest_size=16).hexdigest()


def _tape(tape: TapePlan) -> dict[str, Any]:
    meta = read_meta(tape.folder)
    instrument = {
        "symbol": meta.symbol, "venue": meta.venue, "date": meta.date, "timezone": meta.timezone,
        "tick": meta.tick_size, "lot": meta.lot_size, "depth": meta.depth_model,
    }  # fmt: skip
    return {
        "name": tape.name, "multiplier": tape.multiplier, "fees": asdict(tape.fees), "instrument": instrument,
        "messages": meta.messages, "messages_sha256": meta.messages_sha256,
    }  # fmt: skip


def _by_content(model: str) -> Any:
    """A registered name as it is; a model file by the sha256 of what is in it."""
    if not model.startswith("onnx:"):
        return model
    path = Path(model.removeprefix("onnx:"))
    try:
        with path.open("rb") as file:
            return {"onnx": hashlib.file_digest(file, "sha256").hexdigest()}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _plain(value: Any) -> Any:
    """Mappings by text, and the floats that JSON does not have as text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value) if isinstance(value, Path) else value
