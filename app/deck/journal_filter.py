"""What a person types to see fewer lines of the journal: `agent:maker control:order_qty from:10:42 crossed`."""

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from app.deck.formats import Formats
from app.places import GotoError, parse
from core.snapshot import Snapshot
from core.transport import Verb

if TYPE_CHECKING:
    from sessions.audit.lines import Wanted

EXAMPLES = "agent:NAME  order:12  control:order_qty  from:10:42  to:+5m  and words"
_WORDS = ("agent", "order", "control", "from", "to")


class FilterError(ValueError):
    """What was typed is no filter."""


def read_filter(
    typed: str, wanted: "Wanted", agents: tuple[str, ...], snapshot: Snapshot, formats: Formats
) -> "Wanted":
    """`wanted` with what was typed instead of what it had; its kinds stay. Raises `FilterError`."""
    from sessions.audit.lines import Wanted

    found, words = Wanted(wanted.kinds), []
    for part in typed.split():
        name, colon, value = part.partition(":")
        if not colon or name.lower() not in _WORDS:
            words.append(part)
            continue
        found = _with(found, name.lower(), value, agents, snapshot, formats)
    if found.begin is not None and found.end is not None and found.begin >= found.end:
        raise FilterError("from: must be before to:")
    return replace(found, text=" ".join(words))


def _with(
    found: "Wanted", name: str, value: str, agents: tuple[str, ...], snapshot: Snapshot, formats: Formats
) -> "Wanted":
    from core.risk.controls import SPECS

    if name == "agent":
        return replace(found, agent=_one_of(value, agents, "agent"))
    if name == "control":
        return replace(found, control=_one_of(value, tuple(spec.name for spec in SPECS), "control"))
    if name == "order":
        if not value.isdecimal() or not 0 < len(value) < 19 or int(value) == 0:
            raise FilterError(f"{value[:20]!r} is no number of an order")
        return replace(found, order=int(value))
    try:
        command = parse(value, snapshot, formats).command
    except GotoError as error:
        raise FilterError(str(error)) from error
    if command.verb is not Verb.GOTO:
        raise FilterError(f"{value!r} is no time; try 10:42:17.5 or -5m")
    return replace(found, begin=int(command.value)) if name == "from" else replace(found, end=int(command.value))


def _one_of(value: str, names: tuple[str, ...], what: str) -> str:
    if value in names:
        return value
    begun = [name for name in names if name.startswith(value)] if value else []
    if len(begun) == 1:
        return begun[0]
    near = get_close_matches(value, names, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names[:4])}" if names else ""
    raise FilterError(f"no {what} {value[:30]!r}{hint}")


def filter_text(wanted: "Wanted", formats: Formats) -> str:
    """A filter as it would be typed."""
    parts = [f"agent:{wanted.agent}" if wanted.agent else "", f"order:{wanted.order}" if wanted.order else ""]
    parts.append(f"control:{wanted.control}" if wanted.control else "")
    parts.append(f"from:{formats.time(wanted.begin, 3)}" if wanted.begin is not None else "")
    parts.append(f"to:{formats.time(wanted.end, 3)}" if wanted.end is not None else "")
    return " ".join(part for part in (*parts, wanted.text) if part)
