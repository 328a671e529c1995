"""Prove a tape: files intact, replay as imported, and the book equal to what somebody else published."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book
from core.enums import Result
from core.errors import FeedError, TapeError
from core.tape.folder import MESSAGES
from core.tape.marks import SPACING, tally
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape


@dataclass(slots=True)
class Integrity:
    """What replaying the whole tape found."""

    messages: int
    results: dict[str, int]
    crossed_events: int
    locked_events: int
    checkpoints: int
    problems: list[str] = field(default_factory=list)


def verify(tape: Tape) -> Integrity:
    """Digest, structure, counts, and every checkpoint against a replay from the start."""
    digest = hashlib.sha256()
    with (tape.folder / MESSAGES).open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    meta, problems = tape.meta, []
    if digest.hexdigest() != meta.messages_sha256:
        problems.append("messages.npy is not the file that was imported (sha256 differs)")
    book, at, totals = tape.new_book(), 0, np.array([-(2**63), 0, 0], np.int64)
    for number in range(len(tape.marks)):
        index = int(tape.marks.head[number, 0])
        for stop in (*range(at + SPACING, index, SPACING), index):
            book.apply(tape.messages, at, stop)
            tally(tape.messages, at, stop, totals)
            at = stop
        try:
            place = tape.at(at)
        except TapeError as error:
            problems.append(error.reason)
            continue
        if not same_book(book, place.book) or tape.marks.head[number, 1:].tolist() != totals.tolist():
            problems.append(f"checkpoint {number} is not the book after {at} messages")
    book.apply(tape.messages, at)
    book.check()
    results = {Result(i).name.lower(): int(n) for i, n in enumerate(book.results) if n}
    for name, found, stated in (
        ("results", results, meta.results),
        ("crossed_events", book.crossed, meta.crossed_events),
        ("locked_events", book.locked, meta.locked_events),
    ):
        if found != stated:
            problems.append(f"replay gives {name} {found}, tape.json says {stated}")
    return Integrity(len(tape.messages), results, book.crossed, book.locked, len(tape.marks), problems)


def same_book(one: Book, other: Book) -> bool:
    """Whether two books hold the same orders in the same order at the same prices, and have counted alike."""
    scalars = [(it.best(), it.orders, it.status, it.crossed, it.locked, it.results.tolist()) for it in (one, other)]
    if scalars[0] != scalars[1]:
        return False
    return list(_queues(one)) == list(_queues(other))


def _queues(book: Book) -> Iterator[tuple[int, int, int, list[tuple[int, int]]]]:
    levels = int(np.count_nonzero(book.state.levels["count"] + book.state.levels["anonymous"]))
    ask_price, ask_qty, bid_price, bid_qty = book.depth(levels)
    for side, prices, quantities in ((-1, ask_price, ask_qty), (1, bid_price, bid_qty)):
        for price in prices[quantities > 0]:
            yield side, int(price), book.anonymous(side, int(price)), book.queue(side, int(price))


@dataclass(slots=True)
class Comparison:
    """How often the replayed book equals a published one."""

    against: str
    rows: int = 0
    levels: int = 0
    equal: int = 0
    equal_prices: int = 0
    first_differences: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Rows equal in price and quantity at every level."""
        return self.equal / self.rows if self.rows else 0.0

    def add(self, first: int, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
        """Compare rows, shape (rows, 4, levels), natural units, nan = no such level."""
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        rows_equal = same.all(axis=(1, 2))
        self.rows += len(ours)
        self.levels = ours.shape[2]
        self.equal += int(rows_equal.sum())
        self.equal_prices += int(same[:, 0::2].all(axis=(1, 2)).sum())
        for row in np.flatnonzero(~rows_equal)[: 5 - len(self.first_differences)]:
            field_at, level = (int(x[0]) for x in np.nonzero(~same[row]))
            name = ("ask_price", "ask_qty", "bid_price", "bid_qty")[field_at]
            here, there = ours[row, field_at, level], theirs[row, field_at, level]
            self.first_differences.append(f"row {first + row}: {name}_{level + 1} is {here}, published {there}")


def natural(levels: NDArray[np.int64], tape: Tape) -> NDArray[np.float64]:
    """Book rows (rows, 4, n) in natural prices and quantities, nan where there is no level.

    Rounded to the decimals of tick and lot, so that equal decimals are equal floats.
    """
    instrument = tape.instrument
    out = levels.astype(np.float64)
    none = levels[:, 1::2] == 0
    out[:, 0::2] = np.round(out[:, 0::2] * float(instrument.tick), instrument.price_digits)
    out[:, 1::2] = np.round(out[:, 1::2] * float(instrument.lot), instrument.quantity_digits)
    out[:, 0::2][none] = np.nan
    out[:, 1::2][none] = np.nan
    return out


def compare(tape: Tape, published: Iterator[NDArray[np.float64]], levels: int, name: str) -> Comparison:
    """Compare every source row with `published`: chunks of (rows, 4, levels), natural units, nan = none.

    Raises `FeedError` when the published file has another number of rows.
    """
    result = Comparison(name)
    theirs: NDArray[np.float64] = np.zeros((0, 4, levels))
    for chunk in iter_book_rows(tape, levels):
        ours = natural(chunk.levels, tape)
        while len(theirs) < len(ours):
            more = next(published, None)
            if more is None:
                raise FeedError(name, f"ends after {chunk.first + len(theirs)} rows, the tape goes on")
            theirs = np.concatenate([theirs, more])
        result.add(chunk.first, ours, theirs[: len(ours)])
        theirs = theirs[len(ours) :]
    left = len(theirs) + sum(len(more) for more in published)
    if left:
        raise FeedError(name, f"has {left} rows more than the tape's {result.rows}")
    return result


def lobster_book(path: Path) -> tuple[Iterator[NDArray[np.float64]], int]:
    """A LOBSTER order book file (or the one inside a zip) as rows for `compare`, and its number of levels."""
    from core.feeds.lobster_books import published_books

    chunks = published_books(path)
    first = next(chunks, None)
    if first is None:
        raise FeedError(path, "is empty")

    def rows() -> Iterator[NDArray[np.float64]]:
        yield first
        yield from chunks

    return rows(), first.shape[2]
