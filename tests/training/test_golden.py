"""Small trainings end as they did before: equal recipes keep their bits.

On the machine and torch of golden.json the weights are the same to the bit, elsewhere the losses to
rounding. A change that is meant to change them writes the file anew, and says so in CHANGELOG.md:

    export OMP_NUM_THREADS=1 PYTHONPATH=src:tests/support:tests/support/made
    python tests/training/test_golden.py
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from small import sitting, small_recipe
from thriftnet.models.saved import read_model
from thriftnet.runtime.device import processor_name

FILE = Path(__file__).parent.parent / "support" / "golden.json"
SPEEDNET = {"family": "speednet", "blocks": [1, 2], "channels": [8, 8]}
MUON = {"name": "muon", "lr": 0.1, "bias_lr": 0.01, "head_lr": 0.05}
SGD = {"name": "sgd", "lr": 0.05, "nesterov": True}
WIDE = {"channels": [8, 16]}
RECIPES = {
    "sgd, whole batches": small_recipe(optim=SGD, model=WIDE, train={"ema_decay": 0.0}),
    "adamw, averaged, micro-batches": small_recipe(model=WIDE, train={"micro_batch": 4}),
    "muon and adamw, best weights": small_recipe(
        model=SPEEDNET, optim=MUON, train={"select": "best", "micro_batch": 8}
    ),
    "muon and sgd, mixed, hard images": small_recipe(
        model=SPEEDNET,
        optim={**MUON, "aux": "sgd"},
        augment={"cutmix": 1.0, "mixup": 0.3},
        train={"hard_fraction": 0.5, "full_epochs": 1, "label_smoothing": 0.1},
    ),
}


def trained(name: str, folder: Path) -> dict[str, Any]:
    """The digest of the final weights, and the losses of the epochs."""
    _, run = sitting(RECIPES[name], folder / "run")
    digest = hashlib.sha256()
    for key, value in sorted(read_model(run.model_path).network.state_dict().items()):
        digest.update(key.encode() + value.contiguous().numpy().tobytes())
    losses = [line["train_loss"] for line in run.metrics() if line["kind"] == "epoch"]
    return {"weights": digest.hexdigest()[:16], "losses": losses}


def machine() -> str:
    units = torch.backends.cpu.get_cpu_capability()
    return (
        f"{processor_name()}, {units}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )


@pytest.mark.parametrize("name", RECIPES)
def test_equal_recipes_keep_their_bits(name: str, tmp_path: Path) -> None:
    golden = json.loads(FILE.read_text("utf-8"))
    expected, found = golden["trainings"][name], trained(name, tmp_path)
    assert found["losses"] == pytest.approx(expected["losses"], rel=0.01)
    if golden["machine"] == machine():
        assert found == expected


if __name__ == "__main__":
    found: dict[str, Any] = {}
    for each in RECIPES:
        with tempfile.TemporaryDirectory() as place:
            found[each] = trained(each, Path(place))
    content = {"machine": machine(), "trainings": found}
    FILE.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
