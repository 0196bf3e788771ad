"""Which corruptions are told as resembled by training, and the mean without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibrated_models import make_run, model
from thriftnet.evaluation.corruptions.table import CORRUPTIONS
from thriftnet.evaluation.evaluate_robust import RobustEvaluation
from thriftnet.evaluation.resemblance import (
    RESEMBLED,
    resembled_by_training,
    resembled_corruptions,
)
from thriftnet.evaluation.robustness import Robustness
from thriftnet.recipe import load_recipe
from thriftnet.recipe.augment_section import AugmentSection
from thriftnet.report.robustness import robustness_section
from thriftnet.terminal.robustness import print_robustness

NOISES = ("gaussian_noise", "shot_noise", "impulse_noise")


def test_every_entry_is_a_key_and_names_corruptions():
    assert set(RESEMBLED) <= set(AugmentSection.model_fields)
    assert all(set(names) <= set(CORRUPTIONS) for names in RESEMBLED.values())
    every = {name for names in RESEMBLED.values() for name in names}
    assert len(every) < len(CORRUPTIONS)  # a mean over the others is left


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        ({}, ()),
        ({"augmix": 1.0, "cutout": 8, "rotation": 15}, ()),
        ({"noise": 0.5}, NOISES),
        ({"jpeg": 0.5, "noise": 0.1}, (*NOISES, "jpeg_compression")),
        ({"policy": "trivialaugment"}, ("brightness", "contrast")),
        ({"brightness": 0.2}, ("brightness",)),
        ({"prime": 0.1}, ("defocus_blur", "brightness", "contrast", "elastic_transform")),
    ],
)
def test_settings_and_what_they_resemble(augment: dict[str, object], expected: tuple[str, ...]):
    assert resembled_corruptions(AugmentSection.model_validate(augment)) == expected


def test_the_recipe_is_that_of_the_run_or_the_shipped_one_of_the_same_digest(tmp_path: Path):
    best = load_recipe("best")
    about = {"recipe": "best", "digest": best.digest()}
    assert resembled_by_training(model(about=about), None) == ("brightness", "contrast")
    assert resembled_by_training(model(about={**about, "digest": "0" * 12}), None) is None
    assert resembled_by_training(model(about={"recipe": "theirs", "digest": "x"}), None) is None
    run = make_run(tmp_path / "run", model())
    assert resembled_by_training(model(about=about), run) == ()


def test_the_mean_without_them_is_told(capsys: pytest.CaptureFixture[str]):
    cells = dict.fromkeys(CORRUPTIONS, (0.5,) * 5) | dict.fromkeys(NOISES, (0.9,) * 5)
    found = Robustness(
        images=10, clean=0.95, cells=cells, interval=(0.5, 0.6), jpeg=0.8, flip_rate=0.1
    )
    told = RobustEvaluation(found, "none", "fp32", "test", NOISES)
    values = told.to_json()
    assert values["resembled"] == list(NOISES)
    assert values["mean_without_resembled"] == pytest.approx(0.5)
    print_robustness("x", told)
    said = capsys.readouterr().out
    line = next(each for each in said.splitlines() if each.startswith("unlike training images"))
    assert "50.00%" in line
    assert "gaussian_noise, shot_noise, impulse_noise" in line
    section = robustness_section({"kind": "robustness", **values})
    assert section is not None
    caption = section.drawings[0].caption
    assert "gaussian noise, shot noise, impulse noise: without these the mean is 50.00%" in caption
    for broken in ({"resembled": ["x"]}, {"resembled": 3}, {"mean_without_resembled": "x"}):
        section = robustness_section({"kind": "robustness", **values, **broken})
        assert section is not None
        assert "resemble" not in section.drawings[0].caption
    unknown = RobustEvaluation(found, "none", "fp32", "test")
    assert unknown.to_json()["mean_without_resembled"] is None
    print_robustness("x", unknown)
    assert "unlike training images" not in capsys.readouterr().out
