"""From pictures with wrong labels to a page, and from its decisions to a training."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import thriftnet
from own_pictures import picture, put
from small import small_recipe
from thriftnet.audit.run import DECISIONS, PAGE, Audit, audit
from thriftnet.digests import open_yaml
from thriftnet.errors import DataError, RunError
from thriftnet.inference.engine import Engine
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress import Quiet, StepStats


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """75 pictures whose class is their colour; five dogs lie among the cats."""
    folder = put(tmp_path_factory.mktemp("pictures") / "photos", {"cat": 25, "dog": 25, "emu": 25})
    for number in range(800, 805):
        picture("dog", number).save(folder / "cat" / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path_factory.getbasetemp() / "audit-cache"))


def recipe(**train: Any) -> Recipe:
    return small_recipe(
        data={"val_ratio": 0, "test_ratio": 0.2},
        train={"epochs": 16, "batch_size": 8, **train},
    )


def test_the_default_recipe_is_fitted_to_few_pictures(photos: Path, tmp_path: Path) -> None:
    """`quick` has batches of 1,000, and a fold of a folder of a few hundred none."""
    said: list[str] = []
    large = recipe(epochs=2, batch_size=1000, drop_last=True)
    found = audit(photos, recipe=large, folder=tmp_path / "audit", folds=2, say=said.append)
    assert found is not None
    assert "small has batches of 1,000 and a fold trains on 40 pictures: batches of 64" in said[-1]


@pytest.fixture(scope="module")
def audited(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THRIFTNET_CACHE", str(tmp_path_factory.getbasetemp() / "audit-cache"))
        folder = tmp_path_factory.mktemp("audit") / "photos"
        said: list[str] = []
        found = audit(photos, recipe=recipe(), folder=folder, folds=2, say=said.append)
    assert found is not None
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_are_at_the_top(audited: Audit):
    first = rows(audited.folder / DECISIONS)[:4]
    wrong = [row for row in first if Path(row["picture"]).stem.startswith("80")]
    assert len(wrong) >= 3
    assert {(row["label"], row["suggested"]) for row in wrong} == {("cat", "dog")}
    page = (audited.folder / PAGE).read_text("utf-8")
    assert page.count("<article") == len(audited.suspects)
    assert "<title>photos · thriftnet audit</title>" in page
    assert str(audited.folder.parent) not in page
    assert audited.pictures == 80
    assert audited.to_json()["reasons"]["label probably wrong"] >= 3


def test_a_picture_of_something_else_is_told_as_unlike_others(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("thriftnet.audit.suspects.OUTLIERS", 0.05)
    elsewhere = tmp_path / "photos"
    shutil.copytree(photos, elsewhere)
    odd = np.zeros((40, 40, 3), np.uint8)
    odd[::4] = odd[:, ::4] = 255
    Image.fromarray(odd).save(elsewhere / "dog" / "999.png")
    found = audit(
        elsewhere, recipe=recipe(), folder=tmp_path / "audit", folds=2, say=lambda _: None
    )
    assert found is not None
    assert 1 <= found.counts()["unlike other pictures"] <= 4
    unlike = [
        row
        for row in rows(tmp_path / "audit" / DECISIONS)
        if "unlike other pictures" in row["reasons"]
    ]
    assert "999" in {Path(row["picture"]).stem for row in unlike}
    assert all(-1 <= float(row["similarity"]) <= 1 for row in unlike)


def test_folds_that_are_trained_are_not_trained_again(audited: Audit, photos: Path):
    runs = sorted(path for path in audited.folder.iterdir() if path.is_dir())
    before = {path: (path / "metrics.jsonl").read_bytes() for path in runs}
    assert [path.name for path in runs] == ["fold-1-of-2", "fold-2-of-2"]
    decisions = audited.folder / DECISIONS
    decided = decisions.read_text("utf-8").replace(",cat,,", ",cat,keep,", 1)
    decisions.write_text(decided, "utf-8")
    said: list[str] = []
    again = audit(photos, recipe=recipe(), folder=audited.folder, folds=2, say=said.append)
    assert again == audited
    assert said[-1] == f"{decisions} already has decisions and is kept"
    assert {path: (path / "metrics.jsonl").read_bytes() for path in runs} == before
    assert decisions.read_text("utf-8") == decided  # what a person wrote stays
    undecided = decided.replace(",cat,keep,", ",cat,,", 1)
    decisions.write_text(undecided.replace("label probably wrong", "label"), "utf-8")
    audit(photos, recipe=recipe(), folder=audited.folder, folds=2, say=lambda _: None)
    assert decisions.read_text("utf-8") == undecided  # what nobody has edited is brought up to date
    both = r"trained by another recipe; remove \S+/fold-1-of-2, \S+/fold-2-of-2, or give another --"
    with pytest.raises(RunError, match=both):  # before an hour of training, not one at a time
        audit(photos, recipe=recipe(epochs=1), folder=audited.folder, folds=2, say=lambda _: None)


def test_an_audit_is_continued_by_a_relative_path(
    audited: Audit, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command names its pictures; the run of a fold records where they lie."""
    monkeypatch.chdir(photos.parent)
    settings: dict[str, Any] = {"folder": audited.folder, "folds": 2, "say": lambda _: None}
    assert audit(photos.name, recipe=recipe(), **settings) == audited


class Stopping(Quiet):
    """Asks to stop after some steps, as Ctrl-C does."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, stats: StepStats) -> None:
        import signal

        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def test_a_damaged_network_of_a_fold_is_restored_or_trained_again(
    audited: Audit, photos: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(audited.folder, tmp_path / "audit"))
    for fold in ("fold-1-of-2", "fold-2-of-2"):
        (folder / fold / "model.safetensors").write_bytes(b"damaged")
    shutil.rmtree(folder / "fold-2-of-2" / "checkpoints")  # its training ended long ago
    found = audit(photos, recipe=recipe(), folder=folder, folds=2, say=lambda _: None)
    assert found is not None
    assert found.suspects == audited.suspects


def test_an_interrupted_audit_goes_on_and_ends_the_same(
    audited: Audit, photos: Path, tmp_path: Path
):
    progress = [Stopping(10), Quiet(), Quiet(), Quiet()]
    settings: dict[str, Any] = {"recipe": recipe(), "folder": tmp_path / "a", "folds": 2}
    settings |= {"progress": lambda: progress.pop(0), "say": lambda _: None}
    assert audit(photos, **settings) is None
    found = audit(photos, **settings)
    assert found is not None
    assert found.suspects == audited.suspects


@pytest.mark.parametrize("name", [PAGE, DECISIONS])
def test_a_received_audit_is_not_written_through_a_link(
    photos: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / name).symlink_to(tmp_path / "own")
    with pytest.raises(RunError, match=f"{name} is a link; an audit's files have to be its own"):
        audit(photos, recipe=recipe(), folder=folder, folds=2)
    assert list(tmp_path.iterdir()) == [folder]


def test_fewer_pictures_than_folds_are_refused(photos: Path, tmp_path: Path):
    with pytest.raises(DataError, match="80 pictures in .* fewer than 90 folds"):
        audit(photos, recipe=recipe(), folder=tmp_path, folds=90, say=lambda _: None)


def test_decisions_are_not_audited(photos: Path, tmp_path: Path):
    decided = small_recipe(data={"decisions": str(tmp_path / "decisions.csv")})
    with pytest.raises(DataError, match="checks the original labels; leave out data.decisions"):
        audit(photos, recipe=decided, folder=tmp_path / "a", folds=2, say=lambda _: None)


def test_groups_of_the_user_stay_in_one_fold(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A network that was trained on another frame of the same film would repeat its label."""
    seen: list[np.ndarray] = []

    def stop(_labels: np.ndarray, groups: np.ndarray, *, folds: int) -> None:
        seen.append(groups)
        raise DataError(f"{folds} folds")

    monkeypatch.setattr("thriftnet.audit.run.assign_folds", stop)
    by_last_digit = small_recipe(data={"val_ratio": 0, "group": r"(\d)\.png$"})
    with pytest.raises(DataError, match="2 folds"):
        audit(photos, recipe=by_last_digit, folder=tmp_path / "a", folds=2, say=lambda _: None)
    assert len(np.unique(seen[0])) == 10


def test_folds_of_other_pictures_are_not_used(
    audited: Audit, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With one picture more, folds are others: a network would judge what it has seen."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    grown = Path(shutil.copytree(photos, tmp_path / photos.name))
    picture("cat", 900).save(grown / "cat" / "900.png")
    folder = Path(shutil.copytree(audited.folder, tmp_path / "audit"))
    own = recipe(epochs=16)
    said = "fold-1-of-2 was trained (on other pictures than there are now|by another recipe)"
    with pytest.raises(RunError, match=said):
        audit(grown, recipe=own, folder=folder, folds=2, say=lambda _: None)
    run = RunFolder(folder / "fold-1-of-2")
    recipe_text = open_yaml(run.recipe_path.read_text("utf-8"))
    run.recipe_path.write_text(recipe_text.replace(str(photos), str(grown)), "utf-8")
    with pytest.raises(RunError, match="on other pictures than there are now; remove"):
        audit(grown, recipe=own, folder=folder, folds=2, say=lambda _: None)


def test_outputs_that_are_not_finite_are_not_scored(
    audited: Audit, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Engine, images: torch.Tensor, *_views: str) -> torch.Tensor:
        return torch.full((len(images), 3), torch.nan)

    monkeypatch.setattr(Engine, "logits", nothing)
    with pytest.raises(RunError, match="fold-1-of-2 are not finite; audit with a lower learning"):
        audit(photos, recipe=recipe(), folder=audited.folder, folds=2, say=lambda _: None)


class _StopAfter(Quiet):
    """Asks the training to stop after a few steps, as Ctrl-C does."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, stats: StepStats) -> None:
        self.steps += 1
        if self.steps == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_fold_is_resumed_by_its_audit_alone(photos: Path, tmp_path: Path):
    """`train --resume` would train it on what it has to judge."""
    folder = tmp_path / "audit"
    own = recipe(epochs=4)
    stopped = audit(
        photos, recipe=own, folder=folder, folds=2, progress=_StopAfter, say=lambda _: None
    )
    assert stopped is None
    fold = folder / "fold-1-of-2"
    with pytest.raises(RunError, match="belongs to an audit, which set its split; resume"):
        thriftnet.train(resume=fold, quiet=True)
    (fold / "checkpoints" / "last.pt").unlink()  # as if it was killed before the first
    with pytest.raises(RunError, match="belongs to an audit"):
        thriftnet.train(resume=fold, quiet=True)
    assert audit(photos, recipe=own, folder=folder, folds=2, say=lambda _: None) is not None
    for options in ({}, {"data": photos}):  # half of the test images are among those it learned
        with pytest.raises(DataError, match="was trained on most of the test images, too"):
            thriftnet.evaluate(fold, **options)
    other = put(tmp_path / "others", {"cat": 3, "dog": 3, "emu": 3}, start=500)
    assert thriftnet.evaluate(fold, data=other).chosen.images == 9


def test_what_the_data_hold_is_said_once(photos: Path, tmp_path: Path):
    """Each fold's training opened the data set again, and repeated its notes."""

    class Noted(Quiet):
        def note(self, text: str) -> None:
            said.append(text)

    said: list[str] = []
    own = recipe(epochs=1)
    audit(photos, recipe=own, folder=tmp_path / "a", folds=2, progress=Noted, say=said.append)
    about = [line for line in said if line.startswith((str(photos), "pictures are"))]
    assert about
    assert len(set(about)) == len(about)
