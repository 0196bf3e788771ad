"""Recipes: what they hold, how they are overridden, written and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from thriftnet.errors import RecipeError
from thriftnet.recipe import Recipe, build_recipe, load_recipe, shipped_recipes


def test_all_recipes_of_the_issue_are_shipped():
    assert {"paper", "paper-sgd", "authors", "quick", "smoke"} <= set(shipped_recipes())


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_survives_being_written_and_read(name: str, tmp_path: Path):
    recipe = load_recipe(name)
    path = tmp_path / "written.yaml"
    path.write_text(recipe.to_yaml(), "utf-8")
    again = load_recipe(path)
    assert again == recipe
    assert again.digest() == recipe.digest()
    assert again.name == name == recipe.name  # the file's own name plays no part
    assert recipe.description


def test_written_recipe_is_complete_plain_yaml():
    tree = yaml.safe_load(load_recipe("smoke").to_yaml())
    assert tree["optim"]["eps"] == 1e-8  # a default that no recipe spells out
    assert tree["model"]["blocks"] == [1, 1, 1]
    assert tree["schedule"]["cosine_epochs"] is None


def test_awkward_text_survives_being_written(tmp_path: Path):
    text = "Grüße: 50% \\ \"quoted\" # no comment\nsecond line\ttab 'x' 😀 \x85 \u2028"
    recipe = build_recipe({"name": "1e3", "description": text})
    path = tmp_path / "r.yaml"
    path.write_text(recipe.to_yaml(), "utf-8")
    assert load_recipe(path) == recipe


def test_file_without_a_name_takes_the_files(tmp_path: Path):
    path = tmp_path / "mine.yml"
    path.write_text("optim: {lr: 0.5}\n")
    assert load_recipe(path).name == "mine"
    assert load_recipe(str(path)).optim.lr == 0.5


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        dotted = f"{prefix}{key}"
        found |= leaves(value, f"{dotted}.") if isinstance(value, dict) else {dotted: value}
    return found


# Another valid value for each key of `paper`; every key must be here, so that a new one is tried.
CHANGES = {
    "max_parameters": 4_999_999,
    "data.fit": "pad",
    "data.test_ratio": 0.3,
    "data.balance": "loss",
    "data.image_column": "file",
    "data.label_column": "kind",
    "data.split_column": "part",
    "data.group": "folder",
    "data.decisions": "decisions.csv",
    "data.val_ratio": 0.2,
    "data.fraction": 0.5,
    "data.image_size": 16,
    "augment.flip": "none",
    "augment.quarter_turns": True,
    "augment.crop_padding": 3,
    "augment.crop_mode": "reflect",
    "augment.brightness": 0.3,
    "augment.contrast": 0.3,
    "augment.saturation": 0.3,
    "augment.policy": "trivialaugment",
    "augment.rotation": 14.5,
    "augment.cutout": 8,
    "augment.mixup": 0.2,
    "augment.cutmix": 1.0,
    "augment.augmix": 0.5,
    "augment.augmix_severity": 5,
    "augment.prime": 0.5,
    "augment.noise": 0.5,
    "augment.noise_deviation": 0.2,
    "augment.jpeg": 0.5,
    "augment.jpeg_quality": 60,
    "model.blocks": [3, 5, 2, 0],
    "model.channels": [64, 128, 256, 511],
    "model.activation": "silu",
    "model.shortcut": "padded",
    "model.squeeze_excitation": 16,
    "model.zero_init_last": True,
    "model.stochastic_depth": 0.1,
    "init.weights": "best",
    "init.sha256": "ab" * 32,
    "init.body_lr": 0.5,
    "init.keep": 0.4,
    "optim.name": "sgd",
    "optim.lr": 0.02,
    "optim.weight_decay": 0.0,
    "optim.decay": "weights",
    "optim.betas": [0.9, 0.99],
    "optim.eps": 1e-7,
    "optim.momentum": 0.8,
    "optim.dampening": 0.1,
    "optim.nesterov": True,
    "schedule.name": "linear",
    "schedule.interval": "step",
    "schedule.warmup_epochs": 4,
    "schedule.cosine_epochs": 50,
    "schedule.floor": 0.01,
    "schedule.decay_epochs": 3,
    "schedule.decay_factor": 0.7,
    "train.epochs": 49.5,
    "train.batch_size": 64,
    "train.micro_batch": 32,
    "train.sync_batch_norm": True,
    "train.drop_last": True,
    "train.hard_fraction": 0.5,
    "train.full_epochs": 2,
    "train.loss_decay": 0.75,
    "train.sizes": [[2, 24], [4, 28]],
    "train.label_smoothing": 0.1,
    "train.consistency": 12.0,
    "train.ema_decay": 0.999,
    "train.select": "final",
    "train.patience": 5,
    "train.precision": "fp32",
    "train.device": "cpu",
    "evaluate.tta": "flip",
}
STEP_DECAY = ["schedule.name=step_decay", "schedule.warmup_epochs=0", "schedule.floor=0"]
NEEDS = {
    "data.image_size": ["augment.crop_padding=4"],
    "train.epochs": ["schedule.warmup_epochs=5"],
    "train.hard_fraction": ["schedule.interval=step"],
    "train.full_epochs": ["schedule.interval=step", "train.hard_fraction=0.5"],
    "train.loss_decay": ["schedule.interval=step", "train.hard_fraction=0.5"],
    "train.consistency": ["augment.noise=0.5"],
    "augment.augmix_severity": ["augment.augmix=0.5"],
    "augment.noise_deviation": ["augment.noise=0.5"],
    "augment.jpeg_quality": ["augment.jpeg=0.5"],
    "init.sha256": ["init.weights=best"],
    "init.body_lr": ["init.weights=best"],
    "init.keep": ["init.weights=best"],
    "optim.momentum": ["optim.name=sgd"],
    "optim.dampening": ["optim.name=sgd"],
    "optim.nesterov": ["optim.name=sgd"],
    "schedule.decay_epochs": STEP_DECAY,
    "schedule.decay_factor": STEP_DECAY,
}
"""What a key needs beside it, where it does nothing in the recipe `paper` or others follow it."""
ONE_CHOICE = {"data.dataset", "model.family"}
BELONG_TO_MUON = {"optim.bias_lr", "optim.head_lr", "optim.aux", "optim.aux_momentum"}
BELONG_TO_SPEEDNET = {"train.stem_epochs"}
NAMES = {"name": "other", "description": "other", "seed": 7}


def test_every_key_of_a_recipe_is_tried_here():
    keys = set(leaves(load_recipe("paper").model_dump()))
    assert keys == CHANGES.keys() | NAMES.keys() | ONE_CHOICE | BELONG_TO_MUON | BELONG_TO_SPEEDNET


@pytest.mark.parametrize("key", CHANGES)
def test_override_sets_its_key_alone_and_changes_the_digest(key: str):
    needed = NEEDS.get(key, [])
    paper = load_recipe("paper", needed)
    changed = load_recipe("paper", [*needed, f"{key}={CHANGES[key]}"])
    before, after = leaves(paper.model_dump(mode="json")), leaves(changed.model_dump(mode="json"))
    assert {name for name in before if before[name] != after[name]} == {key}
    assert after[key] == CHANGES[key]
    assert changed.digest() != paper.digest()


@pytest.mark.parametrize(
    "key",
    [k for k in NEEDS if k not in {"data.image_size", "train.epochs", "train.hard_fraction"}],
)
def test_a_key_that_would_do_nothing_is_refused(key: str):
    with pytest.raises(RecipeError, match=f"{key} does nothing with"):
        load_recipe("paper", [f"{key}={CHANGES[key]}"])


@pytest.mark.parametrize("key", NAMES)
def test_name_description_and_seed_leave_the_digest(key: str):
    changed = load_recipe("paper", [f"{key}={NAMES[key]}"])
    assert changed != load_recipe("paper")
    assert changed.digest() == load_recipe("paper").digest()


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("optim.lr=1e-3", "optim", "lr", 0.001),  # YAML 1.1 reads this as text
        ("optim.lr=2", "optim", "lr", 2.0),
        ("optim.betas=[0.8,9e-1]", "optim", "betas", (0.8, 0.9)),
        ("model.blocks=[1, 0,2,0]", "model", "blocks", (1, 0, 2, 0)),
        ("model.zero_init_last=yes", "model", "zero_init_last", True),
        ("schedule.cosine_epochs=null", "schedule", "cosine_epochs", None),
        ("schedule.cosine_epochs=", "schedule", "cosine_epochs", None),
        (" evaluate.tta = flip ", "evaluate", "tta", "flip"),
        ("train={epochs: 6, batch_size: 8}", "train", "batch_size", 8),
    ],
)
def test_override_values_are_yaml(override: str, section: str, key: str, value: object):
    assert getattr(getattr(load_recipe("paper", [override]), section), key) == value


def test_later_overrides_and_the_seed_win():
    recipe = load_recipe("paper", ["optim.lr=1", "optim.lr=2", "seed=3"], seed=4)
    assert (recipe.optim.lr, recipe.seed) == (2, 4)


def test_recipe_cannot_be_changed_in_place():
    recipe = load_recipe("paper")
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 1
    with pytest.raises(ValidationError, match="frozen"):
        recipe.optim.lr = 1.0
    assert isinstance(recipe.model.blocks, tuple)


KEYS = [*sorted(leaves(load_recipe("paper").model_dump())), "optim", "model"]
SCRAPS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["resnet", "speednet", "muon", "best", "2026-13-01", "0x_", "!!bool a", "=", "["]
    ),
    st.lists(st.one_of(st.integers(-2, 9), st.text(max_size=3)), max_size=4),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


def one_line_or(build: Callable[[], Recipe]) -> Recipe | None:
    try:
        return build()
    except RecipeError as error:
        text = str(error)
    assert len(text.splitlines()) == 1
    return None


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.one_of(st.sampled_from(KEYS), st.text(max_size=12)), SCRAPS), max_size=3),
    st.sampled_from(["paper", "quick"]),
)
def test_no_override_gives_anything_but_a_recipe_or_one_line(
    changes: list[tuple[str, object]], name: str
):
    recipe = one_line_or(lambda: load_recipe(name, [f"{key}={value}" for key, value in changes]))
    assert recipe is None or build_recipe(yaml.safe_load(recipe.to_yaml())) == recipe


@settings(max_examples=100)
@given(st.dictionaries(st.one_of(st.sampled_from(list(Recipe.model_fields)), st.text()), SCRAPS))
def test_no_tree_gives_anything_but_a_recipe_or_one_line(tree: dict[str, Any]):
    recipe = one_line_or(lambda: build_recipe(tree))
    assert recipe is None or isinstance(recipe.name, str)
