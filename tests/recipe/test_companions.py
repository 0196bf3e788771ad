"""What goes with an overridden setting follows it."""

import pytest

from thriftnet.errors import RecipeError
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.recipe.companions import PIXELS
from thriftnet.recipe.sections import DataSection, TrainSection


def test_every_key_that_counts_pixels_follows_the_image_size():
    """A new one is to be entered there."""
    sections = {"augment": AugmentSection, "data": DataSection, "train": TrainSection}
    counted = {
        f"{name}.{key}"
        for name, section in sections.items()
        for key, field in section.model_fields.items()
        if "pixels" in (field.description or "").lower()
    }
    stay = {"data.image_size"}
    assert counted - stay == set(PIXELS)


@pytest.mark.parametrize(
    ("side", "sizes", "padding"),
    [(64, ((4, 48),), 4), (24, ((4, 18),), 2), (20, ((4, 16),), 1), (16, (), 1)],
)
def test_early_epochs_see_the_same_share_of_an_image(
    side: int, sizes: tuple[tuple[int, int], ...], padding: int
):
    said: list[str] = []
    recipe = load_recipe("quick", [f"data.image_size={side}"], say=said.append)
    assert recipe.train.sizes == sizes
    assert recipe.augment.crop_padding == padding
    assert len(said) == 1
    assert "train.sizes [[4, 24]] → " in said[0]
    assert load_recipe("best", [f"data.image_size={side}"]).augment.cutout == round(side * 3 / 8)


def test_both_of_them_follow_both():
    recipe = load_recipe("quick", ["train.epochs=6", "data.image_size=64"])
    assert recipe.train.sizes == ((2, 48),)


def test_without_mirrored_images_no_view_is_mirrored():
    said: list[str] = []
    recipe = load_recipe("quick", ["augment.flip=none"], say=said.append)
    assert recipe.evaluate.tta == "shift"
    assert said == ["changed with what you set: evaluate.tta flip_shift → shift"]
    assert load_recipe("paper", ["augment.flip=none"]).evaluate.tta == "none"
    assert load_recipe("quick", ["augment.flip=random"]).evaluate.tta == "flip_shift"


def test_what_is_set_stays():
    kept = ["data.image_size=64", "train.sizes=[[4, 24]]", "augment={flip: none}"]
    recipe = load_recipe("quick", [*kept, "evaluate.tta=flip"])
    assert recipe.train.sizes == ((4, 24),)
    assert recipe.augment.crop_padding == 4  # the section's default
    assert recipe.evaluate.tta == "flip"


@pytest.mark.parametrize("name", shipped_recipes())
def test_without_another_value_nothing_follows(name: str):
    said: list[str] = []
    recipe = load_recipe(name)
    same = [f"data.image_size={recipe.data.image_size}", f"augment.flip={recipe.augment.flip}"]
    assert load_recipe(name, same, say=said.append) == recipe
    assert said == []


@pytest.mark.parametrize("value", ["abc", "[32]", ".inf", ".nan", "null", "0", "1" + "0" * 400])
def test_a_wrong_size_is_told_by_its_own_line(value: str):
    with pytest.raises(RecipeError, match=r"data\.image_size"):
        load_recipe("quick", [f"data.image_size={value}"])


def test_another_rate_of_muon_says_which_rates_stay():
    said: list[str] = []
    recipe = load_recipe("quick", ["optim.lr=0.1"], say=said.append)
    assert (recipe.optim.bias_lr, recipe.optim.head_lr) == (53, 670)
    assert said == [
        "optim.lr is the learning rate of convolutions; unchanged: "
        "optim.bias_lr 53, optim.head_lr 670"
    ]
    said.clear()
    load_recipe("quick", ["optim.lr=0.1", "optim.bias_lr=50", "optim.head_lr=600"], say=said.append)
    load_recipe("paper", ["optim.lr=0.1"], say=said.append)
    assert said == []
