from step_levers import VARIANTS, measure, summary
from thriftnet.recipe import load_recipe


def test_a_variant_is_held_against_the_base_of_its_own_round():
    def turns(*seconds: float) -> list[dict[str, float]]:
        return [{"step_seconds": each, "first_step_seconds": 2 * each} for each in seconds]

    # The machine is half as fast in the second round.
    found = summary({"base": turns(1.0, 2.0, 1.0), "other": turns(0.5, 1.0, 0.8)})
    assert found["base"]["beside_base"] == 1
    assert found["other"]["beside_base"] == 0.5
    assert (found["other"]["lowest"], found["other"]["highest"]) == (0.5, 0.8)
    assert found["other"]["step_seconds"] == 0.8
    assert found["other"]["first_step_seconds"] == 1.6


def test_a_variant_that_fails_once_has_no_time():
    good = {"step_seconds": 1.0, "first_step_seconds": 1.0}
    found = summary({"base": [good, good], "bad": [good, {"failed": "the loss became nan"}]})
    assert found["bad"] == {"failed": "the loss became nan"}
    assert found["base"]["beside_base"] == 1


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
