"""stdout is data, stderr is talk: the one place that writes either, and where errors become exit codes."""

import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from core.errors import TapedeckError

OK, FAILURE, USAGE, UNAVAILABLE, TIMEOUT, RISK_KILL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def emit(values: Mapping[str, Any], as_json: bool) -> None:
    """Print one record: as JSON, or as aligned lines of name and value."""
    if as_json:
        _write(_json(values) + "\n")
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


def pour(text: str) -> None:
    """Print data as it is: CSV, which other programs read."""
    _write(text)


_PLAIN = frozenset((str, int, float, bool, type(None)))
_ROW = json.JSONEncoder(allow_nan=False, default=str, separators=(",\n      ", ": "))


def _json(values: Mapping[str, Any]) -> str:
    """One record, two spaces a step. The library indents in Python, value by value: tables go row by row instead."""
    parts = []
    for name, value in values.items():
        rows = isinstance(value, list) and len(value) > 0
        if rows and all(type(row) is dict and row and _PLAIN.issuperset(map(type, row.values())) for row in value):
            parts.append(f"  {json.dumps(name)}: [\n    " + ",\n    ".join(map(_row, value)) + "\n  ]")
        else:
            parts.append(json.dumps(_finite({name: value}), indent=2, default=str, allow_nan=False)[2:-2])
    return "{\n" + ",\n".join(parts) + "\n}" if parts else "{}"


def _row(row: Mapping[str, Any]) -> str:
    try:
        text = _ROW.encode(row)
    except ValueError:  # a number that is none
        text = _ROW.encode(_finite(row))
    return "{\n      " + text[1:-1] + "\n    }"


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


def _compiling() -> bool:
    """Whether this thread is inside the compiler, which calls back into Python from C: an exception is lost there."""
    lock = sys.modules.get("numba.core.compiler_lock")
    return lock is not None and bool(lock.global_compiler_lock.is_locked())


def _terminate(number: int, _frame: object) -> None:
    """Leave through every `with`, so that nothing half-made stays behind; at once from inside the compiler."""
    if _compiling():
        os._exit(128 + number)
    raise SystemExit(128 + number)


_pressed = threading.Event()


def interrupted() -> bool:
    """Whether ctrl-C was pressed; long work asks now and then, since the exception can get lost in a library."""
    return _pressed.is_set()


def _interrupt(number: int, frame: Any) -> None:
    """Ctrl-C. The compiler calls back into Python from C, where a KeyboardInterrupt is lost, or fatal."""
    if _compiling() or _pressed.is_set():
        os.write(2, b"tapedeck: interrupted\n")
        os._exit(INTERRUPTED)  # whatever is kept on disk is written whole or not at all
    _pressed.set()
    signal.default_int_handler(number, frame)


@contextmanager
def _signals() -> Iterator[None]:
    """Ctrl-C and a polite kill, ours as long as a verb runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _pressed.clear()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, _terminate)
    if before[signal.SIGINT] is signal.default_int_handler:  # not where it is ignored, as behind nohup
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(main: Callable[[], object]) -> int:
    """Run `main`; every error we can explain becomes one line on stderr and its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # started with a closed descriptor
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as we do
    with _signals():
        return _run(main)


def _run(main: Callable[[], object]) -> int:
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
        if isinstance(stop.code, str):
            say(stop.code)
        return stop.code if isinstance(stop.code, int) else FAILURE if stop.code else OK
    except MemoryError:
        say("tapedeck: out of memory")
        return FAILURE
    except OSError as error:
        say(f"tapedeck: {error.filename or ''}: {error.strerror or error}".replace(" : ", " "))
        return FAILURE
    return OK


def leave(code: int) -> NoReturn:
    """End the process with `code`, at once where a thread of a policy or of the engine is still at work.

    An interpreter that winds down unwinds such a thread in the middle of a library's C++ code, which aborts the
    process and turns a clean end into a crash.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if any(thread.daemon for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)
