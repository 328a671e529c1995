"""The wheel: what is in it, and that it works where there is nothing of the source tree."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "core", "models", "sessions")
pytestmark = pytest.mark.xdist_group("install")  # one worker builds the wheel and its environment once


def call(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to the end, without anything that could lead back to the source tree."""
    kept = {
        key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV", "NUMBA_DISABLE_JIT"}
    }
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tree, so that nothing is left behind in it."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, source / name)
    done = call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=source)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("tapedeck-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with only the wheel and its pinned run-time dependencies: its folder of programs."""
    if subprocess.run([sys.executable, "-c", "import pip"], capture_output=True).returncode:
        pytest.skip("this environment has no pip to install with")
    folder = tmp_path_factory.mktemp("clean") / "venv"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin" / "python"]
    made = call(sys.executable, "-m", "venv", "--without-pip", folder, cwd=wheel.parent)
    assert made.returncode == 0, made.stderr
    done = call(*pip, "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt", wheel, cwd=wheel.parent)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == ours
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_wheel_carries_its_licence_and_one_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        assert "tapedeck = app.cli:main" in archive.read(inside["entry_points.txt"]).decode()
        assert "Apache License" in archive.read(inside["licenses/LICENSE"]).decode()
        assert "License-Expression: Apache-2.0" in archive.read(inside["METADATA"]).decode()


def test_the_installed_command_runs_away_from_the_source(installed: Path, tmp_path: Path) -> None:
    said = call(installed / "tapedeck", "--version", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("tapedeck ")
    where = call(installed / "python", "-c", "import app, core; print(app.__file__, core.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where.stdout
    assert "site-packages" in where.stdout


def test_the_installed_command_asks_for_neither_screen_nor_compiler_to_give_help(
    installed: Path, tmp_path: Path
) -> None:
    said = call(installed / "python", "-X", "importtime", installed / "tapedeck", "--help", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.stderr.splitlines()}
    assert "typer" in loaded
    assert loaded.isdisjoint({"textual", "numba", "numpy", "polars"})


def test_the_installed_command_makes_and_replays_a_tape(installed: Path, tmp_path: Path) -> None:
    home = {"TAPEDECK_HOME": str(tmp_path / "home")}
    tape = tmp_path / "small.tape"
    made = call(
        installed / "tapedeck", "tape", "make", "-o", tape, "--seed", "1", "--messages", "2000", cwd=tmp_path, **home
    )
    assert made.returncode == 0, made.stderr
    told = call(installed / "tapedeck", "tape", "info", tape, "--json", cwd=tmp_path, **home)
    assert told.returncode == 0, told.stderr
    assert '"messages": 2000' in told.stdout


def test_the_runtime_needs_no_training_or_test_library(installed: Path) -> None:
    names = {path.name.lower() for path in installed.parent.rglob("*.dist-info")}
    unwanted = ("torch", "hftbacktest", "pytest", "hypothesis", "pandas", "matplotlib", "textual_serve")
    assert [name for name in names if name.startswith(unwanted)] == []
