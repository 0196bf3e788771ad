"""The peer's batches in pieces, and a file of several machines."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from peer import _Functional, _Pending


def test_a_batch_in_pieces_has_the_gradient_of_the_whole() -> None:
    network, images = nn.Linear(6, 10), torch.randn(8, 6)
    labels = torch.arange(8)
    options: dict[str, Any] = {"label_smoothing": 0.2, "reduction": "sum"}
    nn.functional.cross_entropy(network(images), labels, **options).backward()
    assert network.weight.grad is not None
    whole, network.weight.grad = network.weight.grad, None

    def forward(own: nn.Module, piece: Tensor, **_: Any) -> Tensor:
        return own(piece)

    outputs = _Pending(forward, (network, images), {})
    _Functional(4).cross_entropy(outputs, labels, **options).backward()
    assert network.weight.grad is not None
    torch.testing.assert_close(network.weight.grad, whole)
    torch.testing.assert_close(outputs.detach(), network(images).detach())
    assert len(outputs.pieces) == 2
