"""A study folder that several commands begin, or that one left behind when it was killed."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest
from tiny import space_file

from thriftnet.errors import SearchError
from thriftnet.search.space import load_space
from thriftnet.search.study import Study


def test_commands_that_begin_one_study_at_the_same_moment_all_have_it(tmp_path: Path):
    space = load_space(space_file(tmp_path))
    faults: list[SearchError] = []
    meeting = threading.Barrier(6)

    def begin(path: Path) -> None:
        meeting.wait()
        try:
            Study.create(path, space).storage.close()
        except SearchError as fault:
            faults.append(fault)

    for number in range(8):
        path = tmp_path / "studies" / f"study-{number}"
        threads = [threading.Thread(target=begin, args=(path,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not faults


def test_a_command_killed_while_it_began_a_study_is_no_hindrance(tmp_path: Path):
    path = tmp_path / "study"
    path.mkdir()
    (path / ".space.yaml.x1y2z3").write_text("name: ti")  # as `files.replacing` leaves it
    with closing(Study.create(path, load_space(space_file(tmp_path))).storage) as storage:
        assert storage.candidates() == []


def test_a_study_whose_database_is_elsewhere_begins_no_second_one_in_its_folder(tmp_path: Path):
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    Study.create(path, space, url=elsewhere).storage.close()
    with pytest.raises(SearchError, match="keeps its storage elsewhere; give its --storage URL"):
        Study.create(path, space)
    assert not (path / "study.db").exists()
    Study.create(path, space, url=elsewhere).storage.close()
