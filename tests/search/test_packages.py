"""Without the extra `search` everything else works, and a search names the extra."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import thriftnet
from commands import in_this_process

PACKAGE = Path(thriftnet.__file__).parent
NEEDED = {"optuna", "sqlalchemy"}
OF_THE_SEARCH = ("thriftnet.search.", "thriftnet.report.study.", "thriftnet.terminal.search")


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module that run when it is imported."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in ("body", "orelse", "finalbody"):
                yield from at_import(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from at_import(handler.body)


def imported_by(path: Path) -> set[str]:
    """What a module imports when it is imported, with the packages around each."""
    found: set[str] = set()
    for node in at_import(ast.parse(path.read_text("utf-8")).body):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    parts = [name.split(".") for name in found]
    return {".".join(words[:end]) for words in parts for end in range(1, len(words) + 1)}


def test_no_module_but_the_searchs_own_needs_its_packages():
    """`tests/end_to_end/test_plain_install.py` runs commands without these packages."""
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): imported_by(path)
        for path in PACKAGE.rglob("*.py")
    }
    needing = {name for name, imports in modules.items() if imports & NEEDED}
    assert "thriftnet.search.queue.storage" in needing
    while more := {n for n, imports in modules.items() if imports & needing} - needing:
        needing |= more
    assert "thriftnet.search.study" in needing
    assert not [name for name in needing if not name.startswith(OF_THE_SEARCH)]


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
