"""Optimizes a trained network for inference, with torch only.

`benchmarks/inference.py` measures each step and the alternatives.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from thriftnet.kernels import winograd
from thriftnet.models.fold import folded
from thriftnet.runtime.device import Compute
from thriftnet.runtime.layout import with_layout


def optimize_for_inference(network: nn.Module, compute: Compute) -> nn.Module:
    """An inference-only copy: batch norms folded, weights stored in the precision they run in.

    Otherwise autocast would convert, and oneDNN reorder, every weight at each call, which dominates
    the latency of a single picture.

    Returns:
        A network on `compute.device` from (N, 3, H, W) float32 images to (N, classes) logits in the
        precision of `compute`.
    """
    fast = folded(network).to(compute.device)
    fast = with_layout(fast, torch.channels_last)
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
    """An inference-only convolution: Winograd's, or the operator of `torch.compile` on CPUs."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.geometry = (list(_numbers(conv.padding)), list(conv.stride), list(conv.dilation))
        self.groups = conv.groups
        self.plain = conv if _is_plain(conv) else None
        self.winograd: Tensor | None = None
        """Weights for it, made when first needed: they take four times the memory."""
        self.bias = None if conv.bias is None else conv.bias.detach()
        # An attribute, not a buffer: the packed layout is opaque and cannot be saved or moved.
        self.weight: Tensor = torch.ops.aten.mkldnn_reorder_conv2d_weight(
            conv.weight.detach().to_mkldnn(), *self.geometry, self.groups
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H', W')."""
        if self.plain is not None:
            padding, weight = self.geometry[0][0], self.plain.weight
            if winograd.gains(x, weight, padding=padding):
                if self.winograd is None:
                    self.winograd = winograd.pack(weight)
                x = x.contiguous(memory_format=torch.channels_last)
                return winograd.convolve(
                    x, self.winograd, self.bias, channels=len(weight), padding=padding
                )
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, *self.geometry, self.groups, "none", [], ""
        )


def _is_plain(conv: nn.Conv2d) -> bool:
    """Whether Winograd's way can compute it."""
    square = conv.kernel_size == (3, 3) and conv.padding in ((0, 0), (1, 1))
    return square and conv.stride == conv.dilation == (1, 1) and conv.groups == 1


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
