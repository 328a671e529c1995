"""The installed policies by name."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from core.errors import ConfigError
from core.naming import nearest
from core.policies.contain import Contained
from core.policies.port import Compiled, Factory, ParentContext, Policy

GROUP = "tapedeck.policies"


@cache
def policy_names() -> tuple[str, ...]:
    """Installed policies, sorted; nothing is imported."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


@cache
def _points(name: str) -> tuple[EntryPoint, ...]:
    """Where policies of this name are installed; looking takes milliseconds."""
    return tuple(sorted(entry_points(group=GROUP, name=name), key=lambda point: point.value))


def check_policy_name(name: str) -> None:
    """Raises `ConfigError` naming the nearest policy if there is none of this name."""
    names = policy_names()
    if name not in names:
        raise ConfigError(f"unknown policy {name[:80]!r}{nearest(name, names)}")


def load_policy(name: str) -> Factory:
    """The factory of a policy. Raises `ConfigError`, also when its module cannot be imported."""
    check_policy_name(name)
    with Contained() as held:
        points = _points(name)
        factory = points[0].load()
        if len(points) > 1 and len({point.value for point in points}) > 1:
            raise ConfigError(f"policy {name!r} is installed twice: {points[0].value} and {points[1].value}")
        if callable(factory):
            made: Factory = factory
            return made
    if isinstance(held.error, ConfigError):
        raise held.error
    raise ConfigError(f"policy {name!r} cannot be loaded: {held.words or 'it is not callable'}")


def make_policy(name: str, params: Mapping[str, float], context: ParentContext | None = None) -> Policy | Compiled:
    """A policy for one parent order, or for an agent without any. Raises `ConfigError`."""
    factory = load_policy(name)
    with Contained() as held:
        made = factory(params, context)
        if isinstance(made, Compiled) or callable(getattr(made, "decide", None)):
            return made
    if isinstance(held.error, ConfigError):
        raise held.error
    raise ConfigError(
        f"policy {name!r} cannot be made: {held.words or 'its factory gave something that decides nothing'}"
    )
