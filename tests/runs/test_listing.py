"""The list of runs: states, figures, filters, order, and what may be cleaned up."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.errors import RunError
from thriftnet.recipe import load_recipe, shipped_recipes
from thriftnet.runs.cleanup import find_superseded, remove_superseded, superseded
from thriftnet.runs.filters import parse_columns, parse_condition, select_runs
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.listing import COLUMNS, ListedRun, find_runs, list_runs
from thriftnet.terminal.runs import print_runs


def only(runs: list[ListedRun]) -> ListedRun:
    (run,) = runs
    return run


def quiet_for(run: RunFolder, seconds: float) -> None:
    """As if it had written last that long ago."""
    then = time.time() - seconds
    for path in run.path.rglob("*"):
        os.utime(path, (then, then))


def test_figures_of_a_finished_run(tmp_path: Path):
    made = make_run(tmp_path / "one", seed=3, accuracy=0.65, epochs=7)
    made.append({"kind": "test", "tta": "flip", "accuracy": 0.66, "loss": 0.9})  # read anew
    made.append({"kind": "test", "tta": "flip_shift", "accuracy": 0.9})  # not the recipe's way
    found = only(list_runs(tmp_path)).to_json()
    expected = {
        "name": "one",
        "state": "finished",
        "recipe": "smoke",
        "seed": 3,
        "epoch": 7,
        "accuracy": 0.66,
        "loss": 0.9,
        "top5": 0.97,
        "parameters": 78_042,
        "macs": 12_501_632,
        "seconds": 143.5,
        "pflop": 0.007,
        "val_accuracy": 0.37,
        "digest": made.recipe().digest(),
        "path": str(made.path),
        "problem": None,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == set(COLUMNS)


def test_states(tmp_path: Path):
    make_run(tmp_path / "done")
    make_run(tmp_path / "going", finished=False).save_status({"epoch": 1})
    killed = make_run(tmp_path / "killed", finished=False)
    killed.save_status({"epoch": 1})
    quiet_for(killed, 3600)
    make_run(tmp_path / "stopped", finished=False).append({"kind": "interrupted", "step": 9})
    failed = make_run(tmp_path / "failed", finished=False)
    failed.append({"kind": "failed", "step": 9, "reason": "the loss became nan"})
    make_run(tmp_path / "new", finished=False).metrics_path.unlink()
    runs = {run.value("name"): run for run in list_runs(tmp_path)}
    assert {name: run.value("state") for name, run in runs.items()} == {
        "done": "finished",
        "going": "running",
        "killed": "silent",
        "stopped": "interrupted",
        "failed": "failed",
        "new": "starting",
    }
    assert runs["failed"].value("problem") == "the loss became nan"


def test_torn_last_line_is_no_damage(tmp_path: Path):
    run = make_run(tmp_path / "cut", finished=False, epochs=5)
    with run.metrics_path.open("a") as file:
        file.write('{"kind": "epoch", "epo')
    found = only(list_runs(tmp_path))
    assert (found.value("state"), found.value("epoch")) == ("silent", 5)


def test_damaged_runs_are_listed_among_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    make_run(tmp_path / "good")
    make_run(tmp_path / "recipe").recipe_path.write_bytes(b"\xff\x00\xff")
    make_run(tmp_path / "empty").recipe_path.write_text("")
    make_run(tmp_path / "key").recipe_path.write_text("name: x\noptim:\n  lrr: 1\n")
    make_run(tmp_path / "twice").recipe_path.write_text("name: x\nseed: 1\nseed: 2\n")
    make_run(tmp_path / "lost").recipe_path.unlink()
    make_run(tmp_path / "half").recipe_path.write_text("name: smoke\noptim:\n  na")
    lines = make_run(tmp_path / "lines", epochs=9)
    texts = lines.metrics_path.read_text().splitlines()
    texts[3] = texts[3][:20]  # an epoch in the middle, which the list does not look into
    lines.metrics_path.write_text("\n".join(texts))
    (tmp_path / "notes").mkdir()  # no run
    (tmp_path / "file").touch()
    runs = {str(run.value("name")): run for run in list_runs(tmp_path)}
    states = {name: run.value("state") for name, run in runs.items()}
    assert states.pop("good") == "finished"
    assert states == dict.fromkeys(
        ["recipe", "empty", "key", "twice", "lost", "half", "lines"], "damaged"
    )
    told = {name: str(run.value("problem")) for name, run in runs.items()}
    assert "did you mean optim.lr?" in told["key"]
    assert "'seed' is a duplicate" in told["twice"]
    assert "damaged in line 4" in told["lines"]
    assert "cannot be read" in told["lost"]
    print_runs(list(runs.values()), None)
    shown = capsys.readouterr().out
    for name, problem in told.items():
        assert name == "good" or problem in shown


@pytest.mark.parametrize("recipe", shipped_recipes())
@pytest.mark.parametrize("dressed", ["{}", "# mine\n\n{}", "---\n{}\n...\n"])
def test_recipes_are_read_as_training_reads_them(tmp_path: Path, recipe: str, dressed: str):
    options = ["description='a: long # line, " + "é" * 90 + "'", "train.precision=fp32"]
    run = make_run(tmp_path / "run", recipe=recipe, seed=5, overrides=options)
    run.recipe_path.write_text(dressed.format(run.recipe_path.read_text()))
    assert only(list_runs(tmp_path)).recipe == run.recipe()


def test_recipe_in_another_style_of_yaml(tmp_path: Path):
    run = make_run(tmp_path / "run")
    run.recipe_path.write_text(
        "{name: mine,\nseed: 4, optim:\n {lr: 0.3},\nevaluate: {tta: none}}\n"
    )
    found = only(list_runs(tmp_path))
    assert (found.value("recipe"), found.value("seed")) == ("mine", 4)
    assert found.value("optim.lr") == 0.3
    assert found.value("train.epochs") == load_recipe(run.recipe_path).train.epochs


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs a to f: four of smoke, one of quick, one never evaluated, one damaged."""
    folder = tmp_path_factory.mktemp("study")
    for name, accuracy, rate in (("a", 0.61, 0.1), ("b", 0.65, 0.05), ("c", 0.63, 0.2)):
        options = [f"optim.lr={rate}"]
        make_run(folder / name, seed=ord(name), accuracy=accuracy, overrides=options)
    make_run(folder / "d", recipe="quick", accuracy=0.93)
    make_run(folder / "e", accuracy=None)
    make_run(folder / "f").recipe_path.write_text("name: [")
    return folder


def names(study: Path, *where: str, sort: str = "name", reverse: bool = False) -> str:
    conditions = [parse_condition(text) for text in where]
    kept = select_runs(list_runs(study), conditions, sort=sort, reverse=reverse)
    return "".join(str(run.value("name")) for run in kept)


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (["recipe=smoke"], "abce"),
        (["recipe=smoke", "accuracy>0.62"], "bc"),
        (["recipe!=smoke"], "df"),
        (["recipe=q*"], "d"),
        (["accuracy >= 0.65"], "bd"),
        (["accuracy<0.63"], "a"),
        (["accuracy<=0.63"], "ac"),
        (["accuracy="], "ef"),
        (["accuracy!="], "abcd"),
        (["optim.lr==1e-1"], "ae"),
        (["optim.lr!=0.1"], "bcdf"),
        (["state=damaged"], "f"),
        (["model.blocks=[1,1,1]"], "abce"),
        (["model.blocks=[2, 2, 2]"], "d"),
        (["model.residual=true"], "d"),
        (["model.residual="], "abcef"),
        (["evaluate.tta=none"], ""),
        (["seed>=98", "seed<99"], "b"),
        (["name>=c", "name<e"], "cd"),
        (["started>2020-01-01"], "abcdef"),
    ],
    ids=str,
)
def test_filters(study: Path, where: list[str], kept: str):
    assert names(study, *where) == kept


def test_sorting_puts_what_has_no_value_before_the_least(study: Path):
    assert names(study, sort="accuracy") == "efacbd"
    assert names(study, sort="accuracy", reverse=True) == "dbcaef"
    assert names(study, "recipe=smoke", "accuracy!=", sort="optim.lr") == "bac"
    assert names(study, sort="model.blocks") == "fabced"


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("acuracy>0.9", "did you mean accuracy?"),
        ("lr=0.1", "did you mean optim.lr?"),
        ("optim.lrr=0.1", "did you mean optim.lr?"),
        ("accuracy", "is not a condition such as recipe=quick"),
        ("=3", "is not a condition"),
        ("", "is not a condition"),
        ("accuracy>high", "accuracy is a number; compare it with one"),
    ],
)
def test_wrong_filters(study: Path, where: str, told: str):
    with pytest.raises(RunError, match=r"\A[^\n]+\Z") as fault:
        names(study, where)
    assert told in str(fault.value)


@pytest.mark.parametrize("columns", ["name,sede", "name,", "model.block"])
def test_wrong_columns(columns: str):
    with pytest.raises(RunError, match="is neither a column nor a recipe key; did you mean"):
        parse_columns(columns)


def test_columns_of_choice_are_all_shown(study: Path, capsys: pytest.CaptureFixture[str]):
    columns = parse_columns("name, accuracy,optim.lr,model.blocks,model.residual,problem")
    print_runs(list_runs(study), columns)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == list(columns)
    rows = {line.split()[0]: line.split()[1:5] for line in lines}
    assert rows["b"] == ["0.6500", "0.05", "[1,1,1]", "–"]
    rate = f"{load_recipe('quick').optim.lr:g}"
    assert rows["d"] == ["0.9300", rate, "[2,2,2]", "true"]
    assert rows["f"][:4] == ["–", "–", "–", "–"]


@pytest.mark.parametrize("width", [50, 80, 200])
def test_list_fits_the_terminal(
    tmp_path: Path,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", str(width))
    make_run(tmp_path / ("long-" * 20))
    make_run(tmp_path / "\x1b[31m線\n路", seed=2**31 - 1)
    print_runs(list_runs(tmp_path), None)
    head, *lines = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(lines)
    assert {"name", "state", "accuracy"} <= set(head.split())
    assert ("started" in head) == (width == 200)
    assert max(map(len, [head, *lines])) <= width
    assert len([line for line in lines if "finished" in line]) == 2


def test_pipe_gets_every_column_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("COLUMNS", raising=False)
    make_run(tmp_path / ("long-" * 20))
    print_runs(list_runs(tmp_path), None)
    head, line = capsys.readouterr().out.splitlines()
    assert head.endswith("started")
    assert line.startswith("long-" * 20)


def test_folders_that_hold_no_list(tmp_path: Path):
    assert list_runs(tmp_path) == []
    with pytest.raises(RunError, match="there is no folder .*--runs-dir"):
        list_runs(tmp_path / "none")
    run = make_run(tmp_path / "run")
    with pytest.raises(RunError, match="is a run; give its parent folder"):
        list_runs(run.path)


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
    assert only([r for r in list_runs(tmp_path) if r.value("name") == "done"]).value("state") == (
        "finished"
    )


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


@pytest.mark.parametrize("text", ["accuracy>", "accuracy <= ", "seed<"])
def test_a_comparison_with_nothing_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="compares with nothing; add a value"):
        parse_condition(text)
