"""Two checkpoints are kept, and what a stranger's may do is bounded before torch reads it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch

from thriftnet.errors import RunError
from thriftnet.recipe import load_recipe
from thriftnet.runs.checkpoints.archive import pack_state, read_state
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = create_run(tmp_path / "one", load_recipe("smoke"), {})
    for step in (1, 2, 3):
        run.save_state({"step": step, "weight": torch.full((50,), float(step))})
    return run


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"data/0") + 150] ^= 4  # among the values
    path.write_bytes(content)


def test_the_one_before_takes_the_place_of_a_damaged_last_one(run: RunFolder):
    assert [path.name for path in run.checkpoints()] == ["last.pt", "previous.pt"]
    assert run.find_state()[0]["step"] == 3
    damage(run.last_path)
    state, damaged = run.find_state()
    assert state["step"] == 2
    assert damaged is not None
    assert "last.pt is damaged (its content does not match its SHA-256" in damaged
    run.saved.drop_last()
    run.save_state({"step": 4})
    run.last_path.unlink()
    assert run.load_state()["step"] == 2  # the damaged one did not take its place


def test_killed_between_the_two_renames(run: RunFolder):
    run.last_path.rename(run.saved.previous)
    state, damaged = run.find_state()
    assert (state["step"], damaged) == (3, f"{run.last_path} is missing")


def test_both_damaged(run: RunFolder):
    for path in run.checkpoints():
        damage(path)
    with pytest.raises(RunError, match="last.pt|previous.pt is damaged"):
        run.load_state()


def packed(path: Path, pickled: bytes) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    path.write_bytes(content.getvalue())
    return path


def test_a_key_whose_hash_takes_for_ever_is_refused(tmp_path: Path):
    # {t: 1} where t is a pair of the pair before, sixty levels down.
    nested = b"".join(b"h%ch%c\x86q%c" % (at, at, at + 1) for at in range(60))
    path = packed(tmp_path / "last.pt", b"\x80\x02}(Nq\x00" + nested + b"K\x01u.")
    with pytest.raises(RunError, match="a key is a tuple"):
        read_state(path)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path):
    path = tmp_path / "last.pt"
    path.write_bytes(pack_state({"a": torch.zeros(1).expand(10**12)}))
    with pytest.raises(RunError, match="a tensor of 1,000,000,000,000 values has 1"):
        read_state(path)


def test_an_archive_without_a_checkpoint_is_refused(tmp_path: Path):
    path = tmp_path / "last.pt"
    path.write_bytes(pack_state([1, 2]))
    with pytest.raises(RunError, match="it is not a checkpoint"):
        read_state(path)
    with pytest.raises(RunError, match="it names os.system"):
        read_state(packed(path, b"\x80\x02cos\nsystem\nq\x00."))


def test_one_of_an_earlier_version_has_no_digest_and_is_read(tmp_path: Path):
    path = tmp_path / "last.pt"
    torch.save({"step": 5}, path)
    assert read_state(path) == {"step": 5}
    torch.save({"weight": torch.zeros(300)}, path)
    damage(path)
    with pytest.raises(RunError, match="does not match its CRC"):
        read_state(path)
