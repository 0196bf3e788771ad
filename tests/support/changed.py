"""The tests that a change affects, for `make check`: `changed.py [BASE]`, a path a line.

The tests of a file are those of its name in the mirrored folder, or all of that folder.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALWAYS = "tests/test_structure.py"
_DOCUMENTS = ("README.md", "docs", "results", "benchmarks/documents")


def changed_files(base: str) -> list[str]:
    """Files that differ from a commit or are new, relative to the root."""
    commands = (
        ["git", "diff", "--name-only", "--diff-filter=d", "--merge-base", base],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    found = [
        subprocess.run(c, cwd=ROOT, check=True, capture_output=True, text=True) for c in commands
    ]
    return [line for done in found for line in done.stdout.splitlines()]


def mirrored_tests(path: str) -> list[str]:
    """The tests of a changed file; none of what no test mirrors."""
    file = Path(path)
    if path.startswith(_DOCUMENTS):
        return ["tests/documents/test_documents.py"]
    if file.suffix != ".py":
        return []
    if file.parts[0] == "tests":
        if file.name.startswith("test_"):
            return [path]
        users = (ROOT / "tests").rglob("test_*.py")
        named = (f"import {file.stem}\n", f"from {file.stem} import")
        return [_relative(user) for user in users if any(n in user.read_text() for n in named)]
    inside = file.parts[2:-1] if file.parts[0] == "src" else ("bench",)
    if file.parts[0] == "reproductions":
        inside = ("reproductions",)
    folder = ROOT.joinpath("tests", *inside)
    mirrored = sorted(folder.glob(f"test_{file.stem}*.py"))
    if mirrored:
        return [_relative(test) for test in mirrored]
    return [_relative(folder)] if inside and folder.is_dir() else []


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _main(base: str = "HEAD") -> Iterable[str]:
    affected = (test for path in changed_files(base) for test in mirrored_tests(path))
    return dict.fromkeys([ALWAYS, *affected])


if __name__ == "__main__":
    print("\n".join(_main(*sys.argv[1:])))
