"""Reading a log, whole or from where one stopped, also while somebody writes it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sessions.journal.disk import Disk
from sessions.journal.layout import Block, BlockFlag, unpack
from sessions.journal.log import Position, segment_name


@dataclass(slots=True)
class Reader:
    """Reads blocks in order and checks each: checksum, hash, chain, numbering. After the last one `fault` says why.

    `fault` is empty where the log just ends. Behind the end of what is written lie zeros; a writer at work may be in
    the middle of a block there, which then reads as a fault and is whole a moment later.
    """

    disk: Disk
    at: Position  #: after the last good block
    fault: str = ""
    sealed: bool = False

    def __iter__(self) -> Iterator[Block]:
        if self.sealed:
            return
        self.fault = ""
        names = set(self.disk.names())
        while segment_name(self.at.segment) in names:
            following = segment_name(self.at.segment + 1)
            over = following in names  # before it is read: then nobody writes to it any more
            yield from self._segment(self.disk.read(segment_name(self.at.segment)))
            if not over:
                names = set(self.disk.names())
                if following not in names:
                    return
                if not self.sealed:
                    continue  # a writer has gone on meanwhile: there may be more in this one than was read
            if self.fault or self.sealed:
                self.fault = self.fault or f"{following}: blocks behind the seal"
                return
            self.at = Position(self.at.segment + 1, 0, self.at.blocks, self.at.records, self.at.head)

    def _segment(self, raw: memoryview) -> Iterator[Block]:
        name, self.fault = segment_name(self.at.segment), ""
        while self.at.offset < len(raw):
            block = unpack(raw[self.at.offset :])
            if isinstance(block, str):
                if block:
                    self.fault = f"{name} at byte {self.at.offset:,}: {block}"
                elif _any(raw[self.at.offset :]):
                    self.fault = f"{name} at byte {self.at.offset:,}: something lies behind the end"
                return
            wrong = self._misplaced(block)
            if wrong:
                self.fault = f"{name} at byte {self.at.offset:,}: {wrong}"
                return
            end = self.at.offset + block.size
            self.at = Position(
                self.at.segment, end, self.at.blocks + 1, self.at.records + block.records, block.hash
            )  # fmt: skip
            self.sealed = bool(block.flags & BlockFlag.SEAL)
            yield block
            if self.sealed:
                if _any(raw[end:]):
                    self.fault = f"{name} at byte {end:,}: something lies behind the seal"
                return

    def _misplaced(self, block: Block) -> str:
        if block.number != self.at.blocks:
            return f"block {block.number} where block {self.at.blocks} belongs"
        if block.before != self.at.head:
            return "a block that does not follow from the one before it"
        if block.first != self.at.records:
            return f"record {block.first:,} where record {self.at.records:,} belongs"
        return ""


def _any(raw: memoryview) -> bool:
    return bool(np.frombuffer(raw, np.uint8).any()) if len(raw) else False
