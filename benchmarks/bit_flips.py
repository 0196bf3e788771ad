"""Does a flipped bit ever change what is read, without a word?

    python benchmarks/bit_flips.py

Trains `smoke` on a part of the images until its first epoch and to its end, makes a study of the
shipped space `small` without training, and copies the shipped weights of `quick`. Then flips
single bits, drawn at random, in each kind of file that is written and read back. A flip is

    noticed    an error names the file, or it is left out and a report says so
    harmless   what is read is what was written
    silent     other content is read, or an error that thriftnet does not report

Times the checks of `best` too, and writes results/bit_flips.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from support.made_study import made_study
from support.record import write_result
from thriftnet import evaluate
from thriftnet.errors import ThriftnetError
from thriftnet.models.saved import read_model
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.predictions import Predictions
from thriftnet.runs.tracked import mlflow_run, save_mlflow_run
from thriftnet.search.stages.order import STAGES
from thriftnet.search.study import Study
from thriftnet.training.start import start_run
from thriftnet.weights.digests import check_shipped
from thriftnet.weights.find import find_model
from thriftnet.weights.shipped import FOLDER, weights_file

REPEATS = 15


@dataclasses.dataclass(frozen=True)
class Kind:
    """A file and how it is read."""

    name: str
    path: Path
    read: Callable[[], Any]
    """Raises, or returns nothing, where damage is noticed."""


def run_kinds(run: RunFolder) -> list[Kind]:
    """The files of a run that is finished, has checkpoints and was evaluated."""
    return [
        Kind("last.pt", run.last_path, lambda: _last(run)),
        Kind("best.safetensors", run.best_path, lambda: read_model(run.best_path)),
        Kind("model.safetensors", run.model_path, lambda: read_model(run.model_path)),
        Kind("predictions.npz", run.predictions_path, run.load_predictions),
        Kind("recipe.yaml", run.recipe_path, run.recipe),
        Kind("metrics.jsonl", run.metrics_path, run.metrics),
        Kind("environment.json", run.environment_path, run.environment),
        Kind("mlflow.json", run.mlflow_path, lambda: mlflow_run(run)),
    ]


def study_kinds(study: Path) -> list[Kind]:
    """The files of a study that is done."""
    outcomes = [
        Kind(f"{stage.name}.json", study / f"{stage.name}.json", lambda: _outcomes(study))
        for stage in STAGES
    ]
    return [
        Kind("study.db", study / "study.db", lambda: _rows(study)),
        Kind("space.yaml", study / "space.yaml", lambda: _rows(study)),
        Kind("winner.yaml", study / "winner.yaml", lambda: load_recipe(study / "winner.yaml")),
        *outcomes,
    ]


def shipped_kinds(folder: Path) -> list[Kind]:
    """Shipped weights."""
    path = weights_file("quick", folder)
    return [
        Kind("shipped weights", path, lambda: read_model(find_model("quick", folder=folder).path))
    ]


def flip_bits(kind: Kind, *, flips: int, seed: int = 0) -> dict[str, Any]:
    """Count what becomes of single flipped bits, the file left as it was."""
    content, written = kind.path.read_bytes(), plain(kind.read())
    counts, silent = Counter[str](), list[int]()
    for bit in random.Random(f"{kind.name} {seed}").choices(range(8 * len(content)), k=flips):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        kind.path.write_bytes(changed)
        what = _judge(kind, written)
        counts[what] += 1
        silent += [bit] if what == "silent" else []
    kind.path.write_bytes(content)
    return {
        "bytes": len(content),
        "flips": flips,
        **{word: counts[word] for word in ("noticed", "harmless", "silent")},
        "silent_bits": silent,
    }


def _judge(kind: Kind, written: object) -> str:
    try:
        found = kind.read()
    except ThriftnetError:
        return "noticed"
    except Exception:  # no line and no remedy for a user: as bad as a change that goes unnoticed
        return "silent"
    if found is None or found == {}:
        return "noticed"
    return "harmless" if plain(found) == written else "silent"


def plain(value: Any) -> object:
    """A value that can be compared, of what a file holds."""
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, Predictions) or dataclasses.is_dataclass(value):
        return plain(vars(value))
    if isinstance(value, dict):
        known = {k: v for k, v in value.items() if not _was_checksum(k)}
        return [(key, plain(content)) for key, content in known.items()]
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return repr(value)


def _was_checksum(key: object) -> bool:
    """Whether a key is that of a checksum with one changed letter: no reader asks for it."""
    return len(str(key)) == 8 and sum(map(str.__ne__, str(key), "checksum")) == 1


def _last(run: RunFolder) -> dict[str, Any] | None:
    """The last checkpoint; none where the one before is used in its place, which is said."""
    state, damage = run.find_state()
    return None if damage else state


def _rows(path: Path) -> list[Any]:
    study = Study.open(path, read_only=True)
    try:
        stages = [study.storage.jobs(stage.name) for stage in STAGES]
        return [study.space, study.storage.candidates(), stages]
    finally:
        study.storage.close()


def _outcomes(path: Path) -> list[Any]:
    study = Study.open(path, read_only=True)
    study.storage.close()
    return [study.outcome(stage.name) for stage in STAGES]


def make_run(folder: Path) -> RunFolder:
    """A short run that keeps its best weights, with predictions."""
    recipe = load_recipe(
        "smoke", ["data.fraction=0.02", "data.val_ratio=0.02", "train.select=best"]
    )
    run = RunFolder.open(start_run(recipe, name="run", runs_dir=folder).path)
    evaluate(run.path)
    save_mlflow_run(run, "0123456789abcdef" * 2)
    return run


def time_checks() -> dict[str, float]:
    """Milliseconds of loading `best`, and of its check alone: the quickest of REPEATS.

    Other programs on the machine can only add to it.
    """
    path = weights_file("best", FOLDER)
    return {
        "check_ms": _quickest_ms(lambda: check_shipped(path)),
        "load_ms": _quickest_ms(lambda: read_model(find_model("best").path)),
    }


def _quickest_ms(work: Callable[[], object]) -> float:
    took: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return min(took)


def main() -> None:
    """Make the files, flip their bits, write the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=400, help="of each kind of file")
    flips = parser.parse_args().flips
    timed = time_checks()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run = make_run(folder)
        study = made_study(folder / "study")
        study.storage.close()
        shipped = Path(shutil.copytree(FOLDER, folder / "weights"))
        kinds = [*run_kinds(run), *study_kinds(study.path), *shipped_kinds(shipped)]
        found: dict[str, dict[str, Any]] = {}
        for kind in kinds:
            found[kind.name] = told = flip_bits(kind, flips=flips)
            print(f"{kind.name:<18} {told['noticed']:>4} noticed {told['harmless']:>4} harmless "
                  f"{told['silent']:>4} silent", flush=True)  # fmt: skip
    write_result("bit_flips", {**timed, "files": found})


if __name__ == "__main__":
    main()
