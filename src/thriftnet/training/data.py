"""Opens the data set of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec, SourceOptions
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError
from thriftnet.plain import to_stderr
from thriftnet.recipe import Recipe
from thriftnet.recipe.sections import DataSection

if TYPE_CHECKING:
    from thriftnet.models.saved import SavedModel
    from thriftnet.runs.folder import RunFolder


def data_spec(settings: DataSection, source: Path | None = None) -> DatasetSpec:
    """The data set specification of a recipe's section `data`.

    Args:
        settings: The section.
        source: Replaces the section's data set.
    """
    return DatasetSpec(
        dataset=settings.dataset,
        source=source,
        image_size=settings.image_size,
        fit=settings.fit,
        test_ratio=settings.test_ratio,
        decisions=None if settings.decisions is None else Path(settings.decisions),
        options=SourceOptions(
            image_column=settings.image_column,
            label_column=settings.label_column,
            split_column=settings.split_column,
            group=settings.group,
        ),
    )


def open_data(
    settings: DataSection,
    source: Path | None = None,
    *,
    model: SavedModel | None = None,
    strict: bool = False,
    known: bool = False,
    say: Callable[[str], None] = to_stderr,
) -> OpenDataset:
    """Open the data set of a recipe's section `data`.

    Args:
        settings: The section.
        source: Replaces the section's data set.
        model: The network for the images: its classes, image size and fit replace those of the
            training split and the section.
        strict: Whether anything left out is an error.
        known: Whether the training has told what it holds, so that one line is enough.
        say: Called with each line about what the data holds.

    Raises:
        DataError: It cannot be had, or holds nothing that can be used.
    """
    spec = replace(data_spec(settings, source), strict=strict, known=known)
    if model is not None:
        spec = replace(spec, classes=model.classes, image_size=model.image_size, fit=model.fit)
    return open_dataset(spec, say=say)


def other_images(
    who: str,
    opened: str,
    *,
    trained_on: object,
    now: Mapping[str, str],
    decisions: str | None,
    remedy: str,
) -> str:
    """What to say of images that are not those of a training.

    Args:
        who: The network or run.
        opened: Name of the images.
        trained_on: Digests of the training.
        now: Digests of the images.
        decisions: Path of the training's decisions on them; None: none.
        remedy: What to do about other pictures.
    """
    if decisions is not None and isinstance(trained_on, dict):
        own = cast("dict[str, str]", trained_on)
        if own != now and {**own, "decisions": ""} == {**now, "decisions": ""}:
            return (
                f"{decisions} has other decisions than {who} was trained with; restore that file, "
                "or train again"
            )
    return f"{who} was trained on other images than {opened} holds now; {remedy}"


def own_section(run: RunFolder, settings: DataSection) -> DataSection:
    """The section `data` of a run, with the decisions that its folder keeps.

    The file that it was trained with may have moved, or a later review may have replaced it.
    """
    if settings.decisions is None or not run.decisions_path.is_file():  # of an earlier version
        return settings
    return settings.model_copy(update={"decisions": str(run.decisions_path)})


def trained_section(
    model: SavedModel, run: RunFolder | None, *, source: Path | None = None, remedy: str
) -> DataSection:
    """The section `data` of the data set that a network was trained on.

    Args:
        model: The network.
        run: Its run; None for a model file, which was trained on CIFAR-10 unless it says otherwise.
        source: Path of the data set, if it is given.
        remedy: What to do if the data set is unknown, at the end of the message.

    Raises:
        DataError: A model file was trained on a user's own pictures, and no path is given.
    """
    if run is not None:
        return own_section(run, run.recipe().data)
    if source is None and model.about.get("data") is not None:
        raise DataError("the model file does not say where its training pictures are; " + remedy)
    return DataSection()


def with_dataset(recipe: Recipe, data: OpenDataset) -> Recipe:
    """A recipe that names the data set that was opened for it, wherever it is read again.

    Raises:
        DataError: The path of the data set is not UTF-8.
    """
    if recipe.data.dataset == data.name:
        return recipe
    if any("\ud800" <= mark <= "\udfff" for mark in data.name):
        raise DataError(f"the path {data.name} is not UTF-8, and no recipe can hold it; rename it")
    settings = recipe.data.model_copy(update={"dataset": data.name})
    return recipe.model_copy(update={"data": settings})
