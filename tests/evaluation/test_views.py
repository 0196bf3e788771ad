"""Test-time augmentation against every view worked out by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from thriftnet.errors import RecipeError
from thriftnet.evaluation.views import VIEWS, choose_views


class Recorder:
    """A forward function that keeps what it was shown; logits depend on every pixel."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []
        self.weights = torch.randn(
            3 * 6 * 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64
        )

    def __call__(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return torch.tanh(images.reshape(len(images), -1) @ self.weights)


@pytest.fixture
def images() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 6, 5, generator=generator, dtype=torch.float64)


def six_views(images: Tensor) -> list[Tensor]:
    """In place, shifted up-left and down-right; then the same mirrored."""
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    straight = [images.numpy(), padded[:, :, 2:, 2:], padded[:, :, :-2, :-2]]
    return [torch.from_numpy(v.copy()) for v in straight + [v[:, :, :, ::-1] for v in straight]]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("none", [1, 0, 0, 0, 0, 0]),
        ("flip", [1 / 2, 0, 0, 1 / 2, 0, 0]),
        ("flip_shift", [1 / 4, 1 / 8, 1 / 8, 1 / 4, 1 / 8, 1 / 8]),
    ],
)
def test_logits_are_the_weighted_mean_of_the_views(images: Tensor, name: str, weights: list[float]):
    forward, reference = Recorder(), Recorder()
    found = VIEWS[name](forward, images)
    views = six_views(images)
    expected = sum(w * reference(v) for w, v in zip(weights, views, strict=True))
    assert sum(weights) == 1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)
    needed = [view for view, weight in zip(views, weights, strict=True) if weight]
    assert len(forward.seen) == len(needed)  # no view is computed twice
    for view in needed:
        assert any(torch.equal(view, seen) for seen in forward.seen)


def test_mirror_image_is_read_the_same():
    forward = Recorder()
    images = torch.randn(3, 3, 6, 5, dtype=torch.float64)
    assert torch.equal(VIEWS["flip"](forward, images), VIEWS["flip"](forward, images.flip(-1)))


def test_unknown_way_of_reading_names_the_known_ones():
    with pytest.raises(RecipeError, match="evaluate.tta='crop' is not one of none, flip, flip_shi"):
        choose_views("crop")
