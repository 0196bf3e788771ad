"""Resolves MODEL arguments: shipped weights, a run folder, a model file or an export.

Imports neither torch nor numpy, so that a mistyped name is reported at once.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from thriftnet.commands import command
from thriftnet.errors import RunError
from thriftnet.models.hub_folder import is_hub_folder
from thriftnet.recipe import shipped_recipes
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.paths import model_file
from thriftnet.weights.digests import check_shipped
from thriftnet.weights.shipped import FOLDER, shipped_weights, weights_file


@dataclass(frozen=True)
class FoundModel:
    """A resolved model file."""

    path: Path
    name: str | None = None
    """Name of the shipped weights, if given by name."""
    run: RunFolder | None = None
    """The run, if given by its folder."""

    @property
    def is_onnx(self) -> bool:
        """Whether it is an exported ONNX file, which can only predict."""
        return self.name is None and self.path.suffix.lower() == ".onnx"

    @property
    def title(self) -> str:
        """What the network is called: the name of its weights, run or folder, or of its file."""
        if self.run is not None:
            return self.run.path.resolve().name
        if is_hub_folder(self.path.parent):
            return self.path.parent.resolve().name
        return self.name or self.path.stem

    @property
    def shadows_a_path(self) -> bool:
        """Whether the name of shipped weights is also a path here."""
        return self.name is not None and Path(self.name).exists()


def find_model(target: Path | str, *, folder: Path = FOLDER) -> FoundModel:
    """Resolve a name or a path to a model file.

    The name of shipped weights takes precedence over a path of the same name, which can be given as
    `./NAME` or a `Path`.

    Args:
        target: A name or a path.
        folder: Folder of shipped weights.

    Raises:
        RunError: There is no such file, the run is not finished, or shipped weights do not match
            their digest.
    """
    _refuse_empty(target)
    path = Path(target)
    if isinstance(target, str) and path.name == target:  # a plain word
        shipped = shipped_weights(folder)
        if target in shipped:
            check_shipped(weights_file(target, folder))
            return FoundModel(weights_file(target, folder), name=target)
        if not path.exists():
            raise RunError(_unknown(target, shipped))
    is_run = path.is_dir() and not is_hub_folder(path)
    return FoundModel(model_file(path), run=RunFolder(path) if is_run else None)


def is_network_alone(target: Path | str) -> bool:
    """Whether a name or a path stands for a network, and for no run folder.

    Args:
        target: As of `find_model`.
    """
    path = Path(target)
    if _is_shipped(target):
        return True
    return (path.is_file() and _run_around(path) is None) or is_hub_folder(path)


def _is_shipped(target: Path | str) -> bool:
    """Whether it is the name of shipped weights, and no path."""
    return isinstance(target, str) and Path(target).name == target and target in shipped_weights()


def _run_around(path: Path) -> Path | None:
    """The run folder that a file lies in; None if there is none."""
    around = (each for each in path.parents if RunFolder(each).recipe_path.is_file())
    return next(around, None)


def find_run(target: Path | str) -> Path:
    """The run folder that a name or a path stands for, where a network alone will not do.

    Args:
        target: As of `find_model`; a file in a run folder stands for its run.

    Returns:
        The folder, which need not be there: whoever opens it says what is wrong.

    Raises:
        RunError: It is a network without the log of its training.
    """
    _refuse_empty(target)
    path = Path(target)
    if _is_shipped(target):
        here = f"; for the folder of that name write ./{target}" if path.exists() else ""
        raise RunError(
            f"{target} is the name of shipped weights, which have no training log; their accuracy: "
            f"{command('evaluate', target)}{here}"
        )
    if is_network_alone(target):
        use = "predict" if path.suffix.lower() == ".onnx" else "evaluate"
        end = " IMAGE..." if use == "predict" else ""
        raise RunError(
            f"{path} is a network without a training log: give a run folder, or use it with: "
            f"{command(use, path)}{end}"
        )
    if path.is_file() and (run := _run_around(path)) is not None:
        return run
    if len(path.parts) == 1 and not path.exists() and Path("runs", path).is_dir():
        raise RunError(f"there is no run folder {path}; did you mean {Path('runs', path)}?")
    return path


def _refuse_empty(target: Path | str) -> None:
    """Check that a network is named, as `Path("")` would be the current folder.

    Raises:
        RunError: It is not.
    """
    if target == "":
        raise RunError("the name of a network or run is empty; give its name or path")


def _unknown(name: str, shipped: tuple[str, ...]) -> str:
    listed = f"(shipped: {', '.join(shipped) or 'none yet'})"
    recipes = shipped_recipes()
    if name in recipes:
        return (
            f"the recipe {name} has no shipped weights {listed}; train it with: "
            f"{command('train', name)}"
        )
    near = difflib.get_close_matches(name, {*shipped, *recipes}, n=1)
    if Path("runs", name).is_dir():
        near = [f"runs/{name}"]
    remedy = f"did you mean {near[0]}?" if near else "check the name"
    return (
        f"there is no run folder or model file {name}, and no shipped weights have that name; "
        f"{remedy} {listed}"
    )
