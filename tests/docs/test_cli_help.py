"""Every verb explains itself, shows an example and stands in the README."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli import app

ROOT = Path(__file__).resolve().parents[2]


def verbs(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each verb below a command group: its words and the command."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


VERBS = dict(verbs(get_command(app)))


def options(command: Any) -> set[str]:
    """Every spelling of every option of a command."""
    return {spelling for parameter in command.params for spelling in (*parameter.opts, *parameter.secondary_opts)}


def words(line: str) -> set[str]:
    """Long options named in a command line."""
    return set(re.findall(r"(?<!\S)--[a-z][a-z-]*", line))


def test_the_walk_finds_verbs_at_both_levels() -> None:
    assert {"demo", "play", "bench", "doctor"} <= set(VERBS)
    assert {f"tape {name}" for name in ("import", "info", "check", "book", "make", "fit", "export")} <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_help_an_example_and_json(verb: str) -> None:
    command = VERBS[verb]
    assert command.help
    assert f"tapedeck {verb}" in (command.epilog or "")
    assert "--json" in options(command)


@pytest.mark.parametrize("verb", VERBS)
def test_an_example_uses_only_options_that_exist(verb: str) -> None:
    assert words(VERBS[verb].epilog or "") <= options(VERBS[verb])


@pytest.mark.parametrize("verb", VERBS)
def test_every_parameter_of_a_verb_is_explained(verb: str) -> None:
    unexplained = [p.name for p in VERBS[verb].params if p.name != "help" and not getattr(p, "help", None)]
    assert unexplained == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_stands_in_the_readme(verb: str) -> None:
    assert f"tapedeck {verb}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_only_verbs_and_options_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"(?:^    |`)(?:\.venv/bin/)?tapedeck ([^#\n|>`]+)", text, re.MULTILINE)
    assert len(lines) >= len(VERBS)
    for line in lines:
        said = line.split()
        verb = next((v for v in (" ".join(said[:2]), said[0]) if v in VERBS), None)
        if verb:
            assert words(line) <= options(VERBS[verb]), f"README: tapedeck {line}"
        else:
            assert said[0].startswith("--"), f"README names no verb in: tapedeck {line}"
