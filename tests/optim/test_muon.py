"""Muon against NumPy: the iteration, the direction it ends in, and whole steps."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from thriftnet.optim import muon
from thriftnet.optim.muon import Muon, orthogonalise, orthogonalise_each

Matrix = NDArray[np.float64]


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def newton_schulz(matrix: Matrix, steps: int) -> Matrix:
    """The quintic iteration in double precision, on the singular values themselves."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.sqrt((values**2).sum())
    for _ in range(steps):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left * values @ right


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (24, 24), (1, 9), (9, 1), (64, 576)])
@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
def test_result_is_nearly_semi_orthogonal(shape: tuple[int, int], scale: float):
    matrix = draw(*shape)
    result = orthogonalise(matrix * scale, steps=5)
    assert result.dtype == torch.float32
    assert result.shape == shape
    values = np.linalg.svd(result.double().numpy(), compute_uv=False)
    assert values.min() > 0.6
    assert values.max() < 1.25
    left, _, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    polar = left @ right  # the nearest semi-orthogonal matrix
    cosine = (result.numpy() * polar).sum() / np.linalg.norm(result) / np.linalg.norm(polar)
    assert cosine > 0.97


@pytest.mark.parametrize("steps", [1, 3, 5])
@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (24, 24)])
def test_iteration_against_double_precision(shape: tuple[int, int], steps: int):
    matrix = draw(*shape)
    expected = newton_schulz(matrix.double().numpy(), steps)
    found = orthogonalise(matrix, steps=steps).double().numpy()
    # bfloat16 keeps 8 bits and each step adds its rounding: 5% of the matrix's norm is ample.
    assert np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)


@pytest.mark.parametrize(("fast", "error"), [(True, 0.05), (False, 1e-5)])
def test_bfloat16_only_where_the_hardware_has_it(
    fast: bool, error: float, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(muon, "has_fast_bf16", lambda _: fast)
    matrix = draw(24, 144)
    found = orthogonalise(matrix).double().numpy()
    expected = newton_schulz(matrix.double().numpy(), 3)
    assert error / 100 < np.linalg.norm(found - expected) / np.linalg.norm(expected) < error
    assert torch.equal(orthogonalise(torch.zeros(4, 9)), torch.zeros(4, 9))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("shape", [(16, 144), (144, 16)])
def test_matrices_together_become_what_each_becomes_alone(
    shape: tuple[int, int], fast: bool, monkeypatch: pytest.MonkeyPatch
):
    """What an accelerator does, by the numbers of a CPU."""
    monkeypatch.setattr(muon, "has_fast_bf16", lambda _: fast)
    matrices = [draw(*shape, seed=seed) * 10**seed for seed in range(3)]
    for found, matrix in zip(orthogonalise_each(matrices), matrices, strict=True):
        alone = orthogonalise(matrix)
        assert found.dtype == torch.float32
        assert (found - alone).norm() < (0.01 if fast else 1e-5) * alone.norm()


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (6, 20, 1, 1), (30, 2, 3, 3)])
def test_three_steps_against_numpy(shape: tuple[int, ...], memory: torch.memory_format):
    lr, momentum = 0.1, 0.6
    weight = torch.nn.Parameter(draw(*shape).to(memory_format=memory))
    optimiser = Muon([weight], lr=lr, momentum=momentum)
    expected = weight.detach().double().numpy().reshape(shape[0], -1)
    buffer = np.zeros_like(expected)
    for step in range(3):
        gradient = draw(*shape, seed=step + 1) * (8, 1, 1)[step]  # so that the momentum shows
        weight.grad = gradient.to(memory_format=memory)
        optimiser.step()
        flat = gradient.double().numpy().reshape(shape[0], -1)
        buffer = momentum * buffer + flat
        update = newton_schulz(flat + momentum * buffer, 3)
        expected = expected * np.sqrt(shape[0]) / np.linalg.norm(expected) - lr * update
    found = weight.detach().double().numpy().reshape(shape[0], -1)
    # Only the updates are in bfloat16, measured within 1.2%: 2% of three, of norm lr * sqrt(rows).
    assert np.linalg.norm(found - expected) < 0.02 * 3 * lr * np.sqrt(shape[0])
    assert weight.is_contiguous(memory_format=memory)


def test_size_of_the_gradient_plays_no_part():
    results: list[torch.Tensor] = []
    for scale in (1.0, 1024.0):
        weight = torch.nn.Parameter(draw(8, 4, 3, 3))
        weight.grad = draw(8, 4, 3, 3, seed=1) * scale
        Muon([weight], lr=0.1).step()
        results.append(weight.detach())
    torch.testing.assert_close(results[0], results[1], rtol=1e-2, atol=2e-3)


def test_update_has_the_length_of_the_learning_rate():
    weight = torch.nn.Parameter(draw(8, 8, 3, 3))
    with torch.no_grad():
        weight.mul_(8**0.5 / weight.norm())
    before = weight.detach().clone()
    weight.grad = draw(8, 8, 3, 3, seed=1)
    Muon([weight], lr=0.1).step()
    length = (weight.detach() - before).norm().item()
    assert 0.7 * 0.1 * 8**0.5 < length < 1.2 * 0.1 * 8**0.5


def test_weight_without_gradient_stays_and_a_closure_is_called():
    idle, moved = torch.nn.Parameter(draw(4, 4)), torch.nn.Parameter(draw(4, 4))
    before = idle.detach().clone()
    optimiser = Muon([idle, moved], lr=0.1)

    def closure() -> float:
        loss = (moved**2).sum()
        loss.backward()
        return loss.item()

    expected = (moved.detach() ** 2).sum().item()
    assert optimiser.step(closure) == expected
    assert torch.equal(idle, before)
    assert moved.detach().norm().item() != pytest.approx(expected**0.5)
