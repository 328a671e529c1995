"""The deck in a browser: read-only, on this machine only, one process per visitor."""

import shlex
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from core.errors import ConfigError

HOST = "localhost"


def serve(tape: Path, port: int, ready: Callable[[], None] = lambda: None) -> None:
    """Serve the deck playing `tape` until interrupted. `ready` is called once nothing stands in the way.

    Raises `ConfigError` when the extra `web` is not installed or the port is not usable.
    """
    if not 1 <= port <= 65535:
        raise ConfigError(f"--port {port} is not a port: give 1 to 65535")
    try:
        from textual_serve.server import Server
    except ImportError as error:
        raise ConfigError("the browser view needs an extra: pip install 'tapedeck[web]'") from error
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(f"cannot serve on {HOST}:{port}: {error.strerror or error}") from error
    ready()
    server = Server(command(tape), host=HOST, port=port, title=f"tapedeck {tape.name} (read-only)")
    try:
        server.serve()
    except OSError as error:
        raise ConfigError(f"cannot serve on {HOST}:{port}: {error.strerror or error}") from error


def command(tape: Path) -> str:
    """The shell command that plays `tape` for one visitor."""
    return f"{_program()} play {shlex.quote(str(tape))} --read-only"


def _program() -> str:
    """This very installation of tapedeck, else the one on the path."""
    beside = Path(sys.executable).with_name("tapedeck")
    found = str(beside) if beside.is_file() else shutil.which("tapedeck")
    start = shlex.quote("from app.cli import main; main()")
    return shlex.quote(found) if found else f"{shlex.quote(sys.executable)} -c {start}"
