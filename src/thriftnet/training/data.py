"""Opens the data set of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from thriftnet.data.opened import OpenDataset
from thriftnet.data.options import DatasetSpec, Fit, SourceOptions
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError
from thriftnet.plain import to_stderr
from thriftnet.recipe import Recipe
from thriftnet.recipe.sections import DataSection


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
    classes: tuple[str, ...] | None = None,
    image_size: int | None = None,
    fit: Fit | None = None,
    strict: bool = False,
    say: Callable[[str], None] = to_stderr,
) -> OpenDataset:
    """Open the data set of a recipe's section `data`.

    Args:
        settings: The section.
        source: Replaces the section's data set.
        classes: Classes of the network for the images; None: those of the training split.
        image_size: Image size of that network in pixels; None: that of the section.
        fit: Fit of that network; None: that of the section.
        strict: Whether anything left out is an error.
        say: Called with each line about what the data holds.

    Raises:
        DataError: It cannot be had, or holds nothing that can be used.
    """
    spec = replace(data_spec(settings, source), classes=classes, strict=strict)
    if image_size is not None:
        spec = replace(spec, image_size=image_size)
    if fit is not None:
        spec = replace(spec, fit=fit)
    return open_dataset(spec, say=say)


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
