"""Micro-batches that need more memory than there is are refused, with a remedy that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands import Command, in_this_process
from small import opened, small_recipe, use_images
from thriftnet.errors import TooLargeError
from thriftnet.recipe import Recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.distributed import micro_batches
from thriftnet.training.setup import make_plan, recipe_network
from thriftnet.training.start import start_run


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a few images count."""
    monkeypatch.setattr(micro_batches, "_SMALL", 0)
    monkeypatch.setattr(micro_batches, "_USABLE", 1.0)


def plan(recipe: Recipe, *, resumed: bool = False):
    return make_plan(recipe, opened(), recipe_network(recipe, classes=10), resumed=resumed)


def image(recipe: Recipe) -> float:
    model = recipe_network(recipe, classes=10)
    return micro_batches.bytes_per_image(model, recipe.train.views, "fp32", side=32)


def whole(batch: int, **train: object) -> Recipe:
    """All 50 training images in one micro-batch."""
    return small_recipe(train={"batch_size": batch, **train})


@pytest.mark.parametrize("batch", [50, 10**12, 10**30])
def test_a_batch_that_does_not_fit_names_one_that_does(batch: int, monkeypatch: pytest.MonkeyPatch):
    recipe = whole(batch)
    monkeypatch.setattr(micro_batches, "memory_limit", lambda: int(49 * image(recipe)))
    told = r"micro-batches of 50 images need about .* add --set train\.micro_batch=(\d+)$"
    with pytest.raises(TooLargeError, match=told) as caught:
        plan(recipe)
    found = re.search(told, str(caught.value))
    assert found
    smaller = whole(batch, micro_batch=int(found[1]))
    assert plan(smaller).micro_batch == int(found[1])
    assert plan(recipe, resumed=True).micro_batch == 50  # it cannot be changed any more


def test_nothing_is_refused_that_fits_or_where_the_memory_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
):
    recipe = whole(10**12)
    for limit in (int(51 * image(recipe)), None):
        monkeypatch.setattr(micro_batches, "memory_limit", lambda limit=limit: limit)
        assert plan(recipe).batch_size == 50


def test_where_no_micro_batch_fits_the_network_is_too_large(monkeypatch: pytest.MonkeyPatch):
    recipe = whole(50)
    monkeypatch.setattr(micro_batches, "memory_limit", lambda: int(image(recipe)))
    with pytest.raises(TooLargeError, match="train on smaller images, or a smaller network$"):
        plan(recipe)


def test_two_views_need_twice_as_much():
    both = small_recipe(augment={"augmix": 0.5}, train={"consistency": 1.0})
    assert image(both) == 2 * image(small_recipe())


def test_a_batch_of_more_images_than_there_are_gives_the_bits_of_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    use_images(monkeypatch)
    runs = [
        RunFolder.open(start_run(whole(batch), name=f"b{batch}", runs_dir=tmp_path).path)
        for batch in (50, 10**12)
    ]
    losses = [[line.get("train_loss") for line in run.metrics()] for run in runs]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "fault", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_ends_all_the_same_is_one_line(
    fault: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    thriftnet: Command = in_this_process(monkeypatch, capsys)

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("thriftnet.models.summary.summarise", fail)
    done = thriftnet("describe", "quick")
    assert done.code == 2
    assert "error: there is not enough memory; close other programs" in done.err
