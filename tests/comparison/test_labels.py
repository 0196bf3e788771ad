"""What recipes of one name are called in a comparison."""

from __future__ import annotations

import pytest

from thriftnet.comparison.labels import label_recipes
from thriftnet.recipe import load_recipe

MANY = ["train.epochs=3", "augment.cutout=8", "optim.lr=0.2"]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ((["usual-0", "usual-1"], ["faster-0", "faster-1"]), ["usual", "faster"]),
        ((["birds"], ["birds2"]), ["birds", "birds2"]),  # no seeds, but the only difference
        ((["birds-s0", "birds-s1"], ["birds-s2"]), None),
        ((["mine"], ["mine"]), None),  # of two folders
    ],
)
def test_many_differences_are_named_as_the_runs(
    names: tuple[list[str], list[str]], wanted: list[str] | None
) -> None:
    recipes = [load_recipe("smoke"), load_recipe("smoke", MANY)]
    labels = label_recipes(recipes, names)
    if wanted is None:
        assert len(set(labels)) == 2
        assert recipes[0].digest()[:6] in labels[0]
    else:
        assert labels == [f"smoke ({name})" for name in wanted]
