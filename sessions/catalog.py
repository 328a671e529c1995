"""What there is: sessions, tapes and models, in one SQLite file that any number of processes may ask.

The folders are the truth. The file is brought up to them by `refresh`, made anew where it is gone, and set aside
where it cannot be read. One thing it knows that the folders do not: how a sealed session ended when it was last seen.
A log that was cut back together with its anchors is found by that.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, ForeignKey, String, create_engine, delete, event, select, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from core.clock import wall_ns
from core.errors import TapeError
from core.tape.folder import META, read_meta
from sessions.catalog_folders import session_folders, stamp_of, standing_of
from sessions.journal.errors import JournalError
from sessions.recording import Rooms, State

FILE, VERSION = "catalog.db", 1
_PATIENCE = 5.0  #: seconds that one process waits for another's write


class _Base(DeclarativeBase):
    pass


class SessionRow(_Base):
    """A session. `seen_...`: how it ended when it was first seen sealed."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str]
    created_ns: Mapped[int]
    parent: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str]
    blocks: Mapped[int]
    records: Mapped[int]
    head: Mapped[str]  #: hash of the last block, hexadecimal
    digest: Mapped[str]  #: of its decisions and fills, empty before its end
    plan_digest: Mapped[str]
    code: Mapped[str]
    manifest_hash: Mapped[str]
    stamp: Mapped[str]  #: changes with the folder
    seen_blocks: Mapped[int]
    seen_head: Mapped[str]
    uses: Mapped[list["UseRow"]] = relationship(cascade="all, delete-orphan", order_by="UseRow.place")


class TapeRow(_Base):
    """A tape, in the tape folder or only known from a session."""

    __tablename__ = "tapes"
    messages_sha256: Mapped[str] = mapped_column(String, primary_key=True)
    folder: Mapped[str]
    symbol: Mapped[str]
    venue: Mapped[str]
    date: Mapped[str]
    messages: Mapped[int]
    present: Mapped[bool]  #: whether its folder was there


class ModelRow(_Base):
    """A model file by its content."""

    __tablename__ = "models"
    sha256: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str]
    file: Mapped[str]
    present: Mapped[bool]


class UseRow(_Base):
    """A tape or a model that a session was made of."""

    __tablename__ = "uses"
    session: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String, primary_key=True)  #: tape or model
    place: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh came to."""

    sessions: int
    read: int  #: sessions that had changed since the last time
    rebuilt: str  #: why the file was made anew, empty if it was not
    changed: tuple[str, ...]  #: sealed sessions that end otherwise than when they were last seen


@contextmanager
def catalog(home: Path) -> Iterator[Session]:
    """The catalogue of a data folder, to be asked with SQLAlchemy. Raises `JournalError`."""
    engine, _ = _opened(home)
    try:
        with Session(engine, expire_on_commit=False) as found:
            yield found
    finally:
        engine.dispose()


def refresh(home: Path, models: Iterable[Path] = ()) -> Refreshed:
    """Bring the catalogue up to the folders. `models`: model files beside those that sessions name.

    Nothing of a session is locked or changed. Raises `JournalError` for a file that cannot be written or is of a
    newer program.
    """
    engine, rebuilt = _opened(home, writing=True)
    try:
        with Session(engine) as database:
            read, changed, known = 0, list[str](), set[str]()
            for folder in session_folders(Rooms(home)):
                known.add(folder.name)
                read += _renewed(database, folder, changed)
            database.execute(delete(UseRow).where(UseRow.session.not_in(known)))
            database.execute(delete(SessionRow).where(SessionRow.id.not_in(known)))
            _things(database, home, models)
            database.commit()
        return Refreshed(len(known), read, rebuilt, tuple(changed))
    except DatabaseError as error:
        raise JournalError(home / FILE, f"cannot be written: {error.orig}") from error
    finally:
        engine.dispose()


def seen_end(home: Path, session_id: str) -> tuple[int, str] | None:
    """Blocks and hash of the last block of a sealed session when it was first seen; None if it was not."""
    if not (home / FILE).exists():
        return None
    with catalog(home) as database:
        row = database.get(SessionRow, session_id)
        return (row.seen_blocks, row.seen_head) if row is not None and row.seen_blocks else None


# --- the file ---------------------------------------------------------------------------------


def _opened(home: Path, writing: bool = False) -> tuple[Engine, str]:
    path = home / FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        try:
            _ready(path)
            return _engine(path, writing), ""
        except OperationalError as error:
            raise JournalError(path, f"cannot be used: {error.orig}") from error
        except DatabaseError as error:
            _set_aside(path)
            _ready(path)
            return _engine(path, writing), f"it could not be read: {error.orig}"
    except (OSError, DatabaseError) as error:
        raise JournalError(path, f"cannot be used: {error}") from error


def _set_aside(path: Path) -> None:
    path.rename(path.with_name(f"{FILE}.bad-{wall_ns()}"))
    for end in ("-wal", "-shm"):
        path.with_name(FILE + end).unlink(missing_ok=True)


def _engine(path: Path, writing: bool) -> Engine:
    """`writing`: transactions take the write lock at their beginning, so that two of them follow each other."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"
    event.listen(engine, "connect", _settings)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _settings(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin as `_engine` says
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    for statement in ("synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {statement}")


def _ready(path: Path) -> None:
    """Tables of this version; older ones are dropped, for the folders know it all. Raises `JournalError`."""
    for writing in (False, True):
        engine = _engine(path, writing)
        try:
            with engine.begin() as connection:
                version = int(connection.execute(text("PRAGMA user_version")).scalar_one())
                if version > VERSION:
                    words = f"is of version {version}, this program reads {VERSION}: use that, or delete it"
                    raise JournalError(path, words)
                if version == VERSION:
                    return
                if writing:
                    _Base.metadata.drop_all(connection)
                    _Base.metadata.create_all(connection)
                    connection.execute(text(f"PRAGMA user_version = {VERSION}"))
        finally:
            engine.dispose()


# --- what is in the folders -------------------------------------------------------------------


def _renewed(database: Session, folder: Path, changed: list[str]) -> bool:
    """Bring one session's row up to its folder; whether there was anything to do."""
    row = database.get(SessionRow, folder.name)
    try:
        stamp = stamp_of(folder)
        if row is not None and row.stamp == stamp:
            changed += [folder.name] if _ends_otherwise(row) else []
            return False
        fields = standing_of(folder) | {"stamp": stamp}
    except JournalError as error:
        fields = {"state": State.QUARANTINED.value, "reason": f"it cannot be read: {error}", "stamp": ""}
    tapes, models, sealed = (fields.pop(name, None) for name in ("tapes", "models", "sealed"))
    if row is None:
        row = SessionRow(
            id=folder.name, name=folder.name, created_ns=0, blocks=0, records=0, head="", digest="", plan_digest="",
            code="", manifest_hash="", seen_blocks=0, seen_head="",
        )  # fmt: skip
        database.add(row)
    for name, value in fields.items():
        setattr(row, name, value)
    if tapes is not None and models is not None:
        row.uses.clear()
        database.flush()
        row.uses += _uses("tape", tapes, "messages_sha256") + _uses("model", models, "sha256")
        for tape in tapes:
            database.merge(TapeRow(**{key: tape[key] for key in tape if key != "name"}, present=False))
        for model in models:
            database.merge(ModelRow(**model, present=False))
    if sealed and not row.seen_blocks:
        row.seen_blocks, row.seen_head = row.blocks, row.head
    changed += [folder.name] if _ends_otherwise(row) else []
    return True


def _ends_otherwise(row: SessionRow) -> bool:
    return row.seen_blocks > 0 and (row.seen_blocks, row.seen_head) != (row.blocks, row.head)


def _uses(kind: str, things: list[dict[str, Any]], content: str) -> list[UseRow]:
    return [UseRow(kind=kind, place=k, sha256=one[content], name=one["name"]) for k, one in enumerate(things)]


def _things(database: Session, home: Path, models: Iterable[Path]) -> None:
    """Tapes of the tape folder and model files beside those of sessions; what of all that is there."""
    for path in sorted((home / "tapes").glob(f"*/{META}")):
        try:
            meta = read_meta(path.parent)
        except TapeError:
            continue  # `tapedeck tape check` says what is wrong with it
        database.merge(TapeRow(
            messages_sha256=meta.messages_sha256, folder=str(path.parent), symbol=meta.symbol, venue=meta.venue,
            date=meta.date, messages=meta.messages, present=True,
        ))  # fmt: skip
    for path in models:
        try:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise JournalError(path, error.strerror or str(error)) from error
        database.merge(ModelRow(sha256=sha256, name=path.stem, file=str(path), present=True))
    database.flush()
    used = set(database.scalars(select(UseRow.sha256)))
    for tape in database.scalars(select(TapeRow)):
        tape.present = (Path(tape.folder) / META).is_file()
        if not tape.present and tape.messages_sha256 not in used:
            database.delete(tape)
    for model in database.scalars(select(ModelRow)):
        model.present = Path(model.file).is_file()
        if not model.present and model.sha256 not in used:
            database.delete(model)
