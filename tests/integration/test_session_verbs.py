"""Sessions through the installed script: same digest every time, clear refusals, kills, and the models."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import sleep
from models.serving import ZOO
from tests.console import Console, Inside, assert_one_line

pytestmark = [pytest.mark.jit_only, pytest.mark.xdist_group("session-verbs")]

ROOT = Path(__file__).resolve().parents[2]
SESSION = """
seed = 3

[latency]
order = { kind = "lognormal", median = "150us", spread = 0.4 }

[[tape]]
tape = "TAPE"

[[agent]]
name = "worker"
policy = "onnx:order_worker"
every = "10s"
[[agent.order]]
side = "buy"
qty = 60
start = "+10m"
window = "10m"

[[agent]]
name = "watcher"
policy = "twap"
signal = "onnx:touch_signal"
[[agent.order]]
side = "buy"
qty = 40
start = "+10m"
window = "5m"

[limits]
preset = "demo"
"""


@pytest.fixture(scope="session")
def market(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short synthetic day, made by the script."""
    folder = tmp_path_factory.mktemp("market")
    made = Console(home, folder)("tape", "make", "-o", "day.tape", "--messages", "20000", "--seed", "5")
    assert made.code == 0, made.err
    return folder / "day.tape"


@pytest.fixture
def session(market: Path, tmp_path: Path) -> Path:
    """A session file in the test's own folder."""
    path = tmp_path / "morning.toml"
    path.write_text(SESSION.replace("TAPE", str(market)), encoding="utf-8")
    return path


@pytest.fixture
def killed(home: Path) -> Iterator[Path]:
    """A kill of the whole desk in the home's kill file, taken away after the test."""
    path = home / "risk" / "kill.json"
    act = {"act": "kill", "scope": "desk", "person": "kim", "reason": "fat finger", "ts": 1, "session": "before"}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"format": 1, "acts": [act]}), encoding="utf-8")
    yield path
    path.unlink()


def test_a_session_has_one_digest_however_it_is_run(tapedeck: Console, inside: Inside, session: Path) -> None:
    first = tapedeck("run", session, "--json")
    assert (first.code, first.err) == (0, "")
    record = first.record
    assert record["session"] == "morning" and record["rung"] == "R4 latency"
    worker, watcher, _ = record["agents"]
    assert worker["decisions"] > 20 and watcher["decisions"] > 200
    assert [order["filled"] > 0 for order in record["orders"]] == [True, True]
    assert record["records"]["fills"] > 0
    assert list(record["unapplied"]) == [record["agents"][0]["tape"]]
    for again in (inside("run", session, "--json"), inside("play", session, "--json")):
        assert (again.code, again.err) == (0, "")
        assert again.record["digest"] == record["digest"]
        assert again.record["digests"] == record["digests"]
        assert again.record["plan"] == record["plan"]
    plain = inside("run", session)
    assert plain.code == 0 and record["digest"] in plain.out


def test_another_seed_is_another_session(inside: Inside, session: Path) -> None:
    first = inside("run", session, "--json").record
    session.write_text(session.read_text(encoding="utf-8").replace("seed = 3", "seed = 4"), encoding="utf-8")
    other = inside("run", session, "--json").record
    assert other["digest"] != first["digest"] and other["plan"] != first["plan"]


WRONG = [
    ("seed = 3", "sede = 3", 2, "sede"),
    ("seed = 3", "seed = -3", 2, "seed"),
    ("seed = 3", "seed = = 3", 2, "morning.toml"),
    ('"twap"', '"twop"', 2, "twap"),
    ("qty = 60", "qty = 60.5", 2, "agent[1].order[1].qty"),
    ("qty = 60", "qty = nan", 2, "agent[1].order[1].qty"),
    ('tape = "', 'tape = "gone-', 3, "gone-"),
    ("onnx:order_worker", "onnx:order_wroker", 2, "agent[1].policy"),
    ("onnx:order_worker", "onnx:touch_signal", 3, "is a signal, not a policy"),
    ("onnx:order_worker", "onnx:broken.onnx", 3, "broken.onnx"),
    ("onnx:order_worker", "onnx:alone.onnx", 3, "card"),
    ("onnx:order_worker", "onnx:morning.toml", 3, "is not an .onnx file"),
    ("onnx:touch_signal", "touch_signal", 2, "agent[2].signal: 'touch_signal' is no signal: that is onnx:FILE"),
    ("onnx:touch_signal", "onnx:touch_signl", 2, "did you mean 'touch_signal'?"),
]


@pytest.mark.parametrize(("was", "becomes", "code", "said"), WRONG, ids=[row[1] for row in WRONG])
def test_a_wrong_session_is_one_line(
    inside: Inside, session: Path, was: str, becomes: str, code: int, said: str
) -> None:
    _broken_models(session.parent)
    text = session.read_text(encoding="utf-8")
    assert was in text
    session.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    done = inside("run", session, "--json")
    assert_one_line(done)
    assert done.code == code, done.err
    assert said in done.err


def _broken_models(folder: Path) -> None:
    """A model with a byte changed, and one without its card."""
    data = bytearray((ZOO / "order_worker.onnx").read_bytes())
    (folder / "alone.onnx").write_bytes(data)
    data[len(data) // 2] ^= 1
    (folder / "broken.onnx").write_bytes(data)
    shutil.copy(ZOO / "order_worker.json", folder / "broken.json")


def test_a_session_file_that_is_none(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    (tmp_path / "folder.toml").mkdir()
    for name in ("gone.toml", "binary.toml", "folder.toml"):
        done = inside("run", tmp_path / name, "--json")
        assert_one_line(done)
        assert done.code == 2 and name in done.err


@pytest.mark.parametrize("harm", ["meta", "messages", "short", "flipped"])
def test_a_damaged_tape_is_one_line(inside: Inside, session: Path, market: Path, harm: str) -> None:
    copy = shutil.copytree(market, session.parent / "copy.tape")
    session.write_text(session.read_text(encoding="utf-8").replace(str(market), str(copy)), encoding="utf-8")
    if harm == "meta":
        (copy / "tape.json").write_text("{", encoding="utf-8")
    elif harm == "messages":
        (copy / "messages.npy").unlink()
    elif harm == "flipped":
        whole = bytearray((copy / "messages.npy").read_bytes())
        whole[len(whole) // 2] ^= 1
        (copy / "messages.npy").write_bytes(whole)
    else:
        whole = (copy / "messages.npy").read_bytes()
        (copy / "messages.npy").write_bytes(whole[: len(whole) // 2])
    done = inside("run", session, "--json")
    assert_one_line(done)
    assert done.code == 3 and "copy.tape" in done.err
    if harm == "flipped":
        compared = inside("compare", copy, "--qty", "5", "--orders", "2")
        assert_one_line(compared)
        assert compared.code == 3 and "sha256" in compared.err and "sha256" in done.err


def test_a_kill_in_force_sends_nothing_until_it_is_taken_back(inside: Inside, session: Path, killed: Path) -> None:
    done = inside("run", session, "--json")
    assert done.code == 5
    assert "rearm" in done.err and done.err.count("\n") == 1
    assert done.record["killed"] == ["desk"]
    assert done.record["records"]["fills"] == done.record["records"]["orders"] == 0
    assert done.record["denied_by"]["killed"] > 0
    for words, said in (
        (("rearm", "desk", "--reason", " "), "reason"),
        (("rearm", "agent.worker", "--reason", "fine"), "not killed"),
        (("rearm", "foo", "--reason", "fine"), "no such scope"),
    ):
        refused = inside(*words)
        assert_one_line(refused)
        assert refused.code == 2 and said in refused.err
    back = inside("rearm", "desk", "--reason", "looked at it", "--person", "kim", "--json")
    assert (back.code, back.err) == (0, "")
    assert back.record == {"scope": "desk", "reason": "looked at it", "person": "kim", "still_killed": []}
    assert [act["act"] for act in json.loads(killed.read_text(encoding="utf-8"))["acts"]] == ["kill", "rearm"]
    after = inside("run", session, "--json")
    assert after.code == 0 and after.record["records"]["fills"] > 0


def test_what_looks_like_a_mistake_is_said_and_runs(inside: Inside, session: Path) -> None:
    text = session.read_text(encoding="utf-8")
    session.write_text(text.replace('[limits]\npreset = "demo"\n', ""), encoding="utf-8")
    done = inside("run", session, "--json")
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "no limits are set, so every order will be denied" in done.err
    assert any("no limits are set" in words for words in done.record["troubles"])
    assert done.record["records"]["orders"] == 0
    session.write_text(text.replace("[[agent]]", "multiplier = 1000000000\n\n[[agent]]", 1), encoding="utf-8")
    done = inside("run", session, "--json")
    assert done.code == 0 and "worker: every order will be denied: " in done.err
    assert any(words.startswith("worker: every order") for words in done.record["troubles"])


def test_a_kill_from_another_terminal_stands(inside: Inside, session: Path, home: Path) -> None:
    path = home / "risk" / "kill.json"
    try:
        for words, said in (
            (("kill", "desk", "--reason", " "), "--reason"),
            (("kill", "desks", "--reason", "odd"), "no such scope"),
            (("kill", "desk", "--reason", "odd", "--person", ""), "--person"),
        ):
            refused = inside(*words)
            assert_one_line(refused)
            assert refused.code == 2 and said in refused.err
        done = inside("kill", "desk", "--reason", "odd prices", "--person", "kim", "--json")
        assert (done.code, done.err) == (0, "")
        assert done.record == {"scope": "desk", "reason": "odd prices", "person": "kim", "killed": ["desk"]}
        after = inside("run", session, "--json")
        assert after.code == 5 and after.record["records"]["fills"] == 0
    finally:
        path.unlink(missing_ok=True)


def test_a_kill_file_that_cannot_be_read_stops_everything(inside: Inside, session: Path, killed: Path) -> None:
    killed.write_text('{"format": 1, "acts": [', encoding="utf-8")
    done = inside("run", session, "--json")
    assert_one_line(done)
    assert done.code == 5 and "kill.json" in done.err


def test_an_interrupted_run_leaves_at_once(tapedeck: Console, session: Path) -> None:
    text = session.read_text(encoding="utf-8").replace('every = "10s"', 'every = "1ms"')
    session.write_text(text.replace('window = "10m"', 'window = "5h"'), encoding="utf-8")
    process = tapedeck.start("run", session, "--json")
    sleep(3)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err == "tapedeck: interrupted\n"


def test_an_interrupt_while_the_compiler_works_ends_at_once() -> None:
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where the tests run in the background
        "from numba.core.compiler_lock import global_compiler_lock\n"
        "from app.output import run\n"
        "def compiles():\n"
        "    with global_compiler_lock:\n"
        "        try: os.kill(os.getpid(), signal.SIGINT)\n"
        "        except KeyboardInterrupt: print('lost in a callback')\n"
        "run(compiles)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tapedeck: interrupted\n")


def test_an_interrupt_that_gets_lost_ends_long_work_all_the_same() -> None:
    code = (
        "import os, signal, sys, weakref\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from app.output import interrupted, run\n"
        "class Gone: pass\n"
        "def work():\n"
        "    sys.unraisablehook = lambda what: print('lost', what.exc_type.__name__)\n"
        "    one = Gone()\n"
        "    watch = weakref.ref(one, lambda _: os.kill(os.getpid(), signal.SIGINT))\n"
        "    del one\n"
        "    for _ in range(1000): pass\n"
        "    if interrupted(): raise KeyboardInterrupt\n"
        "sys.exit(run(work))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "tapedeck: interrupted\n"), done.stdout


def test_the_models_that_ship_are_listed_and_checked(inside: Inside) -> None:
    found = inside("model", "list", "--json").record["models"]
    assert [(each["name"], each["kind"]) for each in found] == [("order_worker", "policy"), ("touch_signal", "signal")]
    one = inside("model", "check", "touch_signal", "--json")
    assert (one.code, one.err) == (0, "")
    assert one.record["ok"] is True and one.record["golden_rows"] > 0
    assert one.record["sha256"] == found[1]["sha256"]
    assert "touch_signal" in inside("model", "list").out


def test_a_bad_model_is_one_line(inside: Inside, tmp_path: Path) -> None:
    _broken_models(tmp_path)
    for name, said in (("broken.onnx", "sha256"), ("alone.onnx", "card"), ("gone.onnx", "does not exist")):
        done = inside("model", "check", name, "--json")
        assert_one_line(done)
        assert done.code == 3 and name in done.err and said in done.err
    for name in ("", ".", "..", "/"):
        done = inside("model", "check", name, "--json")
        assert_one_line(done)
        assert done.code == 3, done.err


def test_training_without_its_libraries_says_what_to_install(
    inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for kind, said in (("signal", "tapedeck[train]"), ("policy", "tapedeck[train]"), ("signl", "signal, policy")):
        done = inside("model", "train", kind, "--out", "made", "--json")
        assert_one_line(done)
        assert done.code == 2 and said in done.err
    assert not (tmp_path / "made").exists()


VERBS = ("run", "kill", "rearm", "play", "compare", "model train", "model list", "model check")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_an_example(inside: Inside, verb: str) -> None:
    done = inside(*verb.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Example: tapedeck {verb}" in " ".join(done.out.split())
    assert "--json" in done.out


def test_the_session_in_the_readme_runs(inside: Inside, market: Path, tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    assert 'tape = "day.tape"' in text
    shutil.copytree(market, tmp_path / "day.tape")
    (tmp_path / "session.toml").write_text(text, encoding="utf-8")
    done = inside("run", "session.toml", "--json")
    assert (done.code, done.err) == (0, "")
    assert len(done.record["agents"]) == 4  # three, and a person
    assert done.record["records"]["fills"] > 0 and done.record["troubles"] == []
