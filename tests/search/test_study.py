"""A study folder that several commands begin, or that one left behind when it was killed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from thriftnet.errors import SearchError
from thriftnet.search.queue.jobs import Claim, Job
from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from tiny import space_file


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
    with pytest.raises(SearchError, match="keeps its jobs in a database; pass its --storage URL"):
        Study.create(path, space)
    assert not (path / "study.db").exists()
    Study.create(path, space, url=elsewhere).storage.close()


def test_a_study_in_its_folder_takes_no_database_elsewhere(tmp_path: Path):
    """Its outcomes would be taken for those of a storage that holds no job."""
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    Study.create(path, space).storage.close()
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    for begin in (lambda: Study.create(path, space, url=url), lambda: Study.open(path, url=url)):
        with pytest.raises(SearchError, match=r"keeps its jobs in its study\.db; leave out --sto"):
            begin()
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_study_takes_no_other_database_than_the_one_it_began_in(tmp_path: Path):
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    right, wrong = (f"sqlite:///{tmp_path / name}.db" for name in ("right", "wrong"))
    Study.create(path, space, url=right).storage.close()
    told = r"wrong\.db holds no study; pass the database that "
    with pytest.raises(SearchError, match=told):
        Study.create(path, space, url=wrong)
    with pytest.raises(SearchError, match=told):
        Study.open(path, url=wrong)
    with closing(sqlite3.connect(tmp_path / "wrong.db")) as found:
        assert not found.execute("select name from sqlite_master").fetchall()
    Study.open(path, url=right).storage.close()


def test_a_command_killed_between_folder_and_database_is_no_hindrance(tmp_path: Path):
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    path.mkdir()
    (path / "space.yaml").write_text(space.to_yaml())
    (path / "study.id").write_text("f00d")
    Study.create(path, space, url=url).storage.close()
    (path / "study.id").write_text("f00d")  # the database has it, and that was not noted
    Study.create(path, space, url=url).storage.close()
    assert (path / "study.id").read_text().split() == ["f00d", "bound"]


def test_a_study_whose_database_was_emptied_does_not_begin_anew(tmp_path: Path):
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    Study.create(path, space).storage.close()
    (path / "trials").mkdir()
    (path / "study.db").write_bytes(b"")
    with pytest.raises(SearchError, match=r"study\.db is damaged; restore it.*\(it is empty\)"):
        Study.create(path, space)
    with pytest.raises(SearchError, match="it is empty"):
        Study.open(path)


def test_a_study_that_lost_its_database_is_told_of(tmp_path: Path):
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    Study.create(path, space).storage.close()
    (path / "trials").mkdir()
    for file in path.glob("study.db*"):
        file.unlink()
    told = r"study\.db, the study's database, was deleted or moved; restore it, pass"
    with pytest.raises(SearchError, match=told):
        Study.create(path, space)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_storage_in_memory_is_refused(tmp_path: Path, url: str):
    """No worker would see its candidates."""
    with pytest.raises(SearchError, match="no other process can see; use sqlite:///study.db"):
        Study.create(tmp_path / "study", load_space(space_file(tmp_path)), url=url)


def test_a_study_in_a_folder_that_may_only_be_read_is_read_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "study"
    study = Study.create(path, load_space(space_file(tmp_path)))
    study.storage.claim("grid", lambda _: Job("grid", "c", 0, 1), worker="w")
    study.storage.close()
    before = sorted(file.name for file in path.iterdir())
    path.chmod(0o555)
    code = (
        "import sys; from pathlib import Path; from thriftnet.search.study import Study;"
        "print(len(Study.open(Path(sys.argv[1]), read_only=True).storage.jobs('grid')))"
    )
    words = [sys.executable, "-c", code, str(path)]
    if os.getuid() == 0:  # whom no permission stops, unless that is taken away
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere")
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    told = subprocess.run(words, capture_output=True, text=True)
    path.chmod(0o755)
    assert (told.stdout, told.returncode) == ("1\n", 0), told.stderr
    assert sorted(file.name for file in path.iterdir()) == before


def test_a_changed_row_is_noticed_before_anything_is_decided_from_it(tmp_path: Path):
    path = tmp_path / "study"
    study = Study.create(path, load_space(space_file(tmp_path)))
    job = Job("grid", "0123456789ab", 0, 1)
    claim = study.storage.claim("grid", lambda _: job, worker="one")
    assert isinstance(claim, Claim)
    assert study.storage.renew_lease(claim)
    assert study.storage.finish(claim, value=1, seconds=2)  # as floats they come back
    assert [row.value for row in study.storage.jobs("grid")] == [1.0]
    with closing(sqlite3.connect(study.database_path)) as database, database:
        database.execute("update jobs set value = 0.5")
    with pytest.raises(SearchError, match=r"is damaged; .* \(a row of jobs does not match"):
        study.storage.jobs("grid")
    study.storage.close()


def test_a_database_that_lost_rows_is_noticed_when_it_is_opened(tmp_path: Path):
    path = tmp_path / "study"
    with closing(Study.create(path, load_space(space_file(tmp_path))).storage) as storage:
        for number in range(3):
            job = Job("grid", f"{number:012}", 0, 1)
            storage.claim("grid", lambda _, job=job: job, worker=f"w{number}")
    content = bytearray((path / "study.db").read_bytes())
    pages = range(0, len(content), 4096)
    rows = next(at for at in pages if content[at] == 13 and b"w2" in content[at : at + 4096])
    content[rows + 4] -= 1  # how many rows the page has
    (path / "study.db").write_bytes(content)
    with pytest.raises(SearchError, match="is damaged; restore it"):
        Study.open(path, read_only=True)


@pytest.mark.parametrize(
    "planted",
    [
        "create trigger t after update on study begin delete from jobs; end",
        # Never ends where it is read.
        "alter table jobs rename to old; create view jobs as with recursive c(x) as "
        "(select 1 union all select x from c) select old.* from old, c",
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_with_code_of_strangers_is_refused(
    tmp_path: Path, planted: str, read_only: bool
):
    space, path = load_space(space_file(tmp_path)), tmp_path / "study"
    Study.create(path, space).storage.close()
    with closing(sqlite3.connect(path / "study.db")) as connection:
        connection.executescript(planted)
    with pytest.raises(SearchError, match=r"is damaged; restore it.*it has the (trigger|view) "):
        Study.open(path, read_only=read_only) if read_only else Study.create(path, space)
