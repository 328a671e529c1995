"""The help screen, drawn from the table of actions."""

from collections.abc import Mapping
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from app.deck.actions import groups, key_text
from app.deck.ink import Ink


class HelpScreen(ModalScreen[None]):
    """Every key, by group."""

    CSS = """
    HelpScreen > Vertical { width: 96%; max-width: 130; height: auto; max-height: 96%; padding: 0 2; }
    HelpScreen VerticalScroll { height: auto; max-height: 100%; background: $surface; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1", "dismiss(None)", "Close")]

    def __init__(self, keys: Mapping[str, tuple[str, ...]], ink: Ink, read_only: bool) -> None:
        super().__init__()
        self._keys, self._ink, self._read_only = keys, ink, read_only

    def compose(self) -> ComposeResult:
        """One table per group."""
        with Vertical() as box:
            box.border_title = "Keys"
            with VerticalScroll():
                yield Static(self._table(), id="keys-table")
            yield Label("escape closes", markup=False)

    def _table(self) -> Table:
        ink = self._ink
        wide = self.app.size.width >= 112
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        for _ in range(2 if wide else 1):
            table.add_column(justify="right", no_wrap=True, style=f"bold {ink.paper.accent}", width=9)
            table.add_column(style=ink.paper.text, ratio=1)
        columns = self._columns(2 if wide else 1)
        for line in range(max(len(column) for column in columns)):
            cells: list[Text | str] = []
            for column in columns:
                cells += column[line] if line < len(column) else ["", ""]
            table.add_row(*cells)
        return table

    def _columns(self, count: int) -> list[list[list[Text | str]]]:
        """Rows of key and description, the groups dealt to `count` columns."""
        blocks: list[list[list[Text | str]]] = []
        for group, actions in groups():
            block: list[list[Text | str]] = [["", Text(group, style=f"bold {self._ink.paper.strong}")]]
            for action in actions:
                if action.viewer or not self._read_only:
                    keys = " ".join(key_text(key) for key in self._keys[action.name])
                    block.append([Text(keys), Text(action.description)])
            if len(block) > 1:
                blocks.append([*block, ["", ""]])
        columns: list[list[list[Text | str]]] = [[] for _ in range(count)]
        total = sum(len(block) for block in blocks)
        done = 0
        for block in blocks:
            columns[min(done * count // max(total, 1), count - 1)] += block
            done += len(block)
        return columns
