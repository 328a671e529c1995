"""stdout is data, stderr is talk: the one place that writes either, and where errors become exit codes."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import TapedeckError

OK, FAILURE, USAGE, UNAVAILABLE, TIMEOUT, RISK_KILL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def emit(values: Mapping[str, Any], as_json: bool) -> None:
    """Print one record: as JSON, or as aligned lines of name and value."""
    if as_json:
        sys.stdout.write(json.dumps(values, indent=2, default=str, allow_nan=False) + "\n")
        return
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        if isinstance(value, list):
            sys.stdout.write(f"{name:<{width}}  {_short(value[0]) if value else '-'}\n")
            for item in value[1:]:
                sys.stdout.write(f"{'':<{width}}  {_short(item)}\n")
        else:
            plain = isinstance(value, int) and (name.endswith("_ts") or name == "clock")
            sys.stdout.write(f"{name:<{width}}  {value if plain else _short(value)}\n")


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
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(main: Callable[[], object]) -> int:
    """Run `main`; every error we can explain becomes one line on stderr and its exit code."""
    try:
        main()
        sys.stdout.flush()
    except TapedeckError as error:
        say(f"tapedeck: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("tapedeck: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has what it wanted (`tapedeck ... | head`); nothing is left to be flushed into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except MemoryError:
        say("tapedeck: out of memory")
        return FAILURE
    except OSError as error:
        say(f"tapedeck: {error.filename or ''}: {error.strerror or error}".replace(" : ", " "))
        return FAILURE
    return OK
