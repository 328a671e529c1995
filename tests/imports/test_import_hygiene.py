"""What loads what: the fences that import-linter draws on paper, tried at run time."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "core", "models", "sessions")
#: Foreign distributions each package may name in an import, anywhere in its files.
ALLOWED = {
    "app": {"numpy", "platformdirs", "polars", "rich", "textual", "textual_serve", "typer"},
    "core": {"databento_dbn", "isal", "llvmlite", "numba", "numpy", "platformdirs", "polars", "zstandard"},
    "models": {"numpy", "onnxruntime", "polars", "sqlalchemy"},
    "sessions": {
        "cryptography",
        "duckdb",
        "duckdb_sqlalchemy",
        "isal",
        "numpy",
        "platformdirs",
        "polars",
        "sqlalchemy",
    },
}
NEVER_IN_CORE = (
    "click",
    "duckdb",
    "onnxruntime",
    "rich",
    "sqlalchemy",
    "textual",
    "typer",
    "app",
    "models",
    "sessions",
)
HEAVY = ("databento_dbn", "llvmlite", "numba", "numpy", "polars", "rich", "textual", "zstandard")


def modules(package: str) -> list[str]:
    """Dotted names of every module of a package."""
    names = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def loaded(script: str, *arguments: str) -> set[str]:
    """Top-level modules in memory after `script` ran in a fresh interpreter."""
    ending = "\nimport sys as _s, json as _j; print('\\n' + _j.dumps(sorted({m.split('.')[0] for m in _s.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", script + ending, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_core_loads_nothing_of_the_terminal_the_journal_or_the_learning() -> None:
    names = modules("core")
    assert len(names) > 10
    everything = loaded("import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)", *names)
    assert "core" in everything
    assert "numba" in everything  # the kernels were really there
    assert everything.isdisjoint(NEVER_IN_CORE)


def test_the_bare_package_core_loads_nothing_foreign() -> None:
    assert loaded("import core").isdisjoint({*NEVER_IN_CORE, *HEAVY})


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("sessions", ("models", "app", "textual", "rich", "typer", "onnxruntime")),
        ("models", ("sessions", "app", "textual", "rich", "typer", "duckdb")),
    ],
)
def test_sessions_and_models_do_not_know_each_other(package: str, forbidden: tuple[str, ...]) -> None:
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    everything = loaded(script, *modules(package))
    assert package in everything
    assert everything.isdisjoint(forbidden)


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_line_answers_without_loading_the_engine_or_the_screen(option: str) -> None:
    script = (
        "import sys\nsys.argv = ['tapedeck', sys.argv[1]]\nfrom app.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    everything = loaded(script, option)
    assert "typer" in everything
    assert everything.isdisjoint(HEAVY)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_names_only_the_libraries_it_may(package: str) -> None:
    foreign: dict[str, set[str]] = {}
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for top in {name.split(".")[0] for name in names} - set(PACKAGES) - sys.stdlib_module_names:
                foreign.setdefault(top, set()).add(path.relative_to(ROOT).as_posix())
    assert {name: files for name, files in foreign.items() if name not in ALLOWED[package]} == {}
