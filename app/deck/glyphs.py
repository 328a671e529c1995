"""Two sets of characters: Unicode, and ASCII for terminals and fonts without box and block drawing.

Every glyph is one cell wide. None stands before an aligned number, so a font that draws one too wide
moves only what follows it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What the panels draw with."""

    ascii: bool
    corners: str  #: top left, top right, bottom left, bottom right
    across: str  #: horizontal rule
    down: str  #: vertical rule
    play: str
    pause: str
    ended: str
    fault: str
    up: str  #: a buyer was the aggressor
    downward: str  #: a seller was the aggressor
    last: str  #: marks the last price
    eighths: str  #: bar tails, one to eight eighths of a cell
    levels: str  #: bars of one row, one to eight eighths high
    half: str  #: left half of a cell
    touch: str  #: best bid or ask in the heat map
    dots: str  #: small, medium and large print
    rail: str  #: day bar that was played
    sleeper: str  #: day bar to come
    head: str  #: position on the day bar
    bookmark: str
    above: str  #: the touch is off the screen, this way
    below: str
    back: str
    arrow: str  #: from asked to achieved
    minus: str
    quarter: str
    to_half: str
    open: str  #: encloses the chosen one of several
    close: str
    between: str
    running: str  #: states of an agent
    waiting: str
    own: str  #: own buys and sells in the heat map
    trough: str  #: the unused part of a bar


UNICODE = Glyphs(
    ascii=False, corners="┌┐└┘", across="─", down="│", play="▶", pause="‖", ended="■", fault="×", up="▲",
    downward="▼", last="▶", eighths="▏▎▍▌▋▊▉█", levels="▁▂▃▄▅▆▇█", half="▌", touch="─", dots="·•●", rail="━",
    sleeper="─", head="●", bookmark="◆", above="↑", below="↓", back="◀", arrow="→", minus="−", quarter="¼",
    to_half="½", open="⟦", close="⟧", between="·",
    running="●", waiting="○", own="BS", trough="·",
)  # fmt: skip

ASCII = Glyphs(
    ascii=True, corners="++++", across="-", down="|", play=">", pause="=", ended="#", fault="X", up="^",
    downward="v", last=">", eighths="......##", levels="_.-=+*##", half=" ", touch="-", dots=".o@", rail="=",
    sleeper="-", head="O", bookmark="!", above="^", below="v", back="<", arrow=">", minus="-", quarter="1/4",
    to_half="1/2", open="[", close="]", between="|", running="*", waiting="o", own="BS",
    trough=".",
)  # fmt: skip

SETS = {"unicode": UNICODE, "ascii": ASCII}


def bar(glyphs: Glyphs, eighths: int) -> str:
    """A bar `eighths` eighths of a cell long."""
    whole, rest = divmod(eighths, 8)
    return glyphs.eighths[7] * whole + (glyphs.eighths[rest - 1] if rest else "")
