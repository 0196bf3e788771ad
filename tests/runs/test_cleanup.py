"""Which checkpoints of runs may be removed."""

from __future__ import annotations

from pathlib import Path

from made_runs import make_run
from thriftnet.runs.cleanup import find_superseded, remove_superseded, superseded
from thriftnet.runs.listing import find_runs, list_runs


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_only_checkpoints_of_finished_runs_are_removed(tmp_path: Path):
    done = make_run(tmp_path / "done")
    kept = make_run(tmp_path / "kept", seed=1)
    (kept.last_path.parent / "mine.pt").write_bytes(b"a user's own")
    make_run(tmp_path / "cut", finished=False)
    torn = make_run(tmp_path / "torn", seed=2)
    torn.model_path.write_bytes(torn.model_path.read_bytes()[:-1])  # the checkpoint can mend it
    make_run(tmp_path / "strange").model_path.write_bytes(b"{}")
    before = files(tmp_path)
    found = find_superseded(find_runs(tmp_path))
    assert files(tmp_path) == before
    gone = {
        f"{name}/checkpoints/{file}"
        for name in ("done", "kept")
        for file in ("last.pt", "best.safetensors")
    }
    assert {str(p.relative_to(tmp_path)) for entry in found for p in entry.files} == gone
    sizes = {entry.run.name: entry.size for entry in found}
    assert sizes["done"] == done.last_path.stat().st_size + done.best_path.stat().st_size
    assert remove_superseded(found) == sum(sizes.values())
    assert files(tmp_path) == before - gone
    assert not done.last_path.parent.exists()
    assert find_superseded(find_runs(tmp_path)) == []
    states = {run.value("name"): run.value("state") for run in list_runs(tmp_path)}
    assert states["done"] == "finished"


def test_model_lost_after_it_was_shown_keeps_its_checkpoints(tmp_path: Path):
    run = make_run(tmp_path / "run")
    found = find_superseded(find_runs(tmp_path))
    run.model_path.unlink()
    assert remove_superseded(found) == 0
    assert run.last_path.is_file()


def test_a_checkpoint_stays_until_the_last_line_is_written(tmp_path: Path) -> None:
    """A disk that filled up after the weights: `--resume` makes the line from the checkpoint."""
    run = make_run(tmp_path / "full")
    lines = [line for line in run.metrics() if line["kind"] not in {"end", "test"}]
    run.metrics_path.unlink()
    for line in lines:
        run.append(line)
    assert run.finished
    assert superseded(run) == []
    run.append({"kind": "end", "step": 360, "seconds": 41.0})
    assert superseded(run) == [run.last_path, run.best_path]
