"""The deck on an invented market, in this terminal: `python tests/screen/demo.py [--desk] [--read-only]`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]

from fake import SECOND, START, FakePlayer  # noqa: E402
from fake_desk import FakeDeskPlayer  # noqa: E402

from app.config import load  # noqa: E402
from app.deck import run  # noqa: E402
from core.clock import monotonic_ns  # noqa: E402
from core.transport import Command, Verb  # noqa: E402


class LiveDesk(FakeDeskPlayer):
    """A desk whose wall clock is the wall's."""

    def send(self, command: Command) -> None:
        """Apply `command` now."""
        self.now = monotonic_ns()
        super().send(command)


if __name__ == "__main__":
    player = LiveDesk(agents=8, orders=400, live=True) if "--desk" in sys.argv else FakePlayer(live=True)
    player.send(Command(Verb.GOTO, START + 4_000 * SECOND))
    player.send(Command(Verb.SPEED, 8.0))
    player.send(Command(Verb.PLAY))
    sys.exit(run(player, load(), read_only="--read-only" in sys.argv))
