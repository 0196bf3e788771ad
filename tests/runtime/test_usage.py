"""What a process used of processors and memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from thriftnet.runtime import contention, usage
from thriftnet.runtime.processors import processors
from thriftnet.runtime.usage import UsageMeter

CPU = torch.device("cpu")


def test_a_busy_thread_uses_one_processor_and_a_sleeping_one_none():
    meter = UsageMeter()
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    busy = meter.read(CPU).cpu_share
    assert 0 < busy <= 1
    meter.start()
    time.sleep(0.2)
    assert meter.read(CPU).cpu_share < busy
    assert processors() >= 1


def test_memory_grows_by_what_is_taken():
    meter = UsageMeter()
    before = meter.read(CPU)
    held = torch.ones(50_000_000)  # 200 MB
    after = meter.read(CPU)
    assert before.memory_bytes is not None
    assert after.memory_bytes is not None
    # The largest of the process so far, which other tests may have made larger than this.
    assert after.memory_bytes >= max(before.memory_bytes, held.nbytes)
    assert after.memory_share is not None
    assert 0 < after.memory_share < 1
    assert after.device_memory_bytes is None


@pytest.mark.parametrize(
    ("group", "name", "content", "limit"),
    [
        ("0::/own\n", "own/memory.max", "1000000\n", 1_000_000),
        ("0::/own\n", "own/memory.max", "max\n", None),
        ("4:memory:/own\n", "memory/own/memory.limit_in_bytes", "2000000\n", 2_000_000),
    ],
)
def test_a_control_groups_limit_is_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, name: str, content: str,
    limit: int | None,
):  # fmt: skip
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text(group)
    (tmp_path / "groups" / name).parent.mkdir(parents=True)
    (tmp_path / "groups" / name).write_text(content)
    monkeypatch.setattr(contention, "_PROC", tmp_path)
    monkeypatch.setattr(contention, "_GROUPS", tmp_path / "groups")
    found = UsageMeter().read(CPU)
    assert found.memory_bytes is not None
    assert found.memory_share is not None
    if limit is None:
        assert found.memory_share < 1
    else:
        assert found.memory_share == pytest.approx(found.memory_bytes / limit, rel=0.5)


def test_without_proc_nothing_is_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usage, "_STATM", tmp_path / "absent")
    monkeypatch.setattr(usage.sys, "platform", "win32")
    found = UsageMeter().read(CPU)
    assert found.memory_bytes is None
    assert found.memory_share is None
