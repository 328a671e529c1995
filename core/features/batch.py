"""The features of a whole tape, by the same kernels that stream them."""

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book
from core.book.kernels import apply_one, judge
from core.book.state import BookState
from core.enums import Flag, Result
from core.features.flow import Flow, follow, new_flow
from core.features.observe import observe
from core.features.spec import SPEC
from core.jit import kernel
from core.records import VIEW
from core.tape.tape import Tape

_EVENT_END, _FULL = int(Flag.EVENT_END), int(Result.FULL)


@kernel
def advance(
    flow: Flow, book: BookState, messages: NDArray[np.void], start: int, stop: int, until: int
) -> tuple[int, bool]:
    """Apply and follow `messages[start:stop]` (MESSAGE) up to the first one later than `until` (ns UTC).

    Returns the next index, and whether the book must grow first.
    """
    for i in range(start, stop):
        message = messages[i]
        if message["ts_event"] > until:
            return i, False
        flags, action = message["flags"], message["action"]
        side, qty = np.int64(message["side"]), message["qty"]
        code = apply_one(
            book, action, side, flags, message["slot"], message["order_id"], qty, message["price"]
        )  # fmt: skip
        if code != 0:
            if code == _FULL:
                return i, True
            book.results[code] += 1
        if flags & _EVENT_END:
            judge(book)
        follow(flow, book, message["ts_event"], action, side, flags, qty)
    return stop, False


@kernel
def advance_all(
    flow: Flow,
    book: BookState,
    messages: NDArray[np.void],
    at: int,
    views: NDArray[np.void],
    row: int,
    out: NDArray[np.float32],
) -> tuple[int, int]:
    """Rows `row` on of `out` at the times of `views` (VIEW). Returns the next message and the next row."""
    while row < views.shape[0]:
        at, full = advance(flow, book, messages, at, messages.shape[0], views[row]["now"])
        if full:
            break
        observe(flow, book, views[row], out[row])
        row += 1
    return at, row


def rows(messages: NDArray[np.void], book: Book, views: NDArray[np.void]) -> NDArray[np.float32]:
    """Feature rows at the times of `views` (VIEW, shape (n,)), shape (n, len(SPEC)); `book` is empty and is used up.

    Raises `ValueError` when the times go back.
    """
    if np.any(np.diff(views["now"]) < 0):
        raise ValueError("the times of feature rows must not go back")
    out = np.zeros((len(views), len(SPEC)), np.float32)
    flow, at, row = new_flow(), 0, 0
    while row < len(views):
        at, row = advance_all(flow, book.state, messages, at, views, row, out)
        if row < len(views):
            book.grow(int(messages[at]["price"]))
    return out


def batch(tape: Tape, times: NDArray[np.int64], views: NDArray[np.void] | None = None) -> NDArray[np.float32]:
    """Feature rows of a tape at `times` (ns UTC, not going back, shape (n,)), shape (n, len(SPEC)).

    A row sees the messages before the first that is later than its time. `views`: VIEW records whose parent
    orders are shown, shape (n,); without them there is none. Raises `ValueError` when the times go back.
    """
    shown = np.zeros(len(times), VIEW) if views is None else views.copy()
    shown["now"] = times
    return rows(tape.messages, tape.new_book(), shown)
