"""The lines above and below the panels: what plays, how it goes, and which keys there are."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from app.deck.actions import ACTIONS
from app.deck.board import Meter
from app.deck.desk_bars import stats_items, top_items
from app.deck.formats import plain, short, speed, thousands
from app.deck.pieces import Item, choose
from app.deck.strip_panel import Key, StripPanel, fit
from app.deck.table import colour as named
from core.enums import Status
from core.snapshot import Snapshot, State

WAITING = (State.LOADING, State.COMPILING)
STANDS = (*WAITING, State.SEEKING)  #: states whose word must be seen on every screen
METER_WIDTH = 150  #: from here on the top bar has room for the meter


class Bar(StripPanel, can_focus=False):
    """One unframed line of pieces."""

    framed = False
    strip_back = "raised"

    def items(self, snapshot: Snapshot, width: int) -> list[Item]:
        """The pieces, left to right."""
        raise NotImplementedError

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """One row of pieces; blank below."""
        return [choose(self.items(snapshot, width), width), *[()] * (height - 1)][:height]

    def paint(self, key: Key, width: int) -> list[Segment]:
        """The pieces with the right ones pushed to the end."""
        pieces: tuple[Item, ...] = key
        gap = max(width - sum(len(item.text) for item in pieces), 0)
        segments: list[Segment] = []
        filled = False
        for item in pieces:
            if item.right and not filled:
                segments.append(Segment(" " * gap, self._style("text", False)))
                filled = True
            segments.append(Segment(item.text, self._style(item.colour, item.bold)))
        return fit([*segments, Segment(" " * width, self._style("text", False))], width)

    def _style(self, name: str, bold: bool) -> Style:
        ink = self.board.ink
        back = getattr(ink.paper, self.strip_back)
        if name.startswith("on-"):
            return ink.on(back, self._colour(name[3:]), bold)
        return ink.on(self._colour(name), back, bold)

    def _colour(self, name: str) -> str:
        return named(self.board.ink, name)


class TopBar(Bar):
    """Mode, state, symbol, time, speed, touch, last."""

    slot = "top"

    def items(self, snapshot: Snapshot, width: int) -> list[Item]:
        """What plays."""
        formats, board = self.board.formats, self.board
        glyph, word = self._state(snapshot)
        wide = width >= 118
        day = formats.day(snapshot.clock)
        items = [
            Item(
                f" {snapshot.mode.value} ", "on-accent" if snapshot.state is not State.FAULTED else "on-alarm", 0, True
            ),
            Item(f" {glyph} ", "strong", 0, True),
            Item(f"{word} ", "text", 0 if snapshot.state in STANDS else 6),
            Item(f" {plain(board.instrument.symbol)}", "strong", 0, True),
            Item(f" {plain(board.instrument.venue)}", "muted", 9),
            Item(f"  {day if wide else day[5:]}", "muted", 5),
            Item(f" {formats.time(snapshot.clock, 6 if wide else 3)}", "strong", 0, True),
            Item(f" {_zone(formats.zone_name)}", "muted", 11),
            Item(f"  {self.speed(snapshot)}", "accent", 2, True),
            Item(f"  {short(snapshot.rate)} msg/s", "muted", 8),
        ]
        items += self._touch(snapshot) + top_items(board, snapshot)
        return items + (link(self.board.meter, 7) if width >= METER_WIDTH else [])

    def speed(self, snapshot: Snapshot) -> str:
        """Asked speed, and the achieved one where it falls short: 64→41×."""
        glyphs = self.board.glyphs
        asked = speed(snapshot.speed, glyphs.quarter, glyphs.to_half)
        times = "x" if glyphs.ascii else "×"
        behind = snapshot.achieved < 0.95 * snapshot.speed
        if snapshot.state is State.PLAYING and snapshot.achieved > 0 and behind:
            return f"{asked}{glyphs.arrow}{short(snapshot.achieved)}{times}"
        return asked if asked == "MAX" else asked + times

    def _state(self, snapshot: Snapshot) -> tuple[str, str]:
        glyphs = self.board.glyphs
        return {
            State.LOADING: (glyphs.pause, "LOADING" + self.board.waited()),
            State.COMPILING: (glyphs.pause, "COMPILING" + self.board.waited()),
            State.SEEKING: (glyphs.pause, "SEEKING"),
            State.PLAYING: (glyphs.play, "PLAYING"),
            State.PAUSED: (glyphs.pause, "PAUSED"),
            State.ENDED: (glyphs.ended, "ENDED"),
            State.FAULTED: (glyphs.fault, "FAULTED"),
        }[snapshot.state]

    def _touch(self, snapshot: Snapshot) -> list[Item]:
        formats, glyphs = self.board.formats, self.board.glyphs
        bid, ask = snapshot.best_bid, snapshot.best_ask
        items = [
            Item(f"   {formats.price(bid) if bid is not None else '-'}", "bid", 1, True),
            Item(" / ", "muted", 1),
            Item(formats.price(ask) if ask is not None else "-", "ask", 1, True),
        ]
        if bid is not None and ask is not None:
            items.append(Item(f" {ask - bid}t", "text", 4))
        if snapshot.last_price is not None:
            glyph = glyphs.up if snapshot.last_side > 0 else glyphs.downward if snapshot.last_side < 0 else " "
            colour = "bid" if snapshot.last_side > 0 else "ask" if snapshot.last_side < 0 else "text"
            items.append(Item(f"  last {formats.price(snapshot.last_price)}", "text", 3))
            items.append(Item(f" {glyph}{formats.quantity(snapshot.last_qty, 7)}", colour, 3))
        return items


def link(meter: Meter, rank: int) -> list[Item]:
    """How the deck itself is doing: 30fps 4.1ms link ok 0 skip."""
    word = "link busy" if meter.busy else "link ok"
    return [
        Item(f"  {meter.fps:.0f}fps {meter.paint_ms:.1f}ms ", "muted", rank, right=True),
        Item(f"{word} {meter.skipped} skip ", "warn" if meter.busy else "muted", rank, right=True),
    ]


class StatsLine(Bar):
    """Trading status, volume, orders, messages, anomalies; a notice while there is one, and the failure."""

    slot, hertz = "stats", 10
    strip_back = "back"

    def items(self, snapshot: Snapshot, width: int) -> list[Item]:
        """How it goes."""
        if snapshot.state is State.FAULTED:
            return [Item(" FAULT ", "on-alarm", 0, True), Item(f" {plain(snapshot.failure)}", "strong", 0, True)]
        if snapshot.state in WAITING:
            return self._waiting(snapshot)
        if self.board.notice:
            colour = "on-alarm" if self.board.alarm else "on-accent"
            return [Item(f" {plain(self.board.notice)} ", colour, 0, True)]
        share = snapshot.index / snapshot.messages if snapshot.messages else 0.0
        refused = sum(count for _, count in snapshot.anomalies)
        status, calm = _status(snapshot.status), snapshot.status in (Status.NONE, Status.TRADING)
        items = [
            Item(f" {status}{' ' if status else ''}", "text" if calm else "on-warn", 0, True),
            Item(" volume ", "muted", 3),
            Item(self.board.formats.total(snapshot.volume), "text", 3),
            Item("  orders ", "muted", 6),
            Item(thousands(snapshot.orders), "text", 6),
            Item("  message ", "muted", 4),
            Item(thousands(snapshot.index), "text", 4),
            Item(f" of {thousands(snapshot.messages)}", "muted", 7),
            Item(f" {share:.1%}", "text", 5),
            Item("  anomalies ", "muted", 1),
            Item(thousands(refused), "warn" if refused else "text", 1, bool(refused)),
        ]
        if snapshot.anomalies:
            worst = max(snapshot.anomalies, key=lambda anomaly: anomaly[1])
            items.append(Item(f" {_words(worst[0])} {thousands(worst[1])}", "muted", 9))
        items.append(Item(f"  {plain(self.board.title)}", "muted", 8, right=True))
        if snapshot.desk is not None:
            items = stats_items(self.board, snapshot.desk, width) + [
                item._replace(rank=item.rank + 8) for item in items
            ]
        if self.board.read_only:
            items.append(Item("  read-only", "warn", 1, right=True))
        return [*items, *(link(self.board.meter, 2) if width < METER_WIDTH else [Item(" ", "muted", 8, right=True)])]

    def _waiting(self, snapshot: Snapshot) -> list[Item]:
        """What the engine is doing before it can play, and for how long."""
        compiles = snapshot.state is State.COMPILING
        word = "compiling the engine for" if compiles else "loading"
        items = [Item(f" {word} {plain(self.board.title)}{self.board.waited()} ", "text", 0, True)]
        if compiles:
            items.append(Item(" once after an install or an update: one to two minutes", "muted", 1))
        return items


class KeyFooter(Bar):
    """The keys of the focused panel, then those that always work."""

    slot, hertz = "keys", 5

    def items(self, snapshot: Snapshot, width: int) -> list[Item]:
        """Key and word, key and word."""
        board = self.board
        shown: dict[str, list[str]] = {}
        known = [action for action in ACTIONS if action.brief and (board.desk.trading or not action.desk)]
        order = [action for action in known if action.where == "deck" and action.desk]
        order += [action for action in known if action.where == board.focus]
        order += [action for action in known if action.where == "deck" and not action.desk]
        for action in order:
            if action.viewer or not board.read_only:
                shown.setdefault(action.brief, []).append(board.key(action.name))
        items = []
        for rank, (word, keys) in enumerate(shown.items()):
            low = 0 if word in ("quit", "help", "KILL") else rank + 1
            items.append(Item(f" {' '.join(keys)}", "accent", low, True))
            items.append(Item(f" {word} ", "muted", low))
        return items


def _status(code: int) -> str:
    try:
        name = Status(code).name
    except ValueError:
        return f"STATUS {code}"
    return "" if name == "NONE" else name.replace("_", "-")


def _words(code: str) -> str:
    return code.lower().replace("_", " ")


def _zone(name: str) -> str:
    return name.rpartition("/")[2].replace("_", " ")
