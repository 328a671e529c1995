"""What the tree promises on paper: sizes, seams, and nothing of the machine it was written on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "core", "models", "sessions")
#: Home and mount folders of a person's or a build machine, and where packages were fetched from.
MACHINE = re.compile(
    r"(?<![\w.$}~])/(?:home|root|Users|workspace|work|mnt|media|private)/[\w.-]+"
    r"|[A-Z]:\\Users\\"
    r"|--(?:extra-)?index-[u]rl|--find-links|--trusted-host|files\.python[h]osted\.org|py[p]i\.org/simple"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Files under version control; skips where there is no git or no repository."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_machine_paths_or_registry_hosts_are_kept(tracked: list[Path]) -> None:
    found = []
    for path in tracked:
        if path == Path(__file__).resolve():
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # binary
        found += [
            f"{path.relative_to(ROOT)}:{n}: {m[0]}" for n, line in enumerate(lines, 1) if (m := MACHINE.search(line))
        ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("data at /home/someone/tapes", True),
        ('"/root/x"', True),
        ("--extra-index-" + "url elsewhere", True),
        ("see core/mnt/space.py", False),
        ("$TAPEDECK_HOME/mnt/space", False),
        ("bid/ask /usr/bin/env", False),
    ],
)
def test_the_scan_knows_a_machine_path(line: str, caught: bool) -> None:
    assert bool(MACHINE.search(line)) is caught


def test_nothing_generated_is_under_version_control(tracked: list[Path]) -> None:
    unwanted = {".pyc", ".npy", ".npz", ".nbi", ".nbc", ".whl", ".db", ".duckdb"}
    assert [str(path.relative_to(ROOT)) for path in tracked if path.suffix in unwanted] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_has_grown_past_one_duty(package: str) -> None:
    sizes = {p.relative_to(ROOT).as_posix(): p.read_bytes().count(b"\n") for p in (ROOT / package).rglob("*.py")}
    assert {name: lines for name, lines in sizes.items() if lines > 400} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_and_what_it_never_imports(package: str) -> None:
    text = (ROOT / package / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {package}")
    assert "never" in text.lower()


@pytest.mark.parametrize("page", ["README.md", *(f"{package}/README.md" for package in PACKAGES)])
def test_files_that_a_page_speaks_of_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {
        *re.findall(r"\]\((?!https?:)([^)#]+)\)", text),
        *re.findall(r"`((?:app|core|models|sessions|tests)/[\w./-]*)`", text),
    }
    assert [
        name for name in sorted(named) if not any((base / name).exists() for base in (ROOT, (ROOT / page).parent))
    ] == []


def test_test_files_have_unique_names() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_change_log_has_an_entry_for_users() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", text, re.MULTILINE)
