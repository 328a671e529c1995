"""The wall around foreign code: whatever it raises becomes a value."""

import threading
from types import TracebackType


class CutOff(BaseException):
    """Raised inside a policy whose time is up."""


class Contained:
    """`with Contained() as held: ...` - afterwards `held.error` is what the block raised, or None.

    A policy that calls `sys.exit`, or raises an exception of its own kind, does not end the program. Two things pass
    through: `CutOff`, and on the main thread `KeyboardInterrupt`, which there comes from a person.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> "Contained":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or isinstance(error, CutOff):
            return False
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            return False
        self.error = error.with_traceback(None)
        return True

    @property
    def words(self) -> str:
        """The error in one short printable line."""
        if self.error is None:
            return ""
        inner = Contained()
        text = ""
        with inner:  # its __str__ is foreign too
            text = str(self.error)
        text = "".join(c if c.isprintable() else " " for c in text[:200]).strip()
        name = type(self.error).__name__[:80]
        return f"{name}: {text}" if text else name
