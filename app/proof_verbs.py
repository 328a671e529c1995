"""Proving a session: its log verified, the engine driven again from it, two sessions told apart."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.audit_text import Wanted, tell
from app.output import interrupted, say
from app.paths import home, tapes
from core.clock import monotonic_ns
from core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from core.plan import SessionPlan
    from sessions.audit.answers import Sheet
    from sessions.compare import Difference
    from sessions.verify import Verified

#: A model of a session that is repeated has this long for an answer: the record says which came too late.
_PATIENCE_NS = 10_000_000_000
_EVERY_NS = 500_000_000  # between two lines of progress


def verify(wanted: str, key: str | None, log_only: bool, form: Wanted) -> None:
    """Check a session's log against its own chain, its signed anchors and its seal, and its tables against the log.

    Exit code 1 if anything is wrong. `key`: the desk's public key as the auditor knows it, hexadecimal; `log_only`:
    leave the tables out. Raises `JournalError`, `ConfigError`.
    """
    from sessions.audit.answers import Answer
    from sessions.audit.finding import find
    from sessions.recording import Rooms
    from sessions.verify import verify as check

    form.check()
    try:
        public = bytes.fromhex(key) if key is not None else None
    except ValueError as error:
        raise ConfigError("--key is the public key in hexadecimal, as in keys/journal.pub") from error
    rooms = Rooms(home())
    folder, started = find(rooms, wanted).folder, monotonic_ns()
    found = check(folder, rooms, public)
    seconds = max(1, monotonic_ns() - started) / 1e9
    tables = _tables(folder, found) if not log_only else "not compared, as you wished"
    facts = {
        "intact": found.intact,
        "state": found.state,
        "live": found.live,
        "sealed": found.sealed,
        "blocks": found.blocks,
        "records": found.records,
        "bytes": found.bytes,
        "head": found.head,
        "anchors": found.anchors,
        "anchored_records": found.anchored,
        "counts": found.counts,
        "digests": found.digests,
        "records_per_second": round(found.records / seconds),
        "tables": tables,
        "ledger": [str(each) for each in found.ledger],
    }
    rows = [
        {"what": f.what, "place": f.place, "byte": f.byte, "block": f.block, "record": f.record} for f in found.findings
    ]
    sheet = _sheet("findings", rows, ("what", "place", "byte", "block", "record"))
    tell(Answer("verify", found.session, facts, (sheet,), found.trouble), form)


def _tables(folder: Path, found: Verified) -> str:
    """Lay the tables beside the log; what differs is a finding. What was done, in words."""
    from sessions.audit.compared import compared
    from sessions.audit.store import FILE
    from sessions.journal.errors import JournalError
    from sessions.manifest import read_manifest
    from sessions.verify import Finding

    try:
        beside = compared(folder, read_manifest(folder))
    except JournalError as error:
        say(f"tapedeck: {found.session}: its tables were not compared with its log: {error}")
        return f"not compared: {error}"
    if beside.skipped:
        return f"not compared: {beside.skipped}"
    for name, how in beside.differs.items():
        words = f"{name} differs from the log ({how}); make it anew with: tapedeck audit rebuild {found.session}"
        found.findings.append(Finding(words, FILE))
    if beside.differs:
        return f"{len(beside.differs)} differ from the log"
    return f"compared with the log row by row, up to record {beside.records:,}"


def replay(wanted: str, form: Wanted) -> None:
    """Drive the engine again from tapes, manifest, acts and models. Exit code 1 if a record differs.

    Raises `JournalError`, `ConfigError`, `ModelError`, `TapeError`.
    """
    from models.serving import ZOO
    from sessions.audit.answers import Answer
    from sessions.audit.finding import find
    from sessions.recording import Rooms
    from sessions.replay import replay as again

    form.check()
    folder, started = find(Rooms(home()), wanted).folder, monotonic_ns()
    found = again(folder, _load, tapes=[tapes()], models=[ZOO], halted=interrupted, progress=_progress())
    facts = {
        "equal": found.equal,
        "state": found.state.value,
        "complete": found.complete,
        "records": found.records,
        "compared": dict(found.counts),
        "digests": dict(found.digests),
        "first": found.first.words() if found.first is not None else None,
        "acts": found.acts,
        "cut_off_answers": len(found.late),
        "slow_answers": found.slow,
        "doubt": found.doubt,
        "notes": list(found.notes),
        "fault": found.fault,
        "seconds": round((monotonic_ns() - started) / 1e9, 3),
    }
    trouble = f"a second run differs: {found.first.words()}" if found.first is not None else ""
    tell(Answer("replay", found.session, facts, (_differences(found.differences),), trouble), form)


def diff(first: str, second: str, form: Wanted) -> None:
    """What two sessions were made of, and the first record in which they differ. Exit code 1 if there is one."""
    from sessions.audit.answers import Answer
    from sessions.audit.finding import find
    from sessions.diff import diff as compare
    from sessions.recording import Rooms

    form.check()
    rooms = Rooms(home())
    found = compare(find(rooms, first).folder, find(rooms, second).folder)
    names = (found.a, found.b)
    facts = {
        "a": found.a,
        "b": found.b,
        "equal": found.equal,
        "first": found.first.words(names) if found.first is not None else None,
        "counts": {name: [a, b] for name, (a, b) in found.counts.items()},
        "digests": dict(found.digests) if found.equal else {},
        "faults": list(found.faults),
    }
    rows = [{"kind": c.kind, "key": c.key, "before": c.before, "after": c.after} for c in found.changes]
    changes = _sheet("changes", rows, ("kind", "key", "before", "after"))
    trouble = f"they differ: {found.first.words(names)}" if found.first is not None else ""
    sheets = (_differences(found.differences, ("a", "b")), changes)
    tell(Answer("diff", f"{found.a} {found.b}", facts, sheets, trouble), form)


def _differences(found: Sequence[Difference], runs: tuple[str, str] = ("recorded", "replayed")) -> Sheet:
    """One row for each field that is not the same."""
    rows = [
        {
            "stream": each.stream,
            "tape": each.tape,
            "number": each.number,
            "record": each.record,
            "ts": each.ts,
            "kind": each.kind,
            "field": field.name if field is not None else None,
            runs[0]: None if field is None else str(field.recorded),
            runs[1]: None if field is None else str(field.replayed),
        }
        for each in found
        for field in (each.fields or (None,))
    ]
    return _sheet("differences", rows, ("stream", "tape", "number", "record", "ts", "kind", "field", *runs))


def _sheet(name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Sheet:
    import polars as pl

    from sessions.audit.answers import Sheet

    whole = ("tape", "number", "record", "ts", "byte", "block")
    schema = {column: pl.Int64 if column in whole else pl.String for column in columns}
    return Sheet(name, pl.DataFrame(list(rows), schema=schema))


def _load(plan: SessionPlan) -> Mapping[str, Any]:
    from models.loading import load_models

    return load_models(plan, hard_ns=_PATIENCE_NS)


def _progress() -> Callable[[int, int], None]:
    """A line now and then, on a terminal."""
    told = [monotonic_ns()]

    def tell_progress(played: int, whole: int) -> None:
        if sys.stderr.isatty() and monotonic_ns() - told[0] > _EVERY_NS:
            told[0] = monotonic_ns()
            say(f"played {played:,} of {whole:,} messages again")

    return tell_progress
