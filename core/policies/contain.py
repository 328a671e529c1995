"""The wall around foreign code: whatever it raises becomes a value."""

from types import TracebackType


class Contained:
    """`with Contained() as held: ...` - afterwards `held.error` is what the block raised, or None.

    Only `KeyboardInterrupt` passes through: a policy that calls `sys.exit` does not end the program.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> "Contained":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception | SystemExit):
            self.error = error.with_traceback(None)
            return True
        return False

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
