"""What somebody may do to a session on disk: with an editor, or with this very program and every hash recomputed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sessions.journal.anchors import AnchorBook, Keys
from sessions.journal.layout import Block, BlockFlag, pack, unpack
from sessions.journal.log import Position, segment_name, start_of
from sessions.journal.streams import Section, text_section
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State, life_text
from sessions.settling import settle_crashed


@dataclass(frozen=True, slots=True)
class Crime:
    """A sealed session, another one of the same desk, a foreign key, and somebody's dice."""

    folder: Path
    rooms: Rooms
    other: Path
    foreign: Keys
    rng: np.random.Generator

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def anchors(self) -> Path:
        return self.rooms.anchors(self.folder.name)

    def segment(self) -> Path:
        """One of its segments."""
        return self.wal / str(self.rng.choice(sorted(path.name for path in self.wal.iterdir())))

    def any_file(self) -> Path:
        """A segment as a rule; or manifest, anchors, ledger, public key."""
        if self.rng.random() < 0.7:
            return self.segment()
        keys = self.rooms.keys / "journal.pub"
        return [self.folder / "manifest.json", self.anchors, self.rooms.ledger, keys][int(self.rng.integers(4))]

    def blocks(self, folder: Path | None = None) -> list[tuple[str, int, Block]]:
        """Every block: segment, byte, block."""
        where, found = folder or self.folder, []
        for path in sorted((where / "wal").iterdir()):
            raw, at = memoryview(path.read_bytes()), 0
            while at < len(raw):
                block = unpack(raw[at:])
                assert isinstance(block, Block)
                found.append((path.name, at, block))
                at += block.size
        return found

    def pick(self, last: bool = True) -> int:
        """Number of a block."""
        return int(self.rng.integers(len(self.blocks()) - (not last)))

    def raw(self, number: int, folder: Path | None = None) -> bytes:
        """A block's bytes."""
        name, at, block = self.blocks(folder)[number]
        return ((folder or self.folder) / "wal" / name).read_bytes()[at : at + block.size]

    def splice(self, number: int, remove: bool, insert: bytes) -> None:
        """Put bytes where a block begins."""
        name, at, block = self.blocks()[number]
        raw = (self.wal / name).read_bytes()
        (self.wal / name).write_bytes(raw[:at] + insert + raw[at + block.size * remove :])


# --- with an editor --------------------------------------------------------------------------------


def flip(crime: Crime) -> None:
    path, rng = crime.any_file(), crime.rng
    raw = bytearray(path.read_bytes())
    raw[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(raw)


def overwrite(crime: Crime) -> None:
    path, rng = crime.any_file(), crime.rng
    raw = bytearray(path.read_bytes())
    at, size = int(rng.integers(len(raw))), int(rng.integers(1, 200))
    new = rng.integers(0, 256, len(raw[at : at + size]), dtype=np.uint8).tobytes()
    if new == raw[at : at + size]:
        new = bytes([new[0] ^ 1]) + new[1:]
    raw[at : at + size] = new
    path.write_bytes(raw)


def cut_out(crime: Crime) -> None:
    path, rng = crime.any_file(), crime.rng
    raw = path.read_bytes()
    at = int(rng.integers(len(raw)))
    path.write_bytes(raw[:at] + raw[at + int(rng.integers(1, 300)) :])


def put_in(crime: Crime) -> None:
    path, rng = crime.any_file(), crime.rng
    raw = path.read_bytes()
    at, size = int(rng.integers(len(raw) + 1)), int(rng.integers(1, 300))
    new = bytes(size) if rng.random() < 0.5 else rng.integers(0, 256, size, dtype=np.uint8).tobytes()
    path.write_bytes(raw[:at] + new + raw[at:])


def truncate(crime: Crime) -> None:
    path = crime.any_file()
    raw = path.read_bytes()
    path.write_bytes(raw[: int(crime.rng.integers(len(raw)))])


def lose_file(crime: Crime) -> None:
    crime.any_file().unlink()


def swap_segments(crime: Crime) -> None:
    names = sorted(crime.wal.iterdir())
    one, two = crime.rng.choice(len(names), 2, replace=False)
    first, second = names[one].read_bytes(), names[two].read_bytes()
    names[one].write_bytes(second)
    names[two].write_bytes(first)


def swap_blocks(crime: Crime) -> None:
    one, two = sorted(int(k) for k in crime.rng.choice(len(crime.blocks()), 2, replace=False))
    first, second = crime.raw(one), crime.raw(two)
    crime.splice(two, True, first)
    crime.splice(one, True, second)


def repeat_block(crime: Crime) -> None:
    number = crime.pick()
    crime.splice(number, False, crime.raw(number))


def lose_block(crime: Crime) -> None:
    crime.splice(crime.pick(), True, b"")


def append_block(crime: Crime) -> None:
    path = sorted(crime.wal.iterdir())[-1]
    path.write_bytes(path.read_bytes() + crime.raw(crime.pick()))


def foreign_block(crime: Crime) -> None:
    number = crime.pick()
    crime.splice(number, bool(crime.rng.random() < 0.7), crime.raw(number, crime.other))


def foreign_manifest(crime: Crime) -> None:
    (crime.folder / "manifest.json").write_bytes((crime.other / "manifest.json").read_bytes())


def foreign_log(crime: Crime) -> None:
    for path in crime.wal.iterdir():
        path.unlink()
    for path in (crime.other / "wal").iterdir():
        (crime.wal / path.name).write_bytes(path.read_bytes())
    if crime.rng.random() < 0.5:
        crime.anchors.write_bytes(crime.rooms.anchors(crime.other.name).read_bytes())


def edit_anchors(crime: Crime) -> None:
    rng = crime.rng
    path = crime.anchors if rng.random() < 0.7 else crime.rooms.ledger
    lines = path.read_bytes().splitlines(keepends=True)
    one, two = int(rng.integers(len(lines))), int(rng.integers(len(lines)))
    match int(rng.integers(6)):
        case 0:
            del lines[one]
        case 1:
            lines.insert(one, lines[two])
        case 2:
            lines = lines[:one]
        case 3:
            one, two = (int(k) for k in rng.choice(len(lines), 2, replace=False))
            lines[one], lines[two] = lines[two], lines[one]
        case 4:
            fields = json.loads(lines[one])
            fields["records"] += 1
            lines[one] = json.dumps(fields).encode() + b"\n"
        case _:
            lines[one] = lines[one].replace(b", ", b" ,", 1)
    path.write_bytes(b"".join(lines))


def close_the_lid(crime: Crime) -> None:
    """Zeros where the room for more blocks would be."""
    path = sorted(crime.wal.iterdir())[-1]
    path.write_bytes(path.read_bytes() + bytes(int(crime.rng.integers(1, 5000))))


# --- with every hash recomputed ----------------------------------------------------------------------


def rewrite(crime: Crime, change: Callable[[list[tuple[int, list[Section]]]], None]) -> list[Position]:
    """Write all of the log anew after `change` to its blocks; the ends of all blocks."""
    genesis = read_manifest(crime.folder).hash
    kept = [(int(block.flags), list(block.sections)) for _, _, block in crime.blocks()]
    change(kept)
    for path in crime.wal.iterdir():
        path.unlink()
    at, raws, ends = start_of(genesis), [], []
    for flags, sections in kept:
        raw, head = pack(at.blocks, at.records, at.head, sections, flags)
        count = sum(each.count for each in sections)
        at = Position(0, at.offset + len(raw), at.blocks + 1, at.records + count, head)
        raws.append(raw)
        ends.append(at)
    (crime.wal / segment_name(0)).write_bytes(b"".join(raws))
    return ends


def _changed(crime: Crime) -> Callable[[list[tuple[int, list[Section]]]], None]:
    """One record of one block says something else; or one is gone; or a block is."""
    rng = crime.rng

    def change(kept: list[tuple[int, list[Section]]]) -> None:
        block = int(rng.integers(1, len(kept) - 1))
        flags, sections = kept[block]
        which = int(rng.integers(len(sections)))
        each = sections[which]
        match int(rng.integers(4)):
            case 0:
                del kept[block]
            case 1 if each.stream.dtype is not None and len(each.records) > 1:
                sections[which] = Section(each.stream, each.tape, each.records[:-1])
            case 2:
                kept[block:] = [(flags | BlockFlag.SEAL, sections)]
            case _:
                records = each.records.copy()
                raw = records.reshape(-1).view(np.uint8)
                raw[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(8))
                sections[which] = Section(each.stream, each.tape, records)

    return change


def rewrite_log(crime: Crime) -> None:
    """The anchors stay."""
    rewrite(crime, _changed(crime))


def rewrite_and_drop_anchors(crime: Crime) -> None:
    rewrite(crime, _changed(crime))
    lines = crime.anchors.read_bytes().splitlines(keepends=True)
    keep = int(crime.rng.integers(0, len(lines)))
    crime.anchors.write_bytes(b"".join(lines[:keep])) if keep else crime.anchors.unlink()


def rewrite_and_sign(crime: Crime) -> None:
    """With a key of one's own; its public half may be put in the place of the desk's."""
    ends = rewrite(crime, _changed(crime))
    crime.anchors.unlink()
    manifest = read_manifest(crime.folder)
    book = AnchorBook(crime.anchors, manifest.id, manifest.hash, crime.foreign)
    for end in ends[:: max(1, len(ends) // 3)]:
        book.add(end, sync=False)
    book.add(ends[-1], sync=False)
    if crime.rng.random() < 0.5:
        (crime.rooms.keys / "journal.pub").write_text(crime.foreign.public.hex() + "\n")


def rewrite_manifest(crime: Crime) -> None:
    """Another plan; the whole log is chained to it."""
    path = crime.folder / "manifest.json"
    fields = json.loads(path.read_text())
    fields["name"] = fields["name"] + "!"
    path.write_text(json.dumps(fields, indent=1, sort_keys=True) + "\n")
    ends = rewrite(crime, lambda kept: None)
    if crime.rng.random() < 0.5:
        crime.anchors.unlink()
        book = AnchorBook(crime.anchors, fields["id"], read_manifest(crime.folder).hash, crime.foreign)
        book.add(ends[-1], sync=False)


def cut_back(crime: Crime) -> None:
    """Log and anchors both end at an earlier moment; the log may get a seal of its own there."""
    anchored = [json.loads(line)["blocks"] for line in crime.anchors.read_bytes().splitlines()]
    which = int(crime.rng.integers(1, len(anchored) - 1))
    lines = crime.anchors.read_bytes().splitlines(keepends=True)[: which + 1]
    seal = crime.rng.random() < 0.5

    def change(kept: list[tuple[int, list[Section]]]) -> None:
        del kept[anchored[which] :]
        if seal:
            kept.append((int(BlockFlag.SEAL), [text_section("life", life_text(State.SEALED))]))

    rewrite(crime, change)
    crime.anchors.write_bytes(b"".join(lines))


def cut_back_and_start(crime: Crime) -> None:
    """The same, as if it had crashed there: the next start would close it, and sign."""
    cut_back(crime)
    (crime.folder / "open").touch()
    settle_crashed(crime.rooms)


EDITS = (
    flip, overwrite, cut_out, put_in, truncate, lose_file, swap_segments, swap_blocks, repeat_block, lose_block,
    append_block, foreign_block, foreign_manifest, foreign_log, edit_anchors, close_the_lid,
)  # fmt: skip
INSIDERS = (rewrite_log, rewrite_and_drop_anchors, rewrite_and_sign, rewrite_manifest, cut_back, cut_back_and_start)
