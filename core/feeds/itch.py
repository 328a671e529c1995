"""NASDAQ TotalView-ITCH 5.0: binary files of length-prefixed messages, plain, gzip or zstd."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date as Date
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.enums import Depth, Status
from core.errors import FeedError
from core.feeds import itch_frames as frames
from core.feeds.files import ByteSource
from core.feeds.itch_kernels import decode
from core.feeds.itch_stocks import choose, new_counts, new_state, sound, word
from core.feeds.source import Batch, Options, SourceFacts
from core.feeds.window import ByteWindow, share_read
from core.records import ROW

TIMEZONE = "America/New_York"
#: From this day on the Buy/Sell indicator of a non-cross trade is B whatever rested.
SIDELESS_DAY = "2014-07-14"
_ROWS = 1 << 18  # rows per batch
_STRIDE = 1 << 26  # bytes after which a small batch is handed out, so that a caller can show progress
_BY_TYPE = {frames.IGNORED: "ignored", frames.WRONG_LENGTH: "wrong_length", frames.UNKNOWN_TYPE: "unknown_type"}
_SKIPS = {
    frames.OTHER_SYMBOL: "other_symbol",
    frames.EMPTY: "empty_message",
    frames.LOST_BYTES: "lost_bytes",
    frames.BAD_TIME: "bad_time",
    frames.BROKEN_TRADE: "broken_trade",
    frames.STOCK_MISMATCH: "stock_mismatch",
    frames.EMPTY_CROSS: "empty_cross",
}
_ISO = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.](\d\d)[-_.](\d\d)(?!\d)")
_EIGHT = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_SIX = re.compile(r"(?<![A-Za-z\d])S(\d{6})(?!\d)")


def date_in_name(name: str) -> str | None:
    """ISO date in a file name: 2019-01-30, 20190130, 01302019 or, as NASDAQ names its files, S013019."""
    found = ["".join(parts) for parts in _ISO.findall(name)] + _EIGHT.findall(name)
    found += [f"{text[:4]}20{text[4:]}" for text in _SIX.findall(name)]
    for text in found:
        for year, month, day in ((text[:4], text[4:6], text[6:]), (text[4:], text[:2], text[2:4])):
            try:
                if 1990 <= int(year) < 2100:
                    return Date(int(year), int(month), int(day)).isoformat()
            except ValueError:
                continue
    return None


def midnight_ns(day: str) -> int:
    """Ns UTC of local midnight in New York on an ISO date. Raises ValueError."""
    local = datetime.combine(Date.fromisoformat(day), time(), ZoneInfo(TIMEZONE))
    return int(local.timestamp()) * 1_000_000_000


def _letter(code: int) -> str:
    return chr(code) if 33 <= code < 127 else f"0x{code:02x}"


class ItchSource:
    """The messages of one stock; the messages of all others are in `skipped`."""

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        if not paths:
            raise FeedError("itch", "no file given")
        self.paths: Sequence[Path] = list(paths)
        self.skipped: Counter[str] = Counter()
        self._state, self._counts = new_state(), new_counts()
        self._done = 0
        self._window: ByteWindow | None = None
        date = self._date(options.date)
        choice = choose(self.paths, options.symbol)
        state = self._state
        state["symbol"], state["locate"], state["alone"] = word(choice.symbol), choice.locate, choice.alone
        state["midnight"] = state["last_ts"] = midnight_ns(date)
        state["status"], state["sided"] = int(Status.TRADING), date < SIDELESS_DAY
        notes = {"stock_locate": str(choice.locate)}
        if choice.unprefixed:
            notes["framing"] = "length prefixes are zero: lengths taken from the message types"
        self.info = SourceFacts(
            symbol=choice.symbol,
            venue=options.venue or _venue(self.paths[0].name),
            date=date,
            depth=Depth.ORDERS,
            price_unit=Decimal("0.0001"),
            qty_unit=Decimal(1),
            usual_tick=Decimal("0.01"),
            usual_lot=Decimal(1),
            timezone=TIMEZONE,
            notes=notes,
        )

    def _date(self, given: str | None) -> str:
        """Trading date: what the user says, or the one in the file names."""
        if given is not None:
            try:
                return Date.fromisoformat(given).isoformat()
            except ValueError as error:
                raise FeedError(self.paths[0], f"date {given!r} is not a date like 2019-01-30") from error
        dates = {path: date for path in self.paths if (date := date_in_name(path.name))}
        if not dates:
            raise FeedError(self.paths[0], "ITCH times have no date and the file name has none: give it with --date")
        days = sorted(set(dates.values()))
        if len(days) > 1:
            raise FeedError(self.paths[0], f"the files are of different days ({', '.join(days)}); a tape holds one")
        return days[0]

    @property
    def messages(self) -> int:
        """Messages met so far, usable or not."""
        return int(self._state["messages"][0])

    def progress(self) -> float:
        """Share of the source bytes read so far, 0 to 1."""
        return share_read(self.paths, self._done, self._window)

    def batches(self) -> Iterator[Batch]:
        """Rows of the chosen stock. `source_row` is the ordinal among all messages of all files."""
        for path in self.paths:
            before = sound(self._state, self._counts)
            with ByteWindow(path) as self._window:
                yield from self._file(path, self._window)
            self._window = None
            self._done += 1
            if sound(self._state, self._counts) == before:
                raise FeedError(path, "no ITCH 5.0 message found", self.messages)
        self._count()

    def _file(self, path: Path, window: ByteWindow) -> Iterator[Batch]:
        rows, n, yielded = np.zeros(_ROWS, ROW), 0, 0
        while window.fill():
            while True:
                window.at, more = decode(
                    window.data, window.at, window.stop, window.final, self._state, self._counts, rows[n:]
                )
                n += more
                if self._state["second"][0] >= 0:
                    raise FeedError(path, "more than one stock has orders: choose one with --symbol", self.messages - 1)
                if n < _ROWS:
                    break
                yield Batch(rows)
                rows, n, yielded = np.zeros(_ROWS, ROW), 0, window.taken
            if n and window.taken - yielded >= _STRIDE:
                yield Batch(rows[:n])
                rows, n, yielded = np.zeros(_ROWS, ROW), 0, window.taken
        if n:
            yield Batch(rows[:n])
        self._leave(window)

    def _leave(self, window: ByteWindow) -> None:
        """Account for the bytes behind the last whole message."""
        self._state["framing"] = 0
        rest = bytes(window.data[window.at : window.stop])
        if rest == b"\0\0":
            return  # the end-of-session mark of NASDAQ's files
        if self._state["lost"][0]:
            self._counts[frames.OTHER, frames.LOST_BYTES] += len(rest)
        elif rest:
            self.skipped["truncated_bytes"] += len(rest)
        self._state["lost"] = 0

    def _count(self) -> None:
        for row, kind in _BY_TYPE.items():
            for code in np.flatnonzero(self._counts[row]):
                self.skipped[f"{kind}_{_letter(int(code))}"] += int(self._counts[row, code])
        for column, kind in _SKIPS.items():
            if count := int(self._counts[frames.OTHER, column]):
                self.skipped[kind] += count


def _venue(name: str) -> str:
    """MIC of the exchange: NASDAQ publishes the same format for its markets BX and PSX."""
    upper = name.upper()
    if re.search(r"(?<![A-Z])PSX(?![A-Z])", upper):
        return "XPSX"
    return "XBOS" if re.search(r"(?<![A-Z])BX(?![A-Z])", upper) else "XNAS"


class ItchFeed:
    """NASDAQ ITCH 5.0 files."""

    name = "itch"
    summary = "NASDAQ TotalView-ITCH 5.0 binary (plain, .gz, .zst); order by order"

    def matches(self, path: Path) -> bool:
        """Whether the first bytes are ITCH messages."""
        try:
            with ByteSource(path) as source:
                head = source.read(1 << 12)
        except FeedError:
            return False
        return _starts_sound(np.frombuffer(head, np.uint8).copy())

    def open(self, paths: Sequence[Path], options: Options) -> ItchSource:
        """The messages of `options.symbol`, or of the only stock with orders. Raises `FeedError`."""
        return ItchSource(paths, options)


def _starts_sound(data: NDArray[np.uint8]) -> bool:
    """Whether the first messages of `data` follow the specification."""
    state, counts = new_state(), new_counts()
    at = 0
    for _ in range(4):
        start, size = frames.frame(data, at, len(data), True, state[0], counts)
        if size == 0:
            return at > 0 and counts[: frames.OTHER].sum() == 0
        if start != at + 2 or counts[: frames.OTHER].any():
            return False
        at = start + size
    return True


FEED = ItchFeed()
