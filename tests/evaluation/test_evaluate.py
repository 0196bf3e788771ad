"""A whole reading: figures, JSON, and what the terminal shows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thriftnet.data import Dataset
from thriftnet.errors import DataError
from thriftnet.evaluation.evaluate import evaluate_on
from thriftnet.evaluation.results import Evaluation, read_logits
from thriftnet.inference.engine import Engine
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import choose_compute
from thriftnet.terminal.results import print_evaluation

CLASSES = ("red", "green", "blue")
COMPUTE = choose_compute(device="cpu", precision="fp32")


class Brightest(nn.Module):
    """Logits are the mean of each channel over the left half of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * images[..., : images.shape[-1] // 2].mean(dim=(2, 3))


def model(**changes: object) -> SavedModel:
    facts: dict[str, object] = {"classes": CLASSES, "tta": "flip", **changes}
    return SavedModel(
        network=Brightest(), architecture={}, mean=(0.5,) * 3, std=(0.5,) * 3, **facts
    )


def coloured(labels: list[int], left: list[int], right: list[int]) -> Dataset:
    """Pictures whose halves are of the channels `left` and `right`."""
    images = np.zeros((len(labels), 32, 32, 3), np.uint8)
    for number, (a, b) in enumerate(zip(left, right, strict=True)):
        images[number, :, :16, a] = 200
        images[number, :, 16:, b] = 250
    return Dataset(images, np.array(labels, np.int64), CLASSES)


def test_figures_of_pictures_whose_halves_disagree():
    # Read once, the left half decides; with the mirror image, the brighter right half does.
    data = coloured([0, 1, 1, 2], left=[0, 0, 1, 2], right=[0, 1, 2, 2])
    found = evaluate_on(model(), data, compute=COMPUTE, tta="flip")
    assert [metrics.tta for metrics in found.results] == ["flip", "none"]
    assert found.chosen.confusion == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    assert found.results[1].confusion == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.accuracy == found.chosen.accuracy == 0.75
    assert found.chosen.top5 == 1
    assert found.chosen.per_class == {"red": 1.0, "green": 0.5, "blue": 1.0}
    assert (found.parameters, found.macs, found.precision) == (1, 0, "fp32")
    without = evaluate_on(model(), data, compute=COMPUTE, tta="none")
    assert without.results == found.results[::-1]


def test_json_has_the_names_others_rely_on():
    data = coloured([0, 1], left=[0, 1], right=[0, 1])
    found = evaluate_on(model(), data, compute=COMPUTE, tta="flip").to_json()
    found = json.loads(json.dumps(found, allow_nan=False))
    assert found["accuracy"] == 1
    assert found["accuracy_interval"] == pytest.approx([0.342372, 1.0], abs=1e-5)
    assert found["parameters"] == 1
    assert found["images"] == 2
    assert set(found["by_tta"]) == {"flip", "none"}
    assert found["by_tta"]["flip"]["accuracy"] == 1


def test_class_without_pictures_has_no_accuracy(capsys: pytest.CaptureFixture[str]):
    data = coloured([0, 0, 1], left=[0, 2, 1], right=[0, 2, 1])
    found = evaluate_on(model(), data, compute=COMPUTE, tta="none")
    assert found.chosen.per_class == {"red": 0.5, "green": 1.0, "blue": None}
    json.dumps(found.to_json(), allow_nan=False)
    print_evaluation(Path("runs/x"), found)
    shown = {
        line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line
    }
    assert shown["red"] == ["0.500", "1", "0", "1"]
    assert shown["blue"] == ["–", "0", "0", "0"]


def test_terminal_lines_fit_eighty_columns(capsys: pytest.CaptureFixture[str]):
    classes = tuple(f"class number {i}" for i in range(10))
    logits = torch.randn(10_000, 10, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(10_000) % 10
    reading = read_logits(logits, labels, classes=classes, tta="flip_shift")
    evaluation = Evaluation(4_918_602, 798_700_000, "bf16", (reading, reading))
    print_evaluation(Path("runs/name"), evaluation)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("green", "red", "blue"), ("red", "green")])
def test_network_of_other_classes_is_refused(classes: tuple[str, ...]):
    data = coloured([0, 1], left=[0, 1], right=[0, 1])
    with pytest.raises(
        DataError, match="the network has the classes .* give images of the network's classes"
    ):
        evaluate_on(model(classes=classes), data, compute=COMPUTE, tta="none")


def test_logits_do_not_depend_on_the_batches_and_the_mode_is_restored():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    images = torch.randint(256, (7, 3, 8, 8), dtype=torch.uint8)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    scale: dict[str, Any] = {"mean": mean, "std": std, "compute": COMPUTE}
    whole = Engine(network.train(), **scale).logits(images)
    parts = Engine(network, **scale, batch_size=3).logits(images)
    halved = Engine(network, **scale, temperature=2.0).logits(images)
    assert network.training
    assert torch.equal(halved, whole / 2)
    torch.testing.assert_close(whole, parts)
    scaled = (images / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(whole, network.eval()(scaled), rtol=1e-4, atol=1e-5)


def test_reading_leaves_no_gradients_and_does_not_move_the_network():
    saved = model()
    data = coloured([0, 1], left=[0, 1], right=[0, 1])
    evaluate_on(saved, data, compute=COMPUTE, tta="flip_shift")
    assert [p.grad for p in saved.network.parameters()] == [None]
    assert saved.network.state_dict()["scale"] == 10
