"""`thriftnet train --data photos` with no recipe: chosen, told, kept, and resumed."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

import thriftnet
from clocks import processor_clock
from commands import Command
from own_pictures import put
from rights import read_only
from thriftnet.runs.folder import RunFolder

SMALL = ("--flops-budget", "100G", "--epochs", "2", "--max-params", "20k")
"""A second or two of trials and training."""
WEIGHTS = ("--flops-budget", "300G", "--epochs", "2", "--set", "data.image_size=32")
"""The same for the networks of shipped weights."""


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return put(tmp_path / "photos", {"cat": 60, "dog": 60, "emu": 20})


def run_of(name: str) -> RunFolder:
    return RunFolder.open(Path("runs") / name)


def test_a_recipe_is_chosen_and_every_choice_has_its_reason(
    thriftnet: Command, photos: Path
) -> None:
    outcome = thriftnet("train", "--data", photos, "--name", "mine", *SMALL)
    assert outcome.code == 0, outcome.err
    for word in ("resolution: ", "network: ", "start: ", "augmentation: ", "length: "):
        assert any(line.startswith(word) for line in outcome.out.splitlines()), word
    assert "0.0001 PFLOP (--flops-budget) and 20,000 parameters (--max-params)" in outcome.out
    assert "a gain counts if it exceeds" in outcome.out
    assert "test accuracy" in outcome.out
    run = run_of("mine")
    recipe = run.recipe()
    assert recipe.name == "photos"
    assert recipe.max_parameters == 20_000
    assert recipe.data.dataset == str(photos)
    assert recipe.data.val_ratio == 0  # what was held out in the trials trains in the end
    kept = run.environment()
    assert set(kept["chosen"]) == {"resolution", "network", "start", "augmentation", "length"}
    assert kept["tried"]
    end = run.metrics()[-2] if run.metrics()[-1]["kind"] == "test" else run.metrics()[-1]
    assert 0 < end.get("pflop", 1e-4) * 1e15 <= 1e11


def test_what_is_set_by_hand_stays_and_is_not_tried(thriftnet: Command, photos: Path) -> None:
    given = ("--set", "augment.flip=none", "--set", "data.image_size=32", "--set", "seed=3")
    outcome = thriftnet("train", "--data", photos, "--name", "mine", *given, *SMALL)
    assert outcome.code == 0, outcome.err
    recipe, tried = run_of("mine").recipe(), run_of("mine").environment()["tried"]
    assert (recipe.augment.flip, recipe.data.image_size, recipe.seed) == ("none", 32, 3)
    assert not any("mirror" in name for name in tried)
    wrong = thriftnet("train", "--data", photos, "--set", "augment.flop=none", *SMALL)
    assert wrong.code == 2
    assert "augment.flop" in wrong.error_line


def test_starting_from_weights_by_name_and_by_run(thriftnet: Command, photos: Path) -> None:
    first = thriftnet("train", "--data", photos, "--name", "a", "--init", "quick", *WEIGHTS)
    assert first.code == 0, first.err
    recipe = run_of("a").recipe()
    assert (recipe.init.weights, recipe.model.channels) == ("quick", (64, 256, 256))
    assert "start: from the weights of quick; set by --init" in first.out
    again = thriftnet("train", "--data", photos, "--name", "b", "--init", "runs/a", *WEIGHTS)
    assert again.code == 0, again.err
    assert run_of("b").recipe().init.weights == str(Path("runs/a").absolute())
    by_recipe = ("train", "quick", "--data", photos, "--set", "train.batch_size=32")
    short = ("--set", "train.micro_batch=0", "--set", "train.epochs=1", "--name", "c")
    third = thriftnet(*by_recipe, *short, "--init", "quick")
    assert third.code == 0
    assert "steps on cpu" in third.out
    assert ", from the weights of quick" in third.out
    wrong = thriftnet("train", "quick", "--data", photos, "--init", "best")
    assert wrong.code == 2
    assert "use the recipe best" in wrong.error_line
    small = thriftnet("train", "--data", photos, "--init", "best", "--max-params", "1M", *WEIGHTS)
    assert small.code == 2
    assert "raise --max-params" in small.error_line


def test_a_cut_run_goes_on_to_the_same_bits(photos: Path) -> None:
    from thriftnet.training.progress import Quiet
    from thriftnet.training.resume import resume_run
    from thriftnet.training.start import start_run

    whole = thriftnet.train(
        data=photos,
        overrides=["train.epochs=3"],
        flops_budget="40G",
        max_params="20k",
        name="whole",
        quiet=True,
    ).path
    recipe = RunFolder(whole).recipe()
    cut = start_run(recipe, name="cut", data=photos, until=1, progress=Quiet()).path
    assert resume_run(cut, progress=Quiet()).finished
    assert RunFolder(cut).model_path.read_bytes() == RunFolder(whole).model_path.read_bytes()


def test_the_time_budget_holds_for_all_of_it(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thriftnet.training.budget._CALIBRATION_SECONDS", 0.3)
    rate = "thriftnet.training.automatic.remaining_budget.operations_per_second"
    monkeypatch.setattr(rate, lambda _: 1e10)
    processor_clock(monkeypatch)
    began = time.monotonic()
    run = thriftnet.train(data=photos, time_budget="5s", max_params="20k", name="timed", quiet=True)
    thriftnet.evaluate(run.path)
    assert time.monotonic() - began < 5
    assert RunFolder(run.path).environment()["tried"]


def test_few_pictures_are_trained_on_without_trials(photos: Path) -> None:
    few = put(photos.parent / "few", {"cat": 4, "dog": 4})
    run = thriftnet.train(data=few, flops_budget="2G", max_params="20k", name="few", quiet=True)
    assert "too few pictures" in RunFolder(run.path).environment()["tried"]["trials"]


def test_a_recipe_for_many_pictures_names_all_that_few_need(
    thriftnet: Command, photos: Path
) -> None:
    few = put(photos.parent / "few", {"cat": 20, "dog": 21})
    outcome = thriftnet("train", "quick", "--data", few)
    assert outcome.code == 2
    assert "or leave out the recipe" in outcome.err
    options = re.findall(r"(--set) (train\.(?!epochs)\S+=[\w.]+)", outcome.err)
    assert len(options) == 5
    small = ("--set", "train.epochs=1", "--set", "model.channels=[8,8,8]", "--name", "few")
    words = [word for option in options for word in option]
    assert thriftnet("train", "quick", "--data", few, *words, *small).code == 0


def test_json_lines_are_nothing_but_json(thriftnet: Command, photos: Path) -> None:
    outcome = thriftnet("train", "--data", photos, "--json", *SMALL)
    assert outcome.code == 0, outcome.err
    for line in outcome.out.splitlines():
        json.loads(line)


def test_where_the_run_goes_is_looked_at_before_anything_is_tried(
    thriftnet: Command, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("runs/mine").mkdir(parents=True)
    monkeypatch.setattr("thriftnet.training.automatic.resolve.choose_recipe", None)
    outcome = thriftnet("train", "--data", photos, "--name", "mine")
    assert (outcome.code, "runs/mine exists already; choose another" in outcome.err) == (2, True)
    with read_only(Path("runs")):
        outcome = thriftnet("train", "--data", photos, "--name", "other")
    assert (outcome.code, "runs cannot be written" in outcome.err) == (2, True)
