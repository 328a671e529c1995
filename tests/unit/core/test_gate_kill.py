"""The kill switch: latched, scoped, there after a restart, taken back only by a person with a reason."""

import fcntl
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.risk.controls import Control
from core.risk.kill import FILE, KILL, LOCK, REARM, KillFileError, KillSwitch
from core.risk.state import MOST_KILLED_ORDERS
from tests.oracle.gate_cases import Desk

AGENTS, TAPES = ["maker", "taker"], ["AMZN", "AAPL"]


def switch(folder: Path, desk: Desk, session: str = "s1", agents: list[str] = AGENTS) -> KillSwitch:
    return KillSwitch(folder, session, desk.gate, agents, TAPES)


@pytest.mark.parametrize(
    ("scope", "changes", "other"),
    [
        ("desk", {}, None),
        ("agent.maker", {}, {"agent": 1}),
        ("instrument.AMZN", {}, {"instrument": 1}),
        ("order.50", {}, {"order_id": 51}),
        ("agent.taker", {"agent": 1}, {"agent": 0}),
        ("instrument.AAPL", {"instrument": 1}, {"instrument": 0}),
    ],
)
def test_a_kill_denies_its_scope_and_survives_a_restart(
    tmp_path: Path, scope: str, changes: dict[str, int], other: dict[str, int] | None
) -> None:
    desk = Desk()
    desk.order |= changes
    kills = switch(tmp_path, desk)
    assert desk.ask() == set()
    act = kills.kill(scope, "fat finger", "ann", 5)
    assert (act.act, act.scope, act.person, act.reason, act.ts, act.session) == (
        KILL,
        scope,
        "ann",
        "fat finger",
        5,
        "s1",
    )
    for again in (desk, Desk()):  # the same process, and a new one
        again.order |= changes
        if again is not desk:
            assert switch(tmp_path, again).latched == (act,)
        assert again.ask() == {Control.KILLED}
        if other is not None:
            again.order |= other
            assert again.ask() == set()
    desk.order |= changes
    kills.rearm(scope, "checked", "bob", 9)
    fresh = Desk()
    assert switch(tmp_path, fresh).latched == () and fresh.ask() == set()
    desk.order |= {"order_id": 50}
    assert desk.ask() == set()
    assert [(a.act, a.person, a.reason, a.ts) for a in switch(tmp_path, fresh).history] == [
        (KILL, "ann", "fat finger", 5), (REARM, "bob", "checked", 9)
    ]  # fmt: skip


@pytest.mark.parametrize(("reason", "person"), [("", "ann"), ("why", ""), ("  ", "ann"), ("why", "\t")])
def test_rearming_needs_a_person_and_a_reason(tmp_path: Path, reason: str, person: str) -> None:
    desk = Desk()
    kills = switch(tmp_path, desk)
    kills.kill("desk", "why", "ann", 5)
    with pytest.raises(ConfigError, match="a person and a reason are needed"):
        kills.rearm("desk", reason, person, 6)
    assert desk.ask() == {Control.KILLED} and len(kills.latched) == 1


def test_rearming_one_scope_leaves_the_others(tmp_path: Path) -> None:
    desk = Desk()
    kills = switch(tmp_path, desk)
    for scope in ("desk", "agent.maker", "agent.maker"):
        kills.kill(scope, "why", "ann", 5)
    kills.rearm("desk", "fine", "ann", 6)
    assert [act.scope for act in kills.latched] == ["agent.maker"] and desk.ask() == {Control.KILLED}
    with pytest.raises(ConfigError, match="rearm agent.makr: it is not killed; did you mean 'agent.maker'"):
        kills.rearm("agent.makr", "fine", "ann", 7)
    kills.rearm("agent.maker", "fine", "ann", 7)
    assert desk.ask() == set()


@pytest.mark.parametrize("scope", ["", "dezk", "agent.", "agent.x", "instrument.x", "order.x", "order.", "order.-1"])
def test_a_scope_that_is_not_there(tmp_path: Path, scope: str) -> None:
    kills = switch(tmp_path, Desk())
    with pytest.raises(ConfigError, match="no such scope"):
        kills.kill(scope, "why", "ann", 5)
    assert kills.history == () and not (tmp_path / FILE).exists()


def test_a_killed_order_is_of_its_session(tmp_path: Path) -> None:
    switch(tmp_path, Desk()).kill("order.50", "why", "ann", 5)
    desk = Desk()
    assert switch(tmp_path, desk, "s2").latched == () and desk.ask() == set()


def test_a_killed_agent_of_another_session_stays_killed(tmp_path: Path) -> None:
    switch(tmp_path, Desk()).kill("agent.taker", "why", "ann", 5)
    other = switch(tmp_path, Desk(), "s2", ["maker", "third"])
    other.kill("agent.third", "why", "ann", 6)
    desk = Desk()
    desk.order["agent"] = 1
    assert len(switch(tmp_path, desk, "s3").latched) == 2 and desk.ask() == {Control.KILLED}


def test_more_killed_orders_than_places_kill_the_desk(tmp_path: Path) -> None:
    desk = Desk()
    kills = switch(tmp_path, desk)
    kills._keep = lambda: None  # type: ignore[method-assign]  # hundreds of fsyncs say nothing here
    for order in range(1_000, 1_000 + MOST_KILLED_ORDERS):
        kills.kill(f"order.{order}", "why", "ann", 5)
    assert desk.ask() == set()
    kills.kill("order.7", "why", "ann", 5)
    assert desk.ask() == {Control.KILLED}


def _file(scope: str, ts: str = "1") -> str:
    return (
        f'{{"format": 1, "acts": [{{"act": "kill", "scope": "{scope}", "person": "a", "reason": "r", "ts": {ts},'
        f' "session": "s"}}]}}'
    )


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 1}', '{"format": 2, "acts": []}', '{"format": 1, "acts": [{"act": "kill"}]}',
     '{"format": 1, "acts": [{"act": "k", "scope": "desk", "person": "a", "reason": "r", "ts": 1, "session": "s"}]}',
     '{"format": 1, "acts": [{"act": "kill", "scope": 1, "person": "a", "reason": "r", "ts": 1, "session": "s"}]}',
     '{"format": 1, "acts": [{"act": "kill", "scope": "desk", "person": "", "reason": "", "ts": "1", "session": ""}]}',
     "[" * 100_000,
     *map(_file, ("order.abc", f"order.{9**20}", "order.-1", "order.", "desks", "", "agent.", "tape.A")),
     _file("desk", "true")],
)  # fmt: skip
def test_a_damaged_file_stops_everything(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(KillFileError) as caught:
        switch(tmp_path, Desk())
    assert str(tmp_path / FILE) in str(caught.value)
    assert caught.value.exit_code == 5 and "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(KillFileError, match="cannot be read"):
        switch(tmp_path, Desk())


def test_a_kill_counts_even_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where the folder should be")
    desk = Desk()
    (tmp_path / "kills").mkdir()
    kills = switch(tmp_path / "kills", desk)
    kills.path = tmp_path / "folder" / FILE
    with pytest.raises(KillFileError, match="cannot be written"):
        kills.kill("desk", "why", "ann", 5)
    assert desk.ask() == {Control.KILLED}
    with pytest.raises(KillFileError, match="cannot be written"):
        kills.rearm("desk", "why", "ann", 6)
    assert desk.ask() == {Control.KILLED} and [act.act for act in kills.history] == [KILL]


def test_the_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kills = switch(tmp_path, Desk())
    kills.kill("desk", "why", "ann", 5)
    whole = (tmp_path / FILE).read_text()
    assert [act["scope"] for act in json.loads(whole)["acts"]] == ["desk"]

    def dies(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(KillFileError, match="No space left on device"):
        kills.kill("agent.maker", "why", "ann", 6)
    assert (tmp_path / FILE).read_text() == whole and sorted(os.listdir(tmp_path)) == [FILE, LOCK]


def test_two_processes_keep_each_others_kills(tmp_path: Path) -> None:
    one, two = Desk(), Desk()
    first, second = switch(tmp_path, one), switch(tmp_path, two, "s2")
    first.kill("desk", "why", "ann", 1)
    second.kill("agent.maker", "why", "bob", 2)
    assert [act.scope for act in switch(tmp_path, Desk()).latched] == ["desk", "agent.maker"]
    assert first.changed() and second.changed()
    for kills in (first, second):
        kills.look()
        assert [act.scope for act in kills.latched] == ["desk", "agent.maker"] and not kills.changed()
    assert one.ask() == two.ask() == {Control.KILLED}
    second.rearm("desk", "fine", "bob", 3)  # killed by the other
    assert first.changed() and not second.changed()
    first.look()
    assert [act.scope for act in first.latched] == ["agent.maker"]


def _kill_many(folder: Path, name: str, count: int) -> None:
    kills = switch(folder, Desk(), name)
    for number in range(count):
        kills.kill(f"order.{number}", "why", name, number)


def test_many_kills_at_once_are_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.risk.kill._PATIENCE_NS", 20_000_000_000)  # a busy machine makes nobody give up
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_kill_many, args=(tmp_path, f"s{k}", 20)) for k in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    kept = switch(tmp_path, Desk()).history
    for k in range(3):
        assert [act.ts for act in kept if act.session == f"s{k}"] == list(range(20))


def test_a_lock_that_is_not_let_go_is_told_and_the_kill_counts(tmp_path: Path) -> None:
    desk = Desk()
    kills = switch(tmp_path, desk)
    with (tmp_path / LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(KillFileError, match=r"another process holds kill\.lock"):
            kills.kill("desk", "why", "ann", 5)
    assert desk.ask() == {Control.KILLED} and switch(tmp_path, Desk()).latched == ()
    kills.kill("agent.maker", "why", "ann", 6)  # what was not kept is kept with the next
    assert [act.scope for act in switch(tmp_path, Desk()).latched] == ["desk", "agent.maker"]


def test_a_file_that_gets_damaged_kills_the_desk_until_it_is_mended(tmp_path: Path) -> None:
    desk = Desk()
    kills = switch(tmp_path, desk)
    kills.kill("agent.taker", "why", "ann", 5)
    whole = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text("{")
    kills.look()
    assert desk.ask() == {Control.KILLED} and "damaged" in kills.latched[-1].reason
    (tmp_path / FILE).unlink()
    assert not kills.changed()  # a file that is gone takes nothing back
    (tmp_path / FILE).write_text(whole)
    assert kills.changed()
    kills.look()
    assert desk.ask() == set() and [act.scope for act in kills.latched] == ["agent.taker"]


@pytest.mark.parametrize("scope", ["foo", "", "order.x", "agent.", "dekk"])
def test_rearming_what_is_no_scope(tmp_path: Path, scope: str) -> None:
    kills = switch(tmp_path, Desk())
    kills.kill("desk", "why", "ann", 5)
    with pytest.raises(ConfigError, match=f"^rearm {scope}: no such scope; "):
        kills.rearm(scope, "fine", "ann", 6)
