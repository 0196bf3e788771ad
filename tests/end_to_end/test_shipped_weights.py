"""Weights that come with an installed package, by their name, without a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import thriftnet
from documents.model_cards import complaints
from made_runs import make_run
from ship_weights import ship
from thriftnet.augment import normalise
from thriftnet.data import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD, Dataset, OpenDataset
from thriftnet.evaluation import images
from thriftnet.models.saved import SavedModel, read_model, save_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training.setup import recipe_network
from thriftnet.weights.card import Card

OFFLINE = """\
import socket
def refuse(*_, **__):
    raise OSError("this machine has no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""
FEW = """\
from thriftnet.data import OpenDataset
whole = OpenDataset.split
OpenDataset.split = lambda images, name: whole(images, name).subset(range(1000))
"""


@dataclass(frozen=True)
class Installed:
    """A copy of the package, with weights, where no network can be reached."""

    site: Path
    run: RunFolder
    card: Card

    def python(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.site)}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory,
    cifar10: tuple[Dataset, Dataset],
    thousand: OpenDataset,
) -> Installed:
    """A narrow `smoke`, untrained, shipped as `ship_weights.py` does it, on few test images."""
    folder = tmp_path_factory.mktemp("shipped")
    site = folder / "site"
    source = Path(thriftnet.__file__).parent
    others = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.md")
    shutil.copytree(source, site / "thriftnet", ignore=others)
    (site / "sitecustomize.py").write_text(OFFLINE)
    environment = {"commit": "a" * 40, "precision": "bf16", "torch": "2.13.0"}
    run = make_run(folder / "run", environment=environment)
    recipe = load_recipe("smoke", ["model.channels=[4,8,8]"])  # read in a second
    network = recipe_network(recipe, classes=10)
    pixels = torch.from_numpy(cifar10[0].images[:250].copy()).permute(0, 3, 1, 2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # takes the statistics of these images, so that answers differ
    network.train()(normalise(pixels, mean=CIFAR10_MEAN, std=CIFAR10_STD))
    model = SavedModel(
        network=network,
        architecture=recipe.model.model_dump(mode="json"),
        classes=CIFAR10_CLASSES,
        mean=CIFAR10_MEAN,
        std=CIFAR10_STD,
        tta=recipe.evaluate.tta,
    )
    save_model(run.model_path, model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "open_data", lambda *_, **__: thousand)
        card = ship(run.path, folder=site / "thriftnet" / "weights", now="b" * 40)
    return Installed(site, run, card)


def test_shipped_file_is_small_and_says_what_it_is(installed: Installed) -> None:
    weights = installed.site / "thriftnet" / "weights"
    path = weights / "smoke.safetensors"
    assert complaints(weights) == []
    card = installed.card
    read = {(f.tta, f.precision) for f in card.figures}
    assert read == {(tta, p) for tta in ("flip", "none") for p in ("bf16", "fp32")}
    assert (card.commit, card.read_commit) == ("a" * 40, "b" * 40)
    assert card.whole_accuracy == pytest.approx({"flip": 0.65, "none": 0.6495})
    assert (card.train_images, card.images_seen, card.test_images) == (45_000, 90_000, 1_000)
    assert card.parameters == read_model(path).parameters
    assert 0.05 < card.headline.accuracy != 0.1  # or finding it again would say little


def test_name_is_predicted_with_right_after_installation(
    installed: Installed, tmp_path: Path, cifar10: tuple[Dataset, Dataset]
) -> None:
    Image.fromarray(cifar10[1].images[0]).save(tmp_path / "photo.png")
    (tmp_path / "smoke").mkdir()  # not in the way
    predict = ("-m", "thriftnet", "predict")
    named = installed.python(*predict, "smoke", "photo.png", "--json", cwd=tmp_path)
    assert named.returncode == 0, named.stderr
    assert named.stderr == (
        "thriftnet: smoke means the shipped weights; for the path of that name use ./smoke\n"
    )
    expected = thriftnet.predict(installed.run.path, [tmp_path / "photo.png"])[0]
    assert json.loads(named.stdout)[0]["probabilities"] == pytest.approx(
        expected.probabilities, abs=0.02
    )


def test_evaluation_finds_the_cards_figure_again_and_a_path_is_no_name(
    installed: Installed, tmp_path: Path
) -> None:
    """One process for both: each imports for seconds."""
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    program = f"""
{FEW}
import sys
from pathlib import Path
import thriftnet
from thriftnet.terminal import results
from thriftnet.cli import app, main
found = thriftnet.evaluate("smoke", precision="bf16")
results.print_evaluation("smoke", found, shipped=True)
print("loss", found.chosen.loss)
app(["describe", "smoke"], standalone_mode=False)
app(["describe", "smoke", "--set", "model.channels=[8,8,8]"], standalone_mode=False)
assert not Path("smoke").exists()
Path("smoke").mkdir()
sys.argv = ["thriftnet", "predict", "./smoke", "photo.png"]
main()
"""
    done = installed.python("-c", program, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "smoke is not a run folder" in line
    lines = done.stdout.splitlines()
    stated = installed.card.headline.accuracy
    (loss,) = (float(line.split()[1]) for line in lines if line.startswith("loss "))
    assert loss == pytest.approx(installed.card.headline.loss, rel=1e-6)  # bf16 has another
    assert lines[0].startswith(f"smoke (shipped weights): {installed.card.parameters:,} parameters")
    assert f"card: {stated:.2%}, reproduced (with its mirror image)" in lines
    shipped = [line for line in lines if line.startswith("shipped weights: ")]
    assert shipped == [f"shipped weights: {stated:.2%} of the test images, with its mirror image"]
    (page,) = re.findall(r"^their card:\s+(\S+)$", done.stdout, re.MULTILINE)
    assert Path(page).is_file()
    assert max(len(line) for line in lines if page not in line) <= 80


def test_wheel_takes_the_weights_along() -> None:
    """Hatch packs every file of the package's folder that git does not ignore."""
    root = Path(__file__).parents[2]
    hatch = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]
    assert hatch["build"] == {"targets": {"wheel": {"packages": ["src/thriftnet"]}}}
    files = [f"src/thriftnet/weights/quick{suffix}" for suffix in (".safetensors", ".md")]
    ignored = subprocess.run(["git", "check-ignore", *files], cwd=root, capture_output=True)
    assert ignored.returncode == 1, ignored.stdout
