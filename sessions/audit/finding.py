"""Which session is meant, and how each one stands, without a lock that a writer might need."""

import json
from dataclasses import dataclass
from pathlib import Path

from core.naming import nearest
from sessions.journal.errors import JournalError
from sessions.manifest import FILE, Manifest, read_manifest
from sessions.recording import Rooms

LATEST = "latest"
_STAMP = 15  # 20261121-133441


class NoSuchSession(JournalError):
    """Nothing of that name is kept."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session's folder and what it was made of."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """Its name."""
        return self.manifest.id

    @property
    def timezone(self) -> str:
        """Where its first tape's clocks hang."""
        tapes = self.manifest.fields["tapes"]
        return str(tapes[0].get("timezone", "UTC")) if tapes else "UTC"


def find(rooms: Rooms, wanted: str = LATEST) -> Session:
    """A session by id, by the beginning of one, by its folder, or the latest. Raises `JournalError`."""
    folder = _folder(rooms, wanted)
    return Session(folder, read_manifest(folder))


def _folder(rooms: Rooms, wanted: str) -> Path:
    known = folders(rooms)
    if wanted == LATEST:
        if not known:
            raise NoSuchSession(rooms.sessions, "no session is kept here yet; make one with: tapedeck run FILE.toml")
        return known[-1]
    given = Path(wanted)
    if (given / FILE).is_file():
        return given
    found = [folder for folder in known if folder.name == wanted] or [
        folder for folder in known if folder.name.startswith(wanted) or wanted in folder.name[_STAMP:]
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchSession(wanted, f"{len(found)} sessions are called so, the last is {found[-1].name}")
    raise NoSuchSession(wanted, f"no such session{nearest(wanted, [folder.name for folder in known[-5:]])}")


def folders(rooms: Rooms) -> list[Path]:
    """The folders of sessions that have a manifest, in the order in which they were begun."""
    if not rooms.sessions.is_dir():
        return []
    try:
        found = [folder for folder in rooms.sessions.iterdir() if (folder / FILE).is_file()]
    except OSError as error:
        raise JournalError(rooms.sessions, error.strerror or str(error)) from error
    stamps: dict[str, int] = {}
    for folder in found:
        stamps[folder.name[:_STAMP]] = stamps.get(folder.name[:_STAMP], 0) + 1
    return sorted(found, key=lambda f: (f.name[:_STAMP], _begun(f) if stamps[f.name[:_STAMP]] > 1 else 0, f.name))


def _begun(folder: Path) -> int:
    try:
        return int(json.loads((folder / FILE).read_bytes())["created_ns"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
