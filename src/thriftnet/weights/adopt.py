"""A network without a run as a run folder, for the commands that read runs.

It lies in the cache as `networks/DIGEST/NAME`, by the digest of its file: a recipe, the network,
and of the metrics what the file tells. Evaluations are added to it as to any run.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thriftnet.errors import RecipeError, RunError, RunExistsError
from thriftnet.files import read_bounded, write_whole
from thriftnet.home import cache_folder
from thriftnet.models.metadata import ModelFacts, read_facts
from thriftnet.recipe import Recipe, build_recipe, load_recipe, shipped_recipes
from thriftnet.recipe.load import near_name
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, write_lines
from thriftnet.runs.new_run import create_run
from thriftnet.trust import why_distrusted
from thriftnet.weights.card import Card, card_of
from thriftnet.weights.find import FoundModel, find_model, find_run, is_network_alone

_MOST_BYTES = 2**30
_MARK = "network"
"""Key of environment.json that a run folder of a training does not have."""


def find_or_adopt(target: Path | str) -> Path:
    """The run folder that a name or a path stands for; that of a network alone is made.

    Args:
        target: As of `find_model`; a file in a run folder stands for its run.

    Raises:
        RunError: It is an ONNX export, no network, or the cache cannot hold its folder.
    """
    if not is_network_alone(target) or Path(target).suffix.lower() == ".onnx":
        return find_run(target)
    return adopt(find_model(target)).path


def adopted(environment: Mapping[str, Any]) -> str | None:
    """The digest of an adopted network, by its environment; None for a run of a training."""
    return environment.get(_MARK)


def adopt(found: FoundModel) -> RunFolder:
    """The run folder of a network, made if it is not there.

    Raises:
        RunError: The file is damaged or no network, or the cache cannot hold the folder.
    """
    try:
        content = read_bounded(found.path, most=_MOST_BYTES)
    except (OSError, ValueError) as fault:
        raise RunError(f"{found.path} cannot be read ({fault}); check the path") from None
    digest = hashlib.sha256(content).hexdigest()[:16]
    cache = cache_folder()
    run = RunFolder(cache / "networks" / digest / found.title)
    if reason := why_distrusted(run.path, cache):
        raise RunError(f"{reason}; set THRIFTNET_CACHE to a folder of your own")
    if not run.finished:
        facts = read_facts(found.path)
        card = card_of(facts.about)
        recipe = _recipe(facts, f"{found.title[:40]}-{digest[:6]}")
        with contextlib.suppress(RunExistsError):  # of a process that was killed here, or is here
            create_run(run.path, recipe, {_MARK: digest, **_environment(facts, card)})
        write_lines(run.metrics_path, _lines(found.path, card))
        write_whole(run.model_path, content, error=RunError)
    return run


def _recipe(facts: ModelFacts, title: str) -> Recipe:
    """The recipe that trained a network, if it is a shipped one; else what the file tells of it."""
    about = facts.about
    with contextlib.suppress(RecipeError):
        if about.get("recipe") in shipped_recipes():
            recipe = load_recipe(about["recipe"], seed=about.get("seed"))
            if recipe.digest() == about.get("digest"):
                return recipe
    data: dict[str, Any] = {"image_size": facts.image_size, "fit": facts.fit}
    if about.get("data") is not None:
        data["dataset"] = f"the training data of {title}"
    return build_recipe(
        {
            "name": near_name(title),
            "model": dict(facts.architecture),
            "data": data,
            "evaluate": {"tta": facts.tta},
        }
    )


def _environment(facts: ModelFacts, card: Card | None) -> dict[str, Any]:
    data = {"data": facts.about["data"]} if facts.about.get("data") is not None else {}
    if card is None:
        return data
    told = {"thriftnet": card.thriftnet, "commit": card.commit, "precision": card.precision}
    return {**data, **told, **card.machine.model_dump(mode="json")}


def _lines(path: Path, card: Card | None) -> list[MetricRecord]:
    """What is known of a network as lines of metrics; its card's accuracies are the first tests."""
    from thriftnet.models.describe import count_macs
    from thriftnet.models.saved import read_model

    model = read_model(path)
    lines: list[MetricRecord] = [
        {
            "kind": "start",
            "step": 0,
            "classes": list(model.classes),
            "parameters": model.parameters,
            "macs": count_macs(model.network, image_size=model.image_size),
        }
    ]
    if card is None:
        return lines
    for move in card.moves:
        machine = move.machine.model_dump(mode="json")
        lines.append({"kind": "environment", "step": move.step, "commit": move.commit, **machine})
    lines.append(
        {
            "kind": "end",
            "step": 0,
            "seconds": card.training_seconds,
            "images": card.images_seen,
            "pflop": card.pflop,
        }
    )
    usual_last = sorted(card.figures, key=lambda figures: figures.precision == card.precision)
    return [*lines, *({"kind": "test", **each.model_dump(mode="json")} for each in usual_last)]
