"""Every session that is kept, and how it stands; nothing is locked, changed or brought to an end."""

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import polars as pl

from sessions.audit.answers import Answer, Sheet, clock_text
from sessions.audit.finding import folders
from sessions.journal.errors import JournalError
from sessions.journal.tail import last_texts
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State, log_disk

_COLUMNS: dict[str, Any] = {
    "session": pl.String, "name": pl.String, "state": pl.String, "live": pl.Boolean, "created": pl.String,
    "created_ns": pl.Int64, "records": pl.Int64, "orders": pl.Int64, "fills": pl.Int64, "tapes": pl.String,
    "agents": pl.String, "digest": pl.String, "reason": pl.String, "parent": pl.String,
}  # fmt: skip


def listed(rooms: Rooms) -> Answer:
    """The sessions, oldest first."""
    rows = [_row(folder) for folder in folders(rooms)]
    frame = pl.DataFrame(rows, schema=_COLUMNS)
    return Answer("sessions", "", {"sessions": len(rows)}, (Sheet("sessions", frame),))


def _row(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_COLUMNS) | {"session": folder.name, "live": False}
    try:
        manifest = read_manifest(folder)
        fields = manifest.fields
        created = int(fields["created_ns"])
        found |= {
            "name": manifest.name, "created": clock_text(created, "UTC", day=True)[:19], "created_ns": created,
            "tapes": ", ".join(str(tape["name"]) for tape in fields["tapes"]), "parent": fields.get("parent"),
            "agents": ", ".join(f"{each['name']} ({each['policy']})" for each in fields["agents"]),
        }  # fmt: skip
        text, reader = last_texts(log_disk(folder), manifest.hash, "life")
        life = json.loads(text) if text else {}
        state, result = str(life.get("state", State.CREATED)), life.get("result") or {}
        live = not reader.sealed and written_now(folder)
        if (folder / "quarantined").exists():
            state = State.QUARANTINED
        elif not reader.sealed and not live:
            state = State.FAULTED  # the next start closes it
        counts = result.get("counts", {})
        return found | {
            "state": str(state), "live": live, "records": reader.at.records, "orders": counts.get("orders"),
            "fills": counts.get("fills"), "digest": result.get("digest"), "reason": str(life.get("reason", "")),
        }  # fmt: skip
    except (JournalError, ValueError, KeyError, TypeError, AttributeError) as error:
        return found | {"state": str(State.QUARANTINED), "reason": str(error)}


def written_now(folder: Path) -> bool:
    """Whether a process holds the session's lock. A look does not stand in a writer's way: its lock comes first."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EAGAIN)
    finally:
        os.close(lock)
    return False
