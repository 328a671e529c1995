"""The themes of dialogs and palette, made from the same papers as the panels' inks."""

from textual.theme import Theme

from app.deck.ink import PAPERS, Paper

PREFIX = "tapedeck-"


def themes() -> list[Theme]:
    """One theme of the terminal library per paper."""
    return [_theme(paper) for paper in PAPERS.values()]


def _theme(paper: Paper) -> Theme:
    return Theme(
        name=PREFIX + paper.name,
        primary=paper.accent,
        secondary=paper.muted,
        accent=paper.accent,
        warning=paper.warn,
        error=paper.alarm,
        success=paper.accent,
        foreground=paper.text,
        background=paper.back,
        surface=paper.raised,
        panel=paper.panel,
        dark=paper.dark,
        variables={"block-cursor-background": paper.accent, "block-cursor-foreground": paper.panel},
    )
