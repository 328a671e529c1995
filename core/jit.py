"""The one decorator for compiled code.

Stock numba caches by the modification time of the file that holds the function, so a kernel whose
callee changed in another file is served stale. Here each module's kernels are cached in a folder keyed by
a hash of the module and of everything of ours that it imports, directly or not: an edit starts a fresh
cache for just those kernels that could have changed.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import intrinsic, overload
from platformdirs import user_cache_path

from core.jit_linking import ENTRY, LINKED, MARK, install

if not vars(numba.config)["DISABLE_JIT"]:
    install()

F = TypeVar("F", bound=Callable[..., Any])
_ROOT = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+((?:core|models|sessions|app)(?:\.\w+)*)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?",
    re.MULTILINE,
)
_KEEP = 512  # cache folders, one per module and version; older ones are removed


@cache
def sources(path: Path) -> frozenset[Path]:
    """A source file and all of our sources that it imports, directly or not."""
    found, todo = set[Path](), [path]
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        for module, names in _IMPORT.findall(file.read_text(encoding="utf-8")):
            base = _ROOT.joinpath(*module.split("."))
            inner = re.findall(r"\w+", names)
            candidates = [base.with_suffix(".py"), base / "__init__.py", *(base / f"{name}.py" for name in inner)]
            todo.extend(candidate for candidate in candidates if candidate.is_file())
    return frozenset(found)


def fingerprint(path: Path) -> str:
    """Hash of everything that the kernels of a source file can be compiled from."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(sources(path)):
        digest.update(str(file).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def cache_root() -> Path:
    """Folder that holds the compiled kernels of all versions."""
    home = os.environ.get("TAPEDECK_HOME")
    return Path(home) / "kernels" if home else user_cache_path("tapedeck") / "kernels"


@cache
def _cache_folder(path: Path) -> str | None:
    """The cache folder for the kernels of a file; None where nothing can be written."""
    root = cache_root()
    folder = root / f"{path.stem}-{fingerprint(path)}"
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for old in sorted(root.iterdir(), key=lambda p: p.stat().st_mtime)[:-_KEEP]:
                shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def _link(function: F, **options: Any) -> F:
    """A kernel that is only linked into others: never loaded, so never kept."""
    setattr(function, MARK, LINKED)
    options |= {"_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(F, numba.njit(nogil=True, error_model="numpy", **options)(function))  # noqa: TID251


def _compile(function: F, **options: Any) -> F:
    """Decorate, with the cache of the function's module.

    Without a writable folder kernels compile in memory at each start: numba's own fallback,
    `__pycache__`, would bring the stale ones back.
    """
    path = Path(function.__code__.co_filename)
    cached = bool(os.environ.get("NUMBA_CACHE_DIR"))  # the user's choice wins
    if not cached and path.is_file() and (folder := _cache_folder(path.resolve())):
        vars(numba.config)["CACHE_DIR"], cached = folder, True  # numba reads it while it decorates
    setattr(function, MARK, ENTRY)
    options.setdefault("no_cfunc_wrapper", True)  # nobody calls a kernel from C
    compiled = numba.njit(nogil=True, cache=cached, error_model="numpy", **options)(function)  # noqa: TID251 - this is the decorator
    if cached and hasattr(compiled, "_cache"):
        _forgive(compiled._cache)
    return cast(F, compiled)


def _forgive(cache: Any) -> None:
    """A kernel that cannot be kept, because the disk is full, still runs."""
    save = cache.save_overload

    def save_if_possible(*arguments: Any) -> None:
        with suppress(OSError):
            save(*arguments)

    cache.save_overload = save_if_possible


def kernel(function: F) -> F:
    """Compile: nopython, without the GIL, cached on disk, without reference counting.

    A state tuple of ten arrays costs an atomic count up and down for every access of a member: measured,
    the book applies 2.5 million messages a second with counting and 63 without. The price is that a
    kernel cannot create or return arrays (numba then says "NRT required but not enabled"); the rare one
    that must is `allocating`.
    """
    return _compile(function, _nrt=False)


def inner(function: F) -> F:
    """A kernel that only kernels call: without the wrapper through which Python calls it.

    The wrapper takes every array of a state tuple apart and costs more to compile than most kernels.
    """
    return _link(function)


def merged(function: F) -> F:
    """An `inner` kernel that is merged into its callers."""
    return _link(function, forceinline=True)


def inlined(function: F) -> F:
    """A kernel that is merged into its callers: for the small steps of a hot loop."""
    return _compile(function, _nrt=False, forceinline=True)


def allocating(function: F) -> F:
    """A kernel that creates or returns arrays. It may call the others; they may not call it."""
    return _compile(function)


@intrinsic
def _cttz(typingctx: Any, word: Any) -> Any:  # pragma: no cover - runs inside the compiler
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return numba.types.uint64(numba.types.uint64), codegen


@intrinsic
def _ctlz(typingctx: Any, word: Any) -> Any:  # pragma: no cover - runs inside the compiler
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return numba.types.uint64(numba.types.uint64), codegen


def lowest_bit(word: int) -> int:
    """Index of the lowest set bit of a non-zero uint64."""
    value = int(word)
    return (value & -value).bit_length() - 1


def highest_bit(word: int) -> int:
    """Index of the highest set bit of a non-zero uint64."""
    return int(word).bit_length() - 1


@overload(lowest_bit, strict=False)
def _lowest_bit(word: Any) -> Any:  # pragma: no cover - runs inside the compiler
    zeros: Any = _cttz
    return lambda word: np.int64(zeros(np.uint64(word)))


@overload(highest_bit, strict=False)
def _highest_bit(word: Any) -> Any:  # pragma: no cover - runs inside the compiler
    zeros: Any = _ctlz
    return lambda word: np.int64(63) - np.int64(zeros(np.uint64(word)))
