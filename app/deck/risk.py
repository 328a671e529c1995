"""The risk panel: every limit, how much of it is used, the fullest first."""

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from rich.segment import Segment

from app.deck import table
from app.deck.board import Board
from app.deck.figures import amount, percent
from app.deck.formats import plain
from app.deck.glyphs import bar
from app.deck.strip_panel import Key, StripPanel, fit
from app.deck.table import Cell, Said
from core.desk_view import RiskView
from core.snapshot import Snapshot

AMBER, RED = 0.75, 0.90  #: shares from which a limit is amber and red
BREACH = 4
#: Colour and sign of the stages: calm, above a half, amber, red, breached. Signs stand last in their row.
_LOOKS = (("bid_dim", "  "), ("bid_dim", "  "), ("warn", "! "), ("alarm", "!!"), ("on-alarm", "BREACH"))

_LABEL = 40  #: cells beyond which a name needs no more
_NARROW = 44  #: below this there are bars only beside short names
_TALL = 16  #: rows from which reasons are never cut
_SHORTER = (
    ("notional", "notnl"), ("repeated", "rep"), ("consecutive", "consec"), ("execution", "exec"),
    ("instrument", "instr"), ("tolerance", "tol"), ("concentration", "concentr"), ("position", "pos"),
    ("message", "msg"), ("drawdown", "drawdn"), ("volume", "vol"), ("orders", "ord"), ("order", "ord"),
    ("buying power", "buy power"), ("gross", "gr"), ("desk ", "dk "),
)  # fmt: skip


class Gauge(NamedTuple):
    """One limit as it is written."""

    name: str
    numbers: str
    eighths: int
    cells: int
    percent: str
    stage: int


class RiskPanel(StripPanel):
    """Value / limit, bar, percent, sign; a breach with its reason."""

    slot, number, label, hertz = "risk", "8", "Risk", 5

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._top = 0

    def caption(self, snapshot: Snapshot) -> str:
        """The worst."""
        between = self.board.glyphs.between
        if snapshot.desk is None or not snapshot.desk.risks:
            return ""
        broken = sum(stage(risk) == BREACH for risk in snapshot.desk.risks)
        return f"{between} {broken} BREACHED" if broken else f"{between} amber 75% red 90%"

    def hints(self) -> str:
        """Keys of the limits."""
        return self.board.hint(("limit", "change a limit"))

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """One row for each limit, and one for the reason of a breach."""
        desk = snapshot.desk
        if desk is None or not desk.risks:
            return table.padded([Said((Cell(" no limits: everything is denied", "muted"),))], height)
        ordered = sorted(desk.risks, key=_urgency)
        self._top = min(max(self._top, 0), max(len(ordered) - 1, 0))
        bars = _bar_cells(width)
        if width < _NARROW and any(len(_name(risk)) > _label_cells(width, bars, False) for risk in ordered[:height]):
            bars = 0  # a name that is cut says less than a bar
        keys: list[Key] = []
        for risk in ordered[self._top : self._top + height]:
            keys.append(self._gauge(risk, width, bars))
            if stage(risk) == BREACH and risk.reason:
                lines = wrap(plain(risk.reason), max(width - 3, 8))
                if len(lines) > 1 and height < _TALL:
                    lines = [wrap(plain(risk.reason), max(width - 6, 8))[0] + "..."]
                keys += [Said((Cell(f"   {line}", "alarm"),)) for line in lines]
        hidden = len(ordered) - self._top - sum(isinstance(key, Gauge) for key in keys[:height])
        if len(keys) >= height > 2 and hidden > 0:
            keys[height - 1 :] = [Said((Cell(f" {hidden + 1} more, calmer", "muted"),))]
        return [*keys, *[Said(())] * (height - len(keys))][:height]

    def _gauge(self, risk: RiskView, width: int, bars: int) -> Gauge:
        broken = stage(risk) == BREACH
        cells = max(bars - 4 * broken, 0) if width >= _NARROW or not broken else 0  # the word takes its room
        share = 0.0 if math.isnan(risk.used) else min(max(risk.used, 0.0), 1.0)
        minus = self.board.glyphs.minus
        digits = (_number_cells(width) - 1) // 2
        numbers = f"{amount(risk.value, digits, minus)}/{amount(risk.limit, digits, minus)}"
        name = _short(risk, _label_cells(width, cells, broken))
        said = "" if broken and width < _NARROW else percent(risk.used)
        return Gauge(name, numbers, round(share * cells * 8), cells, said, stage(risk))

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        ink, glyphs = self.board.ink, self.board.glyphs
        if not isinstance(key, Gauge):
            return table.paint(key, (), width, ink, glyphs)
        colour, sign = _LOOKS[key.stage]
        filled = bar(glyphs, key.eighths)
        label = _label_cells(width, key.cells, key.stage == BREACH)
        strong = "!" if key.stage >= 2 else ""
        words = strong + ("alarm" if key.stage == BREACH else colour if key.stage >= 2 else "text")
        return fit(
            [
                Segment(f" {key.name[:label]:<{label}} ", table.look(ink, words)),
                Segment(
                    key.numbers.rjust(_number_cells(width)) + " ", table.look(ink, words if key.stage >= 2 else "muted")
                ),
                Segment(filled, table.look(ink, colour.removeprefix("on-"))),
                Segment(glyphs.trough * (key.cells - len(filled)), table.look(ink, "faint")),
                Segment(key.percent.rjust(5) + " " if key.percent else "", table.look(ink, words)),
                Segment(sign, table.look(ink, strong + colour)),
            ],
            width,
        )

    def scroll_rows(self, rows: int) -> None:
        """Look at calmer limits (negative) or back."""
        self._top -= rows


def stage(risk: RiskView) -> int:
    """The stage, never calmer than what is used: a panel must not soften a number it shows."""
    used = risk.used
    seen = 0 if math.isnan(used) else 3 if used >= RED else 2 if used >= AMBER else 0
    return min(max(risk.stage, seen), BREACH)


def breaches(risks: Sequence[RiskView]) -> frozenset[tuple[str, str]]:
    """Scope and control of every breached limit."""
    return frozenset((risk.scope, risk.control) for risk in risks if risk.stage >= BREACH)


def _urgency(risk: RiskView) -> tuple[int, float]:
    used = 0.0 if math.isnan(risk.used) else risk.used
    return -int(stage(risk) == BREACH), -used


def _bar_cells(width: int) -> int:
    """Cells of the bar: what names leave of a wide panel, a seventh of a narrow one, none where there is no room."""
    return 0 if width < 34 else max(width // 7, width - _LABEL - 22)


def _label_cells(width: int, bar_cells: int, breach: bool) -> int:
    """Cells of a limit's name."""
    narrow = 6 * (breach and width < _NARROW)  # a breach needs no percent where there is no room for it
    return max(width - bar_cells - _number_cells(width) - 11 - 4 * breach + narrow, 0)


def _name(risk: RiskView) -> str:
    """Whose limit, and which; the desk's without saying so."""
    return ("" if risk.scope == "desk" else f"{plain(risk.scope)} ") + plain(risk.control)


def _short(risk: RiskView, cells: int) -> str:
    """The name in `cells`: long words of the control are shortened before anything is cut."""
    control = plain(risk.control)
    scope = _name(risk).removesuffix(control)
    for word, less in _SHORTER:
        if len(scope) + len(control) <= cells:
            break
        control = control.replace(word, less)
    room = max(cells - len(control), 3)
    return (scope if len(scope) <= room else f"{scope[: room - 1]} ") + control


def _number_cells(width: int) -> int:
    """Cells of value and limit."""
    return 9 if width < 44 else 11
