"""The question of a limit: which, to what, for how long, who and why."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from app.deck import limit_draft
from app.deck.dialogs import Dialog
from app.deck.limit_draft import LimitDraft, LimitReading
from core.desk_view import DeskView

#: Name, what is asked for, and the longest answer.
_FIELDS = (
    ("which", "desk position", 80),
    ("value", "new value; none = no limit wanted", 24),
    ("minutes", "minutes of the market, empty = for good", 12),
    ("person", "who changes it", 40),
    ("reason", "why, for the journal", 200),
)
_LABELS = {"which": "limit", "value": "to", "minutes": "for", "person": "by", "reason": "because"}


class LimitDialog(Dialog[tuple[LimitDraft, LimitReading] | None]):
    """Says while one types what it would come to. Answers what was typed and what it comes to."""

    CSS = """
    LimitDialog Horizontal { height: 1; }
    LimitDialog Horizontal Label { width: 9; }
    LimitDialog Horizontal Input { width: 1fr; margin: 0; }
    LimitDialog #about { height: 2; margin: 0 0 1 0; }
    LimitDialog #answer { height: 2; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("up", "turn(-1)"), Binding("down", "turn(1)")]

    def __init__(self, view: DeskView, clock: int, draft: LimitDraft, arrow: str) -> None:
        """`clock`: market time, ns UTC; `draft`: what the fields begin with."""
        super().__init__()
        assert view.limits is not None
        self._limits, self._clock, self._arrow = view.limits, clock, arrow
        self._choices = limit_draft.choices(view)
        self._first = draft if draft.which else LimitDraft(next(iter(self._choices), ""))

    def compose(self) -> ComposeResult:
        """Five lines to type in, what stands, and a line that answers."""
        with Vertical() as box:
            box.border_title = "Change a limit"
            box.border_subtitle = "up down limit   tab field   enter changes   escape"
            for name, asked, longest in _FIELDS:
                with Horizontal():
                    yield Label(_LABELS[name], markup=False)
                    yield Input(getattr(self._first, name), placeholder=asked, id=name, max_length=longest)
                if name == "which":
                    yield Label("", id="about", markup=False)
            yield Label("", id="answer", markup=False)

    def on_mount(self) -> None:
        """What is asked first is the new value: the limit is mostly the one on top."""
        self.query_one("#value", Input).focus()
        self._show()

    def action_turn(self, step: int) -> None:
        """Another limit."""
        if self._choices:
            which = self.query_one("#which", Input)
            here = self._choices.index(which.value) if which.value in self._choices else -1
            which.value = self._choices[(here + step) % len(self._choices)]

    def on_input_changed(self) -> None:
        """Say what it means so far."""
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Change it, or say what is missing."""
        draft = self._draft()
        found = limit_draft.read_limit(draft, self._limits, self._clock, self._arrow)
        if isinstance(found, str):
            self._answer(found, True)
        elif not draft.person.strip() or not draft.reason.strip():
            name = "reason" if draft.person.strip() else "person"
            self._answer("who changes it?" if name == "person" else "and why? It goes into the journal", False)
            self.query_one(f"#{name}", Input).focus()
        else:
            self.dismiss((draft, found))

    def _draft(self) -> LimitDraft:
        return LimitDraft(*(self.query_one(f"#{name}", Input).value for name, _, _ in _FIELDS))

    def _show(self) -> None:
        draft = self._draft()
        self.query_one("#about", Label).update(Text(limit_draft.about(draft.which, self._limits)))
        found = limit_draft.read_limit(draft, self._limits, self._clock, self._arrow)
        if isinstance(found, str):
            self._answer(found if draft.value.strip() else "", bool(draft.value.strip()))
        else:
            self._answer(found.words + ("; wider: must be ARMED" if found.wider else ""), False)

    def _answer(self, text: str, wrong: bool) -> None:
        label = self.query_one("#answer", Label)
        label.set_class(wrong, "-wrong")
        label.update(Text(text))
