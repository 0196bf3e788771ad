from itertools import count

from documents.performance_blocks import PERFORMANCE_BLOCKS
from documents.quoting import block_text
from step_levers import VARIANTS, measure, one_round, summary
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
    told = block_text("step-levers", PERFORMANCE_BLOCKS["step-levers"], figures).splitlines()
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
