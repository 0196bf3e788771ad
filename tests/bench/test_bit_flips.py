"""A short version of `benchmarks/bit_flips.py`: no flipped bit changes what is read in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bit_flips import Kind, flip_bits, run_kinds, shipped_kinds, study_kinds
from made_runs import predictions_of
from small import sitting, small_recipe
from support.made_study import made_study
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.tracked import save_mlflow_run
from thriftnet.weights.shipped import FOLDER

FLIPS = 8


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A finished run with everything that one can hold."""
    run = sitting(small_recipe(train={"select": "best"}), tmp_path / "run")[1]
    run.save_predictions(predictions_of(np.arange(50) % 2 == 0))
    save_mlflow_run(run, "0" * 32)
    return run


def silent(kinds: list[Kind], *, flips: int = FLIPS) -> dict[str, list[int]]:
    found = {kind.name: flip_bits(kind, flips=flips) for kind in kinds if kind.path.is_file()}
    assert sum(told["noticed"] for told in found.values()) > flips
    return {name: told["silent_bits"] for name, told in found.items() if told["silent"]}


def test_of_a_run(run: RunFolder):
    kinds = run_kinds(run)
    assert all(kind.path.is_file() for kind in kinds)
    assert silent(kinds, flips=4 * FLIPS) == {}


def test_of_a_study(tmp_path: Path):
    study = made_study(tmp_path / "study", until="grid", jobs=3)
    study.storage.close()
    assert silent(study_kinds(study.path)) == {}


def test_of_shipped_weights(tmp_path: Path):
    folder = Path(shutil.copytree(FOLDER, tmp_path / "weights"))
    (told,) = [flip_bits(kind, flips=FLIPS) for kind in shipped_kinds(folder)]
    assert (told["noticed"], told["silent"]) == (FLIPS, 0)
