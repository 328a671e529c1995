"""The deck on an invented market, in this terminal: `python tests/screen/demo.py [--read-only]`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]

from fake import SECOND, START, FakePlayer  # noqa: E402

from app.config import load  # noqa: E402
from app.deck import run  # noqa: E402
from core.transport import Command, Verb  # noqa: E402

if __name__ == "__main__":
    player = FakePlayer(live=True)
    player.send(Command(Verb.GOTO, START + 4_000 * SECOND))
    player.send(Command(Verb.SPEED, 8.0))
    player.send(Command(Verb.PLAY))
    sys.exit(run(player, load(), read_only="--read-only" in sys.argv))
