"""Which LOBSTER files there are, in folders and inside zips, and which of them go together."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import FeedError
from core.feeds.files import DAMAGE, ByteSource

NAME = re.compile(
    r"(?:^|/)(?P<symbol>[^_/]+)_(?P<date>\d{4}-\d{2}-\d{2})_.*_?(?P<kind>message|orderbook)_(?P<levels>\d+)"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a member of a zip."""

    path: Path
    member: str | None

    @property
    def label(self) -> str:
        """Name for error messages."""
        return self.member or self.path.name

    @property
    def key(self) -> str:
        """What a message file and its book file have in common."""
        return self.label.removesuffix(".gz").removesuffix(".zst").replace("_orderbook_", "_message_")

    def open(self) -> ByteSource:
        """Its decompressed bytes. Raises `FeedError`."""
        return ByteSource(self.path, self.member)


def parts_of(path: Path) -> list[Part]:
    """A file, or the LOBSTER files inside a zip. Raises `FeedError`."""
    if path.suffix != ".zip":
        return [Part(path, None)]
    try:
        with zipfile.ZipFile(path) as archive:
            return [Part(path, name) for name in archive.namelist() if NAME.search(name)]
    except (*DAMAGE, OSError) as error:
        raise FeedError(path, f"not a readable zip: {error}") from error


def beside(message: Part) -> Part | None:
    """The book file that stands beside a message file, whichever way it is packed."""
    if message.member is not None or "_message_" not in message.key:
        return None
    name = message.key.replace("_message_", "_orderbook_")
    found = (message.path.with_name(name + packed) for packed in ("", ".gz", ".zst"))
    return next((Part(path, None) for path in found if path.is_file()), None)


def pairs_of(paths: Sequence[Path], alone: bool = False) -> list[tuple[Part, Part | None]]:
    """Message files in the order given, each with its book file: one of the files given, or one beside it.

    `alone`: only files given. Raises `FeedError`.
    """
    parts = [part for path in paths for part in parts_of(path)]
    books = {part.key: part for part in parts if "_orderbook_" in part.label}
    pairs: list[tuple[Part, Part | None]] = []
    for part in parts:
        if "_orderbook_" in part.label:
            continue
        book = books.pop(part.key, None)
        pairs.append((part, book if book is not None or alone else beside(part)))
    if books:
        lonely = next(iter(books.values()))
        raise FeedError(lonely.path, f"no message file goes with {lonely.label}")
    if not pairs:
        raise FeedError(paths[0], "holds no LOBSTER message file")
    return pairs
