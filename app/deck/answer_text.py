"""An answer about the journal as coloured text: facts in columns, tables below, the same content as the verbs'."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from app.deck.formats import plain
from app.deck.ink import Paper
from app.said import said

if TYPE_CHECKING:
    from sessions.audit.answers import Answer, Sheet

_TITLES = {
    "by_control": "denied by control", "acts": "what people did", "near": "near a limit", "rates": "messages",
    "positions": "positions and money", "parents": "parent orders", "controls": "every control of the verdict",
}  # fmt: skip
_GAP, _SHORT = 3, 36
_RAW = ("ts", "ts_market", "mark_ts", "asked")  #: said in words beside it


def answer_text(answer: "Answer", width: int, paper: Paper, more: Mapping[str, str] | None = None) -> Text:
    """All of an answer in lines of at most `width` cells, if its tables can be so narrow. `more`: facts to add."""
    text = Text(no_wrap=True)
    flat = {name: value for name, value in answer.facts.items() if not isinstance(value, Mapping)} | dict(more or {})
    _facts(text, flat, width, paper)
    for name, value in answer.facts.items():
        if isinstance(value, Mapping) and value:
            _title(text, name, paper)
            _facts(text, value, width, paper)
    for sheet in answer.sheets:
        _title(text, _TITLES.get(sheet.name, sheet.name), paper)
        if sheet.name == "features":
            _facts(text, dict(sheet.frame.iter_rows()), width, paper)
        elif sheet.name == "controls":
            _controls(text, sheet, width, paper)
        else:
            _table(text, sheet, width, paper)
    return text


def _title(text: Text, name: str, paper: Paper) -> None:
    text.append(f"\n{name.replace('_', ' ')}\n", f"bold {paper.strong}")


def _facts(text: Text, facts: Mapping[str, Any], width: int, paper: Paper) -> None:
    """Names and values, as many beside one another as fit; a long one has lines of its own."""
    pairs = [(name.replace("_", " "), plain(said(value))) for name, value in facts.items() if name not in _RAW]
    room = min(width // 2 - _GAP, _SHORT)
    cells = max((size for name, value in pairs if (size := len(name) + 1 + len(value)) <= room), default=1) + _GAP
    at = 0
    for name, value in pairs:
        own = len(name) + 1 + len(value) > room
        if at and (own or at + cells > width):
            text.append("\n")
            at = 0
        text.append(f"{name} ", paper.muted)
        if own:
            _wrapped(text, value, width, len(name) + 1, paper)
            at = 0
        else:
            text.append(value, paper.text)
            text.append(" " * max(cells - len(name) - 1 - len(value), 1))
            at += cells
    if at or not pairs:
        text.append("\n" if pairs else "none\n")


def _wrapped(text: Text, value: str, width: int, used: int, paper: Paper) -> None:
    room = max(width - used, 10)
    text.append(value[:room] + "\n", paper.text)
    for start in range(room, len(value), max(width - 2, 10)):
        text.append("  " + value[start : start + max(width - 2, 10)] + "\n", paper.text)


def _controls(text: Text, sheet: "Sheet", width: int, paper: Paper) -> None:
    """What each control saw, its limit, per cent of it: the ones that denied first, then by how close they are."""
    rows = sorted(sheet.frame.iter_rows(named=True), key=lambda row: (not row["denied"], -_rank(row["share"])))
    if not rows:
        text.append("the gate was not asked\n", paper.muted)
    for row in rows:
        share = _rank(row["share"])
        percent = f"{share * 100:6.1f}%" if share >= 0 else "      -"
        line = f"{row['control']:<18} {said(row['observed']):>13} of {said(row['limit']):>13} {percent}  "
        look = f"bold {paper.alarm}" if row["denied"] else paper.warn if share >= 0.9 else paper.text
        word = "DENIED " if row["denied"] else "NEAR " if share >= 0.9 else ""
        tail = f"{word}{row['unit']} {row['scope']}".strip()
        text.append((line + plain(tail))[:width].rstrip() + "\n", look)


def _rank(share: float | None) -> float:
    return -1.0 if share is None or math.isnan(share) else share


def _table(text: Text, sheet: "Sheet", width: int, paper: Paper) -> None:
    """Aligned columns; those that do not fit stand below, in a table of their own."""
    from sessions.audit.summing import readable

    frame = readable(sheet.frame)
    if not len(frame):
        text.append("none\n", paper.muted)
        return
    columns = [_column(name, frame[name].to_list()) for name in frame.columns]
    for part in _parts([max(map(len, column)) for column in columns], width):
        for line in range(len(frame) + 1):
            cells = [_aligned(columns[k], line) for k in part]
            text.append("  ".join(cells)[:width].rstrip() + "\n", paper.muted if line == 0 else paper.text)
    if sheet.cut:
        text.append("there are more\n", paper.muted)


def _column(name: str, values: Iterable[Any]) -> list[str]:
    return [name.replace("_", " "), *(plain(said(value))[:48] for value in values)]


def _aligned(column: Sequence[str], line: int) -> str:
    cells = max(map(len, column))
    numeric = all(text[:1] in "-+0123456789." for text in column[1:])
    return column[line].rjust(cells) if numeric else column[line].ljust(cells)


def _parts(widths: Sequence[int], width: int) -> list[list[int]]:
    """Numbers of columns, as many to a table as fit; the first one is in all of them."""
    parts: list[list[int]] = [[]]
    used = 0
    for k, cells in enumerate(widths):
        if used and used + 2 + cells > width and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0]
        parts[-1].append(k)
        used += cells + 2
    return parts
