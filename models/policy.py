"""A policy model at work: it is asked for the value of each action, and the best one becomes orders."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from core.errors import ConfigError, ModelError
from core.policies.intent import Intent
from core.policies.port import ParentContext
from core.policies.shown import View
from core.ports import Reading
from models.card import Kind
from models.policy_actions import ACTIONS, WORDS, finish
from models.serving import OnnxModel

#: Share of the window from which everything left crosses, whatever the model says.
FINISH = 0.95
#: Turns that must be left: what is cancelled in one can only be sent again in the next.
_TURNS = 3


class PolicyModel:
    """A loaded policy: makes one `ModelPolicy` for each parent order."""

    def __init__(self, model: OnnxModel) -> None:
        """Raises `ModelError` when the model is no policy, or names an action that does not exist."""
        if model.card.kind != Kind.POLICY:
            raise ModelError(model.source, f"is a {model.card.kind}, not a policy")
        if unknown := [name for name in model.actions if name not in ACTIONS]:
            raise ModelError(model.source, f"has the unknown action {unknown[0]!r}; there are {', '.join(ACTIONS)}")
        self.model = model
        self.name, self.sha256, self.spec_hash = model.name, model.sha256, model.spec_hash

    def policy(self, params: Mapping[str, float], context: ParentContext | None) -> "ModelPolicy":
        """The policy of one parent order. Raises `ConfigError`: a model has no settings."""
        if params:
            raise ConfigError(f"{self.name} has no setting {min(params)!r}: a model takes none")
        return ModelPolicy(self.model)


class ModelPolicy:
    """A `core.policies.port.Policy` whose answers come from an ONNX file."""

    def __init__(self, model: OnnxModel) -> None:
        self.model = model
        self.reading: Reading | None = None  #: the last answer; None before the first
        self._turn = 0

    def decide(self, view: View) -> Iterable[Intent | None]:
        """Orders of the best action; nothing when the model cannot be used (see `reading`), `finish` at the end."""
        if not working(view):
            return []
        pace, self._turn = view.now - self._turn, view.now
        if ending(view, pace):
            return said(finish(view), "the window ends: crosses what is left")
        self.reading = reading = self.model.read(np.asarray(view.features, np.float32))
        if not reading.usable:
            return []
        name = self.model.actions[int(np.argmax(reading.values))]
        return said(ACTIONS[name](view), WORDS[name])


def working(view: View) -> bool:
    """Whether there is something to decide."""
    return view.parent is not None and view.trading


def ending(view: View, pace: int) -> bool:
    """Whether everything left has to cross now. `pace`: ns since the turn before."""
    return view.elapsed >= FINISH or (view.elapsed > 0.5 and view.now + _TURNS * pace >= view.end)


def said(intents: Iterable[Intent | None], why: str) -> list[Intent]:
    """The intents there are, with their reason."""
    return [replace(intent, why=why) for intent in intents if intent is not None]
