"""Options that other trainers have, mistyped ones, completion, the version."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

import thriftnet as package
from commands import Command, in_this_process
from thriftnet.cli.options.aliases import KEYS, with_aliases
from thriftnet.cli.options.mistakes import _ELSEWHERE
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
        (["report", "--gpu"], "no option --gpu here; see thriftnet report --help"),
        (["train", "--epochs", "3", "--set", "train.epochs=4"], "are one key; give one"),
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


def test_what_other_trainers_call_an_option_exists_here(thriftnet: Command) -> None:
    helped = "".join(thriftnet(name, "--help").out for name in ("train", "predict", "export"))
    words = {word.split()[0] for word in _ELSEWHERE.values()}
    assert [word for word in words if word not in helped] == []
    keys = [text.partition("--set ")[2] for text in _ELSEWHERE.values() if "--set" in text]
    load_recipe("smoke", keys)


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
