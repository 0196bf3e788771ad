"""Published test sets of others: files that hold something else are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thriftnet.data.cifar10.published import find_cifar10_1
from thriftnet.errors import DataError


@pytest.mark.parametrize("labels", [[0, 17], [0, -1], 3, [[0], [1]]])
def test_labels_of_cifar10_1_that_are_none(tmp_path: Path, labels: object):
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.array(labels))
    np.save(tmp_path / "cifar10.1_v6_data.npy", np.zeros((2, 32, 32, 3), np.uint8))
    with pytest.raises(
        DataError, match=r"v6_labels\.npy is not a row of labels from 0 to 9; get a"
    ):
        find_cifar10_1(tmp_path)
