"""Commands that read runs take a run by any of its files; a training goes on from a run alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import thriftnet as library
from commands import Command

pytestmark = pytest.mark.usefixtures("undrawn")
READS = {
    "watch": ("watch",),
    "report": ("report",),
    "compare": ("compare", "runs/done"),
    "runs": ("runs",),
    "train": ("train", "--resume"),
}


@pytest.mark.usefixtures("small_world")
def test_shipped_weights_have_no_training_to_resume(thriftnet: Command) -> None:
    refused = thriftnet("train", "--resume", "best")
    assert refused.code == 2
    assert "best is the name of shipped weights, which have no training log" in refused.error_line
    assert refused.error_line.endswith("thriftnet evaluate best")
    shutil.copytree("runs/done", "best")
    refused = thriftnet("train", "--resume", "best")
    assert "for the folder of that name write ./best" in refused.error_line
    assert thriftnet("train", "--resume", "./best").code == 0
    shutil.copy("runs/done/model.safetensors", "mine.safetensors")
    refused = thriftnet("train", "--resume", "mine.safetensors")
    assert "mine.safetensors is a network without a training log" in refused.error_line
    assert refused.error_line.endswith("thriftnet evaluate ./mine.safetensors")


@pytest.mark.parametrize("name", READS)
@pytest.mark.usefixtures("small_world")
def test_a_file_of_a_run_stands_for_it_and_an_export_does_not(
    thriftnet: Command, name: str
) -> None:
    inside = Path("runs/done/model.safetensors")
    shutil.copy(inside, "mine.onnx")
    refused = thriftnet(*READS[name], "mine.onnx")
    assert refused.code == 2
    assert refused.error_line.endswith("thriftnet predict ./mine.onnx IMAGE...")
    if name != "compare":
        assert thriftnet(*READS[name], inside).code == 0


@pytest.mark.usefixtures("small_world")
def test_python_says_the_same() -> None:
    with pytest.raises(library.RunError, match="best is the name of shipped weights"):
        library.track("best", ["tensorboard"])


@pytest.mark.usefixtures("small_world")
def test_a_run_that_is_named_without_its_folder_is_found(thriftnet: Command) -> None:
    assert "did you mean runs/done?" in thriftnet("evaluate", "done").error_line
    for name in ("watch", "report", "train"):
        refused = thriftnet(*READS[name], "done")
        assert refused.code == 2
        assert "did you mean runs/done?" in refused.error_line
