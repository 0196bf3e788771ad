"""The names that users import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import thriftnet
from thriftnet.data.decode import read_image
from thriftnet.errors import DataError, ImageError, RecipeError, TrackingError
from thriftnet.inference.pictures import name_pictures
from thriftnet.tracking.choose import choose_trackers
from thriftnet.training.budget import parse_parameters
from thriftnet.training.progress import Quiet


@pytest.mark.parametrize("name", thriftnet.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(thriftnet, name).__doc__


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        thriftnet.tarin  # noqa: B018


IMPORTED_FIRST = """
import os, torch  # once, for all who fork from here
for first in ("train", "evaluate", "data", "load_model"):
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    import thriftnet
    getattr(thriftnet, first)
    import thriftnet.training.loop, thriftnet.evaluation
    functions = (thriftnet.train, thriftnet.evaluate, thriftnet.data.load_cifar10)
    print(first, all(map(callable, functions)), flush=True)
    os._exit(0)
"""


def test_functions_stay_functions_whatever_is_imported_first() -> None:
    """A package of the same name would hide a function once a module of it was imported."""
    done = subprocess.run([sys.executable, "-c", IMPORTED_FIRST], capture_output=True, text=True)
    told = [f"{first} True" for first in ("train", "evaluate", "data", "load_model")]
    assert done.stdout.splitlines() == told, done.stderr


@pytest.mark.parametrize(
    "given",
    [
        {"recipe": "quick"},
        {"overrides": ["optim.lr=1"]},
        {"seed": 0},
        {"runs_dir": "elsewhere"},
        {"name": "other"},
        {"time_budget": "5m"},
        {"flops_budget": "1P"},
    ],
    ids=str,
)
def test_what_a_resumed_run_would_ignore_is_refused(given: dict[str, Any], tmp_path: Path) -> None:
    """Who asks for five minutes must not get hours."""
    with pytest.raises(thriftnet.RecipeError, match=f"own recipe; leave out {next(iter(given))}"):
        thriftnet.train(resume=tmp_path, **given)


def test_quiet_beside_a_progress_is_refused(tmp_path: Path) -> None:
    with pytest.raises(thriftnet.RecipeError, match="progress decides what is printed"):
        thriftnet.train("smoke", quiet=True, progress=Quiet(), runs_dir=tmp_path)


def test_a_single_path_is_a_path_and_not_its_letters(tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    Image.new("RGB", (40, 40), "red").save(picture)
    (alone,) = thriftnet.predict("quick", str(picture))
    assert thriftnet.predict("quick", [picture]) == [alone]
    with pytest.raises(thriftnet.RunError, match=f"^{tmp_path} is not a run folder"):
        thriftnet.compare(str(tmp_path))


def test_overrides_of_a_recipe_that_is_made_already_are_refused(tmp_path: Path) -> None:
    recipe = thriftnet.load_recipe("smoke")
    with pytest.raises(thriftnet.RecipeError, match="name or path; leave out overrides"):
        thriftnet.train(recipe, overrides=["optim.lr=1"], runs_dir=tmp_path)


def test_train_says_what_follows_another_number_of_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[thriftnet.Recipe] = []
    monkeypatch.setattr("thriftnet.api.start_run", lambda recipe, **_: trained.append(recipe))
    said: list[str] = []
    progress = Quiet()
    monkeypatch.setattr(progress, "note", said.append)
    thriftnet.train("quick", overrides=["train.epochs=3"], runs_dir=tmp_path, progress=progress)
    assert trained[0].train.sizes == ((1, 24),)
    assert len(said) == 1
    assert "train.sizes [[4, 24]] → [[1, 24]]" in said[0]


def test_a_run_that_would_see_no_whole_image_is_refused(tmp_path: Path) -> None:
    overrides = ["train.epochs=3", "train.full_epochs=1", "train.sizes=[[4, 24]]"]
    with pytest.raises(
        thriftnet.RecipeError, match="until epoch 4 of 3, so that no epoch has full"
    ):
        thriftnet.train("quick", overrides=overrides, runs_dir=tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_that_no_recipe_may_have_is_refused(seed: int, tmp_path: Path) -> None:
    """Its run could not be resumed, nor its recipe be read again."""
    with pytest.raises(thriftnet.RecipeError, match=f"smoke: seed={seed} is wrong"):
        thriftnet.train(thriftnet.load_recipe("smoke"), seed=seed, runs_dir=tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())


def test_one_text_where_several_are_expected_is_one_of_them() -> None:
    assert thriftnet.load_recipe("quick", overrides="seed=3").seed == 3
    with pytest.raises(RecipeError, match="override 'train' is not KEY=VALUE"):
        thriftnet.train("quick", overrides="train")
    with pytest.raises(TrackingError, match="there is no tracker 'board'"):
        choose_trackers("board", runs_dir=Path("runs"))
    assert parse_parameters(5_000_000) == parse_parameters("5M")


def test_an_empty_path_is_not_the_current_folder() -> None:
    for given in {"data": ""}, {"runs_dir": ""}:
        with pytest.raises(DataError, match=f"{next(iter(given))} is empty; give a path"):
            thriftnet.train("smoke", **given)
    with pytest.raises(DataError, match="data is empty; give a path"):
        thriftnet.evaluate("quick", data="")
    with pytest.raises(DataError, match="the path of picture 1 is empty"):
        list(name_pictures([""]))
    with pytest.raises(ImageError, match="does not exist"):
        read_image("no\0file.png")
