"""Optimizes a trained network for inference, with torch only.

`benchmarks/inference.py` measures each step and the alternatives.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from thriftnet.models.fold import folded
from thriftnet.runtime.device import Compute


def optimize_for_inference(network: nn.Module, compute: Compute) -> nn.Module:
    """An inference-only copy: batch norms folded, weights stored in the precision they run in.

    Otherwise autocast would convert, and oneDNN reorder, every weight at each call, which dominates
    the latency of a single picture.

    Returns:
        A network on `compute.device` from (N, 3, H, W) float32 images to (N, classes) logits in the
        precision of `compute`.
    """
    fast = folded(network).to(compute.device)
    fast = fast.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if compute.precision == "bf16":
        fast = _Reduced(fast.to(torch.bfloat16))
    if compute.device.type == "cpu":
        pack_convolutions(fast)
    return fast


def pack_convolutions(network: nn.Module) -> None:
    """Replace convolutions by ones with weights prepacked for oneDNN.

    A convolution stays as it is if this build of torch or this CPU does not support it.
    """
    for parent in list(network.modules()):
        for name, conv in parent.named_children():
            if isinstance(conv, nn.Conv2d) and _can_pack(conv):
                setattr(parent, name, _PackedConvolution(conv))


class _Reduced(nn.Module):
    """A bfloat16 network that takes float32 images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 to (N, classes) bfloat16."""
        return self.network(images.to(torch.bfloat16))


class _PackedConvolution(nn.Module):
    """An inference-only convolution with the operator that `torch.compile` uses on CPUs."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.geometry = (list(_numbers(conv.padding)), list(conv.stride), list(conv.dilation))
        self.groups = conv.groups
        self.bias = None if conv.bias is None else conv.bias.detach()
        # An attribute, not a buffer: the packed layout is opaque and cannot be saved or moved.
        self.weight: Tensor = torch.ops.aten.mkldnn_reorder_conv2d_weight(
            conv.weight.detach().to_mkldnn(), *self.geometry, self.groups
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H', W')."""
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, *self.geometry, self.groups, "none", [], ""
        )


def _can_pack(conv: nn.Conv2d) -> bool:
    if not torch.backends.mkldnn.is_available() or not hasattr(
        torch.ops.mkldnn, "_convolution_pointwise"
    ):
        return False
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        return False
    # Emulated bfloat16 is refused by the operator; float32 always works.
    reduced = conv.weight.dtype == torch.bfloat16
    return not reduced or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _numbers(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    assert not isinstance(padding, str)
    return padding
