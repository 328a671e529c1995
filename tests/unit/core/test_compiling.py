"""Compilations are noticed while somebody watches, and only then."""

from typing import Any

import numba
import pytest

from core.compiling import CompileWatch

pytestmark = pytest.mark.jit_only


def fresh() -> Any:
    """A function that was never compiled."""
    return numba.njit(lambda x: x + 1)  # noqa: TID251 - not a kernel: it must not be kept


def test_a_compilation_is_told_once_and_running_is_not() -> None:
    begun: list[int] = []
    function = fresh()
    with CompileWatch(lambda: begun.append(1)):
        assert function(1) == 2
        told = len(begun)
        assert told >= 1
        assert function(2) == 3
        assert len(begun) == told


def test_nobody_is_told_afterwards() -> None:
    begun: list[int] = []
    with CompileWatch(lambda: begun.append(1)):
        pass
    assert fresh()(1) == 2
    assert begun == []
