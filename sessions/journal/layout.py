"""A block in bytes: header, sections of fixed-width records, and a hash that includes the hash before it.

header     80 bytes: magic, number, first record, counts, CRC-32 of everything but itself and the hash, last hash
sections   8 bytes each: stream, tape, record size, records (a text: 1, bytes)
payload    the records, section by section
padding    zeros up to a multiple of 8
hash       BLAKE2b-256 over all of the above
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np
from isal.isal_zlib import crc32

from sessions.journal.streams import BY_NUMBER, Section

VERSION = 1
MAGIC = b"TDJL"
HASH = 32
HEADER = np.dtype(
    [
        ("magic", "S4"),
        ("version", "<u2"),
        ("flags", "<u2"),  # BlockFlag
        ("number", "<u8"),  # 0, 1, 2 ... in the session
        ("first", "<u8"),  # journal sequence of its first record
        ("records", "<u4"),
        ("sections", "<u4"),
        ("length", "<u8"),  # bytes of sections, payload and padding
        ("crc", "<u4"),
        ("pad", "<u4"),
        ("before", "V32"),  # hash of the block before it; of the manifest in the first one
    ]
)
#: The same for packing, which is many times faster for a single one.
_HEADER = struct.Struct("<4sHHQQIIQII32s")
SECTION = np.dtype([("stream", "u1"), ("tape", "u1"), ("size", "<u2"), ("records", "<u4")])
_SECTION = struct.Struct("<BBHI")
#: Largest block; a header that says more is damage.
MOST = 1 << 30
#: Longest text of one record, in bytes.
MOST_TEXT = 1 << 24
_CRC_AT = 40


class BlockFlag(IntFlag):
    """Bits of a block's flags."""

    SEAL = 1  #: the last block of a session


@dataclass(frozen=True, slots=True)
class Block:
    """One block as read."""

    number: int
    first: int
    records: int
    flags: BlockFlag
    sections: tuple[Section, ...]
    before: bytes
    hash: bytes
    size: int  #: bytes on disk


def pack(number: int, first: int, before: bytes, sections: Sequence[Section], flags: int = 0) -> tuple[bytes, bytes]:
    """A block's bytes and its hash. Raises `ValueError` for a section or a size that cannot be."""
    heads, length, count = [], SECTION.itemsize * len(sections), 0
    for each in sections:
        size, n = _shape(each)
        heads.append(_SECTION.pack(each.stream.number, each.tape, size, n))
        length, count = length + size * n, count + (1 if each.stream.dtype is None else n)
    padding = -length % 8
    if length + padding > MOST:
        raise ValueError(f"a block of {length:,} bytes")
    head = bytearray(
        _HEADER.pack(MAGIC, VERSION, int(flags), number, first, count, len(heads), length + padding, 0, 0, before)
    )
    records: list[Any] = [each.records for each in sections]  # `join` copies from the arrays themselves
    body = b"".join([*heads, *records, bytes(padding)])
    head[_CRC_AT : _CRC_AT + 4] = crc32(body, crc32(head)).to_bytes(4, "little")
    chained = hashlib.blake2b(head, digest_size=HASH)
    chained.update(body)
    digest = chained.digest()
    return b"".join([head, body, digest]), digest


def _shape(section: Section) -> tuple[int, int]:
    """Bytes of a record and how many there are; of a text, 1 and its bytes. Raises `ValueError`."""
    records = section.records
    if not 0 <= section.tape <= 255:
        raise ValueError(f"{section.stream.name} of tape {section.tape}")
    if section.stream.dtype is None:
        if not 0 < records.nbytes <= MOST_TEXT:
            raise ValueError(f"a text of {records.nbytes:,} bytes in {section.stream.name}")
        return 1, records.nbytes
    size = records.dtype.itemsize * (records.shape[1] if records.ndim == 2 else 1)
    if not len(records) or not 0 < size < 1 << 16:
        raise ValueError(f"{len(records)} records of {size} bytes in {section.stream.name}")
    return size, len(records)


def unpack(raw: memoryview) -> Block | str:
    """The block that `raw` begins with, its records as views of `raw`; or what is wrong. Empty: nothing is there."""
    if len(raw) < HEADER.itemsize:
        return "" if not any(raw) else "a header that is cut off"
    if raw[:4] != MAGIC:
        return "" if not any(raw[: HEADER.itemsize]) else "no block begins here"
    header = np.frombuffer(raw, HEADER, 1)[0]
    length, count = int(header["length"]), int(header["sections"])
    if header["version"] != VERSION:
        return f"version {int(header['version'])} of the log, this program reads {VERSION}"
    if length > MOST or length % 8 or count * SECTION.itemsize > length:
        return "a header that cannot be"
    size = HEADER.itemsize + length + HASH
    if size > len(raw):
        return "a block that is cut off"
    body = raw[HEADER.itemsize : size - HASH]
    head = bytearray(raw[: HEADER.itemsize])
    head[_CRC_AT : _CRC_AT + 4] = bytes(4)
    if crc32(body, crc32(head)) != int(header["crc"]):
        return "a checksum that does not fit"
    chained = hashlib.blake2b(raw[: HEADER.itemsize], digest_size=HASH)
    chained.update(body)
    if chained.digest() != raw[size - HASH : size]:
        return "a hash that does not fit"
    sections = _sections(body, count, int(header["records"]))
    if isinstance(sections, str):
        return sections
    return Block(
        int(header["number"]), int(header["first"]), int(header["records"]), BlockFlag(int(header["flags"])),
        sections, bytes(header["before"]), chained.digest(), size,
    )  # fmt: skip


def _sections(body: memoryview, count: int, records: int) -> tuple[Section, ...] | str:
    heads, at, found = np.frombuffer(body, SECTION, count), count * SECTION.itemsize, []
    for stream_number, tape, size, n in heads.tolist():
        stream = BY_NUMBER.get(stream_number)
        if stream is None:
            return f"stream {stream_number}, which nobody knows"
        end = at + size * n
        if not at < end <= len(body):
            return "sections that are empty, or longer than their block"
        part = body[at:end]
        if stream.dtype is None:
            found.append(Section(stream, tape, np.frombuffer(part, np.uint8)))
        elif size % stream.dtype.itemsize or (size != stream.dtype.itemsize and stream.dtype.names):
            return f"{stream.name} of {size} bytes a record"
        elif stream.dtype.names:
            found.append(Section(stream, tape, np.frombuffer(part, stream.dtype)))
        else:
            found.append(Section(stream, tape, np.frombuffer(part, stream.dtype).reshape(n, -1)))
        at = end
    if sum(each.count for each in found) != records or len(body) - at >= 8 or any(body[at:]):
        return "counts that do not fit"
    return tuple(found)
