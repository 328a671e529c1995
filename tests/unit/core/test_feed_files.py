"""Bytes from plain and packed files, whole, damaged and cut short."""

import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import FeedError
from core.feeds.files import ByteSource, file_sha256, line_blocks, stem

TEXT = b"".join(b"%d,%d,row %d\n" % (i, i * i, i % 7) for i in range(20_000))
KINDS = ["plain", "gz", "gz-parts", "zst", "zst-frames", "zip"]


def pack(kind: str, text: bytes) -> bytes:
    """`text` as the bytes of a file of that kind."""
    half = len(text) // 2
    if kind == "gz":
        return gzip.compress(text, 1)
    if kind == "gz-parts":  # members one after another, as `cat a.gz b.gz` makes them
        return gzip.compress(text[:half], 1) + gzip.compress(text[half:], 1)
    if kind == "zst":
        return zstandard.compress(text, 1)
    if kind == "zst-frames":
        return zstandard.compress(text[:half], 1) + zstandard.compress(text[half:], 1)
    if kind == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("other.csv", b"not this one\n")
            archive.writestr("part.csv", text)
        return out.getvalue()
    return text


def write(folder: Path, kind: str, raw: bytes) -> ByteSource:
    """The bytes as a file on disk, opened."""
    path = folder / f"file.{kind}"
    path.write_bytes(raw)
    return ByteSource(path, "part.csv" if kind == "zip" else None)


def read_all(source: ByteSource, size: int = 10_000) -> bytes:
    """Everything, in pieces."""
    return b"".join(iter(lambda: source.read(size), b""))


def complaint(path: Path) -> str:
    """What is said about a file, or nothing where it could be read."""
    try:
        with ByteSource(path, "part.csv") as source:
            read_all(source)
    except FeedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_text(tmp_path: Path, kind: str) -> None:
    with write(tmp_path, kind, pack(kind, TEXT)) as source:
        assert read_all(source) == TEXT
        assert source.read(10) == b""


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_text_is_an_empty_read(tmp_path: Path, kind: str) -> None:
    with write(tmp_path, kind, pack(kind, b"")) as source:
        assert source.read(10) == b""
        assert list(line_blocks(source)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_progress_grows_to_one(tmp_path: Path, kind: str) -> None:
    source = write(tmp_path, kind, pack(kind, TEXT))
    seen = [source.progress()]
    while source.read(4096):
        seen.append(source.progress())
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] <= 1
    assert source.progress() > 0.9  # a zip keeps its table of contents behind the data
    source.close()
    assert source.progress() == 1


@pytest.mark.parametrize("kind", ["gz", "gz-parts", "zst", "zst-frames", "zip"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.97])
def test_a_truncated_archive_is_a_named_error(tmp_path: Path, kind: str, keep: float) -> None:
    raw = pack(kind, TEXT)
    with pytest.raises(FeedError) as caught, write(tmp_path, kind, raw[: int(len(raw) * keep)]) as source:
        read_all(source)
    assert f"file.{kind}" in str(caught.value)
    assert "truncated" in str(caught.value) or "damaged" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["gz", "zst", "zip"])
def test_every_cut_of_a_small_archive_is_an_error_or_refused(tmp_path: Path, kind: str) -> None:
    raw = pack(kind, b"1,2,3\n4,5,6\n" * 20)
    for cut in range(4, len(raw)):  # below 4 bytes nothing says that it is an archive
        with pytest.raises(FeedError), write(tmp_path, kind, raw[:cut]) as source:
            read_all(source)


@pytest.mark.parametrize("kind", ["gz", "zip"])  # formats with a checksum of their text
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(where=st.floats(0.05, 0.8), bit=st.integers(0, 7))
def test_a_flipped_bit_never_passes_for_the_text(tmp_path: Path, kind: str, where: float, bit: int) -> None:
    raw = bytearray(pack(kind, TEXT))
    raw[int(len(raw) * where)] ^= 1 << bit
    try:
        with write(tmp_path, kind, bytes(raw)) as source:
            text = read_all(source)
    except FeedError:
        return
    assert text == TEXT  # the bit was one that carries nothing


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    head=st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"]), tail=st.binary(max_size=200)
)
def test_arbitrary_bytes_are_read_or_refused_by_name(tmp_path: Path, head: bytes, tail: bytes) -> None:
    path = tmp_path / "any.bin"
    path.write_bytes(head + tail)
    assert "any.bin" in (complaint(path) or "any.bin")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(hits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_zip_with_a_lying_table_of_contents_is_read_or_refused_by_name(
    tmp_path: Path, hits: list[tuple[int, int]]
) -> None:
    raw = bytearray(pack("zip", b"1,2,3\n" * 50))
    for where, value in hits:
        raw[4 + where % (len(raw) - 4)] = value
    path = tmp_path / "lying.zip"
    path.write_bytes(raw)
    assert "lying.zip" in (complaint(path) or "lying.zip")


def test_a_missing_member_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(pack("zip", TEXT))
    with pytest.raises(FeedError, match=r"nowhere\.csv"):
        ByteSource(path, "nowhere.csv")
    with pytest.raises(FeedError, match=r"absent\.csv"):
        ByteSource(tmp_path / "absent.csv")
    with pytest.raises(FeedError), ByteSource(tmp_path) as source:  # a folder
        source.read()


def test_the_label_names_the_member(tmp_path: Path) -> None:
    with write(tmp_path, "zip", pack("zip", TEXT)) as source:
        assert source.label == f"{tmp_path}/file.zip:part.csv"
    with write(tmp_path, "plain", TEXT) as source:
        assert source.label == f"{tmp_path}/file.plain"


def blocks(folder: Path, text: bytes, block: int) -> list[bytes]:
    """The line blocks of `text`."""
    with write(folder, "plain", text) as source:
        return list(line_blocks(source, block))


def test_blocks_end_at_line_ends(tmp_path: Path) -> None:
    parts = blocks(tmp_path, TEXT, 1000)
    assert b"".join(parts) == TEXT
    assert all(part.endswith(b"\n") for part in parts)
    assert max(map(len, parts)) < 1000 + 40


def test_a_line_longer_than_the_block_stays_whole(tmp_path: Path) -> None:
    text = b"a\n" + b"x" * 5000 + b"\nb\n" + b"y" * 3000
    parts = blocks(tmp_path, text, 64)
    assert b"".join(parts) == text
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert any(b"x" * 5000 in part for part in parts)
    assert parts[-1].endswith(b"y" * 3000)


def test_the_last_line_needs_no_line_end(tmp_path: Path) -> None:
    assert blocks(tmp_path, b"1\n2", 2) == [b"1\n", b"2"]
    assert blocks(tmp_path, b"1\n2", 100) == [b"1\n", b"2"]


def test_carriage_returns_are_kept_with_their_lines(tmp_path: Path) -> None:
    text = b"1,2\r\n3,4\r\n5,6\r\n"
    for block in range(1, len(text) + 1):
        parts = blocks(tmp_path, text, block)
        assert b"".join(parts) == text
        assert all(part.endswith(b"\r\n") for part in parts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=30)), block=st.integers(1, 50))
def test_blocks_lose_nothing_and_split_no_line(tmp_path: Path, lines: list[bytes], block: int) -> None:
    text = b"#" + b"\n".join(lines)  # never mistaken for an archive
    parts = blocks(tmp_path, text, block)
    assert b"".join(parts) == text
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert all(parts)


def test_the_digest_is_of_the_file_on_disk(tmp_path: Path) -> None:
    raw = pack("gz", TEXT)
    path = tmp_path / "a.gz"
    path.write_bytes(raw)
    assert file_sha256(path) == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AMZN_message_5.csv", "AMZN_message_5"),
        ("day.csv.gz", "day"),
        ("day.csv.zst", "day"),
        ("day.zip", "day"),
        ("noext", "noext"),
        ("2012-06-21.v2.csv", "2012-06-21.v2"),
        ("01302019.NASDAQ_ITCH50.gz", "01302019"),
    ],
)
def test_stem_drops_compression_and_data_suffix(name: str, expected: str) -> None:
    assert stem(Path("/x") / name) == expected
