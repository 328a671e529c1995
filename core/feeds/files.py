"""Bytes from plain, gzip, zstd and zip files, streamed, with progress and digest."""

import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import zstandard
from isal import igzip, isal_zlib

from core.errors import FeedError

#: What the standard library and zstandard raise on damaged compressed data.
DAMAGE = (
    igzip.BadGzipFile,
    isal_zlib.error,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    zstandard.ZstdError,
    zipfile.BadZipFile,
)
#: What opening an archive may raise besides: zip tables of contents that lie, encrypted or exotic members.
_UNREADABLE = (*DAMAGE, OSError, RuntimeError, ValueError)
_BLOCK = 1 << 24
_LONGEST_LINE = 1 << 26


class _ZstdFile(io.RawIOBase):
    """Zstd frames one after another. The library's own reader takes a truncated file for a complete one."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._zstd = zstandard.ZstdDecompressor(max_window_size=2**31)
        self._frame = self._zstd.decompressobj()
        self._packed = b""
        self._ready = memoryview(b"")
        self._started = False

    def readable(self) -> bool:
        return True

    def readinto(self, out: Any) -> int:
        while not self._ready:
            packed = self._packed or self._raw.read(1 << 14)  # small: a hostile block grows 30,000 times
            if not packed:
                if self._started and not self._frame.eof:
                    raise EOFError("the last zstd frame is not complete")
                return 0
            if self._frame.eof:
                self._frame = self._zstd.decompressobj()
            self._started = True
            self._ready = memoryview(self._frame.decompress(packed))
            self._packed = self._frame.unused_data
        count = min(len(out), len(self._ready))
        out[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


class ByteSource:
    """A readable, decompressed stream that knows how far it is in the file on disk."""

    def __init__(self, path: Path, member: str | None = None) -> None:
        self.path, self.member = path, member
        try:
            self._raw = path.open("rb")
            self.size = max(1, path.stat().st_size)
        except OSError as error:
            raise FeedError(path, error.strerror or str(error)) from error
        try:
            self._stream = self._decompressed()
        except KeyError as error:
            self._raw.close()
            raise FeedError(path, f"no member {self.member} in the archive") from error
        except _UNREADABLE as error:
            self._raw.close()
            raise FeedError(path, f"damaged archive: {error}") from error

    def _decompressed(self) -> BinaryIO:
        head = self._raw.read(4)
        self._raw.seek(0)
        if head[:2] == b"\x1f\x8b":
            return cast(BinaryIO, igzip.IGzipFile(fileobj=self._raw))
        if head == b"\x28\xb5\x2f\xfd":
            return io.BufferedReader(_ZstdFile(self._raw), 1 << 20)
        if head == b"PK\x03\x04" and self.member is not None:
            return cast(BinaryIO, zipfile.ZipFile(self._raw).open(self.member))
        return self._raw

    def read(self, size: int = -1) -> bytes:
        """Up to `size` decompressed bytes; empty at the end. Raises `FeedError` on damage."""
        try:
            return self._stream.read(size)
        except (*DAMAGE, OSError) as error:
            raise FeedError(self.label, f"damaged or truncated: {error}") from error

    def progress(self) -> float:
        """Share of the file consumed, 0 to 1."""
        return min(1.0, self._raw.tell() / self.size) if not self._raw.closed else 1.0

    @property
    def label(self) -> str:
        """Name for error messages."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def close(self) -> None:
        """Release the file."""
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def line_blocks(source: ByteSource, block: int = _BLOCK) -> Iterator[bytes]:
    """Decompressed text in blocks of about `block` bytes that end at a line end.

    Raises `FeedError` for a line of over 64 MiB: that is no text, and must not fill the memory.
    """
    rest = b""
    while chunk := source.read(block):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield rest + chunk[:cut]
            rest = chunk[cut:]
        elif len(rest) > _LONGEST_LINE:
            raise FeedError(source.label, "has a line of over 64 MiB: not a text file")
        else:
            rest += chunk
    if rest:
        yield rest


def file_sha256(path: Path) -> str:
    """Digest of the file as it lies on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stem(path: Path) -> str:
    """File name without compression and data suffixes."""
    name = path.name
    for suffix in (".gz", ".zst", ".zip"):
        name = name.removesuffix(suffix)
    return name.rsplit(".", 1)[0] if "." in name else name
