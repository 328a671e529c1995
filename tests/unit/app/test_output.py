"""One record on stdout, one line of talk on stderr, and an exit code for every error."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.output import FAILURE, INTERRUPTED, OK, UNAVAILABLE, USAGE, emit, run, say
from core.errors import BookCorrupt, ConfigError, FeedError, SnapshotMissing, TapeError


@pytest.fixture(autouse=True)
def terminate_as_before() -> Iterator[None]:
    """`run` takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_json_is_one_record(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"name": "Ä\x1b\udcff", "ts": 1_340_285_400_000_000_001, "none": None, "deep": {"list": [1, {"x": 0.5}]}}
    emit(values, as_json=True)
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (values, "")
    assert out.isascii() and "\x1b" not in out


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_has_null_for_numbers_it_cannot_write(capsys: pytest.CaptureFixture[str], number: float) -> None:
    emit({"a": number, "b": {"c": [number, 1.5]}, "d": (number,)}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": {"c": [None, 1.5]}, "d": [None]}


def test_lines_are_aligned_and_numbers_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    emit(
        {
            "messages": 1_234_567,
            "first_ts": 1_340_285_400_000_000_001,
            "share": 0.123456789,
            "ok": True,
            "none": None,
            "empty": {},
            "results": {"bad_qty": 1000, "full": 2},
            "list": [{"a": 1}, "b"],
            "nothing": [],
        },
        as_json=False,
    )
    assert capsys.readouterr().out.splitlines() == [
        "messages  1,234,567",
        "first_ts  1340285400000000001",
        "share     0.123457",
        "ok        True",
        "none      -",
        "empty     -",
        "results   bad_qty 1,000, full 2",
        "list      a 1",
        "          b",
        "nothing   -",
    ]


def test_names_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"symbol": "A\x1b[2J\nB\x07\udcff", "fine": "Zürich €"}, as_json=False)
    say("gone\x1b]0;x\x07: \n no such\ttape")
    out, err = capsys.readouterr()
    assert out == "symbol  A\\x1b[2J\\nB\\x07\\udcff\nfine    Zürich €\n"
    assert err == "gone\\x1b]0;x\\x07: \\n no such\\ttape\n"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("--tick is odd"), USAGE, "tapedeck: --tick is odd\n"),
        (FeedError("a.csv", "is empty", 7), UNAVAILABLE, "tapedeck: a.csv, row 7: is empty\n"),
        (SnapshotMissing("a.csv", "starts without a snapshot"), UNAVAILABLE, None),
        (TapeError("a.tape", "is damaged"), UNAVAILABLE, "tapedeck: a.tape: is damaged\n"),
        (BookCorrupt("level sums"), FAILURE, "tapedeck: level sums\n"),
        (KeyboardInterrupt(), INTERRUPTED, "tapedeck: interrupted\n"),
        (MemoryError(), FAILURE, "tapedeck: out of memory\n"),
        (FileNotFoundError(2, "No such file", "x.csv"), FAILURE, "tapedeck: x.csv: No such file\n"),
        (OSError(28, "No space left on device"), FAILURE, "tapedeck: No space left on device\n"),
        (OSError("odd"), FAILURE, "tapedeck: odd\n"),
    ],
)
def test_errors_become_a_line_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str | None
) -> None:
    def fail() -> None:
        raise error

    assert run(fail) == code
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert line is None or err == line


def test_what_is_not_explained_is_not_swallowed() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fail)


def test_codes_of_the_argument_parser_pass(capsys: pytest.CaptureFixture[str]) -> None:
    for code in (0, 1, 2, INTERRUPTED):
        assert run(lambda code=code: sys.exit(code)) == code  # type: ignore[misc]
        assert capsys.readouterr().err == ("tapedeck: interrupted\n" if code == INTERRUPTED else "")
    assert run(lambda: None) == OK
    assert run(lambda: sys.exit(None)) == OK
    assert run(lambda: sys.exit("words")) == FAILURE
    assert capsys.readouterr().err == "words\n"


def test_a_polite_kill_leaves_through_every_with() -> None:
    left: list[str] = []

    def killed() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            left.append("cleaned")

    assert (run(killed), left) == (128 + signal.SIGTERM, ["cleaned"])


@pytest.mark.parametrize("busy", [False, True])
def test_the_end_waits_for_no_thread(busy: bool) -> None:
    code = (
        "import threading, time\n"
        "from app.output import leave\n"
        f"if {busy}: threading.Thread(target=lambda: time.sleep(60), daemon=True).start()\n"
        "print('said')\n"
        "leave(5)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, "said\n", "")
