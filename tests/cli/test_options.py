"""Options that other trainers have, mistyped ones, completion, the version."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import thriftnet as package
from commands import Command, application, in_this_process
from thriftnet.cli.options.aliases import KEYS, with_aliases
from thriftnet.cli.options.elsewhere import ABSENT, ARGUMENTS, COMMANDS, COMMON, OPTIONS
from thriftnet.recipe import load_recipe
from thriftnet.recipe.keys import flatten


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_this_process(monkeypatch, capsys)


def test_short_options_name_recipe_keys() -> None:
    assert set(KEYS.values()) <= set(flatten(load_recipe("quick").model_dump(mode="json")))
    given = {"--epochs": "3", "--lr": None, "--batch-size": "64", "--device": None}
    written = with_aliases(["optim.lr=1"], given)
    recipe = load_recipe("smoke", written)
    assert (recipe.train.epochs, recipe.train.batch_size, recipe.optim.lr) == (3, 64, 1)


def test_a_short_option_reaches_the_recipe(thriftnet: Command) -> None:
    for option, key in KEYS.items():
        end = thriftnet("train", "smoke", option, "@")
        assert end.code == 2
        assert key in end.error_line


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["train", "--gpu"], "use --device cuda"),
        (["train", "--GPU"], "use --device cuda"),
        (["train", "--learning_rate", "1"], "use --lr"),
        (["train", "--Epochs=3"], "use --epochs"),
        (["train", "--weight-decay", "1"], "use --set optim.weight_decay=VALUE"),
        (["train", "--lrr", "1"], "use --lr"),
        (["train", "--pretrained"], "use --init best"),
        (["train", "--wandb"], "use --track wandb"),
        (["train", "--patience", "3"], "use --set train.patience=VALUE"),
        (["train", "--early-stopping"], "use --set train.patience=5"),
        (["predict", "best", "--conf", "0.9"], "use --at-least"),
        (["export", "best", "--format", "onnx"], "use --to"),
        (["predict", "best", "--out", "x.csv"], "use --output"),
        (["evaluate", "best", "--gpu"], "use --device cuda"),
        (["evaluate", "best", "--half"], "use --precision bf16 (see thriftnet evaluate --help)"),
        (["train", "--imgsz", "64"], "use --set data.image_size=64"),
        (["predict", "best", "--imgsz", "64"], "one image size, set when it is trained"),
        (["train", "--int8"], "thriftnet export has --to onnx-int8"),
        (["train", "--workers", "4"], "images are kept in memory"),
        (["search", "small", "--num-workers", "4"], "use --workers"),
        (["predict", "--weights", "best"], "write MODEL without an option before it"),
        (["predict", "best", "--source", "a.jpg"], "write IMAGE_OR_FOLDER without an option"),
        (["train", "--model", "resnet18"], "the network is part of the recipe"),
        (["predict", "best", "--epochs", "3"], "thriftnet train has --epochs"),
        (["predict", "best", "--learning-rate", "3"], "thriftnet train has --lr"),
        (["report", "--gpu"], "thriftnet train has --device cuda (see thriftnet report --help)"),
        (["evaluate", "best", "--limit", "3"], "use --images"),
        (["runs", "--limit", "3"], "no option --limit here; see thriftnet runs --help"),
        (["predict", "best", "--timeout", "3"], "no option --timeout here; see thriftnet predict"),
        (["report", "--nonsense"], "no option --nonsense here; see thriftnet report --help"),
        (["train", "-b", "64"], "no option -b here; use --batch-size"),
        (["train", "epochs=3"], "epochs=3 is not an argument; write --epochs 3"),
        (["train", "quick", "imgsz=64"], "write --set data.image_size=64 (see thriftnet train"),
        (["predict", "best", "source=a.jpg"], "source=a.jpg is not an argument; write just a.jpg"),
        (["export", "best"], "Missing option '--to', as in: thriftnet export runs/short --to onnx"),
        (["val"], "no command val; use thriftnet evaluate"),
        (["trian"], "no command trian; use train"),
        (["Train"], "no command Train; use train"),
        (["version"], "use thriftnet --version"),
        (["nonsense"], "no command nonsense; see thriftnet --help"),
        ([""], "no command ''; see thriftnet --help"),
        (
            ["predict", "best", "a.jpg", "--reject-outliers"],
            "--reject-outliers needs a value, as in: --reject-outliers 0.05; see thriftnet predict",
        ),
        (["train", "--set"], "--set needs a value, as in: --set KEY=VALUE; see thriftnet tra"),
        (["train", "--quiet=1"], "Option '--quiet' does not take a value; see thriftnet train"),
        (["train", "--epochs", "3", "--set", "train.epochs=4"], "set the same key; give only one"),
        (["train", "--resume", "x", "--lr", "1"], "leave out --lr"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_is_not_there_names_the_one_that_is(
    thriftnet: Command, typed: list[str], told: str
) -> None:
    end = thriftnet(*typed)
    assert end.code == 2
    assert told in end.error_line


def test_a_folder_in_place_of_a_recipe(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/recipe.yaml").write_text("name: a\n")
    monkeypatch.chdir(tmp_path)
    assert "if it contains pictures: thriftnet train --data ./photos" in (
        thriftnet("train", "photos").error_line
    )
    for command in ("train", "describe"):
        assert "its recipe is run/recipe.yaml" in thriftnet(command, "run/").error_line


def test_a_file_of_that_name_is_an_argument(thriftnet: Command, tmp_path: Path) -> None:
    (tmp_path / "lr=0.1").mkdir()
    end = thriftnet("train", tmp_path / "lr=0.1")
    assert "no argument" not in end.error_line


def test_what_other_trainers_call_an_option_exists_here(thriftnet: Command) -> None:
    commands: dict[str, Any] = application().commands
    search = commands["search"].commands
    parameters = [each for one in {**commands, **search}.values() for each in one.params]
    options = {word for each in parameters for word in each.opts}
    arguments = {(each.metavar or "").partition("...")[0] for each in parameters}
    assert {answer.split()[0] for answer in OPTIONS} <= options
    assert set(ARGUMENTS) <= arguments
    for setting in (answer.partition("--set ")[2] for answer in OPTIONS if "--set" in answer):
        load_recipe("smoke", [setting])
    for name in COMMANDS:
        assert thriftnet(*name.split()[:1], "--help").code == 0
    tables = (*OPTIONS.values(), *ARGUMENTS.values(), *ABSENT.values(), *COMMANDS.values())
    assert set(COMMON.split()) <= {name for text in OPTIONS.values() for name in text.split()}
    assert all(name == name.lower().replace("_", "-") for text in tables for name in text.split())


def test_the_version(thriftnet: Command) -> None:
    assert thriftnet("--version").out == f"thriftnet {version('thriftnet')}\n"
    assert package.__version__ == version("thriftnet")


def test_completion_offers_names_and_paths(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "quarry").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_THRIFTNET_COMPLETE", "complete_bash")
    for words, offered in {
        "train qu": {"quick", "quarry/"},
        "evaluate b": {"best"},
        "train --batch": {"--batch-size"},
        "tra": {"train"},
    }.items():
        monkeypatch.setenv("COMP_WORDS", f"thriftnet {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        assert set(thriftnet().out.split()) == offered


@pytest.mark.parametrize("words", [["predict"], ["search"], []])
def test_help_fits_a_narrow_terminal(
    thriftnet: Command, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    told = thriftnet(*words, "--help").out.partition("Examples:")[0]  # these are to be copied
    assert max(map(len, told.splitlines())) <= 40
