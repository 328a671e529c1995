"""A look at a sealed log that was read before: whether it still is where its tables say that it was.

Cheap enough for every question, and therefore not all: the segments that there are, how each follows from the one
before, and the last block. What changed inside a segment is told by `audit verify`.
"""

import os
import re
from pathlib import Path

import numpy as np

from sessions.journal.errors import JournalError
from sessions.journal.layout import HASH, HEADER, MAGIC, Block, unpack
from sessions.journal.log import Position, segment_name
from sessions.recording import log_disk

#: Bytes at the end of a log in which its last block is looked for.
_TAIL = 4 << 20
_NAME = re.compile(r"journal-[0-9]{6}[.]wal")


def worn(folder: Path, end: Position) -> str:
    """What is not as it was in a log that was sealed and read up to `end`; empty if nothing. Raises `JournalError`."""
    disk = log_disk(folder)
    there = {name for name in disk.names() if _NAME.fullmatch(name)}
    wanted = [segment_name(k) for k in range(end.segment + 1)]
    if there != set(wanted):
        name = min(there ^ set(wanted))
        return f"{name} of the log is missing" if name in wanted else f"{name} lies behind the end of the log"
    try:
        return _followed(disk.folder, wanted) or _ended(disk.folder / wanted[-1], end)
    except OSError as error:
        raise JournalError(folder, error.strerror or str(error)) from error


def _followed(folder: Path, names: list[str]) -> str:
    """The first block of each segment is chained to the last one of the segment before."""
    before = b""
    for name in names:
        with (folder / name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                continue  # a block larger than a segment has one of its own
            raw = file.read(HEADER.itemsize)
            file.seek(max(size - HASH, 0))
            last = file.read(HASH)
        if len(raw) < HEADER.itemsize or raw[:4] != MAGIC:
            return f"{name} of the log begins with no block"
        if before and bytes(np.frombuffer(raw, HEADER, 1)[0]["before"]) != before:
            return f"{name} of the log does not follow from the one before it"
        before = last
    return ""


def _ended(path: Path, end: Position) -> str:
    """The last segment ends with the seal, and the block that it is in is whole."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < end.offset:
            return f"{path.name} of the log has {size:,} bytes, it had {end.offset:,}"
        file.seek(max(end.offset - _TAIL, 0))
        tail = file.read(min(end.offset, _TAIL))
        if any(file.read()):  # zeros are room that was not needed, before its writer gives it back
            return f"{path.name} of the log has {size - end.offset:,} bytes behind the seal"
    place = len(tail)
    while (place := tail.rfind(MAGIC, 0, place)) >= 0:
        if len(tail) - place < HEADER.itemsize:
            continue
        if int(np.frombuffer(tail, HEADER, 1, place)[0]["number"]) != end.blocks - 1:
            continue
        block = unpack(memoryview(tail)[place:])
        if isinstance(block, Block) and block.hash == end.head:
            return ""
        return f"the last block of the log is damaged: {block if isinstance(block, str) else 'it has another hash'}"
    return "" if end.offset > _TAIL else "the last block of the log is damaged"
