"""The seam between an importer and the tape writer.

An importer knows one format. It reads its files once, in order and in bounded memory, and yields
batches of `ROW`. Ticks, lots, slots, validation, checkpoints and atomic writing are not its business:
`core.tape.writer` does them for all formats alike.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.enums import Depth


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about a source; None where the source should know."""

    symbol: str | None = None
    venue: str | None = None
    date: str | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None
    alone: bool = False  #: only the files named, not what belongs to them and stands beside them


@dataclass(slots=True)
class SourceFacts:
    """What a source says about itself. Settled before the first batch is yielded."""

    symbol: str
    venue: str
    date: str
    depth: Depth
    price_unit: Decimal  #: natural price of 1 in `ROW.price`
    qty_unit: Decimal  #: natural quantity of 1 in `ROW.qty`
    usual_tick: Decimal | None = None  #: the venue's tick; a finer one is taken if prices need it
    usual_lot: Decimal | None = None
    timezone: str = "UTC"
    window: int = 0  #: levels of the reconciled window (`Depth.WINDOW`)
    notes: dict[str, str] = field(default_factory=dict)  #: goes to tape.json as is


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows and, for windowed sources, the book the source states after each of them."""

    rows: NDArray[np.void]  #: ROW, shape (n,)
    window: NDArray[np.int64] | None = None
    #: shape (n, levels * 4): ask price, ask qty, bid price, bid qty per level; qty 0 = no such level


class Source(Protocol):
    """An opened source."""

    info: SourceFacts
    paths: Sequence[Path]
    skipped: Counter[str]  #: source rows without effect on the tape, by kind; complete after `batches`

    def batches(self) -> Iterator[Batch]:
        """Rows in source order. Raises `FeedError` naming file, row and reason."""

    def progress(self) -> float:
        """Share of the source bytes read so far, 0 to 1."""


class Feed(Protocol):
    """One format, registered under the entry-point group `tapedeck.feeds`."""

    name: str
    summary: str  #: one line for help texts

    def matches(self, path: Path) -> bool:
        """Whether the file looks like this format, by name and first bytes."""

    def open(self, paths: Sequence[Path], options: Options) -> Source:
        """Open files given in time order. Raises `FeedError`."""
