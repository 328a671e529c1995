"""Checkpoints: the whole book written as messages, so that seeking anywhere is a short replay."""

import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book
from core.book.levels import find_level, next_ask, next_bid
from core.book.state import EMPTY_ASK, EMPTY_BID, RESULTS, TOP, BookState
from core.enums import Action, Flag, Side, Status
from core.errors import TapeError
from core.jit import kernel
from core.records import MAX_QTY, MESSAGE, NO_RECV, NO_SLOT
from core.tape.arrays import parsed

_LEVEL, _ADD, _BID, _ASK = int(Action.LEVEL), int(Action.ADD), int(Side.BID), int(Side.ASK)
_SNAPSHOT, _BACKWARDS, _SILENT, _BAD = int(Flag.SNAPSHOT), int(Flag.BACKWARDS), int(Flag.SILENT), int(Flag.BAD)
_EXECUTE, _TRADE = int(Action.EXECUTE), int(Action.TRADE)
# The numpy function is not annotated.
_write: Any = np.lib.format.write_array
#: A checkpoint at least every so many messages (it costs about 1 ms to replay that many) ...
SPACING = 1 << 16
#: ... unless the book holds so many orders that the checkpoints would outgrow the tape.
PER_ORDER = 4


@kernel
def dump(book: BookState, out: NDArray[np.void]) -> int:
    """Write the book as LEVEL and ADD messages into `out` in priority order. Returns how many."""
    n = 0
    for side in range(2):
        end = EMPTY_BID if side == 0 else EMPTY_ASK
        price = book.top[0]["best_bid"] if side == 0 else book.top[0]["best_ask"]
        while price != end:
            level = book.levels[find_level(book, price, side)]
            slot = np.int64(level["head"]) if level["count"] > 0 else NO_SLOT
            if level["anonymous"] > 0:
                _stamp(out[n], price, side)
                out[n]["action"] = _LEVEL
                out[n]["qty"] = level["anonymous"]
                n += 1
            while slot >= 0:
                node = book.orders[slot]
                _stamp(out[n], price, side)
                out[n]["action"] = _ADD
                out[n]["order_id"] = node["order_id"]
                out[n]["qty"] = node["qty"]
                out[n]["slot"] = slot
                n += 1
                slot = np.int64(node["next"])
            price = next_bid(book, price) if side == 0 else next_ask(book, price)
    return n


@kernel
def _stamp(message: np.void, price: int, side: int) -> None:
    message["ts_event"] = 0
    message["order_id"] = 0
    message["price"] = price
    message["slot"] = NO_SLOT
    message["recv_delta"] = NO_RECV
    message["side"] = _BID if side == 0 else _ASK
    message["flags"] = _SNAPSHOT


@kernel
def tally(messages: NDArray[np.void], start: int, stop: int, totals: NDArray[np.int64]) -> None:
    """Add to `totals`: clock (running maximum of ts_event), prints and traded lots."""
    for i in range(start, stop):
        message = messages[i]
        flags = message["flags"]
        if message["ts_event"] > totals[0]:
            totals[0] = message["ts_event"]
        if is_print(message["action"], flags, message["qty"]):
            totals[1] += 1
            totals[2] += message["qty"]


@kernel
def is_print(action: int, flags: int, qty: int) -> bool:
    """Whether a message is a print: a TRADE, or an EXECUTE that no TRADE reports, of a possible quantity."""
    told = action == _TRADE or (action == _EXECUTE and flags & _SILENT == 0)
    return told and flags & _BAD == 0 and 0 < qty <= MAX_QTY


@dataclass(frozen=True, slots=True)
class Mark:
    """A checkpoint: the book after the first `index` messages."""

    index: int
    clock: int  #: ns UTC, running maximum
    prints: int
    volume: int
    records: NDArray[np.void]  #: MESSAGE
    top: NDArray[np.void]  #: TOP, shape (1,)
    results: NDArray[np.int64]


class MarkWriter:
    """Streams checkpoints into `marks.npz`. A context manager: leaving it finishes the file."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._head: list[tuple[int, int, int, int]] = []
        self._tops: list[NDArray[np.void]] = []
        self._results: list[NDArray[np.int64]] = []

    def add(self, book: Book, index: int, clock: int, prints: int, volume: int) -> None:
        """Keep the book after `index` messages."""
        state = book.state
        levels = int(np.count_nonzero(state.levels["anonymous"]))
        records = np.zeros(book.orders + levels, MESSAGE)
        dump(state, records)
        self._member(f"records_{len(self._head)}", records)
        self._head.append((index, clock, prints, volume))
        self._tops.append(state.top.copy())
        self._results.append(state.results.copy())

    def _member(self, name: str, array: NDArray[np.void] | NDArray[np.int64]) -> None:
        info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))  # same tape, same bytes
        with self._zip.open(info, "w", force_zip64=True) as member:
            _write(member, np.ascontiguousarray(array), allow_pickle=False)

    def _finish(self) -> None:
        self._member("head", np.array(self._head, np.int64).reshape(-1, 4))
        self._member("tops", np.concatenate(self._tops) if self._tops else np.zeros(0, TOP))
        self._member("results", np.array(self._results, np.int64).reshape(-1, RESULTS))
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            with suppress(OSError):  # a file that nobody closes complains on stderr when it is collected
                self._zip.close()


class MarkReader:
    """Reads checkpoints one at a time; a damaged one is a `TapeError`."""

    def __init__(self, folder: Path, path: Path, messages: int) -> None:
        """`messages`: how many the tape has; no checkpoint may lie outside."""
        self._folder, self._path = folder, path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise TapeError(folder, f"{path.name} is damaged: {error}") from error
        try:
            self.head = self._member("head", np.dtype("<i8"), (4,))
            self._tops = self._member("tops", TOP, ())
            self._results = self._member("results", np.dtype("<i8"), (RESULTS,))
            problem = self._problem(messages)
            if problem:
                raise TapeError(folder, f"{path.name} is damaged: {problem}")
        except TapeError:
            self._zip.close()
            raise

    def _problem(self, messages: int) -> str:
        head, tops = self.head, self._tops
        if not len(head) == len(tops) == len(self._results) > 0:
            return "its parts do not go together"
        if head[0, 0] != 0 or head[-1, 0] > messages or (np.diff(head[:, 0]) <= 0).any():
            return "its index is not in order"
        if (head[1:, 1:] < head[:-1, 1:]).any() or head[0, 2:].any():
            return "its totals run back"
        if not np.isin(tops["status"], list(Status)).all() or min(tops["crossed"].min(), tops["locked"].min()) < 0:
            return "its counts are impossible"
        return ""

    def _member(self, name: str, dtype: np.dtype[Any], inner: tuple[int, ...]) -> NDArray[Any]:
        """One array of shape (n, *inner); only what is stored as it is, so that nothing can swell."""
        try:
            info = self._zip.getinfo(f"{name}.npy")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise TapeError(self._folder, f"checkpoint {name} is damaged: it is compressed")
            array = parsed(self._zip.read(info), dtype)
        except KeyError as error:
            raise TapeError(self._folder, f"checkpoint {name} is missing") from error
        except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile) as error:
            raise TapeError(self._folder, f"checkpoint {name} is damaged: {error}") from error
        if array.shape[1:] != inner:
            raise TapeError(self._folder, f"checkpoint {name} is not what it should be")
        return array

    def __len__(self) -> int:
        return len(self.head)

    def read(self, number: int) -> Mark:
        """Checkpoint `number`."""
        index, clock, prints, volume = (int(x) for x in self.head[number])
        records = self._member(f"records_{number}", MESSAGE, ())
        return Mark(index, clock, prints, volume, records, self._tops[number : number + 1], self._results[number])

    def close(self) -> None:
        """Release the file."""
        self._zip.close()


def mark_points(book: Book, messages: NDArray[np.void]) -> Iterator[int]:
    """Apply all messages, stopping (yielding the index) where a checkpoint belongs, the end included."""
    at, total = 0, len(messages)
    yield 0
    while at < total:
        stop = min(total, at + max(SPACING, PER_ORDER * book.orders))
        book.apply(messages, at, stop)
        at = stop
        yield at
