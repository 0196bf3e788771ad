"""A wanted precision: the threshold, and what says nothing below it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibrated_models import CLASSES, calibration, model, pictures, view
from commands import in_this_process
from thriftnet.errors import RecipeError, RunError
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.inference.prediction import PictureResult
from thriftnet.inference.row_formats import CsvRows
from thriftnet.inference.thresholds import threshold_for
from thriftnet.models.calibration import Accepted
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import save_model

ACCEPTED = (
    Accepted(threshold=0.9, count=500, right=500),
    Accepted(threshold=0.45, count=1000, right=950),
)


def saved(path: Path, *, accepted: tuple[Accepted, ...] = ACCEPTED) -> Path:
    save_model(path, model())
    how = view(0.7, (), accepted=accepted)
    write_calibration(path, path, calibration(none=how, flip=how))
    return path


def test_the_threshold_is_that_of_the_views_in_use(tmp_path: Path):
    found = load_model(saved(tmp_path / "m.safetensors"), at_least=0.98)
    assert found.preprocessing.threshold == 0.9
    assert load_model(tmp_path / "m.safetensors", at_least=0.9).preprocessing.threshold == 0.45
    assert load_model(tmp_path / "m.safetensors").preprocessing.threshold is None


@pytest.mark.parametrize(
    ("precision", "tta", "error", "part"),
    [
        (1.0, "none", RecipeError, "--at-least 1 is not between 0 and 1"),
        (float("nan"), "none", RecipeError, "--at-least nan is not between 0 and 1"),
        (0.9, "flip_shift", RunError, "not calibrated for the views .flip_shift.; run"),
        (0.9, "flips", RecipeError, "evaluate.tta='flips' is not one of none, flip,"),
        (0.9999, "none", RunError, "no threshold has a precision of 99.99% with 95%"),
    ],
)
def test_what_cannot_be_promised_is_refused(
    tmp_path: Path, precision: float, tta: str, error: type[Exception], part: str
):
    path = saved(tmp_path / "m.safetensors")
    with pytest.raises(error, match=part):
        load_model(path, tta=tta, at_least=precision)
    with pytest.raises(RunError, match="run thriftnet calibrate"):
        threshold_for(model(), tta="none", precision=0.9)
    plain = tmp_path / "plain.safetensors"
    save_model(plain, model())
    with pytest.raises(RunError, match=f"'flip'; run thriftnet calibrate {plain} first"):
        load_model(plain, at_least=0.9)


def test_of_shipped_weights_a_calibrated_copy_is_to_be_made(monkeypatch: pytest.MonkeyPatch):
    """They are not calibrated in place."""
    monkeypatch.setattr("thriftnet.inference.classifier.read_model", lambda _: model())
    copy = "thriftnet calibrate quick --output quick.safetensors --data PATH"
    with pytest.raises(RunError, match=f"write a calibrated copy and use that: {copy}"):
        load_model("quick", at_least=0.9)


def test_below_the_threshold_no_class_is_named():
    images = pictures(30).images
    plain = Classifier(model(), device="cpu", precision="fp32")
    tops = [one.probability for one in plain.predict(images)]
    middle = float(np.median(tops))
    strict = Classifier(replace(model(), threshold=middle), device="cpu", precision="fp32")
    found = strict.predict(images)
    assert [one.sure for one in found] == [top >= middle for top in tops]
    for one in found:
        assert one.label in CLASSES
        written = CsvRows().write(PictureResult("a.png", one, None)).decode().split(",")
        assert (one.to_json()["label"] is None, written[1] == "") == (not one.sure, not one.sure)
        assert (one.to_json()["index"] is None) == (not one.sure)


def test_the_command_refuses_or_is_silent_where_it_is_not_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run = in_this_process(monkeypatch, capsys)
    picture = tmp_path / "p.png"
    Image.fromarray(pictures(1).images[0]).save(picture)
    save_model(tmp_path / "plain.safetensors", model())
    refused = run("predict", tmp_path / "plain.safetensors", picture, "--at-least", "0.9")
    assert refused.code == 2
    assert f"run thriftnet calibrate {tmp_path / 'plain.safetensors'} first" in refused.error_line
    path = saved(tmp_path / "m.safetensors", accepted=(ACCEPTED[0],))
    doubtful = run("predict", path, picture, "--at-least", "0.9")
    assert doubtful.code == 0
    assert "not sure: " in doubtful.out
    rows = json.loads(run("predict", path, picture, "--at-least", "0.9", "--json").out)
    assert rows[0]["label"] is None
    assert set(rows[0]["probabilities"]) == set(CLASSES)
