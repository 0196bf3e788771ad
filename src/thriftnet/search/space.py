"""Search spaces: which recipes compete, and the settings of all stages."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import Field, ValidationError, model_validator

from thriftnet.errors import RecipeError, SearchError
from thriftnet.recipe import Recipe, build_recipe, load_recipe
from thriftnet.recipe.lengths import epochs_of, follow_epochs
from thriftnet.recipe.messages import explain, refuse_truth
from thriftnet.recipe.overrides import merge_override
from thriftnet.recipe.plain_yaml import write_yaml
from thriftnet.recipe.section import Section
from thriftnet.recipe.source import read_source

_SET_BY_THE_SEARCH = {
    "train.epochs": "halving.rungs and validation.epochs",
    "seed": "validation.seeds",
    "max_parameters": "the space's own max_parameters",
    "name": "the search",
    "description": "the search",
}

SHIPPED = "search/spaces"
"""Folder of the shipped spaces in the package."""

Values = Annotated[list[Any], Field(min_length=1)]
Epochs = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class HalvingSection(Section):
    """Successive halving of the grid (Jamieson and Talwalkar 2015, arXiv 1502.07943)."""

    rungs: Annotated[tuple[Epochs, ...], Field(min_length=1)] = (1, 3, 9)
    """Epochs after which the best are promoted; the last is the horizon of the schedule."""
    eta: Annotated[int, Field(ge=1)] = 4
    """One candidate in `eta` is promoted from each rung; 1 trains all to the end."""
    lag: Annotated[int, Field(ge=1)] = 8
    """A choice ignores the results of the last `lag` jobs; use four times the workers."""
    seed: Seed = 0
    """Random seed of every trial of the grid."""

    @model_validator(mode="after")
    def _rungs_rise(self) -> Self:
        if list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError("halving.rungs must increase, as in [1, 3, 9]")
        return self


class AnalysisSection(Section):
    """How the best candidates of the grid are analysed."""

    top: Annotated[int, Field(ge=1)] = 3
    """Number of best candidates to analyse, besides the reference."""
    images: Annotated[int, Field(ge=10)] = 2000
    """Maximum number of training images to fit the linear probes on, and of validation images for
    probes and ranks; accuracy and errors use all validation images."""
    steps: Annotated[int, Field(ge=1)] = 3
    """Training steps over which gradients and updates are measured."""


class RefinementSection(Section):
    """New candidates around the grid's best, at the grid's full horizon."""

    shifts: Annotated[int, Field(ge=0)] = 4
    """Maximum number of networks that move blocks or width between stages, as the analysis
    suggests."""
    trials: Annotated[int, Field(ge=0)] = 12
    """Number of trials proposed by Optuna's TPE."""
    lag: Annotated[int, Field(ge=1)] = 4
    """A proposal ignores the results of the last `lag` jobs; at least the number of workers."""
    seed: Seed = 0
    """Random seed of the proposals."""
    lr_factor: Annotated[float, Field(gt=1)] = 4.0
    """Learning rates are sampled between the best one divided and multiplied by this factor."""
    decay_factor: Annotated[float, Field(gt=1)] = 10.0
    """As lr_factor, for the weight decay, of which 0 counts as 0.0001."""
    strength: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(le=5)]] = (0.0, 2.0)
    """Range of the strength of colour jitter and rotation; 1 is that of the recipe `paper`."""

    @model_validator(mode="after")
    def _strengths_rise(self) -> Self:
        if self.strength[0] >= self.strength[1]:
            raise ValueError("refinement.strength must increase, as in [0, 2]")
        return self


class ValidationSection(Section):
    """Several seeds of the best candidates at a longer horizon."""

    top: Annotated[int, Field(ge=1)] = 2
    """Number of best candidates to validate, besides the reference."""
    epochs: Epochs = 20
    """Epochs of each trial."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=3)] = (0, 1, 2)
    """Random seeds, at least three; the same for every candidate, so that tests are paired."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("validation.seeds has a seed twice; use different ones")
        return self


class Space(Section):
    """Everything that a search is; equal spaces make equal studies on equal machines."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=40)]
    """Name of the space and, by default, of the study folder."""
    description: str = ""
    """One line of text for people."""
    base: dict[str, Any]
    """Recipe that every candidate starts from: a name, a path, or the recipe itself."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Recipe keys to change for all candidates."""
    max_parameters: Annotated[int, Field(ge=1)] = 5_000_000
    """Maximum number of trainable parameters; larger candidates are listed, not trained."""
    max_macs: Annotated[int, Field(ge=1)] | None = None
    """Maximum number of multiply-accumulates per image of 32x32 pixels; null: no limit."""
    grid: Annotated[dict[str, Values], Field(min_length=1)]
    """Values for each recipe key; the candidates are all combinations."""
    reference: dict[str, Any] = Field(default_factory=dict)
    """Recipe keys of a configuration that the winner is compared with; {}: none."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Processor threads of every trial, for any number of workers: they change its bits."""
    halving: HalvingSection = HalvingSection()
    analysis: AnalysisSection = AnalysisSection()
    refinement: RefinementSection = RefinementSection()
    validation: ValidationSection = ValidationSection()
    winner: dict[str, Any] = Field(default_factory=dict)
    """Recipe keys to change in the winner's recipe, as the search used fewer images or epochs."""

    @model_validator(mode="after")
    def _keys_are_free(self) -> Self:
        for part in ("set", "grid", "reference", "winner"):
            for key, value in cast("dict[str, Any]", getattr(self, part)).items():
                for own, by in _SET_BY_THE_SEARCH.items():
                    if part == "winner" and own == "train.epochs":  # overrides the section
                        continue
                    if key == own or (own.startswith(f"{key}.") and _has(value, own)):
                        raise ValueError(f"{part}.{own} is set by {by}; remove it")
                if part != "set" and key == "train":  # replacing the section would lose the horizon
                    raise ValueError(
                        f"{part}.train is a whole section; name its keys, as "
                        f"{part}.train.batch_size"
                    )
        for key, values in self.grid.items():
            if lost := next((own for own in self.set if own.startswith(f"{key}.")), None):
                raise ValueError(
                    f"set.{lost} would be lost because grid.{key} replaces whole sections; "
                    "put it into each of them"
                )
            known: set[str] = set()
            for value in values:
                if (text := json.dumps(value, default=str)) in known:
                    raise ValueError(f"grid.{key} has {value!r} twice; keep one")
                known.add(text)
        return self

    def recipe(self, *changes: Mapping[str, Any], epochs: float, seed: int, name: str) -> Recipe:
        """The base recipe with the space's settings and some changes, in that order.

        Lengths in epochs scale with the number of epochs, unless the base is for the last rung.

        Raises:
            SearchError: A key or value is wrong.
        """
        tree = cast("dict[str, Any]", json.loads(json.dumps(self.base)))
        fixed = {"name": name, "seed": seed, "max_parameters": self.max_parameters}
        horizon = {"train.epochs": float(epochs)}
        try:
            # In sequence: of a repeated key the last position counts, not the first.
            for keys in (self.set, horizon, *changes, fixed):
                for key, value in keys.items():
                    merge_override(tree, key, copy.deepcopy(value))  # later keys may be in it
            if epochs_of(self.base) == self.halving.rungs[-1]:  # its lengths are for that horizon
                own = [key for keys in (self.set, *changes) for key in keys]
                follow_epochs(tree, before=self.halving.rungs[-1], keep=own)
            return build_recipe(tree, origin=f"space {self.name}")
        except RecipeError as fault:
            raise SearchError(str(fault)) from None

    def digest(self) -> str:
        """Twelve hex digits that identify the space, without name and description."""
        content = self.model_dump(mode="json", exclude={"name", "description"})
        if content["threads"] == 1:  # also for spaces from before the key existed
            del content["threads"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def to_yaml(self) -> str:
        """The complete space, its base recipe spelled out."""
        return write_yaml(self.model_dump(mode="json"), flow=None)


def _has(section: Any, key: str) -> bool:
    """Whether a section's value names the last part of a dotted key."""
    return isinstance(section, dict) and key.rsplit(".", 1)[-1] in section


def load_space(source: str | Path, *, own: bool = False) -> Space:
    """Read a space by shipped name or YAML path.

    Args:
        source: `small`, or a path such as `mine.yaml`.
        own: Whether it is a study's copy, which is complete. Otherwise the base's lengths in epochs
            are scaled to the last rung, except keys that the space sets.

    Raises:
        SearchError: Unknown name, unreadable file, unknown key or wrong value, in one line.
    """
    tree, _ = read_source(source, kind="space", folder=SHIPPED, error=SearchError, own=own)
    tree.setdefault("name", Path(source).stem)
    if isinstance(tree.get("base"), str):
        tree["base"] = _base(tree["base"], Path(source).parent)
    try:
        refuse_truth(Space, tree)
        space = Space.model_validate(tree)
    except ValidationError as error:
        raise SearchError(f"{source}: {explain(error, Space, tree)}") from None
    except ValueError as error:
        raise SearchError(f"{source}: {error}") from None
    return space if own else _at_last_rung(space)


def _at_last_rung(space: Space) -> Space:
    base = copy.deepcopy(space.base)
    before, horizon = epochs_of(base), space.halving.rungs[-1]
    try:
        merge_override(base, "train.epochs", float(horizon))
    except RecipeError:  # building its recipes reports the error
        return space
    changed = follow_epochs(base, before=before, keep=[*space.set, *space.grid])
    return space.model_copy(update={"base": base}) if changed else space


def _base(name: str, folder: Path) -> dict[str, Any]:
    is_path = name.endswith((".yaml", ".yml"))
    try:
        recipe = load_recipe(folder / name if is_path else name)
    except RecipeError as fault:
        raise SearchError(f"base: {fault}") from None
    return recipe.model_dump(mode="json", exclude_defaults=True)
