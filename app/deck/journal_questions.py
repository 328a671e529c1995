"""What the screen asks of a journal besides lines: the chain behind one, the words of one, the report."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.deck.journal_window import CHUNK, Wish

if TYPE_CHECKING:
    from sessions.audit.answers import Answer
    from sessions.audit.books import Books
    from sessions.audit.lines import Line, Wanted

Question = Callable[["Books"], "Answer"]


def why(line: "Line") -> Question:
    """The chain behind a line, as `tapedeck audit why` tells it."""

    def question(books: "Books") -> "Answer":
        from sessions.audit.why import why as ask

        return ask(books, line.asked)

    return question


def note(line: "Line") -> Question:
    """The record of a line that nobody decided: its own words."""

    def question(books: "Books") -> "Answer":
        from sessions.audit.note import note as ask

        return ask(books, line)

    return question


def report() -> Question:
    """What came of the session so far, as `tapedeck audit report` tells it, and how well orders were filled."""

    def question(books: "Books") -> "Answer":
        from sessions.audit.execution import with_execution
        from sessions.audit.summing import report as ask

        return with_execution(books, ask(books))

    return question


class Pages:
    """Asks for pages; what it keeps belongs to the thread that answers."""

    def __init__(self) -> None:
        self._books: Books | None = None
        self._timeline: Any = None
        self._memory: Any = None

    def ask(self, wanted: "Wanted", wish: Wish) -> Callable[["Books"], Any]:
        """A question for a page."""

        def question(books: "Books") -> Any:
            from sessions.audit.lines import Key
            from sessions.audit.timeline import Memory, Timeline

            if books is not self._books:
                self._memory = self._memory or Memory()
                self._books, self._timeline = books, Timeline(books, self._memory)
            return self._timeline.page(wanted, CHUNK, Key(*wish.key) if wish.key else None, wish.older)

        return question
