"""What a person may type for a moment of a session: ns, a time of the market's day, or an offset from its start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ConfigError

if TYPE_CHECKING:
    from sessions.audit.finding import Session

EXAMPLES = "10:42:17.5, +5m, 1340289737500000000"


def moment(typed: str, session: Session) -> int:
    """Ns UTC of what was typed. Raises `GotoError`, `ConfigError`."""
    from decimal import Decimal

    from app.deck.formats import Formats
    from app.places import Start, parse
    from core.instrument import Instrument
    from core.transport import Verb

    text = typed.strip()
    if text.isdecimal() and 12 < len(text) < 20:
        return int(text)
    tapes: list[dict[str, Any]] = session.manifest.fields["tapes"]
    try:
        first, last = min(int(t["first_ts"]) for t in tapes), max(int(t["last_ts"]) for t in tapes)
        instrument = Instrument("", "", str(tapes[0]["date"]), Decimal(1), Decimal(1), session.timezone)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{session.id}: the manifest does not say when its tapes were: {error}") from error
    command = parse(text, Start(first, last, 0), Formats(instrument)).command
    if command.verb != Verb.GOTO or not isinstance(command.value, int):
        raise ConfigError(f"{typed!r} is not a time; say {EXAMPLES}")
    return command.value
