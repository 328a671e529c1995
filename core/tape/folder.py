"""The tape folder on disk: what its files are called, what `tape.json` holds, and how it is checked.

A tape comes from anywhere: every number in it is checked before anything is allocated or mapped.
"""

import json
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.enums import Depth
from core.errors import TapeError
from core.instrument import Instrument

FORMAT, VERSION = "tapedeck.tape", 1
META, MESSAGES, MARKS = "tape.json", "messages.npy", "marks.npz"
_MAX_SLOTS = 2**28
_LONGEST_TEXT = 1000


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
    """Write `tape.json`. Texts that came out of a source lose what `read_meta` would refuse."""
    (folder / META).write_text(json.dumps(_shown(asdict(meta)), indent=2) + "\n", encoding="utf-8")


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if c.isprintable() else "?" for c in value[:_LONGEST_TEXT])
    if isinstance(value, dict):
        return {_shown(k): _shown(v) for k, v in value.items()}
    return [_shown(v) for v in value] if isinstance(value, list) else value


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
    known = {f.name: f.type for f in fields(TapeMeta)}
    missing, extra = sorted(known.keys() - found.keys()), sorted(found.keys() - known.keys())
    problem = ", ".join([f"no {k}" for k in missing] + [f"unknown {k[:80]!r}" for k in extra[:5]])
    if not problem:
        wrong = (f"{name} is not {_KINDS[kind]}" for name, kind in known.items() if not _is(found[name], kind))
        problem = next(wrong, "") or _impossible(found)
    if problem:
        raise TapeError(folder, f"{META}: {problem}")
    found["sources"] = [SourceFile(**source) for source in found["sources"]]
    return TapeMeta(**found)


#: What the fields of `TapeMeta` hold, for messages.
_KINDS: dict[Any, str] = {
    int: "a whole number of 64 bits",
    str: "one line of text",
    dict[str, int]: "a table of numbers",
    dict[str, str]: "a table of texts",
    list[SourceFile]: "a list of source files",
}


def _is(value: object, kind: Any) -> bool:
    """Whether a JSON value is of a kind. Texts are short and printable: they are shown on terminals."""
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if kind is str:
        return isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()
    if kind == list[SourceFile]:
        spec = {f.name: f.type for f in fields(SourceFile)}
        return isinstance(value, list) and all(
            isinstance(item, dict) and item.keys() == spec.keys() and all(_is(item[k], spec[k]) for k in spec)
            for item in value
        )
    inner = int if kind == dict[str, int] else str
    return isinstance(value, dict) and all(_is(k, str) and _is(v, inner) for k, v in value.items())


def _impossible(found: dict[str, Any]) -> str:
    """What no tape can say, empty if nothing. The fields are of the right kinds."""
    for name in ("tick_size", "lot_size"):
        try:
            step = Decimal(found[name])
        except InvalidOperation:
            return f"{name} {found[name]!r} is not a number"
        if not step.is_finite() or step <= 0 or abs(step.adjusted()) > 30 or len(step.as_tuple().digits) > 30:
            return f"{name} {found[name]} is impossible"
    if found["depth_model"] not in {depth.name.lower() for depth in Depth}:
        return f"unknown depth_model {found['depth_model']!r}"
    try:
        ZoneInfo(found["timezone"])
    except (ValueError, KeyError, OSError):
        return f"unknown timezone {found['timezone']!r}"
    # No message needs more than one new order slot or two level pages.
    most = found["messages"]
    limits = {
        "messages": 2**40,
        "source_rows": 2**40,
        "slots": min(most, _MAX_SLOTS),
        "pages": min(64 + 2 * most, 2**24),
        "window": 2**16,
    }
    for name, limit in limits.items():
        if not 0 <= found[name] <= limit:
            return f"{name} {found[name]} is out of range"
    if not -(2**31) < found["low_price"] <= found["high_price"] < 2**31:
        return f"price range {found['low_price']} to {found['high_price']} is impossible"
    return ""


def importer_field(name: str) -> str:
    """What `tape.json` says made it."""
    return f"{name} {VERSION}"
