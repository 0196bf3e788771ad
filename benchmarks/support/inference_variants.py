"""Methods of inference with torch only; each computes the logits of a batch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from thriftnet.augment import normalise
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.optimise import optimize_for_inference, pack_convolutions
from thriftnet.models.fold import folded
from thriftnet.models.saved import SavedModel
from thriftnet.runtime.device import Compute
from thriftnet.runtime.layout import with_layout


@dataclass(frozen=True)
class Batch:
    """Images as bytes and as network input."""

    pixels: NDArray[np.uint8]
    """(N, H, W, 3)."""
    images: Tensor
    """(N, 3, H, W) float32, normalised, in plain order."""


Read = Callable[[Batch], Tensor]
"""A batch to logits (N, classes) float32."""

PREDICTOR = "predictor, from bytes"
"""The package's predictor, including normalisation and softmax."""
COMPILED = ("compiled, autocast bf16", "compiled, folded bf16", "compiled, folded bf16, frozen")
"""They need a C++ compiler."""

_BF16 = Compute(torch.device("cpu"), "bf16")


def make_batch(model: SavedModel, pixels: NDArray[np.uint8]) -> Batch:
    """Make a batch for a model from (N, H, W, 3) bytes."""
    images = normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2), mean=model.mean, std=model.std)
    return Batch(pixels, images.contiguous())


def torch_variants(model: SavedModel) -> dict[str, Read]:
    """All methods with torch only, by name; from here on freed memory is kept."""
    plain = with_layout(copy.deepcopy(model.network).eval(), torch.contiguous_format)
    last = _channels_last(copy.deepcopy(model.network).eval())
    fold = _channels_last(folded(model.network))
    mixed = copy.deepcopy(fold)
    for module in mixed.modules():
        if isinstance(module, nn.Conv2d):
            module.to(torch.bfloat16)
    whole = copy.deepcopy(fold).to(torch.bfloat16)
    fused = copy.deepcopy(fold)
    pack_convolutions(fused)
    predictor = Classifier(model, tta="none", device="cpu", precision="bf16")
    packed = _as_fp32(optimize_for_inference(model.network, _BF16))
    return {
        "eager fp32, freed memory kept": _plain(plain),
        "fp32, channels-last": _as_fp32(last),
        "autocast bf16": _autocast(last),
        "folded fp32": _as_fp32(fold),
        "folded, bf16 weights of convolutions, autocast": _autocast(mixed),
        "folded bf16": _as_bf16(whole),
        "folded bf16, traced and frozen": _as_bf16(_frozen(whole, model)),
        "folded bf16, pieces of 64": _in_pieces(_as_bf16(whole), 64),
        "folded and packed fp32": _as_fp32(fused),
        "folded and packed bf16": packed,
        "folded and packed bf16, pieces of 64": _in_pieces(packed, 64),
        "folded and packed bf16, pooling by maxima of slices": _sliced_pooling(packed),
        PREDICTOR: lambda batch: torch.from_numpy(predictor.probabilities(batch.pixels)).log(),
    }


def compiled_variants(model: SavedModel) -> dict[str, Read]:
    """`torch.compile` variants; compiled at the first batch of each size."""
    whole = _channels_last(folded(model.network)).to(torch.bfloat16)
    original = _channels_last(copy.deepcopy(model.network).eval())
    first, second, third = COMPILED
    return {
        first: _autocast(torch.compile(original, dynamic=False)),
        second: _as_bf16(torch.compile(whole, dynamic=False)),
        third: _as_bf16(
            torch.compile(copy.deepcopy(whole), dynamic=False, options={"freezing": True})
        ),
    }


Network = Callable[[Tensor], Tensor]


def _channels_last(network: nn.Module) -> nn.Module:
    return with_layout(network, torch.channels_last)


def _plain(network: Network) -> Read:
    return lambda batch: network(batch.images)


def _as_fp32(network: Network) -> Read:
    return lambda batch: network(batch.images.contiguous(memory_format=torch.channels_last)).float()


def _as_bf16(network: Network) -> Read:
    def read(batch: Batch) -> Tensor:
        images = batch.images.to(torch.bfloat16, memory_format=torch.channels_last)
        return network(images).float()

    return read


def _autocast(network: Network) -> Read:
    def read(batch: Batch) -> Tensor:
        with _BF16.autocast():
            return network(batch.images.contiguous(memory_format=torch.channels_last)).float()

    return read


def _in_pieces(read: Read, size: int) -> Read:
    """Split batches, so that activations stay in the caches."""

    def pieces(batch: Batch) -> Tensor:
        at = range(0, len(batch.images), size)
        return torch.cat(
            [read(Batch(batch.pixels[i : i + size], batch.images[i : i + size])) for i in at]
        )

    return pieces


def _frozen(network: nn.Module, model: SavedModel) -> Network:
    example = torch.zeros(2, 3, model.image_size, model.image_size, dtype=torch.bfloat16)
    example = example.to(memory_format=torch.channels_last)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, but still available
        return torch.jit.freeze(torch.jit.trace(network, example))


def _sliced_pooling(read: Read) -> Read:
    """2x2 max pooling as three maxima of slices instead of torch's kernel."""

    def pool(x: Tensor, _size: int) -> Tensor:
        height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
        rows = torch.maximum(x[:, :, 0:height:2], x[:, :, 1:height:2])
        return torch.maximum(rows[..., 0:width:2], rows[..., 1:width:2])

    def sliced(batch: Batch) -> Tensor:
        with mock.patch.object(F, "max_pool2d", pool):
            return read(batch)

    return sliced
