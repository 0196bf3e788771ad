"""Without the extra `search` everything else works, and a search names the extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from commands import in_this_process

IMPORT_ALL_BUT_SEARCH = """
import importlib, pkgutil, sys
sys.modules["optuna"] = sys.modules["sqlalchemy"] = None
import thriftnet
names = [m.name for m in pkgutil.walk_packages(thriftnet.__path__, "thriftnet.", onerror=print)]
allowed = ("thriftnet.search.", "thriftnet.report.study.", "thriftnet.terminal.search")
names = [n for n in names if not n.startswith(allowed) and not n.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_no_module_but_the_searchs_own_needs_its_packages():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL_BUT_SEARCH], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.parametrize("missing", ["optuna", "sqlalchemy"])
@pytest.mark.parametrize("words", [["search", "small"], ["search", "status", "."], ["report", "."]])
def test_a_search_without_its_packages_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    missing: str,
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.yaml").touch()
    monkeypatch.setitem(sys.modules, missing, None)
    outcome = in_this_process(monkeypatch, capsys)(*words)
    assert outcome.code == 2
    assert f"needs the package {missing}" in outcome.error_line
    assert outcome.error_line.endswith("pip install 'thriftnet[search]'")
