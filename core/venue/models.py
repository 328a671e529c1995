"""A user's own queue, latency and impact models: small typed functions, compiled and called by address.

A function is registered under a name (entry-point groups `tapedeck.queue_models`, `tapedeck.latency_models`,
`tapedeck.impact_models`, or `register`), and a session file gives the name. It is compiled to a C
function; the venue's kernels call it through its address, so they need not be compiled again.

- queue: `(ahead, before, after, gone) -> int`: of `gone` lots cancelled at a level that held `before` and
  now holds `after`, how many were among the `ahead` lots before us. All lots, int64.
- latency: `(ts, drawn) -> int`: ns under way for a message sent at `ts` (ns UTC); `drawn` is the seeded
  draw of the session's latency table.
- impact: `(flow) -> float`: displacement of the market in ticks for a decayed signed own flow in lots.
  It must be odd and must not fall.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import numba
from numba.extending import intrinsic, overload

from core.errors import ConfigError
from core.naming import nearest

KINDS = {
    "queue": "int64(int64, int64, int64, int64)",
    "latency": "int64(int64, int64)",
    "impact": "float64(float64)",
}
_BY_ADDRESS: dict[int, Callable[..., Any]] = {}
_REGISTERED: dict[tuple[str, str], Callable[..., Any]] = {}
_KEPT: dict[tuple[str, str], tuple[int, Any]] = {}  # address, and what keeps the code alive


def register(kind: str, name: str, function: Callable[..., Any]) -> None:
    """Make `function` available to sessions as the model `name` of a kind: queue, latency or impact."""
    if kind not in KINDS:
        raise ConfigError(f"unknown kind of model {kind!r}: queue, latency or impact")
    _REGISTERED[kind, name] = function
    _KEPT.pop((kind, name), None)


def names(kind: str) -> list[str]:
    """Registered models of a kind."""
    found = {name for known, name in _REGISTERED if known == kind}
    return sorted(found | {point.name for point in entry_points(group=f"tapedeck.{kind}_models")})


def address(kind: str, name: str) -> int:
    """Address of the compiled model. Raises `ConfigError` for an unknown name or a function that does not compile."""
    if (kind, name) not in _KEPT:
        function = _REGISTERED.get((kind, name)) or _installed(kind, name)
        place, kept = _compiled(kind, name, function)
        _KEPT[kind, name] = place, kept
        _BY_ADDRESS[place] = function
    return _KEPT[kind, name][0]


def _compiled(kind: str, name: str, function: Callable[..., Any]) -> tuple[int, Any]:
    """Address of a function, and its code; without the compiler a number that stands for it."""
    if vars(numba.config)["DISABLE_JIT"]:
        return len(_BY_ADDRESS) + 1, None
    try:
        made = numba.cfunc(KINDS[kind])(function)
    except (numba.core.errors.NumbaError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"the {kind} model {name!r} does not compile: {reason}") from error
    return int(made.address), made


def _installed(kind: str, name: str) -> Callable[..., Any]:
    for point in entry_points(group=f"tapedeck.{kind}_models"):
        if point.name == name:
            found: Callable[..., Any] = point.load()
            return found
    raise ConfigError(f"unknown {kind} model {name!r}{nearest(name, names(kind))}")


def call_queue(address: int, ahead: int, before: int, after: int, gone: int) -> int:
    """The user's queue model."""
    return int(_BY_ADDRESS[int(address)](int(ahead), int(before), int(after), int(gone)))


def call_latency(address: int, ts: int, drawn: int) -> int:
    """The user's latency model."""
    return int(_BY_ADDRESS[int(address)](int(ts), int(drawn)))


def call_impact(address: int, flow: float) -> float:
    """The user's impact model."""
    return float(_BY_ADDRESS[int(address)](float(flow)))


def _by_pointer(signature: Any) -> Any:
    """An intrinsic that calls the C function at an address."""

    def typed(typingctx: Any, place: Any, *given: Any) -> Any:  # pragma: no cover - runs inside the compiler
        from llvmlite import ir

        def codegen(context: Any, builder: Any, found: Any, args: Any) -> Any:
            inner = [context.get_value_type(each) for each in signature.args]
            kind = ir.FunctionType(context.get_value_type(signature.return_type), inner)
            return builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])

        return signature.return_type(numba.types.int64, *signature.args), codegen

    return typed


_i8, _f8 = numba.types.int64, numba.types.float64
_queue_typed, _latency_typed, _impact_typed = (
    _by_pointer(_i8(_i8, _i8, _i8, _i8)),
    _by_pointer(_i8(_i8, _i8)),
    _by_pointer(_f8(_f8)),
)


@intrinsic
def _queue(typingctx: Any, place: Any, ahead: Any, before: Any, after: Any, gone: Any) -> Any:  # pragma: no cover
    return _queue_typed(typingctx, place, ahead, before, after, gone)


@intrinsic
def _latency(typingctx: Any, place: Any, ts: Any, drawn: Any) -> Any:  # pragma: no cover
    return _latency_typed(typingctx, place, ts, drawn)


@intrinsic
def _impact(typingctx: Any, place: Any, flow: Any) -> Any:  # pragma: no cover
    return _impact_typed(typingctx, place, flow)


@overload(call_queue, strict=False)
def _call_queue(address: Any, ahead: Any, before: Any, after: Any, gone: Any) -> Any:  # pragma: no cover
    inner: Any = _queue
    return lambda address, ahead, before, after, gone: inner(address, ahead, before, after, gone)  # noqa: PLW0108 - numba wants a function


@overload(call_latency, strict=False)
def _call_latency(address: Any, ts: Any, drawn: Any) -> Any:  # pragma: no cover
    inner: Any = _latency
    return lambda address, ts, drawn: inner(address, ts, drawn)  # noqa: PLW0108


@overload(call_impact, strict=False)
def _call_impact(address: Any, flow: Any) -> Any:  # pragma: no cover
    inner: Any = _impact
    return lambda address, flow: inner(address, flow)  # noqa: PLW0108
