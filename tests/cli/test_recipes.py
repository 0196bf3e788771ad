"""`thriftnet recipes RECIPE` shows each key as `--set` takes it, and what it means."""

from __future__ import annotations

import json
import re

import pytest

from commands import Command, in_this_process
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.recipe.keys import explained, flatten


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_key_has_its_value_and_a_meaning(name: str) -> None:
    recipe = load_recipe(name)
    keys = explained(recipe)
    assert {key: value for key, value, _ in keys} == flatten(recipe.model_dump(mode="json"))
    assert [key for key, _, meaning in keys if not meaning and key != "model.family"] == []


def test_a_line_can_be_given_to_set(thriftnet: Command) -> None:
    shown = thriftnet("recipes", "quick").out
    lines = re.findall(r"^(?:[a-z]+\.)[a-z_]+=.*$", shown, re.MULTILINE)
    assert "optim.lr=0.24" in lines
    settings = [line for line in lines if not line.startswith("model.family")]
    assert load_recipe("smoke", ["model.family=speednet", *settings]).optim == (
        load_recipe("quick").optim
    )
    assert json.loads(thriftnet("recipes", "quick", "--json").out)["train.epochs"] == 12
    assert "use one of" in thriftnet("recipes", "quik").error_line
