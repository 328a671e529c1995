"""Every verb through the installed script: help, JSON, exit codes, and stdout kept for data."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import polars as pl
import pytest

from core.clock import sleep
from tests.console import SCRIPT, Console, Inside, assert_one_line

VERBS = (
    ("demo",), ("play",), ("serve",), ("bench",), ("doctor",),
    *(("tape", verb) for verb in ("import", "info", "check", "book", "export", "make", "fit")),
)  # fmt: skip
INFO = {
    "symbol", "venue", "date", "tick_size", "lot_size", "depth_model", "messages", "first_ts", "last_ts",
    "unknown_references", "crossed_events", "sources",
}  # fmt: skip
BENCH = {"messages", "messages_per_second", "load_s", "seek_ms_p50", "seek_ms_p99", "peak_rss_mb"}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_has_an_example(tapedeck: Console, verb: tuple[str, ...]) -> None:
    done = tapedeck(*verb, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Example: tapedeck {' '.join(verb)}" in " ".join(done.out.split())
    assert "--json" in done.out


def test_nothing_asked_gets_the_help(tapedeck: Console) -> None:
    for group in ((), ("tape",)):
        done = tapedeck(*group)
        assert done.code == 2
        assert "import" in done.out + done.err or "demo" in done.out + done.err
    assert tapedeck("--version").out.startswith("tapedeck ")


def test_info(tapedeck: Console, tape: Path, day: Path) -> None:
    done = tapedeck("tape", "info", tape, "--json")
    record = done.record
    assert (done.code, done.err) == (0, "")
    assert record.keys() >= INFO
    assert (record["symbol"], record["venue"], record["date"]) == ("TEST", "XNAS", "2012-06-21")
    assert (record["tick_size"], record["lot_size"], record["depth_model"]) == (0.01, 1, "window")
    assert isinstance(record["messages"], int) and record["first_ts"] <= record["last_ts"]
    stated = {source["name"]: source["bytes"] for source in record["sources"]}
    assert stated == {path.name: path.stat().st_size for path in day.iterdir()}
    plain = tapedeck("tape", "info", tape)
    assert (plain.code, plain.err) == (0, "")
    assert "TEST" in plain.out and str(record["first_ts"]) in plain.out and not plain.out.startswith("{")


def test_bench(tapedeck: Console, tape: Path) -> None:
    done = tapedeck("bench", tape, "--json")
    record = done.record
    assert (done.code, done.err) == (0, "")
    assert record.keys() >= BENCH
    assert all(record[name] > 0 for name in BENCH)
    assert record["seek_ms_p50"] <= record["seek_ms_p99"]


def test_doctor(tapedeck: Console) -> None:
    done = tapedeck("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    record = done.record
    assert record["engine"] == "ok" and record["home"] == str(tapedeck.home)
    assert set(record["formats"]) >= {"binance", "dbn", "itch", "lobster", "tabular", "tardis"}


def test_book_has_its_columns_and_nulls(tapedeck: Console, tape: Path) -> None:
    done = tapedeck("tape", "book", tape, "--levels", "40", "-o", "book.parquet", "--json")
    assert (done.code, done.err) == (0, "")
    frame = pl.read_parquet(tapedeck.folder / "book.parquet")
    assert done.record["rows"] == len(frame) and done.record["levels"] == 40
    names = ("ask_price", "ask_qty", "bid_price", "bid_qty")
    assert frame.columns == ["source_row", "ts_event", *(f"{name}_{i}" for i in range(1, 41) for name in names)]
    assert frame["source_row"].to_list() == list(range(len(frame)))
    assert frame.schema["ts_event"] == pl.Int64
    for name in names:  # the window holds five levels
        assert frame[f"{name}_1"].null_count() < len(frame) // 10
        assert frame[f"{name}_6"].null_count() == len(frame)
    for side in ("ask", "bid"):
        assert frame[f"{side}_price_2"].is_null().equals(frame[f"{side}_qty_2"].is_null())
    assert not frame.fill_null(0).select(pl.any_horizontal(pl.col(pl.Float64).is_nan().any())).item()


def test_export_is_imported_again(tapedeck: Console, day: Path) -> None:
    (message,) = (path for path in day.iterdir() if "message" in path.name)
    assert tapedeck("tape", "import", message, "--alone", "-o", "one.tape").code == 0
    done = tapedeck("tape", "export", "one.tape", "-o", "messages.parquet", "--json")
    assert (done.code, done.err) == (0, "")
    back = tapedeck("tape", "import", "messages.parquet", "--format", "tabular", "-o", "two.tape", "--json")
    assert back.code == 0, back.err
    assert back.record["messages"] == done.record["rows"]
    for name in ("one", "two"):
        assert tapedeck("tape", "book", f"{name}.tape", "-n", "3", "-o", f"{name}.parquet").code == 0
    one, two = (pl.read_parquet(tapedeck.folder / f"{name}.parquet") for name in ("one", "two"))
    assert one.drop("source_row").unique(maintain_order=True).height > 500
    assert two.equals(one)


def test_check_tells_agreement_from_difference(tapedeck: Console, tape: Path, day: Path) -> None:
    assert tapedeck("tape", "check", tape, "--json").record["ok"] is True
    (book,) = (path for path in day.iterdir() if "orderbook" in path.name)
    agreed = tapedeck("tape", "check", tape, "--against", book, "--json")
    assert (agreed.code, agreed.err) == (0, "")
    assert agreed.record["equal_rows"] == agreed.record["compared_rows"] > 1000
    lines = book.read_text().splitlines()
    cells = lines[700].split(",")
    lines[700] = ",".join([cells[0], str(int(cells[1]) + 1), *cells[2:]])
    other = tapedeck.folder / book.name
    other.write_text("\n".join(lines) + "\n")
    differs = tapedeck("tape", "check", tape, "--against", other, "--json")
    assert (differs.code, differs.record["ok"]) == (1, False)
    assert differs.record["equal_rows"] == differs.record["compared_rows"] - 1
    assert "row 700: ask_qty_1" in differs.record["first_differences"][0]
    assert differs.err.count("\n") == 1


def test_check_finds_a_changed_tape(tapedeck: Console, tape: Path) -> None:
    copy = shutil.copytree(tape, tapedeck.folder / "changed.tape")
    raw = bytearray((copy / "messages.npy").read_bytes())
    raw[256 + 40 * 500 + 16] ^= 1  # the quantity of a message
    (copy / "messages.npy").write_bytes(raw)
    done = tapedeck("tape", "check", copy, "--json")
    assert (done.code, done.record["ok"]) == (1, False)
    assert "sha256" in done.record["problems"][0]


def test_make_play_fit_and_demo(tapedeck: Console) -> None:
    made = tapedeck("tape", "make", "-o", "day.tape", "--messages", "30000", "--seed", "3", "--json")
    assert (made.code, made.err) == (0, "")
    assert (made.record["messages"], made.record["crossed_events"]) == (30_000, 0)
    picture = tapedeck("play", "day.tape", "--json", "--at", "12:00")
    assert (picture.code, picture.err) == (0, "")
    record = picture.record
    assert 0 < record["index"] < 30_000
    assert record["bids"][0]["price"] == record["best_bid"] < record["best_ask"] == record["asks"][0]["price"]
    fitted = tapedeck("tape", "fit", "day.tape", "-o", "profile.json", "--json")
    assert (fitted.code, fitted.err) == (0, ""), fitted.err
    assert {"profile", "facts"} <= fitted.record.keys()
    again = tapedeck("tape", "make", "-o", "fitted.tape", "--profile", "profile.json", "--messages", "2000")
    assert again.code == 0, again.err
    names = {path.name for path in tapedeck.folder.iterdir()}
    assert names == {"day.tape", "profile.json", "fitted.tape"}


def test_demo_without_a_terminal(tapedeck: Console) -> None:
    done = tapedeck("demo", "--messages", "20000", "--json")
    assert done.code == 0, done.err
    record = done.record
    assert record["messages"] == 20_000 and record["records"]["fills"] > 0
    assert [agent["name"] for agent in record["agents"]] == ["worker", "patient", "maker", "you"]
    assert {each["model"]: each["decisions"] > 0 for each in record["models"]} == {
        "order_worker": True,
        "touch_signal": True,
    }
    again = tapedeck("demo", "--messages", "20000", TERM="xterm-256color")
    assert (again.code, again.err) == (0, "")
    assert record["digest"] in again.out
    alone = tapedeck("demo", "--messages", "20000", "--tape-only", "--json").record
    assert alone["index"] == alone["messages"] == 20_000
    assert alone["crossed_events"] == 0 and alone["messages_per_second"] > 0


def test_serve_says_where_and_stops_when_asked(tapedeck: Console, tape: Path) -> None:
    pytest.importorskip("textual_serve")
    process = tapedeck.start("serve", tape, "--port", "18773", "--json")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    text = ""
    for line in lines:
        text += line
        if line.startswith("}"):
            break
    assert json.loads(text) == {"address": "http://localhost:18773", "tape": str(tape), "read_only": True}
    sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=20)
    assert "Traceback" not in talk


def test_a_tape_is_found_by_its_name(tapedeck: Console, tape: Path) -> None:
    shelf = tapedeck.home / "tapes"
    shelf.mkdir(exist_ok=True)
    if not (shelf / "shelved.tape").exists():
        shutil.copytree(tape, shelf / "shelved.tape")
    assert tapedeck("tape", "info", "shelved", "--json").record["symbol"] == "TEST"


USAGE = [
    "tape info TAPE --nonsense",
    "tape nonsense",
    "tape info",
    "play TAPE --json --at noon",
    "play TAPE --json --speed 0",
    "play TAPE --json --speed fast",
    "play TAPE",
    "demo --speed nan",
    "demo --messages 10",
    "tape import X.csv -o out.tape --tick abc",
    "tape import X.csv -o out.tape --tick=-0.01",
    "tape import X.csv -o out.tape --lot inf",
    "tape import X.csv -o out.tape --format nonsense",
    "tape import X.csv",
    "tape book TAPE -o book.parquet --levels 0",
    "tape make -o out.tape --date yesterday",
    "tape check TAPE --against X.csv",
    "serve TAPE --port 0",
]
ABSENT = [
    "tape info gone",
    "tape check TAPE --against gone.csv",
    "tape fit empty",
    "play gone --json",
    "bench X.csv",
    "tape import gone.csv -o out.tape",
    "tape import X.csv -o out.tape",
]
#: These go through the script, the others through its entry point.
BY_SCRIPT = {USAGE[0], USAGE[3], USAGE[9], ABSENT[0], ABSENT[6]}


@pytest.mark.parametrize("words", USAGE)
def test_usage_is_exit_code_two(tapedeck: Console, inside: Inside, tape: Path, words: str) -> None:
    (tapedeck.folder / "X.csv").write_text("nothing of interest\n")
    done = (tapedeck if words in BY_SCRIPT else inside)(*words.replace("TAPE", str(tape)).split())
    assert (done.code, done.out) == (2, ""), done
    assert "Traceback" not in done.err and done.err
    assert [path.name for path in tapedeck.folder.iterdir()] == ["X.csv"]


@pytest.mark.parametrize("words", ABSENT)
def test_what_is_not_there_is_exit_code_three(tapedeck: Console, inside: Inside, tape: Path, words: str) -> None:
    (tapedeck.folder / "X.csv").write_text("nothing of interest\n")
    (tapedeck.folder / "empty").mkdir()
    done = (tapedeck if words in BY_SCRIPT else inside)(*words.replace("TAPE", str(tape)).split())
    assert done.code == 3
    assert_one_line(done)
    assert {path.name for path in tapedeck.folder.iterdir()} == {"X.csv", "empty"}


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("tape import MESSAGES -o", "out.tape"),
        ("tape make --messages 1000 -o", "out.tape"),
        ("tape book TAPE -o", "out.parquet"),
        ("tape export TAPE -o", "out.parquet"),
        ("tape fit TAPE -o", "out.json"),
    ],
)
def test_what_exists_is_not_replaced_unasked(
    inside: Inside, tmp_path: Path, tape: Path, day: Path, words: str, output: str
) -> None:
    kept = tmp_path / output
    kept.write_text("precious")
    (message,) = (path for path in day.iterdir() if "message" in path.name)
    done = inside(*words.replace("TAPE", str(tape)).replace("MESSAGES", str(message)).split(), output)
    assert done.code in (2, 3)
    assert_one_line(done)
    assert "--force" in done.err
    assert kept.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == [output]


def test_force_replaces_tapes_and_nothing_else(tapedeck: Console, tape: Path) -> None:
    copy = shutil.copytree(tape, tapedeck.folder / "out.tape")
    done = tapedeck("tape", "make", "-o", copy, "--messages", "1000", "--force", "--json")
    assert done.code == 0 and done.record["symbol"] == "SYN"
    assert tapedeck("tape", "info", copy, "--json").record["messages"] == 1000
    precious = tapedeck.folder / "home"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    refused = tapedeck("tape", "make", "-o", precious, "--messages", "1000", "--force")
    assert refused.code == 3
    assert_one_line(refused)
    assert {path.name for path in tapedeck.folder.rglob("*.txt")} == {"letter.txt"}
    assert {path.name for path in tapedeck.folder.iterdir()} == {"out.tape", "home"}


def test_a_reader_that_leaves_early(tapedeck: Console, tape: Path) -> None:
    for words in (["tape", "info", str(tape)], ["play", str(tape), "--json"], ["tape", "import", "--help"]):
        process = tapedeck.start(*words)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, talk = process.communicate(timeout=60)
        assert talk == ""
        assert process.returncode == (1 if "--help" in words else 0)  # the argument parser says 1


def test_closed_and_full_outputs(tapedeck: Console, tape: Path) -> None:
    full = subprocess.run(
        f"{SCRIPT} tape info {tape} >/dev/full",
        shell=True,
        capture_output=True,
        text=True,
        env=tapedeck.environment({}),
    )
    assert full.returncode == 1
    assert full.stderr == "tapedeck: No space left on device\n"
    closed = subprocess.run(
        f"{SCRIPT} tape info {tape} >&-", shell=True, capture_output=True, text=True, env=tapedeck.environment({})
    )
    assert (closed.returncode, closed.stderr) == (0, "")


def test_completion(tapedeck: Console) -> None:
    # Which shell this is cannot be found out everywhere (no shell above us in a build machine): it is named.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    for extra, words in ((named, ("--show-completion", "bash")), ({"_TAPEDECK_COMPLETE": "source_bash"}, ())):
        done = tapedeck(*words, **extra)
        assert done.code == 0, done
        assert "_TAPEDECK_COMPLETE=complete_bash" in done.out and "tapedeck" in done.out
    words = {"_TAPEDECK_COMPLETE": "complete_bash", "COMP_WORDS": "tapedeck tape ", "COMP_CWORD": "2"}
    done = tapedeck(**words)
    assert set(done.out.split()) == {"import", "info", "check", "book", "export", "make", "fit"}
