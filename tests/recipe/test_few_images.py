"""A recipe for many images, fitted to a folder of few."""

import pytest

from thriftnet.recipe import load_recipe
from thriftnet.recipe.epochs import Epochs
from thriftnet.recipe.few_images import fit_to, fitting_options


@pytest.mark.parametrize("images", [12, 64, 159, 1000])
@pytest.mark.parametrize("name", ["quick", "strong", "smoke", "paper"])
def test_every_epoch_of_the_fitted_recipe_has_a_step(name: str, images: int) -> None:
    train = fit_to(load_recipe(name), images).train
    assert not train.drop_last or train.batch_size <= int(images * train.hard_fraction)
    assert train.micro_batch <= train.batch_size


def test_rates_follow_the_batch_and_epochs_the_images() -> None:
    quick = load_recipe("quick")
    fitted = fit_to(quick, 400)
    assert (fitted.train.batch_size, fitted.train.epochs) == (40, 48)
    assert fitted.optim.lr == pytest.approx(0.2 * quick.optim.lr)
    assert fitted.optim.head_lr == pytest.approx(0.2 * 670)
    assert (fitted.train.hard_fraction, fitted.train.full_epochs) == (1, 0)


def test_lengths_follow_the_epochs() -> None:
    """As they do where the epochs are changed by an option."""
    quick = load_recipe("quick", ["schedule.warmup_epochs=2", "train.stem_epochs=3"])
    fitted = fit_to(quick, 400)
    more = fitted.train.epochs / quick.train.epochs
    assert more == 4
    assert fitted.schedule.warmup_epochs == pytest.approx(2 * more)
    assert fitted.train.stem_epochs == round(3 * more)
    ends, before = ([end for end, _ in each.train.sizes] for each in (fitted, quick))
    assert ends == [round(end * more) for end in before]


def test_a_recipe_that_fits_stays() -> None:
    quick = load_recipe("quick")
    assert fit_to(quick, 45_000) is quick
    small = load_recipe("quick", ["train.batch_size=32", "train.micro_batch=0"])
    assert fit_to(small, 200) is small


@pytest.mark.parametrize("name", ["quick", "strong", "best", "paper"])
def test_the_options_of_the_message_are_those_of_the_fitted_recipe(name: str) -> None:
    """Added to the command as they stand, they end the mistake at once."""
    recipe = load_recipe(name)
    for images in (*range(2, 70), 97, 129, 333, 999):
        options = fitting_options(recipe, images).replace("--set", "").split()
        changed, fitted_to = load_recipe(name, options), fit_to(recipe, images)
        assert changed.schedule == fitted_to.schedule
        train, wanted = changed.train, fitted_to.train
        same = ("batch_size", "micro_batch", "drop_last", "hard_fraction", "sizes", "stem_epochs")
        assert [getattr(train, key) for key in same] == [getattr(wanted, key) for key in same]
        epochs = Epochs.of(train, images=images)
        assert epochs.steps_in(epochs.full_epochs) > 0
        fitted = not recipe.train.drop_last or not epochs.has_lone_image(train.micro_batch)
        assert fitted, images
