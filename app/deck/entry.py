"""Order entry: one line to write in, and always the preview of what would be sent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from textwrap import wrap

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip

from app.deck import draft as drafts
from app.deck import table
from app.deck.board import Board
from app.deck.draft import Draft
from app.deck.figures import signed
from app.deck.strip_panel import Key, StripPanel
from app.deck.table import Cell, Said
from core.snapshot import Snapshot
from core.transport import Ticket

_LABEL = " preview "
_TYPED = {"full_stop": ".", "minus": "-"}


class EntryPanel(StripPanel):
    """The order being written. While it has the focus it takes the keys that write; all others go on."""

    slot, number, label, hertz, of_engine = "entry", "", "Order", 30, False

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.enter: Callable[[], None] = lambda: None  #: called in the key's turn: what is typed after it waits
        self.escape: Callable[[], None] = lambda: None
        self.refuse: Callable[[str], None] = lambda text: None
        self._drawn: Draft | None = None  #: the draft in the rows that were made ...
        self._seen: Draft | None = None  #: ... and in those that were painted

    def caption(self, snapshot: Snapshot) -> str:
        """Whether enter would send."""
        desk = self.board.desk
        if snapshot.desk is None:
            return ""
        if any(kill.scope == "desk" for kill in snapshot.desk.kills):
            return f"KILLED: nothing is sent, {self.board.key('rearm')} re-arms"
        seconds = desk.seconds_armed(snapshot.desk)
        return f"ARMED {seconds}s: enter sends" if seconds else f"DISARMED: {self.board.key('arm')} arms"

    def hints(self) -> str:
        """Keys of the line."""
        if self.size.width < 100:
            return "b s side  tab field  t type  i time  p r flags  enter  esc"
        return "b s side  digits  tab field  up down price  t type  i time  p post-only  r reduce-only  enter  esc"

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Fields, what it is, what it would do."""
        desk = self.board.desk
        draft = desk.draft
        if draft is None or snapshot.desk is None:
            return [Said(())] * height
        ticket = drafts.read(draft, desk.contracts.contract, desk.contracts.shown)
        return table.padded([self._fields(draft), *self._preview(ticket, snapshot, width)], height)

    def _fields(self, draft: Draft) -> Said:
        glyphs = self.board.glyphs
        pieces = [Cell(" "), Cell(*self._side(draft.side)), Cell("  ")]
        for name in draft.fields():
            word = {
                "qty": "qty",
                "price": drafts.PRICE_WORDS[draft.type],
                "stop": drafts.STOP_WORDS.get(draft.type, ""),
                "display": "show",
            }[name]
            active = draft.field == name
            text = draft.text(name) or ("all" if name == "display" else "-")
            shown = f"{glyphs.open}{draft.text(name)}_{glyphs.close}" if active else f" {text} "
            pieces += [Cell(f"{word} ", "muted"), Cell(shown, "!accent" if active else "strong"), Cell(" ")]
        pieces.append(Cell(f" {draft.type.name.replace('_', '-')} {draft.tif.name}", "text"))
        pieces.append(Cell(" post-only" * draft.post_only + " reduce-only" * draft.reduce_only, "text"))
        return Said(tuple(pieces))

    def _side(self, side: int) -> tuple[str, str]:
        cell = table.side_word(side, self.board.glyphs)
        return cell.text, "!" + cell.colour

    def _preview(self, ticket: Ticket | str, snapshot: Snapshot, width: int) -> list[Said]:
        """What it is, in as many rows as that takes, and what it would do."""
        desk = self.board.desk
        if isinstance(ticket, str):
            return [Said((Cell(_LABEL, "muted"), Cell(f"nothing yet: {ticket}", "!warn")))]
        contract, view = desk.contracts.contract, snapshot.desk
        assert view is not None
        worth = f"{drafts.notional(ticket, contract):,.2f} {view.currency}".rstrip()
        where = drafts.distance(ticket, snapshot.best_bid, snapshot.best_ask)
        before = sum(agent.position for agent in view.agents if desk.contracts.is_shown(agent.symbol))
        after = before + ticket.side * ticket.qty
        takes = "TAKES" in where or "REJECTED" in where
        lines = wrap(drafts.words(ticket, contract), max(width - len(_LABEL), 20))
        what = [Said((Cell(_LABEL, "muted"), Cell(lines[0], "!strong")))]
        what += [Said((Cell(" " * len(_LABEL)), Cell(line, "!strong"))) for line in lines[1:]]
        place = Cell(f" {where}", "!warn" if takes else "text")
        move = Cell(f"   {worth}   position {self._lots(before)} {self.board.glyphs.arrow} ", "muted")
        return [*what, Said((place, move, Cell(self._lots(after), "!strong")))]

    def _lots(self, lots: int) -> str:
        return signed(lots, self.board.formats.quantity(abs(lots)), self.board.glyphs.minus)

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        return table.paint(key, (), width, self.board.ink, self.board.glyphs)

    def push(self, snapshot: Snapshot) -> None:
        """Show `snapshot`, and remember what was previewed."""
        super().push(snapshot)
        self._drawn = self.board.desk.draft

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint; from here on the preview may be trusted."""
        lines = super().render_lines(crop)
        self._seen = self._drawn
        return lines

    # keys

    def on_key(self, event: events.Key) -> None:
        """Write. What is not for writing goes on to the deck."""
        draft = self.board.desk.draft
        if draft is None:
            return
        if event.key == "enter" and draft == self._seen:
            self.enter()
        elif event.key == "enter":
            self.refuse("nothing was sent: enter came before its preview was drawn; look, and press it again")
        elif event.key == "escape":
            self.escape()
        else:
            changed = self._written(draft, event.key)
            if changed is None:
                return
            self.board.desk.draft = changed
            self.again()
        event.stop()
        event.prevent_default()

    def _written(self, draft: Draft, key: str) -> Draft | None:
        """The draft after a key, None when the key is not for writing."""
        character = _TYPED.get(key, key)
        if len(character) == 1 and character in "0123456789.-":
            return draft.typed(character)
        moves: dict[str, Callable[[], Draft]] = {
            "backspace": draft.erased,
            "tab": draft.next_field,
            "shift+tab": lambda: draft.next_field(-1),
            "b": lambda: replace(draft, side=1),
            "s": lambda: replace(draft, side=-1),
            "t": draft.next_type,
            "i": draft.next_tif,
            "p": lambda: replace(draft, post_only=not draft.post_only),
            "r": lambda: replace(draft, reduce_only=not draft.reduce_only),
            "up": lambda: self._moved(draft, 1),
            "down": lambda: self._moved(draft, -1),
            "pageup": lambda: self._moved(draft, 10),
            "pagedown": lambda: self._moved(draft, -10),
        }
        return moves[key]() if key in moves else None

    def _moved(self, draft: Draft, rows: int) -> Draft:
        """The price some ladder rows up or down, kept in sight."""
        board = self.board
        ticks = drafts.read_price(draft, board.desk.contracts.contract)
        snapshot = self.snapshot
        if ticks is None:
            start = snapshot.best_bid if snapshot is not None else None
            ticks = (start or 0) - rows * board.axis.group
        ticks += rows * board.axis.group
        if abs(ticks) > drafts.MAX_PRICE:
            return draft
        board.axis.reveal(ticks // board.axis.group)
        return draft.put("price", board.formats.price(ticks))
