"""Two processes that torchrun starts train as one does, stop as one, and end together."""

from __future__ import annotations

from pathlib import Path

import pytest
import several
import torch
from safetensors.torch import load_file
from several import BFLOAT16, CUT, RECIPES, images, torchrun
from small import sitting

from thriftnet.errors import RecipeError
from thriftnet.training.processes import Processes, is_first
from thriftnet.training.run import RunFolder
from thriftnet.training.shared_step import SharedStep, check_share

FILE = Path(several.__file__)
TOLERANCE = 1e-4
"""Of losses and weights after a dozen steps in fp32: gradients are added in another order."""


@pytest.fixture(scope="module")
def alone_and_together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The recipes trained by one process, and by two."""
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    for name, recipe in {**RECIPES, "bf16": BFLOAT16, "cut": CUT}.items():
        sitting(recipe, alone / name, images=images)
    sitting(CUT, together / "cut", stop_after=3, images=images)
    done = torchrun(FILE, "parity", together)
    assert done.returncode == 0, done.stderr
    return alone, together


def _curve(path: Path) -> torch.Tensor:
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    epochs = [line for line in RunFolder.open(path).metrics() if line["kind"] == "epoch"]
    return torch.tensor([[line[name] for name in names] for line in epochs])


def _difference(alone: Path, together: Path) -> float:
    """The largest, of losses, accuracies and weights."""
    one, two = (load_file(RunFolder.open(path).model_path) for path in (alone, together))
    assert one.keys() == two.keys()
    weights = [float((one[name] - two[name]).abs().max()) for name in one]
    return max(float((_curve(alone) - _curve(together)).abs().max()), *weights)


@pytest.mark.parametrize("name", [*RECIPES, "cut"])
def test_two_processes_train_as_one_does(name: str, alone_and_together: tuple[Path, Path]) -> None:
    alone, together = (folder / name for folder in alone_and_together)
    assert len(_curve(together)) == len(_curve(alone)) >= 3
    assert _difference(alone, together) < TOLERANCE


def test_whole_micro_batches_lose_the_same_bits(alone_and_together: tuple[Path, Path]) -> None:
    """Two gradients have one sum, in whatever order; only running statistics may be rounded."""
    one, two = (_curve(folder / "two micro-batches")[:, :2] for folder in alone_and_together)
    assert torch.equal(one, two)


def test_statistics_of_all_in_bfloat16(alone_and_together: tuple[Path, Path]) -> None:
    one, two = (_curve(folder / "bf16")[:, 0] for folder in alone_and_together)
    assert float((one - two).abs().max()) < 0.02


TINY = ("smoke", "--set", "data.fraction=0.002", "--set", "train.batch_size=16")
TINY += ("--set", "train.micro_batch=8", "--set", "model.channels=[4,4,4]")


def test_a_stop_asked_of_one_process_stops_all_and_one_goes_on(
    tmp_path: Path, thriftnet_here: object
) -> None:
    command = ("train", *TINY, "--set", "train.precision=fp32", "--runs-dir", tmp_path)
    done = torchrun(FILE, "SIGINT", "3", *command, "--name", "cut")
    run = RunFolder.open(tmp_path / "cut")
    assert run.metrics()[-1] == {"kind": "interrupted", "step": 4}
    assert done.stderr.count(f"interrupted; go on with: thriftnet train --resume {run.path}") == 1
    assert run.environment()["processes"] == 2
    assert done.stdout.count("run folder: ") == 1
