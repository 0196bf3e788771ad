"""What the refinement trains: shifted networks, and suggestions around the best of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thriftnet.errors import SearchError
from thriftnet.recipe import Recipe
from thriftnet.search.candidates import make_candidate
from thriftnet.search.known import Known
from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.space import Space
from thriftnet.search.stages import grid
from thriftnet.search.stages.shifts import Shape, donors_and_takers, shifted
from thriftnet.search.stages.suggest import Point, Ranges, Seen, suggest
from thriftnet.training.rng import derive_seed

ORIGIN = "refinement"
_TRIES = 20
"""Suggestions for one job that are over budget or there already, before it is given up."""
_JITTER = {"augment.brightness": 0.2, "augment.contrast": 0.2, "augment.saturation": 0.2}
_ROTATION = 15.0
"""Degrees; with the jitter, the paper's augmentation: strength 1."""


@dataclass(frozen=True)
class Networks:
    """Those that the refinement chooses from."""

    base: Candidate
    """The best of the grid."""
    shifts: Sequence[Candidate]
    """Within budget and over it."""
    reasons: Sequence[dict[str, Any]]
    """For each shift, the stages that it is between, and its candidate."""
    known: frozenset[str]
    """Digests that the grid took to the full horizon."""

    @property
    def to_train(self) -> list[Candidate]:
        """Shifts within budget whose result is not known from the grid."""
        return [each for each in self.shifts if not each.refused and each.digest not in self.known]

    @property
    def over_budget(self) -> list[Candidate]:
        """Shifts that are listed and never trained."""
        return [each for each in self.shifts if each.refused]

    @property
    def all(self) -> list[Candidate]:
        """The base first."""
        return [self.base, *self.shifts]


def propose_networks(known: Known) -> Networks:
    """Shift capacity in the grid's best, as its analysis says; each is counted."""
    space = known.space
    base = known.candidates[grid.ranking(known)[0]]
    model = base_recipe(space, base).model
    shape = Shape(tuple(model.blocks), tuple(model.channels))
    counts: dict[str, tuple[int, int]] = {}

    def as_candidate(other: Shape) -> Candidate:
        changes = {**base.changes, **other.changes}
        return make_candidate(space, changes, counts, origin=ORIGIN)

    shifts: list[Candidate] = []
    reasons: list[dict[str, Any]] = []
    for give, take in donors_and_takers(_analysed_stages(known, base)):
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
        row.job.candidate for row in known.jobs[grid.NAME] if row.over and row.job.epochs == full
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


class Suggestions:
    """Candidates that TPE suggests, job by job; each is computed once.

    Args:
        known: What the stages before found.
        networks: What there is to choose from.
    """

    def __init__(self, known: Known, networks: Networks) -> None:
        self.space = known.space
        self.networks = networks
        self.over_budget: list[Candidate] = []
        """Suggested and refused."""
        self._points: dict[int, Point] = {}
        self._found: dict[int, Candidate | None] = {}
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
        self._before = self._of_the_grid(known)

    def candidate(self, number: int, rows: Sequence[JobRow]) -> Candidate | None:
        """What job `number` trains; none where nothing new is found.

        Args:
            number: In the order of the stage's jobs.
            rows: Of the jobs before it, those that it may see all over.
        """
        self.replay(rows[:number])
        return self._suggested(number, rows)

    def replay(self, rows: Sequence[JobRow]) -> None:
        """Work out what the jobs that there are were."""
        for earlier in range(len(self.networks.to_train), len(rows)):
            self._suggested(earlier, rows)

    def _suggested(self, number: int, rows: Sequence[JobRow]) -> Candidate | None:
        if number not in self._found:
            self._found[number] = self._new(number, rows)
        return self._found[number]

    def _new(self, number: int, rows: Sequence[JobRow]) -> Candidate | None:
        space, settings = self.space, self.space.refinement
        seen = [*self._before, *self._seen(rows[: max(0, number - settings.lag)])]
        taken = {each.digest for each in (*self.networks.all, *self._found.values()) if each}
        for attempt in range(_TRIES):
            seed = derive_seed(settings.seed, "suggest", number * _TRIES + attempt) % 2**32
            point = suggest(self._ranges, seen, seed=seed)
            candidate = make_candidate(space, self._changes(point), origin=ORIGIN)
            if candidate.refused:
                seen.append(self._seen_of(point, candidate, 0.0))
                if candidate.digest not in {each.digest for each in self.over_budget}:
                    self.over_budget.append(candidate)
            elif candidate.digest not in taken | self.networks.known:
                self._points[number] = point
                return candidate
        return None

    def _seen(self, rows: Sequence[JobRow]) -> list[Seen]:
        found: list[Seen] = []
        for row in rows:
            if row.number < len(self.networks.to_train):
                candidate = self.networks.to_train[row.number]
                point = self._unchanged(candidate)
            else:
                candidate, point = self._found[row.number], self._points[row.number]
                assert candidate, "a job without a candidate"
            found.append(self._seen_of(point, candidate, row.value or 0.0))
        return found

    def _of_the_grid(self, known: Known) -> list[Seen]:
        """What the grid found of the networks, where it took them to the full horizon."""
        full = grid.horizon(self.space)
        values = {
            row.job.candidate: row.value or 0.0
            for row in known.jobs[grid.NAME]
            if row.over and row.job.epochs == full
        }
        return [
            self._seen_of(self._unchanged(each), each, values[each.digest])
            for each in self.networks.all
            if each.digest in values
        ]

    def _unchanged(self, candidate: Candidate) -> Point:
        """A network with the settings of the grid's best."""
        digests = [each.digest for each in self.networks.all]
        start = self._start
        return Point(digests.index(candidate.digest), start.lr, start.weight_decay, start.strength)

    def _seen_of(self, point: Point, candidate: Candidate, accuracy: float) -> Seen:
        parameters, macs = candidate.parameters, candidate.macs
        limit = self.space.max_macs
        excess = (
            float(parameters - self.space.max_parameters),
            float(macs - limit) if limit is not None else -1.0,
        )
        return Seen(point, accuracy, parameters, macs, excess)

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


def _around(value: float, factor: float) -> tuple[float, float]:
    return value / factor, value * factor


def _analysed_stages(known: Known, base: Candidate) -> list[dict[str, Any]]:
    networks = known.outcomes.get("analysis", {}).get("networks", [])
    for network in networks:
        if network["candidate"] == base.digest:
            return network["stages"]
    raise SearchError(
        f"the analysis does not hold the grid's best, {base.digest}; remove analysis.json, and it "
        "is made anew"
    )
