"""The page of keys is the table of actions."""

from pathlib import Path

from app.deck.actions import as_markdown


def test_the_keys_in_the_readme_are_the_keys_of_the_deck() -> None:
    page = (Path(__file__).resolve().parents[2] / "app" / "README.md").read_text(encoding="utf-8")
    assert as_markdown().strip() in page
