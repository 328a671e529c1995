"""The journal on the deck: pictures at four sizes, every key on a real small journal, and what it says of bad ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from drive import Driven, deck
from fake import FakePlayer
from fake_desk import FakeDeskPlayer
from pictures import SIZES, compare
from textual.widgets import Input

from app.config import DeckConfig
from app.deck.answer_screen import AnswerScreen
from app.deck.journal_dialog import FilterDialog
from app.deck.journal_screen import JournalScreen
from app.deck.journal_window import Window
from core.clock import monotonic_ns
from core.snapshot import State
from core.transport import Verb
from sessions.audit.lines import USUAL, Kind, Wanted
from tests.oracle.journals import Made, made, small

SESSION = "20240102-143000-made"


@dataclass
class Book:
    """What the deck is told of a journal."""

    latest: Path | None
    digest: str = ""
    failure: str = ""
    records: int | None = None


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return small(tmp_path_factory.mktemp("journal") / SESSION)


async def until(driven: Driven, condition: Callable[[], bool]) -> None:
    """Frames until something has come from the thread that reads."""
    end = monotonic_ns() + 20_000_000_000
    while not condition():
        assert monotonic_ns() < end, "\n".join(driven.lines())
        await asyncio.sleep(0.01)
        await driven.draw()
    await driven.draw()


def shown(driven: Driven) -> JournalScreen:
    found = next(screen for screen in driven.app.screen_stack if isinstance(screen, JournalScreen))
    assert isinstance(found, JournalScreen)
    return found


def begun(driven: Driven) -> bool:
    screen = shown(driven)
    return screen.shown.window.begun and screen._asked is None


@asynccontextmanager
async def opened(
    folder: Path | None, size: tuple[int, int] = (120, 36), **options: Any
) -> AsyncIterator[tuple[Driven, FakeDeskPlayer, Book]]:
    """A deck on which the journal is open and has its first lines."""
    player, book = FakeDeskPlayer(), Book(folder)
    player.journal = book  # type: ignore[attr-defined]
    async with deck(size, player=player, **options) as driven:
        await driven.press("h")
        if folder is not None:
            await until(driven, lambda: begun(driven))
        yield driven, player, book


async def press(driven: Driven, *keys: str) -> None:
    """Keys, and what they ask for answered."""
    await driven.press(*keys)
    if isinstance(driven.app.screen, JournalScreen):
        await until(driven, lambda: begun(driven))


async def only(driven: Driven, *kinds: Kind) -> None:
    """As if all the other kinds had been put out by their keys."""
    shown(driven)._want(Wanted(frozenset(kinds)))
    await until(driven, lambda: begun(driven))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pictures(journal: Made, size: tuple[int, int]) -> None:
    name = f"{size[0]}x{size[1]}"
    async with opened(journal.folder, size, playing=True) as (driven, _, _):
        compare(driven, f"journal-{name}")
        await only(driven, Kind.FILL)
        await press(driven, "up", "up")
        await driven.press("enter")
        await until(driven, lambda: isinstance(driven.app.screen, AnswerScreen))
        compare(driven, f"journal-why-{name}")
        await driven.press("escape", "r")
        await until(driven, lambda: isinstance(driven.app.screen, AnswerScreen))
        compare(driven, f"journal-report-{name}")


async def test_ascii_is_ascii(journal: Made) -> None:
    async with opened(journal.folder, (80, 24), config=DeckConfig(glyphs="ascii")) as (driven, _, _):
        assert all(line.isascii() for line in driven.lines())
        assert "[1 decide]" in driven.lines()[2]


async def test_kinds_come_and_go_with_their_numbers(journal: Made) -> None:
    async with opened(journal.folder) as (driven, _, _):
        screen = shown(driven)
        kinds = {line.kind for line in screen.shown.window.lines}
        assert Kind.IDLE not in kinds
        await press(driven, "9")
        assert Kind.IDLE in {line.kind for line in screen.shown.window.lines}
        await only(driven)
        assert screen.shown.window.lines == []
        assert "nothing of that kind" in "\n".join(driven.lines())
        await press(driven, "6")
        assert {line.kind for line in screen.shown.window.lines} == {Kind.ACT}
        await press(driven, "x")
        assert screen.shown.wanted.kinds == USUAL


async def test_up_ends_following_and_the_end_resumes_it(journal: Made) -> None:
    async with opened(journal.folder) as (driven, _, _):
        screen = shown(driven)

        def window() -> Window:
            return screen.shown.window

        last = window().line
        await press(driven, "pageup")
        assert "held" in driven.lines()[1]
        assert window().line != last
        await press(driven, "home")
        assert window().chosen == 0
        first = window().line
        assert first is not None
        assert first.what == "session running"
        await press(driven, "down", "down", "up")
        assert window().chosen == 1
        await press(driven, "end")
        assert window().line == last
        assert "following" in driven.lines()[1]


async def test_a_filter_is_typed_told_what_is_wrong_and_taken_back(journal: Made) -> None:
    async with opened(journal.folder) as (driven, _, _):
        await driven.press("slash", *"agent:makr")
        await driven.press("enter")
        assert isinstance(driven.app.screen, FilterDialog)
        assert "did you mean maker" in "\n".join(driven.lines())
        driven.app.screen.query_one(Input).value = "agent:maker canceled"
        await press(driven, "enter")
        await until(driven, lambda: shown(driven).shown.filtered != "" and begun(driven))
        lines = shown(driven).shown.window.lines
        assert lines
        assert {line.agent for line in lines} == {"maker", "taker"} or {line.agent for line in lines} == {"maker"}
        assert "agent:maker canceled" in driven.lines()[3]
        await driven.press("slash")
        assert driven.app.screen.query_one(Input).value == "agent:maker canceled"
        await press(driven, "escape")
        await press(driven, "x")
        assert shown(driven).shown.filtered == ""


async def test_only_what_the_chosen_line_has(journal: Made) -> None:
    async with opened(journal.folder) as (driven, _, _):
        screen = shown(driven)
        await only(driven, Kind.FILL)
        line = screen.shown.window.line
        assert line is not None
        assert line.kind == Kind.FILL
        await press(driven, "x")
        await press(driven, "home")
        while (line := screen.shown.window.line) is None or not line.order_id:
            await press(driven, "down")
        await press(driven, "o")
        assert {each.order_id for each in screen.shown.window.lines} == {line.order_id}
        await press(driven, "x", "up", "up", "up", "up")
        agent = screen.shown.window.line
        assert agent is not None
        await press(driven, "a")
        assert screen.shown.wanted.agent == agent.agent
        await press(driven, "x")
        await driven.press("slash")
        driven.app.screen.query_one(Input).value = "order_qty"
        await press(driven, "enter")
        await until(driven, lambda: screen.shown.filtered == "order_qty" and begun(driven))
        while (line := screen.shown.window.line) is not None and not line.control:
            await press(driven, "up")
        await press(driven, "c")
        assert screen.shown.wanted.control == "order_qty"


async def test_enter_shows_the_chain_or_the_words_of_the_record(journal: Made) -> None:
    async with opened(journal.folder, (160, 48)) as (driven, _, _):
        await only(driven, Kind.DECISION)
        await driven.press("enter")
        await until(driven, lambda: isinstance(driven.app.screen, AnswerScreen))
        text = "\n".join(driven.lines())
        assert "decision" in text
        assert "market" in text
        await driven.press("escape")
        await press(driven, "1", "6")
        await driven.press("enter")
        await until(driven, lambda: isinstance(driven.app.screen, AnswerScreen))
        assert "Record" in "\n".join(driven.lines())
        assert "bob" in "\n".join(driven.lines())


async def test_g_goes_to_that_nanosecond_and_closes(journal: Made) -> None:
    player = FakeDeskPlayer()
    player.first_ts, player.last_ts = journal.clock - 10**15, journal.clock + 10**15
    async with opened(journal.folder) as (driven, other, _):
        other.first_ts, other.last_ts = player.first_ts, player.last_ts
        other._dirty = True
        await press(driven, "pageup")
        line = shown(driven).shown.window.line
        assert line is not None
        sent = await driven.press("g")
        assert [(command.verb, command.value) for command in sent] == [(Verb.GOTO, line.ts)]
        assert driven.app.screen is driven.app.deck


async def test_a_read_only_deck_looks_and_goes_nowhere(journal: Made) -> None:
    async with opened(journal.folder, read_only=True) as (driven, _, _):
        assert await driven.press("pageup", "g", "space") == []
        assert "read-only" in "\n".join(driven.lines())


async def test_space_plays_and_a_kill_is_never_far(journal: Made) -> None:
    async with opened(journal.folder) as (driven, _, _):
        assert [command.verb for command in await driven.press("space")] == [Verb.TOGGLE]
        assert Verb.KILL in [command.verb for command in await driven.press("f10")]


async def test_a_tape_has_no_journal() -> None:
    async with deck((80, 24), player=FakePlayer()) as driven:
        await driven.press("h")
        assert "there is no journal" in "\n".join(driven.lines())
        await driven.press("up", "pageup", "home", "end", "enter", "g", "r", "o", "x")
        await driven.press("escape")
        await driven.press("r")
        assert driven.app.screen is driven.app.deck


async def test_a_session_that_is_still_compiling_will_have_one(journal: Made) -> None:
    async with opened(None) as (driven, _, book):
        assert "its journal begins with it" in "\n".join(driven.lines())
        await driven.press("up", "enter", "g", "r", "slash", "escape")
        book.latest = journal.folder
        await driven.draw()
        await until(driven, lambda: begun(driven))
        assert SESSION in driven.lines()[1]


async def test_going_back_shows_the_journal_that_is_written_then(journal: Made, tmp_path: Path) -> None:
    other = small(tmp_path / "20240102-150000-made", seed=5)
    async with opened(journal.folder) as (driven, _, book):
        assert SESSION in driven.lines()[1]
        book.latest = other.folder
        await driven.draw()
        await until(driven, lambda: begun(driven))
        assert "20240102-150000-made" in driven.lines()[1]


async def test_it_follows_while_the_session_writes_and_says_how_far_it_is_behind(tmp_path: Path) -> None:
    live = made(tmp_path / SESSION)
    live.write(live.block(30))
    async with opened(live.folder) as (driven, _, book):
        book.records = live.log.at.records + 1_234
        await driven.draw()
        assert "1,234 behind" in driven.lines()[1]
        live.write(live.block(30))
        book.records = live.log.at.records
        await until(driven, lambda: f"{live.log.at.records:,} records" in driven.lines()[1])
        await until(driven, lambda: begun(driven))
        assert "behind" not in driven.lines()[1]
        newest = max(line.record for line in shown(driven).shown.window.lines)
        assert newest > live.log.at.records - 60


async def test_a_journal_that_cannot_be_written_or_is_in_quarantine_says_so(tmp_path: Path) -> None:
    bad = small(tmp_path / SESSION)
    (bad.folder / "quarantined").write_text('{"reason": "the chain is broken"}')
    async with opened(bad.folder) as (driven, _, book):
        text = "\n".join(driven.lines())
        assert "QUARANTINED" in driven.lines()[1]
        assert "in quarantine" in text
        book.failure = "wal: no space left on device"
        await driven.draw()
        assert "no space left on device" in "\n".join(driven.lines())


async def test_a_log_that_was_changed_is_shown_up_to_there(tmp_path: Path) -> None:
    bad = small(tmp_path / SESSION)
    wal = bad.folder / "wal" / "journal-000000.wal"
    content = bytearray(wal.read_bytes())
    content[len(content) // 2] ^= 1
    wal.write_bytes(bytes(content))
    async with opened(bad.folder) as (driven, _, _):
        assert "!" in driven.lines()[3]
        assert shown(driven).shown.window.lines


async def test_a_manifest_that_is_gone_is_one_line(tmp_path: Path) -> None:
    (tmp_path / SESSION).mkdir()
    player = FakeDeskPlayer()
    player.journal = Book(tmp_path / SESSION)  # type: ignore[attr-defined]
    async with deck((120, 36), player=player) as driven:
        await driven.press("h")
        await until(driven, lambda: shown(driven).shown.standing.problem != "")
        assert "manifest" in "\n".join(driven.lines())


async def test_the_report_comes_at_the_end_of_a_session_once(journal: Made) -> None:
    player = FakeDeskPlayer()
    player.journal = Book(journal.folder, digest="d1e2")  # type: ignore[attr-defined]
    async with deck((160, 48), player=player) as driven:
        player._state = State.ENDED
        player._dirty = True
        await driven.draw()
        await until(driven, lambda: isinstance(driven.app.screen, AnswerScreen))
        text = "\n".join(driven.lines())
        for words in ("pnl", "fees", "fill rate", "digest", "head hash", f"tapedeck audit verify {SESSION}", "rung"):
            assert words in text, words
        await driven.press("escape")
        assert driven.app.screen is driven.app.deck
        for _ in range(20):
            await driven.draw()
        assert driven.app.screen is driven.app.deck
