"""Which job is next: against the published algorithm, and whatever workers do."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from thriftnet.search.halving import Halving, Step, expected_steps, standings
from thriftnet.search.jobs import Answer

Results = Callable[[str, int], float]


def make_results(seed: int, failing: float = 0.0) -> Results:
    """A value for every candidate and rung, the same whenever it is asked for."""

    def value(candidate: str, rung: int) -> float:
        draw = random.Random(f"{seed} {candidate} {rung}")
        ease = random.Random(f"{seed} {candidate}").random()
        return -math.inf if draw.random() < failing else ease + draw.random() / (1 + rung)

    return value


def simulate(
    halving: Halving, results: Results, *, workers: int, seed: int, deaths: float = 0.0
) -> list[Step]:
    """Workers of random speed that take jobs when they are free, and sometimes die in one."""
    rng = random.Random(seed)
    steps: list[Step] = []
    running: list[tuple[float, int]] = []  # (end, number)
    clock = 0.0
    while True:
        while len(running) < workers:
            found = halving.next_step(steps)
            if isinstance(found, Answer):
                assert found is Answer.DONE or running, "it waits though nothing runs"
                if found is Answer.DONE and not running:
                    return steps
                break
            heapq.heappush(running, (clock + rng.expovariate(1), len(steps)))
            steps.append(found)
        clock, number = heapq.heappop(running)
        if rng.random() < deaths:  # another worker begins the same job anew
            heapq.heappush(running, (clock + rng.expovariate(1), number))
            continue
        step = steps[number]
        steps[number] = Step(step.candidate, step.rung, results(step.candidate, step.rung))


def names(count: int) -> list[str]:
    return [f"c{number:03}" for number in range(count)]


searches = st.builds(
    Halving,
    candidates=st.integers(1, 40).map(names),
    rungs=st.integers(1, 4),
    eta=st.integers(1, 5),
    lag=st.integers(1, 12),
)
seeds = st.integers(0, 10_000)


@given(halving=searches, seed=seeds, workers=st.integers(1, 9), deaths=st.sampled_from([0, 0.3]))
@settings(max_examples=60, deadline=None)
def test_jobs_do_not_depend_on_workers_speed_or_deaths(
    halving: Halving, seed: int, workers: int, deaths: float
):
    results = make_results(seed, failing=0.1)
    alone = simulate(halving, results, workers=1, seed=0)
    together = simulate(halving, results, workers=workers, seed=seed, deaths=deaths)
    assert together == alone


@given(halving=searches, seed=seeds)
@settings(max_examples=60, deadline=None)
def test_every_candidate_starts_once_and_climbs_rung_by_rung(halving: Halving, seed: int):
    steps = simulate(halving, make_results(seed, failing=0.1), workers=3, seed=seed)
    jobs = [(step.candidate, step.rung) for step in steps]
    assert len(set(jobs)) == len(jobs)
    assert [c for c, rung in jobs if rung == 0] == halving.candidates
    for at, (candidate, rung) in enumerate(jobs):
        assert rung == 0 or (candidate, rung - 1) in jobs[:at]
    failed = {(step.candidate, step.rung + 1) for step in steps if step.value == -math.inf}
    assert not failed & set(jobs), "one that failed went on"


@given(halving=searches, seed=seeds)
@settings(max_examples=60, deadline=None)
def test_who_goes_on_was_among_the_best_and_someone_gets_to_the_end(halving: Halving, seed: int):
    steps = simulate(halving, make_results(seed), workers=2, seed=seed)
    last = halving.rungs - 1
    at_the_end = [step for step in steps if step.rung == last]
    assert at_the_end
    if len(halving.candidates) >= halving.eta**last:  # else the last rungs are a single one
        assert all(_promoted_when_allowed(halving, steps, rung) for rung in range(last))
    assert standings(steps)[0] == min(at_the_end, key=_order)


def _promoted_when_allowed(halving: Halving, steps: list[Step], rung: int) -> bool:
    """Whether each promotion was of the top 1/eta of the results of some earlier moment."""
    for at, step in enumerate(steps):
        if step.rung == rung + 1:
            moments = ([s for s in steps[:count] if s.rung == rung] for count in range(1, at + 1))
            if not any(
                step.candidate
                in [s.candidate for s in sorted(m, key=_order)[: len(m) // halving.eta]]
                for m in moments
            ):
                return False
    return True


def _order(step: Step) -> tuple[float, str]:
    return -(step.value or 0.0), step.candidate


def published_asha(candidates: list[str], rungs: int, eta: int, results: Results) -> list[Step]:
    """Algorithm 2 of arXiv 1810.05934 with one worker, over a given list of configurations."""
    fresh = list(candidates)
    finished: list[dict[str, float]] = [{} for _ in range(rungs)]
    promoted: list[set[str]] = [set() for _ in range(rungs)]
    steps: list[Step] = []
    while True:
        job: tuple[str, int] | None = None
        for rung in range(rungs - 2, -1, -1):
            ranked = sorted(finished[rung], key=lambda c, r=rung: (-finished[r][c], c))
            top = ranked[: len(ranked) // eta]
            promotable = [c for c in top if c not in promoted[rung]]
            if promotable:
                promoted[rung].add(promotable[0])
                job = promotable[0], rung + 1
                break
        if job is None and fresh:
            job = fresh.pop(0), 0
        if job is None:
            return steps
        value = results(*job)
        finished[job[1]][job[0]] = value
        steps.append(Step(*job, value))


@given(count=st.integers(9, 40), eta=st.integers(2, 3), seed=seeds)
@settings(max_examples=40, deadline=None)
def test_one_worker_without_lag_is_the_published_algorithm(count: int, eta: int, seed: int):
    results = make_results(seed)
    halving = Halving(names(count), rungs=3, eta=eta, lag=0)
    steps: list[Step] = []
    while not isinstance(found := halving.next_step(steps), Answer):
        steps.append(Step(found.candidate, found.rung, results(found.candidate, found.rung)))
    assert steps == published_asha(names(count), 3, eta, results)


def test_without_halving_everyone_goes_all_the_way():
    halving = Halving(names(7), rungs=3, eta=1, lag=4)
    steps = simulate(halving, make_results(1), workers=2, seed=3)
    assert len(steps) == 21


def test_two_candidates_still_have_a_winner_at_the_full_horizon():
    halving = Halving(names(2), rungs=3, eta=4, lag=8)
    steps = simulate(halving, make_results(1), workers=2, seed=3)
    assert [step.rung for step in steps] == [0, 0, 1, 2]


def test_all_failing_ends():
    halving = Halving(names(5), rungs=2, eta=2, lag=2)
    steps = simulate(halving, lambda *_: -math.inf, workers=2, seed=3)
    assert len(steps) == 5
    assert standings(steps) == []


def test_expected_steps_of_whole_rungs():
    assert expected_steps(36, 3, 4) == [36, 9, 2]
    assert expected_steps(3, 3, 4) == [3, 1, 1]
    assert expected_steps(0, 2, 4) == [0, 0]


@given(halving=searches, seed=seeds, workers=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_what_is_remembered_from_one_choice_to_the_next_changes_none(
    halving: Halving, seed: int, workers: int
):
    forgetful = Forgetful(halving.candidates, halving.rungs, halving.eta, halving.lag)
    results = make_results(seed, failing=0.1)
    steps = simulate(halving, results, workers=workers, seed=seed)
    assert steps == simulate(forgetful, results, workers=workers, seed=seed)
    for count in random.Random(seed).sample(range(len(steps) + 1), k=len(steps) // 2):
        assert halving.next_step(steps[:count]) == forgetful.next_step(steps[:count])


class Forgetful(Halving):
    def next_step(self, steps: Sequence[Step]) -> Step | Answer:
        return Halving(self.candidates, self.rungs, self.eta, self.lag).next_step(steps)
