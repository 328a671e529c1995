"""Open a tape, and put a book at any place of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book
from core.errors import TapeError
from core.instrument import Instrument
from core.records import MESSAGE
from core.tape.arrays import mapped
from core.tape.folder import MARKS, MESSAGES, TapeMeta, read_meta
from core.tape.marks import MarkReader, tally


@dataclass(frozen=True, slots=True)
class Place:
    """A book somewhere on a tape."""

    book: Book
    index: int  #: messages applied
    clock: int  #: ns UTC of the last one, running maximum; 0 before the first
    prints: int
    volume: int


class Tape:
    """A tape opened for reading. Messages are memory-mapped; nothing is loaded until it is used."""

    def __init__(self, folder: Path) -> None:
        """Raises `TapeError` when the folder is not a sound tape."""
        self.folder = folder
        self.meta: TapeMeta = read_meta(folder)
        self.instrument: Instrument = self.meta.instrument
        self.messages: NDArray[np.void] = _mapped(folder, self.meta.messages)
        self.marks = MarkReader(folder, folder / MARKS, len(self.messages))

    def new_book(self) -> Book:
        """An empty book of the right size for this tape. Raises `TapeError` where memory does not suffice."""
        meta = self.meta
        try:
            return Book(meta.slots, meta.low_price, meta.high_price, max(meta.pages, 1))
        except MemoryError as error:
            raise TapeError(self.folder, "its book needs more memory than there is") from error

    def at(self, index: int) -> Place:
        """The book after the first `index` messages."""
        index = min(max(index, 0), len(self.messages))
        number = int(np.searchsorted(self.marks.head[:, 0], index, "right")) - 1
        book, start, totals = self.new_book(), 0, np.array([0, 0, 0], np.int64)
        if number >= 0:
            mark = self.marks.read(number)
            book.apply(mark.records)
            if int(mark.top[0]["orders"]) != book.orders:
                raise TapeError(self.folder, f"checkpoint {number} is damaged: its orders do not agree")
            for name in ("status", "crossed", "locked"):
                book.state.top[0][name] = mark.top[0][name]
            book.state.results[:] = mark.results
            start, totals = mark.index, np.array([mark.clock, mark.prints, mark.volume], np.int64)
        book.apply(self.messages, start, index)
        tally(self.messages, start, index, totals)
        return Place(book, index, int(totals[0]) if index else 0, int(totals[1]), int(totals[2]))

    def index_at(self, ts: int) -> int:
        """Messages up to and including time `ts` (ns UTC): the first index whose message is later."""
        number = int(np.searchsorted(self.marks.head[:, 1], ts, "right")) - 1
        start = int(self.marks.head[number, 0]) if number >= 0 else 0
        stop = int(self.marks.head[number + 1, 0]) if number + 1 < len(self.marks) else len(self.messages)
        later = np.flatnonzero(self.messages["ts_event"][start:stop] > ts)
        return start + int(later[0]) if len(later) else stop

    def close(self) -> None:
        """Release the files."""
        self.marks.close()


def _mapped(folder: Path, count: int) -> NDArray[np.void]:
    try:
        messages: NDArray[np.void] = mapped(folder / MESSAGES, MESSAGE)
    except FileNotFoundError as error:
        raise TapeError(folder, f"{MESSAGES} is missing") from error
    except (OSError, ValueError) as error:
        raise TapeError(folder, f"{MESSAGES} is damaged: {error}") from error
    if messages.ndim != 1:
        raise TapeError(folder, f"{MESSAGES} does not hold messages")
    if len(messages) != count:
        raise TapeError(folder, f"{MESSAGES} holds {len(messages)} messages, tape.json says {count}")
    return messages
