"""Proposals of the refinement: shifted networks, and TPE suggestions around the grid's best."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.recipe import Recipe
from thriftnet.search.candidates import make_candidate
from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.snapshot import StudySnapshot
from thriftnet.search.space import Space
from thriftnet.search.stages import grid
from thriftnet.search.stages.shifts import Shape, donors_and_takers, shifted
from thriftnet.search.stages.suggest import Observation, Point, Ranges, suggest
from thriftnet.training.rng import derive_seed

ORIGIN = "refinement"
_TRIES = 20
"""Attempts per job to find a suggestion that is new and within budget."""
_JITTER = {"augment.brightness": 0.2, "augment.contrast": 0.2, "augment.saturation": 0.2}
_ROTATION = 15.0
"""Degrees of rotation in the recipe `paper` (strength 1)."""
_TUNED = {"optim.lr", "optim.weight_decay", *_JITTER, "augment.rotation"}
"""Recipe keys that suggestions set."""


@dataclass(frozen=True)
class Networks:
    """Networks that the refinement chooses from."""

    base: Candidate
    """The best of the grid."""
    shifts: Sequence[Candidate]
    """Shifted networks, including those over budget."""
    reasons: Sequence[dict[str, Any]]
    """For each shift, its stages and its candidate."""
    known: frozenset[str]
    """Digests that the grid trained to the full horizon."""

    @property
    def to_train(self) -> list[Candidate]:
        """Shifts within budget without a result in the grid."""
        return [each for each in self.shifts if not each.refused and each.digest not in self.known]

    @property
    def over_budget(self) -> list[Candidate]:
        """Shifts over budget, which are not trained."""
        return [each for each in self.shifts if each.refused]

    @property
    def all(self) -> list[Candidate]:
        """All networks, starting with the base."""
        return [self.base, *self.shifts]


def propose_networks(snapshot: StudySnapshot) -> Networks:
    """Propose networks by shifting capacity in the grid's best, based on its analysis."""
    space = snapshot.space
    base = snapshot.candidates[grid.ranking(snapshot)[0]]
    model = base_recipe(space, base).model
    shape = Shape(tuple(model.blocks), tuple(model.channels))

    def as_candidate(other: Shape) -> Candidate:
        changes = {**base.changes, **other.changes}
        return make_candidate(space, changes, origin=ORIGIN)

    shifts: list[Candidate] = []
    reasons: list[dict[str, Any]] = []
    for give, take in donors_and_takers(_analysed_stages(snapshot, base, len(shape.blocks))):
        for other in shifted(shape, give, take, lambda each: as_candidate(each).parameters):
            candidate = as_candidate(other)
            taken = {base.digest, *(each.digest for each in shifts)}
            if candidate.digest not in taken and len(shifts) < space.refinement.shifts:
                shifts.append(candidate)
                stages = {"from_stage": give + 1, "to_stage": take + 1}
                reasons.append(
                    {**stages, "candidate": candidate.digest, "label": candidate.label}
                    | {"parameters": candidate.parameters, "refused": candidate.refused}
                )
    full = grid.horizon(space)
    reached = frozenset(
        row.job.candidate for row in snapshot.jobs[grid.NAME] if row.over and row.job.epochs == full
    )
    return Networks(base, shifts, reasons, reached)


def base_recipe(space: Space, candidate: Candidate) -> Recipe:
    """A candidate's recipe at the grid's horizon."""
    return space.recipe(
        candidate.changes,
        epochs=grid.horizon(space),
        seed=space.halving.seed,
        name=space.name,
    )


@dataclass(frozen=True)
class Suggestion:
    """A suggestion of the refinement."""

    candidate: Candidate | None
    """None if nothing new was found."""
    refused: tuple[Candidate, ...]
    """Earlier suggestions over budget."""


class Suggestions:
    """Candidates suggested by TPE, cached by job.

    A suggestion is a function of the visible results. Earlier candidates are read from the storage,
    so that a new process need not recompute them.

    Args:
        snapshot: Of the study.
        networks: Networks to choose from.
    """

    def __init__(self, snapshot: StudySnapshot, networks: Networks) -> None:
        self.space = snapshot.space
        self.networks = networks
        self.made: dict[int, Suggestion] = {}
        """Suggestions by job number."""
        self._candidates = snapshot.candidates
        self._places = {_network_of(each): at for at, each in enumerate(networks.all)}
        recipe = base_recipe(self.space, networks.base)
        settings = self.space.refinement
        self._ranges = Ranges(
            networks=len(networks.all),
            lr=_around(recipe.optim.lr, settings.lr_factor),
            weight_decay=_around(recipe.optim.weight_decay or 1e-4, settings.decay_factor),
            strength=settings.strength,
        )
        self._start = Point(
            network=0,
            lr=recipe.optim.lr,
            weight_decay=recipe.optim.weight_decay,
            strength=recipe.augment.brightness / _JITTER["augment.brightness"],
        )
        self._before = self._of_the_grid(snapshot)

    def make(self, number: int, rows: Sequence[JobRow]) -> None:
        """Compute the suggestion for a job.

        Args:
            number: Number of the job.
            rows: Earlier jobs with visible results, all over.
        """
        space, settings = self.space, self.space.refinement
        shown = rows[: max(0, number - settings.lag)]
        seen = [*self._before, *map(self._observation, shown)]
        taken = {each.digest for each in self.networks.all} | self.networks.known
        taken |= {row.job.candidate for row in rows[:number]}
        refused: dict[str, Candidate] = {}
        found: Candidate | None = None
        for attempt in range(_TRIES):
            seed = derive_seed(settings.seed, "suggest", number * _TRIES + attempt) % 2**32
            point = suggest(self._ranges, seen, seed=seed)
            changes = self._changes(point)
            candidate = make_candidate(space, changes, origin=ORIGIN)
            if candidate.refused:
                seen.append(self._observation_of(point, candidate, 0.0))
                refused[candidate.digest] = candidate
            elif candidate.digest not in taken:
                found = candidate
                break
        self.made[number] = Suggestion(found, tuple(refused.values()))

    def _observation(self, row: JobRow) -> Observation:
        candidate = self._candidates[row.job.candidate]
        as_shifted = row.number < len(self.networks.to_train)
        point = self._unchanged(candidate) if as_shifted else self._point_of(candidate)
        return self._observation_of(point, candidate, row.value or 0.0)

    def _point_of(self, candidate: Candidate) -> Point:
        """The point of a candidate."""
        changes = candidate.changes
        jitter = changes["augment.brightness"] / _JITTER["augment.brightness"]
        return Point(
            network=self._places[_network_of(candidate)],
            lr=changes["optim.lr"],
            weight_decay=changes["optim.weight_decay"],
            strength=round(jitter, 2),
        )

    def _of_the_grid(self, snapshot: StudySnapshot) -> list[Observation]:
        """Results of the grid for the networks, at the full horizon."""
        full = grid.horizon(self.space)
        values = {
            row.job.candidate: row.value or 0.0
            for row in snapshot.jobs[grid.NAME]
            if row.over and row.job.epochs == full
        }
        return [
            self._observation_of(self._unchanged(each), each, values[each.digest])
            for each in self.networks.all
            if each.digest in values
        ]

    def _unchanged(self, candidate: Candidate) -> Point:
        """A network with the other settings of the grid's best."""
        return replace(self._start, network=self._places[_network_of(candidate)])

    def _observation_of(self, point: Point, candidate: Candidate, accuracy: float) -> Observation:
        parameters, macs = candidate.parameters, candidate.macs
        limit = self.space.max_macs
        excess = (
            float(parameters - self.space.max_parameters),
            float(macs - limit) if limit is not None else -1.0,
        )
        return Observation(point, accuracy, parameters, macs, excess)

    def _changes(self, point: Point) -> dict[str, Any]:
        network = self.networks.all[point.network]
        jitter = {key: round(full * point.strength, 4) for key, full in _JITTER.items()}
        return {
            **network.changes,
            "optim.lr": point.lr,
            "optim.weight_decay": point.weight_decay,
            **jitter,
            "augment.rotation": round(_ROTATION * point.strength, 2),
        }


def _network_of(candidate: Candidate) -> str:
    """The changes that define the network, without suggested settings."""
    kept = {key: value for key, value in candidate.changes.items() if key not in _TUNED}
    return json.dumps(kept, sort_keys=True)


def _around(value: float, factor: float) -> tuple[float, float]:
    return value / factor, value * factor


def _analysed_stages(snapshot: StudySnapshot, base: Candidate, count: int) -> list[dict[str, Any]]:
    """The stages of the grid's best network from the analysis, at most `count`.

    Raises:
        SearchError: The analysis is of other networks.
    """
    names = {f"stage {number}" for number in range(1, count + 1)}
    networks = snapshot.outcomes.get("analysis", {}).get("networks", [])
    for network in networks:
        fits = {stage["name"] for stage in network["stages"]} <= names
        if network["candidate"] == base.digest and fits:
            return network["stages"]
    raise SearchError(
        f"the analysis does not hold the grid's best, {base.digest}; remove analysis.json, and it "
        "is recreated"
    )
