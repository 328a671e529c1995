"""Colours. A theme gives paper and text, a palette the two sides; an ink is both made into styles.

Colour is never the only carrier: sides also have a position, a letter or a glyph.
"""

from dataclasses import dataclass, replace

from rich.color import Color
from rich.style import Style

LEVELS = 12  #: luminance steps of the heat map


@dataclass(frozen=True, slots=True)
class Paper:
    """Colours of a theme, as #rrggbb."""

    name: str
    dark: bool
    back: str  #: behind everything
    panel: str  #: inside panels
    raised: str  #: price column, bars, dialogs
    rule: str  #: frames
    text: str
    strong: str
    muted: str
    faint: str
    accent: str  #: focus, last price, the chosen one
    alarm: str
    warn: str
    ramp: tuple[str, ...]  #: stops of the heat map from nothing to most


@dataclass(frozen=True, slots=True)
class Sides:
    """Colours of a palette: bid and ask on dark paper, bid and ask on light paper; gain and loss likewise."""

    dark: tuple[str, str]
    light: tuple[str, str]
    mono: bool = False
    money_dark: tuple[str, str] = ("#58c98b", "#f0716f")  #: gain and loss
    money_light: tuple[str, str] = ("#0b7a48", "#bd1f2d")


PAPERS = {
    "night": Paper(
        name="night", dark=True, back="#090d12", panel="#0b1017", raised="#131b25", rule="#24313f", text="#bcc8d4",
        strong="#f1f5f9", muted="#74859a", faint="#3d4c5c", accent="#e8c468", alarm="#f0474f", warn="#e8a33d",
        ramp=("#0b1017", "#0d1b30", "#12294b", "#23395f", "#3b4b6c", "#55607a", "#727684", "#938d7c",
              "#b2a46c", "#ceba58", "#e9d24b", "#fff07a"),
    ),
    "day": Paper(
        name="day", dark=False, back="#ece8df", panel="#faf8f3", raised="#efebe1", rule="#c9c2b4", text="#2b3138",
        strong="#000000", muted="#6d6a63", faint="#b9b3a6", accent="#7a4b00", alarm="#c1121f", warn="#9a5b00",
        ramp=("#faf8f3", "#f1ecdb", "#e6dfc4", "#d8d0b4", "#c3bda9", "#aba99f", "#908f93", "#737786",
              "#565f7a", "#39486e", "#1c3263", "#001d4e"),
    ),
    "contrast": Paper(
        name="contrast", dark=True, back="#000000", panel="#000000", raised="#1c1c1c", rule="#8c8c8c", text="#ffffff",
        strong="#ffffff", muted="#c8c8c8", faint="#8c8c8c", accent="#ffff00", alarm="#ff3b3b", warn="#ffb000",
        ramp=("#000000", "#001a3d", "#002b66", "#1a3f7a", "#3a5580", "#5a6a85", "#7d8085", "#a39b78",
              "#c4b760", "#dfcf48", "#f5e43a", "#ffffa0"),
    ),
}  # fmt: skip

PALETTES = {
    "blue-orange": Sides(("#5cb0ff", "#ff9b42"), ("#0a5cb0", "#b34a00")),
    "green-red": Sides(("#3ecf8e", "#ff6670"), ("#0b7a48", "#bd1f2d")),
    "red-green": Sides(
        ("#ff6670", "#3ecf8e"), ("#bd1f2d", "#0b7a48"),
        money_dark=("#f0716f", "#58c98b"), money_light=("#bd1f2d", "#0b7a48"),
    ),
    "okabe-ito": Sides(
        ("#56b4e9", "#e69f00"), ("#0072b2", "#9c4a00"),
        money_dark=("#2bb88f", "#e8804a"), money_light=("#00785a", "#a84300"),
    ),
    "mono": Sides(
        ("#ffffff", "#a6a6a6"), ("#000000", "#5c5c5c"), mono=True,
        money_dark=("#ffffff", "#c0c0c0"), money_light=("#000000", "#444444"),
    ),
}  # fmt: skip


class Ink:
    """Styles for one theme and palette, made once and reused."""

    def __init__(self, theme: str, palette: str, fault: bool = False) -> None:
        self.theme, self.palette, self.fault = theme, palette, fault
        paper, sides = PAPERS[theme], PALETTES[palette]
        self.mono = sides.mono
        if fault:
            paper = _reddened(paper)
        if sides.mono:
            paper = _greyed(paper)
        self.paper = paper
        self.heat = paper.ramp  #: heat-map backgrounds from nothing to most, shape (LEVELS,)
        self.bid, self.ask = sides.dark if paper.dark else sides.light
        self.gain, self.loss = sides.money_dark if paper.dark else sides.money_light
        self.bid_fill = mix(paper.panel, self.bid, 0.26 if paper.dark else 0.22)
        self.ask_fill = mix(paper.panel, self.ask, 0.26 if paper.dark else 0.22)
        self.bid_dim = mix(paper.panel, self.bid, 0.62)
        self.ask_dim = mix(paper.panel, self.ask, 0.62)
        self._styles: dict[tuple[str, str, bool], Style] = {}

    def on(self, fore: str, back: str, bold: bool = False) -> Style:
        """The style with text colour `fore` on `back`."""
        key = (fore, back, bold)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = Style(color=_colour(fore), bgcolor=_colour(back), bold=bold or None)
        return style

    def text(self, fore: str, bold: bool = False) -> Style:
        """The style with text colour `fore` on the panel."""
        return self.on(fore, self.paper.panel, bold)

    def side(self, side: int) -> str:
        """Colour of an aggressor or of a resting side; muted where there is none."""
        return self.bid if side > 0 else self.ask if side < 0 else self.paper.muted


def mix(first: str, second: str, share: float) -> str:
    """The colour `share` of the way from `first` to `second`."""
    pairs = zip(_rgb(first), _rgb(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _reddened(paper: Paper) -> Paper:
    red = paper.alarm
    return replace(
        paper,
        back=mix(paper.back, red, 0.30),
        panel=mix(paper.panel, red, 0.16),
        raised=mix(paper.raised, red, 0.30),
        rule=red,
        accent=red,
        faint=mix(paper.faint, red, 0.4),
        ramp=tuple(mix(colour, red, 0.16) for colour in paper.ramp),
    )


def _greyed(paper: Paper) -> Paper:
    """The same paper without hue; the alarm keeps its weight by being the strongest grey."""
    strong = "#ffffff" if paper.dark else "#000000"
    top = 0xF0 if paper.dark else 0x18
    first = _luma(paper.panel)
    ramp = tuple(_grey(round(first + (top - first) * (step / (LEVELS - 1)) ** 1.15)) for step in range(LEVELS))
    return replace(
        paper,
        back=_hueless(paper.back),
        panel=_hueless(paper.panel),
        raised=_hueless(paper.raised),
        rule=_hueless(paper.rule),
        text=_hueless(paper.text),
        strong=_hueless(paper.strong),
        muted=_hueless(paper.muted),
        faint=_hueless(paper.faint),
        accent=strong,
        alarm=strong,
        warn=strong,
        ramp=ramp,
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luma(colour: str) -> int:
    red, green, blue = _rgb(colour)
    return round(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _hueless(colour: str) -> str:
    return _grey(_luma(colour))


def _grey(level: int) -> str:
    return f"#{level:02x}{level:02x}{level:02x}"


def _colour(code: str) -> Color:
    return Color.from_rgb(*_rgb(code))
