"""Test-time augmentation against every view worked out by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thriftnet.errors import RecipeError
from thriftnet.inference.engine import Engine
from thriftnet.inference.views import VIEWS, choose_views
from thriftnet.runtime.device import choose_compute

CPU = choose_compute(device="cpu", precision="fp32")


class Recorder(nn.Module):
    """A network that keeps what it was shown, by twos; logits depend on every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.batches: list[int] = []
        self.weights = torch.randn(3 * 6 * 5, 4, generator=torch.Generator().manual_seed(0))

    def forward(self, images: Tensor) -> Tensor:
        self.seen.extend(images.split(2))
        self.batches.append(len(images))
        return torch.tanh(images.flatten(1) @ self.weights)


def read(network: nn.Module, images: Tensor, kinds: tuple[str, ...]) -> dict[str, Tensor]:
    """Bytes as they are: mean 0, and a std that undoes the scale to 0-1."""
    engine = Engine(network, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255), compute=CPU)
    return engine.side_by_side(images, kinds)


@pytest.fixture
def images() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (2, 3, 6, 5), generator=generator, dtype=torch.uint8)


def six_views(images: Tensor) -> list[Tensor]:
    """In place, shifted up-left and down-right; then the same mirrored."""
    floats = images.float().numpy()
    padded = np.pad(floats, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    straight = [floats, padded[:, :, 2:, 2:], padded[:, :, :-2, :-2]]
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
    network, reference = Recorder(), Recorder()
    found = read(network, images, (name,))[name]
    views = six_views(images)
    expected = sum(w * reference(v) for w, v in zip(weights, views, strict=True))
    assert sum(weights) == 1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    needed = [view for view, weight in zip(views, weights, strict=True) if weight]
    assert len(network.seen) == len(needed)
    for view in needed:
        assert any(torch.allclose(view, seen, atol=1e-4) for seen in network.seen)


def test_ways_of_reading_share_their_views(images: Tensor):
    network = Recorder()
    found = read(network, images, ("flip_shift", "none", "flip"))
    assert len(network.seen) == 6
    for name in found:
        torch.testing.assert_close(found[name], read(Recorder(), images, (name,))[name])


def test_views_of_few_images_are_computed_together(images: Tensor):
    for count, batches in ((1, [6]), (10, [60]), (11, [11] * 6)):
        network = Recorder()
        several = images.repeat(6, 1, 1, 1)[:count]
        found = read(network, several, ("flip_shift",))["flip_shift"]
        assert network.batches == batches
        expected = torch.cat(
            [read(Recorder(), each[None], ("flip_shift",))["flip_shift"] for each in several]
        )
        torch.testing.assert_close(found, expected)


def test_mirror_image_is_read_the_same(images: Tensor):
    straight, mirrored = (read(Recorder(), x, ("flip",))["flip"] for x in (images, images.flip(-1)))
    assert torch.equal(straight, mirrored)


@pytest.mark.parametrize("name", VIEWS)
def test_weights_add_up_to_one(name: str):
    assert sum(VIEWS[name].values()) == 1


def test_unknown_way_of_reading_names_the_known_ones():
    with pytest.raises(RecipeError, match="evaluate.tta='crop' is not one of none, flip, flip_shi"):
        choose_views("crop")


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_weights_of_all_kinds_add_up(name: str) -> None:
    assert sum(choose_views(name).values()) == pytest.approx(1)


def test_turned_and_mirrored_views_are_all_eight_and_none_matters(images: Tensor) -> None:
    square = images[..., :5, :5].contiguous()
    network = SquareRecorder()
    found = read(network, square, ("flip_turn",))["flip_turn"]
    assert len({seen.numpy().tobytes() for seen in network.seen}) == 8
    for other in (square.flip(-1), torch.rot90(square, 1, (2, 3)), square.flip(-2)):
        again = read(SquareRecorder(), other.contiguous(), ("flip_turn",))["flip_turn"]
        torch.testing.assert_close(again, found)


class SquareRecorder(Recorder):
    """The same for images of 5 x 5 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = self.weights[: 3 * 5 * 5]
