"""Blocks, anchors and keys as bytes: what goes in comes out, whatever is changed is noticed, garbage raises nothing."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal.isal_zlib import crc32

from sessions.journal.anchors import Anchor, AnchorBook, Keys, public_key, read_anchors, read_lines
from sessions.journal.errors import JournalError
from sessions.journal.layout import HASH, HEADER, Block, pack, unpack
from sessions.journal.log import Position
from sessions.journal.streams import STREAMS, Section, Stream, pieces, text_section

TEXTS = tuple(stream for stream in STREAMS if stream.dtype is None)


def _records(stream: Stream, count: int, width: int, seed: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    if stream.dtype is None:
        return rng.integers(0, 256, count, dtype=np.uint8)
    raw = rng.integers(0, 256, count * stream.dtype.itemsize * width, dtype=np.uint8).view(stream.dtype)
    return raw if stream.dtype.names else raw.reshape(count, width)


@st.composite
def _sections(draw: st.DrawFn) -> list[Section]:
    found = []
    for _ in range(draw(st.integers(0, 5))):
        stream = draw(st.sampled_from(STREAMS))
        width = draw(st.integers(1, 30)) if stream.name == "readings" else 1
        records = _records(stream, draw(st.integers(1, 9)), width, draw(st.integers(0, 99)))
        found.append(Section(stream, draw(st.integers(0, 255)), records))
    return found


_BLOCKS = st.tuples(
    st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=HASH, max_size=HASH), _sections(),
    st.integers(0, 1),
)  # fmt: skip


@given(_BLOCKS, st.binary(max_size=40))
def test_round_trip(block: tuple[int, int, bytes, list[Section], int], behind: bytes) -> None:
    number, first, before, sections, flags = block
    raw, head = pack(number, first, before, sections, flags)
    found = unpack(memoryview(raw + behind))
    assert isinstance(found, Block)
    assert (found.number, found.first, found.before, found.hash) == (number, first, before, head)
    assert (found.size, int(found.flags), found.records) == (len(raw), flags, sum(each.count for each in sections))
    assert len(raw) % 8 == 0
    for ours, theirs in zip(sections, found.sections, strict=True):
        assert (ours.stream, ours.tape, ours.count) == (theirs.stream, theirs.tape, theirs.count)
        assert ours.records.shape == theirs.records.shape and ours.records.tobytes() == theirs.records.tobytes()


@given(_BLOCKS, st.data())
def test_any_flipped_bit_is_noticed(block: tuple[int, int, bytes, list[Section], int], data: st.DataObject) -> None:
    raw = bytearray(pack(*block)[0])
    at = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[at // 8] ^= 1 << at % 8
    assert isinstance(unpack(memoryview(bytes(raw))), str)


@given(_BLOCKS, st.data())
def test_any_part_of_a_block_is_no_block(
    block: tuple[int, int, bytes, list[Section], int], data: st.DataObject
) -> None:
    raw = pack(*block)[0]
    cut = raw[: data.draw(st.integers(1, len(raw) - 1))]
    assert unpack(memoryview(cut)) != "" and isinstance(unpack(memoryview(cut)), str)
    torn = cut + bytes(len(raw) - len(cut))
    assert torn == raw or isinstance(unpack(memoryview(torn)), str)


@given(st.binary(max_size=400))
def test_garbage(raw: bytes) -> None:
    found = unpack(memoryview(raw))
    assert isinstance(found, str) and (found == "") == (not any(raw[:80]) or not any(raw))


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, 4), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_garbage_whose_sums_are_right(body: bytes, streams: int, sections: int, records: int) -> None:
    """Somebody who computes checksum and hash may still write anything."""
    rng = np.random.default_rng(records)
    heads = b"".join(
        bytes([int(rng.integers(0, 14)), 0]) + int(rng.choice([0, 1, 4, 8, 32, 72, 65_535])).to_bytes(2, "little")
        + int(rng.choice([0, 1, 2, 2**32 - 1])).to_bytes(4, "little")
        for _ in range(streams)
    )  # fmt: skip
    body = heads + body
    body += bytes(-len(body) % 8)
    header = np.zeros(1, HEADER)
    header[0] = (b"TDJL", 1, 0, 1, 2, records % 7, sections, len(body), 0, 0, np.void(bytes(32)))
    head = bytearray(header.tobytes())
    head[40:44] = crc32(body, crc32(head)).to_bytes(4, "little")
    raw = bytes(head) + body
    found = unpack(memoryview(raw + hashlib.blake2b(raw, digest_size=HASH).digest()))
    assert isinstance(found, str) or found.records == sum(each.count for each in found.sections)


@pytest.mark.parametrize(
    "wrong",
    [
        Section(STREAMS[0], 0, np.zeros(0, STREAMS[0].dtype)),
        Section(STREAMS[0], 256, np.zeros(1, STREAMS[0].dtype)),
        Section(STREAMS[2], 0, np.zeros((1, 20_000), "<f4")),
        Section(STREAMS[2], 0, np.zeros((3, 0), "<f4")),
        Section(TEXTS[0], 0, np.zeros(0, np.uint8)),
        Section(TEXTS[0], 0, np.zeros((1 << 24) + 1, np.uint8)),
    ],
)
def test_what_cannot_be_packed(wrong: Section) -> None:
    with pytest.raises(ValueError, match="in decisions|in readings|of tape|in acts"):
        pack(0, 0, bytes(32), [wrong])


@given(st.sampled_from(STREAMS), st.integers(1, 40), st.integers(1, 5), st.integers(1, 5000))
def test_pieces_are_the_whole(stream: Stream, count: int, width: int, most: int) -> None:
    whole = Section(stream, 3, _records(stream, count, width if stream.name == "readings" else 1, 1))
    found = pieces(whole, most)
    assert b"".join(each.records.tobytes() for each in found) == whole.records.tobytes()
    assert all(each.records.nbytes <= most or each.count == 1 for each in found)
    assert {(each.stream, each.tape) for each in found} == {(stream, 3)}


# --- anchors and keys --------------------------------------------------------------------------------

GENESIS = bytes(range(32))


def _book(folder: Path, count: int = 5) -> tuple[Path, Keys]:
    keys = Keys(folder / "keys")
    book = AnchorBook(folder / "a.jsonl", "s", GENESIS, keys)
    for k in range(count):
        book.add(Position(0, 0, 3 * k, 7 * k, bytes([k]) * 32), sync=False)
    return book.path, keys


def test_anchors_come_back(tmp_path: Path) -> None:
    path, keys = _book(tmp_path)
    wanted = [Anchor(3 * k, 7 * k, bytes([k]) * 32) for k in range(5)]
    assert read_anchors(path, "s", GENESIS, keys.public) == wanted
    book = AnchorBook(path, "s", GENESIS, keys)  # another process goes on
    book.add(Position(0, 0, 99, 100, bytes(32)))
    book.add(Position(1, 5, 99, 100, bytes(32)))  # the same moment: said once
    assert read_anchors(path, "s", GENESIS, keys.public) == [*wanted, Anchor(99, 100, bytes(32))]


@pytest.mark.parametrize("size", [1, 30, 150, 330])
@pytest.mark.parametrize("end", [b"", b"\0" * 50 + b"\n"])
def test_torn_line(tmp_path: Path, size: int, end: bytes) -> None:
    """A crash may leave part of a line; and a disk the length and the end of one, with nothing between."""
    path, keys = _book(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[2][:size] + end)
    assert len(read_lines(path)[0]) == 5 and read_lines(path)[1]
    assert len(read_anchors(path, "s", GENESIS, keys.public)) == 5
    AnchorBook(path, "s", GENESIS, keys)
    assert path.read_bytes() == whole


@settings(max_examples=200)
@given(st.data())
def test_any_changed_bit_of_the_anchors_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path, keys = _book(tmp_path_factory.mktemp("a"))
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[at // 8] ^= 1 << at % 8
    path.write_bytes(raw)
    try:
        found = read_anchors(path, "s", GENESIS, keys.public)
    except JournalError:
        return
    assert len(found) == 4 and read_lines(path)[1], "only the end of the last line may read as a torn one"


_REST = b', "before": "", "signature": ""}'


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b"null", b"1", b"\xff", b"[" * 100_000,
        b'{"blocks": 1e999, "records": 1, "head": ""' + _REST, b'{"blocks": 1, "records": 1, "head": 5' + _REST,
        b'{"blocks": ' + b"9" * 5000 + b', "records": 1, "head": ""' + _REST,
    ],
)  # fmt: skip
def test_what_is_no_anchor(tmp_path: Path, line: bytes) -> None:
    path, keys = _book(tmp_path, 1)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(JournalError, match="line 2"):
        read_anchors(path, "s", GENESIS, keys.public)


def test_anchors_of_another(tmp_path: Path) -> None:
    path, keys = _book(tmp_path)
    for session, genesis, public in (
        ("t", GENESIS, keys.public), ("s", bytes(32), keys.public), ("s", GENESIS, Keys(tmp_path / "other").public)
    ):  # fmt: skip
        with pytest.raises(JournalError, match="line 1 is not signed by the key of this desk"):
            read_anchors(path, session, genesis, public)
    with pytest.raises(JournalError, match="the key of this desk is none"):
        read_anchors(path, "s", GENESIS, b"short")


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    assert Keys(tmp_path / "keys").public == keys.public == public_key(tmp_path / "keys")
    assert (tmp_path / "keys" / "journal.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / "journal.pub").unlink()  # it died between the two files
    assert Keys(tmp_path / "keys").public == public_key(tmp_path / "keys")
    assert public_key(tmp_path) is None


@pytest.mark.parametrize("raw", [b"", b"00", b"zz" * 32, b"\xff"])
def test_keys_that_are_none(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "journal.key").write_bytes(raw)
    with pytest.raises(JournalError, match="cannot be used"):
        Keys(tmp_path)
    (tmp_path / "journal.pub").write_bytes(raw)
    with pytest.raises(JournalError, match="cannot be"):
        Keys(tmp_path)
    if raw != b"00":
        with pytest.raises(JournalError, match="cannot be read"):
            public_key(tmp_path)


def test_texts_of_any_length() -> None:
    for size in (1, 65_535, 65_536, 1 << 24):
        found = unpack(memoryview(pack(0, 0, bytes(32), [text_section("acts", b"x" * size)])[0]))
        assert isinstance(found, Block) and found.records == 1 and found.sections[0].text() == b"x" * size
