"""Which job is next: against halving rung by rung, in whatever order and whatever workers do."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from thriftnet.search.queue.jobs import Answer
from thriftnet.search.stages.halving import Halving, RungJob, expected_steps, leaderboard

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
) -> list[RungJob]:
    """Workers of random speed that take jobs when they are free, and sometimes die in one."""
    rng = random.Random(seed)
    steps: list[RungJob] = []
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
        steps[number] = RungJob(step.candidate, step.rung, results(step.candidate, step.rung))


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
@settings(max_examples=60)
def test_jobs_do_not_depend_on_workers_speed_or_deaths(
    halving: Halving, seed: int, workers: int, deaths: float
):
    results = make_results(seed, failing=0.1)
    alone = simulate(halving, results, workers=1, seed=0)
    together = simulate(halving, results, workers=workers, seed=seed, deaths=deaths)
    assert together == alone


@given(halving=searches, seed=seeds)
@settings(max_examples=60)
def test_every_candidate_starts_once_and_climbs_rung_by_rung(halving: Halving, seed: int):
    steps = simulate(halving, make_results(seed, failing=0.1), workers=3, seed=seed)
    jobs = [(step.candidate, step.rung) for step in steps]
    assert len(set(jobs)) == len(jobs)
    assert [c for c, rung in jobs if rung == 0] == halving.candidates
    for at, (candidate, rung) in enumerate(jobs):
        assert rung == 0 or (candidate, rung - 1) in jobs[:at]
    failed = {(step.candidate, step.rung + 1) for step in steps if step.value == -math.inf}
    assert not failed & set(jobs), "one that failed went on"


@given(halving=searches, seed=seeds, failing=st.sampled_from([0, 0.1, 0.6]))
@settings(max_examples=100)
def test_the_jobs_are_those_of_halving_rung_by_rung_in_every_order(
    halving: Halving, seed: int, failing: float
):
    results = make_results(seed, failing=failing)
    whole = rung_by_rung(halving, results)
    for draw in range(3):
        order = random.Random(seed + draw).sample(halving.candidates, len(halving.candidates))
        shuffled = Halving(order, halving.rungs, halving.eta, halving.lag)
        steps = simulate(shuffled, results, workers=1 + draw, seed=seed)
        assert {(step.candidate, step.rung) for step in steps} == whole
        assert leaderboard(steps) == leaderboard(simulate(halving, results, workers=1, seed=0))


def rung_by_rung(halving: Halving, results: Results) -> set[tuple[str, int]]:
    """Algorithm 1 of arXiv 1502.07943, over rungs; where all of a rung fail, others are tried."""
    jobs = {(candidate, 0) for candidate in halving.candidates}
    sizes = expected_steps(len(halving.candidates), halving.rungs, halving.eta)
    for rung, places in enumerate(sizes[1:]):
        jobs |= {(candidate, rung + 1) for candidate in good_on(rung, jobs, results)[:places]}
    last = halving.rungs - 1
    while not good_on(last, jobs, results):
        waiting = (
            (candidate, rung + 1)
            for rung in reversed(range(last))
            for candidate in good_on(rung, jobs, results)
            if (candidate, rung + 1) not in jobs
        )
        another = next(waiting, None)
        if another is None:
            break
        jobs.add(another)
    return jobs


def good_on(rung: int, jobs: set[tuple[str, int]], results: Results) -> list[str]:
    """Those of a rung that did not fail, best first."""
    values = {candidate: results(candidate, rung) for candidate, at in jobs if at == rung}
    good = [candidate for candidate, value in values.items() if value > -math.inf]
    return sorted(good, key=lambda candidate: (-values[candidate], candidate))


@given(halving=searches, seed=seeds, order=st.sampled_from(["as drawn", "worst", "best"]))
@settings(max_examples=60)
def test_no_order_costs_more_jobs_than_each_rung_has_places(
    halving: Halving, seed: int, order: str
):
    results = make_results(seed)
    first = sorted(halving.candidates, key=lambda candidate: results(candidate, 0))
    orders = {"as drawn": halving.candidates, "worst": first, "best": first[::-1]}
    sorted_ = Halving(orders[order], halving.rungs, halving.eta, halving.lag)
    steps = simulate(sorted_, results, workers=3, seed=seed)
    counts = [sum(step.rung == rung for step in steps) for rung in range(halving.rungs)]
    assert counts == expected_steps(len(halving.candidates), halving.rungs, halving.eta)


def test_one_goes_on_as_soon_as_nothing_to_come_can_push_it_out():
    halving = Halving(names(8), rungs=2, eta=4, lag=1)
    steps = [RungJob(f"c{at:03}", 0, value=at / 10) for at in range(6)]
    assert halving.next_step(steps) == RungJob("c006", 0), "two to come may both be better"
    steps.append(RungJob("c006", 0, value=0.9))
    assert halving.next_step(steps) == RungJob("c007", 0), "what came of the last job is not seen"
    steps.append(RungJob("c007", 0))
    assert halving.next_step(steps) == RungJob("c006", 1), "the best of seven is of the best two"
    steps[-1] = RungJob("c007", 0, value=0.0)
    steps.append(RungJob("c006", 1, value=0.9))
    assert halving.next_step(steps) == RungJob("c005", 1)


def test_a_study_that_promoted_more_by_an_older_rule_goes_on():
    halving = Halving(names(8), rungs=2, eta=4, lag=1)
    steps = [RungJob(f"c{at:03}", 0, value=at / 10) for at in range(7)]
    steps += [RungJob(f"c{at:03}", 1, value=at / 10) for at in range(4)]
    jobs = simulate_from(halving, steps)
    assert jobs == [("c006", 1), ("c007", 0), ("c007", 1)]


def simulate_from(halving: Halving, steps: list[RungJob]) -> list[tuple[str, int]]:
    """What one worker goes on with, where a later candidate is better."""
    before = len(steps)
    while not isinstance(found := halving.next_step(steps), Answer):
        steps.append(RungJob(found.candidate, found.rung, int(found.candidate[1:]) / 10))
    return [(step.candidate, step.rung) for step in steps[before:]]


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
    assert leaderboard(steps) == []


def test_expected_steps_of_whole_rungs():
    assert expected_steps(36, 3, 4) == [36, 9, 2]
    assert expected_steps(3, 3, 4) == [3, 1, 1]
    assert expected_steps(0, 2, 4) == [0, 0]
