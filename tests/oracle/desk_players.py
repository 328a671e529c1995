"""A player of a small session, and patience: what tests of the session's thread begin with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.desk_runner import SessionPlayer
from core.clock import monotonic_ns, sleep
from core.desk.desk import Desk
from core.policies.intent import Intent
from core.policies.shown import View
from core.snapshot import Snapshot, State
from core.tape.tape import Tape
from core.transport import Command, NewLimit, Ticket, Verb
from tests.oracle.venue_sessions import SECOND, Always, session


def quoting(view: View) -> list[Intent | None]:
    """Takes back what rests, or quotes both sides, and takes a lot."""
    return [view.cancel(one) for one in view.orders] or [view.rest(3, 1), view.rest(2, -1), view.take(1, 1)]


def hanging(view: View) -> Intent | None:
    """Never answers."""
    while True:
        pass


def maker(tape: Tape, step: Any = quoting, **more: Any) -> Callable[[], Desk]:
    """What makes desks of one agent `bot`, and one that carries a person's orders."""
    return lambda: session([tape], {"bot": Always(step)}, every=SECOND, **more)


class Watched:
    """A player that does not play yet, and patience."""

    def __init__(self, make: Callable[[], Desk], kills: Path, shown: int = 0) -> None:
        plan = make().plan
        self.player = SessionPlayer(plan, make, kills, playing=False, shown=shown)
        self.obeyed = self.shown = self.sent = 0
        obey, publish = self.player._obey, self.player._publish

        def counted(engine: Any, command: Command) -> None:
            self.engine = engine
            obey(engine, command)
            self.obeyed += 1

        def published(engine: Any, force: bool = False) -> None:
            publish(engine, force)
            self.shown = self.obeyed if force else self.shown

        self.player._obey, self.player._publish = counted, published  # type: ignore[method-assign]
        self.player.start()

    def until(self, condition: Callable[[Snapshot], bool], faulted: bool = False) -> Snapshot:
        """The first snapshot for which `condition` holds."""
        end = monotonic_ns() + 30 * SECOND
        while monotonic_ns() < end:
            found = self.player.latest()
            if condition(found):
                return found
            assert faulted or found.state is not State.FAULTED, found.failure
            sleep(0.002)
        last = self.player.latest()
        raise AssertionError(
            f"never seen; the last: {last.state} at {last.index} of {last.messages}, {self.notes()[-3:]}"
        )

    def ask(
        self,
        verb: Verb,
        value: float | int = 0,
        text: str = "",
        ticket: Ticket | None = None,
        limit: NewLimit | None = None,
    ) -> Snapshot:
        """Send a command; a snapshot after it was obeyed."""
        self.sent += 1
        self.player.send(Command(verb, value, text, ticket, limit))
        self.until(lambda _: self.shown >= self.sent)
        return self.player.latest()

    def notes(self) -> list[str]:
        """The blotter now."""
        desk = self.player.latest().desk
        assert desk is not None
        return [note.text for note in desk.notes]


def state_of(desk: Desk) -> dict[str, Any]:
    """Everything that decides how a session goes on."""
    line = desk.lines[0]
    return {
        "digest": desk.recorder.digests(),
        "agents": line.agents.tobytes(),
        "position": desk.account.position.tolist(),
        "cash": desk.account.cash.tolist(),
        "orders": line.venue.orders[line.venue.orders["status"] != 0].tobytes(),
    }
