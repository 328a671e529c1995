"""The port of policies: what a Python policy is shown, what it answers, and what a factory makes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.policies.codes import SETTINGS, Code
from core.policies.intent import Intent
from core.policies.shown import View


class Policy(Protocol):
    """Anything that decides. It is asked again and again; what it must remember it keeps on itself."""

    def decide(self, view: View) -> Iterable[Intent | None] | Intent | None:
        """What to do now; None, or None among intents, is nothing. It may not keep `view`: it is used again."""


@dataclass(frozen=True, slots=True)
class ParentContext:
    """What is known when a policy is made for a parent order. All of it from before its start; nan = not known."""

    side: int
    qty: int  #: lots
    start: int  #: ns UTC
    end: int
    limit: int | None = None  #: ticks
    urgency: float = 0.5
    every: int = 1_000_000_000  #: ns between decisions
    sigma: float = float("nan")  #: ticks per square root of a second
    rate: float = float("nan")  #: market volume, lots per second
    spread: float = float("nan")  #: ticks
    depth: float = float("nan")  #: lots at the touch
    volumes: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    #: volume expected per equal part of the window, from earlier days or blocks; empty = not known

    @property
    def window(self) -> int:
        """Ns from start to end, at least 1."""
        return max(self.end - self.start, 1)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy of `core.policies.work.decide`, ready to be called."""

    code: Code
    params: NDArray[np.float64] = field(default_factory=lambda: np.zeros(SETTINGS))  #: shape (16,)
    curve: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  #: shape (n + 1,), empty = straight


#: Makes a policy for one parent order, or (no context) for an agent without any. Raises `ConfigError`.
#: Entry points of the group `tapedeck.policies` are such callables.
Factory = Callable[[Mapping[str, float], ParentContext | None], Policy | Compiled]
