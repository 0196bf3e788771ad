"""`make check` runs the tests of what changed, and `make test` tries a few that failed again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from changed import mirrored_tests
from second_try import main

SCRIPT = Path(__file__).parent / "support/second_try.py"
BY_CHANCE = """
from pathlib import Path
def test_a():
    assert True
def test_b():
    once = Path(__file__).with_name("once")
    once.touch()
def test_c():
    assert not FAILS
"""


@pytest.mark.parametrize(
    ("changed", "run"),
    [
        ("src/thriftnet/table.py", ["tests/test_table.py"]),
        ("src/thriftnet/optim/muon.py", ["tests/optim/test_muon.py"]),
        ("src/thriftnet/optim/build.py", ["tests/optim"]),
        ("src/thriftnet/py.typed", []),
        ("benchmarks/ablate.py", ["tests/bench/test_ablate.py"]),
        ("reproductions/dreamfire2025/judge.py", ["tests/reproductions"]),
        ("tests/optim/test_muon.py", ["tests/optim/test_muon.py"]),
        ("tests/support/changed.py", ["tests/test_changed.py"]),
        ("results/accuracy.json", ["tests/documents/test_documents.py"]),
        ("docs/recipe.md", ["tests/documents/test_documents.py"]),
        ("benchmarks/documents/quoting.py", ["tests/documents/test_documents.py"]),
    ],
)
def test_a_file_has_the_tests_that_mirror_it(changed: str, run: list[str]):
    assert mirrored_tests(changed) == run


def noted(folder: Path, *failed: str) -> None:
    cache = folder / ".pytest_cache/v/cache"
    cache.mkdir(parents=True)
    (cache / "lastfailed").write_text(json.dumps(dict.fromkeys(failed, True)))


@pytest.mark.parametrize(("fails", "code"), [(False, 0), (True, 1)])
def test_only_what_failed_is_run_and_named(tmp_path: Path, fails: bool, code: int):
    (tmp_path / "test_x.py").write_text(BY_CHANCE.replace("FAILS", str(fails)))
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q --strict-markers\n")  # as ours
    noted(tmp_path, "test_x.py::test_b", "test_x.py::test_c")
    ran = subprocess.run(
        [sys.executable, SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == code, ran.stdout
    assert "Trying again, alone" in ran.stdout
    assert (tmp_path / "once").exists()
    assert ("test_x.py::test_a" in ran.stdout, "1 failed, 1 passed" in ran.stdout) == (False, fails)
    named = "is to be mended:\n  test_x.py::test_b\n  test_x.py::test_c\n"
    assert (named in ran.stdout) is not fails


@pytest.mark.parametrize("failed", [(), ("a::b", "a::c", "a::d", "a::e")])
def test_nothing_or_much_is_not_tried_again(tmp_path: Path, failed: tuple[str, ...]):
    noted(tmp_path, *failed)
    assert main(tmp_path / ".pytest_cache") == 1
    assert main(tmp_path) == 1
