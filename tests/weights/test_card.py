"""A card travels in its model file, and a network is held to it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from cards import make_card
from thriftnet.errors import RunError
from thriftnet.evaluation.results import Evaluation, read_logits
from thriftnet.models.build import build_model
from thriftnet.models.saved import SavedModel, read_model, save_model
from thriftnet.terminal.results import print_evaluation, print_shipped
from thriftnet.weights.card import card_of, read_card, shipped_card
from thriftnet.weights.digests import write_digests

ARCHITECTURE = {"family": "resnet", "blocks": [1], "channels": [4]}
CARD = make_card()


def save(path: Path, about: dict[str, object]) -> Path:
    network = build_model(classes=2, **ARCHITECTURE)
    facts = {"classes": ("cat", "dog"), "mean": (0.5,) * 3, "std": (0.5,) * 3, "about": about}
    save_model(path, SavedModel(network=network, architecture=ARCHITECTURE, **facts))
    return path


def test_card_is_read_from_the_file_with_and_without_its_network(tmp_path: Path):
    path = save(tmp_path / "smoke.safetensors", CARD.in_about({"seed": 3}))
    about = read_model(path).about
    assert about["seed"] == 3
    assert card_of(about) == read_card(path) == CARD
    assert read_card(save(tmp_path / "plain.safetensors", {"seed": 3})) is None


def test_shipped_card_is_of_the_same_recipe_or_none(tmp_path: Path):
    save(tmp_path / "smoke.safetensors", CARD.in_about({}))
    write_digests(tmp_path)
    assert shipped_card("smoke", digest=CARD.digest, folder=tmp_path) == CARD
    assert shipped_card("smoke", digest="0" * 12, folder=tmp_path) is None
    assert shipped_card("quick", digest=CARD.digest, folder=tmp_path) is None


def test_card_of_another_version_is_named(tmp_path: Path):
    about = CARD.in_about({})
    about["card"]["figures"][0]["accuracy"] = "high"
    path = save(tmp_path / "m.safetensors", about)
    for read in (lambda: read_card(path), lambda: card_of(about)):
        with pytest.raises(RunError, match=r"does not match .* \(figures.0.accuracy\); use the v"):
            read()


@pytest.mark.parametrize("content", [b"", b"text", b"\xff" * 99])
def test_damaged_file(tmp_path: Path, content: bytes):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="is missing or damaged .*; install again"):
        read_card(tmp_path / "m.safetensors")
    safetensors.torch.save_file({"w": torch.ones(1)}, tmp_path / "m.safetensors", {"format": "pt"})
    with pytest.raises(RunError, match="is missing or damaged"):
        read_card(tmp_path / "m.safetensors")


def evaluation(*, right: dict[str, int], precision: str = "bf16") -> Evaluation:
    """Of eight images, so many named rightly in each way of reading."""
    results = [
        read_logits(
            torch.eye(2)[(torch.arange(8) >= hits).long()],
            torch.zeros(8, dtype=torch.int64),
            classes=("cat", "dog"),
            tta=tta,
        )
        for tta, hits in right.items()
    ]
    return Evaluation(78_042, 12_501_632, precision, tuple(results), card=CARD)


def printed(found: Evaluation, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_evaluation("smoke", found, shipped=True)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    return lines


def test_the_cards_figures_found_again_are_said_to_be(capsys: pytest.CaptureFixture[str]):
    found = evaluation(right={"flip": 6, "none": 4})
    lines = printed(found, capsys)
    assert lines[0].startswith("smoke (shipped weights): 78,042 parameters")
    assert "card: 75.00%, reproduced (with its mirror image)" in lines
    assert "card: 50.00%, reproduced (without TTA)" in lines
    told = json.loads(json.dumps(found.to_json()))["card"]
    assert told[0] == {"tta": "flip", "accuracy": 0.75, "reproduced": True}


def test_one_image_more_or_less_is_told(capsys: pytest.CaptureFixture[str]):
    found = evaluation(right={"flip": 5, "none": 6})
    lines = printed(found, capsys)
    assert "card: 75.00%, not reproduced: 1 image fewer here (with its mirror image)" in lines
    assert "card: 50.00%, not reproduced: 2 images more here (without TTA)" in lines
    assert "      (the card was measured on any with torch 2.13.0)" in lines
    assert [check["reproduced"] for check in found.to_json()["card"]] == [False, False]


def test_figures_are_compared_in_their_own_precision_and_views(capsys: pytest.CaptureFixture[str]):
    whole = evaluation(right={"flip": 5, "none": 3}, precision="fp32")
    assert all(check.reproduced for check in whole.card_checks)
    other = evaluation(right={"flip_shift": 7, "none": 4})
    cards = [line for line in printed(other, capsys) if line.startswith("card")]
    assert cards == ["card: 50.00%, reproduced (without TTA)"]


def test_a_precision_that_the_card_lacks_is_held_to_the_trainings(
    capsys: pytest.CaptureFixture[str],
):
    only = tuple(figures for figures in CARD.figures if figures.precision == CARD.precision)
    found = evaluation(right={"flip": 6, "none": 4}, precision="fp32")
    found = replace(found, card=CARD.model_copy(update={"figures": only}))
    assert "card: 75.00%, reproduced (with its mirror image)" in printed(found, capsys)


def test_network_without_a_card_is_held_to_none(capsys: pytest.CaptureFixture[str]):
    plain = replace(evaluation(right={"flip": 6, "none": 4}), card=None)
    assert not any("card" in line for line in printed(plain, capsys))
    assert plain.to_json()["card"] is None


def test_description_names_the_page(capsys: pytest.CaptureFixture[str]):
    print_shipped(CARD, Path("weights/smoke.md"))
    assert capsys.readouterr().out.splitlines() == [
        "shipped weights: 75.00% of the test images, with its mirror image",
        "their card: weights/smoke.md",
    ]
