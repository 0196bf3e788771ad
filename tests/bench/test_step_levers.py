from contextlib import contextmanager
from itertools import count

import torch

from documents.quoting import block_text
from documents.step_blocks import STEP_BLOCKS, winograd_steps
from step_levers import VARIANTS, measure, one_round, summary
from support.turns import KERNELS, in_turns
from thriftnet.kernels.conv import Conv3x3
from thriftnet.models.layers import norm_activate
from thriftnet.recipe import load_recipe


def turn(seconds: float) -> dict[str, float]:
    return {"step_seconds": seconds, "first_step_seconds": 2 * seconds}


def test_a_machine_that_slows_down_on_the_way_flatters_no_variant():
    slowness = count(10)

    def take(name: str) -> dict[str, float]:
        return turn(next(slowness) * (0.5 if name == "other" else 1))

    found = list(one_round(["other", "base"], take))
    assert [name for name, _, _ in found] == ["other", "base"]
    assert [each["step_seconds"] / base for _, each, base in found] == [0.5, 1]
    assert next(slowness) == 15  # five turns: the base between the two counts for both


def test_what_a_variant_gave_is_the_median_of_its_ratios():
    # The machine is half as fast in the second round.
    found = summary([(turn(0.5), 1.0), (turn(1.0), 2.0), (turn(0.8), 1.0)])
    assert found["beside_base"] == 0.5
    assert found["every_ratio"] == [0.5, 0.5, 0.8]
    assert found["step_seconds"] == 0.8
    assert found["first_step_seconds"] == 1.6


def test_a_variant_that_fails_once_has_no_time():
    found = summary([(turn(1.0), 1.0), ({"failed": "the loss became nan"}, 1.0)])
    assert found == {"failed": "the loss became nan"}


def test_the_document_tells_each_lever_with_its_spread():
    variants = {
        "base": summary([(turn(1.0), 1.0), (turn(1.1), 1.0)]),
        "other": summary([(turn(0.5), 1.0), (turn(1.4), 2.0)]),
        "bad": {"failed": "the loss became nan"},
    }
    figures = {"variants": variants, "batch_size": 1000, "rounds": 2}
    told = block_text("step-levers", STEP_BLOCKS["step-levers"], figures).splitlines()
    assert told[2] == "| base | 1.05 s | 1.05, 1.00 to 1.10 | 2.1 s |"
    assert told[3] == "| other | 0.95 s | 0.60, 0.50 to 0.70 | 1.9 s |"
    assert told[4] == "| bad | – | **the loss became nan** | – |"


def test_every_variant_changes_one_thing_of_a_recipe_that_holds():
    base = VARIANTS["base"]
    for name, variant in VARIANTS.items():
        load_recipe("quick", list(variant.overrides))
        changed = [key for key in vars(base) if vars(variant)[key] != vars(base)[key]]
        assert len(changed) == (name != "base"), name


def test_a_variant_is_timed_on_a_real_step():
    small = measure("smoke", "freed memory given back", steps=1)
    assert 0 < small["step_seconds"] < 60
    assert small["first_step_seconds"] > 0


def test_ways_are_timed_in_turns_after_one_that_warms_up():
    calls: list[str] = []

    @contextmanager
    def entered(name: str):
        calls.append(name)
        yield

    ways = {"a": lambda: entered("a"), "b": lambda: entered("b")}
    found = in_turns(lambda: calls.append("call"), ways, rounds=3)
    assert calls == ["a", "call", "b", "call"] * 4
    assert {name: len(taken) for name, taken in found["every_seconds"].items()} == {"a": 3, "b": 3}
    assert found["seconds"] == {name: sorted(t)[1] for name, t in found["every_seconds"].items()}


def test_each_way_takes_the_kernels_that_it_names():
    conv, norm, x = Conv3x3(32, 32), torch.nn.BatchNorm2d(32), torch.randn(8, 32, 14, 14)

    def taken(way: str) -> tuple[bool, bool]:
        with KERNELS[way]():
            y = conv(x)
            z = norm_activate(y, norm, torch.nn.GELU())
        return "Winograd" in type(y.grad_fn).__name__, "NormAct" in type(z.grad_fn).__name__

    assert taken("pytorch") == (False, False)
    there = taken("fused")  # neither without AVX2
    assert taken("winograd") == (there[0], False)


def test_the_document_has_a_column_for_each_way():
    seconds = {"pytorch": 4.0, "winograd": 2.5, "fused": 2.0}
    step = {
        "recipe": "quick",
        "batch_size": 100,
        "seconds": seconds,
        "every_seconds": {"winograd": [2.5]},
    }
    shown = {"network": "best", "images": 50, "seconds": seconds}
    table = winograd_steps({"steps": [step], "inference": [shown]})["table"]
    assert "| workload | images | PyTorch | Winograd | and fused | speed-up |" in table
    assert "| a step of `quick` | 100 | 4.00 s | 2.50 s | 2.00 s | 2.00 |" in table
