"""What may only be read, and disks that are full: read all the same, or a line; nothing is lost."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from commands import Command
from made_runs import make_run
from own_pictures import put
from rights import content_of, full_disk, read_only
from support.made_study import made_study
from thriftnet.inference.row_formats import CsvRows
from thriftnet.runs.folder import RunFolder
from thriftnet.search.space import load_space
from tiny import space_file

pytestmark = pytest.mark.usefixtures("svg_alone")
READ = {
    "evaluate runs/done": (0, "not saved: runs/done/.lock cannot be written: Permission denied"),
    "predict runs/done picture.png": (0, ""),
    "predict runs/done picture.png -o runs/rows.csv": (2, "runs cannot be written"),
    "report runs/done": (2, "write it elsewhere: thriftnet report runs/done -o DIR"),
    "report runs/done -o out": (0, ""),
    "watch runs/done": (0, ""),
    "compare runs/made runs/made": (2, ""),
    "runs": (0, ""),
    "runs gc --yes": (
        2,
        "cannot be removed: Permission denied; check the permissions of its folder",
    ),
    "train --resume runs/done --quiet": (0, "not saved"),
    "train --resume runs/cut": (2, "runs/cut/.lock cannot be written: Permission denied; choose a"),
    "train small.yaml": (2, "runs cannot be written: Permission denied; choose a folder that you"),
    "inspect pictures -o runs/page.html": (2, "runs cannot be written: Permission denied"),
}


@pytest.mark.parametrize("words", READ)
def test_runs_that_may_only_be_read(thriftnet: Command, small_world: Path, words: str) -> None:
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    make_run(small_world / "runs" / "made")
    before = content_of(small_world / "runs")
    with read_only(small_world / "runs"):
        outcome = thriftnet(*words.split())
    code, told = READ[words]
    assert outcome.code == code, outcome.err
    assert told in outcome.err
    assert "unexpected" not in outcome.err
    assert content_of(small_world / "runs") == before


STUDY = {
    "search status study": (0, ""),
    "search status study --json": (0, ""),
    "report study": (2, "write it elsewhere: thriftnet report ./study -o DIR"),
    "runs gc --yes --runs-dir study": (0, ""),
    "search study/space.yaml --study study": (2, "may not be written; check its permissions"),
    "search tiny.yaml --study study/new": (2, "cannot be written: Permission denied"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "study"
    space = load_space(space_file(path.parent))
    made_study(path, space=space, until="grid", jobs=3).storage.close()
    return path


@pytest.mark.parametrize("words", STUDY)
def test_a_study_that_may_only_be_read(
    thriftnet: Command, made: Path, small_world: Path, words: str
) -> None:
    study = Path(shutil.copytree(made, small_world / "study"))
    space_file(small_world)
    before = content_of(study)
    with read_only(study):
        outcome = thriftnet(*words.split())
    code, told = STUDY[words]
    assert outcome.code == code, outcome.err
    assert told in outcome.err
    assert "unexpected" not in outcome.err
    assert content_of(study) == before


FULL = {
    "train small.yaml --name new": 2,
    "train --resume runs/cut": 2,
    "evaluate runs/done": 0,
    "predict runs/done picture.png": 0,
    "predict runs/done picture.png -o rows.csv": 2,
    "report runs/done": 2,
    "inspect pictures -o page.html": 2,
    "search tiny.yaml --study new": 2,
}


@pytest.mark.parametrize("room", [0, 3000], ids=["no room", "little room"])
@pytest.mark.parametrize("words", FULL)
def test_a_full_disk_is_one_line_and_loses_nothing(
    thriftnet: Command, small_world: Path, words: str, room: int
) -> None:
    put(small_world / "pictures", {"cat": 6, "dog": 6})
    space_file(small_world)
    Path("rows.csv").write_bytes(CsvRows().header + b"kept" * 2000)
    page = "<!DOCTYPE html><title>pictures · thriftnet inspect</title>"
    Path("page.html").write_text(page, encoding="utf-8")
    before = content_of(small_world)
    with full_disk(room):
        outcome = thriftnet(*words.split())
    if outcome.code == 0 and room:  # it found its room
        return
    assert outcome.code == FULL[words], outcome.err
    assert "unexpected" not in outcome.err
    if "picture.png" not in words or "-o" in words:
        assert re.search("disk .*is full", outcome.err)
    after = content_of(small_world)
    lost = {path.name for path in before if after.get(path) != before[path]}
    assert lost <= {".lock", "metrics.jsonl"}


def test_a_run_that_a_full_disk_stopped_goes_on_to_the_same_bits(
    thriftnet: Command, small_world: Path
) -> None:
    cut = RunFolder(Path("runs/cut"))
    with full_disk(cut.last_path.stat().st_size // 2):
        assert "the disk is full" in thriftnet("train", "--resume", cut.path).err
    assert thriftnet("train", "--resume", cut.path).code == 0
    assert cut.model_path.read_bytes() == Path("runs/done/model.safetensors").read_bytes()
    assert small_world.is_dir()
