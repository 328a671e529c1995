"""One distribution, one place: what plain top-level package names must hold on to."""

import importlib
import tomllib
from importlib.metadata import distribution, entry_points, packages_distributions, requires
from pathlib import Path

import pytest

from core.tape.importer import GROUP, feed_names, load_feed

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "core", "models", "sessions")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_four_packages_lie_side_by_side() -> None:
    parents = {Path(str(importlib.import_module(name).__file__)).resolve().parents[1] for name in PACKAGES}
    assert parents == {ROOT}


def test_no_other_distribution_ships_our_names() -> None:
    owners = packages_distributions()
    for name in PACKAGES:
        # An editable install lists no files, so the owner may be unknown; it is never somebody else.
        assert set(owners.get(name, [])) <= {"tapedeck"}


@pytest.mark.parametrize("package", PACKAGES)
def test_outside_type_checkers_see_our_types(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_the_installed_version_is_the_one_in_the_source() -> None:
    assert distribution("tapedeck").version == importlib.import_module("app").__version__


def test_there_is_one_command() -> None:
    assert PROJECT["project"]["scripts"] == {"tapedeck": "app.cli:main"}


def test_the_screen_library_is_pinned_exactly() -> None:
    assert "textual==8.2.8" in PROJECT["project"]["dependencies"]


def test_the_installation_is_of_this_pyproject() -> None:
    declared = {line.partition(";")[0].strip() for line in requires("tapedeck") or [] if "extra ==" not in line}
    assert {_name(line) for line in declared} == {_name(line) for line in PROJECT["project"]["dependencies"]}


def test_every_direct_requirement_has_a_pin_and_every_pin_is_exact() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    pins = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert all(line.count("==") == 1 for line in lines)
    extras = PROJECT["project"]["optional-dependencies"].values()
    direct = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in extra)]
    assert {_name(line) for line in direct} <= pins


def test_every_format_in_the_tree_is_registered_under_its_own_name() -> None:
    registered = {point.value for point in entry_points(group=GROUP)}
    for path in sorted((ROOT / "core" / "feeds").glob("*.py")):
        if "\nFEED = " in path.read_text(encoding="utf-8"):
            assert f"core.feeds.{path.stem}:FEED" in registered
    assert feed_names()
    for name in feed_names():
        assert load_feed(name).name == name
        assert load_feed(name).summary


def _name(requirement: str) -> str:
    """Canonical project name of a requirement."""
    name = requirement
    for mark in " [<>=!~;":
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-")
