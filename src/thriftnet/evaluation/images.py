"""Opens the network and the images of an evaluation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from thriftnet.data import Dataset, OpenDataset
from thriftnet.data.cifar10.published import find_cifar10_1, find_cifar10_c
from thriftnet.data.places import are_one
from thriftnet.errors import DataError, NoColumnError
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.recipe.sections import DataSection
from thriftnet.runs.evaluations import OWN_TEST
from thriftnet.runs.folder import RunFolder
from thriftnet.training.data import open_data, trained_section
from thriftnet.training.images import HELD_OUT
from thriftnet.weights.find import find_model


def open_target(target: Path | str | SavedModel) -> tuple[SavedModel, RunFolder | None]:
    """The network to evaluate, and its run if there is one.

    Args:
        target: The name of shipped weights, a run folder, a model file or a loaded model.

    Raises:
        RunError: There is no finished network at `target`, or its file is damaged.
    """
    if isinstance(target, SavedModel):
        return target, None
    found = find_model(target)
    return read_model(found.path), found.run


def check_classes(model: SavedModel, dataset: Dataset) -> None:
    """Check that the classes of images are the network's.

    Raises:
        DataError: They are not.
    """
    if dataset.classes != model.classes:
        raise DataError(
            f"the network has the classes {', '.join(model.classes)}, and the images have the "
            f"classes {', '.join(dataset.classes)}; give images of the network's classes"
        )


def images_to_test(
    model: SavedModel,
    run: RunFolder | None,
    source: Path | None,
    *,
    strict: bool,
    say: Callable[[str], None],
) -> tuple[Dataset, str]:
    """The images to evaluate a network on.

    Args:
        model: The network.
        run: Its run; None for a model file.
        source: Path of the images; None: those of the run, or CIFAR-10.
        strict: Whether an unusable picture is an error.
        say: Called with one line of information at a time.

    Returns:
        The test split, or all images of another data set without one, and the data set's name in
        evaluations: `test` for the data that the network was trained on.

    Raises:
        DataError: The images cannot be opened, or have classes that the network lacks.
    """
    if source is not None and find_cifar10_c(source):
        raise DataError(f"{source} is CIFAR-10-C, 75 sets of images; evaluate on it with --robust")
    if source is not None and (found := find_cifar10_1(source)):
        return found
    trained_on = model.about.get("data")
    _refuse_own_of_fold(trained_on, source)
    remedy = "give pictures with --data PATH"
    settings = trained_section(model, run, source=source, remedy=remedy)
    settings = settings.model_copy(update={"decisions": None})  # they change no test split
    images = _opened(settings, source, model, strict=strict, say=say)
    _refuse_own_of_fold(trained_on, source, images)
    if images.name == "cifar10":
        return images.split("test"), OWN_TEST if trained_on is None else images.name
    digests = images.digests()
    decided = trained_on.get("decisions") if isinstance(trained_on, dict) else None
    if trained_on in (digests, {**digests, "decisions": decided}):
        return images.split("test"), OWN_TEST
    short = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{Path(images.name).name}@{short}"
    own = _is_own(images.name, settings)
    if images.whole is not None and not own:
        say(
            f"{images.name} has no test split and differs from the training data: all of it is "
            "used, and training pictures among them would raise the accuracy"
        )
        return images.whole(), name
    if trained_on is not None and own:
        held_out_now = ", and the network may have been trained on some of these test pictures"
        risk = held_out_now if images.whole is not None else ""
        say(f"{images.name} has changed since the training: the result is saved as {name}{risk}")
    return images.split("test"), name


def _opened(
    settings: DataSection,
    source: Path | None,
    model: SavedModel,
    *,
    strict: bool,
    say: Callable[[str], None],
) -> OpenDataset:
    """Open the data of a training, or other data without those of its columns that they lack.

    Moved data of the training need its columns and groups, which decide what is held out; others
    may be called otherwise, and a group changes nothing where all pictures are evaluated.

    Raises:
        DataError: As `open_data`.
    """
    known = source is None or _is_own(source.expanduser(), settings)
    while True:
        try:
            return open_data(settings, source, model=model, strict=strict, known=known, say=say)
        except NoColumnError as fault:
            if known:
                raise
            value = getattr(settings, fault.key)
            say(f"{source} has no {value}, data.{fault.key} of the training; continuing without it")
            settings = settings.model_copy(update={fault.key: None})


def _is_own(path: Path | str, settings: DataSection) -> bool:
    """Whether a path is that of the training's data, however it is written."""
    return Path(settings.dataset).is_absolute() and are_one(path, settings.dataset)


def _refuse_own_of_fold(
    trained_on: object, source: Path | None, images: OpenDataset | None = None
) -> None:
    """See that an audit's network is not evaluated on the data set that it was trained on.

    It was trained on all pictures but its fold's, those of the test split among them.

    Args:
        trained_on: Digests of what the network was trained on.
        source: Path of other images; None: those of its run.
        images: Where they are open already.

    Raises:
        DataError: It is.
    """
    if not isinstance(trained_on, dict) or HELD_OUT not in trained_on:
        return
    if source is None or (images is not None and images.digests().items() <= trained_on.items()):
        raise DataError(
            "this network is from an audit: it was trained on most of the test images, too, so its "
            "accuracy on them is meaningless; give images that it never saw with --data PATH"
        )
