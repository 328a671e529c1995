"""A window that slides over the decompressed bytes of one file, for kernels that walk binary records."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.feeds.files import ByteSource

_BLOCK = 1 << 22


class ByteWindow:
    """`data[at:stop]` holds the bytes not yet used; `final` says that no more will come.

    Memory stays at one block plus the unused rest, whatever the size of the file.
    """

    def __init__(self, path: Path) -> None:
        self.source = ByteSource(path)
        self.at = self.stop = 0
        self.final = False
        self.taken = 0  #: decompressed bytes brought in so far
        self._block = _BLOCK
        self.data: NDArray[np.uint8] = _buffer(self._block + (1 << 17))

    def fill(self) -> bool:
        """Bring the next block in behind the unused rest; False once the end of the file is in the window."""
        if self.final:
            return False
        chunk = self.source.read(self._block)
        self.final = not chunk
        unused = self.data[self.at : self.stop]
        size = len(unused) + len(chunk)
        if size > len(self.data):
            self.data = _buffer(2 * size)
        self.data[: len(unused)] = unused
        self.data[len(unused) : size] = np.frombuffer(chunk, np.uint8)
        self.at, self.stop = 0, size
        self.taken += len(chunk)
        return True

    def drop(self, count: int) -> None:
        """Use up `count` bytes and move the rest to the front, so that it is aligned."""
        rest = self.data[self.at + count : self.stop].copy()
        self.data[: len(rest)] = rest
        self.at, self.stop = 0, len(rest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


def _buffer(size: int) -> NDArray[np.uint8]:
    """Room for at least `size` bytes that can also be seen as words."""
    return np.empty(-(-size // 8) * 8, np.uint8)


def share_read(paths: Sequence[Path], done: int, window: ByteWindow | None) -> float:
    """Share of the bytes of `paths` on disk that is read: `done` files and a part of the one in `window`."""
    sizes = [max(1, path.stat().st_size) for path in paths]
    read = float(sum(sizes[:done]))
    if window is not None and done < len(sizes):
        read += window.source.progress() * sizes[done]
    return min(1.0, read / sum(sizes))
