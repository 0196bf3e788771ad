"""What is counted in epochs follows their number."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thriftnet.errors import RecipeError
from thriftnet.recipe import Recipe, build_recipe, load_recipe, shipped_recipes
from thriftnet.recipe.lengths import LENGTHS, check_lengths
from thriftnet.recipe.sections import ScheduleSection, TrainSection


def test_every_key_that_counts_epochs_follows_them():
    """A new one is to be entered there, or here with the reason why it stays."""
    stay = {
        "train.epochs",
        "train.hard_fraction",  # a share, of "later epochs"
        "train.patience",  # how long to wait, whatever the length
        "train.drop_last",
        "train.sync_batch_norm",
        "schedule.interval",
    }
    counted = {
        f"{name}.{key}"
        for name, section in (("train", TrainSection), ("schedule", ScheduleSection))
        for key, field in section.model_fields.items()
        if "epoch" in key or "epoch" in (field.description or "").lower()
    }
    assert counted - stay == set(LENGTHS)


def test_fewer_epochs_of_quick_still_end_on_whole_images():
    said: list[str] = []
    recipe = load_recipe("quick", ["train.epochs=3"], say=said.append)

    assert recipe.train.full_epochs == 1
    assert recipe.train.sizes == ((1, 24),)
    assert recipe.train.stem_epochs == 1
    check_lengths(recipe.train)
    assert said == [
        "train.epochs 12 → 3; scaled with it: train.full_epochs 4 → 1, "
        "train.sizes [[4, 24]] → [[1, 24]]"
    ]


def test_the_schedule_follows_too():
    recipe = load_recipe("authors", ["train.epochs=5"])
    assert recipe.schedule.warmup_epochs == pytest.approx(0.5)
    assert recipe.schedule.cosine_epochs == pytest.approx(5)
    assert load_recipe("paper-sgd", ["train.epochs=100"]).schedule.decay_epochs == pytest.approx(6)
    assert load_recipe("quick", ["train.epochs=3"]).schedule == load_recipe("quick").schedule


def test_a_key_that_is_set_stays_as_it_is():
    kept = ["train.epochs=6", "train.sizes=[[3, 24]]"]
    recipe = load_recipe("quick", kept)
    assert recipe.train.sizes == ((3, 24),)
    assert recipe.train.full_epochs == 2
    section = load_recipe(
        "smoke", ["train.epochs=4", "schedule={name: linear, warmup_epochs: 0.2}"]
    )
    assert section.schedule.warmup_epochs == 0.2


def test_without_another_number_of_epochs_nothing_follows():
    said: list[str] = []
    for overrides in ([], ["train.epochs=12"], ["train.epochs=3", "train.epochs=12.0"], ["seed=4"]):
        recipe = load_recipe("quick", overrides, say=said.append)
        assert recipe.digest() == load_recipe("quick").digest()
    assert said == []


def test_a_file_of_ones_own_is_as_it_stands(tmp_path: Path):
    """So are those of runs that earlier versions trained in a few epochs of another's."""
    tree = load_recipe("quick").to_yaml().replace("epochs: 12.0", "epochs: 3.0")
    (tmp_path / "mine.yaml").write_text(tree)
    assert load_recipe(tmp_path / "mine.yaml").train.sizes == ((4, 24),)
    assert load_recipe(tmp_path / "mine.yaml", ["train.epochs=6"]).train.full_epochs == 8


@given(name=st.sampled_from(shipped_recipes()), epochs=st.floats(0.02, 1000))
def test_every_recipe_of_any_length_is_consistent(name: str, epochs: float):
    recipe = load_recipe(name, [f"train.epochs={epochs!r}"])
    check_lengths(recipe.train)
    assert recipe.schedule.warmup_epochs <= recipe.train.passes
    if recipe.train.sizes:
        assert recipe.train.sizes[-1][0] <= math.ceil(epochs) - 1


def quick(**train: object) -> Recipe:
    tree = load_recipe("quick").model_dump(mode="json")
    tree["train"] |= {"sizes": [], **train}
    return build_recipe(tree)


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ({"epochs": 4, "sizes": [[4, 24]]}, "train.sizes shrinks images until epoch 4 of 4, so"),
        ({"epochs": 3}, "train.full_epochs is 4, longer than train.epochs 3; lower it to 3 or"),
        ({"epochs": 0.5, "full_epochs": 1, "stem_epochs": 2}, "train.stem_epochs is 2, longer"),
    ],
)
def test_what_goes_on_beyond_the_last_epoch_is_refused(train: dict[str, object], told: str):
    with pytest.raises(RecipeError, match=told):
        check_lengths(quick(**train).train)


def test_values_that_are_wrong_are_told_by_their_own_line():
    for override in ("train.epochs=fast", "train.epochs=0", "train.epochs=null"):
        with pytest.raises(RecipeError, match=r"train\.epochs="):
            load_recipe("quick", [override])
    with pytest.raises(RecipeError, match=r"train\.sizes"):
        load_recipe("quick", ["train.epochs=3", "train.sizes=[[4]]"])
