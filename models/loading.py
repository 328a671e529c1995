"""The models that a session names."""

from pathlib import Path

from core.errors import ModelError
from core.plan import SessionPlan
from models.card import Kind
from models.policy import PolicyModel
from models.serving import OnnxModel, load, locate

PREFIX = "onnx:"


def load_models(
    plan: SessionPlan, base: Path = Path(), hard_ns: int | None = None
) -> dict[str, OnnxModel | PolicyModel]:
    """Every "onnx:FILE" of the plan's agents, by that name; files relative to `base`. Raises `ModelError`.

    `hard_ns`: time that an answer may take, instead of what the card says.

    A name that is both a signal and a policy is refused: a file is one of them.
    """
    found: dict[str, OnnxModel | PolicyModel] = {}
    for agent in plan.agents:
        for name, kind in ((agent.signal, Kind.SIGNAL), (agent.policy, Kind.POLICY)):
            if not name.startswith(PREFIX):
                continue
            if name not in found:
                model = load(locate(name.removeprefix(PREFIX), base), kind)
                if hard_ns is not None:
                    model.give_time(hard_ns)
                found[name] = PolicyModel(model) if kind == Kind.POLICY else model
            elif isinstance(found[name], PolicyModel) != (kind == Kind.POLICY):
                raise ModelError(name, "is named as a signal and as a policy: a file is one of them")
    return found
