"""The metadata at the start of a DBN file."""

from dataclasses import dataclass, field
from datetime import date as Date
from pathlib import Path
from typing import Any

from core.errors import FeedError
from core.feeds.window import ByteWindow

_LONGEST_HEADER = 1 << 29


@dataclass(slots=True)
class Header:
    """What the metadata of a DBN file says."""

    version: int
    dataset: str
    schema: str | None  #: None = records of several schemas
    send_times: bool  #: every record is two words longer
    start: int  #: ns UTC
    ids: dict[str, list[tuple[Date, Date, int]]] = field(default_factory=dict)  #: first day, day after the last, id

    def add(self, symbol: str, first: Date, last: Date, instrument: str) -> None:
        """Note one mapping. What is no instrument id is left out."""
        if symbol and instrument.isdecimal():
            self.ids.setdefault(symbol, []).append((first, last, int(instrument)))

    def names(self) -> dict[int, str]:
        """Symbols by instrument id."""
        return {instrument: symbol for symbol, spans in self.ids.items() for _, _, instrument in spans}

    def find(self, wanted: str) -> tuple[str, list[int]]:
        """Name and instrument ids of a symbol (or of an id as text); no ids if unknown."""
        for symbol in (wanted, wanted.upper()):
            if symbol in self.ids:
                return symbol, [instrument for _, _, instrument in self.ids[symbol]]
        if wanted.isdecimal() and int(wanted) < 2**32:
            return self.names().get(int(wanted), wanted), [int(wanted)]
        return wanted, []

    def only(self) -> tuple[str, list[int]]:
        """Name and id where the mappings have exactly one instrument; empty otherwise."""
        names = self.names()
        if len(names) != 1:
            return "", []
        ((instrument, symbol),) = names.items()
        return symbol, [instrument]


def read_header(path: Path, window: ByteWindow) -> Header:
    """Read the metadata; the window is left at the first record, aligned. Raises `FeedError`."""
    head = _bytes(window, 8)
    if head[:3] != b"DBN":
        legacy = head[1:4] == b"\x2a\x4d\x18"
        raise FeedError(path, "a legacy DBZ file: convert it to DBN" if legacy else "no DBN metadata at its start")
    length = int.from_bytes(head[4:], "little")
    if length > _LONGEST_HEADER:
        raise FeedError(path, f"metadata of {length:,} bytes cannot be right")
    raw = _bytes(window, 8 + length)
    if len(raw) < 8 + length:
        raise FeedError(path, "truncated inside the metadata")
    header = _decoded(path, raw)
    window.drop(len(raw))
    return header


def _bytes(window: ByteWindow, count: int) -> bytes:
    while window.stop - window.at < count and window.fill():
        pass
    return window.data[window.at : min(window.stop, window.at + count)].tobytes()


def _decoded(path: Path, raw: bytes) -> Header:
    try:
        import databento_dbn as dbn
    except ImportError as error:
        raise FeedError(path, "reading DBN needs the package databento-dbn: pip install databento-dbn") from error
    try:
        meta = dbn.Metadata.decode(raw)
        schema, mappings = meta.schema, meta.mappings
        by_id = str(meta.stype_in) == "instrument_id"
    except (dbn.DBNError, ValueError, OverflowError) as error:
        raise FeedError(path, f"damaged DBN metadata: {error}") from error
    header = Header(
        raw[3], str(meta.dataset), None if schema is None else str(schema), bool(meta.ts_out), int(meta.start)
    )
    _take_mappings(header, mappings, by_id)
    return header


def _take_mappings(header: Header, mappings: Any, by_id: bool) -> None:
    for symbol, spans in mappings.items():
        for span in spans:
            first, last, other = span["start_date"], span["end_date"], span["symbol"]
            if by_id:
                header.add(other, first, last, symbol)
            else:
                header.add(symbol, first, last, other)
