"""Kernels: fresh after an edit, cached otherwise, and their bit functions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.jit
from core.jit import cache_root, highest_bit, inlined, inner, kernel, lowest_bit, merged

WORDS = st.integers(1, 2**64 - 1) | st.integers(0, 63).map(lambda n: 1 << n)


@kernel
def _both(word: int) -> tuple[int, int]:
    return lowest_bit(word), highest_bit(word)


@inlined
def _twice(number: int) -> int:
    return 2 * number


@kernel
def _four_times(number: int) -> int:
    return _twice(_twice(number))


@given(word=WORDS)
def test_bit_functions_find_the_outer_bits(word: int) -> None:
    text, compiled = f"{word:b}", cast(int, np.uint64(word))
    expected = (len(text) - 1 - text.rindex("1"), len(text) - 1)
    assert _both(compiled) == expected
    assert (lowest_bit(word), highest_bit(word)) == expected
    assert (lowest_bit(compiled), highest_bit(compiled)) == expected


def test_inlined_kernels_are_called_by_kernels() -> None:
    assert _four_times(11) == 44


def _copy(folder: Path) -> Path:
    """A package `core` of its own: the decorator, a kernel and its callee in another file."""
    package = folder / "core"
    package.mkdir()
    for name in ("jit.py", "jit_linking.py"):
        shutil.copy(Path(str(core.jit.__file__)).with_name(name), package / name)
    (package / "__init__.py").write_text("")
    (package / "callee.py").write_text(
        "from core.jit import kernel\n\n@kernel\ndef step(x):\n    return x + 1\n", encoding="ascii"
    )
    (package / "caller.py").write_text(
        "from core.callee import step\nfrom core.jit import kernel\n\n@kernel\ndef run(x):\n    return step(x) * 10\n",
        encoding="ascii",
    )
    return package


def _run(folder: Path, code: str, **more: str) -> str:
    """What a fresh interpreter prints that sees only the copy."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "TAPEDECK_", "PYTHONPATH"))}
    environment |= {"TAPEDECK_HOME": str(folder / "home"), "PYTHONPATH": str(folder), **more}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CALL = "from core.caller import run; print(run(1), sum(run.stats.cache_hits.values()))"


@pytest.mark.jit_only
def test_kernels_are_cached_and_an_edit_in_a_callee_is_seen(tmp_path: Path) -> None:
    package = _copy(tmp_path)
    assert _run(tmp_path, CALL) == "20 0"
    assert _run(tmp_path, CALL) == "20 1"
    callee = package / "callee.py"
    before = callee.stat()
    callee.write_text(callee.read_text().replace("x + 1", "x + 2"))
    os.utime(callee, ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same times: only the text differs
    shutil.rmtree(package / "__pycache__", ignore_errors=True)
    assert _run(tmp_path, CALL) == "30 0"


@pytest.mark.jit_only
def test_without_a_writable_cache_kernels_still_run_and_see_edits(tmp_path: Path) -> None:
    package = _copy(tmp_path)
    (tmp_path / "home").write_text("a file where the folder should be")
    assert _run(tmp_path, CALL).split()[0] == "20"
    callee = package / "callee.py"
    callee.write_text(callee.read_text().replace("x + 1", "x + 2"))
    assert _run(tmp_path, CALL).split()[0] == "30"


@pytest.mark.jit_only
def test_the_compiler_can_be_turned_off(tmp_path: Path) -> None:
    _copy(tmp_path)
    assert _run(tmp_path, "from core.caller import run; print(run(1))", NUMBA_DISABLE_JIT="1") == "20"


@pytest.mark.jit_only
def test_few_old_caches_are_kept(tmp_path: Path) -> None:
    _copy(tmp_path)
    root = tmp_path / "home" / "kernels"
    for i in range(600):
        (root / f"old{i}").mkdir(parents=True)
    assert _run(tmp_path, CALL) == "20 0"
    left = [folder.name for folder in root.iterdir()]
    assert len(left) <= 520
    assert {name.split("-")[0] for name in left if not name.startswith("old")} == {"caller", "callee"}
    assert _run(tmp_path, CALL) == "20 1"


@pytest.mark.jit_only
def test_a_running_deck_outlives_the_removal_of_its_cache(tmp_path: Path) -> None:
    _copy(tmp_path)
    code = (
        "import core.caller, shutil, core.jit; shutil.rmtree(core.jit.cache_root()); "
        "print(core.caller.run(1))"  # compiled after another version has cleaned up
    )
    assert _run(tmp_path, code) == "20"


@pytest.mark.jit_only
def test_on_a_full_disk_kernels_run_without_being_kept(tmp_path: Path) -> None:
    _copy(tmp_path)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
    assert _run(tmp_path, full + CALL, PYTHONDONTWRITEBYTECODE="1") == "20 0"
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file() and path.stat().st_size]
    assert _run(tmp_path, CALL) == "20 0"


@pytest.mark.jit_only
def test_fingerprint_follows_imports_and_nothing_else(tmp_path: Path) -> None:
    package = _copy(tmp_path)
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "far.py").write_text("LIMIT = 1\n")
    (package / "callee.py").write_text("from core.deep import (\n    far,\n)\n" + (package / "callee.py").read_text())

    def prints() -> list[str]:
        code = (
            "from core.jit import fingerprint, Path; print(*(fingerprint(Path(f'core/{n}.py').resolve()) for n in %r))"
        )
        return _run(tmp_path, code % (("caller", "callee", "jit"),)).split()

    first = prints()
    assert len(set(first)) == 3
    assert prints() == first
    (package / "unrelated.py").write_text("x = 1\n")
    assert prints() == first
    (package / "deep" / "far.py").write_text("LIMIT = 2\n")  # imported by the callee of the caller
    second = prints()
    assert [old != new for old, new in zip(first, second, strict=True)] == [True, True, False]
    (package / "caller.py").write_text((package / "caller.py").read_text() + "# a comment\n")
    third = prints()
    assert [old != new for old, new in zip(second, third, strict=True)] == [True, False, False]


def test_the_cache_follows_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEDECK_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "kernels"
    monkeypatch.delenv("TAPEDECK_HOME")
    assert cache_root().name == "kernels"
    assert "tapedeck" in str(cache_root())


@inner
def _plus_one(x: int) -> int:
    return x + 1


@merged
def _times_ten(x: int) -> int:
    return _plus_one(x) * 10


@kernel
def _entered(x: int) -> int:
    return _times_ten(x) + _plus_one(x)


@kernel
def _also_entered(x: int) -> int:
    return _entered(x) + _times_ten(x)


def test_kernels_without_a_wrapper_are_linked_into_those_with_one() -> None:
    assert (_also_entered(3), _entered(3)) == (84, 44)


@pytest.mark.jit_only
def test_the_parts_of_numba_that_linking_reaches_into_are_there() -> None:
    from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary
    from numba.core.cpu import CPUContext
    from numba.core.lowering import BaseLower

    import core.jit_linking as linking

    assert CPUCodeLibrary._optimize_final_module is linking._optimize_once
    assert JITCodeLibrary._finalize_final_module is linking._finalize_entry
    assert CPUContext.get_executable is linking._executable_entry
    assert BaseLower.lower is linking._mark
