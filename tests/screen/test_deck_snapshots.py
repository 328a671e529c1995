"""The whole screen as text, with a digest of each line's styles.

`TAPEDECK_SNAPSHOTS=write pytest tests/screen/test_deck_snapshots.py` writes the pictures anew; look at the
difference before you commit it.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from drive import Driven, deck

from app.config import DeckConfig
from app.deck.marks import LooseBookmarks
from core.transport import Command, Verb
from sessions.bookmarks import Bookmark

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 36), (160, 48), (200, 60))
PLAIN = DeckConfig()
LOOKS = {
    "default": PLAIN,
    "mono": replace(PLAIN, palette="mono"),
    "day-green-red": replace(PLAIN, theme="day", palette="green-red"),
    "ascii": replace(PLAIN, glyphs="ascii"),
}


def compare(driven: Driven, name: str) -> None:
    """The screen against its stored picture."""
    lines = [f"{look} {text}".rstrip() for look, text in zip(driven.looks(), driven.lines(), strict=True)]
    path = FOLDER / f"{name}.txt"
    if os.environ.get("TAPEDECK_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    expected = path.read_text("utf-8").splitlines()
    differing = [number for number, pair in enumerate(zip(expected, lines, strict=False)) if pair[0] != pair[1]]
    shown = "\n".join(f"line {number}\n- {expected[number]}\n+ {lines[number]}" for number in differing[:4])
    assert len(lines) == len(expected), f"{name}: {len(lines)} lines, stored {len(expected)}"
    assert not differing, f"{name}: {len(differing)} lines differ\n{shown}"


CASES = [(look, size) for look in LOOKS for size in (SIZES if look in ("default", "mono") else SIZES[::2])]


@pytest.mark.parametrize(("look", "size"), CASES, ids=[f"{look}-{size[0]}x{size[1]}" for look, size in CASES])
async def test_screen(look: str, size: tuple[int, int]) -> None:
    async with deck(size, config=LOOKS[look], playing=True) as driven:
        compare(driven, f"{look}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_color(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with deck(size, playing=True) as driven:
        compare(driven, f"no-color-{size[0]}x{size[1]}")
        for strip in driven.app.screen._compositor.render_strips():
            for segment in strip:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if colour is not None:
                        red, green, blue = colour.get_truecolor()
                        assert red == green == blue, f"{colour} has a hue in {segment.text!r}"


async def test_marks_and_loop() -> None:
    player_start = 1_340_285_400 * 10**9
    marks = LooseBookmarks(Bookmark(player_start + 9_000 * 10**9, "lunch"), Bookmark(player_start + 600 * 10**9))
    async with deck((160, 48), bookmarks=marks) as driven:
        driven.player.send(Command(Verb.LOOP_IN, player_start + 3_000 * 10**9))
        driven.player.send(Command(Verb.LOOP_OUT, player_start + 5_000 * 10**9))
        await driven.draw()
        compare(driven, "marks-160x48")


async def test_fault() -> None:
    async with deck((120, 36)) as driven:
        driven.player.fault("engine stopped: BookCorrupt: level 22345 holds a negative quantity")
        await driven.draw()
        await driven.draw()
        compare(driven, "fault-120x36")


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("help-160x48", (160, 48), ["question_mark"]),
        ("help-80x24", (80, 24), ["question_mark"]),
        ("go-to-120x36", (120, 36), ["g", *"9:45"]),
        ("layout-book-120x36", (120, 36), ["w"]),
        ("layout-flow-160x48", (160, 48), ["w", "w"]),
        ("zoom-heat-120x36", (120, 36), ["2", "z"]),
        ("small-70x20", (70, 20), []),
        ("tiny-50x12", (50, 12), []),
    ],
)
async def test_other_screens(name: str, size: tuple[int, int], keys: list[str]) -> None:
    async with deck(size) as driven:
        for key in keys:
            await driven.press(key)
        driven.clock.now += 60 * 10**9
        await driven.draw()
        compare(driven, name)
