"""Where everything goes: a pure function from the terminal's size and the chosen layout to rectangles."""

from collections.abc import Mapping
from typing import NamedTuple

#: Panels a person can focus and zoom, in the order of their numbers.
PANELS = ("ladder", "heat", "tape", "chart", "market", "day")
#: And those of the trading half, where there is one.
DESK_PANELS = ("agents", "risk", "orders", "progress")
LAYOUTS = ("deck", "book", "flow")
DESK_LAYOUT = "desk"
SMALLEST = (60, 16)  #: below this only a message
FULL = (80, 24)  #: below this only the ladder and a status line
ENTRY = 5  #: rows of the order line
NARROW_ENTRY = 6  #: and where its preview may need two


class Box(NamedTuple):
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int


def arrange(
    width: int, height: int, layout: str = "deck", zoomed: str | None = None, kill: int = 0, entry: bool = False
) -> Mapping[str, Box]:
    """Boxes by slot; slots that are not named are hidden.

    `kill` is the number of rows of the kill board, `entry` whether an order is being written.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"small": Box(0, 0, width, height)}
    boxes = {"top": Box(0, 0, width, 1)}
    if width < FULL[0] or height < FULL[1]:
        boxes["stats"] = Box(0, height - 1, width, 1)
        boxes["ladder"] = _between(boxes, Box(0, 1, width, height - 2), min(kill, 4), entry)
        return boxes
    day = 2 if height < 32 else 3 if height < 40 or layout == DESK_LAYOUT else 5 if height < 48 else 6
    boxes |= {
        "stats": Box(0, 1, width, 1),
        "day": Box(0, height - 1 - day, width, day),
        "keys": Box(0, height - 1, width, 1),
    }
    if zoomed == "day":
        boxes["day"] = _between(boxes, Box(0, 2, width, height - 3), kill, entry)
        return boxes
    body = _between(boxes, Box(0, 2, width, height - 3 - day), kill, entry)
    if zoomed in PANELS or zoomed in DESK_PANELS:
        boxes[zoomed] = body
    else:
        boxes.update(_BODIES[layout](body))
    return boxes


def _between(boxes: dict[str, Box], body: Box, kill: int, entry: bool) -> Box:
    """What is left of `body` after the kill board above and the order line below have their rows."""
    top, bottom = min(kill, body.height // 3), entry_lines(body.width) if entry else 0
    if top:
        boxes["kill"] = Box(body.x, body.y, body.width, top)
    if bottom:
        boxes["entry"] = Box(body.x, body.y + body.height - bottom, body.width, bottom)
    return Box(body.x, body.y + top, body.width, body.height - top - bottom)


def entry_lines(width: int) -> int:
    """Rows of the order line, frame included: the preview is never cut."""
    return NARROW_ENTRY if width < 100 else ENTRY


def _desk(body: Box) -> Mapping[str, Box]:
    """Market and trading side by side. A smaller screen drops, in this order: tape, progress, heat map, orders."""
    width, height = body.width, body.height
    ladder = 42 if width < 120 else 44 if width < 160 else 60 if width < 190 else 66
    right = width - ladder if width < 120 else 42 if width < 160 else 50 if width < 190 else 58
    lower = 0 if height < 16 else max(height * 3 // 10, 6)
    upper = height - lower
    boxes = {"ladder": Box(0, body.y, ladder, upper)}
    if width >= 120:
        boxes["heat"] = Box(ladder, body.y, width - ladder - right, upper)
    boxes.update(_column(Box(width - right, body.y, right, upper)))
    if lower:
        progress = 0 if width < 160 else 58 if width < 190 else 72
        boxes["orders"] = Box(0, body.y + upper, width - progress, lower)
        if progress:
            boxes["progress"] = Box(width - progress, body.y + upper, progress, lower)
    return boxes


def _column(box: Box) -> Mapping[str, Box]:
    """Agents above risk; below them the tape, where the column is tall."""
    tape = 0 if box.height < 34 else box.height // 3
    agents = max((box.height - tape) // 2, min(5, box.height))
    boxes = {"agents": Box(box.x, box.y, box.width, agents)}
    if box.height - tape - agents:
        boxes["risk"] = Box(box.x, box.y + agents, box.width, box.height - tape - agents)
    if tape:
        boxes["tape"] = Box(box.x, box.y + box.height - tape, box.width, tape)
    return boxes


def _deck(body: Box) -> Mapping[str, Box]:
    """Everything that fits; ladder and heat map always side by side and of one height."""
    width, height = body.width, body.height
    ladder = _ladder(width)
    if width < 120:
        lower = 0 if height < 28 else max(height // 3, 9)
    else:
        lower = 0 if height < 20 else max(height * 3 // 10, 8)
    right = 0 if width < 160 else 40 if width < 190 else 46
    upper = height - lower
    boxes = _pair(Box(body.x, body.y, width - right, upper), ladder)
    if right:
        market = 12 if height >= 30 else 0
        boxes["tape"] = Box(width - right, body.y, right, height - market)
        if market:
            boxes["market"] = Box(width - right, body.y + height - market, right, market)
        if lower:
            boxes["chart"] = Box(0, body.y + upper, width - right, lower)
    elif lower:
        boxes["tape"] = Box(0, body.y + upper, ladder, lower)
        boxes["chart"] = Box(ladder, body.y + upper, width - ladder, lower)
    return boxes


def _book(body: Box) -> Mapping[str, Box]:
    """Ladder and heat map, as tall as can be."""
    return _pair(body, _ladder(body.width))


def _flow(body: Box) -> Mapping[str, Box]:
    """Ladder and tape; chart and market panel where there is room."""
    width, height = body.width, body.height
    ladder = _ladder(width)
    if width < 120:
        return {"ladder": Box(0, body.y, ladder, height), "tape": Box(ladder, body.y, width - ladder, height)}
    tape = max(42, (width - ladder) * 2 // 5)
    market = 12 if height >= 24 else 0
    boxes = {
        "ladder": Box(0, body.y, ladder, height),
        "tape": Box(ladder, body.y, tape, height),
        "chart": Box(ladder + tape, body.y, width - ladder - tape, height - market),
    }
    if market:
        boxes["market"] = Box(ladder + tape, body.y + height - market, width - ladder - tape, market)
    return boxes


def _pair(body: Box, ladder: int) -> dict[str, Box]:
    return {
        "ladder": Box(body.x, body.y, ladder, body.height),
        "heat": Box(body.x + ladder, body.y, body.width - ladder, body.height),
    }


def _ladder(width: int) -> int:
    return 36 if width < 100 else 46 if width < 160 else 54 if width < 190 else 68


_BODIES = {"deck": _deck, "book": _book, "flow": _flow, DESK_LAYOUT: _desk}
