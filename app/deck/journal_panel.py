"""The journal as rows: which kinds are shown, and the lines in sight. Nothing here asks the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.segment import Segment

from app.deck import table
from app.deck.board import Board
from app.deck.formats import plain, thousands
from app.deck.journal_window import Window
from app.deck.strip_panel import Key, StripPanel
from app.deck.table import Cell, Column, Line, Said
from core.snapshot import Snapshot
from sessions.audit.follow import Standing
from sessions.audit.lines import Kind, Wanted
from sessions.audit.lines import Line as Told

#: By number of their key; all nine fit on 78 cells.
KINDS = {
    Kind.DECISION: "decide", Kind.ORDER: "over", Kind.FILL: "fill", Kind.EVENT: "event", Kind.DENIAL: "deny",
    Kind.ACT: "person", Kind.LIMIT: "limit", Kind.LIFE: "life", Kind.IDLE: "wait",
}  # fmt: skip
#: Narrow screens drop the journal sequence.
NARROW = (
    Column("record", "RECORD", 10, rank=1, right=True),
    Column("time", "TIME", 12),
    Column("agent", "AGENT", 8),
    Column("what", "WHAT", 14),
    Column("order", "ORDER", 6, right=True),
    Column("side", "SIDE", 6),
    Column("qty", "QTY", 5, right=True),
    Column("price", "PRICE", 9, right=True),
    Column("words", "REASON", 9, rest=True),
)
WIDE = (
    Column("record", "RECORD", 11, rank=1, right=True),
    Column("time", "TIME", 15),
    Column("agent", "AGENT", 12),
    Column("symbol", "SYM", 6, rank=2),
    Column("what", "WHAT", 18),
    Column("order", "ORDER", 8, right=True),
    Column("side", "SIDE", 6),
    Column("qty", "QTY", 7, right=True),
    Column("price", "PRICE", 10, right=True),
    Column("words", "REASON", 10, rest=True),
)
_WIDE_FROM, _ALL_KEYS_FROM = 150, 118
_NOBODY = (Kind.ACT, Kind.LIMIT, Kind.LIFE)


@dataclass(slots=True)
class Shown:
    """What the screen of the journal shows and was asked to show."""

    session: str = ""  #: id; empty = there is no journal
    coming: bool = False  #: there will be one, once the engine is ready
    standing: Standing = field(default_factory=Standing)
    window: Window = field(default_factory=Window)
    wanted: Wanted = field(default_factory=Wanted)
    filtered: str = ""  #: the filter as it is typed
    written: int | None = None  #: records in the log of a session that goes on
    failure: str = ""  #: why nothing more can be written
    problem: str = ""  #: why the last question had no answer
    asking: bool = False  #: an answer is under way
    height: int = 1  #: rows for lines


class JournalPanel(StripPanel):
    """All of a session in order of time."""

    slot, number, label, hertz, of_engine = "journal", "", "Journal", 10, False

    def __init__(self, board: Board, shown: Shown) -> None:
        super().__init__(board)
        self._shown = shown

    def caption(self, snapshot: Snapshot) -> str:
        """Whose it is, how it stands, how far behind its tables are."""
        shown, between = self._shown, f" {self.board.glyphs.between} "
        if not shown.session:
            return ""
        standing, parts = shown.standing, [self._state()]
        if standing.records >= 0:
            parts.append(f"{thousands(standing.records)} records")
            late = (shown.written or 0) - standing.records
            if late > 0:
                parts.append(f"{thousands(late)} behind")
        parts.append("following" if shown.window.follow else "held")
        return between.join((*parts, plain(shown.session)))

    def _state(self) -> str:
        shown = self._shown
        if shown.standing.fault.startswith("in quarantine"):
            return "QUARANTINED"
        if shown.failure or shown.standing.state == "faulted":
            return "FAULTED"
        return shown.standing.state or "opening"

    def hints(self) -> str:
        """Keys of the screen."""
        wide = "   o order  a agent  x all  f follow  r report" if self.size.width >= _ALL_KEYS_FROM else ""
        return f"enter why  g go there  / filter  1-9 kinds{wide}  esc close"

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Kinds, what is wrong, titles, lines."""
        shown = self._shown
        keys: list[Key] = [self._kinds(), *self._wrong(), table.header(self._columns(width), width)]
        shown.height = max(height - len(keys) - 1, 1)
        window = shown.window
        window.fit(shown.height)
        for place, line in enumerate(window.lines[window.top : window.top + shown.height], window.top):
            keys.append(self._line(line, place == window.chosen, width))
        if not window.lines:
            keys.append(Said((Cell(f" {self._nothing()}", "muted"),)))
        return [*table.padded(keys, height - 1), self._whole()][:height]

    def _whole(self) -> Said:
        """The chosen line's reason: in the table it may be cut."""
        line, between = self._shown.window.line, self.board.glyphs.between
        if line is None:
            return Said(())
        parts = [f"record {thousands(line.record)}", line.asked.replace(":", " "), self.board.formats.time(line.ts, 9)]
        told = f" {between} ".join(part for part in parts if part)
        return Said(
            (Cell(f" {told} {between} ", "muted"), Cell(plain(line.words), "alarm" if line.alarm else "strong"))
        )

    def _columns(self, width: int) -> tuple[Column, ...]:
        return WIDE if width + 2 >= _WIDE_FROM else NARROW

    def _nothing(self) -> str:
        shown = self._shown
        if not shown.session:
            if shown.coming:
                return "the session has not begun yet: its journal begins with it"
            return "there is no journal: this is a tape, and nothing on it is ours"
        if shown.standing.problem:
            return "it cannot be read"
        return "nothing of that kind in it" if shown.window.begun else "reading ..."

    def _kinds(self) -> Said:
        """Number and name of each kind; those that are shown are enclosed."""
        glyphs, cells = self.board.glyphs, []
        for kind, name in KINDS.items():
            here = kind in self._shown.wanted.kinds
            text = f"{int(kind)} {name}"
            cells.append(
                Cell(f"{glyphs.open}{text}{glyphs.close}" if here else f" {text} ", "text" if here else "faint")
            )
        if self._shown.asking:
            cells.append(Cell("  searching", "accent"))
        return Said(tuple(cells))

    def _wrong(self) -> list[Said]:
        shown, found = self._shown, []
        if shown.filtered:
            found.append(Said((Cell(" only ", "muted"), Cell(plain(shown.filtered), "accent"))))
        standing = shown.standing
        for words in (shown.failure, standing.problem or standing.fault, shown.problem):
            if words:
                found.append(Said((Cell(f" ! {plain(words)}", "!alarm"),)))
        return found

    def _line(self, line: Told, chosen: bool, width: int) -> Line:
        contracts, formats = self.board.desk.contracts, self.board.formats
        columns = self._columns(width)
        own = line.kind not in _NOBODY
        cells = {
            "record": Cell(thousands(line.record), "faint"),
            "time": Cell(formats.time(line.ts, 6 if columns is WIDE else 3), "muted"),
            "agent": Cell(plain(line.agent), "text" if own else "strong"),
            "symbol": Cell(plain(line.instrument), "muted"),
            "what": Cell(plain(line.what), "!alarm" if line.alarm else "strong" if line.kind == Kind.FILL else "text"),
            "order": Cell(str(line.order_id)[-6:] if line.order_id else "", "muted"),
            "side": table.side_word(line.side, self.board.glyphs) if line.side else Cell(""),
            "qty": Cell("" if line.qty is None or not own else self._quantity(line, columns is WIDE), "strong"),
            "price": Cell("" if line.price is None else contracts.price(line.instrument, line.price)),
            "words": Cell(plain(line.words), "alarm" if line.alarm else "muted"),
        }
        return Line(chosen, tuple(cells[column.name] for column, _ in table.shown(columns, width)))

    def _quantity(self, line: Told, wide: bool) -> str:
        return self.board.desk.contracts.quantity(line.instrument, line.qty or 0, 7 if wide else 5)

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        return table.paint(key, self._columns(width), width, self.board.ink, self.board.glyphs)

    def pointed(self, row: int) -> None:
        """Choose the line that the person points at."""
        window = self._shown.window
        place = window.top + row - 2 - len(self._wrong())
        if row >= 2 + len(self._wrong()) and place < len(window.lines):
            window.move(place - window.chosen)
