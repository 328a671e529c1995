"""The journal in one line of time: nothing twice, nothing missing, every filter, and pages whose cost is bounded."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.clock import monotonic_ns, sleep
from core.enums import OperatorAct
from sessions.audit.books import Books, opened
from sessions.audit.execution import filled, parents
from sessions.audit.finding import Session
from sessions.audit.follow import Answered, Follower, Question
from sessions.audit.lines import USUAL, Key, Kind, Line, Wanted
from sessions.audit.note import note
from sessions.audit.timeline import Timeline
from tests.oracle.journals import Made, made, small


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return small(tmp_path_factory.mktemp("journal") / "20240102-143000-made", blocks=10)


@pytest.fixture(scope="module")
def books(journal: Made) -> Iterator[Books]:
    with opened(Session(journal.folder, journal.manifest)) as found:
        yield found


def everything(timeline: Timeline, wanted: Wanted, count: int, older: bool = True) -> list[Line]:
    """All lines, a page at a time, in order of time."""
    found: list[Line] = []
    key = None
    while True:
        page = timeline.page(wanted, count, key, older)
        assert len(page.lines) <= count
        found = [*page.lines, *found] if older else [*found, *page.lines]
        if not page.more:
            return found
        end = found[0] if older else found[-1]
        key = Key(end.ts, end.record)


def expected(journal: Made) -> dict[tuple[Kind, int], int]:
    """Kind and journal sequence of every line there should be, with its time; from the records themselves."""
    found: dict[tuple[Kind, int], int] = {}

    def add(stream: str, kind: Any, ts: str = "ts") -> None:
        records, _, rows = journal.whole(stream)
        for record, row in zip(records, rows, strict=True):
            if (one := kind(row)) is not None:
                found[one, int(record)] = int(row[ts])

    add("decisions", lambda row: Kind.DECISION if row["op"] else Kind.IDLE)
    add("orders", lambda row: Kind.ORDER, "ts_done")
    add("fills", lambda row: Kind.FILL)
    add("events", lambda row: Kind.EVENT if row["kind"] != 3 else None)
    add("verdicts", lambda row: Kind.DENIAL if row["breaches"] else None)
    return found


@pytest.mark.parametrize("count", [37, 5_000])
@pytest.mark.parametrize("older", [True, False])
def test_pages_hold_every_line_once_and_in_order(books: Books, journal: Made, count: int, older: bool) -> None:
    lines = everything(Timeline(books), Wanted(frozenset(Kind)), count, older)
    keys = [(line.ts, line.record) for line in lines]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    texts = (Kind.ACT, Kind.LIMIT, Kind.LIFE)
    assert {(Kind(line.kind), line.record): line.ts for line in lines if line.kind not in texts} == expected(journal)
    said = {line.record for line in lines if line.kind in texts}
    refusals = {record for record, stream, text in journal.texts if stream == "acts" and "failed" in text[:10]}
    assert said == {record for record, _, _ in journal.texts} - refusals


def test_states_stand_behind_what_came_before_them(books: Books) -> None:
    lines = everything(Timeline(books), Wanted(), 500)
    assert (lines[0].what, lines[-1].what) == ("session running", "session sealed")


def test_kinds_agents_orders_and_times_leave_out_the_rest(books: Books) -> None:
    timeline = Timeline(books)
    whole = everything(timeline, Wanted(frozenset(Kind)), 5_000)
    for kind in Kind:
        assert everything(timeline, Wanted(frozenset((kind,))), 300) == [line for line in whole if line.kind == kind]
    own = [line for line in whole if line.agent == "maker" and line.kind not in (Kind.ACT, Kind.LIMIT)]
    found = everything(timeline, Wanted(frozenset(Kind), agent="maker"), 300)
    assert [line for line in found if line.kind not in (Kind.ACT, Kind.LIMIT)] == own
    assert everything(timeline, Wanted(agent="nobody"), 300) == []
    order = next(line.order_id for line in reversed(whole) if line.kind == Kind.FILL)
    found = everything(timeline, Wanted(order=order), 300)
    assert found == [line for line in whole if line.order_id == order and line.kind != Kind.IDLE]
    assert {Kind.ORDER, Kind.FILL, Kind.EVENT, Kind.DECISION} <= {line.kind for line in found}
    begin, end = whole[len(whole) // 3].ts, whole[len(whole) // 2].ts
    found = everything(timeline, Wanted(frozenset(Kind), begin=begin, end=end), 50)
    assert found == [line for line in whole if begin <= line.ts < end]


def test_a_control_finds_what_it_denied_and_who_changed_it(books: Books) -> None:
    found = everything(Timeline(books), Wanted(control="order_qty"), 100)
    assert {line.kind for line in found} == {Kind.DENIAL, Kind.LIMIT}
    assert all("order_qty" in line.words for line in found)
    assert everything(Timeline(books), Wanted(control="depth_share"), 100) == []


@pytest.mark.parametrize(
    "text", ["order_qty", "maker", "because", "canceled", "follows the touch", "crossed", "rejected", "sealed"]
)
def test_text_finds_the_lines_that_say_it(books: Books, text: str) -> None:
    timeline = Timeline(books)
    found = everything(timeline, Wanted(text=text), 1_000)
    told = [
        line for line in everything(timeline, Wanted(), 5_000)
        if text in " ".join((line.what, line.words, line.agent)) and line.kind not in (Kind.ACT,)
    ]  # fmt: skip
    assert [line for line in found if line.kind != Kind.ACT] == told
    assert all(line.kind == Kind.ACT for line in found if line not in told)


def test_text_that_nobody_said_finds_nothing_whatever_it_holds(books: Books) -> None:
    for text in ("no such thing", "'; drop table fills; --", "100%", ":x <low>", "\\"):
        assert everything(Timeline(books), Wanted(text=text), 100) == []


def test_words_of_a_persons_act_and_of_its_refusal(books: Books) -> None:
    acts = everything(Timeline(books), Wanted(frozenset((Kind.ACT,))), 10)
    assert [line.what for line in acts] == ["person: pause", "person: kill"]
    assert "bob | because" in acts[0].words
    assert "refused: nobody is there" in acts[1].words
    assert acts[1].alarm
    assert note(books, acts[0]).facts["act"]["reason"] == "because"


def test_a_cut_name_is_never_asked_of_the_database(books: Books) -> None:
    odd = replace(Wanted(), agent="it's", control="no'pe", text="o'clock")
    assert everything(Timeline(books), odd, 10) == []


def test_lots_and_fees_are_those_of_the_records(books: Books, journal: Made) -> None:
    _, _, orders = journal.whole("orders")
    _, _, fills = journal.whole("fills")
    found = filled(books)
    assert found["lots_asked"] == int(orders["qty"].sum())
    assert found["lots_filled"] == int(fills["qty"].sum())
    assert found["fees"] == pytest.approx(int(fills["fee"].sum()) / 1e6)
    assert parents(books).frame.is_empty()


# --- large, and while it is written -----------------------------------------------------------


def wait(follower: Follower, place: str = "page") -> Answered:
    end = monotonic_ns() + 30_000_000_000
    while monotonic_ns() < end:
        if (found := follower.taken(place)) is not None:
            return found
        sleep(0.005)
    raise AssertionError(follower.standing)


def test_a_page_of_300_000_records_costs_what_a_page_costs(tmp_path: Path) -> None:
    large = made(tmp_path / "20240102-143000-large", keep=False)
    while large.log.at.records < 300_000:
        large.write(large.block(4_000))
    large.seal()
    with opened(Session(large.folder, large.manifest)) as books:
        timeline = Timeline(books)
        rng, (first, last) = np.random.default_rng(3), timeline.span
        timeline.page(Wanted(), 300)
        slowest = 0
        for ts in rng.integers(first, last, 12):
            started = monotonic_ns()
            page = timeline.page(Wanted(), 300, Key(int(ts), 0))
            slowest = max(slowest, monotonic_ns() - started)
            assert len(page.lines) == 300
            assert page.lines[-1].ts <= ts
        assert slowest < 2_000_000_000
        started = monotonic_ns()
        assert len(timeline.page(Wanted(text="order_qty"), 300).lines) == 300
        assert monotonic_ns() - started < 4_000_000_000


def test_a_reader_follows_the_writer_and_lets_others_at_the_file(tmp_path: Path) -> None:
    journal = made(tmp_path / "20240102-143000-live")
    journal.write(journal.block(50))
    follower = Follower(journal.folder, catch_up_ns=50_000_000)

    def ask() -> int:
        return follower.ask("page", lambda books: Timeline(books).page(Wanted(), 10))

    number = ask()
    first = wait(follower)
    assert first.number == number
    assert not first.problem
    assert follower.standing.records == journal.log.at.records
    assert follower.standing.agents == ("maker", "taker")
    journal.write([*journal.act(OperatorAct.KILL), *journal.block(50)])
    journal.seal()
    end = monotonic_ns() + 20_000_000_000
    while not follower.standing.sealed and monotonic_ns() < end:
        sleep(0.01)
    assert follower.standing.records == journal.log.at.records
    ask()
    assert wait(follower).value.lines[-1].what == "session sealed"
    with opened(Session(journal.folder, journal.manifest), patience=3.0) as other:  # nothing is held for long
        assert Timeline(other).page(Wanted(), 1).lines[-1].what == "session sealed"
    follower.close()
    assert not [each for each in threading.enumerate() if each.name == "journal-reader"]


def test_what_was_overtaken_is_not_answered(tmp_path: Path) -> None:
    journal = small(tmp_path / "20240102-143000-made")
    follower = Follower(journal.folder)

    def first(count: int) -> Question:
        return lambda books: Timeline(books).page(Wanted(USUAL), count)

    numbers = [follower.ask("page", first(k + 1)) for k in range(6)]
    found = wait(follower)
    while found.number != numbers[-1]:
        found = wait(follower)
    assert len(found.value.lines) == 6
    follower.close()


def test_a_folder_without_a_journal_is_said_to_be_one(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    follower.ask("page", Timeline)
    assert wait(follower).problem
    assert follower.standing.problem
    follower.close()
