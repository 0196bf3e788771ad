"""Lists of runs: filters, order and columns of choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.errors import RunError
from thriftnet.recipe import load_recipe
from thriftnet.runs.filters import parse_columns, parse_condition, select_runs
from thriftnet.runs.listing import list_runs
from thriftnet.terminal.runs import print_runs


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
        ("acc>0.9", "did you mean accuracy?"),
        ("Top-1>0.9", "did you mean accuracy?"),
        ("time<60", "did you mean seconds?"),
        ("learning_rate=0.1", "did you mean optim.lr?"),
        ("f1>0.9", "is neither a column nor a recipe key; columns are name, state, recipe,"),
        ("accuracy", "is not a condition such as recipe=quick"),
        ("=3", "is not a condition"),
        ("", "is not a condition"),
        ("accuracy>high", "accuracy is a number; compare it with one"),
        ("accuracy<nan", "accuracy is a number; compare it with one"),
    ],
)
def test_wrong_filters(study: Path, where: str, told: str):
    with pytest.raises(RunError, match=r"\A[^\n]+\Z") as fault:
        names(study, where)
    assert told in str(fault.value)


@pytest.mark.parametrize("columns", ["name,sede", "name,", "model.block"])
def test_wrong_columns(columns: str):
    with pytest.raises(RunError, match="is neither a column nor a recipe key; "):
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


@pytest.mark.parametrize("text", ["accuracy>", "accuracy <= ", "seed<"])
def test_a_comparison_with_nothing_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="has no value; add one"):
        parse_condition(text)
