"""File systems that lack what others have."""

import os
import stat
from pathlib import Path

import pytest

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
