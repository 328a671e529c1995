"""stdout is data, stderr is talk: the one place that writes either, and where errors become exit codes."""

import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from core.errors import TapedeckError

OK, FAILURE, USAGE, UNAVAILABLE, TIMEOUT, RISK_KILL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def emit(values: Mapping[str, Any], as_json: bool) -> None:
    """Print one record: as JSON, or as aligned lines of name and value."""
    if as_json:
        _write(json.dumps(_finite(values), indent=2, default=str, allow_nan=False) + "\n")
        return
    width = max((len(name) for name in values), default=0)
    lines = []
    for name, value in values.items():
        if isinstance(value, list):
            lines.append(f"{name:<{width}}  {_short(value[0]) if value else '-'}")
            lines += [f"{'':<{width}}  {_short(item)}" for item in value[1:]]
        else:
            plain = isinstance(value, int) and (name.endswith("_ts") or name == "clock")
            lines.append(f"{name:<{width}}  {value if plain else _short(value)}")
    _write("".join(_shown(line) + "\n" for line in lines))


def show(text: str) -> None:
    """Print a table or other lines made for a person."""
    _write("".join(_shown(line) + "\n" for line in text.splitlines()))


def _finite(value: Any) -> Any:
    """The same with null for numbers that JSON has no word for."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted (`tapedeck ... | head`); nothing is left to be flushed into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _shown(text: str) -> str:
    """One line that does nothing to a terminal: names and contents of files may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_short(v)}" for k, v in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value is None else str(value)


def say(text: str) -> None:
    """Talk to the person; never data."""
    with suppress(BrokenPipeError):
        sys.stderr.write(_shown(text) + "\n")
        sys.stderr.flush()


def _terminate(number: int, _frame: object) -> None:
    """Leave through every `with`, so that nothing half-made stays behind."""
    raise SystemExit(128 + number)


def _interrupt(number: int, frame: Any) -> None:
    """Ctrl-C. The compiler calls back into Python from C, where a KeyboardInterrupt is lost, or fatal."""
    lock = sys.modules.get("numba.core.compiler_lock")
    if lock is not None and lock.global_compiler_lock.is_locked():  # by this thread
        os.write(2, b"tapedeck: interrupted\n")
        os._exit(INTERRUPTED)  # whatever is kept on disk is written whole or not at all
    signal.default_int_handler(number, frame)


@contextmanager
def interruptible() -> Iterator[None]:
    """Work that may compile, and that ctrl-C ends at once, also while it does."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def run(main: Callable[[], object]) -> int:
    """Run `main`; every error we can explain becomes one line on stderr and its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # started with a closed descriptor
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as we do
    signal.signal(signal.SIGTERM, _terminate)
    try:
        main()
        sys.stdout.flush()
    except TapedeckError as error:
        say(f"tapedeck: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("tapedeck: interrupted")
        return INTERRUPTED
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # what the argument parser makes of a KeyboardInterrupt
            say("tapedeck: interrupted")
        raise
    except MemoryError:
        say("tapedeck: out of memory")
        return FAILURE
    except OSError as error:
        say(f"tapedeck: {error.filename or ''}: {error.strerror or error}".replace(" : ", " "))
        return FAILURE
    return OK
