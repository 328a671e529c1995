"""The whole screen as text, with a digest of each line's styles; `pictures.py` says how to write it anew."""

from dataclasses import replace

import pytest
from drive import deck
from pictures import SIZES, compare, hues

from app.config import DeckConfig
from app.deck.marks import LooseBookmarks
from core.transport import Command, Verb
from sessions.bookmarks import Bookmark

PLAIN = DeckConfig()
LOOKS = {
    "default": PLAIN,
    "mono": replace(PLAIN, palette="mono"),
    "day-green-red": replace(PLAIN, theme="day", palette="green-red"),
    "ascii": replace(PLAIN, glyphs="ascii"),
}


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
        assert hues(driven) == []


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
