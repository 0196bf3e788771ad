"""What cannot be written is found before the work."""

import errno
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from thriftnet.errors import RunError
from thriftnet.writable import check_folder, check_writable, is_page


@pytest.mark.parametrize("place", ["new", "deep/new", "old"])
def test_a_check_leaves_nothing_behind(tmp_path: Path, place: str):
    (tmp_path / "old").write_bytes(b"kept")
    check_writable(tmp_path / place, error=RunError)
    assert [each.name for each in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"kept"


@pytest.mark.parametrize("place", [".", "old/new", "folder"])
def test_a_check_finds_what_cannot_be_written(tmp_path: Path, place: str):
    (tmp_path / "old").write_bytes(b"kept")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="cannot be written"):
        check_writable(tmp_path / place, error=RunError)


def test_a_check_finds_a_folder_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(**_: Any) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(RunError, match="Read-only file system; choose a folder that you may"):
        check_writable(tmp_path / "file", error=RunError)


@pytest.mark.parametrize("place", ["pipe", "link to a pipe", "loop"])
def test_a_check_finds_what_is_no_file(tmp_path: Path, place: str):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(RunError, match="cannot be written"):
        check_writable(tmp_path / place, error=RunError)


def test_a_check_looks_where_a_link_leads(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file" / "below")
    with pytest.raises(RunError, match="cannot be written"):
        check_writable(tmp_path / "link", error=RunError)


@pytest.mark.parametrize("length", [250, 300])
def test_a_name_that_leaves_no_room_for_the_temporary_file(tmp_path: Path, length: int):
    with pytest.raises(RunError, match="File name too long; check the path"):
        check_writable(tmp_path / ("a" * length), error=RunError)
    with pytest.raises(RunError, match="File name too long; check the path"):
        check_folder(tmp_path / ("a" * 300) / "below", error=RunError)


def test_in_a_sticky_folder_nobody_replaces_what_belongs_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As /tmp is: the rename at the end would fail."""
    (tmp_path / "theirs").touch()
    check_writable(tmp_path / "theirs", error=RunError)
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(RunError, match="it belongs to another user; choose a folder that you may"):
        check_writable(tmp_path / "theirs", error=RunError)
    check_writable(tmp_path / "new", error=RunError)


def test_an_input_is_not_replaced(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.png").symlink_to("a.png")
    for path in ("a.png", "b.png"):
        with pytest.raises(RunError, match="is an input and would be replaced; write to another"):
            check_writable(tmp_path / path, error=RunError, inputs=[tmp_path / "a.png"])
    check_writable(tmp_path / "c.png", error=RunError, inputs=[tmp_path / "a.png"])


@pytest.mark.parametrize(
    ("content", "replaced"),
    [
        (b"", True),
        ("<!DOCTYPE html>\n<title>a · thriftnet report</title>".encode(), True),
        ("<!DOCTYPE html>\n<title>a · thriftnet explain</title>".encode(), False),
        (b"<!DOCTYPE html>\n<title>my thesis</title>", False),
        (b"\x89PNG\r\n", False),
    ],
)
def test_only_an_earlier_page_is_replaced_by_a_page(content: bytes, replaced: bool, tmp_path: Path):
    path = tmp_path / "page.html"
    check_writable(path, error=RunError, ours=partial(is_page, of="report"))
    path.write_bytes(content)
    if replaced:
        check_writable(path, error=RunError, ours=partial(is_page, of="report"))
        return
    with pytest.raises(
        RunError, match=r"page\.html exists and is not an earlier output of this comm"
    ):
        check_writable(path, error=RunError, ours=partial(is_page, of="report"))


def test_the_file_of_standard_output_is_not_replaced(tmp_path: Path):
    code = (
        "from pathlib import Path; from thriftnet.errors import RunError;"
        "from thriftnet.writable import check_writable;"
        "check_writable(Path('/dev/stdout'), error=RunError)"
    )
    with (tmp_path / "out").open("wb") as out:
        ended = subprocess.run([sys.executable, "-c", code], stdout=out, stderr=subprocess.PIPE)
    assert b"RunError: /dev/stdout receives standard output" in ended.stderr
