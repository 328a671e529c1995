"""Digests of record streams, made beside the line: a large part of a session's time would go into them otherwise.

SHA-256, for which processors have instructions: BLAKE2b takes twice as long there.
"""

import hashlib
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bytes that are hashed in one piece, and that may wait: then the line waits too.
_PIECE, _MOST = 4 << 20, 256 << 20
Hash = Any


@cache
def _thread() -> ThreadPoolExecutor:
    """One for all sessions of the process: it works off its tasks in order."""
    return ThreadPoolExecutor(1, "digest")


class Digests:
    """SHA-256 of streams, each tape's records by themselves."""

    def __init__(self, streams: Collection[str]) -> None:
        self._hashes: dict[str, dict[int, Hash]] = {name: {} for name in streams}
        self._held: list[tuple[Hash, NDArray[Any]]] = []
        self._held_bytes = 0
        self._tasks: list[Future[None]] = []

    def add(self, stream: str, records: NDArray[Any], tape: int) -> None:
        """Records of a stream; the array is contiguous and does not change any more."""
        hashes = self._hashes.get(stream)
        if hashes is None:
            return
        if tape not in hashes:
            hashes[tape] = hashlib.sha256()
        self._held.append((hashes[tape], records))
        self._held_bytes += records.nbytes
        if self._held_bytes >= _PIECE:
            self._tasks = [task for task in self._tasks if not task.done()]
            while len(self._tasks) * _PIECE > _MOST:
                self._tasks.pop(0).result()
            self._tasks.append(_thread().submit(_work_off, self._held))
            self._held, self._held_bytes = [], 0

    def digest(self, stream: str) -> bytes:
        """Of a stream; of the digests of its tapes, in their order, where there are several."""
        for task in self._tasks:
            task.result()
        _work_off(self._held)
        self._tasks, self._held, self._held_bytes = [], [], 0
        hashes = self._hashes[stream]
        if list(hashes) == [0]:
            return bytes(hashes[0].digest())
        whole = hashlib.sha256()
        for tape in sorted(hashes):
            whole.update(hashes[tape].digest())
        return whole.digest()


def _work_off(held: list[tuple[Hash, NDArray[Any]]]) -> None:
    for one, records in held:
        one.update(records.reshape(-1).view(np.uint8).data)
