"""The threads of a study are its own: any number of workers, and an old study, keep them."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import torch

from thriftnet.search.space import load_space
from thriftnet.search.study import Study
from thriftnet.search.threads import computing_with, trial_threads
from tiny import space_file


def test_a_study_records_its_threads_and_computes_with_them(tmp_path: Path):
    space = load_space(space_file(tmp_path, threads=3))
    Study.create(tmp_path / "study", space).storage.close()
    study = Study.open(tmp_path / "study")
    with closing(study.storage), computing_with(study.threads):
        assert torch.get_num_threads() == study.threads == 3
    assert torch.get_num_threads() != 3


def test_an_old_study_goes_on_with_the_threads_of_its_trials_and_its_digest(tmp_path: Path):
    space = load_space(space_file(tmp_path))
    path = tmp_path / "study"
    Study.create(path, space).storage.close()
    _, _, text = (path / "space.yaml").read_text().partition("\n")  # without its digest
    text = text.replace("threads: 1\n", "")
    (path / "space.yaml").write_text(text)  # as one from before the key
    assert load_space(path / "space.yaml").digest() == space.digest()
    for number, threads in enumerate((2, 4, 4)):
        trial = path / "trials" / "grid" / f"c{number}-s0"
        trial.mkdir(parents=True)
        (trial / "environment.json").write_text(json.dumps({"threads": threads}))
    with closing(Study.create(path, space).storage):
        assert trial_threads(path, load_space(path / "space.yaml")) == 4


def test_threads_are_part_of_what_a_study_is(tmp_path: Path):
    one, two = (load_space(space_file(tmp_path, threads=n)).digest() for n in (1, 2))
    assert one != two


def test_what_strangers_put_into_trials_says_nothing_of_threads(tmp_path: Path):
    space = load_space(space_file(tmp_path))
    text = (tmp_path / "tiny.yaml").read_text().replace("threads: 1\n", "")
    (tmp_path / "tiny.yaml").write_text(text)
    odd = ["Infinity", "1e400", "-3", "true", "99999999", '"2"', "[" * 100_000]
    for number, value in enumerate(odd):
        trial = tmp_path / "trials" / "grid" / f"c{number}-s0"
        trial.mkdir(parents=True)
        (trial / "environment.json").write_text(f'{{"threads": {value}}}')
    os.mkfifo(trial / "environment.json.fifo")
    (trial / "environment.json").unlink()
    (trial / "environment.json.fifo").rename(trial / "environment.json")
    assert trial_threads(tmp_path, load_space(tmp_path / "tiny.yaml")) == space.threads
