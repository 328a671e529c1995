"""Small questions on top of the deck: where to, which note, which bookmark."""

from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from app.deck.formats import Formats, plain
from app.places import EXAMPLES, GotoError, Target, parse
from core.snapshot import Snapshot
from sessions.bookmarks import Bookmark

DIALOG_CSS = """
Dialog { align: center middle; background: $background 55%; }
Dialog > Vertical { width: 74; max-width: 96%; height: auto; max-height: 90%; background: $surface; padding: 1 2;
    border: round $accent; border-title-color: $accent; border-title-style: bold; }
Dialog Label { width: 100%; color: $foreground 70%; }
Dialog Label.-wrong { color: $error; text-style: bold; }
Dialog Input { border: none; height: 1; padding: 0 1; background: $panel; margin: 1 0; }
Dialog Input:focus { border: none; background-tint: $foreground 4%; }
Dialog OptionList { border: none; height: auto; max-height: 18; background: $surface; padding: 0; }
"""


ResultType = TypeVar("ResultType")


class Dialog(ModalScreen[ResultType]):
    """A question in a box, closed by escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close")]


class GotoDialog(Dialog[Target | None]):
    """Asks for a place on the tape and says what it understood."""

    def __init__(self, snapshot: Snapshot, formats: Formats) -> None:
        super().__init__()
        self._snapshot, self._formats = snapshot, formats

    def compose(self) -> ComposeResult:
        """A line to type in and a line that answers."""
        with Vertical() as box:
            box.border_title = "Go to"
            yield Label(EXAMPLES, markup=False)
            yield Input(placeholder="time, offset, #message or %", id="place")
            yield Label("", id="answer", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what the text means so far."""
        try:
            target = parse(event.value, self._snapshot, self._formats)
        except GotoError as error:
            self._answer(str(error) if event.value.strip() else "", False)
        else:
            self._answer(target.text + self._how_back() * target.back, False)

    def _how_back(self) -> str:
        """What going back does: a session is played again, and so is what the person did in it."""
        if self._snapshot.desk is None:
            return "   back: rebuilt from a checkpoint"
        return "\nback: replays session and acts up to there; later acts are forgotten"

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there, or say why not."""
        try:
            self.dismiss(parse(event.value, self._snapshot, self._formats))
        except GotoError as error:
            self._answer(str(error), True)

    def _answer(self, text: str, wrong: bool) -> None:
        label = self.query_one("#answer", Label)
        label.set_class(wrong, "-wrong")
        label.update(Text(text))


class NoteDialog(Dialog[str | None]):
    """Asks for the note of a bookmark; empty is fine."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self._when = when

    def compose(self) -> ComposeResult:
        """A line to type in."""
        with Vertical() as box:
            box.border_title = "Bookmark"
            yield Label(f"{self._when}   enter keeps it, escape does not", markup=False)
            yield Input(placeholder="note (optional)", id="note", max_length=80)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it."""
        self.dismiss(event.value.strip())


class BookmarkDialog(Dialog[tuple[str, int] | None]):
    """Lists bookmarks: enter jumps, delete removes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("B", "dismiss(None)", "Close"),
        Binding("delete,d,backspace", "remove", "Delete"),
    ]

    def __init__(self, bookmarks: tuple[Bookmark, ...], formats: Formats) -> None:
        super().__init__()
        self._bookmarks, self._formats = bookmarks, formats

    def compose(self) -> ComposeResult:
        """The list, or how to make one."""
        with Vertical() as box:
            box.border_title = "Bookmarks"
            if not self._bookmarks:
                yield Label("none yet: b keeps the moment that is shown", markup=False)
            yield OptionList(*(Option(self._line(each), id=str(each.ts)) for each in self._bookmarks))
            yield Label("enter jumps   d deletes   escape closes", markup=False)

    def _line(self, bookmark: Bookmark) -> Text:
        return Text(f"{self._formats.day(bookmark.ts)} {self._formats.time(bookmark.ts, 3)}  {plain(bookmark.note)}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Jump."""
        self.dismiss(("go", int(event.option.id or 0)))

    def action_remove(self) -> None:
        """Delete the highlighted one."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(("remove", int(options.get_option_at_index(options.highlighted).id or 0)))
