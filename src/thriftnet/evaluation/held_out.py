"""Finds held-out images for the calibration of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from thriftnet.data import Dataset
from thriftnet.errors import DataError, RunError
from thriftnet.evaluation.fit_calibration import check_labels
from thriftnet.evaluation.images import check_classes, images_to_test
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe import Recipe
from thriftnet.runs.advice import held_out_advice, started
from thriftnet.runs.evaluations import OWN_TEST
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.paths import model_file
from thriftnet.training.data import open_data, other_images, own_section
from thriftnet.training.images import split_sets


@dataclass(frozen=True)
class HeldOut:
    """Held-out images and their network."""

    images: Dataset
    model: SavedModel
    """The network to calibrate, or its companion."""
    source: Literal["validation", "companion", "data"]


def held_out_images(
    model: SavedModel,
    run: RunFolder | None,
    *,
    name: str,
    data: Path | None,
    companion: Path | None,
    say: Callable[[str], None],
) -> HeldOut:
    """Find images to calibrate a network with.

    Args:
        model: The network.
        run: Its run; None for a model file.
        name: Name of the network in messages.
        data: Labelled held-out images; with a companion, the path of its data set.
        companion: A run of the same recipe with a validation split; its network and its validation
            images are used.
        say: Called with one line of information at a time.

    Raises:
        RunError: Nothing was held out, or the companion has another recipe.
        DataError: The images cannot be opened, have other classes, are the test images, are too few
            or of one class.
    """
    held = _find(model, run, name=name, data=data, companion=companion, say=say)
    if held.source == "data":
        what, remedy = f"images of {data}", "give more"
    else:
        what, remedy = f"validation images of {companion or name}", _remedy(model, run)
    check_labels(held.images.labels, what, remedy=remedy)
    return held


def _find(
    model: SavedModel,
    run: RunFolder | None,
    *,
    name: str,
    data: Path | None,
    companion: Path | None,
    say: Callable[[str], None],
) -> HeldOut:
    if companion is not None:
        other = RunFolder.open(companion)
        twin = read_model(model_file(companion))
        _check_companion(model, twin, other.recipe(), companion, run)
        return HeldOut(_validation(other, twin, data, companion, say=say), twin, "companion")
    if data is not None:
        images, found = images_to_test(model, run, data, strict=False, say=say)
        if found == OWN_TEST and run is not None:  # its own data set, which may have moved
            images = _validation(run, model, data, Path(name), say=lambda _: None)  # it is said
            return HeldOut(images, model, "validation")
        if found == OWN_TEST:
            raise DataError(
                f"{data} holds the test images of {name}, which are reserved for evaluation; give "
                "images that it was neither trained nor evaluated on"
            )
        check_classes(model, images)
        return HeldOut(images, model, "data")
    if run is None:
        raise RunError(f"{name} is not a run with validation images; {_remedy(model, None)}")
    return HeldOut(_validation(run, model, None, Path(name), say=say), model, "validation")


def _validation(
    run: RunFolder,
    model: SavedModel,
    data: Path | None,
    path: Path,
    *,
    say: Callable[[str], None],
) -> Dataset:
    """The validation images of a run's training."""
    recipe = run.recipe()
    settings = own_section(run, recipe.data)
    nothing = f"{path} has no held-out images (data.val_ratio is 0); {_remedy(model, run)}"
    if started(run).get("val_images") == 0:
        raise RunError(nothing)
    opened = open_data(settings, data, model=model, known=True, say=say)
    # A damaged environment.json says nothing; a model of CIFAR-10 does not either.
    trained_on = model.about.get("data") or run.environment().get("data")
    if trained_on and opened.digests() != trained_on:
        raise DataError(
            other_images(
                str(path),
                opened.name,
                trained_on=trained_on,
                now=opened.digests(),
                decisions=settings.decisions,
                remedy="name those with --data PATH",
            )
        )
    _, (held, positions) = split_sets(recipe, opened)
    if not len(positions):
        raise RunError(nothing)
    images = held.subset(positions)
    check_classes(model, images)
    return images


def _check_companion(
    model: SavedModel, twin: SavedModel, recipe: Recipe, path: Path, run: RunFolder | None
) -> None:
    """Check that a companion differs only in its validation split and seed."""
    wanted = model.about.get("digest")
    held = recipe.data.val_ratio
    for ratio in (held, 0.0):
        data = recipe.data.model_copy(update={"val_ratio": ratio})
        same = recipe.model_copy(update={"data": data}).digest() == wanted
        if same and twin.classes == model.classes:
            return
    raise RunError(
        f"{path} has another recipe than the network ({recipe.digest()}, not {wanted} with "
        f"images held out); {_remedy(model, run)}"
    )


def _remedy(model: SavedModel, run: RunFolder | None) -> str:
    return held_out_advice(run, recipe=model.about.get("recipe"))
