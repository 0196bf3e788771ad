"""Several evaluations of one run, from the metrics to every place that shows them."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from small import dataset, sitting, small_recipe
from thriftnet.comparison.compare import compare
from thriftnet.data import CIFAR10_CLASSES
from thriftnet.evaluation import evaluate as evaluating
from thriftnet.models.saved import SavedModel
from thriftnet.report.record import read_record
from thriftnet.report.tables import evaluations_table
from thriftnet.runs.evaluations import EvaluationKey, latest_evaluations
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.listing import read_run
from thriftnet.terminal.compare import print_comparison
from thriftnet.terminal.results import print_evaluation
from thriftnet.tracking.points import read_points

TEST = {"kind": "test", "precision": "bf16", "tta": "flip", "accuracy": 0.9}


def test_lines_of_earlier_versions_are_of_the_test_images():
    found = latest_evaluations([{"kind": "start"}, TEST, {**TEST, "accuracy": 0.8}])
    (key,) = found
    assert key == EvaluationKey(tta="flip", precision="bf16", data="test", corruption="")
    assert found[key]["accuracy"] == 0.8
    assert key.record({"accuracy": 0.9}) == TEST  # as earlier versions read them


def test_each_key_has_its_latest_line_and_damaged_ones_are_passed_over():
    keys = [
        EvaluationKey("flip", "bf16"),
        EvaluationKey("flip", "fp32"),
        EvaluationKey("none", "bf16"),
        EvaluationKey("flip", "bf16", corruption="contrast:3"),
        EvaluationKey("flip", "bf16", data="cifar10.1"),
    ]
    lines = [key.record({"accuracy": 0.1 * at}) for at, key in enumerate(keys)]
    again = keys[0].record({"accuracy": 0.7})
    found = latest_evaluations([*lines, again, keys[1].record({"accuracy": "high"})])
    assert [line["accuracy"] for line in found.values()] == [0.1, 0.2, pytest.approx(0.3), 0.4, 0.7]
    assert list(found) == [*keys[1:], keys[0]]
    assert [key.is_test for key in keys] == [True, True, True, False, False]
    assert len(set(map(str, keys))) == len(keys)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    real = evaluating.images_to_test

    def few(model: SavedModel, run: RunFolder, source: Path | None, **options: Any) -> Any:
        return real(model, run, source, **options) if source else (dataset(40, 1), "test")

    monkeypatch.setattr(evaluating, "images_to_test", few)
    _, run = sitting(small_recipe(train={"epochs": 1}), tmp_path / "a")
    return run


def test_a_run_keeps_and_shows_them_side_by_side(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
):
    clean = evaluating.evaluate(run.path, precision="fp32")
    kept = run.predictions_path.read_bytes()
    noisy = evaluating.evaluate(run.path, precision="fp32", corruption="gaussian_noise:5")
    assert noisy.not_kept is None
    assert run.predictions_path.read_bytes() == kept  # those of the test images
    assert noisy.results[0].loss != clean.results[0].loss
    count = len(run.metrics())
    evaluating.evaluate(run.path, precision="fp32", corruption="gaussian_noise:5")
    assert len(run.metrics()) == count  # the same again adds nothing
    evaluating.evaluate(run.path, precision="bf16")
    found = run.evaluations()
    assert {str(key) for key in found} == {
        f"{what} {tta} {precision}"
        for what, precision in (
            ("test", "fp32"),
            ("test", "bf16"),
            ("test gaussian_noise:5", "fp32"),
        )
        for tta in ("flip", "none")
    }
    key = clean.key(clean.results[0])
    assert found[key]["accuracy"] == clean.accuracy

    print_evaluation(run.path, noisy, saved=found)
    shown = capsys.readouterr().out
    assert "40 test images, gaussian_noise:5, fp32" in shown
    listed = shown[shown.index("Other evaluations of this run") :].splitlines()[1:]
    assert len(listed) == 4
    assert f"{clean.accuracy:.4f}  test flip fp32" in listed
    table = evaluations_table(read_record(run.path))
    assert len(table.rows) == 6
    assert ["test", "gaussian_noise:5", "flip", "fp32"] in [
        [cell.text for cell in row[:4]] for row in table.rows
    ]
    listing = read_run(run)
    assert f"test flip fp32: {clean.accuracy:.4f}" in str(listing.value("evaluations"))
    assert listing.value("accuracy") == found[EvaluationKey("flip", "bf16")]["accuracy"]
    names = {point.name for point in read_points(run)}
    assert {"test/accuracy", "test_without_tta/loss", "test_gaussian_noise_5/accuracy"} <= names


def test_runs_are_compared_by_the_test_and_show_the_others(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    _, other = sitting(small_recipe(train={"epochs": 2}), tmp_path / "b")
    for each in (run, other):
        evaluating.evaluate(each.path, precision="fp32")
        evaluating.evaluate(each.path, precision="fp32", corruption="contrast:4")
    found = compare([run.path, other.path])
    assert [g.mean.mean for g in found.groups] == [
        r.evaluations()[EvaluationKey("flip", "fp32")]["accuracy"] for r in (run, other)
    ]
    print_comparison(found)
    shown = capsys.readouterr().out
    assert "test contrast:4 flip fp32: " in shown
    hard = EvaluationKey("flip", "fp32", corruption="contrast:4")
    assert (
        found.groups[1]
        .to_json()["evaluations"]
        .count({**vars(hard), "accuracy": other.evaluations()[hard]["accuracy"]})
        == 1
    )


def test_other_pictures_have_a_key_of_their_own(run: RunFolder, tmp_path: Path):
    """They are named by their folder and their content, and leave the test accuracy alone."""
    pictures = dataset(20, 5)
    for number, (image, label) in enumerate(zip(pictures.images, pictures.labels, strict=True)):
        path = tmp_path / "mine" / CIFAR10_CLASSES[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    evaluating.evaluate(run.path, precision="fp32")
    kept = run.predictions_path.read_bytes()
    mine = evaluating.evaluate(run.path, precision="fp32", data=tmp_path / "mine")
    assert mine.not_kept is None
    assert mine.data.startswith("mine@")
    assert mine.results[0].images == 20
    assert [key.data for key in run.evaluations()] == ["test", "test", mine.data, mine.data]
    assert [line["kind"] for line in run.metrics()][-3:] == ["test", "evaluation", "evaluation"]
    assert run.predictions_path.read_bytes() == kept
