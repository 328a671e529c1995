"""Whether a session's log is what was written: its chain, its numbers, its anchors, and what its seal says of it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.clock import sleep
from sessions.journal.anchors import Anchor, public_key, read_anchors, read_lines
from sessions.journal.errors import JournalError
from sessions.journal.layout import Block
from sessions.journal.log import Position, segment_name, start_of
from sessions.journal.reading import Reader
from sessions.journal.recover import segments
from sessions.journal.vouching import vouched
from sessions.manifest import Manifest, read_manifest
from sessions.recording import Rooms, State, log_disk, marked
from sessions.tally import Tally
from sessions.writer_lock import is_live

#: How often and how long, in seconds, a live log's unfinished block is waited for.
_LOOKS, _PAUSE = 40, 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written, and where."""

    what: str
    place: str  #: file
    byte: int | None = None
    block: int | None = None
    record: int | None = None  #: journal sequence

    def __str__(self) -> str:
        where = [self.place]
        for word, number in (("byte", self.byte), ("block", self.block), ("record", self.record)):
            if number is not None:
                where.append(f"{word} {number:,}")
        return f"{', '.join(where)}: {self.what}"


@dataclass(slots=True)
class Verified:
    """What came of it. `intact`: nothing was found."""

    session: str
    state: str = ""
    live: bool = False
    sealed: bool = False
    blocks: int = 0
    records: int = 0
    bytes: int = 0
    head: str = ""  #: hash of the last block: to be compared with a copy kept elsewhere
    anchors: int = 0
    anchored: int = 0  #: records up to the last anchor
    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)  #: of the session itself
    ledger: list[Finding] = field(default_factory=list)  #: why the desk's ledger cannot vouch for it

    @property
    def intact(self) -> bool:
        """Whether everything is as it was written, and vouched for."""
        return not self.findings and not self.ledger

    @property
    def trouble(self) -> str:
        """The first thing that is wrong, in words; empty if nothing is."""
        if self.findings:
            return f"not as it was written: {self.findings[0]}"
        if self.ledger:
            return f"its own log is whole, the ledger that vouches for it is not: {self.ledger[0]}"
        return ""


def verify(folder: Path, rooms: Rooms, public: bytes | None = None) -> Verified:
    """Check a session from its manifest to its last anchor; also while it is being written.

    `public`: the key of the desk as the auditor knows it; unsaid, the one that lies in `rooms.keys`. Whatever is wrong
    with the session is a finding; nothing is raised and nothing is written.
    """
    found = Verified(folder.name)
    try:
        manifest = read_manifest(folder)
        found.live = _live(folder)
        mark = marked(folder)
    except JournalError as error:
        found.findings.append(Finding(error.reason, error.place))
        return found
    if mark:
        found.findings.append(Finding(f"quarantined: {mark}", str(folder)))
    if manifest.id != folder.name:
        found.findings.append(Finding(f"is the manifest of {manifest.id}", str(folder / "manifest.json")))
    anchors = _anchors(manifest, rooms, public, found)  # before the log: it may grow, and they come after it
    entry = _entry(manifest, rooms, public, found)
    marks = [*anchors, entry] if entry is not None else anchors
    reading = _Pass(folder, manifest, marks, found)
    try:
        reading.run()
        if anchors:
            reading.compare_end(anchors[-1])
        if entry is not None:
            reading.compare_ledger(entry)
        reading.compare_files()
        reading.compare_seal()
    except JournalError as error:
        found.findings.append(Finding(error.reason, error.place))
    return found


def _live(folder: Path) -> bool:
    try:
        return is_live(folder)
    except JournalError:
        return False  # a copy that cannot be written to


def _anchors(manifest: Manifest, rooms: Rooms, public: bytes | None, found: Verified) -> list[Anchor]:
    """All anchors; what is wrong with them is found."""
    path = rooms.anchors(manifest.id)
    try:
        known = public or public_key(rooms.keys)
        if known is None:
            found.findings.append(Finding("the public key of the desk is not there", str(rooms.keys)))
            return []
        if known.hex() != manifest.fields["public_key"]:
            words = "names another key than that of this desk"
            found.findings.append(Finding(words, str(rooms.sessions / found.session / "manifest.json")))
        torn = read_lines(path)[1]
        anchors = read_anchors(path, manifest.id, manifest.hash, known)
    except JournalError as error:
        found.findings.append(Finding(error.reason, error.place))
        return []
    if torn and not found.live:
        found.findings.append(Finding(f"{len(torn)} bytes behind its last line", str(path)))
    if not anchors:
        found.findings.append(Finding("there are no anchors", str(path)))
    found.anchors, found.anchored = len(anchors), anchors[-1].records if anchors else 0
    return anchors


def _entry(manifest: Manifest, rooms: Rooms, public: bytes | None, found: Verified) -> Anchor | None:
    """The furthest that the desk ever signed for in a ledger; what is wrong with those is found."""
    try:
        known = public or public_key(rooms.keys)
        if known is None:
            return None  # said already
        said = vouched(rooms.ledger, manifest.id, manifest.hash, known)
    except JournalError as error:
        found.ledger.append(Finding(error.reason, error.place))
        return None
    found.ledger += [Finding(words, str(rooms.ledger)) for words in said.doubts]
    if said.strange:
        found.findings.append(Finding(said.strange, str(rooms.ledger)))
    return said.at


class _Pass:
    """One reading of a log from end to end."""

    def __init__(self, folder: Path, manifest: Manifest, marks: list[Anchor], found: Verified) -> None:
        self._folder, self._disk, self._found = folder, log_disk(folder), found
        self._anchors: dict[int, list[Anchor]] = {}
        for mark in marks:
            self._anchors.setdefault(mark.blocks, []).append(mark)
        self._reader = Reader(self._disk, start_of(manifest.hash))
        self._tally = Tally()
        self._ends: dict[int, int] = {}  # bytes of each segment that hold blocks

    def run(self) -> None:
        """Read all of it. Raises `JournalError` if a file cannot be read or is missing."""
        segments(self._disk, self._folder)
        self._compare_anchor(self._reader.at, 0)
        for block in self._blocks():
            at = self._reader.at
            begin = at.offset - block.size
            self._ends[at.segment] = at.offset
            self._found.bytes += block.size
            self._compare_anchor(at, begin)
            for wrong in self._tally.add(block):
                finding = Finding(wrong, segment_name(at.segment), begin, block.number, block.first)
                self._found.findings.append(finding)
        at = self._reader.at
        self._found.blocks, self._found.records, self._found.head = at.blocks, at.records, at.head.hex()
        self._found.sealed = self._reader.sealed
        self._found.counts, self._found.digests = dict(self._tally.counts), self._tally.digests()

    def _blocks(self) -> Iterator[Block]:
        yield from self._reader
        looks = _LOOKS if self._found.live else 0
        while self._reader.fault and looks:  # its writer may be in the middle of a block
            sleep(_PAUSE)
            before, looks = self._reader.at.blocks, looks - 1
            yield from self._reader
            if self._reader.at.blocks > before:
                looks = _LOOKS
        if self._reader.fault:
            self._find(self._reader.fault.partition(": ")[2], self._reader.at, self._reader.at.offset)

    def _find(self, what: str, at: Position, byte: int) -> None:
        self._found.findings.append(Finding(what, segment_name(at.segment), byte, at.blocks, at.records))

    def _compare_anchor(self, at: Position, byte: int) -> None:
        marks = self._anchors.pop(at.blocks, [])
        if any((mark.records, mark.head) != (at.records, at.head) for mark in marks):
            self._find("is not the block that its anchor was signed for", at, byte)

    def compare_end(self, last: Anchor) -> None:
        """The log goes at least as far as its last anchor; a sealed one exactly."""
        at = self._reader.at
        if at.blocks < last.blocks:
            words = f"the log ends here; an anchor was signed at block {last.blocks:,}, record {last.records:,}"
            self._find(words, at, at.offset)
        elif self._reader.sealed and at.blocks > last.blocks and not self._found.live:
            self._find(f"its seal has no anchor; the last one was signed at block {last.blocks:,}", at, at.offset)
        if not self._reader.sealed and not self._found.live:
            self._find("it has no seal: it ended in a crash and was not closed since, or was cut off", at, at.offset)

    def compare_ledger(self, entry: Anchor) -> None:
        """The log goes at least to where the desk's ledger has it; a closed one exactly."""
        at = self._reader.at
        if at.blocks < entry.blocks:
            self._find(f"the log ends here; it was closed at block {entry.blocks:,}", at, at.offset)
        elif self._reader.sealed and at.blocks > entry.blocks and not self._found.live and not self._found.ledger:
            self._find("the ledger of the desk does not say that it was closed", at, at.offset)

    def compare_files(self) -> None:
        """Nothing lies in the log's files but blocks; what is preallocated behind them only while somebody writes."""
        names = self._disk.names()
        last = max(self._ends, default=0)
        known = {segment_name(number): number for number in range(len(names))}
        for name in names:
            number = known.get(name)
            if number is None:
                self._found.findings.append(Finding("is no part of the log", name))
                continue
            size, used = os.stat(self._disk.folder / name).st_size, self._ends.get(number, 0)
            if size > used and not (number >= last and not self._reader.sealed):
                self._found.findings.append(Finding(f"{size - used:,} bytes behind its last block", name, used))

    def compare_seal(self) -> None:
        """The last state says of the whole what the whole says."""
        at = self._reader.at
        try:
            fields: dict[str, Any] = json.loads(self._tally.life) if self._tally.life else {}
            self._found.state = State(fields.get("state", "created")).value
            result = dict(fields.get("result") or {})
            digests, counts = dict(result.get("digests", {})), dict(result.get("counts", {}))
        except (ValueError, TypeError, AttributeError, RecursionError):
            self._find("the last record of its state is none", at, at.offset)
            return
        if not self._reader.sealed:
            return
        made = self._found.digests
        for name, digest in digests.items():
            if made.get(name) != digest:
                self._find(f"{name} have another digest than the seal says", at, at.offset)
        for name, count in counts.items():
            if self._tally.counts.get(name) != count:
                self._find(f"{self._tally.counts.get(name, 0):,} {name}; the seal says {count}", at, at.offset)
        if "digest" in result and result["digest"] != self._tally.digest():
            self._find("another digest of the session than the seal says", at, at.offset)
