"""What the panels share: the instrument's formats, the colours, the price axis and what the person chose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from app.config import DeckConfig
from app.deck.actions import BY_NAME, key_text, keymap
from app.deck.axis import PriceAxis
from app.deck.contracts import Contracts
from app.deck.draft import Draft
from app.deck.formats import SECOND, Formats
from app.deck.glyphs import SETS, Glyphs
from app.deck.ink import Ink
from core.clock import monotonic_ns
from core.desk_view import DeskView
from core.instrument import Instrument
from core.snapshot import Snapshot
from core.transport import Overview, Player, Verb
from sessions.bookmarks import Bookmark


class StepUnit(StrEnum):
    """What `,` and `.` step by."""

    MESSAGE = "message"
    TRADE = "trade"
    SECOND = "second"
    FILL = "own fill"  #: only where something trades

    @property
    def verb(self) -> Verb:
        """The command that steps by this unit."""
        return _STEPS[self]


_STEPS = {
    StepUnit.MESSAGE: Verb.STEP_MESSAGE, StepUnit.TRADE: Verb.STEP_TRADE, StepUnit.SECOND: Verb.STEP_SECOND,
    StepUnit.FILL: Verb.STEP_FILL,
}  # fmt: skip


@dataclass(slots=True)
class Meter:
    """How the deck itself is doing."""

    asked: int = 30  #: frames a second wanted
    fps: float = 0.0  #: frames a second over the last second
    paint_ms: float = 0.0  #: time of the event loop per frame, smoothed
    ticks: int = 0
    skipped: int = 0  #: frames not drawn because the terminal had not taken the last one
    busy: bool = False  #: the terminal is behind now


@dataclass(slots=True)
class Desk:
    """What the person chose on the trading half, and when a key was pressed there."""

    contracts: Contracts
    trading: bool = field(init=False)  #: there is something to trade with
    now: int = 0  #: wall time of this frame, monotonic ns
    agent: str = ""  #: the agent that keys act on, empty = the first
    order: int = 0  #: the order that keys act on, 0 = none
    parent: int = 0  #: number of the parent order shown
    tab: str = "orders"
    draft: Draft | None = None  #: the order being written
    kill_sent: int | None = None  #: wall time of the KILL key, until the kill is seen and re-armed
    kill_seen: bool = False
    kill_lines: int = 0  #: rows the kill board needs, 0 = hidden

    def __post_init__(self) -> None:
        self.trading = self.contracts.trading

    def place(self, desk: DeskView) -> int:
        """Index of the chosen agent, -1 without agents."""
        names = (place for place, each in enumerate(desk.agents) if each.name == self.agent)
        return next(names, 0 if desk.agents else -1)

    def seconds_armed(self, desk: DeskView) -> int:
        """Seconds until arming expires, 0 when disarmed; the deck does not wait to be told."""
        if not desk.armed or any(each.scope == "desk" for each in desk.kills):
            return 0
        return max(-(-(desk.armed_until - self.now) // SECOND), 0)


@dataclass(slots=True)
class Board:
    """State of the deck between the engine and the panels. Changed by actions, read by panels."""

    instrument: Instrument
    title: str
    config: DeckConfig
    read_only: bool = False
    player: Player | None = None  #: asked once whether it trades, and what
    clock: Callable[[], int] = monotonic_ns  #: wall time
    ink: Ink = field(init=False)
    glyphs: Glyphs = field(init=False)
    formats: Formats = field(init=False)
    axis: PriceAxis = field(init=False)
    keys: dict[str, tuple[str, ...]] = field(init=False)
    meter: Meter = field(default_factory=Meter)
    bookmarks: tuple[Bookmark, ...] = ()
    overview: Overview | None = None
    step: StepUnit = StepUnit.MESSAGE
    layout: str = "deck"
    zoomed: str | None = None
    focus: str = ""
    cut: float = 0.97  #: share of depths that stay below the brightest heat-map level
    smallest: int = 0  #: the tape shows prints of at least this many lots
    held: bool = False  #: the tape's view stands still
    chart_day: bool = False
    notice: str = ""
    alarm: bool = False  #: the notice is an error
    waiting: int | None = None  #: wall time since which the engine loads or compiles, None while it does not
    epoch: int = 0  #: grows when everything must be drawn anew
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(Contracts(self.player, self.instrument))
        self.formats = Formats(self.instrument)
        self.axis = PriceAxis(self.config.margin)
        self.keys = keymap(self.config.keys)
        self.layout = self.config.layout
        self.glyphs = SETS[self.config.glyphs]
        self.ink = Ink(self.config.theme, self.config.palette)

    def repaint(self, *, theme: str | None = None, palette: str | None = None, fault: bool | None = None) -> None:
        """Change colours; every panel draws anew at its next push."""
        ink = self.ink
        self.ink = Ink(theme or ink.theme, palette or ink.palette, ink.fault if fault is None else fault)
        self.epoch += 1

    def reglyph(self, glyphs: Glyphs) -> None:
        """Change the glyphs."""
        self.glyphs = glyphs
        self.epoch += 1

    def units(self) -> list[StepUnit]:
        """What `,` and `.` can step by here."""
        return [unit for unit in StepUnit if self.desk.trading or unit is not StepUnit.FILL]

    def waited(self) -> str:
        """Seconds that the engine has been loading or compiling: ` 12s`; nothing before the first is over."""
        seconds = 0 if self.waiting is None else (self.desk.now - self.waiting) // SECOND
        return f" {seconds}s" if seconds > 0 else ""

    def steady(self, snapshot: Snapshot) -> bool:
        """Whether prices must not move under the person's hand: armed, or writing an order."""
        view = snapshot.desk
        return view is not None and (self.desk.draft is not None or self.desk.seconds_armed(view) > 0)

    def key(self, action: str) -> str:
        """The first key of an action, as a person writes it."""
        return key_text(self.keys[action][0]) if self.keys[action] else ""

    def hint(self, *pairs: tuple[str, str]) -> str:
        """`c centre  t ticks`: keys of actions and a word for each; nothing that a viewer may not do."""
        shown = [(names.split(), word) for names, word in pairs]
        allowed = [
            (names, word) for names, word in shown if not self.read_only or all(BY_NAME[name].viewer for name in names)
        ]
        return "  ".join(f"{' '.join(self.key(name) for name in names)} {word}" for names, word in allowed)
