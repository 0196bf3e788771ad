"""An exported folder in transformers: registered classes, and what they say is what we say.

transformers takes seconds to import; every test process imports this module, and one needs it.
"""

from __future__ import annotations

import ast
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import thriftnet
from calibrated_models import calibration
from documented import ROOT, fences
from own_pictures import picture
from thriftnet.errors import RunError
from thriftnet.export import pictures as choosing
from thriftnet.export.pipeline import export_model
from thriftnet.models.rewrite import write_calibration
from thriftnet.models.saved import read_model
from tiny_network import ARCHITECTURES, colours, tiny_file, tiny_model

IMAGES, LABELS = colours(4, start=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_module("thriftnet.hub")  # registers the classes
    path = tmp_path_factory.mktemp("hub")
    model = tiny_file(path, fit="pad")
    write_calibration(model, model, calibration())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "COMPARED", 20)
        return export_model(model, to="folder", output=path / "tiny", tta=True).path


def said(folder: Path, images: np.ndarray) -> torch.Tensor:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    network = AutoModelForImageClassification.from_pretrained(folder)
    processor = AutoImageProcessor.from_pretrained(folder)
    with torch.no_grad():
        return network(**processor(list(images), return_tensors="pt")).logits.softmax(1)


def test_auto_classes_read_it_and_say_the_same(folder: Path):
    from transformers import AutoConfig

    expected = thriftnet.load_model(folder, precision="fp32").probabilities(IMAGES)
    np.testing.assert_allclose(said(folder, IMAGES).numpy(), expected, atol=2e-6)
    config = AutoConfig.from_pretrained(folder)
    assert config.id2label == {0: "cat", 1: "dog", 2: "emu"}


@pytest.mark.parametrize("size", [(40, 30), (16, 16), (7, 90)], ids=str)
def test_a_pipeline_prepares_pictures_as_we_do(folder: Path, tmp_path: Path, size: tuple[int, int]):
    from transformers import pipeline

    path = tmp_path / "picture.png"
    picture("dog", 500, size=size).save(path)
    classify = pipeline("image-classification", str(folder))
    (expected,) = thriftnet.load_model(folder, precision="fp32").predict_files([path])
    found = classify(str(path))
    assert [one["label"] for one in found] == list(expected.probabilities)
    scores = [one["score"] for one in found]
    np.testing.assert_allclose(scores, list(expected.probabilities.values()), atol=2e-6)


def test_the_page_about_it_holds(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    (shown,) = (
        each
        for each in fences((ROOT / "docs" / "export.md").read_text("utf-8"), "python")
        if "pipeline(" in each
    )
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "here")
    picture("dog", 500, size=(90, 60)).save("photo.jpg")
    capsys.readouterr()
    exec(shown, {})
    first = ast.literal_eval(capsys.readouterr().out)[0]
    assert first["label"] == thriftnet.load_model(folder).predict("photo.jpg")[0].label


def test_transparent_parts_are_white(folder: Path):
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder)
    clear, white = Image.new("RGBA", (30, 20), (0, 0, 0, 0)), Image.new("RGB", (30, 20), "white")
    found = [processor(each, return_tensors="np")["pixel_values"] for each in (clear, white)]
    np.testing.assert_array_equal(*found)
    with pytest.raises(ValueError, match=r"give \(H, W, 3\) uint8"):
        processor(np.zeros((4, 4, 3), np.float32))


def test_what_was_not_trained_keeps_its_calibration(folder: Path, tmp_path: Path):
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    AutoModelForImageClassification.from_pretrained(folder).save_pretrained(tmp_path / "again")
    AutoImageProcessor.from_pretrained(folder).save_pretrained(tmp_path / "again")
    before, after = (
        read_model(path / "model.safetensors") for path in (folder, tmp_path / "again")
    )
    assert after.preprocessing == before.preprocessing
    assert after.weights_sha256 == before.weights_sha256
    assert torch.equal(said(folder, IMAGES), said(tmp_path / "again", IMAGES))


def test_a_loss_trains_it_and_what_is_saved_is_a_model_file(folder: Path, tmp_path: Path):
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    network = AutoModelForImageClassification.from_pretrained(folder)
    processor = AutoImageProcessor.from_pretrained(folder)
    batch = processor(list(IMAGES), return_tensors="pt")
    loss = network(**batch, labels=torch.from_numpy((LABELS + 1) % 3)).loss  # of other labels
    loss.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
    network.save_pretrained(tmp_path / "tuned")
    processor.save_pretrained(tmp_path / "tuned")
    again = read_model(tmp_path / "tuned" / "model.safetensors")
    before = read_model(folder / "model.safetensors")
    assert again.weights_sha256 != before.weights_sha256
    assert before.preprocessing.shifts
    assert not again.preprocessing.shifts  # fitted for the weights before
    assert again.preprocessing.temperature == 1
    mine = thriftnet.load_model(tmp_path / "tuned", precision="fp32").probabilities(IMAGES)
    np.testing.assert_allclose(said(tmp_path / "tuned", IMAGES).numpy(), mine, atol=2e-6)
    with pytest.raises(ValueError, match="use: thriftnet push"):
        network.save_pretrained(tmp_path / "tuned", push_to_hub=True)


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_a_network_in_memory_becomes_one_of_theirs(family: str):
    from thriftnet.hub import ThriftnetForImageClassification

    model = tiny_model(family, tta="none")
    theirs = ThriftnetForImageClassification.from_saved(model)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(theirs(images).logits, model.network(images))
    assert theirs.as_saved().preprocessing == model.preprocessing


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "preprocessor_config.json"])
def test_a_flipped_bit_never_changes_what_is_read(folder: Path, tmp_path: Path, name: str):
    expected = said(folder, IMAGES[:2])
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    content, draw, noticed = (copy / name).read_bytes(), np.random.default_rng(0), 0
    for bit in draw.integers(8 * len(content), size=12).tolist():
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        (copy / name).write_bytes(changed)
        try:
            assert torch.equal(said(copy, IMAGES[:2]), expected), bit
        except (RunError, OSError, ValueError, KeyError):  # of transformers, too
            noticed += 1
    assert noticed > 3
