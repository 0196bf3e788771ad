"""Pages of shipped weights, NAME.md: from the card in NAME.safetensors and results/."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from documents.accuracy_table import over_seeds, shipped_runs
from documents.quoting import card_machine, render, result
from documents.robust_blocks import mean_of_others
from thriftnet.evaluation.resemblance import resembled_corruptions
from thriftnet.inference.views import NAMES
from thriftnet.models.metadata import read_facts
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.table import Table, make_table
from thriftnet.weights.card import Card, card_page, read_card
from thriftnet.weights.shipped import FOLDER, shipped_weights, weights_file

LARGEST_FILE = 10_000_000
"""Bytes."""
MOST_PARAMETERS = 5_000_000


def page(path: Path) -> str:
    """Render the page of a model file with a card."""
    card = read_card(path)
    assert card
    content = path.read_bytes()
    recipe, measured = load_recipe(card.name), result("accuracy")
    runs = shipped_runs(measured, recipe) if measured else []
    several = len(runs) > 1
    text = render(
        "model_card.md.j2",
        card=card,
        views=NAMES,
        metrics=_metrics(card).markdown(),
        worst=min(card.per_class, key=card.per_class.__getitem__),
        best=max(card.per_class, key=card.per_class.__getitem__),
        smoothed=recipe.train.label_smoothing > 0,
        robust=_robust(card, recipe),
        calibrated=_calibrated(path, card),
        seeds=len(runs) if several else 0,
        over_seeds=over_seeds(runs, "accuracy") if several else "",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return f"{text}\n"


def _metrics(card: Card) -> Table:
    columns = (
        "views", "precision", ("accuracy", ".2%"), "95% interval", ("top-5", ".2%"),
        ("log loss, nats", ".4f"), ("ECE", ".4f"),
    )  # fmt: skip
    return make_table(
        columns,
        [
            (
                NAMES[each.tta],
                each.precision,
                each.accuracy,
                " to ".join(f"{end:.2%}" for end in each.accuracy_interval),
                each.top5,
                each.loss,
                each.calibration_error,
            )
            for each in card.figures
        ],
    )


def _measured(file: str, name: str) -> dict[str, Any] | None:
    """A network's figures of a file of results/; none where they were not measured yet."""
    return ((result(file) or {}).get("networks") or {}).get(name)


def _robust(card: Card, recipe: Recipe) -> dict[str, Any] | None:
    """Accuracy under corruption, and over the kinds that training did not resemble."""
    found = _measured("robustness", card.name)
    if found is None:
        return None
    resembled = resembled_corruptions(recipe.augment)
    return {**found, "resembled": resembled, "mean_of_others": mean_of_others(found, resembled)}


def _calibrated(path: Path, card: Card) -> dict[str, Any]:
    """The images that a file's map was fitted to, and what the map does to the test images."""
    calibration, found = read_facts(path).calibration, _measured("calibration", card.name)
    views = found and found["test"][card.tta]["shipped"]
    return {
        "images": calibration.images if calibration else None,
        "epochs": found and (found.get("companion_epochs"), found.get("epochs")),
        "outliers": calibration is not None and calibration.outliers is not None,
        "before": views and views["before"]["error"],
        "after": views and views["after"]["error"],
        "floor": views and views["after"]["noise_floor"],
    }


def weights_block(folder: Path = FOLDER) -> str:
    """Render the networks in the package, for the README."""
    names = shipped_weights(folder)
    if not names:
        return "No network is shipped yet (`python benchmarks/ship_weights.py RUN`)."
    rows: list[tuple[Any, ...]] = []
    for name in names:
        path = weights_file(name, folder)
        card = read_card(path)
        assert card
        plain = card.figure("none", card.precision)
        assert plain
        accuracies = card.headline.accuracy, plain.accuracy
        link = f"[`{name}`](src/thriftnet/weights/{name}.md)"
        rows.append((link, *accuracies, card.parameters, path.stat().st_size))
    columns = (
        "name", ("test accuracy", ".2%"), ("without TTA", ".2%"), "parameters",
        ("file", _megabytes),
    )  # fmt: skip
    cards = [card for name in names if (card := read_card(weights_file(name, folder)))]
    where = sorted({card_machine(card.read_machine) for card in cards})
    table = make_table(columns, rows).markdown()
    return render("weights.md.j2", table=table, first=names[0], where="; ".join(where))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def complaints(folder: Path = FOLDER) -> list[str]:
    """Errors in shipped weights, as sentences with a remedy."""
    found: list[str] = []
    again = "ship them anew: python benchmarks/ship_weights.py RUN"
    for name in shipped_weights(folder):
        path = weights_file(name, folder)
        card = read_card(path)
        if card is None or card.name != name:
            found.append(f"{path.name} has no card of that name; {again}")
            continue
        if card.digest != load_recipe(name).digest():
            found.append(f"{path.name} is of another version of the recipe; {again}")
        if path.stat().st_size > LARGEST_FILE or card.parameters > MOST_PARAMETERS:
            found.append(f"{path.name} is too large to ship; take a smaller network")
        written = card_page(name, folder)
        if not written.is_file() or written.read_text("utf-8") != page(path):
            found.append(f"{written.name} is stale; run: python benchmarks/render_documents.py")
    lost = {path.stem for path in folder.glob("*.md")} - set(shipped_weights(folder))
    found += [f"{name}.md has no weights beside it; remove it" for name in sorted(lost)]
    return found
