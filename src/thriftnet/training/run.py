"""The run folder: the only code that knows its layout.

runs/NAME/
recipe.yaml         complete: running it again is the same experiment
environment.json    versions, device, threads, commit, data digests, command line
metrics.jsonl       one JSON object a line, appended
checkpoints/last.pt          all that training needs to go on
checkpoints/best.safetensors the weights of the best validation accuracy
model.safetensors   final weights with their metadata
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from thriftnet.errors import RunError
from thriftnet.files import explain_os_error, write_whole
from thriftnet.recipe import Recipe, load_recipe

Line = dict[str, Any]
"""One line of metrics.jsonl; `kind` says what it tells: start, epoch, interrupted, end, test."""

_LONGEST_NAME = 200
"""Bytes of a folder's name; file systems take 255."""


@dataclass(frozen=True)
class Predictions:
    """What a network said of the test images, in their order."""

    labels: NDArray[np.int64]
    """(N,)."""
    logits: dict[str, NDArray[np.float32]]
    """(N, classes) for each way of test-time augmentation that was read."""


class RunFolder:
    """Everything a run knows, in one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_path = path / "recipe.yaml"
        self.environment_path = path / "environment.json"
        self.metrics_path = path / "metrics.jsonl"
        self.last_path = path / "checkpoints" / "last.pt"
        self.best_path = path / "checkpoints" / "best.safetensors"
        self.model_path = path / "model.safetensors"
        self.predictions_path = path / "predictions.npz"

    @classmethod
    def create(cls, path: Path, recipe: Recipe, environment: dict[str, Any]) -> RunFolder:
        """Make a new run folder.

        Raises:
            RunError: The path exists or cannot be written.
        """
        run = cls(path)
        if path.exists():
            raise RunError(
                f"{path} exists already; choose another --name, or go on with --resume {path}"
            )
        try:
            path.mkdir(parents=True)
        except OSError as fault:
            raise RunError(explain_os_error(fault, path)) from None
        content = json.dumps(environment, indent=2) + "\n"
        try:
            write_whole(run.environment_path, content.encode(), error=RunError)
            write_whole(run.recipe_path, recipe.to_yaml().encode(), error=RunError)
        except RunError:
            shutil.rmtree(path, ignore_errors=True)  # an empty run would only be in the way
            raise
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run folder.

        Raises:
            RunError: There is no folder, or it is not a run.
        """
        run = cls(path)
        if not path.is_dir():
            raise RunError(f"there is no run folder {path}; check the path")
        if not run.recipe_path.is_file():
            raise RunError(f"{path} is not a run folder: it has no recipe.yaml; check the path")
        return run

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    def recipe(self) -> Recipe:
        """The run's complete recipe.

        Raises:
            RecipeError: The file was changed and is wrong now.
        """
        return load_recipe(self.recipe_path)

    def append(self, line: Line) -> None:
        """Add a line to the metrics, whole or not at all, in the place of a torn last one.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        added = json.dumps(line, allow_nan=False).encode() + b"\n"
        try:
            self.metrics_path.touch()
            with self.metrics_path.open("r+b", buffering=0) as file:
                content = file.read()
                whole = content.rfind(b"\n") + 1  # bytes
                if _parse(content[whole:]) is not None:  # torn, but of its line break alone
                    whole, added = len(content), b"\n" + added
                file.truncate(whole)
                file.seek(whole)
                if file.write(added) < len(added):
                    file.truncate(whole)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as fault:
            raise RunError(explain_os_error(fault, self.metrics_path)) from None

    def metrics(self) -> list[Line]:
        """All whole lines; one torn at the end (a machine that stopped) is left out.

        Raises:
            RunError: Another line is not a JSON object.
        """
        try:
            texts = self.metrics_path.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        lines: list[Line] = []
        for number, text in enumerate(texts, start=1):
            line = _parse(text)
            if line is not None:
                lines.append(line)
            elif number < len(texts):
                raise RunError(f"{self.metrics_path} is damaged in line {number}; delete that line")
        return lines

    def rewind(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run is about to repeat."""
        kept = [line for line in self.metrics() if line.get("step", 0) <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_whole(self.metrics_path, text.encode(), error=RunError)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the checkpoint that `--resume` reads, whole or not at all.

        Raises:
            RunError: The disk is full; the checkpoint before stays.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_whole(self.last_path, buffer.getvalue(), error=RunError)

    def load_state(self) -> dict[str, Any]:
        """Read the checkpoint.

        Raises:
            RunError: There is none, or it is damaged.
        """
        if not self.last_path.is_file():
            raise RunError(
                f"{self.path} has no checkpoint to resume from; train it anew under another --name"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pickles that torch did not write
                state = torch.load(self.last_path, map_location="cpu", weights_only=True)
        # Damaged bytes can make the reader raise nearly anything; it executes nothing.
        except Exception as fault:
            reason = str(fault).split(". ")[0][:100] or type(fault).__name__
            raise RunError(
                f"{self.last_path} is damaged ({reason}); train anew under another --name"
            ) from None
        return cast("dict[str, Any]", state)

    def save_predictions(self, predictions: Predictions) -> None:
        """Write what the network said of the test images, whole or not at all.

        Raises:
            RunError: The disk is full or the folder cannot be written.
        """
        buffer = io.BytesIO()
        arrays: dict[str, NDArray[Any]] = {"labels": predictions.labels}
        arrays |= {f"logits_{tta}": logits for tta, logits in predictions.logits.items()}
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        write_whole(self.predictions_path, buffer.getvalue(), error=RunError)

    def load_predictions(self) -> Predictions | None:
        """What the network said of the test images; none if it was never evaluated.

        Raises:
            RunError: The file is damaged.
        """
        if not self.predictions_path.is_file():
            return None
        try:
            content = io.BytesIO(self.predictions_path.read_bytes())
            with np.load(content, allow_pickle=False) as arrays:
                labels = np.asarray(arrays["labels"], dtype=np.int64)
                logits = {
                    name.removeprefix("logits_"): np.asarray(arrays[name], dtype=np.float32)
                    for name in arrays.files
                    if name != "labels"
                }
        # Damaged bytes can make the reader raise nearly anything.
        except Exception:
            raise RunError(
                f"{self.predictions_path} is damaged; write it anew with: "
                f"thriftnet evaluate {self.path}"
            ) from None
        return Predictions(labels, logits)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end and has its final weights."""
        return self.model_path.is_file()


def _parse(text: str | bytes) -> Line | None:
    """A line of the metrics; none if it is damaged."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return cast("Line", line) if isinstance(line, dict) else None


def new_run_path(runs_dir: Path, recipe: Recipe, name: str | None) -> Path:
    """Where a new run goes: by its name, or by recipe, seed and time.

    Raises:
        RunError: The name would lead out of the folder, or exists.
    """
    if name is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        name = f"{recipe.name}-s{recipe.seed}-{stamp}"
    marked = any(mark in name for mark in {"/", os.sep, "\0"})
    if name in {"", ".", ".."} or marked or len(os.fsencode(name)) > _LONGEST_NAME:
        raise RunError(
            f"--name {name!r} is not a plain folder name of at most {_LONGEST_NAME} bytes; "
            "leave out slashes"
        )
    path = runs_dir / name
    if path.exists():
        raise RunError(
            f"{path} exists already; choose another --name, or go on with --resume {path}"
        )
    return path


def model_file(target: Path) -> Path:
    """The model file that a run folder or a file path stands for.

    Raises:
        RunError: Nothing is there, or the run has not come to its end.
    """
    if not target.exists():
        raise RunError(f"there is no run folder or model file {target}; check the path")
    if target.is_file():
        return target
    run = RunFolder.open(target)
    if not run.finished:
        raise RunError(
            f"{target} has no final model yet; finish it with: thriftnet train --resume {target}"
        )
    return run.model_path
