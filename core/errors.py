"""Named errors. The first line of each docstring says when; `exit_code` is what the command line returns."""


class TapedeckError(Exception):
    """Anything tapedeck can explain to its user in one line."""

    exit_code = 1


class ConfigError(TapedeckError):
    """A setting, option or argument is not usable."""

    exit_code = 2


class FeedError(TapedeckError):
    """A market data source cannot be imported."""

    exit_code = 3

    def __init__(self, source: object, reason: str, row: int | None = None) -> None:
        self.source, self.reason, self.row = str(source), reason, row
        where = f"{source}, row {row}" if row is not None else f"{source}"
        super().__init__(f"{where}: {reason}")


class SnapshotMissing(FeedError):
    """A level-2 capture starts without a snapshot, so its book cannot be known."""


class TapeError(TapedeckError):
    """A tape folder is missing, damaged or of another version."""

    exit_code = 3

    def __init__(self, tape: object, reason: str) -> None:
        self.tape, self.reason = str(tape), reason
        super().__init__(f"{tape}: {reason}")


class BookCorrupt(TapedeckError):
    """A book invariant is broken: a defect of tapedeck, never of the data."""


class ModelError(TapedeckError):
    """A model file or its card cannot be used."""

    exit_code = 3

    def __init__(self, model: object, reason: str) -> None:
        self.model, self.reason = str(model), reason
        super().__init__(f"{model}: {reason}")


class EngineBroken(TapedeckError):
    """An invariant of a running session does not hold; it is faulted, never continued."""
