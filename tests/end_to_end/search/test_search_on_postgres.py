"""A search on PostgreSQL: killed, cut off, joined, and with what goes wrong.

The finished trials are those of an unbroken search on one machine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from commands import Command
from forked import Told
from grids import (
    PATIENT,
    Finished,
    begun,
    finished,
    go_on,
    no_epoch_was_trained_twice,
    stop_in_a_trial,
)
from support.postgres import PASSWORD, PostgresServer
from tiny import space_file


@pytest.fixture(scope="module")
def broken(grid_folder: Path, postgres_server: PostgresServer) -> Iterator[tuple[str, list[Told]]]:
    """A search whose worker is killed, then its server; then two commands go on with it at once."""
    url = postgres_server.new_database()
    options = ("--storage", url, "--workers", "1")
    first = begun(grid_folder, "broken", *options)
    os.kill(stop_in_a_trial(first, grid_folder / "broken", url), signal.SIGKILL)
    first.read_until("was killed")
    stop = stop_in_a_trial(first, grid_folder / "broken", url)
    postgres_server.stop()
    os.kill(stop, signal.SIGCONT)
    cut = first.ended()
    postgres_server.start()
    pair = [begun(grid_folder, "broken", *options, *PATIENT) for _ in range(2)]
    return url, [cut, *(each.ended() for each in pair)]


def test_a_worker_killed_on_postgresql_is_told(broken: tuple[str, list[Told]]):
    assert "a worker was killed (signal 9; out of memory?)" in broken[1][0].out
    assert "is retried" in broken[1][0].out


def test_a_server_that_goes_away_ends_the_search_in_one_line(broken: tuple[str, list[Told]]):
    cut = broken[1][0]
    assert cut.code == 2
    assert len(cut.err.splitlines()) == 1
    assert "run the same command again: finished trials are kept" in cut.err
    assert PASSWORD not in cut.out + cut.err


def test_two_commands_go_on_with_the_same_jobs_and_conclude_once(
    broken: tuple[str, list[Told]], grid_folder: Path, unbroken: Finished
):
    url, (_, *pair) = broken
    assert [(told.code, told.err) for told in pair] == [(0, "")] * 2
    assert all("the reference: rank" in told.out for told in pair)
    assert finished(grid_folder / "broken", url) == unbroken
    assert no_epoch_was_trained_twice(grid_folder / "broken")
    ranking = [
        [(entry["candidate"], entry["val_accuracy"]) for entry in json.loads(text)["ranking"]]
        for text in (
            (grid_folder / "broken" / "grid.json").read_text(),
            (grid_folder / "unbroken" / "grid.json").read_text(),
        )
    ]
    assert ranking[0] == ranking[1]


def test_mistakes_about_a_database_are_one_line(
    broken: tuple[str, list[Told]],
    grid_folder: Path,
    postgres_server: PostgresServer,
    thriftnet: Command,
    tmp_path: Path,
):
    other = tmp_path / "other"
    other.mkdir()
    space_file(other, max_parameters=4000)
    url, tiny, here = broken[0], grid_folder / "tiny.yaml", tmp_path / "here"
    kept = grid_folder / "broken"
    for space, study, storage, told in [
        (tiny, kept, url.replace(PASSWORD, "wrong-word"), "refuses the user or the"),
        (tiny, kept, "postgresql://u:wrong-word@127.0.0.1:9/x", "no server answers"),
        (other / "tiny.yaml", other / "study", url, "is of another space"),
        (tiny, here, url, "belongs to another study folder"),
        (tiny, here, postgres_server.url("nowhere"), "the database does not exist"),
    ]:
        outcome = thriftnet("search", space, "--study", study, "--storage", storage)
        assert outcome.code == 2
        assert told in outcome.error_line
        assert PASSWORD not in outcome.err
        assert "wrong-word" not in outcome.err
    assert thriftnet("search", "status", kept, "--storage", url).code == 0
    for words in (("status", kept), (tiny, "--study", kept)):
        lost = thriftnet("search", *words)
        assert "keeps its jobs in a database; pass its --storage URL" in lost.error_line


def test_a_trial_whose_folder_is_not_there_is_trained_again_from_its_start(
    grid_folder: Path, unbroken: Finished, tmp_path: Path
):
    study = Path(shutil.copytree(grid_folder / "unbroken", tmp_path / "study"))
    (study / "grid.json").unlink()
    shutil.rmtree(study / "trials")
    with closing(sqlite3.connect(study / "study.db")) as database, database:
        first = "select min(number) from jobs where epochs = 2"
        database.execute(f"delete from jobs where number >= ({first})")
    go_on(study)
    assert finished(study) == unbroken
    assert no_epoch_was_trained_twice(study)
