"""What a log holds, added up block by block: records, digests as `core.desk.recorder` makes them, sequence numbers."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.desk.hashing import Digests
from core.desk.recorder import REPEATED
from sessions.journal.layout import Block
from sessions.journal.streams import STREAMS as ALL

#: Streams whose `seq` counts 0, 1, 2 ... together, and whether each tape counts for itself.
_COUNTED = {
    "decisions": ("decisions", False),
    "verdicts": ("verdicts", False),
    "fills": ("events", True),
    "events": ("events", True),
}
_FAR = 1 << 62
_WORDS = {"decisions": "decisions", "verdicts": "verdicts", "events": "events and fills"}


@dataclass(slots=True)
class Tally:
    """Everything so far. `add` blocks in order."""

    counts: dict[str, int] = field(default_factory=lambda: {stream.name: 0 for stream in ALL})
    life: bytes = b""  #: the last record of the session's state
    _digests: Digests = field(default_factory=lambda: Digests(REPEATED))
    _next: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, block: Block) -> list[str]:
        """Count a block. Returns what is wrong with its sequence numbers."""
        seqs: dict[tuple[str, int], list[NDArray[np.int64]]] = {}
        for each in block.sections:
            name = each.stream.name
            self.counts[name] += each.count
            self._digests.add(name, each.records, each.tape)
            if name in _COUNTED:
                counter, by_tape = _COUNTED[name]
                seqs.setdefault((counter, each.tape if by_tape else 0), []).append(each.records["seq"])
            elif name == "life":
                self.life = each.text()
        return [wrong for key, found in seqs.items() if (wrong := self._counted(key, found))]

    def _counted(self, key: tuple[str, int], found: list[NDArray[np.int64]]) -> str:
        seq = np.sort(np.concatenate(found))
        begin = self._next.get(key, 0)
        self._next[key] = min(int(seq[-1]), _FAR) + 1
        wrong = np.flatnonzero(seq - begin != np.arange(len(seq)))
        if not len(wrong):
            return ""
        at = int(wrong[0])
        return f"{_WORDS[key[0]]} of tape {key[1]}: number {int(seq[at]):,} where {begin + at:,} belongs"

    def digests(self) -> dict[str, str]:
        """SHA-256 of each stream that repeats, hexadecimal."""
        return {name: self._digests.digest(name).hex() for name in REPEATED}

    def digest(self) -> str:
        """The one of decisions and fills."""
        both = self._digests.digest("decisions") + self._digests.digest("fills")
        return hashlib.sha256(both).hexdigest()
