"""What the line asks of what it does not know: a signal, and what came of asking it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ReadingStatus(IntEnum):
    """What an answer is worth. From LATE on its values are flat."""

    OK = 0
    SLOW = 1  #: over the soft budget of processor time; the values stand
    LATE = 2  #: over the hard budget of wall time, cut off
    NOT_FINITE = 3  #: a feature or an output was not a number
    OUT_OF_RANGE = 4  #: an output outside of what its card promises
    FAILED = 5  #: it could not be computed


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer."""

    values: tuple[float, ...]  #: outputs; zeros when they may not be used
    latency_ns: int  #: wall time of the answer
    status: ReadingStatus

    @property
    def value(self) -> float:
        """The first output: all there is of a signal."""
        return self.values[0]

    @property
    def usable(self) -> bool:
        """Whether the values may be acted on."""
        return self.status < ReadingStatus.LATE


class Signal(Protocol):
    """A number about the near future, read from the feature row of the moment."""

    name: str
    spec_hash: str  #: hash of the feature specification that it reads

    def read(self, row: NDArray[np.float32]) -> Reading:
        """The answer to one feature row, shape (features,). Never raises for what the row holds."""
