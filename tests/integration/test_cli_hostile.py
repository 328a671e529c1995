"""Whatever is thrown at the verbs: one line, the right exit code, nothing left behind, never a traceback."""

import gzip
import io
import os
import signal
import zipfile
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard

from core.clock import sleep
from core.tape.importer import feed_names
from tests.console import Console, Inside, assert_one_line
from tests.lobster_days import lobster_day


def left(folder: Path) -> set[str]:
    """Names in a folder, hidden ones too."""
    return {path.name for path in folder.iterdir()}


def _zip(inner: str, raw: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inner, raw)
    return out.getvalue()


NOISE = np.random.default_rng(2).bytes(60_000)
LOBSTER_NAME = "X_2012-06-21_34200000_57600000_message_1.csv"
JUNK = {
    "noise": NOISE,
    "empty": b"",
    "zeros": bytes(50_000),
    "line-ends": b"\n" * 5000,
    "commas": b",,,,,,,,\n" * 500,
    "escapes": b"\x1b[2J\x1b]0;owned\x07," * 40 + b"\n",
    "one-long-line": b"7" * 200_000,
    "not-utf8": "ä,ö,ü\n".encode("latin-1") * 100,
    "json": b'{"e":"depthUpdate","E":1}\n[1,2,{\n' * 50,
    "gzip-of-noise": gzip.compress(NOISE),
    "gzip-cut": gzip.compress(NOISE)[:20_000],
    "gzip-damaged": gzip.compress(NOISE)[:100] + NOISE[:500],
    "zstd-cut": zstandard.compress(NOISE)[:20_000],
    "zstd-magic": b"\x28\xb5\x2f\xfd" + NOISE[:500],
    "zip-of-noise": _zip(LOBSTER_NAME, NOISE),
    "zip-cut": _zip(LOBSTER_NAME, NOISE)[:20_000],
    "zip-without-end": b"PK\x03\x04" + NOISE[:500],
    "dbn-magic": b"DBN\x03" + NOISE[:500],
    "parquet-magic": b"PAR1" + NOISE[:500] + b"PAR1",
    "generic-header": b"ts_event,action,side,price,qty,order_id\n" + NOISE[:5000],
    "tardis-header": b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n" + NOISE[:5000],
    "itch-length": b"\x00\x27" + NOISE[:5000],
}
SUFFIX = {"gzip": ".gz", "zstd": ".zst", "zip": ".zip", "parquet": ".parquet", "dbn": ".dbn"}


@pytest.mark.parametrize("kind", JUNK)
@pytest.mark.parametrize("form", [*feed_names(), None])
def test_junk_makes_no_tape(inside: Inside, tmp_path: Path, form: str | None, kind: str) -> None:
    source = tmp_path / f"{LOBSTER_NAME}{SUFFIX.get(kind.split('-', maxsplit=1)[0], '')}"
    source.write_bytes(JUNK[kind])
    told = [] if form is None else ["--format", form]
    done = inside("tape", "import", source, *told, "--date", "2012-06-21", "-o", "out.tape")
    assert done.code == 3, done
    assert_one_line(done)
    assert len(done.err) < 2000
    assert done.err.isascii() or done.err.strip().isprintable()
    assert left(tmp_path) == {source.name}


UNREADABLE = {
    "folder": "/etc",
    "device": "/dev/null",
    "process memory": "/proc/self/mem",
    "gone": "gone.csv",
    "inside a file": "plain/x.csv",
    "dangling": "dangling",
    "name with a line end": "a\nb.csv",
    "very long name": "x" * 300,
}


@pytest.mark.parametrize("form", [*feed_names(), None])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_sources_that_cannot_be_read(inside: Inside, tmp_path: Path, kind: str, form: str | None) -> None:
    (tmp_path / "plain").write_text("x")
    (tmp_path / "dangling").symlink_to("nowhere")
    told = [] if form is None else ["--format", form]
    done = inside("tape", "import", UNREADABLE[kind], *told, "--date", "2012-06-21", "-o", "out.tape")
    assert done.code == 3, done
    assert_one_line(done)
    assert left(tmp_path) == {"plain", "dangling"}


OUTPUTS = {
    "inside a file": "plain/out",
    "a file is a grandparent": "plain/a/b/out",
    "no folder can be made there": "/proc/tapedeck/out",
    "nothing can be written there": "/sys/kernel/out",
    "a folder": "folder",
    "very long name": "x" * 300,
    "empty name": "",
}


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        *product(["import", "make", "book", "export"], OUTPUTS),
        ("fit", "inside a file"),
        ("fit", "a folder"),
        ("fit", "empty name"),
    ],
)
def test_outputs_that_cannot_be_written(
    inside: Inside, tmp_path: Path, tape: Path, synthetic: Path, day: Path, verb: str, kind: str
) -> None:
    (tmp_path / "plain").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter").write_text("precious")
    words = {
        "import": ["import", *sorted(day.iterdir())],
        "make": ["make", "--messages", "1000"],
        "book": ["book", tape],
        "export": ["export", tape],
        "fit": ["fit", synthetic],
    }[verb]
    for force in ([], ["--force"]):
        done = inside("tape", *words, "-o", OUTPUTS[kind], *force)
        assert done.code in (1, 2, 3), done
        assert_one_line(done)
    assert left(tmp_path) == {"plain", "folder"}
    assert left(tmp_path / "folder") == {"letter"}
    assert (tmp_path / "plain").read_text() == "precious"


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic day long enough to be fitted."""
    from app.tape_verbs import make_tape

    folder = tmp_path_factory.mktemp("synthetic") / "day.tape"
    make_tape(folder, 1, 20_000, quiet=True)
    return folder


@pytest.mark.parametrize("verb", ["import", "make", "book", "export", "fit"])
def test_a_full_disk(tapedeck: Console, day: Path, synthetic: Path, verb: str) -> None:
    words = {
        "import": ["import", *sorted(day.iterdir())],
        "make": ["make", "--messages", "5000"],
        "book": ["book", synthetic],
        "export": ["export", synthetic],
        "fit": ["fit", synthetic],
    }[verb]
    # Kernels are compiled and cached before the disk is full.
    assert tapedeck("tape", *words, "-o", "warm").code == 0
    for limit in {"import": (300, 6_000), "fit": (1,)}.get(verb, (2_000,)):
        done = tapedeck("tape", *words, "-o", "out", file_limit=limit)
        assert done.code in (1, 2, 3), done
        assert_one_line(done)
        assert "out: " in done.err
        assert left(tapedeck.folder) == {"warm"}


def test_a_disk_that_is_full_at_the_checkpoints(tapedeck: Console) -> None:
    count = 25_000  # a day of nothing but adds has checkpoints larger than its messages
    source = tapedeck.folder / LOBSTER_NAME
    source.write_text(
        "".join(f"{34200 + i / 1000:.3f},1,{i + 1},10,{1000000 - i % 50 * 100},1\n" for i in range(count))
    )
    for limit in (256 + 40 * count - 1, 256 + 40 * count, 256 + 40 * count + 600):
        done = tapedeck("tape", "import", source, "-o", "out.tape", file_limit=limit)
        assert done.code == 3
        assert_one_line(done)
        assert left(tapedeck.folder) == {source.name}


def test_an_interrupted_import(tapedeck: Console, long_day: Path) -> None:
    process = tapedeck.start("tape", "import", long_day, "-o", "out.tape")
    for _ in range(20_000):
        if any(name.startswith(".out.tape.part-") for name in os.listdir(tapedeck.folder)):
            break
        sleep(0.001)
    process.send_signal(signal.SIGINT)
    out, talk = process.communicate(timeout=60)
    assert (process.returncode, out, talk) == (130, "", "tapedeck: interrupted\n")
    assert left(tapedeck.folder) == set()


@pytest.mark.parametrize("at", ["#0", "+0s", "0%", "open", "#" + "0" * 5000, "+0.000h"], ids=lambda at: at[:8])
def test_places_at_the_start(inside: Inside, tape: Path, at: str) -> None:
    record, info = inside("play", tape, "--json", "--at", at).record, inside("tape", "info", tape, "--json").record
    assert record["clock"] == info["first_ts"]
    assert record["index"] < 10


NOWHERE = [
    "#", "#-1", "%", "1.2.3%", "nan%", "101%", "25:00", "10:61", "2012-13-01 10:00", "+5", "now", "²%", "04:00",
    "0001-01-01 10:00", "9999-12-31 10:00", "#" + "9" * 5000, "+" + "9" * 400 + "h", "9" * 400 + "%",
    "9" * 19, "9" * 400,
]  # fmt: skip


@pytest.mark.parametrize("at", NOWHERE, ids=lambda at: at[:16])
def test_places_that_are_none(inside: Inside, tape: Path, at: str) -> None:
    done = inside("play", tape, "--json", "--at", at)
    assert done.code == 2
    assert_one_line(done)
    assert len(done.err) < 1000


def test_names_from_files_do_nothing_to_the_terminal(inside: Inside, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("ts_event,action,side,price,qty,order_id\n1700000000000000000,add,B,10.5,3,1\n")
    folder = tmp_path / "evil\x1b[2J\udcff.tape"
    done = inside("tape", "import", table, "--symbol", "A\x1b]0;owned\x07\nB", "-o", folder)
    assert done.code == 0
    for words in (("tape", "info", folder), ("tape", "check", folder), ("play", folder, "--json")):
        done = inside(*words)
        assert done.code == 0, done
        assert "\x1b" not in done.out + done.err and "\x07" not in done.out
    gone = inside("tape", "info", tmp_path / "gone\x1b[2J\n\udcfe")
    assert_one_line(gone)
    assert "\x1b" not in gone.err


AGAINST = {
    "text": b"hello\n" * 10,
    "noise": NOISE,
    "parquet-magic": JUNK["parquet-magic"],
    "short": None,
    "strings": None,
    "no levels": None,
}


@pytest.mark.parametrize("kind", AGAINST)
def test_published_books_that_are_none(inside: Inside, tmp_path: Path, tape: Path, kind: str) -> None:
    path = tmp_path / ("book.parquet" if kind not in ("text", "noise") else "book.csv")
    raw, one = AGAINST[kind], {f"{n}_1": [1.0] for n in ("ask_price", "ask_qty", "bid_price", "bid_qty")}
    if raw is not None:
        path.write_bytes(raw)
    elif kind == "short":
        pl.DataFrame(one).write_parquet(path)
    elif kind == "strings":
        pl.DataFrame({**one, "bid_qty_1": ["many"]}).write_parquet(path)
    else:
        pl.DataFrame({"ask_price": [1.0]}).write_parquet(path)
    done = inside("tape", "check", tape, "--against", path)
    assert done.code in (2, 3)
    assert_one_line(done)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "nonsense", '{"format": "tapedeck.market"}', "\x00", "[" * 9999]
)
def test_profiles_that_are_none(inside: Inside, tmp_path: Path, text: str) -> None:
    (tmp_path / "profile.json").write_text(text)
    done = inside("tape", "make", "-o", "out.tape", "--profile", "profile.json")
    assert done.code == 2
    assert_one_line(done)
    assert left(tmp_path) == {"profile.json"}


@pytest.mark.parametrize("step", ["1e9999999", "1e-9999999", "0.00000000000001", "3e15", "nan", "0"])
@pytest.mark.parametrize("option", ["--tick", "--lot"])
def test_steps_that_go_with_nothing(inside: Inside, tmp_path: Path, option: str, step: str) -> None:
    source = tmp_path / LOBSTER_NAME
    source.write_text("34200.5,1,1,100,1000000,1\n")
    done = inside("tape", "import", source, option, step, "-o", "out.tape")
    assert done.code in (2, 3)
    assert_one_line(done)
    assert left(tmp_path) == {source.name}


@pytest.mark.parametrize("date", ["yesterday", "2012-02-30", "20120621x", "9999-12-31", "0001-01-01", ""])
@pytest.mark.parametrize("verb", ["import", "make"])
def test_dates_that_are_none(inside: Inside, tmp_path: Path, verb: str, date: str) -> None:
    source = tmp_path / LOBSTER_NAME
    source.write_text("34200.5,1,1,100,1000000,1\n")
    words = [source] if verb == "import" else ["--messages", "1000"]
    done = inside("tape", verb, *words, "--date", date, "-o", "out.tape")
    assert done.code == 2
    assert_one_line(done)
    assert left(tmp_path) == {source.name}


def test_two_imports_to_the_same_tape(tapedeck: Console, tmp_path: Path) -> None:
    sources = lobster_day(seed=3, events=1500, levels=2).write(tmp_path, "SYN")
    both = [tapedeck.start("tape", "import", *sources, "-o", "out.tape", "--force") for _ in range(2)]
    codes = []
    for process in both:
        _, talk = process.communicate(timeout=120)
        assert "Traceback" not in talk
        codes.append(process.returncode)
    assert 0 in codes
    assert tapedeck("tape", "check", "out.tape").code == 0
    assert left(tmp_path) == {"out.tape", *(path.name for path in sources)}
