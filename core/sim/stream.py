"""A random stream that is the same on every machine, compiled or not.

sfc32 of Chris Doty-Humphrey (PractRand): additions, shifts and rotations of 32-bit words. The words live in
int64, so nothing can overflow and no multiplication is needed.
"""
# mypy: disable-error-code="arg-type, no-any-return"
# Kernels: numpy scalars stand for int.

import hashlib

import numpy as np
from numpy.typing import NDArray

from core.jit import inlined

_MASK = 0xFFFFFFFF


def new_stream(seed: int, salt: str) -> NDArray[np.int64]:
    """State of a stream, shape (4,), for any integer `seed`; other `salt`, other stream."""
    digest = hashlib.blake2b(f"{salt}:{seed}".encode(), digest_size=12).digest()
    words = np.frombuffer(digest, "<u4").astype(np.int64)
    state = np.array([words[0], words[1], words[2], 1], np.int64)
    for _ in range(12):
        draw(state)
    return state


@inlined
def draw(state: NDArray[np.int64]) -> int:
    """Next 32 random bits."""
    a, b, c, counter = state[0], state[1], state[2], state[3]
    out = (a + b + counter) & _MASK
    state[0] = b ^ (b >> 9)
    state[1] = (c + (c << 3)) & _MASK
    state[2] = (((c << 21) & _MASK | c >> 11) + out) & _MASK
    state[3] = (counter + 1) & _MASK
    return out


@inlined
def below(state: NDArray[np.int64], n: int) -> int:
    """A whole number from 0 to n - 1; `n` up to 2^31."""
    return (draw(state) * n) >> 32
