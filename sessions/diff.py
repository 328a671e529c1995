"""Two sessions held against each other: what they were made of, key by key, and the first record that differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.compare import Comparison, Difference, feature_names, sections_of
from sessions.journal.layout import Block
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.manifest import Manifest, read_manifest
from sessions.plan_restore import differences
from sessions.recording import log_disk

#: What of a manifest says how a session came about; everything else is its name, its place and its time.
_MADE_OF = (
    "code", "version", "python", "machine", "durable", "money_digits", "currency", "agents", "features", "kills",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that two sessions were not made of alike."""

    kind: str  #: plan, code, tape, model or manifest
    key: str  #: dotted path in the manifest, or the tape's name, or the model's
    before: str  #: shown as JSON, "nothing" where there is none
    after: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sessions."""

    a: str
    b: str
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]  #: the first of every stream and tape, in the order of the first log
    counts: Mapping[str, tuple[int, int]]  #: records by stream in either
    digests: Mapping[str, str]  #: SHA-256 of each stream; worth something where nothing differs
    faults: tuple[str, str]  #: what is wrong with either log behind its last good block

    @property
    def equal(self) -> bool:
        """Whether both hold the same records, whatever they were made of."""
        return not self.differences

    @property
    def first(self) -> Difference | None:
        """The first record that differs."""
        return self.differences[0] if self.differences else None


def diff(a: Path, b: Path) -> Compared:
    """Compare the sessions in two folders; their writers may be at work. Raises `JournalError`."""
    one, two = read_manifest(a), read_manifest(b)
    held = Comparison(feature_names(one))
    counts: dict[str, list[int]] = {name: [0, 0] for name in held.counts}
    readers = [Reader(log_disk(folder), start_of(m.hash)) for folder, m in ((a, one), (b, two))]
    logs = [iter(reader) for reader in readers]
    last: list[Block | None] = [next(log, None) for log in logs]
    while last[0] is not None or last[1] is not None:
        # The one that is behind goes on, so that little waits for the other.
        k = 0 if last[1] is None or (last[0] is not None and last[0].first <= last[1].first) else 1
        block = last[k]
        if block is None:
            break
        for stream, tape, records, first in sections_of(block):
            counts[stream][k] += 1 if records.dtype == "u1" else len(records)
            if k == 1:
                held.repeat(stream, tape, records, first)
        if k == 0:
            held.record(block)
        last[k] = next(logs[k], None)
    held.finish(missing=True, extra=True)
    return Compared(
        one.id, two.id, tuple(_changes(one, two)), held.differences,
        {name: (x, y) for name, (x, y) in counts.items()}, held.digests(), (readers[0].fault, readers[1].fault),
    )  # fmt: skip


def _changes(a: Manifest, b: Manifest) -> Iterator[Change]:
    for key, was, now in differences(_plan(a), _plan(b)):
        yield Change("plan", key, was, now)
    for kind, content in (("tape", "messages_sha256"), ("model", "sha256")):
        before, after = (_by_name(m.fields.get(f"{kind}s"), content) for m in (a, b))
        for key, was, now in differences(before, after):
            yield Change(kind, key, was, now)
    for key in _MADE_OF:
        for path, was, now in differences(a.fields.get(key), b.fields.get(key), key):
            yield Change("code" if key in ("code", "version") else "manifest", path, was, now)


def _plan(manifest: Manifest) -> dict[str, Any]:
    """The plan, its tapes and agents by name: one more of them is one difference, not many."""
    plan = dict(manifest.fields["plan"])
    for key in ("tapes", "agents"):
        entries = plan.get(key)
        if isinstance(entries, list) and all(isinstance(each, dict) for each in entries):
            plan[key] = {str(each.get("name", k)): each for k, each in enumerate(entries)}
    return plan


def _by_name(entries: Any, content: str) -> dict[str, Any]:
    """What a list of files holds, by name."""
    found = entries if isinstance(entries, list) else []
    return {str(each.get("name", k)): each.get(content) for k, each in enumerate(found) if isinstance(each, dict)}
