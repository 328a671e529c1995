"""What the deck takes from inside the terminal library: it is pinned exactly, and these tests say why."""

import asyncio
import gc
import importlib.metadata
import inspect
import io
import time
from queue import Queue

import pytest
from drive import deck
from fake import CannedPlayer, FakePlayer
from fake_desk import FakeDeskPlayer
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.drivers._writer_thread import WriterThread
from textual.filter import ANSIToTruecolor, Monochrome
from textual.screen import Screen
from textual.strip import Strip

from app.deck.pump import writer_queue
from app.deck.strips import FastStrip, filtered
from core.transport import Command, Verb


def test_the_version_is_the_one_that_was_read() -> None:
    assert importlib.metadata.version("textual") == "8.2.8"


def test_a_strip_has_the_slots_that_fast_strips_fill() -> None:
    assert set(Strip.__slots__) == {
        "_segments",
        "_cell_length",
        "_divide_cache",
        "_crop_cache",
        "_style_cache",
        "_filter_cache",
        "_render_cache",
        "_line_length_cache",
        "_crop_extend_cache",
        "_offsets_cache",
        "_link_ids",
        "_cell_count",
    }


def test_the_writer_thread_has_a_queue() -> None:
    thread = WriterThread(io.StringIO())
    assert isinstance(thread._queue, Queue)
    driver = type("Driver", (), {"_writer_thread": thread})()
    assert writer_queue(driver) == 0
    thread.write("x")
    assert writer_queue(driver) == 1
    assert writer_queue(object()) == 0


def test_private_methods_that_are_overridden_exist() -> None:
    assert not inspect.signature(Screen._compositor_refresh).parameters.keys() - {"self"}
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]


def _styles() -> list[Style]:
    return [
        Style.parse("#102030 on #405060"),
        Style.parse("bold #102030 on #405060"),
        Style.parse("#ffffff on #000000"),
    ]


def _rendered(strip: Strip) -> str:
    return strip.render(Console(color_system="truecolor", force_terminal=True, file=io.StringIO()))


def _cells(ansi: str) -> list[tuple[str, Style]]:
    """What a terminal would show, cell by cell."""
    from rich.text import Text

    text = Text.from_ansi(ansi)
    return [(character, text.get_style_at_offset(Console(), number)) for number, character in enumerate(text.plain)]


def test_short_codes_mean_the_same_as_full_ones() -> None:
    first, second, third = _styles()
    runs = [
        Segment("ab", first),
        Segment("cd", second),
        Segment("ef", third),
        Segment("gh", None),
        Segment("ij", first),
    ]
    fast, slow = _rendered(FastStrip(runs)), _rendered(Strip(runs))
    assert _cells(fast) == _cells(slow)
    assert len(fast) <= len(slow)


def test_cutting_is_like_the_librarys() -> None:
    runs = [Segment("abcdef", _styles()[0]), Segment("ghij", _styles()[2])]
    for cuts in ([3, 10], [10], [2, 6, 8, 10], [4]):
        fast = [piece.text for piece in FastStrip(runs, 10).divide(cuts)]
        assert fast == [piece.text for piece in Strip(runs, 10).divide(cuts)]
    assert FastStrip(runs, 10).crop(2, 8).text == Strip(runs, 10).crop(2, 8).text
    strip = FastStrip(runs, 10)
    assert strip.divide([10]) == [strip]
    assert strip.crop(0) is strip


def test_filters_are_applied() -> None:
    runs = [Segment("x", Style.parse("#ff0000 on #00ff00"))]
    grey = filtered(runs, [Monochrome()], Color.parse("#000000"))
    assert grey[0].style is not None
    assert grey[0].style.color is not None
    red, green, blue = grey[0].style.color.get_truecolor()
    assert red == green == blue


def test_the_skipped_filter_would_change_nothing() -> None:
    """Panels only use 24-bit colours, so the ANSI filter has nothing to do."""
    from rich import terminal_theme

    runs = [Segment("x", style) for style in _styles()]
    applied = ANSIToTruecolor(terminal_theme.MONOKAI).apply(runs, Color.parse("#000000"))
    assert [segment.style for segment in applied] == [segment.style for segment in runs]


@pytest.mark.parametrize("kind", [FakePlayer, FakeDeskPlayer])
async def test_a_tick_costs_little(kind: type[FakePlayer]) -> None:
    """Three times the budget of 8 ms, for slow and busy machines; `tests/bench/deck_cpu.py` measures properly."""
    source = kind()
    source.send(Command(Verb.GOTO, source.first_ts + 900 * 10**9))
    source.send(Command(Verb.PLAY))
    async with deck(player=CannedPlayer(source, 40, 1.0)) as driven:
        app, screen = driven.app, driven.app.screen
        started = time.thread_time()
        for _ in range(40):
            app.frame()
            screen._compositor.update_widgets(set(app.deck.shown()))
            update = screen._compositor.render_update()
            if update is not None:
                update.render_segments(app.console)  # type: ignore[union-attr]
        assert (time.thread_time() - started) / 40 < 0.024


@pytest.mark.parametrize("ticks", [12])
@pytest.mark.parametrize("kind", [FakePlayer, FakeDeskPlayer])
async def test_repainting_leaves_no_cycles_behind(kind: type[FakePlayer], ticks: int) -> None:
    """Every tick changes every panel; the collector finds nothing of ours to do."""
    source = kind()
    source.send(Command(Verb.GOTO, source.first_ts + 900 * 10**9))
    source.send(Command(Verb.PLAY))
    async with deck(player=CannedPlayer(source, ticks, 1.0)) as driven:
        app, screen = driven.app, driven.app.screen

        async def paint(count: int) -> None:
            for _ in range(count):
                app.frame(True)
                screen._compositor.update_widgets(set(app.deck.shown()))
                update = screen._compositor.render_update()
                assert update is not None
                update.render_segments(app.console)  # type: ignore[union-attr]

        await paint(ticks)
        await asyncio.sleep(0)
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await paint(ticks)
            gc.collect()
            found = [type(each).__name__ for each in gc.garbage]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert found == []
