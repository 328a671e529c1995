"""What the panels share: the instrument's formats, the colours, the price axis and what the person chose."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.config import DeckConfig
from app.deck.actions import BY_NAME, key_text, keymap
from app.deck.axis import PriceAxis
from app.deck.formats import Formats
from app.deck.glyphs import SETS, Glyphs
from app.deck.ink import Ink
from core.instrument import Instrument
from core.transport import Overview, Verb
from sessions.bookmarks import Bookmark


class StepUnit(StrEnum):
    """What `,` and `.` step by."""

    MESSAGE = "message"
    TRADE = "trade"
    SECOND = "second"

    @property
    def verb(self) -> Verb:
        """The command that steps by this unit."""
        return {"message": Verb.STEP_MESSAGE, "trade": Verb.STEP_TRADE, "second": Verb.STEP_SECOND}[self.value]


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
class Board:
    """State of the deck between the engine and the panels. Changed by actions, read by panels."""

    instrument: Instrument
    title: str
    config: DeckConfig
    read_only: bool = False
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
    epoch: int = 0  #: grows when everything must be drawn anew

    def __post_init__(self) -> None:
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
