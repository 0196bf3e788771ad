"""Spaces: what competes, what it counts, and what its recipes are."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from thriftnet.errors import SearchError
from thriftnet.models.build import build_model
from thriftnet.models.describe import count_macs, count_parameters
from thriftnet.recipe import load_recipe
from thriftnet.recipe.source import shipped_names
from thriftnet.search.candidates import count_candidates, trial_recipe, winner_recipe
from thriftnet.search.space import SHIPPED, load_space
from tiny import TINY, space_file


@pytest.fixture(scope="module")
def small() -> list[Any]:
    return count_candidates(load_space("small"))


def test_small_holds_dozens_of_candidates_and_the_papers_network(small: list[Any]):
    within = [candidate for candidate in small if not candidate.refused]
    assert 36 <= len(within) <= 60
    assert len(small) > len(within)
    assert all(candidate.parameters <= 5_000_000 for candidate in within)
    (paper,) = [candidate for candidate in small if candidate.reference]
    assert (paper.parameters, paper.macs) == (4_918_602, 798_689_792)
    papers = {"model.blocks": [3, 5, 3, 0], "model.channels": [64, 128, 256, 512]}
    assert paper.changes == papers
    resnet18 = {"model.blocks": [2, 2, 2, 2], "model.channels": [64, 128, 256, 512]}
    (too_large,) = [candidate for candidate in small if candidate.changes == resnet18]
    assert too_large.refused == "11,173,962 parameters, 6,173,962 too many"


def test_medium_has_the_grid_of_small():
    assert load_space("medium").grid == load_space("small").grid


def test_no_network_of_small_is_there_twice(small: list[Any]):
    """A stage without blocks has channels that do nothing."""
    networks = {
        tuple(
            pair
            for pair in zip(c.changes["model.blocks"], c.changes["model.channels"], strict=True)
            if pair[0]
        )
        for c in small
    }
    assert len(networks) == len(small)


def test_the_paper_joins_a_grid_without_it(tmp_path: Path):
    other = {"model.blocks": [2, 1, 0]}
    found = count_candidates(load_space(space_file(tmp_path, reference=other)))
    assert [candidate.changes for candidate in found if candidate.reference] == [other]
    without = count_candidates(load_space(space_file(tmp_path, reference=None)))
    assert not any(candidate.reference for candidate in without)


def test_a_reference_may_be_given_as_a_section(tmp_path: Path):
    for reference in (
        {"model": {"blocks": [1, 1, 1], "channels": [4, 8, 8]}, "optim.lr": 0.1},
        {"model.blocks": [1, 1, 1], "optim": {"lr": 0.1, **sgd(tmp_path)}},
    ):
        found = count_candidates(load_space(space_file(tmp_path, reference=reference)))
        (chosen,) = [candidate for candidate in found if candidate.reference]
        assert chosen.changes == {"model.blocks": [1, 1, 1], "optim.lr": 0.1}
        assert len(found) == 8


def sgd(folder: Path) -> dict[str, Any]:
    """The optimiser's other keys."""
    space = load_space(space_file(folder))
    return {key: value for key, value in space.base["optim"].items() if key != "lr"}


def test_counts_are_those_of_the_built_network(tmp_path: Path):
    space = load_space(space_file(tmp_path))
    for candidate in count_candidates(space)[:3]:
        recipe = trial_recipe(space, candidate, epochs=2, seed=5)
        network = build_model(classes=10, **recipe.model.model_dump())
        assert candidate.parameters == count_parameters(network)
        assert candidate.macs == count_macs(network)
        assert recipe.seed == 5
        assert recipe.digest() == candidate.digest


def test_too_many_multiply_accumulates_are_refused_too(tmp_path: Path):
    found = count_candidates(
        load_space(space_file(tmp_path, max_parameters=10**6, max_macs=700_000))
    )
    refused = [candidate for candidate in found if candidate.refused]
    assert refused
    assert all(f"{candidate.macs:,} MACs" in (candidate.refused or "") for candidate in refused)
    assert all(candidate.macs <= 700_000 for candidate in found if not candidate.refused)


def test_identity_is_the_experiment_not_the_name(tmp_path: Path):
    one = load_space(space_file(tmp_path))
    renamed = load_space(space_file(tmp_path, name="other", description="words"))
    longer = load_space(space_file(tmp_path, halving={"rungs": [1, 3], "eta": 2}))
    assert one.digest() == renamed.digest() != longer.digest()
    digests = [{c.digest for c in count_candidates(space)} for space in (one, renamed, longer)]
    assert digests[0] == digests[1]
    assert not digests[0] & digests[2]


def test_a_written_space_needs_nothing_else(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(load_recipe("smoke").to_yaml())
    space = load_space(space_file(tmp_path, base="mine.yaml"))
    (tmp_path / "mine.yaml").unlink()
    written = tmp_path / "elsewhere" / "space.yaml"
    written.parent.mkdir()
    written.write_text(space.to_yaml())
    assert load_space(written) == space


def test_the_winner_goes_back_to_all_images(tmp_path: Path):
    space = load_space(space_file(tmp_path))
    recipe = winner_recipe(space, count_candidates(space)[0])
    assert (recipe.data.fraction, recipe.data.image_size, recipe.train.epochs) == (1, 32, 10)


def test_a_key_that_stands_twice_counts_where_it_stands_last(tmp_path: Path):
    """A refined candidate names a key of a section that its grid gave as a whole."""
    optim = [{"name": "sgd", "lr": 0.05}, {"name": "adamw", "lr": 0.01}]
    path = space_file(
        tmp_path,
        set={**TINY["set"], "augment": {"flip": "random", "rotation": 5}},
        grid={"optim": optim},
        reference={},
        winner={"augment": {"flip": "none"}, "augment.cutout": 3},
    )
    space = load_space(path)
    changes = {"optim": optim[0], "optim.lr": 0.123, "augment.rotation": 24.0}
    recipe = space.recipe(changes, epochs=1, seed=0, name="tiny")
    assert (recipe.optim.name, recipe.optim.lr) == ("sgd", 0.123)
    assert (recipe.augment.flip, recipe.augment.rotation) == ("random", 24)
    refined = dataclasses.replace(count_candidates(space)[0], changes=changes)
    augment = winner_recipe(space, refined).augment
    assert (augment.flip, augment.rotation, augment.cutout) == ("none", 0, 3)


def test_a_recipe_leaves_nothing_behind_in_its_space(tmp_path: Path):
    space = load_space(space_file(tmp_path, set={**TINY["set"], "augment": {"flip": "random"}}))
    digest = space.digest()
    plain = space.recipe({}, epochs=1, seed=0, name="tiny")
    changed = space.recipe({"augment.brightness": 0.3}, epochs=1, seed=0, name="tiny")
    assert changed.augment.brightness == 0.3
    assert space.recipe({}, epochs=1, seed=0, name="tiny") == plain
    assert space.digest() == digest


QUICK = {
    "base": "quick",
    "max_parameters": 5_000_000,
    "set": {"data.val_ratio": 0.1},
    "grid": {"optim.lr": [0.2, 0.3]},
    "halving": {"rungs": [1, 3]},
    "validation": {"epochs": 6},
    "winner": {"train.epochs": 12},
    "reference": None,
}


def test_what_the_base_counts_in_epochs_follows_each_horizon(tmp_path: Path):
    """Otherwise a trial of quick at 3 epochs would never see a whole image."""
    space = load_space(space_file(tmp_path, **QUICK))
    first = count_candidates(space)[0]
    trials = [trial_recipe(space, first, epochs=epochs, seed=0) for epochs in (3, 6)]
    trials.append(winner_recipe(space, first))
    assert [trial.train.sizes for trial in trials] == [((1, 24),), ((2, 24),), ((4, 24),)]
    assert [trial.train.full_epochs for trial in trials] == [1, 2, 4]
    (tmp_path / "copy.yaml").write_text(space.to_yaml())
    assert (
        load_space(tmp_path / "copy.yaml", own=True) == space == load_space(tmp_path / "copy.yaml")
    )


def test_what_the_space_sets_is_kept_and_must_fit(tmp_path: Path):
    lengths = {"train.sizes": [[2, 24]], "train.full_epochs": 2}
    space = load_space(space_file(tmp_path, **{**QUICK, "set": {**QUICK["set"], **lengths}}))
    first = count_candidates(space)[0]
    assert trial_recipe(space, first, epochs=6, seed=0).train.sizes == ((2, 24),)
    lengths["train.sizes"] = [[3, 24]]
    space = load_space(space_file(tmp_path, **{**QUICK, "set": {**QUICK["set"], **lengths}}))
    with pytest.raises(
        SearchError, match=r"until epoch 3 of 3, .* \(with halving.rungs of the space"
    ):
        count_candidates(space)


@pytest.mark.parametrize("name", shipped_names(SHIPPED))
def test_the_shipped_spaces_set_their_lengths(name: str):
    """So their candidates keep the digests that studies and results have."""
    base = load_space(name).base
    assert base == load_recipe("smoke").model_dump(mode="json", exclude_defaults=True)


def test_a_study_of_an_earlier_version_keeps_its_base(tmp_path: Path):
    """Its candidates are known by digests."""
    tree = {**QUICK, "base": load_recipe("quick").model_dump(mode="json", exclude_defaults=True)}
    path = space_file(tmp_path, **tree)
    assert load_space(path, own=True).base == tree["base"]
    assert load_space(path).base["train"]["sizes"] == [[1, 24]]
