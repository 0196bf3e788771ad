"""Callbacks of those who train from Python: what they get, how they stop, what they leave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import torch

import thriftnet
from shown import lines_of
from small import small_recipe, use_images
from thriftnet.models.saved import read_model
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress import Quiet
from thriftnet.training.progress.callbacks import OnEpoch, OnStep

EPOCHS, EACH, STEPS = 3, 4, 12
"""Of the small recipe: three epochs of four steps."""


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_images(monkeypatch)
    return iter(())


def train(
    path: Path, on_step: OnStep | None = None, on_epoch: OnEpoch | None = None
) -> tuple[thriftnet.TrainedRun, RunFolder]:
    new = {"recipe": small_recipe(), "name": path.name, "runs_dir": path.parent}
    which = {"resume": path} if path.exists() else new
    run = thriftnet.train(**which, progress=Quiet(), on_step=on_step, on_epoch=on_epoch)
    return run, RunFolder.open(run.path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run without callbacks."""
    with pytest.MonkeyPatch.context() as patch:
        use_images(patch)
        return train(tmp_path_factory.mktemp("runs") / "whole")[1]


def test_callbacks_get_what_the_run_records(tmp_path: Path) -> None:
    steps: list[thriftnet.StepStats] = []
    epochs: list[thriftnet.EpochStats] = []
    run, folder = train(tmp_path / "run", steps.append, epochs.append)
    assert run.finished
    assert [stats.step for stats in steps] == list(range(1, STEPS + 1))
    lines = lines_of(folder, "epoch")
    assert len(lines) == len(epochs) == EPOCHS
    for line, stats in zip(lines, epochs, strict=True):
        for key in line.keys() & {each.name for each in fields(stats)}:
            assert getattr(stats, key) == line[key], key
    assert steps[EACH - 1].loss == pytest.approx(lines[0]["train_loss"])
    saved = read_model(folder.model_path).network.state_dict()
    for name, value in epochs[-1].network.state_dict().items():
        torch.testing.assert_close(saved[name].float(), value.float(), rtol=1e-2, atol=1e-3)


def test_they_leave_the_bits_as_they_are(tmp_path: Path, whole: RunFolder) -> None:
    def draw(_: object) -> None:
        torch.rand(1)

    _, called = train(tmp_path / "called", draw, draw)
    assert whole.model_path.read_bytes() == called.model_path.read_bytes()


def test_a_callback_that_stops_leaves_a_finished_run(tmp_path: Path) -> None:
    def after_five(stats: thriftnet.StepStats) -> None:
        if stats.step == 5:
            raise thriftnet.StopTraining

    run, folder = train(tmp_path / "run", after_five)
    assert run.finished
    (end,) = lines_of(folder, "end")
    assert end["step"] == 5
    assert [line["step"] for line in lines_of(folder, "epoch")] == [EACH, 5]
    assert thriftnet.load_model(run.path)


def test_a_callback_stops_after_an_epoch(tmp_path: Path) -> None:
    def after_the_first(_: thriftnet.EpochStats) -> None:
        raise thriftnet.StopTraining

    run, folder = train(tmp_path / "run", on_epoch=after_the_first)
    assert run.finished
    assert lines_of(folder, "end")[0]["step"] == EACH


@pytest.mark.parametrize("at", [1, EACH, 5, STEPS])
def test_what_a_callback_raises_comes_out_and_nothing_is_lost(
    tmp_path: Path, whole: RunFolder, at: int
) -> None:
    """In the first step, in the last of an epoch, within one, and in the last of all."""

    def broken(stats: thriftnet.StepStats) -> None:
        if stats.step == at:
            raise KeyError("mine")

    path = tmp_path / "broken"
    with pytest.raises(KeyError, match="mine") as caught:
        train(path, broken)
    assert caught.traceback[-1].name == "broken"
    (note,) = caught.value.__notes__
    finished = at == STEPS
    assert ("is finished" in note) == finished
    assert (f"thriftnet train --resume {path}" in note) != finished
    run, folder = train(path)
    assert run.finished
    assert folder.model_path.read_bytes() == whole.model_path.read_bytes()
    assert [line["step"] for line in lines_of(folder, "epoch")] == [4, 8, 12]


def test_what_an_epochs_callback_raises_comes_out(tmp_path: Path) -> None:
    calls: list[int] = []

    def broken(stats: thriftnet.EpochStats) -> None:
        calls.append(stats.epoch)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        train(tmp_path / "run", on_epoch=broken)
    assert calls == [1]
    assert lines_of(RunFolder.open(tmp_path / "run"), "interrupted")[0]["step"] == EACH


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    recipe = small_recipe()
    monkeypatch.setattr("thriftnet.training.automatic.resolve.load_recipe", lambda *_, **__: recipe)
    exec(example, {})
    (run,) = Path("runs").iterdir()
    assert RunFolder.open(run).finished
