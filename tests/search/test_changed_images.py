"""Trials on other images cannot be compared: a search does not go on with such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thriftnet.data import Dataset, OpenDataset
from thriftnet.data.opened import open_arrays
from thriftnet.digests import dump_json
from thriftnet.errors import SearchError
from thriftnet.search.run import check_images


def images(seed: int) -> OpenDataset:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 16, 16, 3), np.uint8)
    return open_arrays(Dataset(pixels, np.arange(8) % 2, ("cat", "dog")), name="photos")


def test_a_search_goes_on_with_the_images_of_its_trials_alone(tmp_path: Path):
    check_images(tmp_path, images(0))  # no trial yet
    for name, environment in (
        ("a-s0", "{"),  # damaged
        ("b-s0", dump_json({"commit": "of an earlier version"})),
        ("c-s0", dump_json({"data": images(0).digests()})),
    ):
        trial = tmp_path / "trials" / "grid" / name
        trial.mkdir(parents=True)
        (trial / "environment.json").write_text(environment)
    check_images(tmp_path, images(0))
    with pytest.raises(SearchError, match="trained on other images than photos holds now; restor"):
        check_images(tmp_path, images(1))
