"""ITCH 5.0 messages from plain values, for round trips. One function per kind; `capture` frames them."""

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

#: Body lengths by type, typed from the specification independently of the decoder.
LENGTHS = {
    b"S": 12, b"R": 39, b"H": 25, b"Y": 20, b"L": 26, b"V": 35, b"W": 12, b"K": 28, b"J": 35, b"h": 21, b"A": 36,
    b"F": 40, b"E": 31, b"C": 36, b"X": 23, b"D": 19, b"U": 35, b"P": 44, b"Q": 40, b"B": 19, b"I": 50, b"N": 20,
    b"O": 48,
}  # fmt: skip


def _body(kind: bytes, locate: int, ts: int, rest: bytes) -> bytes:
    body = kind + struct.pack(">HH", locate, 7) + ts.to_bytes(6, "big") + rest
    assert len(body) == LENGTHS[kind], (kind, len(body))
    return body


def _stock(name: str) -> bytes:
    return name.encode().ljust(8)


def system(ts: int, code: str) -> bytes:
    return _body(b"S", 0, ts, code.encode())


def directory(locate: int, ts: int, stock: str) -> bytes:
    return _body(b"R", locate, ts, _stock(stock) + b"QN" + struct.pack(">I", 100) + b"NCZ PN 1N" + bytes(4) + b"N")


def action(locate: int, ts: int, stock: str, state: str) -> bytes:
    return _body(b"H", locate, ts, _stock(stock) + state.encode() + b" " + b"    ")


def operational(locate: int, ts: int, stock: str, market: str, state: str) -> bytes:
    return _body(b"h", locate, ts, _stock(stock) + market.encode() + state.encode())


def add(
    locate: int, ts: int, stock: str, ref: int, side: str, shares: int, price: int, attribution: str | None = None
) -> bytes:
    rest = struct.pack(">QcI", ref, side.encode(), shares) + _stock(stock) + struct.pack(">I", price)
    if attribution is None:
        return _body(b"A", locate, ts, rest)
    return _body(b"F", locate, ts, rest + attribution.encode().ljust(4))


def execute(locate: int, ts: int, ref: int, shares: int) -> bytes:
    return _body(b"E", locate, ts, struct.pack(">QIQ", ref, shares, 99))


def execute_at(locate: int, ts: int, ref: int, shares: int, price: int, printable: bool = True) -> bytes:
    return _body(b"C", locate, ts, struct.pack(">QIQcI", ref, shares, 99, b"Y" if printable else b"N", price))


def cancel(locate: int, ts: int, ref: int, shares: int) -> bytes:
    return _body(b"X", locate, ts, struct.pack(">QI", ref, shares))


def delete(locate: int, ts: int, ref: int) -> bytes:
    return _body(b"D", locate, ts, struct.pack(">Q", ref))


def replace(locate: int, ts: int, old: int, new: int, shares: int, price: int) -> bytes:
    return _body(b"U", locate, ts, struct.pack(">QQII", old, new, shares, price))


def trade(locate: int, ts: int, stock: str, side: str, shares: int, price: int, ref: int = 0) -> bytes:
    rest = struct.pack(">QcI", ref, side.encode(), shares) + _stock(stock) + struct.pack(">IQ", price, 99)
    return _body(b"P", locate, ts, rest)


def cross(locate: int, ts: int, stock: str, shares: int, price: int, kind: str = "O") -> bytes:
    rest = struct.pack(">Q", shares) + _stock(stock) + struct.pack(">IQ", price, 99) + kind.encode()
    return _body(b"Q", locate, ts, rest)


def broken(locate: int, ts: int, match: int = 99) -> bytes:
    return _body(b"B", locate, ts, struct.pack(">Q", match))


def other(kind: str, locate: int, ts: int) -> bytes:
    """A message of a kind that says nothing about a book, filled with blanks."""
    return _body(kind.encode(), locate, ts, b" " * (LENGTHS[kind.encode()] - 11))


def capture(bodies: Iterable[bytes], prefixed: bool = True) -> bytes:
    """Messages as they lie in a file."""
    return b"".join((len(body) if prefixed else 0).to_bytes(2, "big") + body for body in bodies)


_COMMON = [("prefix", ">u2"), ("kind", "S1"), ("locate", ">u2"), ("tracking", ">u2"), ("hi", ">u2"), ("lo", ">u4")]
_TAILS = {
    b"A": [("ref", ">u8"), ("side", "S1"), ("shares", ">u4"), ("stock", "S8"), ("price", ">u4")],
    b"E": [("ref", ">u8"), ("shares", ">u4"), ("match", ">u8")],
    b"X": [("ref", ">u8"), ("shares", ">u4")],
    b"D": [("ref", ">u8")],
    b"U": [("ref", ">u8"), ("new", ">u8"), ("shares", ">u4"), ("price", ">u4")],
}
SIZE, NEW_ID = 200, 1 << 40


def day(rng: np.random.Generator, lives: int, stocks: int) -> tuple[bytes, int]:
    """A made-up capture of many stocks and its number of messages, fast: every order is added, then partly executed,
    reduced or replaced, then deleted, all lives mixed by time. All references are valid."""
    names = [f"S{i:05d}" for i in range(stocks)]
    head = [system(1, "O")] + [directory(i + 1, 2 + i, stock) for i, stock in enumerate(names)] + [system(10_000, "Q")]
    locate = rng.integers(1, stocks + 1, lives).astype(">u2")
    born = rng.integers(34_200_000_000_000, 57_600_000_000_000, lives)
    middle = born + rng.integers(1, 10**9, lives)
    fate = rng.integers(0, 4, lives)  # 0 nothing, 1 E, 2 X, 3 U
    ref = np.arange(1, lives + 1, dtype=np.uint64)
    kinds = [np.full(lives, b"A")] + [
        np.full(int((fate == k).sum()), kind) for k, kind in ((1, b"E"), (2, b"X"), (3, b"U"))
    ]
    picks = [np.arange(lives)] + [np.flatnonzero(fate == k) for k in (1, 2, 3)] + [np.arange(lives)]
    kinds.append(np.full(lives, b"D"))
    owner, kind = np.concatenate(picks), np.concatenate(kinds)
    ts = np.concatenate([born] + [middle[p] for p in picks[1:4]] + [middle + rng.integers(1, 10**9, lives)])
    order = np.argsort(ts, kind="stable")
    owner, kind, ts = owner[order], kind[order], ts[order]
    sizes = np.zeros(len(kind), np.int64)
    for letter, tail in _TAILS.items():
        sizes[kind == letter] = np.dtype(_COMMON + tail).itemsize
    starts = np.cumsum(sizes) - sizes
    out = np.zeros(int(sizes.sum()), np.uint8)
    for letter, tail in _TAILS.items():
        at = np.flatnonzero(kind == letter)
        for part in np.array_split(at, max(1, len(at) // 500_000)):
            _scatter(out, starts[part], _records(letter, tail, owner[part], ts[part], locate, ref, fate))
    return capture(head) + out.tobytes(), len(head) + len(kind)


def _records(letter: bytes, tail: list[tuple[str, str]], owner, ts, locate, ref, fate) -> NDArray[np.void]:  # type: ignore[no-untyped-def]
    rows = np.zeros(len(owner), np.dtype(_COMMON + tail))
    rows["prefix"], rows["kind"] = rows.dtype.itemsize - 2, letter
    rows["locate"], rows["hi"], rows["lo"] = locate[owner], ts >> 32, ts & 0xFFFFFFFF
    rows["ref"] = ref[owner]
    if letter == b"D":
        rows["ref"] += np.where(fate[owner] == 3, np.uint64(NEW_ID), np.uint64(0))
    if letter in b"EX":
        rows["shares"] = SIZE // 2
    if letter == b"U":
        rows["new"], rows["shares"], rows["price"] = (
            ref[owner] + np.uint64(NEW_ID),
            SIZE,
            1_000_000 + 100 * (owner % 64),
        )
    if letter == b"A":
        rows["side"] = np.where(owner % 2 == 0, b"B", b"S")
        rows["shares"], rows["price"] = SIZE, 1_000_000 + 100 * (owner % 50) - 10_000 * (owner % 2 == 0)
        rows["stock"] = np.char.ljust(
            np.char.add("S", np.char.zfill((rows["locate"].astype(int) - 1).astype(str), 5)), 8
        )
    return rows


def _scatter(out: NDArray[np.uint8], starts: NDArray[np.int64], rows: NDArray[np.void]) -> None:
    width = rows.dtype.itemsize
    out[starts[:, None] + np.arange(width)] = rows.view(np.uint8).reshape(len(rows), width)
