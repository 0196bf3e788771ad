"""The command line as a user meets it; one short run and one tiny search that the tests read."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from commands import SHORT, Command, Outcome, in_this_process
from forked import ForkedProgram, search_as_users_do, start_worker
from grids import Finished, finished, go_on
from once import made_once
from small import dataset, opened, small_recipe
from thriftnet.data import Dataset, OpenDataset
from thriftnet.evaluation import images as tested
from thriftnet.recipe.sections import DataSection
from thriftnet.report import single
from thriftnet.search.candidates import count_candidates
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from thriftnet.search.workers import local
from thriftnet.training import resume, start
from thriftnet.training.progress import Quiet
from tiny import space_file


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process: `thriftnet("train", "smoke")`."""

    return in_this_process(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search in this process forks its workers; one that is a process starts them as it does."""
    monkeypatch.setattr(local, "start_worker", start_worker)


@pytest.fixture(scope="session")
def finished_run(
    tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]
) -> Path:
    """18 steps of `smoke`, trained through the Python interface.

    Each process has its own: tests evaluate it, which adds to its metrics.
    """
    import thriftnet

    assert len(cifar10[0]) == 50_000

    def train(folder: Path) -> None:
        overrides = SHORT[1::2]
        run = thriftnet.train(
            "smoke", overrides=overrides, name="short", runs_dir=folder, quiet=True
        )
        assert run.finished

    made = made_once(tmp_path_factory, "finished", train) / "short"
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("runs") / "short"))


@pytest.fixture(scope="session")
def thousand(cifar10: tuple[Dataset, Dataset]) -> OpenDataset:
    """1,000 of the test images: an evaluation of them takes a tenth of the time."""
    test = cifar10[1]
    few = Dataset(test.images[:1000], test.labels[:1000], test.classes)
    return opened(few, few)


@pytest.fixture
def few_test_images(monkeypatch: pytest.MonkeyPatch, thousand: OpenDataset) -> None:
    """An evaluation sees those alone."""
    monkeypatch.setattr(tested, "open_data", lambda *_, **__: thousand)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]) -> Path:
    """The whole of a tiny search with two workers: `tiny.yaml`, the folder `study`, its output."""
    assert len(cifar10[0]) == 50_000

    def search(folder: Path) -> None:
        options = ("--workers", "2", "--study", str(folder / "study"))
        done = ForkedProgram(search_as_users_do, str(space_file(folder)), *options).ended()
        assert done.code == 0, done.err
        (folder / "out").write_text(done.out)
        (folder / "err").write_text(done.err)

    return made_once(tmp_path_factory, "search", search)


@pytest.fixture(scope="session")
def first(folder: Path) -> Outcome:
    """What that search printed."""
    return Outcome(0, (folder / "out").read_text(), (folder / "err").read_text())


@pytest.fixture
def study(first: Outcome, folder: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, beside its space."""
    assert first.code == 0
    shutil.copy(folder / "tiny.yaml", tmp_path)
    return Path(shutil.copytree(folder / "study", tmp_path / "study"))


@pytest.fixture(scope="session")
def grid_folder(tmp_path_factory: pytest.TempPathFactory, cifar10: tuple[Dataset, Dataset]) -> Path:
    """A tiny space, and a study of its grid that nothing happened to: `unbroken`."""
    assert len(cifar10[0]) == 50_000

    def search(folder: Path) -> None:
        space = load_space(space_file(folder))
        with closing(Study.create(folder / "unbroken", space).storage) as storage:
            storage.add_candidates(count_candidates(space))
        go_on(folder / "unbroken")

    return made_once(tmp_path_factory, "machines", search)


@pytest.fixture(scope="session")
def unbroken(grid_folder: Path) -> Finished:
    """What a grid leaves that nothing happened to."""
    return finished(grid_folder / "unbroken")


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that was interrupted after an epoch, `cut`, and one that is `done`."""

    def train(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            few = opened(dataset(), dataset(40, seed=1))
            patch.setattr(start, "open_data", lambda *_, **__: few)
            for name, until in (("cut", 1), ("done", None)):
                options = {"name": name, "runs_dir": folder, "progress": Quiet(), "until": until}
                start.start_run(small_recipe(), **options)
        for path in folder.rglob("*"):
            os.utime(path, (0, 0))  # or `watch` waits for the evaluation of what has just ended

    return made_once(tmp_path_factory, "small-runs", train)


@pytest.fixture
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_runs: Path) -> Path:
    """A working folder: few images, `runs` as `small_runs`, `small.yaml` and `picture.png`."""
    few, real = opened(dataset(), dataset(40, seed=1)), start.open_data

    def open_few(settings: DataSection, data: Path | None = None, **options: Any) -> OpenDataset:
        return few if data is None else real(settings, data, **options)

    for module in (start, resume, tested, single):
        monkeypatch.setattr(module, "open_data", open_few)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_runs, "runs")
    Path("small.yaml").write_text(small_recipe().to_yaml())
    Image.new("RGB", (40, 40), (200, 0, 0)).save("picture.png")
    return tmp_path
