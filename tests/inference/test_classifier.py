"""A trained network as something that names pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from channels import Channels, colour_classifier
from thriftnet.api import predict
from thriftnet.data import Dataset
from thriftnet.errors import ImageError, RecipeError, RunError
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel, save_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.new_run import create_run
from thriftnet.runtime.device import choose_compute

CLASSES = ("red", "green", "blue")
ARCHITECTURE = {"family": "resnet", "blocks": [1], "channels": [4]}
Bytes = NDArray[np.uint8]


@pytest.fixture
def classifier() -> Classifier:
    return colour_classifier(network=Channels(2.0))


def plain(*colours: tuple[int, int, int]) -> Bytes:
    images = np.zeros((len(colours), 32, 32, 3), np.uint8)
    images[:] = np.array(colours, np.uint8)[:, None, None, :]
    return images


def test_probabilities_are_in_the_order_of_the_classes(classifier: Classifier):
    colours = [(255, 0, 51), (0, 102, 204)]
    logits = 2 * np.array(colours) / 255
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    found = classifier.probabilities(plain(*colours))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert classifier.classes == CLASSES


def test_prediction_lists_every_class_most_probable_first(classifier: Classifier):
    first, second = classifier.predict(plain((255, 0, 51), (0, 102, 204)))
    assert (first.label, first.index) == ("red", 0)
    assert list(first.probabilities) == ["red", "blue", "green"]
    assert list(second.probabilities) == ["blue", "green", "red"]
    assert first.probability == first.probabilities["red"] == max(first.probabilities.values())
    assert sum(first.probabilities.values()) == pytest.approx(1, abs=1e-6)


def test_no_pictures_give_no_predictions(classifier: Classifier):
    empty = np.empty((0, 32, 32, 3), np.uint8)
    assert classifier.probabilities(empty).shape == (0, 3)
    assert classifier.predict(empty) == []
    assert classifier.predict_files([]) == []


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3, 32, 32), np.uint8),
        np.zeros((2, 32, 32, 4), np.uint8),
        np.zeros((2, 28, 28, 3), np.uint8),
        np.zeros((2, 32, 32, 3), np.float32),
        np.zeros((2, 32, 32, 3), np.int64),
        np.zeros((), np.uint8),
        np.zeros((0,), np.uint8),
    ],
    ids=lambda images: f"{images.shape} {images.dtype}",
)
def test_other_shapes_and_types_are_refused(classifier: Classifier, images: NDArray[Any]):
    with pytest.raises(ValueError, match=r"images must be \(N, 32, 32, 3\) uint8, not"):
        classifier.predict(images)


def test_a_network_of_smaller_images_reads_cifar10s_as_its_evaluation_does():
    """What `data.image_size` trains; arrays and the unlabelled pickle come at 32 pixels."""
    small = SavedModel(
        network=build_model(classes=3, seed=1, **ARCHITECTURE).eval(),
        architecture=ARCHITECTURE,
        classes=CLASSES,
        mean=(0.4,) * 3,
        std=(0.2,) * 3,
        image_size=16,
    )
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), np.uint8)
    named = Classifier(small, device="cpu", precision="fp32").predict(images)
    labels = np.array([prediction.index for prediction in named], dtype=np.int64)
    dataset = Dataset(images, labels, CLASSES)
    compute = choose_compute(device="cpu", precision="fp32")
    assert evaluate_on(small, dataset, compute=compute, tta="none").accuracy == 1
    large = Classifier(replace(small, image_size=64), device="cpu", precision="fp32")
    with pytest.raises(ValueError, match=r"images must be \(N, 64, 64, 3\) uint8"):
        large.predict(images)  # a picture file of that size would be resized by another filter


def test_any_view_of_an_array_will_do(classifier: Classifier):
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    expected = classifier.probabilities(images)
    fixed = images.copy()
    fixed.flags.writeable = False
    for same in (fixed, np.asfortranarray(images), images[::-1].copy()[::-1]):
        np.testing.assert_array_equal(classifier.probabilities(same), expected)


def test_files_of_any_size_are_named(classifier: Classifier, tmp_path: Path):
    paths = [tmp_path / "a.png", tmp_path / "b.jpg"]
    Image.new("RGB", (200, 90), (0, 250, 0)).save(paths[0])
    Image.new("RGB", (7, 7), (250, 0, 0)).save(paths[1], quality=95)
    assert [p.label for p in classifier.predict_files(paths)] == ["green", "red"]
    assert [p.label for p in predict(classifier, [str(path) for path in paths])] == ["green", "red"]
    named = predict(classifier, [tmp_path, str(paths[1])])  # a folder stands for its pictures
    assert [p.label for p in named] == ["green", "red", "red"]
    assert [p.file for p in named] == [*paths, paths[1]]
    assert [p.file for p in predict(classifier, str(tmp_path))] == paths
    with pytest.raises(ImageError, match="none.png does not exist"):
        classifier.predict_files([*paths, tmp_path / "none.png"])


def save(path: Path, *, tta: str = "none") -> SavedModel:
    network = build_model(classes=3, seed=1, **ARCHITECTURE).eval()
    model = SavedModel(
        network=network,
        architecture=ARCHITECTURE,
        classes=CLASSES,
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.4),
        tta=tta,
    )
    save_model(path, model)
    return model


def test_run_folder_and_model_file_give_the_same(tmp_path: Path):
    run = create_run(tmp_path / "run", load_recipe("smoke"), {})
    with pytest.raises(RunError, match="no final model yet; finish it with: thriftnet train --res"):
        load_model(run.path)
    network = save(run.model_path).network
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    scaled = (images / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
    with torch.no_grad():
        logits = network(torch.from_numpy(scaled).float().permute(0, 3, 1, 2))
    expected = logits.softmax(1).numpy()
    for target in (run.path, run.model_path, str(run.path)):
        found = load_model(target, device="cpu", precision="fp32").probabilities(images)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    named = predict(run.path, images)
    assert len(named) == 5
    assert {prediction.label for prediction in named} <= set(CLASSES)


def test_way_of_reading_is_the_recipes_unless_named(tmp_path: Path):
    path = tmp_path / "m.safetensors"
    save(path, tta="flip")
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    settings: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
    own, flip, none = (
        load_model(path, tta=tta, **settings).probabilities(images)
        for tta in (None, "flip", "none")
    )
    np.testing.assert_array_equal(own, flip)
    assert np.abs(own - none).max() > 1e-6


def test_temperature_is_kept_in_the_file_and_divides_the_logits(tmp_path: Path):
    """A file without one, of an uncalibrated network, has the temperature 1."""
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    save_model(tmp_path / "hot", replace(save(tmp_path / "cold"), temperature=4.0))
    cold, hot = (
        load_model(tmp_path / name, device="cpu", precision="fp32") for name in ("cold", "hot")
    )
    assert (cold.model.temperature, hot.model.temperature) == (1, 4)
    expected = cold.probabilities(images) ** 0.25
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(hot.probabilities(images), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"tta": "crop"}, "evaluate.tta='crop' is not one of none, flip, flip_shift"),
        ({"device": "gpu"}, "train.device=gpu is not on this machine"),
        ({"precision": "fp16"}, "train.precision=fp16 is not one of auto, fp32, bf16"),
    ],
)
def test_unknown_options_are_named(tmp_path: Path, options: dict[str, str], part: str):
    save(tmp_path / "m.safetensors")
    with pytest.raises(RecipeError, match=part):
        load_model(tmp_path / "m.safetensors", **options)
