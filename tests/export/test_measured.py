"""The accuracy on a page is what was measured of that network, with the views of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from small import small_recipe
from thriftnet.export.gate import Check
from thriftnet.export.measured import Measured, measured_accuracy
from thriftnet.export.page.facts import page_facts
from thriftnet.export.pipeline import Exported
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run
from thriftnet.terminal.exports import print_export
from thriftnet.weights.find import find_model
from tiny_network import tiny_file


@pytest.fixture
def model(tmp_path: Path) -> SavedModel:
    return read_model(tiny_file(tmp_path))


def run(path: Path, *lines: tuple[str, str, float], dataset: str = "cifar10") -> RunFolder:
    """A run with tests, each of views, precision and accuracy."""
    made = create_run(path, small_recipe(data={"dataset": dataset, "val_ratio": 0.2}), {})
    for tta, precision, accuracy in lines:
        limits = [accuracy - 0.01, accuracy + 0.01]
        line = {"kind": "test", "tta": tta, "precision": precision, "accuracy": accuracy}
        made.append({**line, "accuracy_interval": limits})
    return made


def test_the_views_of_the_export_decide_and_fp32_comes_first(
    model: SavedModel, tmp_path: Path
) -> None:
    found = run(
        tmp_path / "run",
        ("none", "fp32", 0.91),
        ("none", "bf16", 0.92),
        ("flip", "bf16", 0.95),
        dataset=str(tmp_path / "photos"),
    )
    assert measured_accuracy(model, found, "none") == Measured(
        0.91, (pytest.approx(0.90), pytest.approx(0.92)), "fp32", "the test images of photos"
    )
    mirrored = measured_accuracy(model, found, "flip")
    assert mirrored
    assert str(mirrored) == "95.00% (95% 94.00% to 96.00%)"
    assert mirrored.precision == "bf16"
    assert measured_accuracy(model, found, "shift") is None
    assert measured_accuracy(model, run(tmp_path / "new"), "none") is None
    assert measured_accuracy(model, None, "none") is None


def test_a_page_says_what_was_measured_and_on_what(model: SavedModel, tmp_path: Path) -> None:
    how = replace(model, tta="none").preprocessing
    measured = measured_accuracy(model, run(tmp_path / "run", ("none", "fp32", 0.5)), "none")
    facts = page_facts(model, how, name="mine", weights="int8", measured=measured)
    assert facts.rows[0] == ("Test accuracy", "50.00%")
    assert facts.notes[0] == (
        "The accuracy is that of the network in fp32, without test-time augmentation, on the test "
        "images of CIFAR-10 (95% interval: 49.00% to 51.00%); here it runs in int8."
    )


def test_shipped_weights_have_that_of_their_card() -> None:
    found = measured_accuracy(read_model(find_model("quick").path), None, "none")
    assert found
    assert found.images == "the 10,000 test images of CIFAR-10"
    assert found.interval
    assert found.interval[0] < found.accuracy < found.interval[1]


def test_an_accuracy_over_training_images_is_no_test_accuracy(
    model: SavedModel, capsys: pytest.CaptureFixture[str]
):
    known = Measured(0.72, (0.65, 0.79), "bf16", "the test images of photos")
    check = Check(
        pictures=380,
        source="380 training images of photos",
        largest_difference={1: 0.0},
        equal_answers=1,
        accuracy=0.99,
        accuracy_fp32=0.99,
    )
    print_export(
        Exported(
            path=Path("a.onnx"),
            to="onnx",
            about="ONNX",
            size_bytes=8,
            preprocessing=model.preprocessing_with("none"),
            recipe_tta="none",
            check=check,
            others={},
            measured=known,
        )
    )
    said = capsys.readouterr().out
    assert "accuracy there  99.00%, of the network in fp32 99.00%" in said
    assert (
        "test accuracy   72.00% (95% 65.00% to 79.00%), in bf16 on the test images of photos"
        in said
    )
