"""The nearest images by features, against all angles computed one by one."""

from __future__ import annotations

import numpy as np
import pytest

from thriftnet.evaluation.features import neighbours
from thriftnet.evaluation.features.neighbours import nearest, typicality, unit_features


@pytest.mark.parametrize("at_once", [1, 200, 2**24])
def test_nearest_are_those_of_the_smallest_angle(at_once: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neighbours, "_VALUES_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    index, queries = (unit_features(rng.normal(size=(n, 8))) for n in (50, 13))
    found = nearest(queries, index.astype(np.float16), 4)
    for row, query in enumerate(queries):
        cosines = np.array([float(query @ each) for each in index])
        assert found.positions[row].tolist() == np.argsort(-cosines)[:4].tolist()
        np.testing.assert_allclose(found.similarity[row], np.sort(cosines)[::-1][:4], atol=2e-3)


def test_fewer_images_than_asked_for_are_all_of_them():
    index = unit_features(np.eye(3))
    found = nearest(index[:1], index, 5)
    assert found.positions.shape == (1, 3)
    assert found.positions[0, 0] == 0
    assert nearest(index[:0], index, 2).positions.shape == (0, 2)


def test_lengths_are_one_and_zero_stays():
    found = unit_features(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]])


def test_what_is_unlike_all_is_least_typical():
    rng = np.random.default_rng(1)
    centre = rng.normal(size=16)
    index = unit_features(centre + 0.3 * rng.normal(size=(300, 16)))
    queries = unit_features(centre + 0.3 * rng.normal(size=(40, 16)))
    queries[7] = unit_features(-centre[None])[0]
    assert typicality(queries, index).argmin() == 7
