"""The book after every source row: the table that `tape book` writes and `tape check` compares."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.book.kernels import apply_one, judge
from core.book.state import BookState
from core.book.view import depth
from core.enums import Flag, Result
from core.jit import kernel
from core.tape.tape import Tape

_ROW_END, _EVENT_END = int(Flag.ROW_END), int(Flag.EVENT_END)
_FULL = int(Result.FULL)
_CHUNK = 1 << 16


@kernel
def book_rows(
    book: BookState,
    messages: NDArray[np.void],
    start: int,
    stop: int,
    ts: NDArray[np.int64],
    levels: NDArray[np.int64],
) -> tuple[int, int]:
    """Apply `messages[start:stop]`, writing the book at each end of a source row.

    `ts`: (rows,) ns UTC of the row's last message; `levels`: (rows, 4, n) ask price, ask qty, bid price,
    bid qty in ticks and lots, qty 0 = no such level. Returns the next message and the rows written; it stops
    when the output is full or the book must grow.
    """
    n = 0
    for i in range(start, stop):
        if n == ts.shape[0]:
            return i, n
        message = messages[i]
        flags = message["flags"]
        code = apply_one(
            book,
            message["action"],
            message["side"],
            flags,
            message["slot"],
            message["order_id"],
            message["qty"],
            message["price"],
        )
        if code == _FULL:
            return i, n
        if code != 0:
            book.results[code] += 1
        if flags & _EVENT_END:
            judge(book)
        if flags & _ROW_END:
            depth(book, levels[n])
            ts[n] = message["ts_event"]
            n += 1
    return stop, n


@dataclass(frozen=True, slots=True)
class BookRows:
    """Consecutive source rows and the book after each of them."""

    first: int  #: source row of index 0
    ts_event: NDArray[np.int64]  #: ns UTC, shape (rows,)
    levels: NDArray[np.int64]  #: (rows, 4, n): ask price, ask qty, bid price, bid qty; ticks and lots


def iter_book_rows(tape: Tape, levels: int, chunk: int = _CHUNK) -> Iterator[BookRows]:
    """The book after every source row of a tape, in chunks of at most `chunk` rows; memory is bounded."""
    book, at, first, total = tape.new_book(), 0, 0, len(tape.messages)
    while at < total:
        ts, out = np.zeros(chunk, np.int64), np.zeros((chunk, 4, levels), np.int64)
        at, n = book_rows(book.state, tape.messages, at, total, ts, out)
        if n:
            yield BookRows(first, ts[:n], out[:n])
            first += n
        if at < total and n < chunk:
            book.grow(int(tape.messages[at]["price"]))
