"""A journal that somebody looks at while it grows: questions are asked in a thread, with a connection of its own.

Between questions nothing is held: other auditors can read, and bring the tables up to the log. The newest question of
a place is answered; one that is overtaken is given up.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.clock import monotonic_ns
from core.errors import TapedeckError

if TYPE_CHECKING:
    from sessions.audit.books import Books

Question = Callable[["Books"], Any]
#: Least time between two looks at the log, and for how long a file stays open for the next question.
CATCH_UP_NS, IDLE = 1_500_000_000, 0.3
#: Records in one transaction: memory is what the session is played with.
_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the tables go."""

    records: int = -1  #: -1: not looked at yet
    head: str = ""  #: hash of the last block that was read, hexadecimal
    sealed: bool = False
    fault: str = ""  #: why they go no further
    state: str = ""  #: of the session, as its last word says
    problem: str = ""  #: why they cannot be asked at all
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a question."""

    number: int  #: of the question, as `ask` gave it
    value: Any = None
    problem: str = ""


class Follower:
    """Asks one journal. `ask` and `taken` from one thread; never blocks it."""

    def __init__(self, folder: Path, catch_up_ns: int = CATCH_UP_NS) -> None:
        self.folder, self._every = folder, catch_up_ns
        self.standing = Standing()
        self._wake = threading.Condition()
        self._waiting: dict[str, tuple[int, Question]] = {}
        self._answers: dict[str, Answered] = {}
        self._count, self._over, self._fresh = 0, False, False
        self._connection: Any = None
        self._asking = ""  #: the place whose question is being answered
        self._thread = threading.Thread(target=self._run, name="journal-reader", daemon=True)
        self._thread.start()

    def ask(self, place: str, question: Question, fresh: bool = False) -> int:
        """Ask for `place`, instead of what was asked for it before. Returns the question's number.

        `fresh`: of the log as it is now, and not as it was up to `catch_up_ns` ago.
        """
        with self._wake:
            self._count += 1
            self._fresh = self._fresh or fresh
            self._waiting[place] = (self._count, question)
            if self._asking == place and self._connection is not None:
                self._connection.interrupt()
            self._wake.notify()
            return self._count

    def taken(self, place: str) -> Answered | None:
        """The answer for a place, once; None while there is none."""
        with self._wake:
            return self._answers.pop(place, None)

    def close(self, patience: float = 2.0) -> None:
        """Ask nothing more, and let go of the file."""
        with self._wake:
            self._over = True
            self._waiting.clear()
            if self._connection is not None:
                self._connection.interrupt()
            self._wake.notify()
        self._thread.join(patience)

    # --- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        died = True
        try:
            self._serve()
            died = False
        finally:
            if died:  # nobody may wait for a thread that is gone
                self.standing = _with(self.standing, problem="the reader of this journal has died")

    def _serve(self) -> None:
        with ExitStack() as stack:
            books: Books | None = None
            looked = monotonic_ns() - self._every
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._over or bool(self._waiting), self._patience(books, looked))
                    if self._over:
                        return
                    following, fresh, self._fresh = next(iter(self._waiting), None), self._fresh, False
                due = (fresh or monotonic_ns() - looked >= self._every) and not self.standing.sealed
                if books is not None and (due or following is None):
                    stack.close()
                    books = None
                if due or self.standing.records < 0:
                    looked = monotonic_ns()
                    self._look()
                    looked = max(looked, monotonic_ns() - self._every // 2)
                if following is not None:
                    books = self._answer(stack, books, following)

    def _patience(self, books: "Books | None", looked: int) -> float | None:
        if books is not None:
            return IDLE
        return None if self.standing.sealed else max(looked + self._every - monotonic_ns(), 0) / 1e9

    def _forget(self) -> None:
        with self._wake:
            self._connection = None

    def _look(self) -> None:
        """Bring the tables up to the log."""
        from sessions.audit.project import project
        from sessions.manifest import read_manifest

        try:
            manifest = read_manifest(self.folder)
            found = project(self.folder, manifest, patience=0.5, rows=_ROWS)
        except TapedeckError as error:
            problem = str(error) if self.standing.records < 0 else ""
            self.standing = _with(self.standing, fault=str(error), problem=problem)
            return
        self.standing = Standing(
            found.at.records, found.at.head.hex(), found.complete, found.fault, self.standing.state,
            agents=tuple(str(agent["name"]) for agent in manifest.fields["agents"]),
        )  # fmt: skip

    def _answer(self, stack: ExitStack, books: "Books | None", place: str) -> "Books | None":
        with self._wake:
            number, question = self._waiting.pop(place)
            self._asking = place
        value, problem = None, ""
        try:
            if books is None:
                books = self._opened(stack)
            value = question(books)
        except KeyboardInterrupt:  # overtaken
            problem = "overtaken"
        except TapedeckError as error:
            problem = str(error)
        except (LookupError, ValueError, TypeError, ArithmeticError) as error:  # records that hold what none can
            problem = f"this cannot be told: {type(error).__name__} {error}"
        with self._wake:
            self._asking = ""
            if problem != "overtaken":
                self._answers[place] = Answered(number, value, problem)
        return books

    def _opened(self, stack: ExitStack) -> "Books":
        import duckdb
        from sqlalchemy import select

        from sessions.audit.books import Books
        from sessions.audit.finding import Session
        from sessions.audit.store import locked, opened
        from sessions.journal.errors import JournalError
        from sessions.manifest import read_manifest

        manifest = read_manifest(self.folder)
        stack.enter_context(locked(self.folder, 2.0, shared=True))
        try:
            connection = opened(self.folder, {"threads": 1}, read_only=True)
        except duckdb.Error as error:
            raise JournalError(self.folder, f"cannot be read: {str(error).partition(chr(10))[0]}") from error
        stack.callback(connection.close)
        stack.callback(self._forget)  # first: nobody may interrupt what is closed
        with self._wake:
            self._connection = connection
        books = Books(Session(self.folder, manifest), connection, self.standing.fault)
        life = books.tables["life"].c
        state = books.one(select(life.state).order_by(life.record.desc()).limit(1))
        self.standing = _with(self.standing, state=str(state or "created"))
        return books


def _with(standing: Standing, **changes: Any) -> Standing:
    return replace(standing, **changes)
