"""YAML that stands for more than it shows."""

import time
import tracemalloc
from pathlib import Path

import pytest
import yaml

from thriftnet.errors import RecipeError, SearchError
from thriftnet.recipe import load_recipe
from thriftnet.recipe.yaml_bounds import refuse_bombs
from thriftnet.search.space import load_space

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
BOMBS = {
    "aliases": (LAUGHS, "10,000 values"),
    "merges": ("a: &a {b: 1}\n" + "c: {<<: [" + "*a, " * 30_000 + "*a]}", "10,000 values"),
    "knot": ("a: &a [*a]", r"the alias \*a names nothing that is complete there"),
    "keys": ("".join(f"k{n}: 1\n" for n in range(20_000)), "10,000 values"),
    "brackets": ("a: " + "[" * 500 + "]" * 500, "32 levels"),
    "dashes": ("- " * 100_000, "32 levels"),
    "text": ("a: " + "x" * 2**18, "262,144 characters"),
}


@pytest.mark.parametrize(("text", "reason"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_one_line_at_once(text: str, reason: str, tmp_path: Path):
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(RecipeError, match=f"is not valid YAML: .*{reason}"):
            load_recipe(path)
        with pytest.raises(SearchError, match=f"is not valid YAML: .*{reason}"):
            load_space(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 10  # tracing slows it down; 0.2 s on an idle machine


def test_a_file_of_gigabytes_is_not_read(tmp_path: Path):
    path = tmp_path / "long.yaml"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(RecipeError, match="it has more than 1.0 MB"):
        load_recipe(path)


def test_an_alias_that_stands_for_little_is_read(tmp_path: Path):
    path = tmp_path / "short.yaml"
    path.write_text("optim: &o {lr: 0.5}\nschedule: {warmup_epochs: &w 0}\ntrain: {epochs: 3}\n")
    assert load_recipe(path).optim.lr == 0.5
    refuse_bombs("a: &a [1, 2]\nb: [*a, *a]\nc: {<<: {d: 1}}\n")


@pytest.mark.parametrize("text", ["a: [", "*a", "%YAML 9", "a: \x00"])
def test_what_is_no_yaml_is_left_to_the_reader(text: str):
    with pytest.raises((yaml.YAMLError, ValueError)):
        refuse_bombs(text)


def test_a_long_unknown_key_is_answered_at_once():
    with pytest.raises(RecipeError, match="is not a recipe key; thriftnet recipes quick lists"):
        load_recipe("smoke", [f"{'x' * 200_000}=1"])
