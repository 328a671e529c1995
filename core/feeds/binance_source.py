"""An opened Binance capture: its lines become rows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag
from core.errors import FeedError, SnapshotMissing
from core.feeds.binance_lines import Block, Kind, Line, parse_block
from core.feeds.binance_plan import Plan
from core.feeds.binance_survey import Survey
from core.feeds.binance_sync import Diff, Fate, Levels, Sync
from core.feeds.decimals import GOOD, Decimals, price_decimals, quantity_decimals, unit
from core.feeds.events import date_of
from core.feeds.files import ByteSource, line_blocks
from core.feeds.source import Batch, Options, SourceFacts

_BLOCK = 1 << 22
_SNAPSHOT, _BAD = int(Flag.SNAPSHOT), int(Flag.BAD)
_LEVEL, _CLEAR, _TRADE, _STATUS = int(Action.LEVEL), int(Action.CLEAR), int(Action.TRADE), int(Action.STATUS)


@dataclass(slots=True)
class Trace:
    """What `book_tickers` wants to know of a reading: bookTickers met, and which rows left a book in step."""

    tickers: list[tuple[int, ...]] = field(default_factory=list)
    states: list[tuple[int, int]] = field(default_factory=list)


class BinanceSource:
    """An opened capture: surveyed once, then read line by line."""

    def __init__(self, paths: Sequence[Path], options: Options, trace: Trace | None = None) -> None:
        if not paths:
            raise FeedError("binance", "no file given")
        self.paths: Sequence[Path] = list(paths)
        self.skipped: Counter[str] = Counter()
        self._share, self._trace = 0.0, trace
        survey = self._survey = Survey(paths, options.symbol)
        self._price = price_decimals(survey.book, survey.prints, options.tick)
        self._qty = quantity_decimals(survey.quantities, options.lot)
        self.info = SourceFacts(
            symbol=survey.symbol,
            venue=options.venue or survey.venue,
            date=options.date or date_of(survey.clock),
            depth=Depth.LEVELS,
            price_unit=unit(self._price),
            qty_unit=unit(self._qty),
        )
        if survey.venue == "BINANCE-COINM":
            self.info.notes["qty"] = "contracts"
        self._sync = Sync()
        self._clock, self._row, self._unlabelled = survey.clock, 0, False

    def progress(self) -> float:
        """Share of the source bytes read so far, 0 to 1."""
        return self._share

    def batches(self) -> Iterator[Batch]:
        """Rows in source order. Raises `SnapshotMissing` at the end when no snapshot ever joined the diffs."""
        self.skipped.clear()
        self._sync, self._clock, self._row = Sync(), self._survey.clock, 0
        joined = False
        for number, path in enumerate(self.paths):
            with ByteSource(path) as source:
                first = self._row
                for text in line_blocks(source, _BLOCK):
                    rows = self._batch(parse_block(text, self._trace is not None), path, first)
                    joined = joined or bool((rows["flags"] & _SNAPSHOT).any())
                    self._share = (number + source.progress()) / len(self.paths)
                    if len(rows):
                        yield Batch(rows)
        for kind, n in (("sequence_gaps", self._sync.gaps), ("overlapping_diffs", self._sync.overlaps)):
            if n:
                self.skipped[kind] = n
        if not joined:
            raise SnapshotMissing(self.paths[0], "no snapshot of the capture joins its depth diffs")
        self._share = 1.0

    def _batch(self, block: Block, path: Path, first: int) -> NDArray[np.void]:
        levels, bad = self._levels(block)
        plan = Plan.over(levels)
        if block.blank:
            self.skipped["blank_lines"] += block.blank
        for i, line in enumerate(block.lines):
            if line.symbol is not None and line.symbol != self.info.symbol and line.kind != Kind.BAD:
                self._skip("other_symbol")
                continue
            if line.kind == Kind.BAD or (bad is not None and bad[i]):
                kind = "bad_line" if line.kind == Kind.BAD else "bad_number"
                self._note(kind, f"{path.name}, line {self._row - first}")
                plan.add(_STATUS, _BAD, self._clock, line, self._row)
            else:
                self._line(plan, levels, line)
            self._row += 1
        return plan.rows()

    def _levels(self, block: Block) -> tuple[Levels, NDArray[np.bool_] | None]:
        """Numbers of a block in units, and which lines hold one that is none (None: no line does)."""
        prices, quantities = Decimals.of_texts(block.prices), Decimals.of_texts(block.quantities)
        levels = Levels(prices.units(self._price), quantities.units(self._qty), np.array(block.sides, np.int64))
        wrong = np.flatnonzero((prices.codes != GOOD) | (quantities.codes != GOOD) | (levels.qty < 0))
        if not len(wrong):
            return levels, None
        bad = np.zeros(len(block.lines), np.bool_)
        stops = np.array([line.stop for line in block.lines])
        bad[np.searchsorted(stops, wrong, "right")] = True
        return levels, bad

    def _line(self, plan: Plan, levels: Levels, line: Line) -> None:
        """Plan the rows of a good line."""
        if line.ts is not None:
            self._clock = line.ts
        row, ts = self._row, self._clock
        if line.kind == Kind.DIFF:
            self._diff(plan, levels, line)
        elif line.kind == Kind.SNAPSHOT:
            self._snapshot(plan, line)
        elif line.kind == Kind.TRADE and (line.label == "trade" or not self._survey.trades):
            plan.add(_TRADE, 0, ts, line, row, (line.start, line.stop))
        else:
            if self._trace is not None and line.kind == Kind.TICKER:
                bid, ask = line.start, line.start + 1
                quote = (levels.price[bid], levels.qty[bid], levels.price[ask], levels.qty[ask])
                self._trace.tickers.append((row, line.final, *map(int, quote)))
            self._skip(line.label)
            plan.add(_STATUS, 0, ts, line, row)

    def _diff(self, plan: Plan, levels: Levels, line: Line) -> None:
        row, ts = self._row, self._clock
        diff = Diff(line.first, line.final, line.previous, ts, levels, line.start, line.stop)
        fate = self._sync.diff(diff)
        if fate is Fate.APPLY:
            self._reached(row)
            if line.stop > line.start:
                plan.add_diff(diff, line, row)
                return
            self._skip("empty_diff")
        elif fate is Fate.GAP:
            self._note("diffs_without_book", f"gap at line {row}")
            plan.add(_CLEAR, 0, ts, line, row)
            return
        else:
            self._skip("old_diffs" if fate is Fate.OLD else "diffs_without_book")
        plan.add(_STATUS, 0, ts, line, row)

    def _snapshot(self, plan: Plan, line: Line) -> None:
        row, ts = self._row, self._clock
        waiting = self._sync.last is None
        chain = self._sync.snapshot(line.final)
        if chain is None:
            self._skip("snapshot_too_old")
            plan.add(_STATUS, 0, ts, line, row)
            return
        plan.add(_CLEAR, _SNAPSHOT, ts, line, row)
        if line.stop > line.start:
            plan.add(_LEVEL, _SNAPSHOT, ts, line, row, (line.start, line.stop))
        for diff in chain:
            plan.add_diff(diff, line, row)
        if waiting:
            # Those were not lost after all: this row applies them.
            self.skipped["diffs_without_book"] -= len(chain)
            self.skipped += Counter()
        self._reached(row)

    def _reached(self, row: int) -> None:
        if self._trace is not None and self._sync.last is not None:
            self._trace.states.append((row, self._sync.last))

    def _skip(self, kind: str) -> None:
        self.skipped[kind] += 1

    def _note(self, kind: str, text: str) -> None:
        self.info.notes.setdefault(kind, text)
        self.skipped[kind] += 1
