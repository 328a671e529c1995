"""What a session was made of, written before its first record: code, plan, tapes, models, limits, seed, all hashed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.features.spec import SPEC
from core.plan import AgentPlan, SessionPlan
from core.tape.folder import read_meta
from sessions.journal.disk import sync_folder
from sessions.journal.errors import JournalError
from sessions.journal.plain import read_plain
from sessions.plan_text import plan_digest, plan_text

if TYPE_CHECKING:
    from core.risk.kill import KillAct  # brings the compiler along, which no reader needs

FORMAT = 1
FILE = "manifest.json"
#: What `recording.new_id` makes, and nothing else: an id is the name of a folder and of a file elsewhere.
ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9][a-z0-9-]{0,39}(-[0-9]{1,4})?")
_LARGEST = 64 << 20  # bytes: a file that somebody made to be too large for the memory is not read
_PACKAGES = ("app", "core", "models", "sessions")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A session's manifest as read, and its hash: the first block of the log is chained to it."""

    fields: Mapping[str, Any]
    hash: bytes

    @property
    def id(self) -> str:
        """Name of the session's folder."""
        return str(self.fields["id"])

    @property
    def name(self) -> str:
        """What the session file calls it."""
        return str(self.fields["name"])

    @property
    def durable(self) -> bool:
        """Whether every block was on the disk before anything followed from it."""
        return bool(self.fields["durable"])


def manifest_of(
    session_id: str,
    plan: SessionPlan,
    agents: Sequence[AgentPlan],
    digits: int,
    *,
    public: bytes,
    created_ns: int,
    version: str,
    durable: bool = False,
    kills: Sequence[KillAct] = (),
    parent: str | None = None,
) -> dict[str, Any]:
    """The fields. `agents`: those of the desk, persons too; `digits`: of its money; `kills`: in force at the start.

    Raises `TapeError` or `ConfigError` if a tape or a model cannot be read.
    """
    return {
        "format": FORMAT,
        "id": session_id,
        "name": plan.name,
        "created_ns": created_ns,
        "parent": parent,
        "durable": durable,
        "version": version,
        "code": code_digest(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "plan": json.loads(plan_text(plan)),
        "plan_digest": plan_digest(plan),
        "tapes": [_tape(each.name, each.folder) for each in plan.tapes],
        "models": [_model(name) for name in _model_names(plan)],
        "agents": [
            {"name": a.name, "tape": a.tape, "policy": Path(a.policy).name, "signal": Path(a.signal).name}
            for a in agents
        ],
        "features": {"names": list(SPEC.names), "hash": SPEC.hash},
        "money_digits": digits,
        "currency": plan.currency,
        "kills": [{"scope": act.scope, "reason": act.reason, "person": act.person, "ts": act.ts} for act in kills],
        "public_key": public.hex(),
    }


def _tape(name: str, folder: Path) -> dict[str, Any]:
    meta = read_meta(folder)
    return {
        "name": name, "folder": str(folder.resolve()), "symbol": meta.symbol, "venue": meta.venue, "date": meta.date,
        "timezone": meta.timezone, "tick": str(meta.tick_size), "lot": str(meta.lot_size),
        "messages": meta.messages, "messages_sha256": meta.messages_sha256,
        "first_ts": meta.first_ts, "last_ts": meta.last_ts,
    }  # fmt: skip


def _model_names(plan: SessionPlan) -> list[str]:
    """In the order in which decisions count them: signal and policy of one agent after the other."""
    names = [name for agent in plan.agents for name in (agent.signal, agent.policy) if name.startswith("onnx:")]
    return list(dict.fromkeys(names))


def _model(name: str) -> dict[str, str]:
    path = Path(name.removeprefix("onnx:")).resolve()
    try:
        model, card = (hashlib.sha256(each.read_bytes()).hexdigest() for each in (path, path.with_suffix(".json")))
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return {"name": path.stem, "file": str(path), "sha256": model, "card_sha256": card}


@cache
def code_digest() -> str:
    """BLAKE2b over the program's own source files, 32 hexadecimal digits."""
    root = Path(__file__).resolve().parents[1]
    whole = hashlib.blake2b(digest_size=16)
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            whole.update(path.relative_to(root).as_posix().encode() + b"\0")
            whole.update(hashlib.blake2b(path.read_bytes()).digest())
    return whole.hexdigest()


def manifest_hash(fields: Mapping[str, Any]) -> bytes:
    """The hash that the manifest will have, 32 bytes."""
    return _hash(_raw(fields))


def _raw(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()


def write_manifest(folder: Path, fields: Mapping[str, Any]) -> Manifest:
    """Write it durably. Raises `JournalError`."""
    raw = _raw(fields)
    part = folder / f".{FILE}.part"
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / FILE)
        sync_folder(folder)
    except OSError as error:
        raise JournalError(folder / FILE, error.strerror or str(error)) from error
    return Manifest(fields, _hash(raw))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a session's folder. Raises `JournalError` for one that is missing or not understood."""
    path = folder / FILE
    try:
        raw = read_plain(path, _LARGEST)
        fields = json.loads(raw)
    except OSError as error:
        raise JournalError(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise JournalError(path, f"is not JSON: {error}") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise JournalError(path, f"is not a manifest of format {FORMAT}")
    wanted = {
        "id": str, "name": str, "durable": bool, "tapes": list, "agents": list, "plan": dict, "public_key": str,
        "money_digits": int, "kills": list,
    }  # fmt: skip
    for key, kind in wanted.items():
        if not isinstance(fields.get(key), kind):
            raise JournalError(path, f"{key} is missing or of the wrong kind")
    if not ID.fullmatch(fields["id"]):
        raise JournalError(path, f"id is not one of a session: {fields['id'][:60]!r}")
    return Manifest(fields, _hash(raw))


def _hash(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=32).digest()
