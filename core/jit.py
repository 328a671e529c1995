"""The one decorator for compiled code.

Stock numba caches by the modification time of the file that holds the function, so a kernel whose
callee changed in another file is served stale. The cache folder is therefore keyed by a hash of all
kernel sources: any edit starts a fresh cache.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic, overload
from platformdirs import user_cache_path

F = TypeVar("F", bound=Callable[..., Any])
_KEEP = 4  # older cache folders are removed


def fingerprint() -> str:
    """Hash of every source that kernels can be compiled from."""
    digest = hashlib.blake2b(digest_size=8)
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_root() -> Path:
    """Folder that holds the compiled kernels of all versions."""
    home = os.environ.get("TAPEDECK_HOME")
    return Path(home) / "kernels" if home else user_cache_path("tapedeck") / "kernels"


def _open_cache() -> bool:
    """Whether kernels may be cached. Numba's own fallback, `__pycache__`, would bring the stale ones back."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return True  # the user's choice wins
    root = cache_root()
    folder = root / fingerprint()
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            old = sorted(root.iterdir(), key=lambda p: p.stat().st_mtime)[:-_KEEP]
            for path in old:
                shutil.rmtree(path, ignore_errors=True)
    except OSError:
        return False  # no writable cache: kernels compile in memory at each start
    numba.config.CACHE_DIR = str(folder)
    return os.access(folder, os.W_OK)


_CACHE = _open_cache()


def kernel(function: F) -> F:
    """Compile: nopython, without the GIL, cached on disk, without reference counting.

    A state tuple of ten arrays costs an atomic count up and down for every access of a member: measured,
    the book applies 2.5 million messages a second with counting and 63 without. The price is that a
    kernel cannot create or return arrays (numba then says "NRT required but not enabled"); the rare one
    that must is `allocating`.
    """
    return cast(F, numba.njit(nogil=True, cache=_CACHE, error_model="numpy", _nrt=False)(function))


def inlined(function: F) -> F:
    """A kernel that is merged into its callers: for the small steps of a hot loop.

    A call that is not merged copies the descriptors of every array of a state tuple.
    """
    return cast(F, numba.njit(nogil=True, cache=_CACHE, error_model="numpy", forceinline=True, _nrt=False)(function))


def allocating(function: F) -> F:
    """A kernel that creates or returns arrays. It may call the others; they may not call it."""
    return cast(F, numba.njit(nogil=True, cache=_CACHE, error_model="numpy")(function))


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
    return lambda word: numba.int64(_cttz(numba.uint64(word)))


@overload(highest_bit, strict=False)
def _highest_bit(word: Any) -> Any:  # pragma: no cover - runs inside the compiler
    return lambda word: numba.int64(63) - numba.int64(_ctlz(numba.uint64(word)))
