"""Every way a space can be wrong is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thriftnet.errors import SearchError
from thriftnet.search.candidates import count_candidates
from thriftnet.search.space import load_space
from tiny import TINY, space_file


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"grids": {}}, "grids is not a space key; did you mean grid?"),
        ({"grid": {}}, "grid={} is wrong"),
        ({"grid": {"optim.lr": []}}, r"grid.optim.lr=\[\] is wrong"),
        ({"grid": {"optim.lrr": [1]}}, "optim.lrr is not a recipe key; did you mean optim.lr"),
        ({"grid": {"optim.lr": [0.1, 0.1]}}, "grid.optim.lr has 0.1 twice"),
        ({"grid": {"optim.lr": [1, 1.0]}}, "grid.optim.lr 1 and 1.0 make the same recipe"),
        ({"grid": {"optim.lr": [0.1, -1]}}, "optim.lr=-1 is wrong"),
        ({"grid": {"train.epochs": [1, 2]}}, "grid.train.epochs is set by halving.rungs"),
        ({"set": {"seed": 3}}, "set.seed is set by validation.seeds"),
        ({"set": {"train": {"epochs": 3}}}, "set.train.epochs is set by halving.rungs"),
        ({"grid": {"train": [{"batch_size": 50}]}}, "grid.train is a whole section; name its keys"),
        (
            {"set": {**TINY["set"], "schedule.warmup_epochs": 2}, "validation": {"epochs": 1}},
            "longer than train.epochs 1.*validation.epochs of the space",
        ),
        ({"set": {"data.val_ratio": 0}}, "data.val_ratio is 0, and a search chooses"),
        ({"set": {"data.val_ratio": 1e-5}}, "data.val_ratio is 1e-05, and a search chooses"),
        ({"max_parameters": 100}, "all 8 candidates are over budget; the smallest"),
        ({"max_parameters": True}, "give a number, not true or false"),
        ({"halving": {"rungs": [3, 1]}}, "halving.rungs must increase"),
        ({"halving": {"rung": [1]}}, "halving.rung is not a space key; did you mean halving.rungs"),
        ({"validation": {"seeds": [1, 2]}}, "validation.seeds"),
        ({"validation": {"seeds": [1, 2, 2]}}, "has a seed twice"),
        ({"refinement": {"strength": [2, 1]}}, "refinement.strength must increase"),
        ({"refinement": {"trial": 3}}, "trial is not a space key; did you mean refinement.trials"),
        ({"winner": {"optim.lrr": 1}}, "optim.lrr is not a recipe key.*section winner"),
        ({"winner": {"train.epochs": "lots"}}, "train.epochs='lots' is wrong.*section winner"),
        ({"winner": {"train.epochs": None}}, "train.epochs.*section winner"),
        ({"winner": {"train.epochs": [50]}}, "train.epochs.*section winner"),
        ({"winner": {"train": {"batch_size": 9}}}, "winner.train is a whole section; name its k"),
        ({"winner": {"seed": 3}}, "winner.seed is set by validation.seeds"),
        ({"winner": {"max_parameters": 9}}, "winner.max_parameters is set by the space's own max"),
        (
            {"set": {"optim.lr": 0.3}, "grid": {"optim": [{"name": "sgd"}, {"name": "adamw"}]}},
            "set.optim.lr would be lost because grid.optim replaces whole sections",
        ),
        ({"reference": {"model.blocks": [1]}}, "with the space's reference"),
        ({"base": "smok"}, "base: no recipe is named 'smok'"),
        ({"base": None}, "base is missing"),
        ({"name": "a/b"}, "use letters, digits"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_space_is_one_line(tmp_path: Path, changes: dict[str, Any], told: str):
    path = space_file(tmp_path, **changes)
    with pytest.raises(SearchError, match=told) as caught:
        count_candidates(load_space(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"- 1\n", "holds no space"),
        (b"a: [", "is not valid YAML"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_no_space(tmp_path: Path, content: bytes | None, told: str):
    path = tmp_path / "s.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SearchError, match=told):
        load_space(path)


def test_an_unknown_name_lists_the_shipped_ones():
    with pytest.raises(SearchError, match="no space is named 'smal'; use one of .*small"):
        load_space("smal")


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({"optim.lr": [0.1, "0.1"]}, r"grid\.optim\.lr 0\.1 and '0\.1' make the same recipe"),
        ({"optim": [{"name": "sgd"}, {"name": "sgd", "momentum": 0.9}]}, "make the same recipe"),
        (
            {key: list(range(1000)) for key in ("optim.lr", "optim.momentum", "data.fraction")},
            "its grid has 1,000,000,000 combinations, and at most 10,000",
        ),
    ],
)
def test_a_grid_that_cannot_be_meant_is_told_at_once(
    tmp_path: Path, grid: dict[str, Any], told: str
):
    space = load_space(space_file(tmp_path, grid=grid, reference=None))
    with pytest.raises(SearchError, match=told):
        count_candidates(space)


def test_the_grid_of_a_received_study_is_bounded_too(tmp_path: Path):
    grid = {key: list(range(1000)) for key in ("optim.lr", "optim.momentum")}
    space = load_space(space_file(tmp_path, grid=grid, reference=None))
    with pytest.raises(SearchError, match="1,000,000 combinations, and at most 10,000"):
        count_candidates(space, begun=True)
