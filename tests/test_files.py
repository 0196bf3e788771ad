"""Files are written whole or not at all."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

from thriftnet.errors import DataError, RunError, ThriftnetError
from thriftnet.files import replacing, write_whole


def full_disk(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_content_replaces_what_was_there_and_makes_folders(tmp_path: Path):
    path = tmp_path / "new" / "deep" / "file.bin"
    write_whole(path, b"one", error=RunError)
    write_whole(path, b"two", error=RunError)
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]
    assert path.stat().st_mode & 0o777 == 0o644  # others may read it, unlike a temporary file


def test_other_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path, error=RunError) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [RunError, DataError])
@pytest.mark.parametrize("when", ["fsync", "write", "replace", "mkstemp"])
def test_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, error: type[ThriftnetError]
):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error) as caught:  # noqa: PT012 -- the block is what is interrupted
        if when == "mkstemp":
            monkeypatch.setattr(tempfile, "mkstemp", full_disk)
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
    def refuse(**_: Any) -> NoReturn:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
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


def test_a_pipe_or_a_device_is_not_made_a_file(tmp_path: Path):
    """As root, `--output /dev/stdout` would take it away from the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RunError, match="pipe cannot be written: it is no file; check the path"):
        write_whole(pipe, b"x", error=RunError)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


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
