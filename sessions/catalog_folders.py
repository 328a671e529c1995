"""What the catalogue tells of a session, read from its folder. Nothing is locked or changed."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sessions.audit.listing import written_now
from sessions.journal.errors import JournalError
from sessions.journal.tail import last_texts
from sessions.manifest import FILE as MANIFEST
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State, log_disk, marked


def session_folders(rooms: Rooms) -> Sequence[Path]:
    """Folders with a manifest, sorted. Raises `JournalError`."""
    try:
        return sorted(folder for folder in rooms.sessions.iterdir() if (folder / MANIFEST).is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(rooms.sessions, error.strerror or str(error)) from error


def stamp_of(folder: Path) -> str:
    """Changes when anything in a session's folder does that `standing_of` tells. Raises `JournalError`."""
    try:
        files = [*sorted(folder.glob("wal/*")), folder / MANIFEST]
        found = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
        found += [marked(folder), str(written_now(folder))]
    except OSError as error:
        raise JournalError(folder, error.strerror or str(error)) from error
    return hashlib.blake2b("\n".join(found).encode(), digest_size=16).hexdigest()


def standing_of(folder: Path) -> dict[str, Any]:
    """A session as it stands, as plain values; `tapes` and `models` as its manifest has them. Raises `JournalError`."""
    manifest = read_manifest(folder)
    words, reader = last_texts(log_disk(folder), manifest.hash, "life")
    given = manifest.fields
    try:
        life = json.loads(words) if words else {}
        state, reason = State(life.get("state", State.CREATED)), str(life.get("reason", ""))
        if quarantined := marked(folder):
            state, reason = State.QUARANTINED, quarantined
        elif not reader.sealed and not written_now(folder):
            state, reason = State.FAULTED, "it ended without a seal; the next start closes it"
        return {
            "name": manifest.name, "created_ns": int(given["created_ns"]), "parent": _text_or_none(given["parent"]),
            "state": state.value, "reason": reason, "blocks": reader.at.blocks, "records": reader.at.records,
            "head": reader.at.head.hex(), "digest": str((life.get("result") or {}).get("digest", "")),
            "plan_digest": str(given["plan_digest"]), "code": str(given["code"]),
            "manifest_hash": manifest.hash.hex(), "sealed": reader.sealed,
            "tapes": [_tape(tape) for tape in given["tapes"]],
            "models": [{key: str(model[key]) for key in ("sha256", "name", "file")} for model in given["models"]],
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise JournalError(folder, f"cannot be understood: {type(error).__name__} {error}") from error


def _tape(tape: Any) -> dict[str, Any]:
    texts = ("messages_sha256", "folder", "symbol", "venue", "date", "name")
    return {key: str(tape[key]) for key in texts} | {"messages": int(tape["messages"])}


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
