"""Asks which lines of the journal are to be shown."""

from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label

from app.deck.dialogs import Dialog
from app.deck.formats import Formats
from app.deck.journal_filter import EXAMPLES, FilterError, filter_text, read_filter
from core.snapshot import Snapshot

if TYPE_CHECKING:
    from sessions.audit.lines import Wanted


class FilterDialog(Dialog["Wanted | None"]):
    """A line to type in, and a line that says what is wrong with it."""

    def __init__(self, wanted: "Wanted", agents: tuple[str, ...], snapshot: Snapshot, formats: Formats) -> None:
        super().__init__()
        self._wanted, self._agents, self._snapshot, self._formats = wanted, agents, snapshot, formats

    def compose(self) -> ComposeResult:
        """The line starts with the filter that is in force."""
        with Vertical() as box:
            box.border_title = "Show only"
            yield Label(EXAMPLES, markup=False)
            yield Input(filter_text(self._wanted, self._formats), placeholder="nothing: everything", id="filter")
            yield Label(
                "words are looked for in agents, controls, reasons and what people said", id="answer", markup=False
            )

    def _read(self, typed: str) -> "Wanted":
        return read_filter(typed, self._wanted, self._agents, self._snapshot, self._formats)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Show them, or say why not."""
        try:
            self.dismiss(self._read(event.value))
        except FilterError as error:
            label = self.query_one("#answer", Label)
            label.set_class(True, "-wrong")
            label.update(Text(str(error)))
