"""Every mistake is one line that names the remedy, exit code 2, and nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from commands import SHORT, Command
from thriftnet.runs.folder import RunFolder


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "quik"], "no recipe is named 'quik'"),
        (["train", "smoke", "--set", "optim.lrr=1"], "did you mean optim.lr?"),
        (["train", "smoke", "--set", "optim.name=adam"], "did you mean adamw?"),
        (["train", "smoke", "--set", "optim.lr"], "is not KEY=VALUE"),
        (["train", "missing.yaml"], "missing.yaml cannot be read"),
        (["describe", "paper", "--set", "model.blocks=[3,5,3,3]"], "over max_parameters"),
        (["train", "paper", "--set", "model.blocks=[3,5,3,3]"], "over max_parameters"),
        (["train", "smoke", "--name", "../x"], "not a plain folder name"),
        (["train", "--resume", "nowhere"], "there is no run folder nowhere"),
        (["evaluate", "nowhere"], "there is no run folder or model file nowhere"),
        (["predict", "nowhere", "x.png"], "there is no run folder or model file nowhere"),
        (["train", "smoke", "--set", "train.device=cuda"], "use train.device=auto"),
        (["train", "smoke", "--data", "nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_line_and_code_2(
    thriftnet: Command,
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = thriftnet(*arguments)
    assert outcome.code == 2
    assert told in outcome.error_line
    assert outcome.error_line.startswith("thriftnet: error: ")
    assert "Error: " not in outcome.err  # the class says nothing to a user
    assert "Traceback" not in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_usage_errors_have_code_2(thriftnet: Command, tmp_path: Path) -> None:
    assert thriftnet("train", "--resume", tmp_path, "--seed", "3").code == 2
    assert thriftnet("unknown").code == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--resume", "x", "--runs-dir", "y"], "leave out --runs-dir"),
        (["predict", "quick", "x.pkl", "--json"], "a pickle gives CSV; leave out --json"),
        (["predict", "quick", "x", "--json", "-o", "y"], "--output writes CSV; leave out --json"),
        (["watch", "x", "--data", "y"], "add --port, or leave it out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_would_do_nothing_are_refused(
    thriftnet: Command, words: list[str], told: str
) -> None:
    outcome = thriftnet(*words)
    assert outcome.code == 2
    assert told in " ".join(outcome.err.replace("│", " ").split())


@pytest.mark.parametrize(
    "option", [("--tta", "ten"), ("--device", "abacus"), ("--precision", "fp7")], ids=str
)
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_unknown_choices(
    thriftnet: Command, finished_run: Path, tmp_path: Path, command: str, option: tuple[str, str]
) -> None:
    pictures = [tmp_path] if command == "predict" else []
    outcome = thriftnet(command, finished_run, *pictures, *option)
    assert outcome.code == 2
    assert option[1] in outcome.error_line


def test_existing_name_is_kept(thriftnet: Command, finished_run: Path) -> None:
    before = (finished_run / "model.safetensors").read_bytes()
    outcome = thriftnet(
        "train", "smoke", *SHORT, "--name", finished_run.name, "--runs-dir", finished_run.parent
    )
    assert outcome.code == 2
    assert "choose another --name" in outcome.error_line
    assert (finished_run / "model.safetensors").read_bytes() == before


@pytest.fixture
def copied_run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "copy"))


def test_run_without_final_model(thriftnet: Command, copied_run: Path) -> None:
    (copied_run / "model.safetensors").unlink()
    outcome = thriftnet("evaluate", copied_run)
    assert outcome.code == 2
    assert f"thriftnet train --resume {copied_run}" in outcome.error_line


@pytest.mark.usefixtures("few_test_images")
def test_run_without_checkpoint_begins_again(
    thriftnet: Command, copied_run: Path, finished_run: Path
) -> None:
    (copied_run / "model.safetensors").unlink()
    (copied_run / "checkpoints" / "last.pt").unlink()
    whole = RunFolder(finished_run).model_path.read_bytes()
    assert thriftnet("train", "--resume", copied_run, "--quiet").code == 0
    assert RunFolder(copied_run).model_path.read_bytes() == whole


@pytest.mark.parametrize("kept", [0, 10, 5000])
def test_half_written_checkpoint(thriftnet: Command, copied_run: Path, kept: int) -> None:
    (copied_run / "model.safetensors").unlink()
    last = RunFolder(copied_run).last_path
    last.write_bytes(last.read_bytes()[:kept])
    outcome = thriftnet("train", "--resume", copied_run)
    assert outcome.code == 2
    assert "is damaged" in outcome.error_line


@pytest.mark.parametrize("kept", [0, 10, 5000])
def test_half_written_model(thriftnet: Command, copied_run: Path, kept: int) -> None:
    model = copied_run / "model.safetensors"
    model.write_bytes(model.read_bytes()[:kept])
    for command in (["evaluate", copied_run], ["predict", copied_run, "x.png"]):
        outcome = thriftnet(*command)
        assert outcome.code == 2
        assert "is damaged" in outcome.error_line


@pytest.mark.usefixtures("few_test_images")
def test_finished_run_is_not_trained_again(thriftnet: Command, copied_run: Path) -> None:
    before = (copied_run / "model.safetensors").read_bytes()
    outcome = thriftnet("train", "--resume", copied_run)
    assert outcome.code == 0
    assert "test accuracy" in outcome.out
    assert (copied_run / "model.safetensors").read_bytes() == before


def test_failure_of_ours_is_one_line_and_code_1(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("thriftnet.recipe.shipped_recipes", broken)
    outcome = thriftnet("recipes")
    assert outcome.code == 1
    assert "unexpected ZeroDivisionError: a fault of ours" in outcome.error_line
    assert "Traceback" in thriftnet("recipes", "--debug").err
