"""Models that a session file names: files for policies and signals, compiled functions for queue and impact."""

from collections.abc import Callable
from pathlib import Path

from core.errors import ModelError
from core.naming import nearest
from sessions.toml_table import Table

FindModel = Callable[[str], Path]

_PREFIX = "onnx:"


def policy_of(table: Table, beside: Path, find_model: FindModel | None) -> str:
    """An agent's policy: a name, or onnx: and the whole path of a file."""
    return _model(table, "policy", None, beside, find_model)


def signal_of(table: Table, beside: Path, find_model: FindModel | None) -> str:
    """An agent's signal: none, or onnx: and the whole path of a file. There are no other signals."""
    value = table.text("signal", "")
    if value and not value.startswith(_PREFIX):
        meant = f"; did you mean {_PREFIX + value[:80]!r}?"
        try:
            if find_model is not None:
                find_model(value)
        except ModelError as error:
            meant = f"; {error.reason}"
        except OSError:
            meant = ""
        table.fail(
            "signal", f"{value[:80]!r} is no signal: that is onnx:FILE, or onnx:NAME of a model that ships{meant}"
        )
    return _model(table, "signal", "", beside, find_model)


def compiled_model(table: Table, key: str, usual: str) -> str:
    """A queue or impact model: one that is built in, or the registered name of a compiled function."""
    value = table.text(key, usual, 120)
    if value == usual:
        return value
    from core.desk.rules import QUEUE_MODELS  # needs the compiler, which a session that names no model does not
    from core.venue.models import names

    known = (*QUEUE_MODELS, *names("queue")) if key == "queue_model" else (usual, *names("impact"))
    if value not in known:
        table.fail(key, f"{value[:80]!r} is not known{nearest(value[:80], known)}")
    return value


def _model(table: Table, key: str, default: str | None, beside: Path, find_model: FindModel | None) -> str:
    """A registered name, or onnx: and a file or a model that ships, whose path is made whole."""
    value = table.text(key, default)
    if not value.startswith(_PREFIX):
        return value
    named = value.removeprefix(_PREFIX).strip()
    if not named:
        table.fail(key, "names no file after 'onnx:'")
    file = beside / named
    try:
        if not file.is_file():
            if find_model is None:
                table.fail(key, f"there is no file {file}")
            file = find_model(named)
    except ModelError as error:
        table.fail(key, str(error))
    except OSError as error:
        table.fail(key, f"{named[:80]!r} cannot be read: {error.strerror}")
    return f"onnx:{file.absolute()}"
