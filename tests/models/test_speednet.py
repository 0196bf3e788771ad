"""The fast family: whitening stem, identity initialisation, shapes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thriftnet.models.build import build_model
from thriftnet.models.speednet import SpeedNet
from thriftnet.recipe.model_sections import SpeedNetSection


def speednet(**options: Any) -> SpeedNet:
    settings = {"blocks": [2, 1], "channels": [32, 40], **options}
    network = build_model(family="speednet", classes=5, **settings)
    assert isinstance(network, SpeedNet)
    return network


def natural_images(count: int = 200) -> Tensor:
    """Smooth, correlated colours with a little noise: (N, 3, 32, 32), about standardised."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(count, 3, 5, 5, generator=generator)
    smooth = nn.functional.interpolate(coarse, (32, 32), mode="bilinear", align_corners=True)
    mixing = torch.tensor([[1.0, 0.8, 0.7], [0.8, 1.0, 0.9], [0.6, 0.9, 1.0]])
    noise = 0.3 * torch.randn(count, 3, 32, 32, generator=generator)
    return torch.einsum("ij,njhw->nihw", mixing, smooth) + noise


def patches(images: Tensor, kernel: int) -> np.ndarray[Any, Any]:
    """All square patches, (patches, 3 * kernel * kernel), cut out with NumPy."""
    shape = (kernel, kernel)
    windows = np.lib.stride_tricks.sliding_window_view(images.double().numpy(), shape, (2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 3 * kernel**2)


@pytest.mark.parametrize(("kernel", "channels"), [(2, 24), (2, 8), (3, 16), (3, 54)])
def test_whitened_patches_have_unit_covariance_and_both_signs(kernel: int, channels: int):
    network, images = speednet(stem_kernel=kernel, stem_channels=channels), natural_images()
    network.whiten(images, eps=0.0)
    kept = channels // 2
    filters = network.stem.weight.double().numpy().reshape(channels, -1)
    np.testing.assert_array_equal(filters[kept:], -filters[:kept])
    cut = patches(images, kernel)
    white = cut @ filters[:kept].T
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(kept), atol=1e-4)
    # What is kept varies most: a filter's length is one over the deviation along its direction.
    variances = np.linalg.eigvalsh(cut.T @ cut / len(cut))[-kept:]
    np.testing.assert_allclose((filters[:kept] ** 2).sum(1), 1 / variances, rtol=1e-3)
    with torch.no_grad():
        out = network.stem(images) - network.stem.bias[:, None, None]
    np.testing.assert_allclose(
        out.permute(0, 2, 3, 1).reshape(-1, channels)[:, :kept].numpy(), white, atol=1e-4
    )
    assert not network.stem.weight.requires_grad


def test_three_pixel_stem_leaves_grids_that_halve_evenly():
    network = speednet(stem_kernel=3)
    with torch.no_grad():
        x = network.stem(torch.zeros(1, 3, 32, 32))
        assert x.shape[2:] == (30, 30)
        assert network.groups[0].convs[0](x).shape[2:] == (28, 28)
        assert [(x := group(x)).shape[2] for group in network.groups] == [14, 7]


def test_flat_patches_do_not_become_noise():
    network, images = speednet(), torch.zeros(10, 3, 32, 32)
    network.whiten(images, eps=5e-4)
    assert torch.isfinite(network.stem.weight).all()
    assert network.stem.weight.abs().max() <= 5e-4**-0.5 + 1e-3


@pytest.mark.parametrize(("inside", "out"), [(24, 32), (24, 24), (24, 10)])
def test_first_convolution_passes_its_input_through(inside: int, out: int):
    conv = speednet(channels=[out, 8]).groups[0].convs[0]
    x = torch.randn(2, inside, 6, 6)
    passed = min(inside, out)
    with torch.no_grad():
        assert torch.equal(conv(x)[:, :passed], x[:, :passed])
    assert (conv.weight[passed:].flatten(1).norm(dim=1) > 0).all()  # the others are drawn


@pytest.mark.parametrize("residual", [False, True])
def test_signal_passes_a_fresh_network_whole(residual: bool):
    network = speednet(blocks=[3, 3, 3], channels=[32, 32, 32], residual=residual)
    images = natural_images(64)
    network.whiten(images)
    x = network.train().act(network.stem(images))
    with torch.no_grad():
        for group in network.groups:
            x = group(x)
            assert 0.2 < x.std() < 5
        logits = network(images)
    assert logits.std(dim=0).min() > 1e-2  # images are still told apart


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("blocks", [[1], [2, 1], [1, 1, 1, 1]])
def test_every_combination_of_options_learns(blocks: list[int], activation: str, residual: bool):
    channels = [8, 12, 8, 6][: len(blocks)]
    network = speednet(
        blocks=blocks, channels=channels, activation=activation, residual=residual
    ).train()
    logits = network(natural_images(4))
    assert logits.shape == (4, 5)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3])).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name


def test_bf16_whitening_convolution_is_close_to_fp32():
    # oneDNN has computed 2x2 bf16 convolutions wrongly on some AMD processors (pytorch #163347).
    network, images = speednet(), natural_images(50)
    network.whiten(images)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        exact = network.stem(images)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network.stem(images).float()
    # Inputs and filters keep 8 bits: an error of 2^-8 of the sum of magnitudes, and of the result.
    scale = nn.functional.conv2d(images.abs(), network.stem.weight.abs())
    assert ((rough - exact).abs() <= 2**-7 * (scale + exact.abs() + 1)).all()


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("side", [16, 17, 19, 20, 24, 32])
def test_the_recipe_knows_the_last_groups_grid(kernel: int, side: int):
    """It refuses images that a network has no pixel left for; the network itself gives an error."""
    for groups in (1, 2, 3, 4):
        shape = {"blocks": [1] * groups, "channels": [8] * groups, "stem_kernel": kernel}
        grid = SpeedNetSection(family="speednet", **shape).last_grid(side)
        network = speednet(**shape).eval()
        images = torch.zeros(1, 3, side, side)
        if grid < 1:
            with pytest.raises(RuntimeError, match="Output size is too small"):
                network(images)
        else:
            assert network.groups(network.stem(images)).shape[2:] == (grid, grid)
