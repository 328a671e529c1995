"""An answer of an audit as lines for a person, as JSON, as CSV, or as a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.output import FAILURE, emit, pour, say, show
from app.said import said
from core.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from sessions.audit.answers import Answer, Sheet

#: Rows of a table on a screen, and cells of its widest column.
_ROWS, _WIDEST = 40, 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """In which form an answer goes out."""

    as_json: bool = False
    as_csv: bool = False
    parquet: Path | None = None

    def check(self) -> None:
        """Raises `ConfigError` for several forms at once."""
        if self.as_json + self.as_csv + (self.parquet is not None) > 1:
            raise ConfigError("--json, --csv and --parquet: one of them")


def tell(answer: Answer, wanted: Wanted) -> None:
    """Print an answer; exit code 1 where it found what must not be."""
    from sessions.audit.answers import flat
    from sessions.audit.export import write_frame

    if wanted.as_json:
        emit(answer.record(), as_json=True)
    elif wanted.as_csv:
        pour(flat(answer.sheets[0].frame).write_csv())
    elif wanted.parquet is not None:
        write_frame(answer.sheets[0].frame, wanted.parquet)
        say(f"{wanted.parquet}: {answer.sheets[0].name}, {len(answer.sheets[0].frame):,} rows")
    else:
        _lines(answer)
    for sheet in answer.sheets:
        if sheet.cut and not wanted.as_json:
            say(f"tapedeck: {sheet.name}: cut at {len(sheet.frame):,} rows; --limit says how many")
    if answer.trouble:
        say(f"tapedeck: {answer.session}: {answer.trouble}")
        raise SystemExit(FAILURE)


def _lines(answer: Answer) -> None:
    head = {"session": answer.session} if answer.session else {}
    emit(head | _flattened(answer.facts), as_json=False)
    for sheet in answer.sheets:
        show(f"\n{sheet.name.replace('_', ' ')}\n{table(sheet)}")


def _flattened(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts inside of facts under both names; numbers of records and times as they are written elsewhere."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= {f"{name} {inner}".replace("_", " "): said(each) for inner, each in value.items()}
        else:
            found[name.replace("_", " ")] = said(value)
    return found


def table(sheet: Sheet) -> str:
    """Aligned columns, numbers to the right; at most so many rows."""
    from sessions.audit.answers import plain
    from sessions.audit.summing import readable

    frame = readable(sheet.frame)
    if not len(frame):
        return "none"
    heads = [name.replace("_", " ") for name in frame.columns]
    cells = [[_cut(said(plain(value))) for value in row] for row in frame.head(_ROWS).iter_rows()]
    right = [_numeric(frame, name) for name in frame.columns]
    widths = [max(len(row[k]) for row in [heads, *cells]) for k in range(len(heads))]
    lines = []
    for row in [heads, *cells]:
        parts = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append("  ".join(parts).rstrip())
    more = len(frame) - _ROWS
    if more > 0:
        lines.append(f"... {more:,} more: --csv, --json or --parquet has them all")
    return "\n".join(lines)


def _cut(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _numeric(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].dtype.is_numeric()
