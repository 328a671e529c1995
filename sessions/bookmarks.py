"""Bookmarks of a tape: moments worth coming back to, kept in one small JSON file per tape."""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Bookmark:
    """One moment of a tape."""

    ts: int  #: ns UTC
    note: str = ""


def open_bookmarks(folder: Path, tape: str) -> "BookmarkStore":
    """The bookmarks kept in `folder` for the tape known as `tape` (its digest, or its name)."""
    return BookmarkStore(folder, tape)


class BookmarkStore:
    """Bookmarks of one tape in `folder`. Every change is read, merged and written whole, atomically.

    A file that cannot be understood is not fatal: `problem` says what is wrong, the file is set aside
    under another name before the next write, and the list starts empty.
    """

    def __init__(self, folder: Path, tape: str) -> None:
        self.path = folder / f"{_slug(tape)}.json"
        self.tape = tape
        self.problem = ""

    def load(self) -> tuple[Bookmark, ...]:
        """All bookmarks by time. Never raises for what is in the file; see `problem`."""
        self.problem = ""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            return self._fail(f"cannot be read ({error})")
        try:
            document = json.loads(text)
        except ValueError as error:
            return self._fail(f"is not valid JSON ({error})")
        if not isinstance(document, dict) or document.get("version") != VERSION:
            return self._fail(f"is not a bookmark file of version {VERSION}")
        found: dict[int, Bookmark] = {}
        entries = document.get("bookmarks", [])
        if not isinstance(entries, list):
            return self._fail("has no list of bookmarks")
        for entry in entries:
            bookmark = _read(entry)
            if bookmark is None:
                return self._fail(f"has a bookmark that makes no sense: {entry!r}")
            found[bookmark.ts] = bookmark
        return tuple(sorted(found.values()))

    def add(self, ts: int, note: str = "") -> tuple[Bookmark, ...]:
        """Add a bookmark, or give the one at `ts` another note; all bookmarks. Raises `OSError`."""
        kept = [each for each in self.load() if each.ts != ts]
        return self._write([*kept, Bookmark(ts, note)])

    def remove(self, ts: int) -> tuple[Bookmark, ...]:
        """Remove the bookmark at `ts`, if there is one; all bookmarks. Raises `OSError`."""
        return self._write([each for each in self.load() if each.ts != ts])

    def _fail(self, reason: str) -> tuple[Bookmark, ...]:
        self.problem = f"{self.path}: {reason}; it will be set aside, not overwritten"
        return ()

    def _write(self, bookmarks: list[Bookmark]) -> tuple[Bookmark, ...]:
        ordered = tuple(sorted(bookmarks))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.problem:
            self._set_aside()
        document = {
            "version": VERSION,
            "tape": self.tape,
            "bookmarks": [{"ts": each.ts, "note": each.note} for each in ordered],
        }
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".bookmarks-", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1, ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        return ordered

    def _set_aside(self) -> None:
        number = 1
        while (aside := self.path.with_suffix(f".damaged-{number}")).exists():
            number += 1
        self.path.replace(aside)
        self.problem = ""


def _read(entry: object) -> Bookmark | None:
    if not isinstance(entry, dict):
        return None
    ts, note = entry.get("ts"), entry.get("note", "")
    if isinstance(ts, bool) or not isinstance(ts, int) or not isinstance(note, str):
        return None
    return Bookmark(ts, note)


def _slug(title: str) -> str:
    """A file name for a tape: readable, and different for titles that only differ in special characters."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-.")[:60]
    return f"{readable or 'tape'}-{blake2b(title.encode('utf-8'), digest_size=4).hexdigest()}"
