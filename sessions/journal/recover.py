"""After a crash: find the last whole block, cut off what is torn behind it, and say whether that can be believed."""

import re
from dataclasses import dataclass

import numpy as np

from sessions.journal.anchors import Anchor
from sessions.journal.disk import Disk
from sessions.journal.errors import SessionQuarantined
from sessions.journal.layout import HEADER, MAGIC, Block, unpack
from sessions.journal.log import Position, segment_name, start_of
from sessions.journal.reading import Reader

_NAME = re.compile(r"journal-(\d{6})\.wal")


@dataclass(frozen=True, slots=True)
class Recovered:
    """A log that can be gone on with."""

    at: Position
    sealed: bool
    dropped: str  #: what was wrong with the bytes that were cut off; empty if none were


def segments(disk: Disk, place: object) -> int:
    """How many segments there are. Raises `SessionQuarantined` if one is missing."""
    numbers = sorted(int(found[1]) for name in disk.names() if (found := _NAME.fullmatch(name)))
    if numbers != list(range(len(numbers))):
        gone = next(k for k, number in enumerate(numbers) if number != k)
        raise SessionQuarantined(place, f"{segment_name(gone)} is missing")
    return len(numbers)


def recover(disk: Disk, genesis: bytes, place: object, anchor: Anchor | None, durable: bool = False) -> Recovered:
    """Make the end of a log whole, and durable. Reads its last segment only; `audit verify` reads all.

    `anchor`: the last one that was signed; a log without any may have no block. `durable`: every block was on the disk
    before the next was begun, so nothing whole can lie behind damage.
    Raises `SessionQuarantined` if that does not hold, and changes nothing then; `JournalError`.
    """
    count = segments(disk, place)
    if count == 0:
        _agrees(start_of(genesis), {}, anchor, place)
        return Recovered(start_of(genesis), False, "")
    for number in range(count - 1, -1, -1):
        begin = begin_of(disk, number, genesis)
        if begin is not None:
            break
    else:
        begin, number = start_of(genesis), 0
    reader = Reader(disk, begin)
    hashes = {begin.blocks: begin.head}
    for block in reader:
        hashes[block.number + 1] = block.hash
    at = reader.at
    _agrees(at, hashes, anchor, place)
    behind = [(number, at.offset if number == at.segment else 0) for number in range(at.segment, count)]
    if durable:
        for number, keep in behind:
            _nothing_whole(disk.read(segment_name(number))[keep:], at, segment_name(number), place)
    disk.sync(segment_name(at.segment))  # a process that died need not have: what is believed now must stay
    for number, keep in behind:
        if len(disk.read(segment_name(number))) > keep:
            disk.cut(segment_name(number), keep)
    last = Position(count - 1, at.offset if count - 1 == at.segment else 0, at.blocks, at.records, at.head)
    return Recovered(last, reader.sealed, reader.fault)


def begin_of(disk: Disk, number: int, genesis: bytes) -> Position | None:
    """Where a segment begins, by its first block; None if it has none."""
    if number == 0:
        return start_of(genesis)
    raw = disk.read(segment_name(number))[: HEADER.itemsize]
    if len(raw) < HEADER.itemsize or raw[:4] != MAGIC:
        return None
    header = np.frombuffer(raw, HEADER, 1)[0]
    begin = Position(number, 0, int(header["number"]), int(header["first"]), bytes(header["before"]))
    return begin if next(iter(Reader(disk, begin)), None) is not None else None


def _nothing_whole(raw: memoryview, at: Position, name: str, place: object) -> None:
    """Nothing but a torn block lies behind the end."""
    found, start = bytes(raw), 0
    while (start := found.find(MAGIC, start)) >= 0:
        block = unpack(raw[start:])
        if isinstance(block, Block) and block.number > at.blocks:
            raise SessionQuarantined(
                place, f"{name}: block {at.blocks:,} is damaged, and block {block.number:,} behind it is whole"
            )
        start += 1


def _agrees(at: Position, hashes: dict[int, bytes], anchor: Anchor | None, place: object) -> None:
    if anchor is None:
        if at.blocks:
            raise SessionQuarantined(place, "it has no anchors: their file is gone")
        return
    if at.blocks < anchor.blocks:
        raise SessionQuarantined(
            place, f"the log ends after block {at.blocks:,}, an anchor was signed at block {anchor.blocks:,}"
        )
    if anchor.blocks in hashes and hashes[anchor.blocks] != anchor.head:
        raise SessionQuarantined(place, f"block {anchor.blocks:,} is not the one that its anchor was signed for")
