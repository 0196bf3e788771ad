"""A run that is cut anywhere and resumed ends with the bits of one that was never cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from small import dataset, sitting, small_recipe, use_images
from thriftnet.errors import DamagedCheckpointsError, RunError
from thriftnet.recipe import Recipe
from thriftnet.runs.environments import environment_changes
from thriftnet.runs.folder import MetricRecord, RunFolder
from thriftnet.training import environment
from thriftnet.training.progress import Quiet
from thriftnet.training.resume import resume_run
from thriftnet.training.start import start_run

RECIPES = {
    "adamw, average, stochastic depth": small_recipe(),
    "sgd, mixup and cutmix, last weights": small_recipe(
        optim={"name": "sgd", "lr": 0.05, "nesterov": True},
        augment={"mixup": 0.4, "cutmix": 1.0, "policy": "trivialaugment"},
        train={"ema_decay": 0.0, "label_smoothing": 0.1, "micro_batch": 8},
    ),
    "muon on a speednet, best weights": small_recipe(
        model={"family": "speednet", "blocks": [1, 2], "channels": [8, 8]},
        optim={"name": "muon", "lr": 0.1, "bias_lr": 0.01, "head_lr": 0.05},
        schedule={"name": "linear"},
        train={"select": "best", "drop_last": True},
    ),
    "consistency under every ingredient of robust": small_recipe(
        augment={"augmix": 0.5, "prime": 0.5, "noise": 0.5, "jpeg": 0.5, "cutmix": 1.0},
        train={"consistency": 2.0, "micro_batch": 8},
    ),
    "the hardest half after an epoch": small_recipe(
        train={"hard_fraction": 0.5, "full_epochs": 1, "epochs": 4},
    ),
    "what quick does, averaged and mixed": small_recipe(
        augment={"crop_mode": "reflect", "cutmix": 1.0},
        model={
            "family": "speednet",
            "blocks": [1, 2],
            "channels": [8, 8],
            "stem_kernel": 3,
        },
        optim={"name": "muon", "lr": 0.1, "bias_lr": 0.01, "head_lr": 0.05},
        schedule={"name": "linear", "warmup_epochs": 0.5},
        train={
            "epochs": 3.5,
            "full_epochs": 2,
            "hard_fraction": 0.7,
            "sizes": [[1, 16], [2, 24]],
            "stem_epochs": 1,
            "micro_batch": 4,
            "drop_last": True,
            "label_smoothing": 0.2,
        },
    ),
    "learning rate by epoch, bf16": small_recipe(
        schedule={
            "name": "step_decay",
            "interval": "epoch",
            "decay_epochs": 1,
            "warmup_epochs": 0,
        },
        train={"precision": "bf16", "epochs": 2.5},
    ),
}


def _learned(run: RunFolder) -> list[tuple[object, ...]]:
    """What the epochs taught, without what depends on the clock."""
    epochs = [line for line in run.metrics() if line["kind"] == "epoch"]
    names = ("epoch", "step", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    return [tuple(line[name] for name in names) for line in epochs]


@pytest.fixture(scope="module", params=RECIPES.values(), ids=RECIPES.keys())
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recipe, RunFolder]:
    """A recipe, and a run of it that was never cut."""
    return request.param, sitting(request.param, tmp_path_factory.mktemp("whole") / "unbroken")[1]


@pytest.mark.parametrize("cuts", [(1, 3, 2), (2, 1, 2)], ids=str)
def test_resumed_equals_unbroken(
    whole: tuple[Recipe, RunFolder], cuts: tuple[int, ...], tmp_path: Path
) -> None:
    recipe, unbroken = whole
    for steps in cuts:
        finished, _ = sitting(recipe, tmp_path / "cut", stop_after=steps)
        assert not finished
    finished, resumed = sitting(recipe, tmp_path / "cut")
    assert finished
    assert resumed.model_path.read_bytes() == unbroken.model_path.read_bytes()
    assert _learned(resumed) == _learned(unbroken)


def test_killed_after_metrics_before_checkpoint(tmp_path: Path) -> None:
    """Lines of epochs that are trained again do not stand twice."""
    recipe = small_recipe()
    _, unbroken = sitting(recipe, tmp_path / "unbroken")
    _, cut = sitting(recipe, tmp_path / "cut", stop_after=2)
    cut.append({"kind": "epoch", "epoch": 1, "step": 999})
    sitting(recipe, tmp_path / "cut")
    assert _learned(cut) == _learned(unbroken)


def test_a_run_without_a_checkpoint_that_can_be_read_starts_again_and_keeps_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the message says, which names the command."""
    use_images(monkeypatch)
    recipe = small_recipe()
    _, unbroken = sitting(recipe, tmp_path / "unbroken")
    _, cut = sitting(recipe, tmp_path / "cut", stop_after=5)
    for path in (cut.saved.last, cut.saved.previous):
        path.write_bytes(b"damaged")
    best, metrics = cut.best_path.read_bytes(), cut.metrics_path.read_bytes()
    with pytest.raises(DamagedCheckpointsError, match="--restart$"):
        resume_run(cut.path)
    assert cut.metrics_path.read_bytes() == metrics
    assert resume_run(cut.path, restart=True).finished
    assert _learned(cut) == _learned(unbroken)
    assert cut.model_path.read_bytes() == unbroken.model_path.read_bytes()
    kept = {path.name: path.read_bytes() for path in (cut.path / "before-restart").iterdir()}
    assert kept == {
        "last.pt": b"damaged",
        "previous.pt": b"damaged",
        "best.safetensors": best,
        "metrics.jsonl": metrics,
    }
    assert resume_run(cut.path, restart=True).finished  # a finished one, too
    assert (cut.path / "before-restart-2" / "model.safetensors").is_file()


def test_a_damaged_best_network_names_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_images(monkeypatch)
    _, cut = sitting(small_recipe(train={"select": "best"}), tmp_path / "cut", stop_after=7)
    cut.best_path.write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"best\.safetensors is damaged .* --restart$"):
        resume_run(cut.path)
    assert resume_run(cut.path, restart=True).finished


def test_a_damaged_final_network_is_written_again_from_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was advised to train again, though the run held the same weights."""
    use_images(monkeypatch)
    _, run = sitting(small_recipe(), tmp_path / "run")
    whole = run.model_path.read_bytes()
    run.model_path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"copy it again or restore it .*: thriftnet train --resume"):
        run.model_facts()
    assert resume_run(run.path).finished
    assert run.model_path.read_bytes() == whole


def test_a_disk_that_is_full_at_the_very_end_leaves_the_end_to_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are there and the line of the end is not, which later commands read."""
    use_images(monkeypatch)
    append = RunFolder.append

    def full(run: RunFolder, line: MetricRecord) -> None:
        if line["kind"] == "end":
            raise RunError("the disk is full")
        append(run, line)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "append", full)
        with pytest.raises(RunError, match="the disk is full"):
            start_run(small_recipe(), name="run", runs_dir=tmp_path)
    run = RunFolder.open(tmp_path / "run")
    weights = run.model_path.read_bytes()
    assert resume_run(run.path).finished
    kinds = [line["kind"] for line in run.metrics()]
    assert kinds == ["start", *["epoch"] * 3, "resumed", "end"]
    assert run.model_path.read_bytes() == weights


def test_a_checkpoint_of_before_images_were_counted_still_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without alternating flips it ends with the same bits."""
    use_images(monkeypatch)
    recipe = small_recipe(augment={"flip": "random"})
    _, whole = sitting(recipe, tmp_path / "whole")
    _, run = sitting(recipe, tmp_path / "run", stop_after=5)
    state = run.load_state()
    del state["seen"]
    run.save_state(state)
    assert resume_run(run.path).finished
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()


def test_seed_decides_everything(tmp_path: Path) -> None:
    weights = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        _, run = sitting(small_recipe(seed=seed), tmp_path / name)
        weights.append(run.model_path.read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_interruption_leaves_no_final_model(tmp_path: Path) -> None:
    finished, run = sitting(small_recipe(), tmp_path / "run", stop_after=1, images=dataset)
    assert not finished
    assert not run.finished
    assert run.metrics()[-1] == {"kind": "interrupted", "step": 1}


def test_a_run_that_goes_on_elsewhere_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_images(monkeypatch)
    begun = start_run(small_recipe(), name="run", runs_dir=tmp_path, until=1)
    run = RunFolder.open(begun.path)
    assert not resume_run(run.path, until=2).finished
    assert environment_changes(run.metrics()) == []
    monkeypatch.setattr(environment, "processor_name", lambda: "another")
    assert resume_run(run.path).finished
    ((move),) = environment_changes(run.metrics())
    assert (move["processor"], "system" in move, "command" in move) == ("another", False, False)
    assert move["step"] == next(e["step"] for e in run.metrics() if e.get("epoch") == 2)


def test_a_damaged_last_checkpoint_is_told_and_the_one_before_resumes_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe()
    _, whole = sitting(recipe, tmp_path / "whole")
    for steps in (2, 3):
        _, run = sitting(recipe, tmp_path / "run", stop_after=steps)
    left = run.path / "checkpoints" / ".last.pt.0123abcd"
    left.write_bytes(b"of a kill")
    flip(run.last_path)
    notes = resume(run, monkeypatch)
    assert run.finished
    assert any("last.pt is damaged" in note and "previous checkpoint" in note for note in notes)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    assert not left.exists()


def test_damaged_best_weights_are_told_before_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(train={"select": "best"})
    _, run = sitting(recipe, tmp_path / "run", stop_after=5)
    flip(run.best_path)
    lines = run.metrics()
    with pytest.raises(RunError, match="best.safetensors is damaged"):
        resume(run, monkeypatch)
    assert run.metrics() == lines


def test_weights_of_a_checkpoint_that_are_not_finite_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = sitting(small_recipe(), tmp_path / "run", stop_after=2)
    state = run.load_state()
    next(iter(state["average"].values()))[0] = float("nan")
    run.save_state(state)
    with pytest.raises(
        RunError, match="weights that are not finite .*; retrain it with a lower learning rate"
    ):
        resume(run, monkeypatch)


def flip(path: Path) -> None:
    """Change a bit among the weights."""
    content = bytearray(path.read_bytes())
    content[-3000 if path.suffix == ".pt" else -40] ^= 2
    path.write_bytes(content)


def resume(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Resume a run on made images, and return what was said."""

    class Notes(Quiet):
        def note(self, text: str) -> None:
            said.append(text)

    said: list[str] = []
    use_images(monkeypatch)
    resume_run(run.path, progress=Notes())
    return said
