"""State tuples by reference.

Numba hands a tuple of arrays to a function as seven words an array: for the line's state some four thousand
bytes at every call that is not merged. A NamedTuple marked `@state` is one pointer instead: where Python calls a
kernel, the descriptors of its arrays are laid down once, and an access to a member reads from there. Kernels
never write descriptors, which is said to the optimiser, so that it keeps what it has read.

In Python, and with the compiler off, a state is the plain NamedTuple that it says it is.
"""

import operator
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any, Generic, TypeVar

import numba
from llvmlite import ir
from numba.core import types

# numba's annotations stop here.
_cgutils: Any = import_module("numba.core.cgutils")
_models: Any = import_module("numba.core.datamodel.models")
_templates: Any = import_module("numba.core.typing.templates")
_extending: Any = import_module("numba.extending")
_numba: Any = numba
_errors: Any = import_module("numba.core.errors")
_borrowed: Any = import_module("numba.core.imputils").impl_ret_borrowed
_typeof: Any = import_module("numba.core.typing.typeof").typeof_impl
_Type: Any = types.Type

T = TypeVar("T")
_POINTER = ir.IntType(8).as_pointer()
#: Constraint of an instruction that does nothing but hide from the optimiser where a pointer came from.
_HIDE = "=r,0,~{memory}"


class State(_Type):  # type: ignore[misc]
    """A pointer to the members of a NamedTuple of arrays and of other states."""

    def __init__(self, owner: type[Any], members: tuple[Any, ...]) -> None:
        self.owner, self.members = owner, members
        super().__init__(name=f"State({owner.__module__}.{owner.__qualname__}, {members})")

    @property
    def key(self) -> tuple[type[Any], tuple[Any, ...]]:
        """What makes two states of one type."""
        return self.owner, self.members

    @property
    def mangling_args(self) -> tuple[str, tuple[Any, ...]]:
        """Its part of the name of a compiled function."""
        return self.owner.__name__, self.members

    def place(self, name: str) -> int:
        """Where a member stands; -1 if there is none of that name."""
        fields: tuple[str, ...] = vars(self.owner)["_fields"]
        return fields.index(name) if name in fields else -1


@_extending.register_model(State)
class _Model(_models.PrimitiveModel):  # type: ignore[misc]
    """A state is a pointer in whatever role."""

    def __init__(self, dmm: Any, fe_type: State) -> None:
        super().__init__(dmm, fe_type, _POINTER)


def state(owner: type[T]) -> type[T]:
    """Hand a NamedTuple of arrays, or of other states, to kernels by reference."""

    @_typeof.register(owner)  # type: ignore[untyped-decorator]
    def _type(value: Any, context: Any) -> State:
        return State(owner, tuple(_typeof(member, context) for member in value))

    return owner


@_extending.infer_getattr
class _Members(_templates.AttributeTemplate):  # type: ignore[misc]
    key = State

    def generic_resolve(self, typ: State, attr: str) -> Any:
        """Type of a member."""
        place = typ.place(attr)
        return typ.members[place] if place >= 0 else None


def _struct(context: Any, typ: State) -> ir.LiteralStructType:
    """How the members lie in memory: a state in a state lies in place."""
    return ir.LiteralStructType(
        [_struct(context, each) if isinstance(each, State) else context.get_value_type(each) for each in typ.members]
    )


def _read(builder: Any, pointer: Any) -> Any:
    """Read a descriptor word by word, which the optimiser takes apart and keeps."""
    kind = pointer.type.pointee
    if isinstance(kind, ir.LiteralStructType | ir.ArrayType):
        found = _cgutils.get_null_value(kind)
        for place in range(len(kind.elements) if isinstance(kind, ir.LiteralStructType) else kind.count):
            part = _read(builder, _cgutils.gep_inbounds(builder, pointer, 0, place))
            found = builder.insert_value(found, part, place)
        return found
    word = builder.load(pointer)
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


@_extending.lower_getattr_generic(State)  # type: ignore[untyped-decorator]
def _member(context: Any, builder: Any, typ: State, value: Any, attr: str) -> Any:
    place = typ.place(attr)
    base = builder.bitcast(value, _struct(context, typ).as_pointer())
    pointer = _cgutils.gep_inbounds(builder, base, 0, place)
    kind = typ.members[place]
    if isinstance(kind, State):
        return builder.bitcast(pointer, _POINTER)
    return _borrowed(context, builder, kind, _read(builder, pointer))


def _lay_down(typ: State, source: Any, target: Any, c: Any, failed: Any, cleanups: list[Any]) -> None:
    """Write the members of the tuple `source` to memory."""
    for place, kind in enumerate(typ.members):
        item = c.pyapi.tuple_getitem(source, place)
        pointer = _cgutils.gep_inbounds(c.builder, target, 0, place)
        if isinstance(kind, State):
            _lay_down(kind, item, pointer, c, failed, cleanups)
            continue
        native = c.unbox(kind, item)
        c.builder.store(native.value, pointer)
        with c.builder.if_then(native.is_error, likely=False):
            c.builder.store(_cgutils.true_bit, failed)
        if native.cleanup is not None:
            cleanups.append(native.cleanup)
        if c.context.enable_nrt:  # the caller's end of a call knows only the pointer
            cleanups.append(partial(c.context.nrt.decref, c.builder, kind, native.value))


def _hidden(c: Any, pointer: Any) -> Any:
    """A pointer to what has been written by now, of which the optimiser does not know where it came from."""
    kind = ir.FunctionType(_POINTER, [_POINTER])
    return c.builder.asm(kind, "", _HIDE, [c.builder.bitcast(pointer, _POINTER)], side_effect=True)


@_extending.unbox(State)  # type: ignore[untyped-decorator]
def _from_python(typ: State, source: Any, c: Any) -> Any:
    target = _cgutils.alloca_once(c.builder, _struct(c.context, typ))
    failed = _cgutils.alloca_once_value(c.builder, _cgutils.false_bit)
    cleanups: list[Any] = []
    _lay_down(typ, source, target, c, failed, cleanups)
    pointer = _hidden(c, target)

    def cleanup() -> None:
        for each in reversed(cleanups):
            each()

    return _extending.NativeValue(pointer, cleanup=cleanup, is_error=c.builder.load(failed))


class Several(Generic[T]):
    """States of one kind as one argument; how many is no part of its type, so that nothing is compiled anew."""

    __slots__ = ("_numba_type_", "states")

    def __init__(self, states: Sequence[T]) -> None:
        """Raises `TypeError` for states that differ in kind."""
        self.states = tuple(states)
        kinds = set() if vars(numba.config)["DISABLE_JIT"] else {_numba.typeof(each) for each in self.states}
        if len(kinds) > 1:
            raise TypeError("states of different kinds")
        self._numba_type_ = _Several(*kinds) if kinds else None

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, place: int) -> T:
        return self.states[place]


class _Several(_Type):  # type: ignore[misc]
    """How many there are, and a pointer to the first of as many structs."""

    def __init__(self, state: State) -> None:
        self.state = state
        super().__init__(name=f"Several({state})")


@_extending.register_model(_Several)
class _SeveralModel(_models.StructModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: _Several) -> None:
        super().__init__(dmm, fe_type, [("count", types.intp), ("first", types.voidptr)])


@_extending.unbox(_Several)  # type: ignore[untyped-decorator]
def _several_from_python(typ: _Several, source: Any, c: Any) -> Any:
    if c.context.enable_nrt:
        raise _errors.UnsupportedError("several states only go to kernels, which do not count references")
    states = c.pyapi.object_getattr_string(source, "states")
    count = c.pyapi.tuple_size(states)
    failed = _cgutils.alloca_once_value(c.builder, _cgutils.false_bit)
    struct = _struct(c.context, typ.state)
    first = c.builder.alloca(struct, size=count)
    cleanups: list[Any] = []
    with _cgutils.for_range(c.builder, count) as loop:
        place = c.pyapi.long_from_ssize_t(loop.index)
        item = c.pyapi.call_method(states, "__getitem__", [place])
        _lay_down(typ.state, item, c.builder.gep(first, [loop.index]), c, failed, cleanups)
        c.pyapi.decref(item)
        c.pyapi.decref(place)
    c.pyapi.decref(states)
    found = _cgutils.create_struct_proxy(typ)(c.context, c.builder)
    found.count, found.first = count, _hidden(c, first)
    return _extending.NativeValue(found._getvalue(), is_error=c.builder.load(failed))


@_extending.intrinsic  # type: ignore[untyped-decorator]
def _state_at(typingctx: Any, several: Any, place: Any) -> Any:  # pragma: no cover - runs inside the compiler
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = _cgutils.create_struct_proxy(several)(context, builder, value=args[0])
        first = builder.bitcast(found.first, _struct(context, several.state).as_pointer())
        return builder.bitcast(builder.gep(first, [args[1]]), _POINTER)

    return several.state(several, types.intp), codegen


@_extending.intrinsic  # type: ignore[untyped-decorator]
def _count(typingctx: Any, several: Any) -> Any:  # pragma: no cover - runs inside the compiler
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _cgutils.create_struct_proxy(several)(context, builder, value=args[0]).count

    return types.intp(several), codegen


@_extending.overload(operator.getitem, strict=False)  # type: ignore[untyped-decorator]
def _getitem(several: Any, place: Any) -> Any:  # pragma: no cover - runs inside the compiler
    if isinstance(several, _Several):
        return lambda several, place: _state_at(several, place)  # noqa: PLW0108 - numba wants a function
    return None


@_extending.overload(len, strict=False)  # type: ignore[untyped-decorator]
def _len(several: Any) -> Any:  # pragma: no cover - runs inside the compiler
    if isinstance(several, _Several):
        return lambda several: _count(several)  # noqa: PLW0108
    return None
