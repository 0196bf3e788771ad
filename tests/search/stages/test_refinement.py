"""What the refinement trains: shifts of equal size, suggestions that timing cannot change."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thriftnet.search.candidates import count_candidates
from thriftnet.search.queue.jobs import Answer, Candidate, Job, JobRow, Proposal, decided
from thriftnet.search.queue.storage import Storage
from thriftnet.search.snapshot import StoredCandidates, StudySnapshot
from thriftnet.search.space import load_space
from thriftnet.search.stages import refinement
from thriftnet.search.stages.pareto import pareto
from thriftnet.search.stages.proposals import propose_networks
from thriftnet.search.stages.shifts import TOLERANCE, Shape, donors_and_takers, shifted
from thriftnet.search.stages.suggest import Observation, Ranges, suggest
from tiny import space_file


def row(job: Job, number: int, value: float | None) -> JobRow:
    state = "running" if value is None else "finished"
    return JobRow(job, number, state, 1, 0, "w", value, None, None if value is None else 1.0)


def stage(number: int, verdict: str, ratio: float) -> dict[str, Any]:
    return {"name": f"stage {number}", "verdict": verdict, "ratio": ratio}


def known_after_grid(folder: Path, **changes: Any) -> StudySnapshot:
    """A grid of which every candidate went all the way, and an analysis of its best."""
    space = load_space(space_file(folder, **changes))
    candidates = {c.digest: c for c in count_candidates(space)}
    within = sorted(digest for digest, c in candidates.items() if not c.refused)
    best = next(
        digest for digest in within if candidates[digest].changes["model.blocks"] == [1, 1, 1]
    )
    values = {digest: 0.5 - at / 100 for at, digest in enumerate(within)} | {best: 0.9}
    rows = [row(Job("grid", d, 0, 2), at, values[d]) for at, d in enumerate(within)]
    stages = [
        stage(1, "bottleneck", 3.0),
        stage(2, "balanced", 1.0),
        stage(3, "over-capacity", 0.1),
    ]
    outcomes = {"analysis": {"networks": [{"candidate": best, "stages": stages}]}}
    return StudySnapshot(space, candidates, {"grid": rows, "refinement": []}, outcomes)


def result(candidate: Candidate) -> float:
    return random.Random(candidate.digest).random()


def simulate(snapshot: StudySnapshot, *, workers: int, seed: int) -> list[tuple[str, float]]:
    """Workers that end in random order; a restarted search makes its choices anew now and then."""
    rng = random.Random(seed)
    made: list[Candidate] = []
    first = [*snapshot.candidates.values()]
    snapshot = replace(snapshot, candidates=StoredCandidates(lambda: [*first, *made]))
    decide = refinement.decide(snapshot)
    rows: list[JobRow] = []
    running: list[int] = []
    while True:
        if rng.random() < 0.3:
            decide = refinement.decide(snapshot)
        found = decided(decide, rows) if len(running) < workers else Answer.WAIT
        if isinstance(found, Proposal):
            running.append(len(rows))
            rows.append(row(found.job, len(rows), None))
            made.append(found.candidate)
            continue
        if found is Answer.DONE:
            return [(candidate.digest, result(candidate)) for candidate in made]
        assert running, "it waits though nothing runs"
        number = running.pop(rng.randrange(len(running)))
        rows[number] = row(rows[number].job, number, result(made[number]))


@pytest.mark.parametrize("seed", [1, 2])
def test_jobs_do_not_depend_on_workers_order_or_restarts(tmp_path: Path, seed: int):
    known = known_after_grid(tmp_path, refinement={"shifts": 2, "trials": 8, "lag": 3})
    alone = simulate(known, workers=1, seed=0)
    assert simulate(known, workers=3, seed=seed) == alone
    assert (
        len({digest for digest, _ in alone})
        == len(alone)
        == 8 + len(propose_networks(known).to_train)
    )


def test_suggestions_follow_results_and_the_seed(tmp_path: Path):
    first = simulate(known_after_grid(tmp_path), workers=1, seed=0)
    other = known_after_grid(tmp_path, refinement={"shifts": 2, "trials": 4, "lag": 2, "seed": 5})
    assert simulate(other, workers=1, seed=0) != first


def test_a_suggestion_over_budget_is_never_trained(tmp_path: Path):
    known = known_after_grid(tmp_path, max_macs=750_000, refinement={"shifts": 4, "trials": 6})
    networks = propose_networks(known)
    assert networks.over_budget
    trained = {digest for digest, _ in simulate(known, workers=1, seed=0)}
    assert not trained & {candidate.digest for candidate in networks.over_budget}
    assert len(trained) == 6 + len(networks.to_train)


def test_shifts_go_from_over_capacity_to_bottleneck(tmp_path: Path):
    networks = propose_networks(known_after_grid(tmp_path))
    assert networks.shifts
    assert {(r["from_stage"], r["to_stage"]) for r in networks.reasons} == {(3, 1)}
    for candidate in networks.shifts:
        assert candidate.changes["model.channels"][0] > 4
        assert candidate.changes["model.channels"][2] < 8
        assert candidate.changes["optim.lr"] == networks.base.changes["optim.lr"]
        assert candidate.parameters <= TOLERANCE * networks.base.parameters


def plain_count(shape: Shape) -> int:
    return sum(18 * b * c * c for b, c in zip(shape.blocks, shape.channels, strict=True))


@given(
    blocks=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    width=st.sampled_from([8, 16, 32, 64]),
    pair=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_a_shift_is_never_much_larger_and_moves_what_it_says(
    blocks: list[int], width: int, pair: tuple[int, int]
):
    give, take = (at % len(blocks) for at in pair)
    if give == take:
        return
    start = Shape(tuple(blocks), tuple(width * 2**at for at in range(len(blocks))))
    for other in shifted(start, give, take, plain_count):
        assert plain_count(other) <= TOLERANCE * plain_count(start)
        assert min(other.blocks) >= 1
        by_blocks, by_width = other.blocks != start.blocks, other.channels != start.channels
        assert by_blocks != by_width
        before, after = (
            (start.blocks, other.blocks) if by_blocks else (start.channels, other.channels)
        )
        assert after[give] < before[give]
        assert after[take] > before[take]
        rest = [at for at in range(len(blocks)) if at not in (give, take)]
        assert all(before[at] == after[at] for at in rest)


def test_a_paper_like_network_moves_a_late_block_forward_at_equal_parameters():
    start = Shape((3, 5, 3, 0), (64, 128, 256, 512))
    by_blocks, by_width = shifted(start, 2, 1, plain_count)
    assert by_blocks == Shape((3, 9, 2, 0), start.channels)
    assert plain_count(by_blocks) == plain_count(start)
    assert by_width.channels[1] == 160
    assert abs(plain_count(by_width) / plain_count(start) - 1) < 0.03


def test_who_gives_and_who_takes():
    over, lacking = stage(3, "over-capacity", 0.1), stage(1, "bottleneck", 2.0)
    assert donors_and_takers([lacking, stage(2, "balanced", 1.0), over]) == [(2, 0)]
    assert donors_and_takers([stage(1, "balanced", 1.4), stage(2, "balanced", 0.7)]) == [(1, 0)]
    dead = stage(1, "over-capacity", 2.5)  # adds most, and has dead channels
    assert donors_and_takers([dead, stage(2, "balanced", 0.7)]) == [(0, 1)]
    assert donors_and_takers([over]) == []


RANGES = Ranges(networks=2, lr=(0.01, 1.0), weight_decay=(1e-5, 1e-3), strength=(0.0, 2.0))


def test_suggestions_stay_in_range_and_come_again():
    seen: list[Observation] = []
    for seed in range(12):
        point = suggest(RANGES, seen, seed=seed)
        assert point == suggest(RANGES, seen, seed=seed)
        assert point.network in (0, 1)
        assert 0.0099 <= point.lr <= 1.01
        assert 0.99e-5 <= point.weight_decay <= 1.01e-3
        assert 0 <= point.strength <= 2
        seen.append(Observation(point, random.Random(seed).random(), 100, 100))


def test_suggestions_learn_which_rate_is_good_and_which_network_is_too_large():
    seen: list[Observation] = []
    for seed in range(40):
        point = suggest(RANGES, seen, seed=seed)
        near = 1 / (1 + abs(point.lr / 0.1 - 1))
        excess = (500.0, 0.0) if point.network else (-1.0, 0.0)
        seen.append(Observation(point, 0.0 if point.network else near, 100, 100, excess))
    late = [each.point for each in seen[20:]]
    assert sum(point.network == 0 for point in late) > 14
    assert sum(0.05 < point.lr < 0.2 for point in late) > 8  # by chance 6 of 20


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_outside_the_pareto_set_everyone_is_beaten(points: list[tuple[int, int]]):
    named = {str(at): point for at, point in enumerate(points)}
    best = pareto(named)
    assert min(named, key=lambda name: (named[name], name)) in best

    def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
        return one != other and one[0] <= other[0] and one[1] <= other[1]

    for name, point in named.items():
        assert (name in best) != any(beats(named[other], point) for other in named)


def test_a_proposed_candidate_is_stored_with_its_job(tmp_path: Path):
    storage = Storage.in_file(tmp_path / "study.db")
    storage.prepare("space")
    made = Candidate("c" * 12, {"optim.lr": 0.1}, 10, 20, origin="refinement")
    proposal = Proposal(made, Job("refinement", made.digest, 0, 2))
    claim = storage.claim("refinement", lambda rows: Answer.DONE if rows else proposal, worker="w")
    assert not isinstance(claim, Answer)
    assert claim.job == proposal.job
    assert storage.candidates() == [made]
    storage.close()
