"""What is refused as weights of the package; what is shipped is tested end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards import make_card
from documents.model_cards import complaints, page, weights_block
from made_runs import make_run
from ship_weights import machine_of, moves_of, ship
from thriftnet.data import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD
from thriftnet.errors import RecipeError, RunError
from thriftnet.models.saved import SavedModel, save_model
from thriftnet.runs.folder import RunFolder
from thriftnet.training.setup import recipe_network

COMMIT = "a" * 40


def trained(path: Path, *, commit: str | None = COMMIT, **changes: Any) -> RunFolder:
    """A run of `smoke` whose final model is its untrained network."""
    run = make_run(
        path, environment={"commit": commit, "precision": "bf16", "torch": "2.13.0"}, **changes
    )
    recipe = run.recipe()
    network = recipe_network(recipe, classes=10)
    facts = {"classes": CIFAR10_CLASSES, "mean": CIFAR10_MEAN, "std": CIFAR10_STD, "tta": "flip"}
    architecture = recipe.model.model_dump(mode="json")
    save_model(run.model_path, SavedModel(network=network, architecture=architecture, **facts))
    return run


def too_large(path: Path) -> RunFolder:
    """A run of `smoke` with the weights of a larger network."""
    run = trained(path)
    wide = trained(
        path.parent / "wide",
        overrides=["model.channels=[64,500,500]", "max_parameters=9000000"],
    )
    run.model_path.write_bytes(wide.model_path.read_bytes())
    return run


@pytest.mark.parametrize(
    ("make", "options", "told"),
    [
        (lambda path: make_run(path, finished=False), {}, "thriftnet train --resume"),
        (lambda path: trained(path, commit=f"{COMMIT}+changes"), {}, "commit it and retrain"),
        (
            lambda path: trained(path, commit=None),
            {},
            r"no commit \(not known\); commit it and",
        ),
        (trained, {"now": f"{COMMIT}+changes"}, "the code here is of no commit"),
        (trained, {"now": None}, "the code here is of no commit"),
        (lambda path: trained(path, overrides=["train.epochs=3"]), {}, "trained by another recipe"),
        (trained, {"name": "quick"}, "trained by another recipe .* than the shipped quick"),
        (lambda path: trained(path, overrides=["name=mine"]), {}, "none is named mine; .* --name"),
        (trained, {"name": "mine.yaml"}, "none is named mine.yaml"),
        (lambda path: trained(path, seed=1), {}, "has seed 1; .* so that no test figure chooses"),
        (too_large, {}, "parameters, over 5,000,000"),
        (lambda path: RunFolder(path), {}, "there is no run folder"),
    ],
)
def test_what_cannot_be_evidence_is_refused(
    make: Callable[[Path], RunFolder], options: dict[str, Any], told: str, tmp_path: Path
) -> None:
    run, folder = make(tmp_path / "run"), tmp_path / "weights"
    with pytest.raises((RunError, RecipeError), match=told) as caught:
        ship(run.path, folder=folder, **{"now": COMMIT, **options})
    assert len(str(caught.value).splitlines()) == 1
    assert not folder.exists()


def shipped(folder: Path, **changes: Any) -> Path:
    """Weights in `folder` with a card, and the page of it."""
    card = make_card(**changes)
    run = trained(folder.parent / "made")
    network = recipe_network(run.recipe(), classes=10)
    model = SavedModel(
        network=network,
        architecture=run.recipe().model.model_dump(mode="json"),
        classes=CIFAR10_CLASSES,
        mean=CIFAR10_MEAN,
        std=CIFAR10_STD,
        about=card.in_about({}),
    )
    path = folder / f"{card.name}.safetensors"
    save_model(path, model, half=True)
    path.with_suffix(".md").write_text(page(path), "utf-8")
    return path


def test_card_of_a_training_that_moved_names_both_machines(tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    run.append({"kind": "environment", "step": 1090, "accelerator": "fast", "commit": "c" * 40})
    run.append({"kind": "environment", "step": 1180, "threads": 4, "accelerator": None})
    assert machine_of(run.environment()).accelerator is None
    moves = list(moves_of(run))
    assert [(m.step, m.commit[0], m.machine.accelerator, m.machine.threads) for m in moves] == [
        (1090, "c", "fast", 2),
        (1180, "c", None, 4),
    ]
    path = shipped(tmp_path / "weights", moves=[m.model_dump() for m in moves])
    text = " ".join(path.with_suffix(".md").read_text("utf-8").split())
    assert (
        "on any, 2 threads (cpu, torch 2.13.0); from step 1,090 on, on fast (cpu, torch "
        "2.13.0); from step 1,180 on, on any, 4 threads (cpu, torch 2.13.0) - code" in text
    )
    assert f"commit `{COMMIT}`, from step 1,090 on `{'c' * 40}`" in text
    assert "to the bit" not in text


def test_page_says_what_the_card_says(tmp_path: Path) -> None:
    path = shipped(tmp_path / "weights")
    text = " ".join(path.with_suffix(".md").read_text("utf-8").split())
    for told in (
        "# smoke About a minute. It classifies 75.00% of CIFAR-10's test images correctly with",
        "thriftnet predict smoke photo.jpg",
        "| with its mirror image | bf16 | 75.00% | 74.00% to 76.00% | 97.00% | 1.0000 | 0.1234 |",
        "| without TTA | fp32 | 37.50% |",
        "Before conversion to half precision, in bf16: 76.00% with its mirror image, 51.00% ",
        "The worst class is cat (25.00%), the best dog (87.50%)",
        "45,000 of its training images; 90,000 seen",
        f"commit `{COMMIT}`",
        "78,042 parameters, 12.5M multiply-accumulates",
        "0.007 PFLOP in 0.7 min, bf16, on any, 2 threads (cpu, torch 2.13.0)",
        "reproduces it: bit for bit on the same machine",
        "MIT licence",
    ):
        assert told in text
    assert "label smoothing" not in text  # smoke has none
    block = weights_block(path.parent)
    assert (
        "| [`smoke`](src/thriftnet/weights/smoke.md) | 75.00% | 50.00% | 78,042 | 0.2 MB |" in block
    )
    assert "No network is shipped yet" in weights_block(tmp_path)


def test_shipped_weights_that_went_stale_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    path = shipped(folder)
    assert complaints(folder) == []
    path.with_suffix(".md").write_text("by hand")
    (found,) = complaints(folder)
    assert "smoke.md is stale; run: python benchmarks/render_documents.py" in found
    path.rename(folder / "quick.safetensors")
    assert [text.split(";")[0] for text in complaints(folder)] == [
        "quick.safetensors has no card of that name",
        "smoke.md has no weights beside it",
    ]


def test_weights_of_an_earlier_recipe_are_found(tmp_path: Path) -> None:
    shipped(tmp_path / "weights", digest="0" * 12)
    (found,) = complaints(tmp_path / "weights")
    assert "smoke.safetensors is of another version of the recipe; ship them anew" in found
