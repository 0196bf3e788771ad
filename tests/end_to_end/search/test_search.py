"""A search as a user runs it: whole, again, with two workers, and with what goes wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from commands import Command, Outcome
from keep_study import found_in
from studies import finished
from thriftnet.errors import RunError
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.search.candidates import count_candidates
from thriftnet.search.queue.jobs import Candidate, JobRow
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from thriftnet.terminal.search import PrintedSearch
from tiny import space_file


def test_it_counts_trains_and_tells_where_the_paper_landed(first: Outcome, folder: Path):
    assert "tiny: 6 candidates within 5,000 parameters, 2 over" in first.out
    assert "8,062  2.0M  blocks 3,3,3  lr 0.05" in first.out.split("never trained")[1]
    assert "the reference: rank" in first.out
    assert "paired t test" in " ".join(first.out.split())
    assert "test accuracy of the winner (seed 0, evaluated once):" in first.out
    assert f"thriftnet report {folder / 'study'}" in first.out.splitlines()[-1]
    trained = {path.name.split("-")[0] for path in (folder / "study" / "trials").glob("grid/*")}
    within = {c.digest for c in count_candidates(load_space(folder / "tiny.yaml")) if not c.refused}
    assert trained == within


def test_two_workers_train_no_epoch_twice_and_the_test_images_are_read_once(
    first: Outcome, folder: Path
):
    runs = [RunFolder.open(path) for path in (folder / "study" / "trials").glob("*/*")]
    assert first.code == 0
    read = 0
    for run in runs:
        lines = run.metrics()
        epochs = [line["epoch"] for line in lines if line["kind"] == "epoch"]
        assert epochs == list(range(1, len(epochs) + 1))
        assert sum(line["kind"] == "start" for line in lines) == 1
        read += any(line["kind"] == "test" for line in lines)
    assert read == 1
    winner = json.loads((folder / "study" / "validation.json").read_text())["winner"]
    assert (
        RunFolder(folder / "study" / "trials" / "validation" / f"{winner}-s0").metrics()[-1]["kind"]
        == "test"
    )


def test_the_winner_is_a_recipe_to_train_in_earnest(study: Path):
    recipe = load_recipe(study / "winner.yaml")
    outcome = json.loads((study / "validation.json").read_text())
    assert recipe.description == outcome["ranking"][0]["label"]
    assert (recipe.data.fraction, recipe.train.epochs) == (1, 10)


def test_what_a_study_found_is_kept_with_the_commit_that_trained_it(study: Path):
    kept = found_in(study)
    assert kept["space"] == "tiny"
    validation = json.loads((study / "validation.json").read_text())
    assert {**kept["outcomes"]["validation"], "checksum": validation["checksum"]} == validation
    assert kept["jobs"]["grid"] == len(finished(study))
    runs = [RunFolder.open(path) for path in (study / "trials").glob("*/*")]
    last = [[line for line in run.metrics() if line["kind"] == "epoch"][-1] for run in runs]
    assert kept["training_seconds"] == pytest.approx(sum(line["seconds"] for line in last))
    assert kept["trained_by"] == runs[0].environment()["commit"]
    (study / "refinement.json").unlink()
    with pytest.raises(SystemExit, match="refinement not done"):
        found_in(study)


def test_checkpoints_of_stages_that_are_done_can_be_removed(thriftnet: Command, study: Path):
    def kept(stage: str) -> list[Path]:
        return list((study / "trials" / stage).glob("*/checkpoints/*"))

    (study / "analysis.json").rename(study / "analysis.away")
    assert kept("grid")
    assert kept("validation")
    listed = thriftnet("runs", "gc", "--runs-dir", study)
    assert "nothing was removed" in listed.out
    assert thriftnet("runs", "gc", "--runs-dir", study, "--yes").code == 0
    assert kept("grid")  # the analysis reads them
    assert not kept("validation")
    (study / "analysis.away").rename(study / "analysis.json")
    assert "removed" in thriftnet("runs", "gc", "--runs-dir", study, "--yes").out
    assert not list((study / "trials").glob("*/*/checkpoints/*"))
    before = finished(study), finished(study, "validation")
    assert thriftnet("search", study.parent / "tiny.yaml", "--study", study).code == 0
    assert (finished(study), finished(study, "validation")) == before


def test_the_same_command_again_changes_nothing(thriftnet: Command, study: Path):
    before = finished(study), finished(study, "validation")
    again = thriftnet("search", study.parent / "tiny.yaml", "--study", study)
    assert again.code == 0
    assert "the reference: rank" in again.out
    assert (finished(study), finished(study, "validation")) == before


def test_after_one_stage_the_next_command_continues_the_search(thriftnet: Command, study: Path):
    outcome = thriftnet("search", study.parent / "tiny.yaml", "--study", study, "--stage", "grid")
    assert outcome.code == 0
    continues = f"thriftnet search {study / 'space.yaml'} --study {study}"
    assert outcome.out.endswith(f"next: {continues}   or   thriftnet report {study}\n")


def test_the_analysis_is_of_the_best_and_the_paper_and_comes_out_the_same_again(
    thriftnet: Command, study: Path
):
    before = (study / "analysis.json").read_bytes()
    networks = json.loads(before)["networks"]
    assert any(network["reference"] for network in networks)
    grid = json.loads((study / "grid.json").read_text())["ranking"]
    assert networks[0]["candidate"] == grid[0]["candidate"]
    assert networks[0]["dynamics"]["val_accuracy"] == pytest.approx(
        grid[0]["val_accuracy"], abs=1e-6
    )
    for network in networks:
        confusion = network["errors"]["confusion"]
        assert sum(map(sum, confusion)) == network["errors"]["images"] == 500
        assert all(stage["relative_update"] > 0 for stage in network["stages"])
        losses = [image["loss"] for image in network["errors"]["hardest"]]
        assert losses == sorted(losses, reverse=True)
    (study / "analysis.json").unlink()
    again = thriftnet("search", study.parent / "tiny.yaml", "--study", study)
    assert again.code == 0
    shown = " ".join(again.out.split())
    for network in networks:
        for stage in network["stages"]:
            assert f"{stage['verdict']}: {stage['reason']}" in shown
    assert (study / "analysis.json").read_bytes() == before


def test_a_winner_whose_metrics_cannot_be_written_is_told_all_the_same(
    thriftnet: Command, study: Path, monkeypatch: pytest.MonkeyPatch
):
    before = json.loads((study / "validation.json").read_text())
    (study / "validation.json").unlink()
    run = RunFolder.open(study / "trials" / "validation" / f"{before['winner']}-s0")
    lines = [line for line in run.metrics() if line["kind"] != "test"]
    run.metrics_path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def full(*_: object) -> None:
        raise RunError("the disk is full")

    monkeypatch.setattr(RunFolder, "append", full)
    assert thriftnet("search", study.parent / "tiny.yaml", "--study", study).code == 0
    assert json.loads((study / "validation.json").read_text()) == before


def test_refined_candidates_are_counted_ranked_and_offered_to_the_validation(study: Path):
    opened = Study.open(study)
    candidates = {c.digest: c for c in opened.storage.candidates()}
    rows = opened.storage.jobs("refinement")
    opened.storage.close()
    outcome = json.loads((study / "refinement.json").read_text())
    assert len(rows) == outcome["jobs"] > 4
    made = [c for c in candidates.values() if c.origin == "refinement"]
    assert {row.job.candidate for row in rows} <= {c.digest for c in made if not c.refused} | {
        shift["candidate"] for shift in outcome["shifts"]
    }
    assert all(c.parameters <= 5000 or c.refused for c in made)
    best = max(
        (row.value or 0, row.job.candidate)
        for stage in ("grid", "refinement")
        for row in every_row(study, stage)
        if row.job.epochs == 2
    )
    assert best[0] in [entry["val_accuracy"] for entry in outcome["pareto"]]
    validated = json.loads((study / "validation.json").read_text())["ranking"]
    values = {r.job.candidate: r.value for s in ("grid", "refinement") for r in every_row(study, s)}
    assert best[0] in [values[entry["candidate"]] for entry in validated]


def every_row(path: Path, stage: str) -> list[JobRow]:
    opened = Study.open(path)
    rows = opened.storage.jobs(stage)
    opened.storage.close()
    return rows


def test_the_analysis_of_a_lost_trial_is_one_line(thriftnet: Command, study: Path):
    (study / "analysis.json").unlink()
    shutil.rmtree(study / "trials" / "grid")
    outcome = thriftnet("search", study.parent / "tiny.yaml", "--study", study)
    assert outcome.code == 2
    assert "the analysis needs the trials of the grid: there is no run folder" in outcome.error_line


def test_status_as_a_table_and_as_json(
    thriftnet: Command, study: Path, monkeypatch: pytest.MonkeyPatch
):
    for columns in ("80", "50"):
        monkeypatch.setenv("COLUMNS", columns)
        told = thriftnet("search", "status", study)
        assert told.code == 0
        assert "done" in told.out
        lines = [
            line for line in told.out.splitlines() if line != str(study)
        ]  # whole, to be copied
        assert max(map(len, lines)) <= int(columns)
    stages = json.loads(thriftnet("search", "status", study, "--json").out)["stages"]
    assert [(stage["name"], stage["state"]) for stage in stages] == [
        ("grid", "done"),
        ("analysis", "done"),
        ("refinement", "done"),
        ("validation", "done"),
    ]
    assert stages[0]["pruned"] + 1 <= 6


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"halving": {"rungs": [1, 3], "eta": 2}}, "another space (halving.rungs differs)"),
        ({"max_parameters": 10}, "are over budget; the smallest"),
        ({"grid": {"optim.lrr": [1]}}, "did you mean optim.lr?"),
    ],
)
def test_a_wrong_space_leaves_the_study_as_it_was(
    thriftnet: Command, study: Path, changes: dict[str, object], told: str
):
    before = finished(study)
    outcome = thriftnet("search", space_file(study.parent, **changes), "--study", study)
    assert outcome.code == 2
    assert told in outcome.error_line
    assert finished(study) == before


def test_a_damaged_storage_is_one_line(thriftnet: Command, study: Path):
    for extra in ("-wal", "-shm"):
        (study / f"study.db{extra}").unlink(missing_ok=True)
    (study / "study.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    for arguments in (["status", study], [study.parent / "tiny.yaml", "--study", study]):
        outcome = thriftnet("search", *arguments)
        assert outcome.code == 2
        assert "study.db is damaged; restore it" in outcome.error_line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["status", "nowhere"], "nowhere is not a study"),
        (["smal"], "no space is named 'smal'"),
        (
            ["tiny.yaml", "--stage", "grit"],
            "--stage 'grit' is not one of grid, analysis, refinement, validation",
        ),
        (["tiny.yaml", "--study", "full"], "full exists and is not a study"),
        (["tiny.yaml", "--storage", "nonsense"], "is not a database that can be used here"),
        (["tiny.yaml", "--heartbeat", "nan"], "'--heartbeat': Input should be greater than"),
        (["tiny.yaml", "--heartbeat", "inf"], "--heartbeat is inf; give 600 or less"),
    ],
)
def test_mistakes_are_one_line(
    thriftnet: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
):
    monkeypatch.chdir(tmp_path)
    space_file(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    outcome = thriftnet("search", *arguments)
    assert outcome.code == 2
    assert told in outcome.error_line


def test_a_stage_needs_the_one_before(thriftnet: Command, tmp_path: Path):
    space = space_file(tmp_path)
    outcome = thriftnet("search", space, "--study", tmp_path / "s", "--stage", "validation")
    assert outcome.code == 2
    assert "the stage grid has not finished" in outcome.error_line


def test_a_file_gets_the_whole_names_of_candidates(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    candidate = Candidate("d", {f"optim.key{n}": "x" * 20 for n in range(5)}, 1, 1)
    PrintedSearch().counted(load_space("small"), [candidate])
    assert candidate.label in capsys.readouterr().out
