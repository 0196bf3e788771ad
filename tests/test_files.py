"""Files are written whole or not at all."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from disk import full_disk
from thriftnet.errors import DataError, RunError, ThriftnetError
from thriftnet.files import (
    create_empty,
    explain_os_error,
    explain_refusal,
    open_regular,
    read_bounded,
    remove_leftovers,
    replacing,
    write_whole,
)


def test_content_replaces_what_was_there_and_makes_folders(tmp_path: Path):
    path = tmp_path / "new" / "deep" / "file.bin"
    write_whole(path, b"one", error=RunError)
    write_whole(path, b"two", error=RunError)
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]


def test_other_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path, error=RunError) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [RunError, DataError])
@pytest.mark.parametrize("when", ["fsync", "write", "replace", "create"])
def test_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, error: type[ThriftnetError]
):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error) as caught:  # noqa: PT012 -- the block is what is interrupted
        if when == "create":
            monkeypatch.setattr(os, "open", full_disk)
        with replacing(path, error=error) as file:
            file.write(b"half")
            if when == "fsync":
                monkeypatch.setattr(os, "fsync", full_disk)
            if when == "replace":
                monkeypatch.setattr(Path, "replace", full_disk)
            if when == "write":
                full_disk()
    assert str(caught.value).startswith("the disk is full")
    assert "free some space" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
):
    def refuse(*_: Any) -> NoReturn:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RunError) as caught:
        write_whole(tmp_path / "file", b"x", error=RunError)
    assert str(caught.value) == (
        f"{tmp_path / 'file'} cannot be written: {os.strerror(fault)}; "
        "choose a folder that you may write"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_the_file_it_names_is_written(tmp_path: Path):
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    file.write_bytes(b"old")
    link.symlink_to(file)
    write_whole(link, b"new", error=RunError)
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


@pytest.fixture(params=["pipe", "socket", "device"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Something that has a path and is no file."""
    if request.param == "device":
        yield Path("/dev/null")
        return
    with socket.socket(socket.AF_UNIX) as opened, contextlib.chdir(tmp_path):
        if request.param == "pipe":
            os.mkfifo("special")
        else:
            opened.bind("special")
        yield tmp_path / "special"


def test_what_is_no_file_is_neither_replaced_nor_waited_on(special: Path):
    """As root, `--output /dev/null` would take it away from the whole machine."""
    told = r"cannot be written: it is a (pipe|socket|device), not a file; check the path"
    before = special.stat()
    with pytest.raises(RunError, match=told):
        write_whole(special, b"x", error=RunError)
    with pytest.raises(OSError, match="not a file"):
        open_regular(special)
    assert special.stat() == before
    if special.parent != Path("/dev"):
        assert list(special.parent.iterdir()) == [special]


def test_a_pipe_that_comes_between_look_and_open_is_not_waited_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    looked = (tmp_path / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: looked)
    with pytest.raises(OSError, match="it is a pipe"):
        open_regular(tmp_path / "pipe")


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o002, 0o664), (0o022, 0o644)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int, mode: int):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "file", b"x", error=RunError)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o7777 == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_that_is_there_keeps_its_mode_and_is_never_more_open(tmp_path: Path, mode: int):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    with replacing(path) as file:
        (new,) = (each for each in tmp_path.iterdir() if each != path)
        assert new.stat().st_mode & 0o7777 == mode
        file.write(b"x")
    assert path.stat().st_mode & 0o7777 == mode
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("fault", [ValueError("no"), KeyboardInterrupt()])
def test_failure_in_the_block_leaves_the_old_file(tmp_path: Path, fault: BaseException):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(type(fault)), replacing(path, error=RunError) as file:  # noqa: PT012
        file.write(b"half")
        raise fault
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["file/below", "folder"])
def test_path_that_cannot_be_a_file(tmp_path: Path, place: str):
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="cannot be written: .*; check the path"):
        write_whole(tmp_path / place, b"x", error=RunError)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_every_message_is_one_line_whatever_the_path():
    assert str(RunError("a\nb\r\nc\u2028d is damaged")) == "a b c d is damaged"


def test_what_a_kill_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path):
    path, other = tmp_path / "file", tmp_path / ".other.0123abcd"
    for left in (tmp_path / ".file.0123abcd", other):
        left.write_bytes(b"half")
    with replacing(path) as slow:  # begins by removing
        assert not (tmp_path / ".file.0123abcd").exists()
        slow.write(b"slow")
        write_whole(path, b"quick", error=RunError)
        remove_leftovers(path)
    assert path.read_bytes() == b"slow"
    assert sorted(tmp_path.iterdir()) == [other, path]


def test_the_former_file_is_kept_under_its_name(tmp_path: Path):
    path, former = tmp_path / "last", tmp_path / "previous"
    for content in (b"one", b"two", b"three"):
        with replacing(path, former=former) as file:
            file.write(content)
    assert (path.read_bytes(), former.read_bytes()) == (b"three", b"two")


def test_the_folder_is_synced_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[bool] = []
    fsync = os.fsync

    def watch(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").is_dir():
            synced.append((tmp_path / "file").is_file())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watch)
    write_whole(tmp_path / "file", b"new", error=RunError)
    assert synced == [True]


def test_of_two_that_write_one_file_the_second_is_refused(tmp_path: Path):
    """Each would rename what the other has not finished."""
    path = tmp_path / "rows.csv"
    with replacing(path, error=RunError, keep=True) as first:
        first.write(b"first")
        with (
            pytest.raises(RunError, match="is being written by another process; wait for it"),
            replacing(path, error=RunError, keep=True),
        ):
            pytest.fail("both write")
    assert path.read_bytes() == b"first"
    (tmp_path / "rows.csv.part").write_bytes(b"of one that was killed")
    with replacing(path, error=RunError, keep=True) as second:
        second.write(b"second")
    assert path.read_bytes() == b"second"
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]


def test_what_another_put_in_the_place_of_the_temporary_file_is_not_taken(tmp_path: Path):
    path, part = tmp_path / "rows.csv", tmp_path / "rows.csv.part"

    def write() -> None:
        with replacing(path, error=RunError, keep=True) as file:
            file.write(b"ours")
            part.unlink()
            part.write_bytes(b"theirs, half")

    with pytest.raises(RunError, match="another process"):
        write()
    assert not path.exists()
    assert part.read_bytes() == b"theirs, half"


def test_a_file_over_a_limit_is_not_a_full_disk(tmp_path: Path):
    for size, text in ((200_000, "it has more than 0.2 MB"), (4096, "it has more than 4,096 byt")):
        path = tmp_path / f"{size}.txt"
        path.write_bytes(bytes(size + 1))
        with pytest.raises(OSError, match=text) as caught:
            read_bounded(path, most=size)
        assert explain_refusal(caught.value) is None
        assert text in explain_os_error(caught.value, path)
        path.write_bytes(bytes(size))
        assert len(read_bounded(path, most=size)) == size


def test_a_database_has_the_mode_that_the_umask_leaves(tmp_path: Path):
    """SQLite makes one that the group cannot write."""
    before = os.umask(0o002)
    try:
        create_empty(tmp_path / "new.db")
        (tmp_path / "old.db").write_bytes(b"kept")
        create_empty(tmp_path / "old.db")
        create_empty(tmp_path / "nowhere" / "new.db")
    finally:
        os.umask(before)
    assert (tmp_path / "new.db").stat().st_mode & 0o7777 == 0o664
    assert (tmp_path / "old.db").read_bytes() == b"kept"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "there"), "there: Permission denied; "),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300), "File name too long; check"),
        (OSError(errno.ENOSPC, "No space left", "there"), "the disk is full: there was not writ"),
        (OSError(errno.ENOSPC, "No space left"), "the disk is full; free some space"),
    ],
)
def test_what_the_system_refuses_has_its_line(fault: OSError, told: str):
    assert told in (explain_refusal(fault) or "")


@pytest.mark.parametrize("fault", [OSError(errno.EIO, "broken"), ValueError("no"), OSError("no")])
def test_faults_of_ours_have_none(fault: Exception):
    assert explain_refusal(fault) is None
