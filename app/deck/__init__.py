"""The deck: the terminal screen of a tape player.

`run(player, config)` shows it. Importing this package loads no terminal library; running it does.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from app.config import DeckConfig
from core.errors import ConfigError
from core.transport import Player

if TYPE_CHECKING:
    from app.deck.marks import Bookmarks

#: How long another thread may hold the interpreter while a key waits (Python's own default is 5 ms, and the
#: engine's thread makes snapshots in Python): the 99th percentile of key to handler falls by a third or more.
SWITCH_SECONDS = 0.0005
#: What to use where there is no terminal.
HEADLESS = "without a terminal use: tapedeck play TAPE --json"


def run(
    player: Player,
    config: DeckConfig | None = None,
    bookmarks: "Bookmarks | None" = None,
    *,
    read_only: bool = False,
    painted: Callable[[], None] | None = None,
) -> int:
    """Show the deck until the person quits; the exit code. `painted` is called once, after the first frame.

    0 = quit, 1 = the deck failed, 3 = the engine had failed. The player stays open: whoever opened it
    closes it. Raises `ConfigError` where there is no terminal to draw on.
    """
    require_terminal()
    from app.deck.application import DeckApp
    from core.snapshot import State

    app = DeckApp(player, config, bookmarks=bookmarks, read_only=read_only, painted=painted)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        result = app.run()
    finally:
        sys.setswitchinterval(before)
    if app.return_code:
        return app.return_code
    return 3 if player.latest().state is State.FAULTED else result or 0


def require_terminal(environ: Mapping[str, str] | None = None) -> None:
    """Raise `ConfigError` unless there is a terminal that can show the deck (or a browser that plays one)."""
    environ = os.environ if environ is None else environ
    if environ.get("TEXTUAL_DRIVER"):
        return
    if environ.get("TERM") == "dumb":
        raise ConfigError(f"TERM=dumb cannot show the deck; {HEADLESS}")
    for stream, name in ((sys.__stdin__, "input"), (sys.__stdout__, "output"), (sys.__stderr__, "error output")):
        if stream is None or stream.closed or not stream.isatty():
            raise ConfigError(f"standard {name} is not a terminal; {HEADLESS}")
