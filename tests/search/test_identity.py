"""The identity of a study, also on file systems without hard links."""

import errno
import os
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from thriftnet.errors import SearchError
from thriftnet.search import identity
from thriftnet.search.identity import StudyIdentity


@pytest.fixture(params=[None, errno.EPERM, errno.EOPNOTSUPP])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """With hard links, and without: as exFAT and as some network file systems say it."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(request.param, os.strerror(request.param))

    if request.param is not None:
        monkeypatch.setattr(os, "link", refuse)
    return request.param


@pytest.mark.usefixtures("links")
def test_all_who_begin_a_study_at_once_get_one_id(tmp_path: Path):
    start, found = threading.Barrier(8), list[str]()

    def begin() -> None:
        start.wait()
        found.append(StudyIdentity(tmp_path).word)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["study.id"]


def test_an_id_that_another_machine_is_writing_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = tmp_path / "study.id"
    kept.touch()
    monkeypatch.setattr(identity.time, "sleep", lambda _: kept.write_text("f00d"))
    assert StudyIdentity(tmp_path).word == "f00d"


def test_an_empty_id_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(identity, "_WAIT", 0.0)
    (tmp_path / "study.id").touch()
    with pytest.raises(SearchError, match=r"is empty; restore it, or begin another study"):
        StudyIdentity(tmp_path)
