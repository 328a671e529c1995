"""Write a tape: stream batches in, publish the folder in one rename, leave nothing half-made."""

import fcntl
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.book.book import Book, grown, with_slots
from core.enums import Action, Result
from core.errors import BookCorrupt, FeedError, TapeError
from core.feeds.files import file_sha256
from core.feeds.source import Batch, Options, Source
from core.records import MAX_QTY, MESSAGE, NO_PRICE
from core.tape.folder import MARKS, MESSAGES, META, SourceFile, TapeMeta, importer_field, write_meta
from core.tape.ids import new_ids, roomy
from core.tape.ingest import BACKWARDS, LATE_CLAMPED, STOP, STOP_PRICE, Ingest, ingest
from core.tape.marks import MarkWriter, mark_points, tally
from core.tape.publish import LOCK, fsync, part_of, publish, sweep
from core.tape.scale import Scale
from core.tape.window import ENTERED, LEFT, REPAIRED

#: Results of messages that say nothing about the market.
_UNUSABLE = (Result.BAD_ROW, Result.BAD_PRICE, Result.BAD_QTY, Result.BAD_SIDE, Result.BAD_ACTION, Result.BAD_SLOT)
_HEADER = 256  # bytes of the .npy header, padded so that the count can be written last
_OUT = 1 << 17  # messages per write
_NAMES = {int(action): action.name.lower() for action in Action}
_NO_WINDOW = np.zeros((0, 0), np.int64)


class TapeWriter:
    """Builds one tape in a hidden folder beside its target. Works within `with`; `finish` publishes."""

    def __init__(self, target: Path, source: Source, options: Options, force: bool = False) -> None:
        """Raises `TapeError` when the target exists (`force` replaces a tape, nothing else) or cannot be written."""
        self.target, self.source, self.force = target, source, force
        self.scale = Scale(source.info, options, ", ".join(str(p) for p in source.paths))
        self.part = part_of(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            sweep(target)
            if target.exists():
                if not force:
                    raise TapeError(target, "exists already; --force replaces it")
                if not (target / META).is_file():
                    raise TapeError(target, "is not a tape, so --force does not replace it")
        except OSError as error:
            raise _unwritable(target, error) from error
        self.count, self.rows = 0, 0
        self._low, self._high = 2**31, -(2**31)
        book = Book(0)
        counts, state = np.zeros(8, np.int64), np.zeros(8, np.int64)
        state[0] = -(2**63)
        self.job = Ingest(book.state, new_ids(), self.scale.array, counts, state)
        self._out = np.zeros(_OUT, MESSAGE)

    def append(self, batch: Batch) -> None:
        """Add consecutive source rows. Raises `FeedError`."""
        price_factor, qty_factor = self.scale.fit(batch)
        if price_factor != 1 or qty_factor != 1:
            self._rescale(price_factor, qty_factor)
        self.job = self.job._replace(scale=self.scale.array)
        self._make_room(batch)
        window = batch.window if batch.window is not None else _NO_WINDOW
        at, total = 0, len(batch.rows)
        while at < total:
            at, n = ingest(self.job, batch.rows, window, at, self._out)
            self._write(self._out[:n])
            if self.job.state[STOP] == Result.FULL:
                price = int(self.job.state[STOP_PRICE])
                pages = max(2, window.shape[1] // 2 + 2)
                self.job = self.job._replace(book=grown(self.job.book, price, pages))

    def _make_room(self, batch: Batch) -> None:
        """Slots and ids for every row of the batch, a grid for the prices of its window."""
        slots = int(self.job.ids.meta[1]) + len(batch.rows)
        have = self.job.book.orders.shape[0]
        book = with_slots(self.job.book, slots if slots <= have else max(slots, 2 * have))
        if batch.window is not None and batch.window.size:
            stated = batch.window[:, 0::2][batch.window[:, 1::2] > 0]
            most = int(batch.window[:, 1::2].max())
            if most * self.scale.qty.mul // max(self.scale.qty.div, 1) > MAX_QTY:
                raise FeedError(self.scale.source, f"quantity {most} of the book file does not fit a tape")
            for price in (stated.min(), stated.max()) if len(stated) else ():
                ticks = int(price) * self.scale.price.mul // max(self.scale.price.div, 1)
                if abs(ticks) >= 2**31:
                    raise FeedError(self.scale.source, f"price {price} of the book file does not fit a tape")
                entry = ticks // 64 - int(book.top[0]["base"])
                if not 0 <= entry < book.directory.shape[0]:
                    book = grown(book, ticks)
        self.job = self.job._replace(book=book, ids=roomy(self.job.ids, len(batch.rows)))

    def _write(self, messages: NDArray[np.void]) -> None:
        if not len(messages):
            return
        priced = messages["price"]
        real = priced[priced != NO_PRICE]
        if len(real):
            self._low, self._high = min(self._low, int(real.min())), max(self._high, int(real.max()))
        try:
            self._put(messages.view(np.uint8).data)
        except OSError as error:
            raise _unwritable(self.target, error) from error
        self.count += len(messages)

    def _put(self, data: bytes | memoryview) -> None:
        """Write everything: a full disk takes a part of it first and complains at the next attempt."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _rescale(self, price_factor: Fraction, qty_factor: Fraction) -> None:
        """Prices or quantities turned out finer than the first rows said: rewrite what stands."""
        if self.count:
            stored = np.memmap(self.part / MESSAGES, MESSAGE, "r+", _HEADER, (self.count,))
            for start in range(0, self.count, _OUT):
                _multiply(stored[start : start + _OUT], price_factor, qty_factor, self.scale.source)
            stored.flush()
            book = Book(self.job.book.orders.shape[0])
            book.apply(stored)
            self.job = self.job._replace(book=book.state)
            self._low, self._high = 2**31, -(2**31)
            for start in range(0, self.count, _OUT):
                priced = stored["price"][start : start + _OUT]
                real = priced[priced != NO_PRICE]
                if len(real):
                    self._low, self._high = min(self._low, int(real.min())), max(self._high, int(real.max()))

    def finish(self, sources: list[SourceFile]) -> TapeMeta:
        """Write checkpoints and description, then publish the folder. Raises `FeedError` for an empty source."""
        results = self.job.book.results
        if int(sum(results[code] for code in _UNUSABLE)) == self.count:
            raise FeedError(self.scale.source, f"holds no usable row ({self.count} were read)")
        try:
            self._file.seek(0)
            self._put(_npy_header(self.count))
            os.fsync(self._file.fileno())
            self._file.close()
            messages = np.load(self.part / MESSAGES, mmap_mode="r", allow_pickle=False)
            meta = self._describe(messages, sources)
            write_meta(self.part, meta)
            for name in (META, MARKS):
                fsync(self.part / name)
            publish(self.part, self.target, self.force)
        except OSError as error:
            raise _unwritable(self.target, error) from error
        return meta

    def _describe(self, messages: NDArray[np.void], sources: list[SourceFile]) -> TapeMeta:
        """Replay what was written: checkpoints, counts, and proof that replay agrees with the import."""
        low, high = (self._low, self._high) if self._low <= self._high else (0, 0)
        job, info = self.job, self.source.info
        # Room for the prices, not for the pages: how many are needed shows.
        book = Book(int(job.ids.meta[1]), low, high, 64)
        totals = np.array([-(2**63), 0, 0], np.int64)
        rows, done = 0, 0
        actions: Counter[int] = Counter()
        pool = ThreadPoolExecutor(max_workers=1)
        digest = pool.submit(file_sha256, self.part / MESSAGES)
        with MarkWriter(self.part / MARKS) as marks:
            for at in mark_points(book, messages):
                chunk = messages[done:at]
                tally(messages, done, at, totals)
                for code, n in enumerate(np.bincount(chunk["action"], minlength=1)):
                    actions[code] += int(n)
                rows += int(np.count_nonzero(chunk["flags"] & 1))
                marks.add(book, at, int(totals[0]), int(totals[1]), int(totals[2]))
                done = at
        pool.shutdown()
        if not np.array_equal(book.results, job.book.results) or book.orders != int(job.book.top[0]["orders"]):
            raise BookCorrupt("replaying the tape does not give the book of the import")
        results = {Result(i).name.lower(): int(n) for i, n in enumerate(book.results) if n}
        unknown = int(book.results[Result.UNKNOWN_ORDER] + book.results[Result.FROM_ANONYMOUS])
        counts = job.counts
        return TapeMeta(
            symbol=info.symbol,
            venue=info.venue,
            date=info.date,
            timezone=info.timezone,
            tick_size=f"{self.scale.tick:f}",
            lot_size=f"{self.scale.lot:f}",
            depth_model=info.depth.name.lower(),
            window=info.window,
            messages=self.count,
            source_rows=rows,
            first_ts=int(messages["ts_event"][0]),
            last_ts=int(totals[0]),
            low_price=low,
            high_price=high,
            slots=int(job.ids.meta[1]),
            pages=book.state.home.shape[0],
            unknown_references=unknown,
            crossed_events=book.crossed,
            locked_events=book.locked,
            results=results,
            actions={_NAMES.get(code, f"unknown_{code}"): n for code, n in sorted(actions.items()) if code and n},
            implied={"entered": int(counts[ENTERED]), "left": int(counts[LEFT]), "repaired": int(counts[REPAIRED])},
            skipped={k: n for k, n in sorted((self.source.skipped + Counter(self.scale.strange)).items()) if n},
            repaired={
                k: n
                for k, n in (("time_backwards", int(counts[BACKWARDS])), ("recv_clamped", int(counts[LATE_CLAMPED])))
                if n
            },
            prints=int(totals[1]),
            volume=int(totals[2]),
            importer=importer_field(type(self.source).__module__.rsplit(".", 1)[-1]),
            notes=dict(info.notes),
            sources=sources,
            messages_sha256=digest.result(),
        )

    def __enter__(self) -> "TapeWriter":
        try:
            self.part.mkdir()
        except OSError as error:
            raise _unwritable(self.target, error) from error
        try:
            self._lock = (self.part / LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._file: BinaryIO = (self.part / MESSAGES).open("w+b", buffering=0)
            self._put(_npy_header(0))
        except BaseException as error:
            shutil.rmtree(self.part, ignore_errors=True)
            if isinstance(error, OSError):
                raise _unwritable(self.target, error) from error
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.close()
        shutil.rmtree(self.part, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> TapeError:
    return TapeError(target, f"cannot write there: {error.strerror or error}")


def _multiply(messages: NDArray[np.void], price_factor: Fraction, qty_factor: Fraction, source: str) -> None:
    """Scale written messages in place. What stands between ticks are trades: their part goes to the slot."""
    priced = messages["price"] != NO_PRICE
    trade = (messages["action"] == Action.TRADE) & priced
    price, rest = np.divmod(messages["price"].astype(np.int64) * price_factor.numerator, price_factor.denominator)
    part = messages["slot"].astype(np.int64) * price_factor.numerator + rest * 1_000_000
    part //= price_factor.denominator
    price[trade] += part[trade] // 1_000_000
    if len(price) and np.abs(price[priced]).max(initial=0) >= 2**31:
        raise FeedError(source, "its prices span too many ticks; give a coarser --tick")
    messages["price"][priced] = price[priced]
    messages["slot"][trade] = part[trade] % 1_000_000
    sized = (messages["action"] != Action.STATUS) & (messages["qty"] > 0)
    # MAX_QTY + 1 stands for "more than a book can hold": it must stay out of range, not wrap.
    messages["qty"][sized] = np.minimum(messages["qty"][sized], MAX_QTY + 1) * int(qty_factor)


def _npy_header(count: int) -> bytes:
    text = repr({"descr": MESSAGE.descr, "fortran_order": False, "shape": (count,)})
    return b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + text.ljust(_HEADER - 11).encode() + b"\n"
