"""A tape folder from anywhere: sound, or refused by name; never a crash, never memory without end."""

import io
import json
import resource
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import core.tape.marks
from core.enums import Action
from core.errors import TapeError
from core.feeds.source import Options
from core.records import ABSENT, MESSAGE, ROW
from core.tape.check import verify
from core.tape.importer import import_tape
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape
from tests.oracle.tape import RowSource

COUNT = 60
Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sound tape with several checkpoints."""
    rng, rows = np.random.default_rng(5), np.zeros(COUNT, ROW)
    rows["action"] = rng.choice([Action.ADD, Action.ADD, Action.CANCEL, Action.DELETE, Action.EXECUTE], COUNT)
    rows["action"][:10] = Action.ADD
    rows["side"], rows["order_id"] = rng.choice([1, -1], COUNT), np.arange(COUNT) % 23 + 1
    rows["price"], rows["qty"], rows["flags"] = rng.integers(90, 110, COUNT), rng.integers(1, 9, COUNT), 3
    rows["ts_event"], rows["ts_recv"] = 10**18 + np.arange(COUNT), ABSENT
    folder = tmp_path_factory.mktemp("tapes") / "sound.tape"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.tape.marks, "SPACING", 10)
        patch.setattr(core.tape.marks, "PER_ORDER", 0)
        import_tape(RowSource([rows]), folder, Options())
    return folder


@pytest.fixture
def tape(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(sound, tmp_path / "damaged.tape"))


@contextmanager
def little_memory(more: int = 3 << 30) -> Iterator[None]:
    """Address space for `more` bytes beyond what is in use now, where that can be known."""
    usage = Path("/proc/self/statm")
    if not usage.exists():
        yield
        return
    used = int(usage.read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def use(folder: Path) -> list[str]:
    """Everything that can be done with a tape; the problems that a check names."""
    tape = Tape(folder)
    try:
        for index in (0, 5, 25, COUNT, -(10**18), 10**18):
            place = tape.at(index)
            assert 0 <= place.index <= len(tape.messages)
            assert 0 <= tape.index_at(place.clock) <= len(tape.messages)
        tape.at(25).book.check()
        for ts in (-(2**63), 0, 10**18 + 30, 2**63 - 1):
            assert 0 <= tape.index_at(ts) <= len(tape.messages)
        for _ in iter_book_rows(tape, 2, 16):
            pass
        return verify(tape).problems
    finally:
        tape.close()


def meta(**changes: Any) -> Damage:
    """Other values in tape.json; None removes one."""

    def apply(folder: Path) -> None:
        path = folder / "tape.json"
        found = json.loads(path.read_text())
        for name, value in changes.items():
            found[name] = value
            if value is None:
                del found[name]
        path.write_text(json.dumps(found))

    return apply


def raw(name: str, content: bytes) -> Damage:
    """Other bytes in a file."""
    return lambda folder: void((folder / name).write_bytes(content))


def cut(name: str, share: float) -> Damage:
    """The end of a file is missing."""

    def apply(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return apply


def gone(name: str) -> Damage:
    """A file is missing."""
    return lambda folder: (folder / name).unlink()


def void(_: object) -> None:
    """Nothing."""


def npy(array: NDArray[Any], shape: tuple[int, ...] | None = None, text: str | None = None) -> bytes:
    """An array file, with another shape or header than the array has if so wished."""
    if shape is None and text is None:
        out = io.BytesIO()
        np.save(out, array, allow_pickle=False)
        return out.getvalue()
    descr: Any = array.dtype.descr if array.dtype.names else array.dtype.str
    header = text or repr({"descr": descr, "fortran_order": False, "shape": shape})
    packed = header.encode().ljust(246) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(packed).to_bytes(2, "little") + packed + array.tobytes()


def messages(change: Callable[[NDArray[np.void]], NDArray[Any]]) -> Damage:
    """Other messages."""
    return lambda folder: void((folder / "messages.npy").write_bytes(npy(change(np.load(folder / "messages.npy")))))


def header(shape: tuple[int, ...] | None = None, text: str | None = None) -> Damage:
    """messages.npy that says another shape than it has, or says it otherwise."""
    return lambda folder: void(
        (folder / "messages.npy").write_bytes(npy(np.load(folder / "messages.npy"), shape, text))
    )


def marks(
    members: dict[str, Callable[[NDArray[Any]], NDArray[Any] | bytes | None]], method: int = zipfile.ZIP_STORED
) -> Damage:
    """Other checkpoints: each named member changed, or removed where the change gives None."""

    def apply(folder: Path) -> None:
        with np.load(folder / "marks.npz", allow_pickle=False) as found:
            arrays: dict[str, Any] = {name: found[name] for name in found.files}
        for name, change in members.items():
            arrays[name] = change(arrays[name])
        with zipfile.ZipFile(folder / "marks.npz", "w", method) as archive:
            for name, array in arrays.items():
                if array is not None:
                    archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else npy(array))

    return apply


def put(field: str, at: int, value: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """One value of one field set."""

    def change(array: NDArray[Any]) -> NDArray[Any]:
        array = array.copy()
        array[field][at] = value
        return array

    return change


def head(column: int, at: int, value: int) -> Damage:
    """Another number in the index of the checkpoints."""

    def change(array: NDArray[Any]) -> NDArray[Any]:
        array = array.copy()
        array[at, column] = value
        return array

    return marks({"head": change})


REFUSED: dict[str, Damage] = {
    "no tape.json": gone("tape.json"),
    "no messages": gone("messages.npy"),
    "no marks": gone("marks.npz"),
    "empty json": raw("tape.json", b""),
    "binary json": raw("tape.json", bytes(range(256))),
    "json list": raw("tape.json", b"[]"),
    "deep json": raw("tape.json", b"[" * 200_000),
    "json number": raw("tape.json", b"1" * 10_000),
    "half a json": cut("tape.json", 0.5),
    "other format": meta(format="something"),
    "other version": meta(version=99),
    "no symbol": meta(symbol=None),
    "unknown key": meta(more=1),
    "symbol is a number": meta(symbol=5),
    "symbol that paints the terminal": meta(symbol="\x1b[2J\x1b]0;x\x07"),
    "symbol without end": meta(symbol="A" * 10**6),
    "count is text": meta(messages="60"),
    "count is a truth": meta(messages=True),
    "count too small": meta(messages=COUNT - 1),
    "count too large": meta(messages=COUNT + 1),
    "count negative": meta(messages=-1),
    "count huge": meta(messages=2**60),
    "slots negative": meta(slots=-1),
    "slots huge": meta(slots=2**28),
    "slots beyond all": meta(slots=2**62),
    "pages huge": meta(pages=2**24),
    "pages beyond all": meta(pages=2**62),
    "prices upside down": meta(low_price=5, high_price=4),
    "prices beyond int32": meta(low_price=-(2**40), high_price=2**40),
    "time beyond int64": meta(last_ts=2**80),
    "tick is text": meta(tick_size="abc"),
    "tick zero": meta(tick_size="0"),
    "tick negative": meta(tick_size="-0.01"),
    "tick infinite": meta(tick_size="Infinity"),
    "tick nan": meta(tick_size="nan"),
    "tick with a million digits": meta(tick_size="1E-999999"),
    "lot with a million digits": meta(lot_size="1E+999999"),
    "depth model unknown": meta(depth_model="__class__"),
    "window negative": meta(window=-1),
    "sources are text": meta(sources="abc"),
    "sources incomplete": meta(sources=[{"name": "x"}]),
    "sources of other types": meta(sources=[{"name": 1, "bytes": "x", "sha256": None}]),
    "results of other types": meta(results={"bad_qty": "many"}),
    "notes of other types": meta(notes={"a": [1]}),
    "timezone is a path": meta(timezone="../../../etc/passwd"),
    "timezone unknown": meta(timezone="Nowhere/Nothing"),
    "messages are text": raw("messages.npy", b"not numpy"),
    "messages are empty": raw("messages.npy", b""),
    "messages are a zip": raw("messages.npy", b"PK\x05\x06" + bytes(18)),
    "messages are a pickle": raw("messages.npy", b"\x80\x04N."),
    "messages cut short": cut("messages.npy", 0.9),
    "messages cut in the header": cut("messages.npy", 0.02),
    "messages of another type": messages(lambda m: np.zeros(COUNT, np.int64)),
    "messages of two dimensions": messages(lambda m: m.reshape(-1, 2)),
    "messages of no dimension": messages(lambda m: m[0].reshape(())),
    "messages with padding": messages(lambda m: np.zeros(COUNT, [*MESSAGE.descr, ("pad", "u1")])),
    "messages big-endian": messages(lambda m: m.astype(MESSAGE.newbyteorder(">"))),
    "more messages than the file holds": header((COUNT * 1000,)),
    "more messages than any file holds": header((2**60,)),
    "a negative number of messages": header((-1,)),
    "objects for messages": header(text="{'descr': '|O', 'fortran_order': False, 'shape': (60,)}"),
    "code for a header": header(text="__import__('os').system('true')"),
    "an unfinished header": header(text="{'descr': ((((((("),
    "marks are text": raw("marks.npz", b"not a zip"),
    "marks cut short": cut("marks.npz", 0.9),
    "marks without index": marks({"head": lambda a: None}),
    "marks with an empty index": marks({"head": lambda a: a[:0]}),
    "marks with a narrow index": marks({"head": lambda a: a[:, :3].copy()}),
    "marks with a flat index": marks({"head": lambda a: a.ravel()}),
    "marks with a float index": marks({"head": lambda a: a.astype(float)}),
    "marks out of order": marks({"head": lambda a: a[::-1].copy()}),
    "marks before the tape": head(0, 0, -(10**9)),
    "marks behind the tape": head(0, -1, 10**12),
    "marks that do not begin at the start": head(0, 0, 1),
    "marks whose clock runs back": head(1, 2, 0),
    "fewer tops than marks": marks({"tops": lambda a: a[:-1]}),
    "fewer results than marks": marks({"results": lambda a: a[:-1]}),
    "narrow results": marks({"results": lambda a: a[:, :5].copy()}),
    "an index larger than memory": marks({"head": lambda a: npy(a, (2**50, 4))}),
    "an index of negative size": marks({"head": lambda a: npy(a, (-1, 4))}),
    "an index with code in its header": marks({"head": lambda a: npy(a, text="__import__('os').system('true')")}),
    "a zip bomb": marks({"head": lambda a: npy(np.zeros((2**20, 4), np.int64))}, zipfile.ZIP_DEFLATED),
    "records missing": marks({"records_2": lambda a: None}),
    "records of another type": marks({"records_2": lambda a: np.zeros(5, np.int64)}),
    "records larger than memory": marks({"records_2": lambda a: npy(a, (2**50,))}),
    "records fewer than orders": marks({"records_2": lambda a: a[:-1]}),
    "records with hostile slots": marks({"records_2": put("slot", 0, 2**31 - 1)}),
    "records with negative slots": marks({"records_2": put("slot", 0, -(2**31))}),
    "records with no quantity": marks({"records_2": put("qty", 0, -1)}),
    "records with an unknown action": marks({"records_2": put("action", 0, 200)}),
    "an unknown status": marks({"tops": put("status", 2, 99)}),
}

#: What only a replay can tell: `verify` names it.
FOUND: dict[str, Damage] = {
    "another message": messages(put("qty", 7, 10**6)),
    "messages with hostile slots": messages(put("slot", 7, 2**31 - 1)),
    "messages with unknown actions": messages(put("action", 7, 200)),
    "another quantity in a checkpoint": marks({"records_2": put("qty", 0, 10**6)}),
    "another price in a checkpoint": marks({"records_2": put("price", 0, 50)}),
    "another id in a checkpoint": marks({"records_2": put("order_id", 0, 10**6)}),
    "other counts in a checkpoint": marks({"tops": put("crossed", 2, 10**6)}),
    "other results in a checkpoint": marks({"results": lambda a: a + 1}),
    "another count of results": meta(results={"bad_qty": 5}),
    "another digest": meta(messages_sha256="0" * 64),
    "another count of crossed events": meta(crossed_events=10**6),
}


def test_the_tape_is_sound_before_it_is_damaged(tape: Path) -> None:
    assert use(tape) == []


@pytest.mark.parametrize("damage", REFUSED.values(), ids=REFUSED)
def test_damage_is_refused_by_name(tape: Path, damage: Damage) -> None:
    damage(tape)
    with little_memory(), pytest.raises(TapeError) as caught:
        use(tape)
    text = str(caught.value)
    assert str(tape) in text
    assert "\n" not in text
    assert len(text) < 1_000


@pytest.mark.parametrize("damage", FOUND.values(), ids=FOUND)
def test_what_does_not_agree_is_found_by_a_check(tape: Path, damage: Damage) -> None:
    damage(tape)
    assert use(tape)


@pytest.mark.parametrize("name", ["a folder that is not there", "a file", "an empty folder"])
def test_what_is_no_tape_is_said_to_be_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.tape"
    if name == "a file":
        path.write_text("{}")
    elif name == "an empty folder":
        path.mkdir()
    with pytest.raises(TapeError, match=r"x\.tape"):
        Tape(path)


def test_names_of_sources_are_never_opened(tape: Path) -> None:
    source = {"name": "../../../../../../etc/shadow", "bytes": 5, "sha256": "0" * 64}
    meta(sources=[source])(tape)
    assert use(tape) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["tape.json", "messages.npy", "marks.npz"]),
    hits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    early=st.booleans(),
)
def test_any_bytes_may_be_wrong(
    sound: Path, tmp_path: Path, name: str, hits: list[tuple[int, int]], early: bool
) -> None:
    folder = tmp_path / "fuzzed.tape"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    content = bytearray((folder / name).read_bytes())
    for where, value in hits:
        content[where % min(len(content), 300 if early else len(content))] = value
    (folder / name).write_bytes(content)
    survive(folder)


def survive(folder: Path) -> None:
    """Use what may be damaged."""
    try:
        with little_memory():
            use(folder)
    except TapeError as error:
        assert folder.name in str(error)


@pytest.mark.nightly
def test_any_bytes_may_be_wrong_for_a_whole_night(sound: Path, tmp_path: Path) -> None:
    rng, folder = np.random.default_rng(13), tmp_path / "fuzzed.tape"
    shutil.copytree(sound, folder)
    for _ in range(3_000):
        path = folder / rng.choice(["tape.json", "messages.npy", "marks.npz"])
        content = path.read_bytes()
        damaged = np.frombuffer(content, np.uint8).copy()
        where = rng.integers(0, rng.choice([300, len(damaged)]), rng.integers(1, 9))
        damaged[where] = rng.integers(0, 256, len(where))
        path.write_bytes(damaged.tobytes())
        survive(folder)
        path.write_bytes(content)
