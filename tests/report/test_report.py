"""A report of one run: what it shows, and that it shows what happened."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import thriftnet
from made_runs import make_run
from page_shown import Shown
from small import opened, sitting, small_recipe
from thriftnet.errors import RunError
from thriftnet.evaluation.calibration import equal_mass_error
from thriftnet.models.build import build_model
from thriftnet.models.describe import count_macs, count_parameters
from thriftnet.models.resnet import ResNet
from thriftnet.models.saved import read_model, save_model
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.recipe.sections import InitSection
from thriftnet.report import style
from thriftnet.report.blocks import block_table
from thriftnet.report.build import Report
from thriftnet.report.classes import count_confusion
from thriftnet.report.drawing import finish
from thriftnet.report.facts import head_facts
from thriftnet.report.record import read_record
from thriftnet.report.seen import first_images
from thriftnet.report.training.curves import epoch_seconds
from thriftnet.report.training.schedule import schedule_parts
from thriftnet.runs.folder import RunFolder

FIGURES = {
    "accuracy", "architecture", "augmentation", "classes", "confusion", "filters",
    "learning-rate", "loss", "mistakes", "reliability", "risk-coverage", "steps", "time", "usage",
}  # fmt: skip


def test_every_figure_is_on_the_page_and_in_both_files(report: Report):
    assert report.missing == ()
    assert {path.name for path in report.figures} == {
        f"{name}.{ending}" for name in FIGURES for ending in ("svg", "png")
    }
    for path in report.figures:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert picture.width > 400
        else:
            assert path.read_text("utf-8").startswith("<?xml")
    page = Shown(report.page)
    assert {str(a["id"]) for a in page.named("figure")} == {f"figure-{name}" for name in FIGURES}


def test_page_needs_nothing_from_outside_and_every_image_has_words(report: Report):
    page = Shown(report.page)
    for tag, attributes in page.found:
        for key in ("src", "href", "xlink:href"):
            assert re.match(r"#|data:image/png;base64,", attributes.get(key) or "#"), tag
    images = page.named("img")
    assert len(images) == 32  # 16 mistakes, 8 training images before and after
    assert all(len(str(image["alt"])) > 20 for image in images)
    drawn = page.named("svg")
    assert len(drawn) == len(FIGURES) - 2
    assert all(a["role"] == "img" and len(str(a["aria-label"])) > 40 for a in drawn)
    ids = [a["id"] for _, a in page.found if "id" in a]
    assert len(ids) == len(set(ids))


def test_same_run_gives_the_same_files(report: Report, trained: Path, tmp_path: Path):
    folder = tmp_path / report.page.parent.name  # which the page's own command has
    second = thriftnet.write_report(trained, output=folder)
    assert report.page.read_bytes() == second.page.read_bytes()
    for one, other in zip(report.figures, second.figures, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_figures_of_the_page_are_those_of_the_run(report: Report, trained: Path):
    page = Shown(report.page)
    run = RunFolder.open(trained)
    lines = run.metrics()
    test = next(line for line in lines if line["kind"] == "test")
    assert f"{test['accuracy']:.2%}" in page.text
    for line in lines:
        if line["kind"] == "epoch":
            assert f"{line['val_loss']:.4f}" in page.text
    said = run.load_predictions()
    assert said is not None
    logits = torch.from_numpy(next(iter(said.logits.values())))
    wrong = logits.argmax(1).numpy() != said.labels
    sure = logits.double().softmax(1).amax(1).numpy()
    assert f"Calibration error {equal_mass_error(sure, ~wrong):.4f} (95% " in page.text
    worst = int(np.flatnonzero(wrong)[sure[wrong].argmax()])
    assert f"image {worst}" in page.text
    assert f"Of {wrong.sum():,} misclassified test images" in page.text


MARKUP = '<script>alert("1")</script>'


def test_a_name_like_a_colour_or_an_id_is_shown_as_it_is() -> None:
    """Colours and ids of the drawing are the page's, and those in a text are not."""
    with style.figure_style():
        axes = style.new_axes()
        axes.plot([0, 1], [0, 1], color=style.BLUE, label=style.BLUE)
        axes.set_title('id="a url(#b) 0.12345')
        axes.legend()
        element = finish(axes, name="f", title="", caption="", alt="").page_svg
    text = re.sub(r"<[^>]*>", "", element)
    assert style.BLUE in text
    assert 'id="a url(#b) 0.12345' in text
    assert "var(--blue)" in element
    assert "var(--" not in text


def test_figures_of_others_are_not_replaced(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (tmp_path / "paper" / "figures").mkdir(parents=True)
    own = tmp_path / "paper" / "figures" / "loss.png"
    own.write_bytes(b"my own")
    with pytest.raises(RunError, match="figures holds other files than a report's; choose another"):
        thriftnet.write_report(run.path, output=tmp_path / "paper")
    assert own.read_bytes() == b"my own"


def test_a_report_of_nothing_is_refused() -> None:
    with pytest.raises(RunError, match="needs a run folder or a study"):
        thriftnet.write_report([])


def test_words_of_users_are_shown_and_never_markup(copied: Path, tmp_path: Path):
    folder = copied.rename(copied.parent / "a<img src=x onerror=alert(2)>&amp;$x$")
    run = RunFolder.open(folder)
    _, _, recipe = run.recipe_path.read_text("utf-8").partition("\n")  # without its digest
    run.recipe_path.write_text(recipe.replace("description: ''", f"description: '{MARKUP}'"))
    run.environment_path.write_text('{"processor": "</table><iframe>", "command": ["<b>"]}')
    model = read_model(run.model_path)
    names = [f"{MARKUP}{number}" for number in range(8)] + [
        "$\\alpha$",
        "\x00\x1b\u732b\ud83d\ude00",
    ]
    object.__setattr__(model, "classes", tuple(names))
    save_model(run.model_path, model)

    report = thriftnet.write_report(folder, output=tmp_path / "out")
    page = Shown(report.page)
    assert len(page.named("script")) == 5  # the theme, the page, three files of the charts
    assert not [tag for tag, a in page.found if tag in {"iframe", "b"} or "onerror" in a]
    for shown in ("a<img src=x onerror=alert(2)>&amp;$x$", MARKUP, "</table><iframe>", "$\\alpha$"):
        assert shown in page.text
    for path in report.figures:
        if path.suffix == ".svg":
            assert "<script" not in path.read_text("utf-8")
    assert any("classes are not those of cifar10" in text for text in report.missing)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train": {"micro_batch": 8, "epochs": 1}},
        {"train": {"sizes": [[1, 24]], "epochs": 2}},
        {"augment": {"mixup": 1.0, "cutmix": 1.0}, "data": {"val_ratio": 0}},
        {
            "train": {"hard_fraction": 0.5, "epochs": 1},
            "schedule": {"warmup_epochs": 0.25},
            "augment": {"policy": "trivialaugment"},
        },
    ],
)
def test_augmentation_shown_is_what_the_network_was_fed(changes: dict[str, object], tmp_path: Path):
    recipe = small_recipe(seed=5, **changes)
    fed: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, ResNet) and module.training:
            fed.append(inputs[0].clone())

    handle = nn.modules.module.register_module_forward_pre_hook(keep)
    try:
        _, run = sitting(recipe, tmp_path / "run")
    finally:
        handle.remove()
    originals, seen, targets = first_images(read_record(run.path), opened())
    assert torch.equal(seen, fed[0])
    assert len(originals) == len(targets) == len(seen)
    torch.testing.assert_close(targets.sum(1), torch.ones(len(seen)))


@pytest.mark.parametrize("name", shipped_recipes())
def test_blocks_add_up_to_the_network(name: str):
    recipe = load_recipe(name)
    network = build_model(classes=10, **recipe.model.model_dump())
    blocks = block_table(network)
    assert sum(block.parameters for block in blocks) == count_parameters(network)
    assert sum(block.macs for block in blocks) == count_macs(network)
    groups = sum(recipe.model.blocks) if recipe.model.family == "resnet" else 3
    assert len(blocks) == groups + 2  # stem and head
    assert blocks[-1].output_shape == (10,)


def test_block_gives_what_leaves_it_and_not_what_its_last_layer_gives():
    network = build_model(
        family="resnet", classes=4, blocks=[1, 1], channels=[8, 16], squeeze_excitation=4
    )
    shapes = {block.name: block.output_shape for block in block_table(network)}
    assert shapes == {
        "stem": (8, 32, 32),
        "stages.0.0": (8, 32, 32),
        "stages.1.0": (16, 16, 16),
        "head": (4,),
    }
    contents = {block.name: block.content for block in block_table(network)}
    assert contents["stages.1.0"].endswith("+ shortcut conv 1×1 /2")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("paper", [("warm-up", 0, 50), ("cosine decay", 50, 500)]),
        ("authors", [("warm-up", 0, 50), ("cosine decay", 50, 500)]),
        ("smoke", [("cosine rise", 0, 5), ("cosine decay", 5, 20)]),
        ("quick", [("linear decay", 0, 120)]),
        ("paper-sgd", [("×0.7 every 3 epochs", 0, 500)]),
    ],
)
def test_parts_of_the_schedules(name: str, parts: list[tuple[str, int, int]]):
    recipe = load_recipe(name)
    total = round(recipe.train.epochs * 10)
    assert schedule_parts(recipe.schedule, steps_per_epoch=10, total=total) == parts


def test_cosine_that_ends_early_leaves_a_floor():
    recipe = load_recipe("authors", ["schedule.cosine_epochs=20"])
    parts = schedule_parts(recipe.schedule, steps_per_epoch=10, total=500)
    assert parts[1:] == [("cosine decay", 50, 250), ("floor", 250, 500)]


def test_weights_that_a_run_started_from_are_named(trained: Path):
    record = read_record(trained)
    assert "Started from" not in dict(head_facts(record))
    recipe = record.recipe.model_copy(update={"init": InitSection(weights="strong")})
    assert dict(head_facts(replace(record, recipe=recipe)))["Started from"] == "strong"


def test_time_is_split_into_training_and_the_rest(trained: Path):
    record = read_record(trained)
    epochs, training, other = epoch_seconds(record)
    assert epochs == [1, 2, 3]
    assert sum(training) + sum(other) == pytest.approx(record.epochs[-1]["seconds"])
    for line, seconds in zip(record.epochs, training, strict=True):
        assert seconds == pytest.approx(50 / line["images_per_second"])
    assert min(other) > 0


def test_confusion_of_known_answers():
    logits = np.eye(3, dtype=np.float32)[[0, 1, 1, 0]]
    counts = count_confusion(logits, np.array([0, 1, 0, 0]))
    assert counts.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
