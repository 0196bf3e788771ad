"""Training that starts from a trained network's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from small import dataset, opened, small_recipe
from thriftnet.data import Dataset
from thriftnet.errors import RecipeError, RunError
from thriftnet.models.saved import read_model, save_model
from thriftnet.recipe import Recipe, build_recipe, load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.training import start
from thriftnet.training.resume import resume_run
from thriftnet.training.setup import as_saved, make_plan, make_state, recipe_network
from thriftnet.training.start import start_run
from thriftnet.training.state import TrainingState
from thriftnet.weights.initial import with_initial

CLASSES = dataset().classes


def trained(path: Path, **sections: Any) -> Path:
    """A model file whose weights are those of another seed."""
    recipe = small_recipe(**{"seed": 7, **sections})
    network = recipe_network(recipe, classes=len(CLASSES))
    plan = make_plan(recipe, opened(), network)
    save_model(path, as_saved(recipe, plan, network))
    return path


def first_state(recipe: Recipe, data: Dataset | None = None) -> TrainingState:
    images = opened(data)
    model = recipe_network(recipe, classes=len(images.classes))
    return make_state(recipe, make_plan(recipe, images, model), model)


def from_weights(path: Path, **init: Any) -> Recipe:
    return with_initial(small_recipe(init={"weights": str(path), **init}))


@pytest.fixture
def on_few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings start and resume on a few made-up images."""
    monkeypatch.setattr(start, "open_data", lambda *_, **__: opened())
    monkeypatch.setattr("thriftnet.training.resume.open_data", lambda *_, **__: opened())


def differs(state: TrainingState, others: dict[str, Tensor]) -> set[str]:
    return {k for k, v in state.model.state_dict().items() if not torch.equal(v, others[k])}


def test_all_weights_are_taken_where_the_classes_are_the_same(tmp_path: Path) -> None:
    path = trained(tmp_path / "model.safetensors")
    state = first_state(from_weights(path))
    assert differs(state, read_model(path).network.state_dict()) == set()


def test_other_classes_get_a_head_drawn_from_the_seed(tmp_path: Path) -> None:
    path = trained(tmp_path / "model.safetensors")
    whole = dataset()
    few = Dataset(whole.images[:20], whole.labels[:20] % 2, ("day", "night"))
    recipe = from_weights(path)
    state = first_state(recipe, few)
    assert differs(state, first_state(small_recipe(), few).model.state_dict()).isdisjoint(
        {"head.weight", "head.bias"}
    )
    body = {k: v for k, v in read_model(path).network.state_dict().items() if k[:5] != "head."}
    for name, value in body.items():
        assert torch.equal(state.model.state_dict()[name], value), name


def test_the_same_classes_in_another_order_get_a_new_head(tmp_path: Path) -> None:
    path = trained(tmp_path / "model.safetensors")
    whole = dataset()
    turned = Dataset(whole.images, whole.labels, CLASSES[::-1])
    state = first_state(from_weights(path), turned)
    assert differs(state, read_model(path).network.state_dict()) == {"head.weight", "head.bias"}


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_body_learns_more_slowly_than_the_head(tmp_path: Path, name: str) -> None:
    path = trained(tmp_path / "model.safetensors")
    recipe = from_weights(path, body_lr=0.1)
    recipe = build_recipe({**recipe.model_dump(mode="json"), "optim": {"name": name, "lr": 0.01}})
    state = first_state(recipe)
    head = {id(p) for p in state.model.get_submodule("head").parameters()}
    seen = 0
    for group in state.optimisers[0].param_groups:
        for parameter in group["params"]:
            assert group["peak_lr"] == pytest.approx(0.01 if id(parameter) in head else 0.001)
            seen += 1
    assert seen == len(list(state.model.parameters()))


def test_a_whitening_stem_is_kept_as_it_was_trained() -> None:
    recipe = with_initial(load_recipe("quick", ["init.weights=quick"]))
    images = opened(dataset(2000))
    model = recipe_network(recipe, classes=10)
    state = make_state(recipe, make_plan(recipe, images, model), model)
    shipped = read_model(start_weights("quick")).network.state_dict()
    assert torch.equal(state.model.state_dict()["stem.weight"], shipped["stem.weight"])


def start_weights(name: str) -> Path:
    from thriftnet.weights.shipped import weights_file

    return weights_file(name)


@pytest.mark.parametrize(
    ("weights", "recipe", "message"),
    [
        ("best", "quick", r"does not fit the recipe quick: .*model.channels.*use the recipe best"),
        ("quick", "paper", r"differs in model.family.*use the recipe quick"),
        ("nothing", "quick", r"nothing"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(weights: str, recipe: str, message: str) -> None:
    with pytest.raises((RecipeError, RunError), match=message) as caught:
        with_initial(load_recipe(recipe, [f"init.weights={weights}"]))
    assert "\n" not in str(caught.value)


def test_the_settings_that_a_message_names_make_it_fit(tmp_path: Path) -> None:
    path = trained(tmp_path / "model.safetensors", model={"channels": [4, 16]})
    with pytest.raises(RecipeError, match=r"add --set 'model.channels=\[4, 16\]'"):
        from_weights(path)
    fitting = small_recipe(init={"weights": str(path)}, model={"channels": [4, 16]})
    assert with_initial(fitting).init.sha256


def test_keys_of_init_do_nothing_alone() -> None:
    for key, value in (("body_lr", 0.5), ("keep", 0.5), ("sha256", "0" * 64)):
        with pytest.raises(RecipeError, match=f"init.{key} does nothing without init.weights"):
            small_recipe(init={key: value})
    assert small_recipe().digest() == small_recipe(init={}).digest()


@pytest.mark.usefixtures("on_few_images")
def test_resuming_ends_with_the_same_bits_and_needs_the_weights_only_before_a_checkpoint(
    tmp_path: Path,
) -> None:
    path = trained(tmp_path / "model.safetensors")
    recipe = small_recipe(init={"weights": str(path)})
    whole = start_run(recipe, name="whole", runs_dir=tmp_path).path
    cut = start_run(recipe, name="cut", runs_dir=tmp_path, until=1).path
    early = start_run(recipe, name="early", runs_dir=tmp_path, until=1).path
    assert RunFolder(whole).recipe().init.sha256
    RunFolder(early).saved.last.unlink()  # as if it had been cut in its first epoch
    before = path.read_bytes()
    trained(path, seed=8)
    with pytest.raises(RunError, match="holds other weights than this training started from"):
        resume_run(early)
    path.unlink()
    resume_run(cut)
    path.write_bytes(before)
    resume_run(early)
    models = {RunFolder(run).model_path.read_bytes() for run in (whole, cut, early)}
    assert len(models) == 1


@pytest.mark.parametrize("select", ["final", "best"])
@pytest.mark.usefixtures("on_few_images")
def test_a_share_of_the_initial_weights_is_kept(tmp_path: Path, select: str) -> None:
    path = trained(tmp_path / "model.safetensors")
    init = {"weights": str(path)}
    plain = small_recipe(init=init, train={"epochs": 1, "select": select})
    keeping = small_recipe(init={**init, "keep": 0.25}, train={"epochs": 1, "select": select})
    alone, kept = (
        start_run(recipe, name=name, runs_dir=tmp_path).path
        for name, recipe in (("alone", plain), ("kept", keeping))
    )
    first, last, mixed = (
        read_model(each).network.state_dict()
        for each in (path, alone / "model.safetensors", kept / "model.safetensors")
    )
    for name, value in mixed.items():
        if value.is_floating_point():
            expected = 0.25 * first[name].double() + 0.75 * last[name].double()
            torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(value, last[name]), name


@pytest.mark.usefixtures("on_few_images")
def test_a_run_that_keeps_initial_weights_resumes_without_their_file(tmp_path: Path) -> None:
    path = trained(tmp_path / "model.safetensors")
    recipe = small_recipe(init={"weights": str(path), "keep": 0.5})
    whole = start_run(recipe, name="whole", runs_dir=tmp_path).path
    cut = start_run(recipe, name="cut", runs_dir=tmp_path, until=1).path
    path.unlink()
    resume_run(cut)
    assert RunFolder(whole).model_path.read_bytes() == RunFolder(cut).model_path.read_bytes()


def test_weights_of_other_classes_are_not_kept_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = trained(tmp_path / "model.safetensors")
    whole = dataset()
    other = Dataset(whole.images, whole.labels, CLASSES[::-1])
    monkeypatch.setattr(start, "open_data", lambda *_, **__: opened(other))
    recipe = small_recipe(init={"weights": str(path), "keep": 0.5})
    with pytest.raises(RecipeError, match=r"init.keep=0.5 needs the classes of .*leave it out"):
        start_run(recipe, name="new", runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_run_that_started_from_nothing_is_another(tmp_path: Path) -> None:
    path = trained(tmp_path / "model.safetensors")
    assert from_weights(path).digest() != small_recipe().digest()
