"""The table of actions and its keys."""

import subprocess
import sys
import unicodedata

import pytest
from textual.keys import Keys, _character_to_key

from app.deck.actions import ACTIONS, as_markdown, groups, key_name, key_text, keymap
from core.errors import ConfigError


def test_names_and_keys_are_unique() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    keys = [key for keys in keymap().values() for key in keys]
    assert len(set(keys)) == len(keys)


def test_every_action_is_in_a_group() -> None:
    assert [action for _, actions in groups() for action in actions].sort(key=str) == list(ACTIONS).sort(key=str)
    assert sum(len(actions) for _, actions in groups()) == len(ACTIONS)


@pytest.mark.parametrize("character", [chr(code) for code in range(33, 127)])
def test_characters_have_the_librarys_names(character: str) -> None:
    assert key_name(character) == _character_to_key(character), unicodedata.name(character)


def test_words_are_the_librarys_keys() -> None:
    known = {key.value for key in Keys}
    for word in ("space", "tab", "enter", "escape", "Home", "END", "PageUp", "F1", "f12", "up", "ctrl+p"):
        assert key_name(word) in known | {"space"}


@pytest.mark.parametrize("key", ["", "spcae", "ctrl+", "hyper+x", "f13", "ab", "é"])
def test_keys_that_do_not_exist(key: str) -> None:
    with pytest.raises(ConfigError, match="no such key"):
        key_name(key)


@pytest.mark.parametrize(
    ("name", "text"), [("comma", ","), ("ctrl+p", "^p"), ("f1", "F1"), ("space", "space"), ("home", "Home"), ("B", "B")]
)
def test_keys_are_written_as_people_write_them(name: str, text: str) -> None:
    assert key_text(name) == text


def test_overrides_replace_and_collide() -> None:
    assert keymap({"play": ("F5", "x")})["play"] == ("f5", "x")
    with pytest.raises(ConfigError, match="'z' is given to both 'play' and 'zoom'"):
        keymap({"play": ("z",)})
    with pytest.raises(ConfigError, match="unknown action 'zom'; did you mean 'zoom'"):
        keymap({"zom": ("y",)})
    assert keymap({"play": ("z",), "zoom": ("Z",)})["zoom"] == ("Z",)


def test_function_keys_are_for_trading() -> None:
    """Of F2 to F12 only the keys of a desk are given, each to one thing."""
    taken = {key for keys in keymap().values() for key in keys}
    assert sorted(taken & {f"f{number}" for number in range(2, 13)}) == ["f10", "f2", "f4", "f6", "f8"]


def test_markdown_has_every_action() -> None:
    table = as_markdown({"play": ("x",)})
    assert table.count("\n") == len(ACTIONS) + 2
    assert "| `x` | Play or pause | `play` |  |" in table
    assert "| `?` `F1` | Help | `help` | yes |" in table
    assert all(line.count("|") == 5 for line in table.strip().split("\n"))


def test_the_table_needs_no_terminal_library() -> None:
    code = "import sys, app.deck, app.config, app.deck.actions; sys.exit(bool({'textual', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
