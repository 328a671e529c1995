"""The help screen, drawn from the table of actions."""

from collections.abc import Mapping
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from app.deck.actions import Action, groups, key_text
from app.deck.dialogs import Dialog
from app.deck.ink import Ink


class HelpScreen(Dialog[None]):
    """Every key, by group, in one column or two."""

    CSS = """
    HelpScreen > Vertical { width: 96%; max-width: 126; padding: 0 2; }
    HelpScreen VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; background: $surface; }
    HelpScreen Horizontal { height: auto; }
    HelpScreen Static { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,question_mark,f1", "dismiss(None)", "Close")]

    def __init__(self, keys: Mapping[str, tuple[str, ...]], ink: Ink, read_only: bool, desk: bool = False) -> None:
        super().__init__()
        self._keys, self._ink, self._read_only, self._desk = keys, ink, read_only, desk

    def compose(self) -> ComposeResult:
        """The groups, dealt to the columns."""
        shown = [
            (group, [action for action in actions if action.viewer or not self._read_only])
            for group, actions in groups(self._desk)
        ]
        with Vertical() as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            with VerticalScroll(), Horizontal():
                for column in deal([each for each in shown if each[1]], 2 if self.app.size.width >= 100 else 1):
                    yield Static(self._table(column))

    def _table(self, column: list[tuple[str, list[Action]]]) -> Table:
        paper = self._ink.paper
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(justify="right", no_wrap=True, style=f"bold {paper.accent}", width=6)
        table.add_column(style=paper.text)
        for group, actions in column:
            table.add_row("", Text(group, style=f"bold {paper.strong}"))
            for action in actions:
                table.add_row(
                    Text(" ".join(key_text(key) for key in self._keys[action.name])), Text(action.description)
                )
            table.add_row("", "")
        return table


def deal(blocks: list[tuple[str, list[Action]]], count: int) -> list[list[tuple[str, list[Action]]]]:
    """Blocks in order, in `count` columns of about the same height."""
    total = sum(len(actions) + 2 for _, actions in blocks)
    columns: list[list[tuple[str, list[Action]]]] = [[] for _ in range(count)]
    done = 0
    for block in blocks:
        middle = done + (len(block[1]) + 2) // 2
        columns[min(middle * count // max(total, 1), count - 1)].append(block)
        done += len(block[1]) + 2
    return columns
