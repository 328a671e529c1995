"""Compile the whole of a kernel once, where it is entered.

Stock numba optimises and translates every function as if it were called from Python, and again inside each of
its callers, so a deep tree of kernels costs the square of its size. Kernels without Python's wrapper (`inner`,
`merged`) are only there to be linked: they stay plain IR until a kernel with a wrapper takes them in. There all
that came from elsewhere is made internal, so that the optimiser may drop what is merged and every argument that
nobody reads - the descriptors of state tuples of dozens of arrays.

This reaches into numba's code generation; the version is bounded, and `tests/unit/core/test_jit.py` guards the
names in use.
"""

from importlib import import_module
from typing import Any

from llvmlite import binding
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary
from numba.core.cpu import CPUContext
from numba.core.lowering import BaseLower

# numba's annotations stop here.
_dynfunc: Any = import_module("numba._dynfunc")
_optimize: Any = vars(CPUCodeLibrary)["_optimize_final_module"]
_finalize: Any = CPUCodeLibrary._finalize_final_module
_executable: Any = CPUContext.get_executable
_lower: Any = BaseLower.lower
#: What a kernel's Python function is marked with, and then the library of its code: ENTRY or LINKED.
MARK = "_tapedeck_kernel"
ENTRY, LINKED = "entry", "linked"


def _mark(lower: Any) -> None:
    setattr(lower.library, MARK, getattr(lower.func_ir.func_id.func, MARK, ""))
    _lower(lower)


def _kind(library: Any) -> str:
    return str(getattr(library, MARK, ""))


def _optimize_once(library: Any) -> None:
    kind = _kind(library)
    if kind == ENTRY:
        # What others link is the plain IR: they optimise it themselves, in one piece with their own.
        shared = library._final_module.clone()
        for function in shared.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.external:
                function.linkage = "linkonce_odr"
        library._shared_module = shared
        for function in library._final_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.linkonce_odr:
                function.linkage = "internal"
    if kind != LINKED:
        _optimize(library)


def _finalize_entry(library: Any) -> None:
    if _kind(library) != LINKED:
        _finalize(library)
        return
    library._finalize_dynamic_globals()
    library._finalized = True


def _executable_entry(context: Any, library: Any, fndesc: Any, env: Any) -> Any:
    if _kind(library) != LINKED:
        return _executable(context, library, fndesc, env)
    library._ensure_finalized()
    name = fndesc.qualname.split(".")[-1]
    return _dynfunc.make_function(fndesc.lookup_module(), name, "only for linking", 0, env, (library,))


def install() -> None:
    """Compile this way from now on."""
    for owner, name, ours in (
        (BaseLower, "lower", _mark),
        (CPUCodeLibrary, "_optimize_final_module", _optimize_once),
        (JITCodeLibrary, "_finalize_final_module", _finalize_entry),
        (CPUContext, "get_executable", _executable_entry),
    ):
        setattr(owner, name, ours)
