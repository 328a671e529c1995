"""Delimited text as columns of cells: where each cell stands, and integers and words parsed from them.

A row is a line; a cell may stand in double quotes, in which the delimiter is plain text. Blank lines are
no rows.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import FeedError
from core.feeds.decimal_kernels import EMPTY, GOOD, MALFORMED, is_empty
from core.feeds.decimals import Decimals
from core.feeds.files import ByteSource, line_blocks
from core.jit import kernel

_ZERO, _NINE, _POINT, _MINUS = ord("0"), ord("9"), ord("."), ord("-")
_QUOTE, _COMMA, _NEWLINE, _RETURN = ord('"'), ord(","), ord("\n"), ord("\r")
_SPACE, _TAB = ord(" "), ord("\t")
_HEADER_BYTES = 1 << 16


@kernel
def split(
    text: NDArray[np.uint8],
    slots: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    fields: NDArray[np.int64],
) -> tuple[int, int]:
    """Find the cells of every line of `text`.

    `slots`: for each column of the file the row of `starts` and `stops` it goes to, -1 = not needed;
    `starts`, `stops`: (wanted columns, lines), trimmed of blanks and quotes; `fields`: cells on each line.
    Returns rows found and blank lines.
    """
    at, rows, blank, end = 0, 0, 0, text.shape[0]
    while at < end:
        stop = at
        while stop < end and text[stop] != _NEWLINE:
            stop += 1
        last = stop
        while last > at and _is_blank(text[last - 1]):
            last -= 1
        if last == at:
            blank += 1
        else:
            fields[rows] = _split_line(text, at, last, slots, starts, stops, rows)
            rows += 1
        at = stop + 1
    return rows, blank


@kernel
def _is_blank(char: int) -> bool:
    return char == _SPACE or char == _TAB or char == _RETURN


@kernel
def _split_line(
    text: NDArray[np.uint8],
    at: int,
    last: int,
    slots: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    row: int,
) -> int:
    for slot in range(starts.shape[0]):
        starts[slot, row], stops[slot, row] = at, at
    column = 0
    while True:
        while at < last and _is_blank(text[at]):
            at += 1
        quoted = at < last and text[at] == _QUOTE
        if quoted:
            at += 1
        start, mark = at, _QUOTE if quoted else _COMMA
        while at < last and text[at] != mark:
            at += 1
        stop = at
        while at < last and text[at] != _COMMA:
            at += 1
        while stop > start and _is_blank(text[stop - 1]):
            stop -= 1
        if column < slots.shape[0] and slots[column] >= 0:
            starts[slots[column], row], stops[slots[column], row] = start, stop
        column += 1
        if at >= last:
            return column
        at += 1


@kernel
def parse_ids(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    out: NDArray[np.uint64],
    codes: NDArray[np.uint8],
) -> None:
    """Unsigned integers up to 2**64 - 1; a tail of `.0` is taken, as frames with gaps write integers."""
    for i in range(starts.shape[0]):
        out[i] = np.uint64(0)
        at, stop = starts[i], stops[i]
        if is_empty(text, at, stop):
            codes[i] = EMPTY
            continue
        # Two halves, so that no product leaves its type.
        high, low, seen, wrong = np.int64(0), np.int64(0), 0, False
        first = at
        while at < stop and _ZERO <= text[at] <= _NINE:
            digit = np.int64(text[at]) - _ZERO
            if seen < 18:
                high = high * 10 + digit
            elif seen < 20:
                low = low * 10 + digit
            if seen > 0 or digit > 0:
                seen += 1
            at += 1
        wrong = at == first or seen > 20
        if at < stop and text[at] == _POINT:
            at += 1
            while at < stop and text[at] == _ZERO:
                at += 1
        if seen == 20 and (high > 184467440737095516 or (high == 184467440737095516 and low > 15)):
            wrong = True
        if wrong or at < stop:
            codes[i] = MALFORMED
            continue
        factor = 100 if seen == 20 else (10 if seen == 19 else 1)
        out[i] = np.uint64(high) * np.uint64(factor) + np.uint64(low)
        codes[i] = GOOD


@kernel
def parse_words(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    words: NDArray[np.uint8],
    values: NDArray[np.int64],
    out: NDArray[np.int64],
    codes: NDArray[np.uint8],
) -> None:
    """Words in any letter case: `words` (n, width) in lower case, zero padded; `values` (n,) what they mean."""
    for i in range(starts.shape[0]):
        length = stops[i] - starts[i]
        codes[i] = EMPTY if is_empty(text, starts[i], stops[i]) else MALFORMED
        out[i] = 0
        if length > words.shape[1]:
            continue
        for w in range(words.shape[0]):
            same = length > 0 and (length == words.shape[1] or words[w, length] == 0)
            for j in range(length):
                char = text[starts[i] + j]
                if ord("A") <= char <= ord("Z"):
                    char += 32
                if char != words[w, j]:
                    same = False
                    break
            if same:
                out[i], codes[i] = values[w], GOOD
                break


class Words:
    """A vocabulary for `parse_words`."""

    def __init__(self, meanings: dict[str, int]) -> None:
        encoded = [word.encode().lower() for word in meanings]
        self.table = np.zeros((len(encoded), max(map(len, encoded))), np.uint8)
        for row, word in enumerate(encoded):
            self.table[row, : len(word)] = list(word)
        self.values = np.array(list(meanings.values()), np.int64)


class Cells:
    """The cells of the wanted columns of one block of lines."""

    def __init__(self, block: bytes, slots: NDArray[np.int64], wanted: int) -> None:
        """`slots`: see `split`; `wanted`: number of columns wanted."""
        self.text = np.frombuffer(block, np.uint8)
        lines = block.count(b"\n") + 1
        starts, stops = np.empty((wanted, lines), np.int64), np.empty((wanted, lines), np.int64)
        fields = np.empty(lines, np.int64)
        self.rows, self.blank = split(self.text, slots, starts, stops, fields)
        self.starts, self.stops = starts[:, : self.rows], stops[:, : self.rows]
        self.fields = fields[: self.rows]

    def decimals(self, slot: int) -> Decimals:
        """A column of decimals."""
        return Decimals.parse(self.text, self.starts[slot], self.stops[slot])

    def ids(self, slot: int) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
        """Unsigned integers and codes of a column."""
        out, codes = np.empty(self.rows, np.uint64), np.empty(self.rows, np.uint8)
        parse_ids(self.text, self.starts[slot], self.stops[slot], out, codes)
        return out, codes

    def words(self, slot: int, words: Words) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Meanings and codes of a column."""
        out, codes = np.empty(self.rows, np.int64), np.empty(self.rows, np.uint8)
        parse_words(self.text, self.starts[slot], self.stops[slot], words.table, words.values, out, codes)
        return out, codes

    def text_of(self, slot: int, row: int) -> str:
        """One cell, for messages."""
        cell = self.text[self.starts[slot, row] : self.stops[slot, row]].tobytes()
        return cell[:40].decode("utf-8", "backslashreplace")


def header_of(line: bytes) -> list[str]:
    """Column names of a header line: lower case, no blanks or quotes."""
    text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return [name.strip().strip('"').strip().lower() for name in re.split(",", text.strip())]


def column_slots(source: object, header: list[str], wanted: dict[str, bool]) -> NDArray[np.int64]:
    """Slot of every column of the file: its place in `wanted` (name -> required), -1 for the others.

    Raises `FeedError` for a missing required column and for one that is there twice.
    """
    slots = np.full(len(header), -1, np.int64)
    for slot, (name, required) in enumerate(wanted.items()):
        found = [i for i, column in enumerate(header) if column == name]
        if len(found) > 1:
            raise FeedError(source, f"column {name} is there {len(found)} times")
        if found:
            slots[found[0]] = slot
        elif required:
            there = ", ".join(header[:20])
            raise FeedError(source, f"column {name} is missing (there are: {there[:300]})")
    return slots


def read_header(path: Path) -> list[str]:
    """Column names of a delimited file. Raises `FeedError`."""
    with ByteSource(path) as source:
        return header_of(source.read(_HEADER_BYTES).split(b"\n", 1)[0])


def body_blocks(path: Path, block: int = 1 << 23) -> Iterator[tuple[bytes, float]]:
    """Blocks of whole lines after the header, and the share of the file read. Raises `FeedError`."""
    with ByteSource(path) as source:
        blocks = line_blocks(source, block)
        yield next(blocks, b"").partition(b"\n")[2], source.progress()
        for text in blocks:
            yield text, source.progress()
