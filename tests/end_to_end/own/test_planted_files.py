"""What others planted: libraries and data in a cache that they can write, links in a study."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from commands import SHORT, Command
from made_runs import make_run
from thriftnet.data.cifar10 import load
from thriftnet.data.cifar10.cache import cache_file
from thriftnet.errors import DataError
from thriftnet.kernels import library

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX"),
    pytest.mark.usefixtures("svg_alone"),
]

_PLANTED = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void run(void) { fclose(fopen(getenv("MARKER"), "w")); }
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize(("mode", "loaded"), [(0o777, False), (0o700, True)])
def test_a_planted_library_is_not_loaded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    mode: int,
    loaded: bool,
) -> None:
    """In a folder of one's own it is loaded: the test would see it."""
    cache, marker, quick = tmp_path / "cache", tmp_path / "marker", tmp_path / "cc"
    quick.write_text('#!/bin/sh\nexec cc "$@" -O0\n')  # eight seconds less
    quick.chmod(0o700)
    for name, value in (("THRIFTNET_CACHE", cache), ("MARKER", marker), ("CC", quick)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("THRIFTNET_FUSED", raising=False)
    ask = library.fused.__wrapped__  # as a process that asks for the first time
    assert ask(torch.bfloat16) is not None
    (known,) = (cache / "kernels").glob("*.so")
    built = ["cc", "-shared", "-fPIC", "-o", str(known), "-x", "c", "-"]
    subprocess.run(built, input=_PLANTED.encode(), check=True)
    known.write_bytes(known.read_bytes() + hashlib.sha256(known.read_bytes()).digest())
    known.parent.chmod(mode)
    assert ask(torch.bfloat16) is not None
    assert marker.exists() == loaded
    assert ("can be written by anybody" in capfd.readouterr().err) == (not loaded)


@pytest.fixture
def planted_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished_run: Path) -> Path:
    """A data file of the right form in a cache that anybody can write; nothing may be fetched."""

    def fetch(*_: object, **__: object) -> None:
        raise DataError("the network was asked; connect")

    assert finished_run.is_dir()
    cache = tmp_path / "cache"
    monkeypatch.setenv("THRIFTNET_CACHE", str(cache))
    path = cache_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"thriftnet cifar10 v1 crc32 d180e8ed\n".ljust(64) + bytes(60_000 * 3073))
    cache.chmod(0o777)
    monkeypatch.setattr(load, "_fetch", fetch)
    return cache


def test_planted_images_are_neither_trained_on_nor_shown(
    thriftnet: Command, planted_data: Path, finished_run: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    done = thriftnet("train", "smoke", *SHORT, "--runs-dir", runs)
    assert done.code == 2
    assert "the network was asked" in done.err
    assert not runs.exists()
    assert thriftnet("evaluate", finished_run).code == 2
    run = shutil.copytree(finished_run, tmp_path / "run")
    done = thriftnet("report", run)  # fetches nothing
    assert done.code == 0, done.err
    assert "other users may write there" in done.out
    planted_data.chmod(0o700)  # then the digest tells
    assert load.cached_cifar10() is None


@pytest.fixture
def linked(study: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A study whose trials of the grid are a link to somebody's runs, and those runs."""
    victims = tmp_path / "victims"
    make_run(victims / "mine")
    shutil.rmtree(study / "trials" / "grid")
    (study / "trials" / "grid").symlink_to(victims)
    return study, victims / "mine"


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "gc", "--yes", "--runs-dir", "STUDY"],
        ["report", "STUDY"],
        ["search", "status", "STUDY"],
        ["search", "STUDY/space.yaml", "--study", "STUDY"],
    ],
    ids=" ".join,
)
def test_a_study_with_links_is_refused(
    thriftnet: Command, linked: tuple[Path, Path], words: list[str]
) -> None:
    study, victim = linked
    before = sorted(path for path in victim.rglob("*"))
    done = thriftnet(*(word.replace("STUDY", str(study)) for word in words))
    assert done.code == 2
    assert "grid is a link; a study's files have to be its own" in done.error_line
    assert sorted(path for path in victim.rglob("*")) == before


@pytest.mark.parametrize("name", ["report.html", "figures", "grid.json", "study.db", "trials"])
def test_a_report_is_not_written_through_a_link(
    thriftnet: Command, study: Path, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    if (study / name).exists():
        (study / name).rename(elsewhere)
    (study / name).symlink_to(elsewhere)
    done = thriftnet("report", study)
    assert done.code == 2
    assert f"{name} is a link" in done.error_line
