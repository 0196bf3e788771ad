"""Trainings of a moment, to be shown by trackers."""

from __future__ import annotations

import contextlib
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import thriftnet
from commands import Command, in_this_process
from shown import Train, opened_store
from small import dataset, opened, small_recipe, use_images
from thriftnet.evaluation import images as tested
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress import Progress, Quiet


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Before a test catches what is printed, whose stream a logger would keep."""
    for name in ("mlflow.tracking", "wandb"):
        with contextlib.suppress(ModuleNotFoundError):
            import_module(name)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local store of MLflow; making one takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    opened_store(path).search_experiments()
    return path


@pytest.fixture
def runs_dir(tmp_path: Path, empty_store: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data of a moment, and no server or experiment of whoever runs the tests."""
    few = opened(dataset(), dataset(40, seed=1))
    use_images(monkeypatch, few)
    monkeypatch.setattr(tested, "open_data", lambda *_, **__: few)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def train(runs_dir: Path) -> Train:
    """Train three epochs of the small recipe, or go on with them: `train("mlflow")`."""

    def run(*track: str, progress: Progress | None = None, resume: bool = False) -> RunFolder:
        path = runs_dir / "small-run"
        new = {"recipe": small_recipe(), "name": path.name, "runs_dir": runs_dir}
        which = {"resume": path} if resume else new
        trained = thriftnet.train(**which, progress=progress or Quiet(), track=track)
        return RunFolder.open(trained.path)

    return run


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: `command("train", "small.yaml")`."""
    return in_this_process(monkeypatch, capsys)
