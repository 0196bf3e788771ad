"""Files of a cache that others can write, and links in a folder that was received."""

import os
import sys
from pathlib import Path

import pytest

from thriftnet.errors import RunError
from thriftnet.files import write_whole
from thriftnet.trust import for_this_user, refuse_links, why_distrusted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """cache/kernels/a.so, of modes that nobody else can write."""
    path = tmp_path / "cache" / "kernels" / "a.so"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content")
    for each in (path, path.parent, path.parent.parent):
        each.chmod(0o700)
    return path


def test_what_belongs_to_the_user_alone_is_trusted(file: Path):
    assert why_distrusted(file, file.parents[1]) is None


@pytest.mark.parametrize("depth", [0, 1, 2], ids=["file", "folder", "cache"])
def test_what_anybody_can_write_is_not(file: Path, depth: int):
    place = [file, *file.parents][depth]
    place.chmod(0o777)
    assert why_distrusted(file, file.parents[1]) == f"{place} can be written by anybody"


def test_folders_above_the_cache_do_not_count(file: Path):
    file.parents[2].chmod(0o777)
    assert why_distrusted(file, file.parents[1]) is None


def test_in_a_sticky_folder_nobody_replaces_what_is_not_theirs(file: Path):
    file.parents[1].chmod(0o1777)
    assert why_distrusted(file, file.parents[1]) is None


def test_what_is_not_there_yet_is_judged_by_its_folder(file: Path):
    new = file.with_name("new.so")
    assert why_distrusted(new, file.parents[1]) is None
    file.parent.chmod(0o777)
    assert why_distrusted(new, file.parents[1]) is not None


def test_a_link_is_judged_by_what_it_names(file: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    elsewhere.chmod(0o777)
    (elsewhere / "b.so").write_bytes(b"planted")
    link = file.with_name("b.so")
    link.symlink_to(elsewhere / "b.so")
    assert why_distrusted(link, file.parents[1]) is not None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize("depth", [0, 1, 2], ids=["file", "folder", "cache"])
def test_what_belongs_to_another_is_not(file: Path, depth: int):
    place = [file, *file.parents][depth]
    os.chown(place, 12345, 12345)
    assert why_distrusted(file, file.parents[1]) == f"{place} belongs to another user"


def test_a_group_of_others_is_not_a_user_s_own(file: Path, monkeypatch: pytest.MonkeyPatch):
    import grp

    file.chmod(0o660)
    own = grp.getgrgid(file.stat().st_gid)
    assert why_distrusted(file, file.parents[1]) is None  # the user's private group
    shared = grp.struct_group((own.gr_name, "x", own.gr_gid, ["somebody"]))
    monkeypatch.setattr(grp, "getgrgid", lambda _: shared)
    assert why_distrusted(file, file.parents[1]) == f"{file} can be written by its group"


def test_links_and_pipes_in_a_received_folder_are_refused(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "recipe.yaml").write_text("name: a\n")
    refuse_links(tmp_path)
    inner = tmp_path / "checkpoints" / "last.pt"
    inner.symlink_to(tmp_path / "recipe.yaml")
    with pytest.raises(RunError, match=r"last\.pt is a link; .* replace it by a copy"):
        refuse_links(tmp_path)
    inner.unlink()
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(RunError, match=r"metrics\.jsonl is no ordinary file"):
        refuse_links(tmp_path)


def test_a_folder_that_is_a_link_inside_a_run_is_refused(tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "figures").symlink_to(tmp_path)
    with pytest.raises(RunError, match="figures is a link"):
        refuse_links(run)


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o077])
def test_a_cache_made_under_any_umask_is_trusted(tmp_path: Path, mask: int):
    """Else it would be refused for ever: a new folder would be made in the same way."""
    before = os.umask(mask)
    try:
        with for_this_user():
            (tmp_path / "cache" / "kernels").mkdir(parents=True)
            (tmp_path / "cache" / "kernels" / "a.so").touch()
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    file = tmp_path / "cache" / "kernels" / "a.so"
    assert why_distrusted(file, tmp_path / "cache") is None
    assert file.stat().st_mode & 0o777 == 0o644 & ~mask


def test_threads_that_make_caches_at_once_leave_the_umask_as_it_was():
    before = os.umask(0o002)
    try:
        first, second = for_this_user(), for_this_user()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert os.umask(0o022) == 0o022, "the second still makes its files"
        second.__exit__(None, None, None)
        assert os.umask(0o002) == 0o002
    finally:
        os.umask(before)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives links away")
def test_a_link_that_another_user_planted_in_a_shared_folder_is_not_followed(tmp_path: Path):
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    shared.chmod(0o1777)
    os.chown(shared, 12346, 12346)
    link = shared / "out.csv"
    link.symlink_to(own)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    with pytest.raises(RunError, match=r"out\.csv cannot be written: it is a link of another user"):
        write_whole(link, b"content", error=RunError)
    assert not own.exists()
    os.chown(link, os.geteuid(), -1, follow_symlinks=False)
    write_whole(link, b"content", error=RunError)
    assert own.read_bytes() == b"content"
