"""The run folder: made whole or not at all, read back, and every way it can be damaged."""

import errno
import json
import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

from thriftnet import files
from thriftnet.errors import NoCheckpointError, RecipeError, RunError, RunExistsError
from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.listing import read_run
from thriftnet.runs.new_run import create_run, new_run_path
from thriftnet.runs.paths import model_file
from thriftnet.runs.predictions import Predictions

RECIPE = load_recipe("smoke", seed=4)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "runs" / "one", RECIPE, {"torch": "2"})


def full_disk(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_new_run_holds_recipe_and_environment(run: RunFolder):
    opened = RunFolder.open(run.path)
    assert opened.recipe() == RECIPE
    assert json.loads(run.environment_path.read_text())["torch"] == "2"
    assert opened.environment() == {"torch": "2"}
    assert opened.metrics() == []
    assert not opened.finished
    assert opened.name == "one"


def test_existing_run_is_never_written_over(run: RunFolder):
    with pytest.raises(RunExistsError, match="exists already; choose another --name"):
        create_run(run.path, RECIPE, {})
    way = "exists already; choose another --name, or resume with: thriftnet train --resume .*one"
    with pytest.raises(RunError, match=way):
        new_run_path(run.path.parent, RECIPE, "one")
    with pytest.raises(RunError, match=way):
        create_run(run.path, RECIPE, {}, named=True)
    run.model_path.write_bytes(b"weights")
    with pytest.raises(RunError, match="or see what it reached with: thriftnet evaluate .*one"):
        create_run(run.path, RECIPE, {}, named=True)
    assert run.recipe() == RECIPE
    assert [each.name for each in run.path.parent.iterdir()] == ["one"]


def test_what_is_in_the_way_and_no_run_stays(tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link"):
        with pytest.raises(RunExistsError, match="exists already; choose another --name$"):
            create_run(tmp_path / name, RECIPE, {}, named=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "link"]


def test_runs_that_begin_in_the_same_second_have_a_folder_each(tmp_path: Path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from thriftnet.recipe import load_recipe\n"
        "from thriftnet.runs.new_run import create_run\n"
        "recipe = load_recipe('smoke')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(create_run(Path(sys.argv[1]), recipe, {}, named=False).path)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "smoke-s0-now")]
    begun = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for each in begun:
        assert each.stdout
        each.stdout.readline()
    said = [each.communicate("go\n", timeout=60)[0] for each in begun]
    names = {"smoke-s0-now", "smoke-s0-now-2", "smoke-s0-now-3"}
    assert {Path(line.strip()).name for line in said} == names
    assert {each.name for each in tmp_path.iterdir()} == names
    assert all(RunFolder.open(tmp_path / name).recipe() for name in names)


def test_full_disk_leaves_no_empty_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(RunError, match="the disk is full"):
        create_run(tmp_path / "one", RECIPE, {})
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    create_run(tmp_path / "one", RECIPE, {})


def test_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(RunError, match="cannot be written: .*; check the path"):
        create_run(tmp_path / "file" / "one", RECIPE, {})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/abs", "../up", "nul\0", "x" * 300])
def test_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str):
    with pytest.raises(RunError, match="is not a plain folder name"):
        new_run_path(tmp_path, RECIPE, name)


def test_run_without_a_name_is_named_by_recipe_seed_and_time(tmp_path: Path):
    path = new_run_path(tmp_path, RECIPE, None)
    assert path.parent == tmp_path
    assert path.name.startswith("smoke-s4-20")
    assert new_run_path(tmp_path, RECIPE, "my run.2") == tmp_path / "my run.2"


def test_what_is_no_run_is_told(tmp_path: Path, run: RunFolder):
    with pytest.raises(RunError, match="there is no run folder"):
        RunFolder.open(tmp_path / "none")
    with pytest.raises(RunError, match="is not a run folder: it has no recipe.yaml"):
        RunFolder.open(tmp_path)
    run.recipe_path.write_text("name: x\noptim: {lrr: 1}\n")
    with pytest.raises(RecipeError, match="did you mean optim.lr"):
        run.recipe()


def test_metrics_come_back_as_they_were(run: RunFolder):
    lines = [{"kind": "start", "step": 0}, {"kind": "epoch", "step": 5, "loss": 0.1 + 0.2}]
    for line in lines:
        run.append(line)
    assert run.metrics() == lines
    with pytest.raises(ValueError, match="JSON"):
        run.append({"loss": float("nan")})
    assert run.metrics() == lines


@pytest.mark.parametrize(
    "torn", ['{"kind": "ep', '{"kind": "é'.encode()[:-1].decode("latin1"), "12"]
)
def test_torn_last_line_is_left_out_and_replaced_by_the_next(run: RunFolder, torn: str):
    run.append({"step": 1})
    with run.metrics_path.open("ab") as file:
        file.write(torn.encode("latin1"))
    assert run.metrics() == [{"step": 1}]
    run.append({"step": 2})
    run.append({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 2}, {"step": 3}]


@pytest.mark.parametrize("bad", ['{"step": 1', "", "7", "[1]", "\0\0\0"])
def test_damaged_middle_line_is_named(run: RunFolder, bad: str):
    run.metrics_path.write_text('{"step": 0}\n' + bad + '\n{"step": 2}\n')
    with pytest.raises(RunError, match=r"metrics.jsonl is damaged in line 2; delete that line"):
        run.metrics()


@pytest.mark.parametrize("room", [0, 3])
def test_full_disk_leaves_whole_lines_only(run: RunFolder, room: int):
    run.append({"step": 1})
    before = run.metrics_path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, limits[1]))
    try:
        with pytest.raises(RunError, match="the disk is full|File too large"):
            run.append({"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert run.metrics_path.read_bytes() == before
    run.append({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 3}]


def test_line_that_lacks_its_break_alone_is_kept(run: RunFolder):
    run.metrics_path.write_text('{"step": 1}\n{"step": 2}')
    run.append({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 2}, {"step": 3}]


def test_rewind_drops_what_a_resumed_run_repeats(run: RunFolder):
    kinds = [("start", 0), ("epoch", 10), ("epoch", 20), ("interrupted", 25)]
    for kind, step in kinds:
        run.append({"kind": kind, "step": step})
    run.append({"kind": "test", "accuracy": 0.5})
    run.rewind(20)
    assert [line.get("step") for line in run.metrics()] == [0, 10, 20, None]


def test_checkpoint_comes_back_bit_for_bit_and_the_old_one_survives_a_full_disk(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    weight = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    run.save_state({"model": {"w": weight}, "step": 7, "seconds": 0.1, "none": None})
    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(RunError, match="the disk is full"):
        run.save_state({"step": 8})
    state = run.load_state()
    assert torch.equal(state["model"]["w"], weight)
    assert state["model"]["w"].stride() == weight.stride()
    assert (state["step"], state["seconds"], state["none"]) == (7, 0.1, None)
    assert list(run.last_path.parent.iterdir()) == [run.last_path]


class Payload:
    """Runs code when an ordinary unpickler reads it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (os.environ["THRIFTNET_TEST_MARK"],))


@pytest.mark.parametrize("packed", [False, True])
def test_checkpoint_with_anything_executable_is_refused_unexecuted(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
):
    mark = tmp_path / "executed"
    monkeypatch.setenv("THRIFTNET_TEST_MARK", str(mark))
    run.save_state({})
    if packed:
        torch.save({"step": Payload()}, run.last_path)
    else:
        run.last_path.write_bytes(pickle.dumps({"step": Payload()}))
    with pytest.raises(RunError) as caught:
        run.load_state()
    assert not mark.exists()
    assert len(str(caught.value).splitlines()) == 1


NOISE = bytes(torch.randint(256, (5000,), generator=torch.Generator().manual_seed(0)).tolist())
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda content: content[:1],
    "half": lambda content: content[: len(content) // 2],
    "tail": lambda content: content[:-100],
    "zeros": lambda content: bytes(len(content)),
    "noise": lambda _: NOISE,
    "noise after the head": lambda content: content[:200] + NOISE,
    "text": lambda _: b"not a checkpoint\n" * 30,
    "opcodes": lambda _: b"\x80\x02}q\x00(X\x01\x00\x00\x00aRRRR.",
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_checkpoint_is_one_line_with_the_remedy(run: RunFolder, kind: str):
    run.save_state({"model": {"w": torch.randn(100)}, "step": 3})
    run.last_path.write_bytes(DAMAGES[kind](run.last_path.read_bytes()))
    with pytest.raises(RunError, match="is damaged .*; retrain under another --name") as caught:
        run.load_state()
    assert len(str(caught.value).splitlines()) == 1


def test_run_without_a_checkpoint(run: RunFolder):
    with pytest.raises(NoCheckpointError, match="has no checkpoint yet; train it with: thriftnet"):
        run.load_state()


def test_model_file_of_runs_and_paths(run: RunFolder, tmp_path: Path):
    with pytest.raises(RunError, match="there is no run folder or model file"):
        model_file(tmp_path / "none")
    with pytest.raises(RunError, match="has no final model yet; finish it with: thriftnet train"):
        model_file(run.path)
    with pytest.raises(RunError, match="is not a run folder"):
        model_file(tmp_path)
    run.model_path.write_bytes(b"weights")
    assert run.finished
    assert model_file(run.path) == model_file(run.model_path) == run.model_path


def test_predictions_come_back_as_they_were_written(run: RunFolder):
    assert run.load_predictions() is None
    labels = np.array([3, 0, 9])
    logits = {"none": np.eye(3, 10, dtype=np.float32), "flip": np.full((3, 10), -1.5, np.float32)}
    run.save_predictions(Predictions(labels, logits))
    found = run.load_predictions()
    assert found is not None
    assert found.labels.tolist() == [3, 0, 9]
    assert found.logits.keys() == logits.keys()
    assert all(np.array_equal(found.logits[tta], logits[tta]) for tta in logits)


def test_damaged_predictions_are_written_anew_by_evaluate(run: RunFolder):
    run.save_predictions(Predictions(np.zeros(4, np.int64), {"none": np.ones((4, 2), np.float32)}))
    whole = run.predictions_path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        b"PK\x03\x04",
        whole.replace(b"labels", b"lebals"),
    ):
        run.predictions_path.write_bytes(damaged)
        with pytest.raises(RunError, match=r"predictions\.npz is damaged; .*: thriftnet evaluate"):
            run.load_predictions()


def test_no_cut_recipe_is_another_recipe(run: RunFolder):
    whole = run.recipe_path.read_bytes()
    before = whole.split(b"\n", 1)[1]  # as earlier versions wrote it
    for content in (whole, before):
        for end in range(0, len(content), 7):
            run.recipe_path.write_bytes(content[:end])
            with pytest.raises(RecipeError):
                run.recipe()
            assert read_run(run).value("state") == "damaged"
    for content in (whole, before):
        run.recipe_path.write_bytes(content)
        assert run.recipe() == read_run(run).recipe == RECIPE
    run.recipe_path.write_bytes(whole.replace(b"seed: 4", b"seed: 5"))
    with pytest.raises(RecipeError, match="was cut or changed after it was written"):
        load_recipe(run.recipe_path)


def test_a_cut_line_is_told_from_a_changed_one(run: RunFolder):
    run.append({"kind": "start", "step": 0})
    run.append({"kind": "end", "step": 5})
    whole = run.metrics_path.read_bytes()
    last = whole.index(b"\n") + 1
    for end in range(last + 1, len(whole) - 1):
        run.metrics_path.write_bytes(whole[:end])
        assert run.metrics() == [{"kind": "start", "step": 0}]
        assert run.torn
    other_step, other_break = whole.replace(b'p": 5', b'p": 4'), whole[:-1] + b"*"
    for changed in (other_step, other_break, whole.replace(b"end", b"e\nd")):
        run.metrics_path.write_bytes(changed)
        with pytest.raises(RunError, match="damaged in line 2; delete that line"):
            run.metrics()
    run.metrics_path.write_bytes(whole[:-1])
    assert run.metrics()[-1] == {"kind": "end", "step": 5}
