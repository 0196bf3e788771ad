"""From a recipe to named pictures, by command."""

from __future__ import annotations

import csv
import json
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import thriftnet as api
from commands import SHORT, Command
from thriftnet.data import Dataset
from thriftnet.recipe import shipped_recipes
from thriftnet.runs.folder import RunFolder


@pytest.mark.usefixtures("few_test_images")
def test_train_evaluate_predict(
    thriftnet: Command, tmp_path: Path, cifar10: tuple[Dataset, Dataset]
) -> None:
    trained = thriftnet("train", "smoke", *SHORT, "--name", "first", "--runs-dir", tmp_path)
    run = tmp_path / "first"
    assert trained.code == 0, trained.err
    for told in ("test accuracy", "parameters      5,214", "training", f"run folder      {run}"):
        assert told in trained.out

    read = thriftnet("evaluate", run, "--json")
    figures = json.loads(read.out)
    low, high = figures["accuracy_interval"]
    assert low < figures["accuracy"] < high
    assert figures["parameters"] == 5_214
    assert f"{figures['accuracy']:.4f}" in trained.out
    assert set(figures["by_tta"]) == {"flip", "none"}
    assert sum(map(sum, figures["confusion"])) == 1000

    picture = tmp_path / "photo.png"
    Image.fromarray(cifar10[1].images[0]).resize((300, 200)).save(picture)
    named = thriftnet("predict", run, picture, "--json")
    (answer,) = json.loads(named.out)
    assert answer["label"] in cifar10[1].classes
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert str(picture) in thriftnet("predict", run, picture).out


@pytest.mark.usefixtures("few_test_images")
def test_evaluation_is_the_same_each_time_and_recorded_once(
    thriftnet: Command, finished_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    first, second = (thriftnet("evaluate", run, "--json").out for _ in range(2))
    assert first == second
    lines = (run / "metrics.jsonl").read_text().splitlines()
    tests = [json.loads(line) for line in lines if '"test"' in line]
    assert sorted(line["tta"] for line in tests) == ["flip", "none"]
    predictions = RunFolder.open(run).load_predictions()
    assert predictions is not None
    for reading in tests:
        hits = predictions.logits[reading["tta"]].argmax(1) == predictions.labels
        assert hits.mean() == reading["accuracy"]


@pytest.mark.usefixtures("few_test_images")
def test_list_tells_the_latest_evaluation(
    thriftnet: Command, finished_run: Path, tmp_path: Path
) -> None:
    """Of three, the last is as the first was."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    losses = [
        json.loads(thriftnet("evaluate", run, "--precision", precision, "--json").out)["loss"]
        for precision in ("fp32", "bf16", "fp32")
    ]
    assert losses[0] == losses[2] != losses[1]
    (listed,) = json.loads(thriftnet("runs", "--runs-dir", tmp_path, "--json").out)
    assert listed["loss"] == losses[2]


@pytest.mark.usefixtures("few_test_images")
def test_figures_that_a_run_cannot_keep_are_told_all_the_same(
    thriftnet: Command, finished_run: Path, tmp_path: Path
) -> None:
    run = RunFolder(shutil.copytree(finished_run, tmp_path / "run"))
    run.metrics_path.write_text("{\n" + run.metrics_path.read_text())
    outcome = thriftnet("evaluate", run.path)
    assert outcome.code == 0
    assert "top-1" in outcome.out
    assert "not saved" in outcome.error_line
    assert "is damaged in line 1" in outcome.error_line


@pytest.mark.usefixtures("few_test_images")
def test_model_file_stands_for_its_run(
    thriftnet: Command, finished_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    by_run = thriftnet("evaluate", run, "--json").out
    by_file = thriftnet("evaluate", run / "model.safetensors", "--json").out
    assert by_run == by_file


def test_unlabelled_pickle_becomes_csv(
    thriftnet: Command, finished_run: Path, tmp_path: Path, cifar10: tuple[Dataset, Dataset]
) -> None:
    source, target = tmp_path / "cifar_test_nolabel.pkl", tmp_path / "submission.csv"
    images = cifar10[1].images[:20]
    source.write_bytes(pickle.dumps({b"data": np.array(images), b"ids": np.arange(100, 120)}))
    assert thriftnet("predict", finished_run, source, "-o", target).code == 0
    rows = list(csv.reader(target.read_text().splitlines()))
    assert rows[0] == ["ID", "Labels"]
    assert [int(row[0]) for row in rows[1:]] == list(range(100, 120))
    predicted = [p.index for p in api.predict(finished_run, images)]
    assert [int(row[1]) for row in rows[1:]] == predicted


def test_folder_with_one_bad_picture_names_the_others(
    thriftnet: Command, finished_run: Path, tmp_path: Path, cifar10: tuple[Dataset, Dataset]
) -> None:
    for index in range(3):
        Image.fromarray(cifar10[1].images[index]).save(tmp_path / f"{index}.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    target = tmp_path / "named.csv"
    outcome = thriftnet("predict", finished_run, tmp_path, "-o", target)
    assert outcome.code == 2
    assert "torn.png" in outcome.error_line
    assert len(target.read_text().splitlines()) == 4


def test_file_whose_name_is_no_text_is_named_all_the_same(
    thriftnet: Command, finished_run: Path, tmp_path: Path, cifar10: tuple[Dataset, Dataset]
) -> None:
    picture, target = tmp_path / os.fsdecode(b"caf\xe9\x1b.png"), tmp_path / "named.csv"
    Image.fromarray(cifar10[1].images[0]).save(picture)
    assert thriftnet("predict", finished_run, picture, "-o", target).code == 0
    assert b"caf\xe9" in target.read_bytes()
    shown = thriftnet("predict", finished_run, picture)
    assert shown.code == 0, shown.err
    assert "caf\ufffd\ufffd.png" in shown.out


def test_describe_for_machines(thriftnet: Command) -> None:
    figures = json.loads(thriftnet("describe", "paper", "--json").out)
    assert figures["parameters"] == 4_918_602
    assert round(figures["macs"] / 1e6, 1) == 798.7
    assert sum(layer["parameters"] for layer in figures["layers"]) == 4_918_602
    assert "56% fewer parameters" in thriftnet("describe", "paper").out


def test_describe_counts_for_the_images_that_are_trained_on(thriftnet: Command) -> None:
    out = thriftnet("describe", "paper", "--set", "data.image_size=16").out
    assert "64×16×16" in out
    assert "199.7M MACs" in out  # a quarter of 798.7M: each grid has half the side
    assert "ResNet-18 for 16×16 images: 11,173,962 parameters, 138.9M MACs" in out


@pytest.mark.usefixtures("small_world")
def test_output_forms(thriftnet: Command, tmp_path: Path) -> None:
    train = ("train", "small.yaml", "--set", "train.epochs=1", "--runs-dir", tmp_path, "--name")
    quiet = thriftnet(*train, "q", "--quiet")
    assert (quiet.code, quiet.out) == (0, "")
    machine = thriftnet(*train, "j", "--json")
    lines = [json.loads(line) for line in machine.out.splitlines()]
    assert [line["kind"] for line in lines] == ["start", "epoch", "end", "summary"]
    assert lines[0]["run"] == lines[-1]["run"] == str(tmp_path / "j")


@pytest.mark.usefixtures("few_test_images")
def test_a_budget_of_operations_buys_epochs(thriftnet: Command, tmp_path: Path) -> None:
    small = ["model.channels=[4,8,16]", "data.fraction=0.02", "train.batch_size=10"]
    options = [word for key in small for word in ("--set", key)]
    out = thriftnet("train", "smoke", *options, "--flops-budget", "2G", "--runs-dir", tmp_path).out
    assert re.search(r"the budget buys 0\.[34]\d epochs", out)
    run = next(tmp_path.iterdir())
    end = RunFolder.open(run).metrics()[-3]  # before two lines of the evaluation
    assert end["kind"] == "end"
    assert 0.95 * 2e-6 < end["pflop"] <= 2e-6
    assert "test accuracy" in out


@pytest.mark.parametrize("recipe", shipped_recipes())
def test_every_recipe_takes_two_steps(
    recipe: str, tmp_path: Path, cifar10: tuple[Dataset, Dataset]
) -> None:
    assert cifar10
    steps = ["train.batch_size=2", "train.micro_batch=0"]
    steps += ["train.epochs=0.0075", "data.fraction=0.01"]
    cheap = ["data.val_ratio=0", "train.select=final", "schedule.warmup_epochs=0"]
    run = api.train(recipe, overrides=[*steps, *cheap], name=recipe, runs_dir=tmp_path, quiet=True)
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert run.finished
    assert lines[-1]["step"] == 2
