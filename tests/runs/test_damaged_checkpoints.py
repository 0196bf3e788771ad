"""Checkpoints come back bit for bit; a damaged or hostile one is refused in one line."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from disk import full_disk
from thriftnet import files
from thriftnet.errors import DamagedCheckpointsError, NoCheckpointError, RunError
from thriftnet.runs.folder import RunFolder


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
    again = "start again in the same folder, .*: thriftnet train --resume .* --restart$"
    with pytest.raises(DamagedCheckpointsError, match=f"is damaged .*; {again}") as caught:
        run.load_state()
    assert len(str(caught.value).splitlines()) == 1


def test_run_without_a_checkpoint(run: RunFolder):
    with pytest.raises(NoCheckpointError, match="has no checkpoint yet; train it with: thriftnet"):
        run.load_state()
