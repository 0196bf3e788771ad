"""What a name stands for, and one line for each way it can stand for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.errors import RunError
from thriftnet.weights.digests import write_digests
from thriftnet.weights.find import find_model
from thriftnet.weights.shipped import shipped_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shipped weights: of `quick` and `best`."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("quick.safetensors", "quick.md", "best.safetensors", "best.md"):
        (folder / name).write_bytes(b"")
    write_digests(folder)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def refusal(target: Path | str, folder: Path) -> str:
    with pytest.raises(RunError) as caught:
        find_model(target, folder=folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_names_are_those_of_the_files(folder: Path):
    assert shipped_weights(folder) == ("best", "quick")
    assert shipped_weights(folder / "none") == ()
    found = find_model("quick", folder=folder)
    assert (found.path, found.name, found.run) == (folder / "quick.safetensors", "quick", None)
    assert not found.shadows_a_path


def test_titles_are_names_of_weights_folders_or_files(
    folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
):
    run = make_run(here / "mine")
    (here / "other.safetensors").write_bytes(b"")
    assert find_model("quick", folder=folder).title == "quick"
    assert find_model("./mine", folder=folder).title == "mine"
    assert find_model("other.safetensors", folder=folder).title == "other"
    monkeypatch.chdir(run.path)
    assert find_model(".", folder=folder).title == "mine"


def test_name_wins_over_a_path_which_is_still_there_by_its_dot(folder: Path, here: Path):
    run = make_run(here / "quick")
    found = find_model("quick", folder=folder)
    assert found.path == folder / "quick.safetensors"
    assert found.run is None  # nothing is recorded in the run of that name
    assert found.shadows_a_path
    for target in ("./quick", "quick/", Path("quick"), str(here / "quick")):
        found = find_model(target, folder=folder)
        assert found.path.resolve() == run.model_path
        assert found.name is None
        assert found.run is not None
        assert not found.shadows_a_path


def test_what_is_no_shipped_name_is_a_path(folder: Path, here: Path):
    run = make_run(here / "mine")
    assert find_model("mine", folder=folder).path.resolve() == run.model_path
    found = find_model(run.model_path, folder=folder)
    assert (found.path, found.run) == (run.model_path, None)
    paper = make_run(here / "paper")  # a recipe without weights does not hide a run
    assert find_model("paper", folder=folder).path.resolve() == paper.model_path


def test_unknown_name_tells_the_nearest_and_the_list(folder: Path):
    told = refusal("quik", folder)
    assert told.startswith("there is no run folder or model file quik, and no shipped weights")
    assert told.endswith("did you mean quick? (shipped: best, quick)")
    assert "check the name (shipped: best, quick)" in refusal("resnet50", folder)
    assert "(shipped: none yet)" in refusal("resnet50", folder / "none")


def test_recipe_without_weights_says_how_to_get_them(folder: Path):
    assert refusal("smoke", folder) == (
        "the recipe smoke has no shipped weights (shipped: best, quick); "
        "train it with: thriftnet train smoke"
    )
    assert "train it with: thriftnet train quick" in refusal("quick", folder / "none")


@pytest.mark.parametrize("target", ["./quick", "runs/quick", Path("quick"), "quick/"])
def test_path_is_never_taken_for_a_name(target: Path | str, folder: Path):
    assert "check the path" in refusal(target, folder)


def test_unfinished_run_is_told_to_go_on(folder: Path, here: Path):
    make_run(here / "cut", finished=False)
    assert "thriftnet train --resume ./cut" in refusal("cut", folder)
