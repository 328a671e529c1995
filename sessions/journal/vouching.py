"""What the desk's ledgers say of one session: the one in use, and those that were damaged and set aside."""

from dataclasses import dataclass
from pathlib import Path

from sessions.journal.anchors import Anchor
from sessions.journal.errors import JournalError
from sessions.journal.ledger import read_ledger, signed_lines


@dataclass(frozen=True, slots=True)
class Vouched:
    """How far a session was known to go. `strange`: what speaks against it; `doubts`: against the ledger itself."""

    at: Anchor | None
    strange: str = ""
    doubts: tuple[str, ...] = ()


def vouched(path: Path, session: str, genesis: bytes, public: bytes) -> Vouched:
    """Of a session whose manifest has the hash `genesis`.

    A ledger vouches for the sessions that were begun in it. One that was begun in a ledger that is damaged has lost
    that for good, even if it was closed in the next one: its lines still count, but that none is missing cannot be
    said. Raises `JournalError` if the ledgers that were set aside cannot be read.
    """
    doubts: list[str] = []
    entry, whole = None, True
    try:
        entries, torn = read_ledger(path, public)
        entry = entries.get(session)
        if torn:
            doubts.append(f"{len(torn)} bytes behind its last line")
    except JournalError as error:
        doubts.append(error.reason)
        whole = False
    if entry is not None and entry.genesis == genesis and entry.begun:
        return Vouched(entry.at, "", tuple(doubts))
    signed = {
        name: [each.at for each in lines if each.genesis == genesis]
        for name, lines in signed_lines(path, session, public).items()
    }
    asides = [name for name, lines in signed.items() if lines and name != path.name]
    strange = ""
    if asides:
        doubts.append(f"its beginning stands in {', '.join(asides)}, which was damaged and set aside")
    elif whole and entry is None:
        strange = f"has no line for {session}"
    elif whole and entry is not None:
        same = entry.genesis == genesis
        strange = f"does not say that {session} was begun" if same else f"knows another manifest of {session}"
    furthest = max((at for lines in signed.values() for at in lines), key=lambda at: at.blocks, default=None)
    return Vouched(furthest, strange, tuple(doubts))
