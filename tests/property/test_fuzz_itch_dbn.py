"""Damaged ITCH and DBN files: no crash, no hang, and every loss is counted and small."""

import importlib.util
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enums import Flag
from core.errors import FeedError
from core.feeds import dbn, itch
from core.feeds.source import Options
from core.records import ROW

NORMAL, NIGHTLY = 20_000, 1_000_000
KEYS = ("action", "order_id", "new_order_id", "price", "qty", "ts_event")
#: Kinds of `skipped` that do not count whole messages without a row.
NOT_MESSAGES = ("lost_bytes", "truncated_bytes", "bad_", "broken_", "stock_", "empty_cross", "untracked", "flag_")


def _encoder() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "encoders" / "itch.py"
    spec = importlib.util.spec_from_file_location("itch_encoder_fuzz", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flip(rng: np.random.Generator, data: bytes) -> bytes:
    """One bit."""
    out = bytearray(data)
    out[rng.integers(len(out))] ^= 1 << int(rng.integers(8))
    return bytes(out)


def scribble(rng: np.random.Generator, data: bytes) -> bytes:
    """A run of random bytes in place of the right ones."""
    size = int(rng.integers(1, 40))
    at = int(rng.integers(len(data) - size))
    return data[:at] + rng.bytes(size) + data[at + size :]


def remove(rng: np.random.Generator, data: bytes) -> bytes:
    """Words that are missing (DBN can only be read at multiples of 4)."""
    at = int(rng.integers(len(data) // 4)) * 4
    return data[:at] + data[at + 4 * int(rng.integers(1, 10)) :]


def insert(rng: np.random.Generator, data: bytes) -> bytes:
    """Words that do not belong there."""
    at = int(rng.integers(len(data) // 4)) * 4
    return data[:at] + rng.bytes(4 * int(rng.integers(1, 10))) + data[at:]


def truncate(rng: np.random.Generator, data: bytes) -> bytes:
    """The last bytes are missing."""
    return data[: -int(rng.integers(1, 60))]


WOUNDS = [flip, scribble, remove, insert, truncate]


def read(source: itch.ItchSource | dbn.DbnSource) -> NDArray[np.void]:
    """All rows, checked for what must hold whatever the damage."""
    rows = np.concatenate([np.zeros(0, ROW)] + [batch.rows for batch in source.batches()])
    ends = rows[(rows["flags"] & Flag.ROW_END) != 0]
    assert np.all(np.diff(ends["source_row"]) > 0)
    assert np.all((rows["action"] >= 1) & (rows["action"] <= 9))
    assert np.all(np.abs(rows["side"]) <= 1)
    met = source.messages if isinstance(source, itch.ItchSource) else source.records
    silent = sum(n for kind, n in source.skipped.items() if not kind.startswith(NOT_MESSAGES))
    assert met == len(ends) + silent, source.skipped
    assert all(n > 0 for n in source.skipped.values())
    return rows


def keys(rows: NDArray[np.void]) -> set[tuple[int, ...]]:
    return set(zip(*(rows[name].tolist() for name in KEYS), strict=True))


def survive(
    path: Path,
    data: bytes,
    open_it: Callable[[Path], itch.ItchSource | dbn.DbnSource],
    wounds: int,
    seed: int,
    floor: int,
) -> None:
    """Wound `data` after its first `floor` bytes and compare with the rows of the sound file."""
    rng = np.random.default_rng(seed)
    path.write_bytes(data)
    sound = keys(read(open_it(path)))
    head, body = data[:floor], data[floor:]
    cuts = np.sort(rng.choice(len(body) // 400, wounds, replace=False)) * 400  # wounds apart from each other
    parts = [body[a:b] for a, b in zip([0, *cuts.tolist()], [*cuts.tolist(), len(body)], strict=True)]
    hurt = [WOUNDS[int(rng.integers(len(WOUNDS) - 1))](rng, part) if len(part) > 40 else part for part in parts]
    path.write_bytes(head + truncate(rng, b"".join(hurt)))
    source = open_it(path)
    rows = read(source)
    left = keys(rows[(rows["flags"] & Flag.BAD) == 0])
    # A wound costs the message it hits, what it swallows, and up to 3 more until a new start is proved.
    assert len(sound - left) <= 8 * (wounds + 2)
    assert len(left - sound) <= 2 * (wounds + 2)


def attempt(path: Path, open_it: Callable[[Path], itch.ItchSource | dbn.DbnSource]) -> bool:
    """Read a file or see it refused with an error that names it; True if it was read."""
    try:
        read(open_it(path))
    except FeedError as error:
        if str(path) not in str(error):
            raise
        return False
    return True


def _itch_day(messages: int) -> tuple[bytes, int]:
    data, _ = _encoder().day(np.random.default_rng(1), messages * 4 // 11, 1)
    return data, 14 + 41 + 14


def _open_itch(path: Path) -> itch.ItchSource:
    return itch.FEED.open([path], Options(symbol="S00000", date="2019-01-30"))


MBO = np.dtype(
    [
        ("length", "u1"), ("rtype", "u1"), ("publisher", "<u2"), ("instrument", "<u4"), ("event", "<u8"),
        ("order", "<u8"), ("price", "<i8"), ("size", "<u4"), ("flags", "u1"), ("channel", "u1"), ("action", "S1"),
        ("side", "S1"), ("receive", "<u8"), ("delta", "<i4"), ("sequence", "<u4"),
    ]
)  # fmt: skip
LEVEL = np.dtype([("px", "<i8", 2), ("sz", "<u4", 2), ("ct", "<u4", 2)])
MBP = np.dtype(
    [
        ("length", "u1"), ("rtype", "u1"), ("publisher", "<u2"), ("instrument", "<u4"), ("event", "<u8"),
        ("price", "<i8"), ("size", "<u4"), ("action", "S1"), ("side", "S1"), ("flags", "u1"), ("depth", "u1"),
        ("receive", "<u8"), ("delta", "<i4"), ("sequence", "<u4"), ("levels", LEVEL, 10),
    ]
)  # fmt: skip


def _dbn_day(records: int, schema: str) -> tuple[bytes, int]:
    library = pytest.importorskip("databento_dbn")
    rng = np.random.default_rng(2)
    meta = library.Metadata("X.Y", 1, library.SType.RAW_SYMBOL, library.SType.INSTRUMENT_ID, library.Schema(schema), [])
    head = bytes(meta.encode())
    body = np.zeros(records, MBO if schema == "mbo" else MBP)
    body["length"], body["rtype"] = body.dtype.itemsize // 4, 0xA0 if schema == "mbo" else 0x0A
    body["publisher"], body["instrument"] = 1, 5602
    body["event"] = 1_715_126_400_000_000_000 + np.arange(records) * 1000
    body["receive"], body["sequence"] = body["event"] + 90_000, np.arange(records)
    body["price"] = rng.integers(5_000, 5_050, records) * 10**9
    body["size"] = rng.integers(1, 50, records)
    body["side"] = rng.choice(np.array([b"A", b"B"]), records)
    body["flags"] = np.where(rng.random(records) < 0.7, 128, 0)
    if schema == "mbo":
        body["action"] = rng.choice(np.array([b"A", b"C", b"M", b"T", b"F"]), records)
        body["order"] = rng.integers(6 * 10**12, 6 * 10**12 + 10**6, records)
    else:
        body["action"] = rng.choice(np.array([b"A", b"T"]), records)
        body["levels"]["px"] = (5_000 + np.arange(1, 11)[:, None] * np.array([-1, 1])) * 10**9
        body["levels"]["sz"] = np.arange(1, 11)[:, None]
        body["levels"]["sz"][:, 0] = rng.integers(1, 50, (records, 2))
    return head + body.tobytes(), len(head) + body.dtype.itemsize


def _open_dbn(path: Path) -> dbn.DbnSource:
    return dbn.FEED.open([path], Options(symbol="5602"))


@pytest.mark.parametrize("seed", range(4))
def test_wounded_itch(tmp_path: Path, seed: int) -> None:
    data, floor = _itch_day(NORMAL // 4)
    survive(tmp_path / "x", data, _open_itch, 1 + 20 * seed, seed, floor)


@pytest.mark.parametrize("seed", range(3))
def test_wounded_mbo(tmp_path: Path, seed: int) -> None:
    data, floor = _dbn_day(NORMAL // 4, "mbo")
    survive(tmp_path / "x", data, _open_dbn, 1 + 20 * seed, seed, floor)


@pytest.mark.nightly
def test_a_million_wounded_itch_messages(tmp_path: Path) -> None:
    data, floor = _itch_day(NIGHTLY)
    survive(tmp_path / "x", data, _open_itch, 10_000, 1, floor)


@pytest.mark.nightly
@pytest.mark.parametrize("schema", ["mbo", "mbp-10"])
def test_a_million_wounded_records(tmp_path: Path, schema: str) -> None:
    data, floor = _dbn_day(NIGHTLY if schema == "mbo" else NIGHTLY // 10, schema)
    path = tmp_path / "x"
    if schema == "mbo":
        survive(path, data, _open_dbn, 10_000, 1, floor)
        return
    rng = np.random.default_rng(3)
    body = bytearray(data)
    for at in rng.integers(floor, len(body), 20_000):
        body[at] ^= 1 << int(rng.integers(8))
    path.write_bytes(body)
    read(_open_dbn(path))


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_refused_or_counted(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path / "20190130"
    noise = rng.bytes(int(rng.integers(1, 20_000)))
    start = _itch_day(100)[0] if seed % 2 else b""
    path.write_bytes(start + noise + bytes(seed))
    attempt(path, _open_itch)
    itch.FEED.matches(path)
    data, floor = _dbn_day(20, ("mbo", "mbp-10")[seed % 2])
    path.write_bytes(data[: floor if seed % 3 else -7] + noise)
    attempt(path, _open_dbn)
    assert dbn.FEED.matches(path)


@pytest.mark.parametrize("seed", range(4))
def test_noisy_books_of_levels(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data, floor = _dbn_day(500, "mbp-10")
    body = bytearray(data)
    for at in rng.integers(floor, len(body), 50 * seed):
        body[at] = int(rng.integers(256))
    path = tmp_path / "x"
    path.write_bytes(body)
    rows = read(_open_dbn(path))
    assert len(rows) >= 400


def test_damaged_headers_are_refused_or_read(tmp_path: Path) -> None:
    data, floor = _dbn_day(3, "mbo")
    rng = np.random.default_rng(9)
    path = tmp_path / "x"
    outcomes: Counter[str] = Counter()
    for i in range(400):
        body = bytearray(data)
        for at in rng.integers(0, floor - 56, 1 + i % 4):
            body[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(body[: int(rng.integers(1, len(body)))] if i % 5 == 0 else body))
        outcomes["read" if attempt(path, _open_dbn) else "refused"] += 1
    assert min(outcomes["read"], outcomes["refused"]) > 20


@pytest.mark.jit_only
@pytest.mark.parametrize("unit", [b"\0", b"\xff", b"\0\0S", b"\0\x24A", b"A", b"\0\x0cS" + bytes(11)])
def test_monotone_bytes_do_not_hang(tmp_path: Path, unit: bytes) -> None:
    path = tmp_path / "20190130"
    path.write_bytes(_itch_day(30)[0] + unit * (300_000 // len(unit)))
    read(_open_itch(path))
    data, _ = _dbn_day(3, "mbo")
    path.write_bytes(data + unit * (300_000 // len(unit)))
    read(_open_dbn(path))
