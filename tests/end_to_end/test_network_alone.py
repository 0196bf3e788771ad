"""Commands that read runs take what `predict` takes; a network alone is evaluated once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from commands import Command
from thriftnet.evaluation import evaluate
from thriftnet.evaluation.evaluated import evaluated_runs
from thriftnet.models.saved import SavedModel, read_model, save_model
from thriftnet.weights.adopt import adopted, find_or_adopt

pytestmark = pytest.mark.usefixtures("svg_alone")


@pytest.fixture(autouse=True)
def world(small_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and `mine.safetensors` without its run."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(small_world / "cache"))
    shutil.copy("runs/done/model.safetensors", "mine.safetensors")
    return small_world


def other_weights(path: Path, to: Path) -> SavedModel:
    """The same network, its head turned round."""
    model = read_model(path)
    with torch.no_grad():
        for name, value in model.network.named_parameters():
            if name.startswith("head."):
                value.neg_()
    save_model(to, model)
    return model


def test_shipped_weights_are_compared_with_a_run_on_the_same_images(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert thriftnet("evaluate", "runs/done").code == 0
    compared = thriftnet("compare", "runs/done", "quick", "--json")
    assert compared.code == 0, compared.err
    found = json.loads(compared.out)
    assert [group["label"] for group in found["groups"]] == ["small", "quick"]
    (contrast,) = found["contrasts"]
    assert contrast["test"] == "McNemar's exact test"
    alone = json.loads(thriftnet("evaluate", "quick", "--json").out)
    assert found["groups"][1]["accuracy"] == alone["accuracy"]
    assert found["groups"][1]["parameters"] == alone["parameters"]

    def again(*_: object, **__: object) -> None:
        raise AssertionError("evaluated twice")

    monkeypatch.setattr(evaluate, "evaluate", again)
    assert json.loads(thriftnet("compare", "runs/done", "quick", "--json").out) == found


def test_a_wrong_path_is_told_before_anything_is_evaluated(
    thriftnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "evaluate", None)
    for name in ("compare", "report"):
        assert thriftnet(name, "quick", "runs/nothing").error_line == (
            "thriftnet: error: there is no run folder runs/nothing; check the path"
        )
    assert "takes two runs or more" in thriftnet("compare", "quick").error_line


def test_a_model_file_is_an_experiment_of_its_own(thriftnet: Command) -> None:
    other_weights(Path("mine.safetensors"), Path("other.safetensors"))
    compared = thriftnet("compare", "mine.safetensors", "other.safetensors", "--json")
    assert compared.code == 0, compared.err
    found = json.loads(compared.out)
    assert len(found["groups"]) == 2
    labels = {group["label"].rpartition("-")[0] for group in found["groups"]}
    assert labels == {"mine", "other"}
    assert found["left_out"] == []


def test_the_time_left_is_that_of_all_networks(thriftnet: Command) -> None:
    other_weights(Path("mine.safetensors"), Path("other.safetensors"))
    told: list[tuple[int, int]] = []
    networks = ("mine.safetensors", "other.safetensors")
    evaluated_runs(networks, fetch=True, on_progress=lambda *count: told.append(count))
    images = json.loads(thriftnet("evaluate", networks[0], "--json").out)["images"]
    assert {total for _, total in told} == {2 * images}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {images, 2 * images} <= {done for done, _ in told}


def test_other_views_are_evaluated_when_they_are_asked_for(thriftnet: Command) -> None:
    networks = ("mine.safetensors", "quick")
    assert thriftnet("compare", *networks).code == 0
    by_flip = thriftnet("compare", *networks, "--tta", "flip", "--json")
    assert by_flip.code == 0, by_flip.err
    assert {group["tta"] for group in json.loads(by_flip.out)["groups"]} == {"flip"}


def test_a_report_of_a_network_shows_its_figures_and_no_curves(thriftnet: Command) -> None:
    assert thriftnet("compare", "quick", "mine.safetensors").code == 0
    for target, folder in (("quick", "quick-report"), ("mine.safetensors", "mine-report")):
        written = thriftnet("report", target)
        assert written.code == 0, written.err
        assert f"wrote {folder}/report.html" in written.out
        page = Path(folder, "report.html").read_text("utf-8")
        assert 'id="figure-confusion"' in page
        assert 'id="figure-loss"' not in page
        assert "without a training log" in page
        assert ("optim.lr" in page) == (target == "quick")  # else its recipe is not known


def test_reports_of_several_take_networks_too(thriftnet: Command) -> None:
    assert thriftnet("evaluate", "runs/done").code == 0
    assert thriftnet("compare", "runs/done", "quick").code == 0
    written = thriftnet("report", "quick", "runs/done")
    assert written.code == 0, written.err
    page = Path("report/report.html").read_text("utf-8")
    assert "McNemar" in page
    assert "thriftnet compare quick runs/done" in page


def test_watch_says_what_a_network_reached(thriftnet: Command) -> None:
    watched = thriftnet("watch", "quick")
    assert watched.code == 0, watched.err
    assert "quick  finished" in watched.out
    assert "test accuracy" in watched.out
    lines = [json.loads(line) for line in thriftnet("watch", "quick", "--json").out.splitlines()]
    assert [line["kind"] for line in lines[:2]] == ["start", "end"]
    assert thriftnet("watch", "mine.safetensors").code == 0  # not waiting for its evaluation


def test_runs_lists_what_is_named(thriftnet: Command) -> None:
    listed = thriftnet("runs", "runs/done", "quick", "mine.safetensors", "--json")
    assert listed.code == 0, listed.err
    rows = {row["name"]: row for row in json.loads(listed.out)}
    assert set(rows) == {"done", "quick", "mine"}
    assert rows["quick"]["accuracy"] > 0.9
    assert rows["quick"]["parameters"] == 1971352
    assert rows["quick"]["started"] is None
    folder = json.loads(thriftnet("runs", "--json", "runs").out)
    assert {row["name"] for row in folder} == {"cut", "done"}
    assert "leave out" in thriftnet("runs", "best", "--runs-dir", "runs").error_line
    assert "check the path" in thriftnet("runs", "nothing").error_line


def test_the_folder_of_a_network_that_was_cut_is_completed(world: Path) -> None:
    path = find_or_adopt("mine.safetensors")
    assert world / "cache" in path.parents
    (path / "model.safetensors").unlink()
    assert find_or_adopt("mine.safetensors") == path
    assert (path / "model.safetensors").read_bytes() == Path("mine.safetensors").read_bytes()


def test_runs_and_their_files_stay_runs() -> None:
    for target in ("runs/done", "runs/done/model.safetensors"):
        path = find_or_adopt(target)
        assert path == Path("runs/done")
    assert adopted({"thriftnet": "0.2.0"}) is None
