"""Names in little room."""

from __future__ import annotations

import pytest

from thriftnet.names import common_start, short_names


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (["fashion-wide-lr0.01-s0", "fashion-wide-lr0.02-s0"], "fashion-wide-"),
        (["fashion-wide-s0"] * 2, ""),  # one name: nothing tells it from others
        (["fashion-wide-s0"], ""),
        (["small optim.lr=0.01", "small optim.lr=0.02"], ""),  # a key is not cut in two
        (["cat", "cattle"], ""),
        ([], ""),
    ],
)
def test_what_all_begin_with_ends_at_a_separator(names: list[str], start: str):
    assert common_start(names) == start


def test_short_names_lose_the_beginning_and_then_their_middle():
    names = [
        f"2026-11-29-fashion-mnist-{kind}-s{seed}" for kind in ("wide", "deep") for seed in (0, 1)
    ]
    assert short_names(names, longest=30) == ["wide-s0", "wide-s1", "deep-s0", "deep-s1"]
    assert short_names(["Tomato___Late_blight_leaf", "cat"], longest=11) == ["Tomat…_leaf", "cat"]


@pytest.mark.parametrize("longest", [6, 14, 40])
def test_different_names_stay_different_and_equal_ones_equal(longest: int):
    names = [f"a-very-{'x' * 30}-{n}-{'y' * 30}" for n in range(12)] + ["a", "a", "\x1b[31m"]
    found = short_names(names, longest=longest)
    assert all(len(name) <= longest for name in found)
    assert len(set(found)) == len(set(names))
    assert found[12] == found[13]
    assert all(name.isprintable() for name in found)
