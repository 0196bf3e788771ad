"""A new run's folder: made whole or not at all, and never over another."""

import subprocess
import sys
from pathlib import Path

import pytest

from disk import full_disk
from thriftnet import files
from thriftnet.errors import RunError, RunExistsError
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run, new_run_path
from waits import PATIENCE_SECONDS

RECIPE = load_recipe("smoke", seed=4)


def test_existing_run_is_never_written_over(run: RunFolder):
    with pytest.raises(RunExistsError, match="exists already; choose another --name"):
        create_run(run.path, RECIPE, {})
    way = "exists already; choose another --name, or resume with: thriftnet train --resume .*one"
    with pytest.raises(RunError, match=way):
        new_run_path(run.path.parent, RECIPE, "one")
    with pytest.raises(RunError, match=way):
        create_run(run.path, RECIPE, {}, named=True)
    run.model_path.write_bytes(b"weights")
    with pytest.raises(RunError, match="or see what it reached with: thriftnet evaluate .*one"):
        create_run(run.path, RECIPE, {}, named=True)
    assert run.recipe() == RECIPE
    assert [each.name for each in run.path.parent.iterdir()] == ["one"]


def test_what_is_in_the_way_and_no_run_stays(tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link"):
        with pytest.raises(RunExistsError, match="exists already; choose another --name$"):
            create_run(tmp_path / name, RECIPE, {}, named=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "link"]


def test_runs_that_begin_in_the_same_second_have_a_folder_each(tmp_path: Path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from thriftnet.recipe import load_recipe\n"
        "from thriftnet.runs.new_run import create_run\n"
        "recipe = load_recipe('smoke')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(create_run(Path(sys.argv[1]), recipe, {}, named=False).path)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "smoke-s0-now")]
    begun = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for each in begun:
        assert each.stdout
        each.stdout.readline()
    said = [each.communicate("go\n", timeout=PATIENCE_SECONDS)[0] for each in begun]
    names = {"smoke-s0-now", "smoke-s0-now-2", "smoke-s0-now-3"}
    assert {Path(line.strip()).name for line in said} == names
    assert {each.name for each in tmp_path.iterdir()} == names
    assert all(RunFolder.open(tmp_path / name).recipe() for name in names)


def test_full_disk_leaves_no_empty_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(RunError, match="the disk is full"):
        create_run(tmp_path / "one", RECIPE, {})
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    create_run(tmp_path / "one", RECIPE, {})


def test_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(RunError, match="cannot be written: .*; check the path"):
        create_run(tmp_path / "file" / "one", RECIPE, {})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/abs", "../up", "nul\0", "x" * 300])
def test_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str):
    with pytest.raises(RunError, match="is not a plain folder name"):
        new_run_path(tmp_path, RECIPE, name)


def test_run_without_a_name_is_named_by_recipe_seed_and_time(tmp_path: Path):
    path = new_run_path(tmp_path, RECIPE, None)
    assert path.parent == tmp_path
    assert path.name.startswith("smoke-s4-20")
    assert new_run_path(tmp_path, RECIPE, "my run.2") == tmp_path / "my run.2"
