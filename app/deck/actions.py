"""The one table of actions. Bindings, command palette, help, footer and docs are all drawn from it.

Keys are written as a person writes them (`,` `[` `ctrl+p` `F1`); `keymap` turns them into the names the
terminal library uses. No terminal library is imported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from core.errors import ConfigError

#: Names the terminal library gives to printable keys.
_NAMES = {
    " ": "space",
    ",": "comma",
    ".": "full_stop",
    "-": "minus",
    "+": "plus",
    "=": "equals_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "!": "exclamation_mark",
    ";": "semicolon",
    ":": "colon",
    "/": "slash",
    "\\": "backslash",
    "_": "underscore",
    "'": "apostrophe",
    '"': "quotation_mark",
    "`": "grave_accent",
    "~": "tilde",
    "#": "number_sign",
    "@": "at",
    "%": "percent_sign",
    "&": "ampersand",
    "*": "asterisk",
    "^": "circumflex_accent",
    "|": "vertical_line",
    "$": "dollar_sign",
}
_WORDS = {
    "space", "tab", "enter", "escape", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown",
    "up", "down", "left", "right", *(f"f{number}" for number in range(1, 13)),
}  # fmt: skip
_GROUPS = ("Transport", "Marks", "Book", "Tape and chart", "Screen", "Trading", "Desk")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    name: str  #: in the configuration, the palette and tests
    keys: tuple[str, ...]  #: default keys
    description: str
    group: str
    where: str = "deck"  #: the panel whose footer shows it, or "deck" for all
    brief: str = ""  #: the footer's word for it; empty = not in the footer
    viewer: bool = False  #: allowed in a read-only deck
    desk: bool = False  #: only where there is something to trade with
    anywhere: bool = False  #: works in dialogs too


ACTIONS: tuple[Action, ...] = (
    Action("play", ("space",), "Play or pause", "Transport", brief="play"),
    Action("step_back", (",",), "Step back by one step unit", "Transport", brief="step"),
    Action("step_forward", (".",), "Step forward by one step unit", "Transport", brief="step"),
    Action("step_unit", ("u",), "Next step unit: message, trade, second, own fill", "Transport", brief="unit"),
    Action("own_next", ("n",), "Next fill of ours, or order denied", "Transport", desk=True),
    Action("own_previous", ("N",), "The fill of ours, or order denied, before", "Transport", desk=True),
    Action("slower", ("-",), "Slower", "Transport", brief="speed"),
    Action("faster", ("+", "="), "Faster, up to MAX", "Transport", brief="speed"),
    Action("jump_back", ("left",), "Back ten market seconds", "Transport"),
    Action("jump_forward", ("right",), "Forward ten market seconds", "Transport"),
    Action("go_to", ("g",), "Go to a time, an offset, a % or a message", "Transport", brief="go to"),
    Action("day_start", ("home",), "Go to the start of the tape", "Transport"),
    Action("day_end", ("end",), "Go to the end of the tape", "Transport"),
    Action("mark_previous", ("[",), "Previous mark: bookmark, A, B or start", "Marks", brief="mark"),
    Action("mark_next", ("]",), "Next mark: bookmark, A, B or end", "Marks", brief="mark"),
    Action("bookmark", ("b",), "Bookmark this moment, with a note", "Marks", brief="bookmark"),
    Action("bookmarks", ("B",), "List of bookmarks: jump or delete", "Marks", brief="list"),
    Action("loop", ("a",), "A-B loop: set A, set B, off", "Marks", brief="A-B"),
    Action("centre", ("c",), "Centre the price axis and follow the touch", "Book", "ladder", "centre", True),
    Action("scroll_up", ("up",), "Scroll the price axis up, a focused tape to newer", "Book", viewer=True),
    Action("scroll_down", ("down",), "Scroll the price axis down, a focused tape back", "Book", viewer=True),
    Action("page_up", ("pageup",), "Scroll up a page", "Book", viewer=True),
    Action("page_down", ("pagedown",), "Scroll down a page", "Book", viewer=True),
    Action("group_more", ("t",), "More ticks per price row", "Book", "ladder", "ticks"),
    Action("group_less", ("T",), "Fewer ticks per price row", "Book", "ladder", "ticks"),
    Action("column_less", ("{",), "Fewer seconds per heat-map column", "Book", "heat", "column"),
    Action("column_more", ("}",), "More seconds per heat-map column", "Book", "heat", "column"),
    Action("cut_less", ("(",), "Heat map: lower the brightest depth", "Book", "heat", "cut", True),
    Action("cut_more", (")",), "Heat map: raise the brightest depth", "Book", "heat", "cut", True),
    Action("tape_filter", ("f",), "Tape: next smallest size shown", "Tape and chart", "tape", "filter", True),
    Action("tape_hold", ("v",), "Tape: hold the view; prints go on counting", "Tape and chart", "tape", "hold", True),
    Action("chart_span", ("d",), "Chart: window or whole day", "Tape and chart", "chart", "day", True),
    Action("focus_ladder", ("1",), "Focus the ladder", "Screen", viewer=True),
    Action("focus_heat", ("2",), "Focus the book heat map", "Screen", viewer=True),
    Action("focus_tape", ("3",), "Focus the tape", "Screen", viewer=True),
    Action("focus_chart", ("4",), "Focus the chart", "Screen", viewer=True),
    Action("focus_market", ("5",), "Focus the market panel", "Screen", viewer=True),
    Action("focus_day", ("6",), "Focus the day bar", "Screen", viewer=True),
    Action("zoom", ("z",), "Zoom the focused panel, or back", "Screen", brief="zoom", viewer=True),
    Action("layout", ("w",), "Next layout: deck, book, flow", "Screen", brief="layout", viewer=True),
    Action("theme", ("ctrl+t",), "Next theme: night, day, contrast", "Screen", viewer=True),
    Action("palette", ("p",), "Next palette of bid and ask colours", "Screen", viewer=True),
    Action("glyphs", ("G",), "Unicode or ASCII glyphs", "Screen", viewer=True),
    Action("command_palette", ("ctrl+p",), "Command palette", "Screen", brief="palette", viewer=True),
    Action("journal", ("h",), "Journal: all that happened, page by page", "Screen", brief="journal", viewer=True),
    Action("report", ("r",), "Report of the session so far", "Screen", viewer=True),
    Action("help", ("?", "F1"), "Help", "Screen", brief="help", viewer=True),
    Action("quit", ("ctrl+q",), "Quit", "Screen", brief="quit", viewer=True, anywhere=True),
    Action("arm", ("F2",), "Arm for a while; disarm when armed", "Trading", brief="arm", desk=True),
    Action("order", ("o",), "Write an order: preview, then enter", "Trading", brief="order", desk=True),
    Action("cancel_order", ("X",), "Cancel the chosen order (armed)", "Trading", "orders", "cancel order", desk=True),
    Action("pause_agent", ("F4",), "Pause the chosen agent; resume it (armed)", "Trading", brief="pause", desk=True),
    Action("cancel_all", ("F6",), "Cancel every open order, at once", "Trading", brief="cancel", desk=True),
    Action("flatten", ("F8",), "Flatten, after a preview", "Trading", brief="flatten", desk=True),
    Action("kill", ("F10",), "KILL: stop all, cancel all, latched", "Trading", brief="KILL", desk=True, anywhere=True),
    Action(
        "kill_twice", ("ctrl+k",), "KILL, where F10 does not arrive: press twice", "Trading", desk=True, anywhere=True
    ),
    Action("rearm", ("R",), "Re-arm after a kill, with a reason", "Trading", desk=True),
    Action("limit", ("L",), "Change a limit (armed, to widen it)", "Trading", "risk", "limit", desk=True),
    Action("focus_agents", ("7",), "Focus the agents", "Desk", viewer=True, desk=True),
    Action("focus_risk", ("8",), "Focus the risk panel", "Desk", viewer=True, desk=True),
    Action("focus_orders", ("9",), "Focus orders, fills and blotter", "Desk", viewer=True, desk=True),
    Action("focus_progress", ("0",), "Focus the execution progress", "Desk", viewer=True, desk=True),
    Action("desk_tab", ("k",), "Next tab: orders, fills, blotter", "Desk", "orders", "tab", True, True),
    Action("agent_next", ("j",), "Choose the next agent", "Desk", "agents", "agent", True, True),
    Action("agent_previous", ("J",), "Choose the agent before", "Desk", "agents", "agent", True, True),
    Action("parent_next", (">",), "Show the next parent order", "Desk", "progress", "parent", True, True),
    Action("parent_previous", ("<",), "Show the parent order before", "Desk", "progress", "parent", True, True),
)
BY_NAME: Mapping[str, Action] = {action.name: action for action in ACTIONS}


def keymap(overrides: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, tuple[str, ...]]:
    """Keys of every action, as the terminal library names them.

    Raises `ConfigError` for an unknown action, a key that does not exist, or two actions on one key.
    """
    overrides = overrides or {}
    for name in overrides:
        if name not in BY_NAME:
            near = get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
            raise ConfigError(f"unknown action {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    owners: dict[str, str] = {}
    resolved: dict[str, tuple[str, ...]] = {}
    for action in ACTIONS:
        keys = tuple(key_name(key) for key in overrides.get(action.name, action.keys))
        for key in keys:
            if key in owners:
                raise ConfigError(f"key {key_text(key)!r} is given to both {owners[key]!r} and {action.name!r}")
            owners[key] = action.name
        resolved[action.name] = keys
    return resolved


def key_name(key: str) -> str:
    """The terminal library's name of a key written by a person. Raises `ConfigError` when there is none."""
    if len(key) == 1:
        if key.isalnum() and key.isascii():
            return key
        if key in _NAMES:
            return _NAMES[key]
    lowered = key.lower()
    modifiers, _, last = lowered.rpartition("+")
    known = last in _WORDS or last in _NAMES.values() or (bool(modifiers) and len(last) == 1 and last.isalnum())
    if known and all(each in ("ctrl", "shift", "alt") for each in modifiers.split("+") if modifiers):
        return lowered
    near = get_close_matches(lowered, _WORDS, n=1, cutoff=0.6)
    raise ConfigError(f"no such key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def key_text(name: str) -> str:
    """A key as a person writes it: `full_stop` is `.`, `ctrl+p` is `^p`, `f1` is `F1`."""
    for character, known in _NAMES.items():
        if name == known and character != " ":
            return character
    if name.startswith("ctrl+"):
        return "^" + name[5:]
    if name[0] == "f" and name[1:].isdigit():
        return name.upper()
    return {"pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End"}.get(name, name)


def groups(desk: bool = True) -> list[tuple[str, list[Action]]]:
    """Actions by group, in table order; without those of a desk where there is none."""
    listed = [action for action in ACTIONS if desk or not action.desk]
    return [(group, found) for group in _GROUPS if (found := [each for each in listed if each.group == group])]


def as_markdown(overrides: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """The table as markdown, for the README and the docs."""
    keys = keymap(overrides)
    lines = ["| Key | Action | Name | Read-only |", "|---|---|---|---|"]
    for _, actions in groups():
        for action in actions:
            shown = " ".join(f"`{key_text(key)}`".replace("|", "\\|") for key in keys[action.name])
            lines.append(f"| {shown} | {action.description} | `{action.name}` | {'yes' if action.viewer else ''} |")
    return "\n".join(lines) + "\n"
