"""The bench's figures agree with each other; how large they are is the machine's business."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import torch
from torch import nn

from thriftnet.bench import speed
from thriftnet.bench.clock import median_seconds
from thriftnet.bench.machine import Bench, run_bench
from thriftnet.bench.roofline import convolution_rate
from thriftnet.bench.speed import (
    InferenceSpeed,
    TrainingSpeed,
    inference_speed,
    noise_steps,
    noise_training,
    training_speed,
)
from thriftnet.errors import RecipeError
from thriftnet.inference.engine import Engine
from thriftnet.recipe import load_recipe
from thriftnet.runtime.device import Compute
from thriftnet.terminal.results import print_bench
from thriftnet.training.setup import Plan
from thriftnet.training.state import TrainingState

TINY = ["model.channels=[4,4,4]", "train.batch_size=20"]


@pytest.fixture(scope="module", autouse=True)
def small_convolution() -> Iterator[None]:
    """On this many images it takes milliseconds; what others do on the processor does not count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thriftnet.bench.roofline._IMAGES", 8)
        patch.setattr(time, "perf_counter", time.process_time)
        yield


@pytest.fixture(scope="module")
def found() -> Bench:
    told: list[str] = []
    recipe = load_recipe("smoke", TINY)
    other = load_recipe("smoke", [*TINY, "name=other", "train.epochs=4"])
    bench = run_bench(recipe, [recipe, other], say=told.append, seconds=0.2)
    assert told == [
        "measuring the convolution rate",
        "measuring recipe smoke",
        "measuring recipe other",
    ]
    return bench


def test_median_is_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    now, takes = [0.0], cycle([9.0, 0.01, 0.01, 5.0, 0.01])  # the first warms up

    def call() -> None:
        now[0] += next(takes)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    assert median_seconds(call, seconds=5.02) == pytest.approx(0.01)


def test_convolution_rate_is_that_of_a_processor() -> None:
    assert 1e9 < convolution_rate(torch.float32, seconds=0.1) < 1e15


def test_rate_that_a_training_is_held_against_is_of_its_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[torch.device] = []

    def rate(_dtype: torch.dtype, *, device: torch.device, **_: float) -> float:
        asked.append(device)
        return 1e9

    there = Compute(torch.device("cuda", 0), "bf16")
    monkeypatch.setattr("thriftnet.bench.machine.choose_compute", lambda **_: there)
    monkeypatch.setattr("thriftnet.bench.machine.convolution_rate", rate)
    monkeypatch.setattr("thriftnet.bench.machine.accelerator_name", str)
    found = run_bench(load_recipe("smoke", TINY), [], say=lambda _: None, seconds=0.05)
    assert asked == [there.device] * 2
    assert found.accelerator == found.to_json()["accelerator"] == "cuda:0"


def test_figures_agree(found: Bench) -> None:
    training = found.training
    assert training.expected_seconds == pytest.approx(2 * 45_000 / training.images_per_second)
    assert training.flops_per_second == 6 * training.macs * training.images_per_second
    assert training.pflop == pytest.approx(6 * training.macs * 90_000 / 1e15)
    assert 0 < training.augmentation_share < 1
    assert set(found.recipes) == {"smoke", "other"}
    assert found.recipes["other"].pflop == pytest.approx(2 * training.pflop)
    assert found.inference.images_per_second > 1 / found.inference.latency_seconds


def test_a_recipe_of_few_images_is_timed_on_whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand pictures of noise a share would be less than a batch, and soon timed."""
    timed: list[int] = []
    train_step = speed.train_step

    def watched(plan: Plan, state: TrainingState, batch: torch.Tensor, *, epoch: int) -> None:
        timed.append(len(plan.images[batch]))
        train_step(plan, state, batch, epoch=epoch)

    monkeypatch.setattr(speed, "train_step", watched)
    few = ["data.fraction=0.1", "train.hard_fraction=0.5", "train.drop_last=true"]
    recipe = load_recipe("smoke", [*TINY, *few, "train.batch_size=200"])
    found = training_speed(recipe, seconds=0.01)
    assert set(timed) == {200}
    assert found.pflop == pytest.approx(6 * found.macs * 2 * 11 * 200 / 1e15)
    assert inference_speed(recipe, seconds=0.01).images_per_second > 0


def test_a_recipe_without_a_whole_batch_has_no_speed() -> None:
    few = ["data.fraction=0.004", "train.batch_size=200", "train.drop_last=true"]
    with pytest.raises(RecipeError, match="larger than the 180 training images"):
        training_speed(load_recipe("smoke", [*TINY, *few]), seconds=0.01)


def test_reading_is_timed_as_evaluate_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[nn.Module] = []

    monkeypatch.setattr(Engine, "logits", lambda engine, *_: read.append(engine.network))
    inference_speed(load_recipe("smoke", TINY), seconds=0.01)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in read[0].modules())


def test_training_on_noise_has_no_steps_after_its_last() -> None:
    """Beyond it, a straight line of the learning rate is below zero."""
    recipe = load_recipe("smoke", [*TINY, "schedule.name=linear", "train.batch_size=500"])
    plan, state = noise_training(recipe)
    step = noise_steps(plan, state)
    rates: list[float] = []
    for _ in range(2 * state.total_steps):
        step()
        rates.append(state.optimisers[0].param_groups[0]["lr"])
    half = state.total_steps
    assert rates[:half] == rates[half:]
    assert min(rates) > 0


def test_json_has_the_promised_names(found: Bench) -> None:
    figures: dict[str, Any] = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert figures["training"]["images_per_second"] == found.training.images_per_second
    assert figures["inference"]["images_per_second"] == found.inference.images_per_second
    assert figures["roofline"]["bf16_conv_gflops"] == found.bf16_rate / 1e9


def test_table_fits_80_columns(found: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    print_bench(found)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("expected training time" in line for line in lines)


def _bench(*, rate: float, bf16: float = 400e9, fp32: float = 200e9, augmentation: float) -> Bench:
    speed = TrainingSpeed(
        parameters=1,
        macs=100_000_000,
        precision="bf16",
        epochs=1,
        images_per_second=rate,
        augmentation_share=augmentation,
        pflop=1,
        expected_seconds=1,
    )
    return Bench("p", 2, None, bf16, fp32, "r", speed, InferenceSpeed(1, 1), {"r": speed})


@pytest.mark.parametrize(
    ("bench", "told"),
    [
        (_bench(rate=600, augmentation=0.01), "arithmetic, 90%"),
        (_bench(rate=200, augmentation=0.01), "memory, 30%"),
        (_bench(rate=600, augmentation=0.2), "augmentation"),
        (_bench(rate=600, bf16=210e9, augmentation=0.01), "train.precision=fp32"),
    ],
)
def test_limit_names_what_holds_it_back(bench: Bench, told: str) -> None:
    assert told in bench.limit()
