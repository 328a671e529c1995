"""The tape folder on disk: what its files are called, what `tape.json` holds, and how it is checked.

A tape comes from anywhere: every number in it is checked before anything is allocated or mapped.
"""

import json
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from core.enums import Depth
from core.errors import TapeError
from core.instrument import Instrument

FORMAT, VERSION = "tapedeck.tape", 1
META, MESSAGES, MARKS = "tape.json", "messages.npy", "marks.npz"
_MAX_SLOTS = 2**28


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that the tape was made from."""

    name: str
    bytes: int
    sha256: str


@dataclass(slots=True)
class TapeMeta:
    """Everything `tape.json` says. Prices in ticks, quantities in lots, times in ns UTC."""

    symbol: str
    venue: str
    date: str
    timezone: str
    tick_size: str  #: decimal, natural price of one tick
    lot_size: str
    depth_model: str  #: orders, window or levels (`Depth`)
    window: int  #: levels of a window tape, 0 otherwise
    messages: int
    source_rows: int
    first_ts: int
    last_ts: int
    low_price: int  #: lowest and highest price of any message
    high_price: int
    slots: int  #: order slots in use
    pages: int  #: level pages needed
    unknown_references: int  #: messages about orders that are not on the book
    crossed_events: int  #: events that left the best bid above the best ask
    locked_events: int
    results: dict[str, int]  #: messages by result code other than ok
    actions: dict[str, int]  #: messages by action
    implied: dict[str, int]  #: levels that entered, left and were repaired by reconciliation
    skipped: dict[str, int]  #: source rows without effect, by kind
    repaired: dict[str, int]  #: rows whose values had to be changed, by kind
    prints: int
    volume: int
    importer: str  #: format and version
    notes: dict[str, str]
    sources: list[SourceFile]
    messages_sha256: str
    format: str = FORMAT
    version: int = VERSION

    @property
    def instrument(self) -> Instrument:
        """The tape's instrument."""
        return Instrument(
            self.symbol, self.venue, self.date, Decimal(self.tick_size), Decimal(self.lot_size), self.timezone
        )

    @property
    def depth(self) -> Depth:
        """The depth model."""
        return Depth[self.depth_model.upper()]


def write_meta(folder: Path, meta: TapeMeta) -> None:
    """Write `tape.json`."""
    (folder / META).write_text(json.dumps(asdict(meta), indent=2) + "\n", encoding="utf-8")


def read_meta(folder: Path) -> TapeMeta:
    """Read and check `tape.json`. Raises `TapeError`."""
    if not folder.exists():
        raise TapeError(folder, "no such tape")
    path = folder / META
    if not path.is_file():
        raise TapeError(folder, f"not a tape: {META} is missing")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError) as error:
        raise TapeError(folder, f"{META} is damaged: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise TapeError(folder, f"{META} does not describe a tape")
    if found.get("version") != VERSION:
        raise TapeError(folder, f"tape version {found.get('version')} is not {VERSION}; import its sources again")
    return _checked(folder, found)


def _checked(folder: Path, found: dict[str, Any]) -> TapeMeta:
    known = {f.name: f for f in fields(TapeMeta)}
    missing, extra = sorted(known.keys() - found.keys()), sorted(found.keys() - known.keys())
    if missing or extra:
        raise TapeError(folder, f"{META}: " + ", ".join([f"no {k}" for k in missing] + [f"unknown {k}" for k in extra]))
    kinds: dict[Any, Any] = {int: int, str: str, dict[str, int]: dict, dict[str, str]: dict}
    for name, spec in known.items():
        kind = kinds.get(spec.type, list)
        if not isinstance(found[name], kind) or isinstance(found[name], bool):
            raise TapeError(folder, f"{META}: {name} is not a {kind.__name__}")
    try:
        found["sources"] = [SourceFile(**source) for source in found["sources"]]
        steps = Decimal(found["tick_size"]), Decimal(found["lot_size"])
    except (TypeError, InvalidOperation) as error:
        raise TapeError(folder, f"{META}: {error}") from error
    if not all(step.is_finite() and step > 0 for step in steps):
        raise TapeError(folder, f"{META}: tick_size and lot_size must be positive")
    if found["depth_model"] not in {depth.name.lower() for depth in Depth}:
        raise TapeError(folder, f"{META}: unknown depth_model {found['depth_model']!r}")
    limits = {
        "messages": 2**40,
        "source_rows": 2**40,
        "slots": _MAX_SLOTS,
        "pages": 2**24,
        "window": 2**16,
        "first_ts": 2**62,
        "last_ts": 2**62,
    }
    for name, limit in limits.items():
        if not 0 <= found[name] <= limit and not name.endswith("_ts"):
            raise TapeError(folder, f"{META}: {name} {found[name]} is out of range")
        if abs(found[name]) > limit:
            raise TapeError(folder, f"{META}: {name} {found[name]} is out of range")
    if not -(2**31) < found["low_price"] <= found["high_price"] < 2**31:
        raise TapeError(folder, f"{META}: price range {found['low_price']} to {found['high_price']} is impossible")
    return TapeMeta(**found)


def importer_field(name: str) -> str:
    """What `tape.json` says made it."""
    return f"{name} {VERSION}"
