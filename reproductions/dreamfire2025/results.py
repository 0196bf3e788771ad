"""What the paper report reads of results/: each file, its keys, and the command that writes it.

A file that is not there was not measured yet. Keys that are not named here play no part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from thriftnet.errors import ThriftnetError
from thriftnet.recipe import load_recipe, shipped_recipes


class ResultsError(ThriftnetError):
    """A file of measured results is missing or damaged, or the page cannot be written."""


Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


def _with(*keys: str) -> AfterValidator:
    """A dictionary must have these keys."""

    def check(found: dict[str, Any]) -> dict[str, Any]:
        lacking = [key for key in keys if key not in found]
        if lacking:
            raise ValueError(f"{lacking[0]} is missing")
        return found

    return AfterValidator(check)


Networks = _with("paper", "ResNet-18")
Loops = _with("plain", "ours")


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Machine(_Keys):
    """What figures were measured on."""

    processor: str
    amx: bool | None = None
    """None in files of before it was recorded."""
    threads: int
    torch: str
    accelerator: str | None = None


class Measured(_Keys):
    """What every results file tells of its origin."""

    command: str
    date: str
    machine: Machine
    commit: str | None = None


class Curve(_Keys):
    """A run epoch by epoch: columns of one length, empty where the file does not keep them."""

    epoch: tuple[float, ...] = ()
    train_loss: tuple[float | None, ...] = ()
    train_accuracy: tuple[Share | None, ...] = ()
    val_loss: tuple[float | None, ...] = ()
    val_accuracy: tuple[Share | None, ...] = ()
    learning_rate: tuple[float | None, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for key, column in vars(self).items():
            if column and len(column) != len(self.epoch):
                raise ValueError(f"{key} has {len(column)} values for {len(self.epoch)} epochs")
        return self

    def series(self, key: str) -> dict[float, float]:
        """The values of a column by epoch."""
        pairs = zip(self.epoch, getattr(self, key), strict=False)
        return {epoch: value for epoch, value in pairs if value is not None}


class ViewMetrics(_Keys):
    """Metrics on the test images with one choice of views."""

    loss: float


class Run(_Keys):
    """A trained run."""

    recipe: str
    seed: int
    accuracy: Share
    """On the test images, with the recipe's views."""
    digest: str | None = None
    tta: str = ""
    accuracy_without_tta: Share | None = None
    readings: dict[str, ViewMetrics] = {}
    """By test-time augmentation."""
    parameters: int | None = None
    pflop: Positive | None = None
    training_seconds: Positive | None = None
    machine: Machine | None = None
    """Where it began."""
    moves: tuple[dict[str, Any], ...] = ()
    """What changed of that, each time that it went on elsewhere."""
    curve: Curve = Curve()

    @property
    def loss(self) -> float | None:
        """Of the test images, read as the recipe says; none where the file does not keep it."""
        return self.readings[self.tta].loss if self.tta in self.readings else None


class Accuracy(Measured):
    """accuracy.json: every run that was trained to its end."""

    runs: tuple[Run, ...]


class SgdAgainstAdamW(Measured):
    """paper_sgd_against_adamw.json: runs of `paper` and `paper-sgd`, perhaps shortened."""

    epochs: Positive
    """Of each run."""
    runs: tuple[Run, ...]


class AgainstResNet18(Measured):
    """paper_against_resnet18.json: both networks trained by the recipe `paper`."""

    parameters: Annotated[dict[str, int], Networks]
    macs: Annotated[dict[str, int], Networks]
    epoch_seconds: Annotated[dict[str, float], Networks]
    reduction: float
    """Of the time of an epoch."""

    @property
    def parameter_reduction(self) -> float:
        """As `reduction`, of the parameters."""
        return 1 - self.parameters["paper"] / self.parameters["ResNet-18"]

    @property
    def mac_ratio(self) -> float:
        """Multiply-accumulates of an image, over ResNet-18's."""
        return self.macs["paper"] / self.macs["ResNet-18"]


class Parity(Measured):
    """paper_parity.json: our loop beside a plain one."""

    steps: int
    largest_difference: float
    holds: bool


class Speed(Measured):
    """paper_speed.json: our loop beside a plain one."""

    images_per_second: Annotated[dict[str, float], Loops]
    ratio: float


FILES: dict[str, type[Measured]] = {
    "accuracy": Accuracy,
    "paper_sgd_against_adamw": SgdAgainstAdamW,
    "paper_against_resnet18": AgainstResNet18,
    "paper_parity": Parity,
    "paper_speed": Speed,
}
"""Every file that is read. NAME.json is written by benchmarks/NAME.py."""


@dataclass(frozen=True)
class Results:
    """What was measured."""

    folder: Path
    files: dict[str, Measured]
    """By name, those that are there."""
    runs: tuple[Run, ...]
    """Trained runs, one for each recipe and seed."""
    outdated: tuple[str, ...]
    """Recipes with no runs but those of other settings or of an earlier version."""


def read_results(folder: Path) -> Results:
    """Read the results files of a folder.

    Raises:
        ResultsError: There is no folder, or a file is damaged.
    """
    if not folder.is_dir():
        raise ResultsError(
            f"there is no folder of results {folder}; name one with --results, such as results/ "
            "of a checkout of thriftnet"
        )
    paths = {name: folder / f"{name}.json" for name in FILES}
    files = {name: _read(name, path) for name, path in paths.items() if path.is_file()}
    accuracy = files.get("accuracy")
    rows = accuracy.runs if isinstance(accuracy, Accuracy) else ()
    current = {name: load_recipe(name).digest() for name in shipped_recipes()}
    kept = [row for row in rows if row.digest in {None, current.get(row.recipe, row.digest)}]
    old = {row.recipe for row in rows} - {row.recipe for row in kept}
    runs = {(row.recipe, row.seed): row for row in kept}  # the later of two takes the place
    return Results(folder, files, tuple(runs.values()), tuple(sorted(old)))


def _read(name: str, path: Path) -> Measured:
    remedy = "restore it with git, or measure it again"
    try:
        content: Any = json.loads(path.read_bytes())
        return FILES[name].model_validate(content)
    except OSError as fault:
        raise ResultsError(f"{path} cannot be read: {fault.strerror}; check the file") from None
    except ValidationError as fault:  # a ValueError too
        first = fault.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise ResultsError(f"{path} is damaged: {key}: {first['msg']}; {remedy}") from None
    except ValueError as fault:
        raise ResultsError(f"{path} is damaged: {fault}; {remedy}") from None
