"""Page of one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from thriftnet.commands import command, shell_line
from thriftnet.data import OpenDataset
from thriftnet.data.registry import is_at_hand
from thriftnet.errors import DataError
from thriftnet.evaluation.calibration import calibration_report
from thriftnet.models.build import build_model
from thriftnet.report import classes, network, seen, tables
from thriftnet.report.blocks import block_table
from thriftnet.report.drawing import Drawing
from thriftnet.report.facts import head_facts
from thriftnet.report.page import THIS_PAGE, Page, Section
from thriftnet.report.record import RunRecord, folders_of
from thriftnet.report.reliability import (
    calibration_table,
    draw_reliability,
    draw_risk_coverage,
)
from thriftnet.report.robustness import robustness_section
from thriftnet.report.training import curves, schedule
from thriftnet.report.training.loss import draw_loss
from thriftnet.report.training.steps import draw_steps
from thriftnet.report.training.usage import draw_usage
from thriftnet.training.data import open_data
from thriftnet.training.environment import package_version


def single_page(record: RunRecord, *, data: Path | None) -> Page:
    """Make the page of a run; missing parts are listed in `missing`.

    Raises:
        DataError: `data` was given and cannot be read.
    """
    missing = list(record.missing)
    images = _load_images(record, data, missing)
    tests = images is None or "test" in images.splits
    missing += record.untested_notes(tests=tests)
    sections = [
        _training(record),
        _test(record, images, missing),
        robustness_section(record.robustness),
        _network(record),
        _seen(record, images),
        _reproduce(record, tests=tests),
    ]
    recipe = record.recipe
    named = f"Recipe {recipe.name}, seed {recipe.seed}"
    named += f": {recipe.description}" if recipe.description else ""
    return Page(
        title=record.run.name,
        subtitle=named if record.recipe_known else "A network, as described by its file",
        facts=head_facts(record),
        missing=tuple(missing),
        sections=tuple(s for s in sections if s and (s.drawings or s.tables)),
        footer=f"Written by thriftnet {package_version()}. "
        "The figures are in figures/ as PNG and SVG.",
        folders=folders_of(record),
    )


def _training(record: RunRecord) -> Section:
    rate = schedule.draw_learning_rate(record)
    if not record.epochs:
        return Section("Training", (rate,) if rate else ())
    drawings = (
        draw_loss(record),
        curves.draw_accuracy(record),
        draw_steps(record),
        rate,
        curves.draw_time(record),
        draw_usage(record),
    )
    return Section(
        "Training",
        tuple(drawing for drawing in drawings if drawing),
        (tables.epochs_table(record),),
    )


def _test(record: RunRecord, images: OpenDataset | None, missing: list[str]) -> Section:
    test_set = images.find("test") if images else None
    evaluations = (tables.evaluations_table(record),) if record.evaluations else ()
    if record.logits is None or record.labels is None:
        return Section("Test images", (), evaluations)
    counts = classes.count_confusion(record.logits, record.labels)
    probabilities = calibration_report(record.logits, record.labels)
    drawings: list[Drawing] = [
        classes.draw_confusion(counts, record.classes),
        classes.draw_classes(counts, record.classes),
        draw_reliability(probabilities, record.logits, record.labels),
        draw_risk_coverage(record.logits, record.labels),
    ]
    if test_set is not None and np.array_equal(test_set.labels, record.labels):
        wrong = seen.draw_mistakes(
            record.logits, record.labels, test_set, record.classes, _titles(images)
        )
        if wrong:
            drawings.append(wrong)
    elif test_set is not None:
        missing.append(
            "The predictions are of other images than the test split: mistakes are not shown."
        )
    shares = tables.classes_table(counts, record.classes)
    figures = calibration_table(probabilities)
    return Section("Test images", tuple(drawings), (*evaluations, shares, figures))


def _titles(images: OpenDataset | None) -> Callable[[int], str]:
    """Titles of test images: file names of own pictures, else numbers."""
    if images is None or images.name == "cifar10" or images.collection is None:
        return lambda number: f"image {number}"
    collection = images.collection()
    at = collection.positions["test"]
    return lambda number: collection.title(int(at[number]))


def _network(record: RunRecord) -> Section:
    model = record.model
    net = (
        model.network
        if model
        else build_model(classes=len(record.classes), **record.recipe.model.model_dump())
    )
    name, count, side = record.recipe.name, len(record.classes), record.recipe.data.image_size
    blocks = block_table(net, image_size=side)
    drawings = [network.draw_architecture(blocks, name=name, classes=count, image_size=side)]
    filters = network.first_filters(net) if model else None  # noise if untrained
    if filters is not None:
        drawings.append(network.draw_filters(filters))
    return Section("Network", tuple(drawings), (tables.blocks_table(blocks),))


def _seen(record: RunRecord, images: OpenDataset | None) -> Section:
    if images is None or not record.recipe_known:
        return Section("Augmentation")
    return Section("Augmentation", (seen.draw_augmentation(record, images),))


def _reproduce(record: RunRecord, *, tests: bool) -> Section:
    """Recipe, environment, and the commands that reproduce the run."""
    if record.alone:
        return _origin(record)
    path = record.run.path
    again = ["--name", f"{record.run.name}-again"]
    commands = [
        ("The same experiment again:", command("train", record.run.recipe_path, *again)),
        *([("Its test figures:", command("evaluate", path))] if tests else []),
        (THIS_PAGE, command("report", path)),
    ]
    commands = [*_checkouts(record), *commands]
    started = record.environment.get("command")
    if isinstance(started, list) and started:
        program = Path(str(started[0])).name.replace("__main__.py", "thriftnet")
        words = shell_line(program, *map(str, started[1:]))
        commands.insert(0, ("It was started by:", words))
    found = [tables.recipe_table(record)]
    if record.environment:
        found.append(tables.environment_table(record))
    return Section("Recipe, environment, commands", (), tuple(found), tuple(commands))


def _origin(record: RunRecord) -> Section:
    """What is known of the training of a network that has no log."""
    found = [tables.environment_table(record)]
    if not record.recipe_known:
        return Section("Origin", (), tuple(found))
    again = command("train", record.recipe.name, "--seed", str(record.recipe.seed))
    commands = [*_checkouts(record), ("The same experiment again:", again)]
    return Section("Origin", (), (tables.recipe_table(record), *found), tuple(commands))


def _checkouts(record: RunRecord) -> list[tuple[str, str]]:
    """Commands to get the versions of the code that the run used."""
    found: list[tuple[str, str]] = []
    last = None
    for facts in record.environments:
        commit = facts.get("commit")
        if not isinstance(commit, str) or commit == last:
            continue
        last, revision = commit, commit.removesuffix("+changes")
        since = f" from step {facts['step']:,} on" if "step" in facts else ""
        changed = " (with uncommitted changes)" if commit != revision else ""
        found.append((f"The code it ran{since}{changed}:", f"git checkout {revision}"))
    return found


def _load_images(record: RunRecord, data: Path | None, missing: list[str]) -> OpenDataset | None:
    """The run's images if they are on this machine; else None, and the remedy is noted."""
    settings = record.recipe.data
    if data is None and not is_at_hand(settings.dataset):
        missing.append(
            f"{settings.dataset} is not on this machine, or other users may write there: its "
            f"pictures are not shown; give its path: {command('report', record.target)} "
            "--data PATH"
        )
        return None
    try:
        images = open_data(settings, data, say=lambda _: None)
    except DataError as fault:
        if data is not None:
            raise
        missing.append(str(fault))
        return None
    if images.classes != record.classes:
        missing.append(
            f"The network's classes are not those of {images.name}: its pictures are not shown."
        )
        return None
    return images
