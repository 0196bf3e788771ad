"""Two processes train as one does, stop as one, and end together when torchrun starts them."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from several import (
    BFLOAT16,
    CUT,
    RECIPES,
    batch_norm,
    double_weights,
    images,
    normalised,
    pair,
    torchrun,
)
from small import sitting
from thriftnet.errors import ProcessError, RecipeError
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runtime.interrupt import stop_on_signal
from thriftnet.training.distributed.processes import Processes, _collective
from thriftnet.training.distributed.ranks import is_first
from thriftnet.training.distributed.shared_step import must_split
from thriftnet.training.images import split_positions
from thriftnet.training.start import start_run

LOSSES, WEIGHTS = 1e-4, 1e-3
"""Tolerances after a dozen steps in fp32, where sums are rounded in another order."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The recipes trained by one process, and by two, with what those said of a mistake."""
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    for name, recipe in {**RECIPES, "bf16": BFLOAT16, "cut": CUT}.items():
        sitting(recipe, alone / name, images=images)
    sitting(CUT, together / "cut", stop_after=3, images=images)
    done = pair("parity", together)
    assert done.code == 0, done.err
    return alone, together, done.err


@pytest.fixture
def alone_and_together(trained: tuple[Path, Path, str]) -> tuple[Path, Path]:
    return trained[:2]


def _curve(path: Path) -> torch.Tensor:
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    epochs = [line for line in RunFolder.open(path).metrics() if line["kind"] == "epoch"]
    return torch.tensor([[line[name] or 0.0 for name in names] for line in epochs])


def _difference(alone: torch.Tensor, together: torch.Tensor) -> float:
    assert alone.shape == together.shape
    return float((alone - together).abs().max())


def test_the_recipes_leave_what_they_say() -> None:
    trained = len(split_positions(CUT, images())[0])
    assert trained % CUT.train.batch_size == 3
    assert trained % RECIPES["split, one image left"].train.batch_size == 1


@pytest.mark.parametrize("name", [*RECIPES, "cut"])
def test_two_processes_train_as_one_does(name: str, alone_and_together: tuple[Path, Path]) -> None:
    alone, together = (folder / name for folder in alone_and_together)
    assert len(_curve(alone)) == {**RECIPES, "cut": CUT}[name].train.epochs
    assert _difference(_curve(alone), _curve(together)) < LOSSES
    one, two = (load_file(RunFolder.open(path).model_path) for path in (alone, together))
    assert one.keys() == two.keys()
    assert max(_difference(one[key].float(), two[key].float()) for key in one) < WEIGHTS


def test_the_two_differ_in_rounding_alone(alone_and_together: tuple[Path, Path]) -> None:
    """In float64 nothing is left of the difference: the sums are the same ones."""
    together = torch.load(alone_and_together[1] / "double.pt", weights_only=True)
    assert _difference(double_weights(), together) < 1e-10


@pytest.mark.parametrize("name", ["two micro-batches", "muon on a speednet"])
def test_the_sum_of_two_is_the_same_in_any_order(
    name: str, alone_and_together: tuple[Path, Path]
) -> None:
    """Training losses have the same bits; only running statistics may be rounded otherwise."""
    one, two = (_curve(folder / name)[:, :2] for folder in alone_and_together)
    assert torch.equal(one, two)


def test_batch_norm_over_all_processes_in_bfloat16(alone_and_together: tuple[Path, Path]) -> None:
    one, two = (_curve(folder / "bf16")[:, 0] for folder in alone_and_together)
    assert _difference(one, two) < 0.02


def test_batch_norm_of_parts_is_that_of_the_whole(alone_and_together: tuple[Path, Path]) -> None:
    """Against torch's own in double precision, on images whose mean is far from zero."""
    norm, x, slope = batch_norm()
    expected = [*normalised(norm.double(), x.double(), slope.double())]
    first, second = (
        torch.load(alone_and_together[1] / f"{rank}.pt", weights_only=True) for rank in (0, 1)
    )
    found = [torch.cat(parts) for parts in zip(first[:2], second[:2], strict=True)]
    found += [first[2] + second[2], first[3] + second[3]]  # gradients are added up after a step
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-4)
    for told in (first, second):
        for ours, theirs in zip(told[4:], (norm.running_mean, norm.running_var), strict=True):
            torch.testing.assert_close(ours.double(), theirs, rtol=1e-6, atol=0)


TINY = [
    "data.fraction=0.002",
    "data.val_ratio=0",
    "model.blocks=[1]",
    "model.channels=[4]",
    "train.batch_size=20",
    "train.micro_batch=10",
    "train.precision=fp32",
]
COMMAND = ("train", "smoke", *(word for key in TINY for word in ("--set", key)))


def test_a_stop_asked_of_one_stops_all_and_any_number_goes_on(tmp_path: Path) -> None:
    place = ("--runs-dir", tmp_path, "--name", "cut")
    done = pair("SIGINT", "3", *COMMAND, *place)
    run = RunFolder.open(tmp_path / "cut")
    assert run.metrics()[-1] == {"kind": "interrupted", "step": 4}
    assert done.err.count(f"thriftnet train --resume {run.path}") == 1
    assert done.out.count("2 processes") == 1

    done = pair("train", "--resume", run.path)
    assert done.code == 0, done.err
    assert done.out.count("test accuracy") == 2  # the two results of one process
    unbroken = start_run(load_recipe("smoke", TINY), name="unbroken", runs_dir=tmp_path)
    assert _difference(_curve(unbroken.path), _curve(run.path)) < LOSSES


def test_a_process_that_dies_ends_the_others_with_one_line(tmp_path: Path) -> None:
    place = ("--runs-dir", tmp_path, "--name", "died")
    done = torchrun("SIGKILL", "5", *COMMAND, *place)  # in the second epoch
    assert done.code != 0
    said = [line for line in done.err.splitlines() if line.startswith("thriftnet: ")]
    assert len(said) == 1
    assert "another process of this training has ended" in said[0]
    run = RunFolder.open(tmp_path / "died")
    assert said[0].endswith(f"all of them with torchrun and train --resume {run.path}")
    assert [line["kind"] for line in run.metrics()] == ["start", "epoch"]
    assert run.load_state()["step"] == 5


def test_torchrun_does_not_cut_short_what_is_said_of_a_dead_process() -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(ProcessError, match="has ended"), stop_on_signal(), _collective():
            raise RuntimeError("Connection closed by peer")
        signal.raise_signal(signal.SIGTERM)  # of torchrun, which sees the death as soon
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_mistake_that_all_see_is_one_line(trained: tuple[Path, Path, str]) -> None:
    _, together, stderr = trained
    said = [line for line in stderr.splitlines() if line.startswith("thriftnet: ")]
    assert len(said) == 1
    assert "raise train.micro_batch" in said[0]
    assert not (together / "mistake").exists()


@pytest.mark.parametrize(
    ("count", "batch_size", "micro_batch", "split", "found"),
    [
        (1, 128, 128, True, False),
        (2, 128, 128, False, True),  # as the recipes paper, authors and smoke
        (4, 1000, 250, False, False),
        (8, 1000, 250, False, True),  # as quick and best on eight devices
        (2, 128, 128, True, True),
    ],
)
def test_micro_batches_too_few_for_every_process_are_split(
    count: int, batch_size: int, micro_batch: int, split: bool, found: bool
) -> None:
    several = Processes(count=count)
    assert found == must_split(several, batch_size=batch_size, micro_batch=micro_batch, split=split)


def test_fewer_images_than_processes_are_refused() -> None:
    with pytest.raises(RecipeError, match="micro-batches of 3 .* start at most 3"):
        must_split(Processes(count=4), batch_size=128, micro_batch=3, split=True)


def test_devices_that_are_not_there() -> None:
    with pytest.raises(RecipeError, match=r"use train\.device=cpu"):
        Processes(count=2).check_device(torch.device("mps"))
    with pytest.raises(RecipeError, match="--nproc-per-node"):
        Processes(rank=99, count=100, local_rank=99).check_device(torch.device("cuda"))


def test_only_a_whole_environment_makes_several() -> None:
    told = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    assert not is_first(told)
    assert is_first({**told, "RANK": "0"})
    assert is_first({**told, "WORLD_SIZE": "1"})
    assert is_first({"RANK": "1"})
