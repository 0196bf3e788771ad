"""One contract from a picture to probabilities, in the model file as in every export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors
from pydantic import ValidationError

from thriftnet.inference.classifier import load_model
from thriftnet.models.build import build_model
from thriftnet.models.metadata import read_facts
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model, save_model

ARCHITECTURE = {"family": "resnet", "blocks": [1], "channels": [4]}
BEFORE = Path(__file__).parents[1] / "support" / "before_the_move" / "finished"
GIVEN = {
    "classes": ["cat", "été"],
    "image_size": 24,
    "fit": "pad",
    "filter": "lanczos",
    "mean": [0.1, 0.2, 0.3],
    "std": [0.4, 0.5, 0.6],
    "tta": "flip",
    "temperature": 0.5,
    "shifts": [[-1.0, 0.2], [1.0, 0.5]],
    "threshold": 0.9,
}


@pytest.fixture
def model() -> SavedModel:
    return SavedModel(
        network=build_model(classes=2, **ARCHITECTURE),
        architecture=ARCHITECTURE,
        classes=("cat", "été"),
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        image_size=24,
        fit="pad",
        tta="flip",
        temperature=0.5,
        shifts=((-1.0, 0.2), (1.0, 0.5)),
        threshold=0.9,
    )


def test_the_file_states_every_field_by_its_name(model: SavedModel, tmp_path: Path):
    path = tmp_path / "m.safetensors"
    save_model(path, model)
    with safetensors.safe_open(path, framework="numpy") as file:
        facts = json.loads(file.metadata()["thriftnet"])
    assert {name: facts[name] for name in GIVEN} == GIVEN
    assert set(GIVEN) == set(Preprocessing.model_fields)
    again = read_model(path)
    assert again.preprocessing == model.preprocessing
    assert again.preprocessing.contract() == GIVEN
    assert Preprocessing.model_validate_json(json.dumps(GIVEN)) == model.preprocessing


def test_a_file_of_an_earlier_version_gives_what_held_then():
    found = read_facts(BEFORE / "model.safetensors")
    assert (found.fit, found.filter, found.temperature, found.threshold) == (
        "crop", "lanczos", 1.0, None,
    )  # fmt: skip
    assert set(found.contract()) == set(GIVEN)
    assert read_model(BEFORE / "model.safetensors").preprocessing.contract() == found.contract()


def test_a_classifier_states_the_views_that_it_uses(model: SavedModel, tmp_path: Path):
    save_model(tmp_path / "m.safetensors", model)
    assert load_model(tmp_path / "m.safetensors").preprocessing.tta == "flip"
    without = load_model(tmp_path / "m.safetensors", tta="none").preprocessing
    assert without == model.preprocessing.model_copy(update={"tta": "none"})


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": 0.0}, {"threshold": 1.5}, {"std": (1.0, 0.0, 1.0)}, {"fit": "stretch"}],
    ids=str,
)
def test_what_cannot_be_is_not_written(model: SavedModel, tmp_path: Path, wrong: dict[str, float]):
    with pytest.raises(ValidationError):
        save_model(tmp_path / "m.safetensors", replace(model, **wrong))
    assert list(tmp_path.iterdir()) == []
