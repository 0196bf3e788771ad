"""File systems that lack what others have, and paths that lead elsewhere than they seem to."""

import os
import stat
from pathlib import Path

import pytest

from thriftnet.data.places import are_one, recorded
from thriftnet.errors import RunError
from thriftnet.files import write_whole


def test_a_file_system_that_counts_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fstat = os.fstat

    def without_links(handle: int) -> os.stat_result:
        facts = list(fstat(handle))
        facts[stat.ST_NLINK] = 0
        return os.stat_result(facts)

    monkeypatch.setattr(os, "fstat", without_links)
    write_whole(tmp_path / "file", b"x", error=RunError)
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_recorded_path_outlives_the_folder_it_starts_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert recorded("../photos") == tmp_path / "photos"
    assert recorded(Path("../nowhere")) == tmp_path / "here" / ".." / "nowhere"


def test_the_parent_of_a_link_is_that_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "disk" / "inner").mkdir(parents=True)
    (tmp_path / "disk" / "photos").mkdir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to("disk/inner")
    through = tmp_path / "link" / ".." / "photos"
    assert recorded(through) == through
    assert are_one(through, tmp_path / "disk" / "photos")
    assert not are_one(through, tmp_path / "photos")
    assert are_one(tmp_path / "nowhere", tmp_path / "nowhere")
