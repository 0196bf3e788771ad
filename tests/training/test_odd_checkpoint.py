"""A received checkpoint with values that no training wrote: one line, whatever they are."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from small import dataset, opened, sitting, small_recipe, use_images
from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder
from thriftnet.training.progress import Quiet
from thriftnet.training.resume import resume_run

ODD: tuple[Any, ...] = ("x", None, [], {}, -1, 1.5, 10**15, float("nan"), torch.ones(3))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    recipe = small_recipe(train={"epochs": 3})
    return sitting(recipe, tmp_path_factory.mktemp("odd") / "run", stop_after=5)[1]


@pytest.fixture
def state(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    use_images(monkeypatch, opened(dataset()))
    written = run.load_state()
    yield copy.deepcopy(written)
    run.save_state(written)


def changes(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The state with one value in turn that is odd."""
    for name in ("step", "total_steps", "order", "losses", "seen", "totals", "curve", "optimisers"):
        for odd in ODD:
            fitting = odd == {} and name in ("curve", "totals")
            if not fitting and not (odd is None and name in ("order", "losses", "seen")):
                yield f"{name} = {odd}", {**state, name: odd}
    for odd in (torch.tensor([10**6]), torch.tensor([-1]), torch.zeros(2, 2).long()):
        yield f"order = {odd}", {**state, "order": odd}
    optimisers = copy.deepcopy(state["optimisers"])
    next(iter(optimisers[0]["state"].values()))["exp_avg"] = torch.ones(7)
    yield "exp_avg", {**state, "optimisers": optimisers}


def test_what_no_training_wrote_is_refused(run: RunFolder, state: dict[str, Any]) -> None:
    for told, odd in changes(state):
        run.save_state(odd)
        try:
            with pytest.raises(RunError, match="does not fit its recipe.yaml; undo"):
                resume_run(run.path, progress=Quiet())
        except BaseException as fault:
            fault.add_note(told)
            raise
