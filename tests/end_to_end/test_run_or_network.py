"""Commands that read the log of a training take a run by any of its files, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import thriftnet as library
from commands import Command

pytestmark = pytest.mark.usefixtures("svg_alone")
READS = {
    "watch": ("watch",),
    "report": ("report",),
    "compare": ("compare", "runs/done"),
    "runs": ("runs",),
    "train": ("train", "--resume"),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.usefixtures("small_world")
def test_shipped_weights_have_no_log(thriftnet: Command, name: str) -> None:
    refused = thriftnet(*READS[name], "best")
    assert refused.code == 2
    assert "best is the name of shipped weights, which have no training log" in refused.error_line
    assert refused.error_line.endswith("thriftnet evaluate best")
    shutil.copytree("runs/done", "best")
    assert "for the folder of that name write ./best" in thriftnet(*READS[name], "best").error_line
    if name not in ("runs", "compare"):  # a list has its own option
        assert thriftnet(*READS[name], "./best").code == 0


@pytest.mark.parametrize("name", READS)
@pytest.mark.usefixtures("small_world")
def test_a_file_of_a_run_stands_for_it_and_another_does_not(thriftnet: Command, name: str) -> None:
    inside, outside = Path("runs/done/model.safetensors"), Path("mine.safetensors")
    shutil.copy(inside, outside)
    shutil.copy(inside, "mine.onnx")
    refused = thriftnet(*READS[name], outside)
    assert refused.code == 2
    assert "mine.safetensors is a network without a training log" in refused.error_line
    assert refused.error_line.endswith("thriftnet evaluate ./mine.safetensors")
    exported = thriftnet(*READS[name], "mine.onnx").error_line
    assert exported.endswith("thriftnet predict ./mine.onnx IMAGE...")
    if name in ("watch", "report", "train"):
        assert thriftnet(*READS[name], inside).code == 0


@pytest.mark.usefixtures("small_world")
def test_a_word_after_runs_says_how_to_list_it(thriftnet: Command) -> None:
    assert "list the runs of its folder with: thriftnet runs --runs-dir ./runs" in (
        thriftnet("runs", "runs/done").error_line
    )
    assert thriftnet("runs", "runs").error_line.endswith("thriftnet runs --runs-dir ./runs")
    assert "No such command 'gv'" in thriftnet("runs", "gv").error_line


@pytest.mark.usefixtures("small_world")
def test_python_says_the_same() -> None:
    for call in (library.write_report, lambda name: library.compare(["runs/done", name])):
        with pytest.raises(library.RunError, match="best is the name of shipped weights"):
            call("best")
    with pytest.raises(library.RunError, match="best is the name of shipped weights"):
        library.track("best", ["tensorboard"])


@pytest.mark.usefixtures("small_world")
def test_a_run_that_is_named_without_its_folder_is_found(thriftnet: Command) -> None:
    assert "did you mean runs/done?" in thriftnet("evaluate", "done").error_line
    for name in ("watch", "report", "train"):
        refused = thriftnet(*READS[name], "done")
        assert refused.code == 2
        assert "did you mean runs/done?" in refused.error_line
