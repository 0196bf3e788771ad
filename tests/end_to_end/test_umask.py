"""Every file that the program writes is as open as the umask says, and no more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commands import Command
from own_pictures import put
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from tiny import space_file

pytestmark = pytest.mark.usefixtures("svg_alone")
COMMANDS = (
    "train small.yaml --name new --track tensorboard --quiet",
    "evaluate runs/done",
    "predict runs/done picture.png -o rows.csv",
    "report runs/done -o page",
    "inspect pictures -o inspected.html",
)


@pytest.mark.parametrize("umask", [0o077, 0o002], ids=oct)
def test_files_and_folders_have_what_the_umask_leaves(
    thriftnet: Command, small_world: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    monkeypatch.setenv("THRIFTNET_CACHE", "cache")
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    space = load_space(space_file(small_world))
    known = set(small_world.rglob("*"))
    before = os.umask(umask)
    try:
        for words in COMMANDS:
            assert thriftnet(*words.split()).code == 0
        Study.create(Path("study"), space).storage.close()
    finally:
        os.umask(before)
    written = [path for path in small_world.rglob("*") if path not in known]
    assert {path.suffix for path in written} >= {".csv", ".html", ".png", ".pt", ".npz", ".db"}
    wrong = {
        str(path): oct(path.stat().st_mode & 0o777)
        for path in written
        if path.stat().st_mode & 0o777 != _left(path, umask)
    }
    assert wrong == {}


def _left(path: Path, umask: int) -> int:
    """Permissions of a file or folder; a cache that others may write is not trusted."""
    if "cache" in path.parts:
        umask |= 0o022
    return (0o777 if path.is_dir() else 0o666) & ~umask
