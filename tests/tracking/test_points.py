"""Points of lines that a tracker does not get while a run trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from shown import Train
from thriftnet.tracking.points import read_points


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Without the store that MLflow needs."""
    return tmp_path / "runs"


def test_robustness_has_points_with_its_interval(train: Train) -> None:
    run = train()
    line = {"kind": "robustness", "data": "test", "tta": "none", "mean": 0.5, "clean": 0.9}
    run.append({**line, "interval": [0.4, 0.6], "corruptions": {"fog": [0.5] * 5}})
    run.append({**line, "data": "photos@12", "tta": "flip", "mean": 0.7})
    points = {point.name: point.value for point in read_points(run)}
    found = {name: value for name, value in points.items() if name.startswith("robustness")}
    assert found == {
        "robustness/mean": 0.5,
        "robustness/mean_low": 0.4,
        "robustness/mean_high": 0.6,
        "robustness/clean": 0.9,
        "robustness_photos@12_flip/mean": 0.7,
        "robustness_photos@12_flip/clean": 0.9,
    }


def test_steps_have_times_between_the_ends_of_epochs(train: Train) -> None:
    points = read_points(train())
    seconds = [point.seconds for point in points if point.name == "loss/step"]
    ends = [point.seconds for point in points if point.name == "loss/train"]
    assert seconds == sorted(seconds)
    assert seconds[3::4] == pytest.approx(ends)
