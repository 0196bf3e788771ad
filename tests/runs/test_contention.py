"""What a run says of other work on its processors."""

from __future__ import annotations

from typing import Any

import pytest

from thriftnet.runs.contention import contention_text, mean_contention


def epoch(seconds: object, share: object) -> dict[str, Any]:
    return {"kind": "epoch", "seconds": seconds, "cpu_contention": share}


def test_mean_is_weighted_by_the_time_of_each_epoch() -> None:
    lines = [epoch(10.0, 0.5), epoch(12.0, None), epoch(42.0, 0.1)]
    assert mean_contention(lines) == pytest.approx((10 * 0.5 + 30 * 0.1) / 40)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"kind": "epoch", "seconds": 3.0}],  # of an earlier version
        [epoch(3.0, None)],
        [epoch(3.0, "much"), epoch(None, 0.5)],
    ],
)
def test_nothing_is_known_of_runs_that_did_not_measure(lines: list[dict[str, Any]]) -> None:
    assert mean_contention(lines) is None


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, ""), (0.0, ""), (0.099, ""), (0.333, "other work 33%"), ("x", "")],
)
def test_a_large_share_alone_is_told(share: object, text: str) -> None:
    assert contention_text(share) == text
