"""A recipe names the data set that was opened for it."""

from dataclasses import replace

import pytest

from small import opened, small_recipe
from thriftnet.errors import DataError
from thriftnet.recipe import build_recipe
from thriftnet.recipe.plain_yaml import read_yaml
from thriftnet.training.data import with_dataset


def test_the_written_recipe_names_it():
    recipe = with_dataset(small_recipe(), replace(opened(), name="/pictures/写真: é"))
    assert build_recipe(read_yaml(recipe.to_yaml())) == recipe
    assert recipe.data.dataset == "/pictures/写真: é"


def test_a_path_that_no_recipe_can_hold_is_refused():
    """Such a run could be trained, and neither evaluated nor resumed."""
    with pytest.raises(DataError, match="is not UTF-8, and no recipe can hold it; rename it"):
        with_dataset(small_recipe(), replace(opened(), name="/caf\udce9"))
