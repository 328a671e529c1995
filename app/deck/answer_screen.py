"""An answer about the journal on top of the screen: a chain of causes, or the report of a session."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from app.deck.answer_text import answer_text
from app.deck.board import Board
from app.deck.dialogs import Dialog
from sessions.audit.follow import Standing

if TYPE_CHECKING:
    from sessions.audit.answers import Answer

_FRAME = 7  #: cells beside the text


class AnswerScreen(Dialog[None]):
    """Scrolls; escape closes."""

    CSS = """
    AnswerScreen > Vertical { width: 96%; max-width: 150; height: 94%; max-height: 94%; padding: 0 2; }
    AnswerScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; background: $surface; }
    AnswerScreen Static { width: 1fr; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter", "dismiss(None)", "Close")]

    def __init__(
        self, answer: "Answer", board: Board, standing: Standing, live: Mapping[str, str] | None = None
    ) -> None:
        """`live`: what a report says that is not in the journal yet."""
        super().__init__()
        self._answer, self._board, self._standing, self._live = answer, board, standing, dict(live or {})

    def compose(self) -> ComposeResult:
        """The text in a box that scrolls."""
        with Vertical() as box:
            box.border_title = self._title()
            box.border_subtitle = "up down PgUp PgDn   escape closes"
            with VerticalScroll():
                width = min(int(self.app.size.width * 0.96), 150) - _FRAME
                yield Static(answer_text(self._answer, width, self._board.ink.paper, self._more()))

    def on_mount(self) -> None:
        """The keys that scroll go to the text."""
        self.query_one(VerticalScroll).focus()

    def _title(self) -> str:
        asked = self._answer.facts.get("asked")
        return {"report": "Report", "note": "Record"}.get(self._answer.question, f"Why {asked}")

    def _more(self) -> Mapping[str, str]:
        """What a report also says: how it can be proven, and the verbs that go on with it."""
        if self._answer.question != "report":
            return {}
        session = self._answer.session
        known = {name for name, value in self._answer.facts.items() if value not in (None, "")}
        live = {name: value for name, value in self._live.items() if value and name not in known}
        return {
            **live, "head hash": self._standing.head, "journal": session,
            "verify it": f"tapedeck audit verify {session}", "repeat it": f"tapedeck audit replay {session}",
            "as a page": f"tapedeck audit report {session} --html FILE",
        }  # fmt: skip
